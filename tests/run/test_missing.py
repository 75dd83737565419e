"""A missing name is an error of Python's own type, and says which name, where, and what comes nearest."""

from types import ModuleType

import pytest

import wengert
from wengert.run.missing import MissingImport, MissingModule, MissingName, public_names, similar


def module(name, **content):
    made = ModuleType(name)
    vars(made).update(content)
    return made


@pytest.fixture
def face():
    """A small module that a program may know as `lamp`."""
    bulbs = module("real.bulbs", glow=1, shine=2, _hidden=3, pytest=pytest, MissingName=MissingName)
    return module("real", floor=1, fmod=2, Tensor=3, bulbs=bulbs)


def test_a_missing_name_is_an_attribute_error_with_its_neighbours(face):
    error = MissingName("flor", face, "lamp")
    assert isinstance(error, AttributeError) and error.name == "flor" and error.obj is face
    assert str(error).startswith("lamp.flor: wengert has no such name (test_missing.py:")
    assert str(error).endswith("Nearest: lamp.floor.")


def test_a_name_that_lives_elsewhere_in_torch_is_found_there(face):
    assert str(MissingName("cross_entropy", wengert, "torch")).endswith("Nearest: torch.nn.functional.cross_entropy.")
    assert str(MissingName("vector_norm", wengert, "torch")).endswith("Nearest: torch.linalg.vector_norm.")
    assert "torch.relu" in str(MissingName("relu", face, "lamp"))


def test_capitals_do_not_matter():
    assert similar("tensor", ["Tensor", "TensorDict", "floor"])[0] == "Tensor"


def test_nothing_near_gives_no_hint(face):
    assert "Nearest" not in str(MissingName("qqqqqq", face, "lamp"))


def test_a_missing_import_is_an_import_error(face):
    error = MissingImport("floo", face, "lamp")
    assert isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError) and error.name == "lamp"
    assert "from lamp import floo: wengert has no such name" in str(error) and "lamp.floor" in str(error)


def test_a_missing_module_is_a_module_not_found_error(face):
    error = MissingModule("lamp.bulb", face)
    assert isinstance(error, ModuleNotFoundError) and error.name == "lamp.bulb"
    assert str(error).endswith("Nearest: lamp.bulbs.")


def test_what_a_module_offers_is_its_all_or_else_its_own_names(face):
    assert public_names(face.bulbs) == {"glow", "shine"}
    assert public_names(module("m", __all__=["a"], b=1)) == {"a"}
