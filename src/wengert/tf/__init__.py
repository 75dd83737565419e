"""TensorFlow's public names: ``import wengert.tf as tf``.

Nothing computes here: this face names and arranges what the core has. A name is found in the module of `HOME` when it is
first asked for, so that importing this package costs little.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any as _Any

from wengert.absent import absent_from as _absent_from, reason_absent as _reason_absent
from wengert.settings import settings as _settings
from wengert.tf import errors, nest
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
_home("spec", "TensorSpec TypeSpec type_spec_from_value")
_home("custom", "custom_gradient stop_gradient recompute_grad IndexedSlices")
_home("compiled", "function executing_eagerly init_scope")
_home("control", "cond case switch_case while_loop map_fn scan foldl foldr vectorized_map")
_home("list", "TensorArray")
_home("module", "Module name_scope")
_home("configuration", "device config")
_home("python", "py_function numpy_function print no_op group control_dependencies")
_home(
    "questions",
    """
    is_tensor is_symbolic_tensor get_static_value get_current_name_scope get_logger timestamp tuple guarantee_const
    grad_pass_through required_space_to_batch_paddings
""",
)
_home("debugging", "Assert assert_equal assert_greater assert_less assert_rank")
_home(
    "ops.elementwise",
    """
    abs acos acosh add add_n asin asinh atan atan2 atanh complex cos cosh divide equal exp floor greater greater_equal
    less less_equal logical_and logical_not logical_or maximum minimum multiply negative not_equal pow realdiv round
    scalar_mul sigmoid sign sin sinh sqrt square subtract tan tanh truediv truncatediv truncatemod
""",
)
_home(
    "ops.reductions",
    """
    argmax argmin cumsum reduce_all reduce_any reduce_logsumexp
    reduce_max reduce_mean reduce_min reduce_prod reduce_sum
""",
)
_home(
    "ops.creation",
    """
    broadcast_dynamic_shape broadcast_static_shape eye fill linspace meshgrid one_hot ones ones_like range
    sequence_mask zeros zeros_like
""",
)
_home(
    "ops.shaping",
    """
    broadcast_to ensure_shape expand_dims identity identity_n pad rank repeat reshape reverse
    reverse_sequence roll shape shape_n size squeeze tile transpose unravel_index
""",
)
_home("ops.pieces", "boolean_mask concat gather gather_nd slice split stack strided_slice unstack where")
_home(
    "ops.scatter",
    """
    dynamic_partition dynamic_stitch scatter_nd tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min
    tensor_scatter_nd_sub tensor_scatter_nd_update
""",
)
_home(
    "ops.ordering",
    """
    argsort clip_by_global_norm clip_by_norm clip_by_value searchsorted sort unique unique_with_counts
""",
)
_home("ops.counting", "histogram_fixed_width histogram_fixed_width_bins")
_home("ops.casting", "bitcast cast saturate_cast")
_home("ops.blocks", "batch_to_space space_to_batch space_to_batch_nd")
_home("ops.products", "einsum matmul norm tensordot")
_home("ops.matrices", "eig eigvals matrix_square_root")

# Modules that are names of their own: ``tf.math``, ``tf.nn``.
PARTS: dict[str, str] = {
    **{
        name: name
        for name in (
            "autodiff", "autograph", "bitwise", "compat", "data", "debugging", "image", "linalg", "math", "nn", "random",
            "signal", "summary", "test", "train", "version",
        )
    },
    "dtypes": "dtype_names",
}  # fmt: skip

# Names that Keras has: ``tf.losses`` is ``tf.keras.losses``.
OF_KERAS: dict[str, str] = {
    "losses": "losses", "metrics": "metrics", "optimizers": "optimizers", "initializers": "initializers",
    "zeros_initializer": "initializers.Zeros", "ones_initializer": "initializers.Ones",
    "constant_initializer": "initializers.Constant", "random_normal_initializer": "initializers.RandomNormal",
    "random_uniform_initializer": "initializers.RandomUniform",
}  # fmt: skip


def __getattr__(name: str) -> _Any:
    if name == "keras":
        found = _import_module("wengert.tf.learning").load()
    elif name in OF_KERAS:
        found = globals().get("keras") or __getattr__("keras")
        for part in OF_KERAS[name].split("."):
            found = getattr(found, part)
    elif name in HOME:
        found = getattr(_import_module(f"wengert.tf.{HOME[name]}"), name)
    elif name in PARTS:
        found = _import_module(f"wengert.tf.{PARTS[name]}")
        globals().pop(PARTS[name], None)  # the public name is the one to be found
        vars(found).setdefault("__getattr__", _absent_from(found.__name__))
    else:
        raise AttributeError(f"module 'wengert.tf' has no attribute {name!r}.{_reason_absent(name, 'tensorflow')}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *HOME, *PARTS, *OF_KERAS, "keras"])


for _name in ("shape", "dtypes"):  # modules that other names belong to: `tf.shape` is a function
    globals().pop(_name, None)

if _settings.face == "wengert":
    _settings.face = "tf"
