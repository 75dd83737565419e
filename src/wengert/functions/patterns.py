"""Matrices of a pattern (triangles, diagonals, blocks) and tensors of all combinations (grids, products)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.functions.axes import axis_of
from wengert.functions.create import filled, finish
from wengert.functions.data import dtype_named_by
from wengert.functions.operands import deliver, node_of, promote
from wengert.functions.ranges import positions
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, scalar
from wengert.primitives.indexing import take
from wengert.primitives.piecewise import where
from wengert.primitives.steps import ge, le
from wengert.primitives.views import concatenate, diagonal, diagonal_update, expand, reshape
from wengert.tensors.tensor import Tensor, view, wrap

__all__ = [
    "tril", "triu", "tril_indices", "triu_indices", "diag", "diag_embed", "diagflat", "block_diag",
    "meshgrid", "cartesian_prod", "combinations", "vander",
]  # fmt: skip


# --- triangles ---------------------------------------------------------------------------------------------------------


def tril(input: Tensor, diagonal: int = 0, *, out: Optional[Tensor] = None) -> Tensor:
    """The lower triangle of the last two dimensions, zeros above: x[i, j] where j <= i + diagonal.

    Raises: RuntimeError for fewer than two dimensions.
    """
    return _triangle("tril", input, diagonal, out)


def triu(input: Tensor, diagonal: int = 0, *, out: Optional[Tensor] = None) -> Tensor:
    """The upper triangle of the last two dimensions, zeros below: x[i, j] where j >= i + diagonal.

    Raises: RuntimeError for fewer than two dimensions.
    """
    return _triangle("triu", input, diagonal, out)


def _triangle(name: str, input: Tensor, shift: int, out: Optional[Tensor]) -> Tensor:
    x = node_of(input, name)
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions; got {list(x.shape)}")
    row, column = positions(*x.shape[-2:])
    limit = row + scalar(shift, dtypes.int64)
    inside = le(column, limit) if name == "tril" else ge(column, limit)
    return deliver(where(inside, x, scalar(0, x.dtype)), out)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = dtypes.int64, device: Any = None, layout: Any = None
) -> Tensor:
    """The positions of the lower triangle of a row by col matrix, (2, n): rows above columns, in row-major order."""
    return _indices(np.tri(row, col, offset, dtype=bool), dtype, device, layout, "tril_indices")


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = dtypes.int64, device: Any = None, layout: Any = None
) -> Tensor:
    """The positions of the upper triangle of a row by col matrix, (2, n): rows above columns, in row-major order."""
    return _indices(~np.tri(row, col, offset - 1, dtype=bool), dtype, device, layout, "triu_indices")


def _indices(mask: Any, dtype: DType, device: Any, layout: Any, operation: str) -> Tensor:
    kind = dtype_named_by(dtype, operation)
    found = np.stack(mask.nonzero()).astype(kind.numpy)
    return finish(literal(found, array_type(found.shape, kind)), None, layout, device, False, operation)


# --- diagonals ---------------------------------------------------------------------------------------------------------


def diag(input: Tensor, diagonal: int = 0, *, out: Optional[Tensor] = None) -> Tensor:
    """A matrix with the vector `input` on its diagonal, or a copy of the matrix `input`'s diagonal.

    Raises: RuntimeError for other ranks.
    """
    x = node_of(input, "diag")
    if x.ndim == 1:
        return deliver(embedded(x, diagonal, 0, 1), out)
    if x.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {x.ndim}D")
    return deliver(_diagonal(x, offset=diagonal, axis1=0, axis2=1), out)


_diagonal = diagonal


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices in dimensions dim1 and dim2 of the result, with the last dimension of `input` on their diagonals.

    Raises: IndexError for a dimension that is not there, RuntimeError when both are one.
    """
    x = node_of(input, "diag_embed")
    axis1, axis2 = axis_of(dim1, x.ndim + 1, "diag_embed"), axis_of(dim2, x.ndim + 1, "diag_embed")
    if axis1 == axis2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    if not x.ndim:
        raise RuntimeError("diag_embed: input tensor must have at least 1 dimension")
    return wrap(embedded(x, offset, axis1, axis2))


def embedded(x: Node, offset: int, axis1: int, axis2: int) -> Node:
    """Zeros with the last axis of x on the diagonal of (axis1, axis2)."""
    n = x.shape[-1] + abs(offset)
    shape = list(x.shape[:-1])
    for axis in sorted((axis1, axis2)):
        shape.insert(axis, n)
    zeros = filled(tuple(shape), 0, x.dtype, "diag_embed")
    return diagonal_update(zeros, x, offset=offset, axis1=axis1, axis2=axis2)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of `input`, in row-major order, on its diagonal."""
    x = node_of(input, "diagflat")
    return wrap(embedded(reshape(x, shape=(x.size,)), offset, 0, 1))


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices one after the other along the diagonal of a larger one; vectors are rows, numbers 1 by 1.

    Raises: RuntimeError for more than two dimensions.
    """
    nodes = promote("block_diag", *tensors) if tensors else [filled((1, 0), 0, dtypes.get_default_dtype(), "block_diag")]
    for number, x in enumerate(nodes):
        if x.ndim > 2:
            raise RuntimeError(
                f"block_diag: Input tensors must have 2 or fewer dimensions. Input {number} has {x.ndim} dimensions"
            )
    nodes = [x if x.ndim == 2 else reshape(x, shape=(1, x.size)) for x in nodes]
    width = sum([x.shape[1] for x in nodes])
    rows, before = [], 0
    for x in nodes:
        n, m = x.shape
        parts = [
            filled((n, before), 0, x.dtype, "block_diag"), x, filled((n, width - before - m), 0, x.dtype, "block_diag")
        ]  # fmt: skip
        rows.append(concatenate(*parts, axis=1))
        before += m
    return wrap(concatenate(*rows, axis=0))


# --- grids and combinations --------------------------------------------------------------------------------------------


def meshgrid(*tensors: Any, indexing: Optional[str] = None) -> tuple[Tensor, ...]:
    """Coordinates of a grid: for each of n vectors a tensor of n dimensions in which it varies along its own.

    indexing: "ij" (the default): dimension k belongs to vector k; "xy": the first two dimensions are swapped.

    Raises: RuntimeError for other ranks, mixed dtypes, or another indexing.
    """
    given: Sequence[Tensor] = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not given:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    nodes = [node_of(tensor, "meshgrid", "tensors") for tensor in given]
    for x in nodes:
        if x.ndim > 1:
            raise RuntimeError(f"meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(x.shape)}")
        if x.dtype is not nodes[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    axes = list(range(len(nodes)))
    if indexing == "xy" and len(nodes) > 1:
        axes[:2] = 1, 0
    shape = [1] * len(nodes)
    for x, axis in zip(nodes, axes):
        shape[axis] = x.size
    grids = []
    for tensor, x, axis in zip(given, nodes, axes):
        own = tuple([x.size if i == axis else 1 for i in range(len(shape))])
        grids.append(view(view(tensor, reshape, (own,)), expand, (tuple(shape),)))
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All ways to take one element of each vector, a row each; one vector gives itself.

    Raises: RuntimeError for tensors that are not one-dimensional.
    """
    if not tensors:
        raise RuntimeError("cartesian_prod expects at least one tensor")
    nodes = [node_of(tensor, "cartesian_prod", "tensors") for tensor in tensors]
    for x in nodes:
        if x.ndim != 1:
            raise RuntimeError(f"cartesian_prod: Expect a 1D vector, but got shape {list(x.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    shape = tuple([x.size for x in nodes])
    columns = []
    for axis, x in enumerate(promote("cartesian_prod", *nodes)):
        own = tuple([x.size if i == axis else 1 for i in range(len(shape))])
        spread = expand(reshape(x, shape=own), shape=shape)
        columns.append(reshape(spread, shape=(spread.size, 1)))
    return wrap(concatenate(*columns, axis=1))


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to take r elements of a vector, in the order of the vector, a row each.

    Raises: RuntimeError for other ranks and negative r.
    """
    x = node_of(input, "combinations")
    if x.ndim != 1:
        raise RuntimeError(f"combinations: Expect a 1D vector, but got shape {list(x.shape)}")
    if r < 0:
        raise RuntimeError(f"combinations: Expect a non-negative number, but got {r}")
    if r == 0:
        return wrap(filled((0,), 0, x.dtype, "combinations"))
    ways = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    found = np.array(list(ways(range(x.size), r)), np.int64).reshape(-1, r)
    return wrap(take(x, literal(found, array_type(found.shape, dtypes.int64)), axis=0))


def vander(x: Tensor, N: Optional[int] = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements as rows: x^(N-1), ..., x, 1, or the other way round; N is its length unless given.

    Raises: RuntimeError for other ranks and negative N.
    """
    base = node_of(x, "vander", "x")
    if base.ndim != 1:
        raise RuntimeError(f"vander: x must be a one-dimensional tensor; got {list(base.shape)}")
    n = base.size if N is None else N
    if n < 0:
        raise RuntimeError(f"vander: N must be non-negative; got {n}")
    column = reshape(base, shape=(base.size, 1))
    ones = filled((base.size, 1), 1, base.dtype, "vander")
    powers = [ones]
    for _ in range(n - 1):
        powers.append(powers[-1] * column)
    if n == 0:
        return wrap(filled((base.size, 0), 0, base.dtype, "vander"))
    return wrap(concatenate(*(powers if increasing else powers[::-1]), axis=1))


METHODS = {"tril": tril, "triu": triu, "diag": diag, "diag_embed": diag_embed, "diagflat": diagflat}
IN_PLACE = ("tril", "triu")
