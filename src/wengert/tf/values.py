"""What TensorFlow takes for a tensor: numbers, arrays, nested lists, Variables, and other types by a conversion.

A Python int is int32 (int64 beyond 32 bits), a float is float32, a complex number complex128; arrays keep their dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import BOOL, COMPLEX, FLOATING, INTEGER, DType
from wengert.functions.join import stack
from wengert.graph.node import Node, array_type
from wengert.graph.number import RuntimeNumber
from wengert.graph.record import literal, scalar
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import OF_ARGUMENTS, invalid_dtype, translate

# Types that are tensors in another dress -> what makes a tensor of one. See `register_tensor_conversion_function`.
conversions: list[tuple[Any, Callable[..., Any]]] = []

_OF_NUMBER = {bool: dtypes.bool_, int: dtypes.int32, float: dtypes.float32, complex: dtypes.complex128}
CATEGORY = {bool: BOOL, int: INTEGER, float: FLOATING, complex: COMPLEX}
_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1


def common_dtype(values: Sequence[Any], operation: str) -> Optional[DType]:
    """The dtype of the tensors among `values`; None when none has one.

    Raises: InvalidArgumentError when two differ.
    """
    found: Optional[DType] = None
    for position, value in enumerate(values):
        dtype = value.dtype if isinstance(value, Core) else _declared(value)
        if dtype is not None and found is not None and dtype is not found:
            raise mixed(operation, position, found, dtype)
        found = dtype or found
    return found


def _declared(value: Any) -> Optional[DType]:
    """The dtype of something that is a tensor in another dress."""
    for kind, _ in conversions:
        if isinstance(value, kind):
            return as_dtype(value.dtype)
    return None


def mixed(operation: str, position: int, wanted: DType, got: DType) -> Exception:
    return invalid_dtype(
        f"cannot compute {operation} as input #{position}(zero-based) was expected to be a {wanted.name} tensor but is a "
        f"{got.name} tensor. Convert one of them, as with tf.cast(x, tf.{wanted.name}) [Op:{operation}]"
    )


def fresh(value: Any, dtype: Optional[DType] = None, operation: str = "") -> Core:
    """A core tensor that shows the present value of anything that TensorFlow takes for a tensor, in `dtype` if given."""
    if isinstance(value, Core):
        node = value._node if value._link is None else value._read()
        if dtype is not None and node.type.dtype is not dtype:
            raise mixed(operation, 0, dtype, node.type.dtype)
        return wrap(node)
    return wrap(node_from(value, dtype))


def node_from(value: Any, dtype: Optional[DType] = None) -> Node:
    """The node of what is no tensor of ours: a number, an array, a nested list, or what a conversion is known for."""
    kind = value.__class__
    if kind in _OF_NUMBER:
        return _of_number(value, dtype)
    if kind is RuntimeNumber:
        return scalar(value, dtype or _OF_NUMBER[value.value.__class__])
    if isinstance(value, (np.ndarray, np.generic)):
        return _of_array(value, dtype)
    for known, make in conversions:
        if isinstance(value, known):
            return _tensor_of(make(value, dtype), dtype)
    if isinstance(value, (list, tuple, range)):
        return _of_sequence(value, dtype)
    if hasattr(value, "__array__"):
        return _of_array(np.asarray(value), dtype)
    raise ValueError(f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor.")


def _tensor_of(made: Any, dtype: Optional[DType]) -> Node:
    node = made._read() if isinstance(made, Core) else node_from(made, dtype)
    if dtype is not None and node.type.dtype is not dtype:
        raise ValueError(f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {node.type.dtype.name}")
    return node


def _of_number(value: Any, dtype: Optional[DType]) -> Node:
    if dtype is None:
        dtype = _OF_NUMBER[value.__class__]
        if dtype is dtypes.int32 and not _INT32_MIN <= value <= _INT32_MAX:
            dtype = dtypes.int64
    elif CATEGORY[value.__class__] > dtype.category:
        raise invalid_dtype(f"Cannot convert {value!r} to EagerTensor of dtype {dtype.name}")
    return scalar(value, dtype)


def _of_array(value: Any, dtype: Optional[DType]) -> Node:
    if value.dtype.kind in "USO":
        return _of_objects(value, dtype)
    natural = dtypes.from_numpy(value.dtype)
    wanted = dtype or natural
    array = np.array(value, wanted.numpy, order="C")
    return literal(array, array_type(array.shape, wanted))


def _of_objects(value: Any, dtype: Optional[DType]) -> Node:
    if value.dtype.kind == "O" and value.size:
        return _of_sequence(value.tolist(), dtype)
    raise ValueError(f"Failed to convert a NumPy array of dtype {value.dtype} to a Tensor: tensors of strings are not there")


def _of_sequence(value: Any, dtype: Optional[DType]) -> Node:
    leaves = _leaves(value)
    if any([not isinstance(leaf, (int, float, complex, np.ndarray, np.generic)) for leaf in leaves]):
        return _stacked(value, dtype, leaves)
    try:
        array = np.array(value)
    except ValueError:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None
    if array.dtype.kind not in "biufcV":
        raise ValueError(f"Can't convert {value!r} to a Tensor: its elements are no numbers of 64 bits")
    natural = _natural_dtype(array, leaves)
    wanted = dtype or natural
    if natural.category > wanted.category:
        raise invalid_dtype(f"Cannot convert {value!r} to EagerTensor of dtype {wanted.name}")
    array = array.astype(wanted.numpy, copy=False)
    return literal(array, array_type(array.shape, wanted))


def _natural_dtype(array: Any, leaves: list[Any]) -> DType:
    """The dtype of a nested list: NumPy's if there are NumPy's numbers in it, else TensorFlow's for Python numbers."""
    own = dtypes.from_numpy(array.dtype)
    if own is not dtypes.bool_ and any([leaf.__class__ is bool for leaf in leaves]):
        raise ValueError("Can't convert Python sequence with mixed types to Tensor: bools and other numbers.")
    if any([isinstance(leaf, (np.generic, np.ndarray)) for leaf in leaves]):
        return own
    if own is dtypes.float64:
        return dtypes.float32
    if own is dtypes.int64 and (not array.size or (array.min() >= _INT32_MIN and array.max() <= _INT32_MAX)):
        return dtypes.int32
    return own


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, range):
        return list(value)
    if not isinstance(value, (list, tuple)):
        return [value]
    if value and value[0].__class__ in _OF_NUMBER:
        return list(value)
    return [leaf for part in value for leaf in _leaves(part)]


def _stacked(value: Any, dtype: Optional[DType], leaves: list[Any]) -> Node:
    """A nested list with tensors in it: they say the dtype.

    Raises: ValueError for leaves that are nothing of the kind, or do not stack.
    """
    hint = dtype or common_dtype(leaves, "Pack")

    def stacked(part: Any) -> Core:
        if isinstance(part, (list, tuple)):
            return stack([stacked(inner) for inner in part])
        return fresh(part, hint, "Pack")

    try:
        return stacked(value)._read()
    except OF_ARGUMENTS as error:
        translate(error)


def register_tensor_conversion_function(base_type: Any, conversion_func: Callable[..., Any], priority: int = 100) -> None:
    """Let values of `base_type` be tensors wherever one is wanted: ``conversion_func(value, dtype)`` makes one."""
    conversions.append((base_type, conversion_func))
