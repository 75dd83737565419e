"""Checkpoints both ways between wengert and PyTorch; and what a file may ask for."""

from __future__ import annotations

import collections
import io
import pickle
import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import wengert
from tests.functions.peer import array
from wengert import nn, optim

torch = pytest.importorskip("torch")

NAMES = (
    "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"  # all that both formats hold
).split()


def to_wengert(obj, **options):
    """What wengert loads of what PyTorch saves."""
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return wengert.load(file)


def to_torch(obj, **options):
    file = io.BytesIO()
    wengert.save(obj, file, **options)
    file.seek(0)
    return torch.load(file, weights_only=True)


FORMATS = pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])


@FORMATS
@pytest.mark.parametrize("name", NAMES)
def test_every_dtype_both_ways(name, options):
    x = (torch.arange(6).reshape(2, 3) - 1).to(getattr(torch, name))
    y = to_wengert(x, **options)
    assert y.dtype is getattr(wengert, name)
    back = to_torch(y, **options)
    assert back.dtype is x.dtype
    assert torch.equal(back, x)


@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64"])
def test_wide_unsigned_integers_both_ways_in_the_zip_format(name):
    x = torch.tensor([[0, 1], [2, 2**16 - 1]], dtype=getattr(torch, name))
    y = to_wengert({"x": x, "row": x[1]})
    assert y["x"].dtype is getattr(wengert, name) and y["row"].tolist() == [2, 2**16 - 1]
    back = to_torch(y)
    assert torch.equal(back["x"], x) and back["row"].untyped_storage().data_ptr() == back["x"].untyped_storage().data_ptr()
    with pytest.raises(RuntimeError, match="old format holds no tensors of"):  # and PyTorch could not read them
        to_torch(y, _use_new_zipfile_serialization=False)


@FORMATS
def test_views_of_one_memory_stay_views(options):
    x = torch.arange(24.0).reshape(4, 6)
    parts = {"x": x, "row": x[1], "t": x.t(), "step": x[::2, 1::2], "wide": x[0, :1].expand(5, 1), "flat": x.view(-1)}
    mine = to_wengert(parts, **options)
    for name, part in parts.items():
        np.testing.assert_array_equal(array(mine[name]), part.numpy())
        assert mine[name].stride() == part.stride()
        assert mine[name].storage_offset() == part.storage_offset()
    mine["flat"][7] = -1.0
    assert mine["x"][1, 1] == -1.0 and mine["row"][1] == -1.0 and mine["t"][1, 1] == -1.0
    back = to_torch(mine, **options)
    assert len({part.untyped_storage().data_ptr() for part in back.values()}) == 1
    for name, part in parts.items():
        assert back[name].stride() == part.stride()
        np.testing.assert_array_equal(back[name].numpy(), array(mine[name]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_strided_look_into_memory(data):
    size = data.draw(st.lists(st.integers(0, 3), max_size=4))
    stride = data.draw(st.lists(st.integers(0, 5), min_size=len(size), max_size=len(size)))
    offset = data.draw(st.integers(0, 4))
    x = torch.arange(60).as_strided(size, stride, offset)
    mine = to_wengert([x, x])
    for y in mine:
        np.testing.assert_array_equal(array(y), x.numpy())
    back = to_torch(mine)
    assert torch.equal(back[0], x) and torch.equal(back[1], x)


def test_containers_and_small_things():
    things = {
        "numbers": [1, -2, 2**40, 2**200, 1.5, 1j, True, None], "text": "Grüße", "bytes": b"\x00\xff", "array": bytearray(b"x"),
        "tuple": (1, (2,), ()), "set": {1, 2}, "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
        "counter": collections.Counter("abca"),
    }  # fmt: skip
    size, place = torch.Size([2, 3]), torch.device("cuda", 1)
    mine = to_wengert({**things, "size": size, "place": place, "dtype": torch.bfloat16})
    assert {name: mine[name] for name in things} == things
    assert type(mine["size"]) is wengert.Size and tuple(mine["size"]) == (2, 3)
    assert mine["place"] == wengert.device("cuda", 1) and mine["dtype"] is wengert.bfloat16
    back = to_torch(mine)
    assert {name: back[name] for name in things} == things
    assert (back["size"], back["place"], back["dtype"]) == (size, place, torch.bfloat16)


def test_numbers_and_arrays_of_numpy():
    things = {
        "number": np.float64(2.5), "small": np.int8(-3), "flag": np.bool_(True), "array": np.arange(6.0).reshape(2, 3).T,
        "big": np.array([1, 2], ">i4"), "dtype": np.dtype(">f4"),
    }  # fmt: skip
    for protocol in (2, 4, 5):
        mine = to_wengert(things, pickle_protocol=protocol)
        for name, thing in things.items():
            np.testing.assert_array_equal(mine[name], thing)
            assert getattr(mine[name], "dtype", mine[name]) == getattr(thing, "dtype", thing)


def test_an_array_of_objects_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="dtype"):
        to_wengert(np.array([print, None], dtype=object))


def test_marks_and_attributes():
    z = torch.tensor([1 + 2j, 3 - 1j])
    marked, other = torch.ones(2), torch.nn.Parameter(torch.zeros(2), requires_grad=False)
    marked.note, other.note = "mine", [1]
    mine = to_wengert({"conj": z.conj(), "neg": z.clone().conj().imag, "marked": marked, "other": other})
    np.testing.assert_array_equal(array(mine["conj"]), z.conj().resolve_conj().numpy())
    np.testing.assert_array_equal(array(mine["neg"]), z.conj().imag.resolve_neg().numpy())
    assert mine["marked"].note == "mine" and mine["other"].note == [1]
    assert isinstance(mine["other"], nn.Parameter) and not mine["other"].requires_grad
    back = to_torch({name: mine[name] for name in ("marked", "other")})
    assert back["marked"].note == "mine" and back["other"].note == [1]
    assert isinstance(back["other"], torch.nn.Parameter)


def test_a_conjugate_is_saved_as_its_value():
    z = wengert.tensor([1 + 2j])
    assert to_torch(z.conj())[0].item() == 1 - 2j


def network(library):
    make = library.nn
    return make.Sequential(make.Linear(4, 5), make.BatchNorm1d(5), make.ReLU(), make.Linear(5, 2))


def test_the_state_of_a_module_goes_both_ways_with_its_metadata():
    theirs, mine = network(torch), network(wengert)
    theirs(torch.randn(8, 4))
    assert str(mine.load_state_dict(to_wengert(theirs.state_dict()))) == "<All keys matched successfully>"
    state = to_torch(mine.state_dict())
    assert state._metadata == theirs.state_dict()._metadata
    for name, value in theirs.state_dict().items():
        assert torch.equal(state[name], value)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_the_state_of_an_optimizer_goes_both_ways(name):
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    theirs, mine = torch.nn.Linear(3, 2), nn.Linear(3, 2)
    other, own = getattr(torch.optim, name)(theirs.parameters(), **options), getattr(optim, name)(mine.parameters(), **options)

    def step(model, optimizer, x):
        optimizer.zero_grad()
        (model(x) ** 2).sum().backward()
        optimizer.step()

    step(theirs, other, torch.ones(4, 3))
    mine.load_state_dict(to_wengert(theirs.state_dict()))
    own.load_state_dict(to_wengert(other.state_dict()))
    step(theirs, other, torch.ones(4, 3))
    step(mine, own, wengert.ones(4, 3))
    np.testing.assert_allclose(array(mine.weight), theirs.weight.detach().numpy(), rtol=1e-5)
    other.load_state_dict(to_torch(own.state_dict()))
    step(theirs, other, torch.ones(4, 3))
    step(mine, own, wengert.ones(4, 3))
    np.testing.assert_allclose(array(mine.weight), theirs.weight.detach().numpy(), rtol=1e-5)


def test_parameters_that_are_tied_stay_tied():
    a = nn.Linear(3, 3)
    b = nn.Linear(3, 3)
    b.weight = a.weight
    back = to_torch({"a": a.state_dict(), "b": b.state_dict()})
    assert back["a"]["weight"].data_ptr() == back["b"]["weight"].data_ptr()


def test_what_numpy_shares_is_saved_as_it_is():
    memory = np.arange(6.0).reshape(2, 3).T
    x = wengert.from_numpy(memory)
    memory[0, 1] = 9.0
    back = to_torch([x, x[1:]])
    np.testing.assert_array_equal(back[0].numpy(), memory)
    np.testing.assert_array_equal(back[1].numpy(), memory[1:])


def test_one_memory_as_two_dtypes_is_refused():
    z = wengert.zeros(2, dtype=wengert.complex64)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        to_torch([z, wengert.view_as_real(z)])
    assert to_torch([wengert.view_as_real(z)])[0].shape == (2, 2)


# --- where, and how ------------------------------------------------------------------------------------------------


def test_paths_and_files_and_positions(tmp_path):
    path = tmp_path / "model.pt"
    wengert.save({"a": wengert.ones(2)}, path)
    assert torch.equal(torch.load(str(path))["a"], torch.ones(2))
    with open(path, "rb") as file:
        assert wengert.load(file)["a"].tolist() == [1.0, 1.0]
    behind = io.BytesIO(b"other" + path.read_bytes())
    behind.seek(5)
    assert wengert.load(behind)["a"].tolist() == [1.0, 1.0]
    with pytest.raises(FileNotFoundError):
        wengert.load(tmp_path / "none.pt")
    with pytest.raises(AttributeError, match="BytesIO"):
        wengert.load(3)
    with pytest.raises(EOFError):
        wengert.load(io.BytesIO())


def test_mmap_shows_the_file_and_never_writes_to_it(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"a": torch.arange(100.0), "b": torch.ones(3, dtype=torch.int16)}, path)
    before = path.read_bytes()
    mine = wengert.load(path, mmap=True)
    mine["a"].mul_(2)
    assert mine["a"][50] == 100.0 and mine["b"].tolist() == [1, 1, 1]
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="file path"):
        wengert.load(io.BytesIO(before), mmap=True)


def moved(file, location):
    """The same checkpoint, whose storages say that they were elsewhere."""
    pair = b"X\x03\x00\x00\x00cpu", b"X" + len(location).to_bytes(4, "little") + location.encode()
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(*pair))
    out.seek(0)
    return out


def test_map_location():
    file = io.BytesIO()
    torch.save(torch.ones(2), file)
    cuda = moved(file, "cuda:0")
    with pytest.raises(RuntimeError, match=r"map_location=torch.device\('cpu'\)"):
        wengert.load(cuda)
    seen = []
    for where in ("cpu", wengert.device("cpu"), {"cuda:0": "cpu"}, lambda storage, place: seen.append(place) or storage):
        cuda.seek(0)
        assert wengert.load(cuda, map_location=where).tolist() == [1.0, 1.0]
    assert seen == ["cuda:0"]
    cuda.seek(0)
    with pytest.raises(RuntimeError, match="no device"):
        wengert.load(cuda, map_location="cuda:1")


# --- what may be asked for -----------------------------------------------------------------------------------------


class Settings:
    def __init__(self, width):
        self.width = width


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.act = nn.functional.relu

    def forward(self, x):
        return self.act(self.inner(x))


def saved(obj):
    file = io.BytesIO()
    wengert.save(obj, file)
    file.seek(0)
    return file


def test_a_class_of_the_program_must_be_allowed():
    file = saved({"settings": Settings(5)})
    with pytest.raises(pickle.UnpicklingError, match=r"Settings.*add_safe_globals\(\[Settings\]\)"):
        wengert.load(file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="Settings"):
        wengert.load(file, weights_only=False)
    file.seek(0)
    assert wengert.serialization.get_unsafe_globals_in_checkpoint(file) == [f"{__name__}.Settings"]
    file.seek(0)
    with wengert.serialization.safe_globals([Settings]):
        assert wengert.load(file)["settings"].width == 5
    assert wengert.serialization.get_safe_globals() == []
    wengert.serialization.add_safe_globals([(Settings, f"{__name__}.Settings")])
    try:
        file.seek(0)
        assert wengert.load(file)["settings"].width == 5
    finally:
        wengert.serialization.clear_safe_globals()


def test_modules_that_are_imported_load_when_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or sys.modules[Net.__module__])
    net = Net()
    file = saved(net)
    with pytest.raises(pickle.UnpicklingError, match="Net"):
        wengert.load(file)
    file.seek(0)
    again = wengert.load(file, weights_only=False)
    x = wengert.randn(3, 2)
    assert wengert.equal(again(x), net(x)) and type(again) is Net
    assert again.inner.weight is not net.inner.weight and again.inner.weight.requires_grad


def test_whole_modules_of_pytorch_load_when_asked_for():
    file = io.BytesIO()
    theirs = network(torch).eval()
    torch.save(theirs, file)
    file.seek(0)
    mine = wengert.load(file, weights_only=False)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_allclose(array(mine(wengert.tensor(x))), theirs(torch.from_numpy(x)).detach().numpy(), rtol=1e-5)


def test_dtypes_that_wengert_lacks_are_named():
    with pytest.raises(pickle.UnpicklingError, match=r"torch\.float8_e8m0fnu.*does not have"):
        to_wengert(torch.ones(2).to(torch.float8_e8m0fnu))
