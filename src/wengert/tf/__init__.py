"""TensorFlow's public names: ``import wengert.tf as tf``.

Nothing computes here: this face names and arranges what the core has. A name is found in the module of `HOME` when it is
first asked for, so that importing this package costs little.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any as _Any

from wengert.settings import settings as _settings
from wengert.tf import dtypes, errors, nest
from wengert.tf.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_ as bool,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from wengert.tf.face import convert as convert_to_tensor
from wengert.tf.shape import TensorShape
from wengert.tf.tape import GradientTape, UnconnectedGradients
from wengert.tf.tensor import Tensor
from wengert.tf.variable import Variable

__version__ = "2.21.0"
newaxis = None

# Names at the top -> the module of this package that has them.
HOME: dict[str, str] = {}


def _home(module: str, names: str) -> None:
    HOME.update(dict.fromkeys(names.split(), module))


_home("values", "register_tensor_conversion_function")
_home("creation", "constant")
_home("spec", "TensorSpec")
_home("custom", "custom_gradient stop_gradient recompute_grad IndexedSlices")
_home("compiled", "function executing_eagerly")
_home("control", "cond case switch_case while_loop map_fn scan foldl foldr vectorized_map")
_home("list", "TensorArray")
_home("module", "Module name_scope")
_home("python", "py_function numpy_function print device config no_op group control_dependencies")
_home("debugging", "Assert")

# Modules that are names of their own: ``tf.math``, ``tf.nn``.
PARTS: dict[str, str] = {"autodiff": "autodiff", "data": "data", "debugging": "debugging"}


def __getattr__(name: str) -> _Any:
    if name == "keras":
        found = _import_module("wengert.tf.learning").load()
    elif name in HOME:
        found = getattr(_import_module(f"wengert.tf.{HOME[name]}"), name)
    elif name in PARTS:
        found = _import_module(f"wengert.tf.{PARTS[name]}")
    else:
        raise AttributeError(f"module 'wengert.tf' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *HOME, *PARTS])


globals().pop("shape", None)  # the module that has TensorShape; `tf.shape` is a function

if _settings.face == "wengert":
    _settings.face = "tf"
