"""The import alias: under ``wengert run`` the names torch, torchvision and tensorflow stand for wengert's own modules.

``torch.nn`` *is* ``wengert.nn``, not a copy and not a wrapper, so ``isinstance`` and in-place changes hold whichever
name they are reached by. A finder at the front of ``sys.meta_path`` does this: it hands the import system the module
that is there already. The modules that a program reaches also learn to answer for a name they lack (`MissingName`).
"""

from __future__ import annotations

import importlib
import importlib.util
import opcode
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from wengert.origin import inside, user_line
from wengert.run import torch_version
from wengert.run.missing import MissingImport, MissingModule, MissingName
from wengert.run.names import INNER, NAMES, REFUSED, real_name, torch_name
from wengert.settings import settings

_IMPORTLIB = importlib.__file__


def install() -> None:
    """Let every later ``import torch``, ``import torchvision`` and ``import tensorflow`` of this process give wengert.

    Raises: RuntimeError when one of them is already imported, since programs would then hold two kinds of tensors.
    """
    taken = sorted({"torch", "torchvision", "tensorflow", *REFUSED} & set(sys.modules))
    if taken:
        raise RuntimeError(f"{taken[0]} is already imported in this process, so wengert can't stand in for it")
    sys.meta_path.insert(0, AliasFinder())
    settings.face = "torch"
    vars(importlib.import_module("torch.version")).update(__version__=torch_version.torch)
    vars(importlib.import_module("torch")).update(__version__=torch_version.torch, torch_version=torch_version)
    for real, module in list(sys.modules.items()):
        # Under both names at once: found only later, `import torch.autograd.gradcheck` would make the import system
        # replace the function of that name in torch.autograd by the module.
        name = torch_name(real)
        if name is not None:
            sys.modules[name] = module


# With a module of this name TensorBoard does without TensorFlow, also where a program has imported it.
_NO_TENSORFLOW = "tensorboard.compat.notf"


class AliasFinder(MetaPathFinder):
    """Answers for aliased names; leaves all others to the finders behind it."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        root = name.partition(".")[0]
        if root in REFUSED:
            text = f"import {name}: {root} computes with TensorFlow's own runtime, which wengert stands in for. {REFUSED[root]}"
            return _absent(ModuleNotFoundError(_at_line(text), name=name))
        if name == "keras":
            return _keras()
        if name == "tensorflow" and not _may_have_tensorflow():
            return _absent(ModuleNotFoundError("No module named 'tensorflow'", name=name))
        if real_name(name) is None:
            return None
        module = locate(name)
        if module is None:
            return _absent(MissingModule(name, sys.modules[name.rpartition(".")[0]]))
        return ModuleSpec(name, AliasLoader(module), is_package=hasattr(module, "__path__"))


def _keras() -> Any:
    """Keras is the real package: it is told to compute on wengert before it loads. Who does that is asked directly, as
    this import has passed its place already."""
    from keras_wengert import bridge  # optional: only programs that import keras need the bridge

    bridge.use()
    return bridge.Finder().find_spec("keras", None)


def _may_have_tensorflow() -> bool:
    """Who imports tensorflow. TensorBoard does without it, and would take ours for what reads its files; Keras asks whether
    it is there, which does not make a TensorFlow program of one."""
    root = str(_importer().f_globals.get("__name__")).partition(".")[0]
    if root == "tensorboard":
        return False
    if root != "keras":
        settings.face = "tf"
        if "keras_wengert.backend" in sys.modules:
            importlib.import_module("wengert.tf").keras  # noqa: B018 - Keras, imported before, meets TensorFlow's types now
    sys.modules.setdefault(_NO_TENSORFLOW, ModuleType(_NO_TENSORFLOW))
    return True


def is_offered(part: str) -> bool:
    """Whether a module of TensorFlow's face is a public one, rather than one of its inner works."""
    return part in {*sys.modules["tensorflow"].PARTS, "errors", "nest", "keras"}


def _importer() -> FrameType:
    """The frame whose import this is."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(("<frozen importlib", __file__, _IMPORTLIB)):
        frame = frame.f_back
    return frame


def _at_line(text: str) -> str:
    """The text, with the program's line."""
    line = user_line()
    return f"{text} ({line})" if line else text


def _absent(error: ModuleNotFoundError) -> None:
    """Raise, unless a program only asks (``importlib.util.find_spec("torch.foo")``) and wants None for an answer."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(("<frozen importlib", __file__)):
        if frame.f_code.co_filename == "<frozen importlib.util>":
            return
        frame = frame.f_back
    if frame is not None and frame.f_globals.get("__name__") == "importlib.util":  # where that file is not frozen
        return
    raise error


def locate(name: str) -> ModuleType | None:
    """wengert's module for an aliased name, imported, and able to answer for what it lacks; None if there is none."""
    if name == "tensorflow.keras":
        return sys.modules["tensorflow"].keras
    if name.startswith("tensorflow.") and name.count(".") == 1 and not is_offered(name.partition(".")[2]):
        return None
    real = str(real_name(name))
    parent, _, child = name.rpartition(".")
    if name not in NAMES:
        if name.startswith("torch.") and torch_name(real) is None:
            return None
        present = getattr(sys.modules[parent], child, None)
        if present is not None and not isinstance(present, ModuleType):
            return None  # a function, say, that happens to live in a folder of its name
        if present is not None:
            return present
    try:
        module = importlib.import_module(real)
    except ModuleNotFoundError as error:
        if error.name == real:
            return None
        raise
    answer_for_missing(module, name)
    return module


class AliasLoader(Loader):
    """Puts a module that exists into ``sys.modules`` under its second name; its own ``__spec__`` stays as it is."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        sys.modules[module.__spec__.name] = self.module


def answer_for_missing(module: ModuleType, face: str) -> None:
    """Give `module`, and wengert's modules among its attributes, a ``__getattr__`` that says what is missing."""
    earlier = vars(module).get("__getattr__")
    if isinstance(earlier, _MissingAttribute):
        return
    module.__getattr__ = _MissingAttribute(module, face, earlier)  # type: ignore[method-assign]
    _answer_in_parts(module, face)


def _answer_in_parts(module: ModuleType, face: str) -> None:
    """The same for the modules that are attributes of a module by now."""
    for name, value in list(vars(module).items()):
        if is_part(value) and name[0] != "_" and not (face == "torch" and name in INNER):
            answer_for_missing(value, f"{face}.{name}")


def is_part(value: Any) -> bool:
    """Whether a module's attribute is itself a module of wengert."""
    return isinstance(value, ModuleType) and value.__name__.startswith("wengert.")


class _MissingAttribute:
    """The ``__getattr__`` of one module: Python calls it for a name that the module does not have."""

    def __init__(self, module: ModuleType, face: str, earlier: Any) -> None:
        self.module, self.face, self.earlier = module, face, earlier

    def __call__(self, name: str) -> Any:
        if self.earlier is not None:
            try:
                found = self.earlier(name)  # what the module loads late
            except AttributeError:
                pass
            else:
                _answer_in_parts(self.module, self.face)  # loading one thing may have brought others with it
                return found
        frame = sys._getframe(1)
        if inside[frame.f_code.co_filename]:  # wengert's own code, or the import system: not the program's question
            text = f"module {self.module.__name__!r} has no attribute {name!r}"
            raise AttributeError(text, name=name, obj=self.module)
        if _is_from_import(frame):
            raise MissingImport(name, self.module, self.face)
        raise MissingName(name, self.module, self.face)


def _is_from_import(frame: FrameType) -> bool:
    """Whether `frame` is at a ``from module import name``.

    There Python drops an AttributeError and words its own ImportError, so the hint must come as an ImportError.
    """
    return opcode.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM"
