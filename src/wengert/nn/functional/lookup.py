"""Rows by number: embedding tables and one-hot vectors."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, index_error, runtime_error, shape_error
from wengert.functions.norms import renorm
from wengert.functions.operands import node_of
from wengert.graph.node import Node
from wengert.graph.record import recorder, scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.runtime.flush import at_hand
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor, wrap


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: Optional[int] = None,
    max_norm: Optional[float] = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """y[i] = weight[input[i]]: the rows of a table.

    padding_idx: a row that gets no derivative. max_norm: rows in use that are longer are first scaled, in place, to
    this norm. scale_grad_by_freq: the derivative of a row is divided by how often the row is in the input.
    `sparse` changes nothing: a derivative is always dense here.

    Shape: input (*) of integers, weight (rows, size); y (*, size).

    Raises: IndexError for a row that is not there; RuntimeError for an input that is not of integers or a weight that
    is no matrix; ValueError for a padding_idx that is not there.
    """
    index, table = node_of(input, "embedding"), node_of(weight, "embedding", "weight")
    if index.dtype not in (dtypes.int64, dtypes.int32):
        raise dtype_error("embedding", "indices of dtype int64 or int32", index.dtype, "convert them with .long()")
    if table.ndim != 2:
        raise shape_error("embedding", "'weight' must be 2-D", (table.shape,))
    rows = table.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise ValueError(f"embedding: padding_idx must be within num_embeddings, {rows}; got {padding_idx}")
        padding_idx %= rows
    check_rows(index, rows)
    index = move(index, dtypes.int64)
    if max_norm is not None:
        shorten(weight, index, max_norm, norm_type)
        table = weight._read()
    y = p.take(table, index, axis=0, wrap=False)
    if scale_grad_by_freq:
        constant = p.stop_gradient(y)
        y = constant + (y - constant) * column(1 / frequency(index, rows, y.dtype))
    if padding_idx is not None:
        y = p.where(column(p.eq(index, scalar(padding_idx, dtypes.int64))), p.stop_gradient(y), y)
    return wrap(y)


def column(x: Node) -> Node:
    """x with a new last dimension of size 1."""
    return p.reshape(x, shape=(*x.shape, 1))


def check_rows(index: Node, rows: int) -> None:
    """Where the indices are known already the error comes at once; else when they are used."""
    value = at_hand(index)
    if value is not None and value.size and (value.min() < 0 or value.max() >= rows):
        wrong = np.asarray(value)[(value < 0) | (value >= rows)].flat[0]
        raise index_error("embedding", f"index out of range in self: rows 0 to {rows - 1}", wrong)


def shorten(weight: Tensor, index: Node, max_norm: float, norm_type: float) -> None:
    """Scale, in place, each row in use whose norm is above `max_norm` down to it."""
    with no_grad():
        table = p.stop_gradient(weight._read())
        index = p.reshape(index, shape=(index.size,))
        used = renorm(wrap(p.take(table, index, axis=0, wrap=False)), norm_type, 0, max_norm)._read()
        weight.copy_(wrap(p.index_put(table, used, index, axes=(0,))))


def frequency(index: Node, rows: int, dtype: Any) -> Node:
    """For each index, how often it occurs."""
    ones = p.full(scalar(1, dtype), shape=index.shape)
    counts = p.put_add(p.full(scalar(0, dtype), shape=(rows,)), index, ones, axis=0, wrap=False)
    return p.take(counts, index, axis=0, wrap=False)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 where the class number is the position along a new last dimension, else 0, in int64.

    num_classes: -1 for one more than the largest number, which asks for the value.

    Raises: RuntimeError for a number outside [0, num_classes), at once where it is known, else when the result is computed;
    or for one that is not int64.
    """
    x = node_of(tensor, "one_hot", "tensor")
    if x.dtype is not dtypes.int64:
        raise dtype_error("one_hot", "is only applicable to index tensor of type LongTensor (int64)", x.dtype)
    if x.size == 0 and num_classes <= 0:
        raise runtime_error(
            "one_hot", "can not infer total number of classes from empty tensor", None, "give num_classes"
        )
    if x.size and num_classes == -1:
        value = tensor._array()
    else:  # in a trace, what is known now holds for this call only
        value = None if recorder.trace is not None else at_hand(x)
    if value is not None and x.size:
        if value.min() < 0:
            raise runtime_error("one_hot", "class values must be non-negative", int(value.min()))
        if num_classes == -1:
            num_classes = int(value.max()) + 1
        elif value.max() >= num_classes:
            wanted = f"class values must be smaller than num_classes={num_classes}"
            raise runtime_error("one_hot", wanted, int(value.max()))
    positions = p.iota(n=num_classes, dtype=dtypes.int64)
    if value is None:
        x = p.take(positions, x, axis=0, wrap=False)  # the number itself, once it is known to be one of these
    positions = p.reshape(positions, shape=(*(1,) * x.ndim, num_classes))
    return wrap(p.convert(p.eq(column(x), positions), dtype=dtypes.int64))
