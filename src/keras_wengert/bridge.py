"""The bridge to released Keras versions, which know a fixed list of backends: with it, KERAS_BACKEND=wengert works there.

A finder at the front of ``sys.meta_path`` watches for the few Keras modules that choose by the backend's name, and adds
one branch to the choice: it parses the module's source, finds the chain ``if backend() == "tensorflow": ... elif ...``,
and puts ``elif backend() == "wengert": import ours`` before its end. Nothing on disk changes, and line numbers stay.
A Keras that loads packages named ``keras_<backend>`` by itself (keras-team/keras issue 23523) has no such chain, needs
none of this, and is left alone.

This module alone knows how Keras is built inside.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType
from typing import Any

NAME = "wengert"

# Releases whose modules were seen and whose tests were run.
KNOWN = "3.10 to 3.15"

# Keras module -> what it does when the backend is ours.
BRANCHES = {
    "keras.src.backend": (
        "from keras_wengert.backend import *\n"
        "from keras_wengert.variable import Variable as BackendVariable\n"
        "distribution_lib = None"
    ),
    "keras.src.layers.layer": "from keras_wengert.layer import WengertLayer as BackendLayer",
    "keras.src.models.model": "from keras_wengert.trainer import WengertTrainer as Trainer",
    "keras.src.export.saved_model": "from keras_wengert.export import WengertExportArchive as BackendSavedModelExportArchive",
}


def install() -> None:
    """Let Keras, when it is imported later in this process, load wengert as the backend named "wengert".

    Raises: RuntimeError when Keras is already imported with another backend.
    """
    present = sys.modules.get("keras.src.backend.config")
    if present is not None and present.backend() != NAME:
        raise RuntimeError(f"Keras is already imported with the backend {present.backend()!r} in this process")
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


def use() -> None:
    """`install`, and choose wengert as the backend of this process."""
    os.environ["KERAS_BACKEND"] = NAME
    install()


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of `BRANCHES` (and one class that switches backends) as the ordinary finders do, and gives them
    our loader."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        if name not in BRANCHES and name not in AFTER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return spec
        spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    """Loads one Keras module with the added branch."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        if fullname in BRANCHES and not add_branch(tree, BRANCHES[fullname]) and not _loads_plugins():
            raise ImportError(
                f"wengert as a Keras backend: {fullname} of this Keras release does not choose its backend where "
                f"releases {KNOWN} do; install one of those"
            )
        return compile(tree, path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ in AFTER:
            AFTER[module.__name__](module)


def _loads_plugins() -> bool:
    """Whether this Keras loads backend packages by itself."""
    return importlib.util.find_spec("keras.src.backend.ops") is not None


def add_branch(tree: ast.Module, body: str, first: str = "tensorflow") -> bool:
    """Add ``elif backend() == "wengert"`` to the module's chain of choices by backend; whether there was one.

    first: the backend that the chain begins with.
    """
    for statement in tree.body:
        if isinstance(statement, ast.If) and _chosen(statement.test) == first:
            last = statement
            while len(last.orelse) == 1 and isinstance(last.orelse[0], ast.If) and _chosen(last.orelse[0].test):
                last = last.orelse[0]
            test = ast.Compare(left=last.test.left, ops=[ast.Eq()], comparators=[ast.Constant(NAME)])  # type: ignore[attr-defined]
            branch = ast.If(test=test, body=ast.parse(body).body, orelse=last.orelse)
            for node in ast.walk(branch):
                if node not in ast.walk(last):
                    ast.copy_location(node, last)
            last.orelse = [branch]
            ast.fix_missing_locations(tree)
            return True
    return False


def _chosen(test: ast.expr) -> Any:
    """``backend() == "torch"`` (or ``backend.backend() == ...``) -> "torch"; None for another condition."""
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Call) and len(test.comparators) == 1:
        called = test.left.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        right = test.comparators[0]
        if name == "backend" and isinstance(test.ops[0], ast.Eq) and isinstance(right, ast.Constant):
            return right.value
    return None


def _know_ourselves(module: ModuleType) -> None:
    """`DynamicBackend` looks backends up in a list of its own; ours is the running one."""
    backend, switch = module.backend_module, module.DynamicBackend
    find, choose = switch.__getattr__, switch.set_backend

    def get(self: Any, name: str) -> Any:
        return getattr(backend, name) if self._backend == NAME else find(self, name)

    def set_backend(self: Any, name: str) -> None:
        if name == NAME:
            self._backend = name
        else:
            choose(self, name)

    switch.__getattr__, switch.set_backend = get, set_backend


def _read_pytorchs_optimizers(module: ModuleType) -> None:
    """A compiled model that Keras on PyTorch has saved names an optimizer of that backend's own; the public one of that
    name is meant, with the same arguments and variables."""
    find = module._retrieve_class_or_fn

    def retrieve(name: str, registered_name: Any, module: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(module, str) and module.startswith("keras.src.backend.torch.optimizers."):
            module = "keras.optimizers"
        return find(name, registered_name, module, *rest, **options)

    module._retrieve_class_or_fn = retrieve


def _take_our_datasets(module: ModuleType) -> None:
    """`fit` takes a `wengert.tf.data.Dataset` wherever it takes TensorFlow's."""
    from keras_wengert.adapters import know_datasets  # imports Keras, which is being loaded

    know_datasets(module)


def _end_steps(module: ModuleType) -> None:
    """An optimizer that has applied its gradients ends a step."""
    from keras_wengert.steps import end_steps  # imports what Keras is loading

    end_steps(module)


def _load_offline(module: ModuleType) -> None:
    """MNIST comes from IDX files where a program has them."""
    from keras_wengert.datasets import load_offline  # imports Keras, which is being loaded

    load_offline(module)


def _keep_doubles(module: ModuleType) -> None:
    """Keras narrows float64 to float32 on other backends than TensorFlow, even where the program has chosen float64 as its
    default float; there it stays."""
    from keras.src.backend.config import floatx

    class Narrowed(dict[str, str]):
        def get(self, dtype: Any, default: Any = None) -> Any:
            return default if dtype == "float64" and floatx() == "float64" else super().get(dtype, default)

    module.BIT64_TO_BIT32_DTYPE = Narrowed(module.BIT64_TO_BIT32_DTYPE)


def _speak_tensorflow(module: ModuleType) -> None:
    """A TensorFlow program under ``wengert run`` meets TensorFlow's types in Keras, by whichever name it imports Keras."""
    if "wengert.tf" in sys.modules and sys.modules.get("tensorflow") is sys.modules["wengert.tf"]:
        sys.modules["wengert.tf"].keras  # noqa: B018 - asking for it is what connects the two


# Keras module -> what is done to it once it is loaded.
AFTER = {
    "keras": _speak_tensorflow,
    "keras.src.backend.common.dtypes": _keep_doubles,
    "keras.src.utils.backend_utils": _know_ourselves,
    "keras.src.saving.serialization_lib": _read_pytorchs_optimizers,
    "keras.src.trainers.data_adapters": _take_our_datasets,
    "keras.src.datasets.mnist": _load_offline,
    "keras.src.optimizers.base_optimizer": _end_steps,
}

if os.environ.get("KERAS_BACKEND") == NAME:
    install()
