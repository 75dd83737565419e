"""`constant`: tensors of given values."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.dtypes import DType
from wengert.graph.node import array_type
from wengert.graph.record import literal, tracking
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf.dtypes import as_dtype
from wengert.tf.shape import TensorShape
from wengert.tf.tensor import Tensor, shown
from wengert.tf.values import node_from


def constant(value: Any, dtype: Any = None, shape: Any = None, name: Optional[str] = None) -> Tensor:
    """A tensor with a copy of `value`, without a history.

    dtype: of Python numbers int32, float32, bool or complex128 by default; an array's own.
    shape: the value is brought to it, a single number repeated.

    Raises: TypeError when the value does not fit the dtype or the shape; ValueError for what is no rectangular array of
    numbers.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Core):
        node = _from_tensor(value, wanted)
    else:
        with tracking(False):
            node = node_from(value, wanted)
    if shape is not None and tuple(TensorShape(shape)) != node.type.shape:
        node = _of_shape(value, node, tuple(TensorShape(shape)))
    return shown(wrap(node))


def _from_tensor(value: Core, wanted: Optional[DType]) -> Any:
    if wanted is not None and wanted is not value.dtype:
        raise TypeError(f"Expected tensor {value} with dtype {wanted!r}, but got dtype {value.dtype!r}. Use tf.cast.")
    with tracking(False):
        return value.detach()._read()


def _of_shape(value: Any, node: Any, shape: tuple[int, ...]) -> Any:
    count = int(np.prod(shape, dtype=np.int64))
    if node.type.size not in (1, count):
        raise TypeError(
            f"Eager execution of tf.constant with unsupported shape. Tensor converted from {value!r} has {node.type.size} "
            f"elements, but got `shape` {shape} with {count} elements."
        )
    array = np.array(value_of(node))
    array = np.full(shape, array.reshape(())) if node.type.size == 1 else array.reshape(shape)
    return literal(array, array_type(shape, node.type.dtype))
