"""Products of several factors, over several axes, and what else matrices and vectors make: chains, powers, tensordot,
Kronecker's product, traces, the vector product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.axes import axis_of, kept
from wengert.functions.operands import deliver, node_of, promote
from wengert.functions.products import contracted, do_not_meet, product, ranked
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.primitives.contractions import dot as contract
from wengert.tensors.casting import in_low_precision, in_single_precision
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["chain_matmul", "matrix_power", "tensordot", "kron", "trace", "cross"]


@in_low_precision
def chain_matmul(*matrices: Any, out: Optional[Tensor] = None) -> Tensor:
    """The product of several matrices in the order of multiplication that costs least; the first and the last may be
    vectors. Also given as one list.

    Raises: RuntimeError for fewer than one factor, and for shapes that do not fit.
    """
    factors: Sequence[Tensor] = matrices[0] if len(matrices) == 1 and not isinstance(matrices[0], Tensor) else matrices
    if not factors:
        raise runtime_error("chain_matmul", "one or more matrices", 0)
    return deliver(chain([node_of(factor, "chain_matmul") for factor in factors], "chain_matmul"), out)


def chain(nodes: list[Node], operation: str) -> Node:
    """The product of matrices (the ends may be vectors) by the cheapest bracketing.

    Source: the dynamic programme of Cormen, Leiserson, Rivest and Stein, Introduction to Algorithms, sec. 15.2.
    """
    if len(nodes) <= 2:
        return nodes[0] if len(nodes) == 1 else product(*nodes)
    for k, x in enumerate(nodes):
        if x.ndim != 2 and not (x.ndim == 1 and k in (0, len(nodes) - 1)):
            raise shape_error(operation, f"tensor {k} must be 2D", f"{x.ndim}D, shape {list(x.shape)}")
    row, column = nodes[0].ndim == 1, nodes[-1].ndim == 1
    first = p.reshape(nodes[0], shape=(1, nodes[0].size)) if row else nodes[0]
    last = p.reshape(nodes[-1], shape=(nodes[-1].size, 1)) if column else nodes[-1]
    factors = [first, *nodes[1:-1], last]
    for a, b in pairwise(factors):
        if a.shape[1] != b.shape[0]:
            raise do_not_meet(operation, a.shape, b.shape)
    y = _bracketed(factors)
    return p.reshape(y, shape=y.shape[row : 2 - column]) if row or column else y


def _bracketed(factors: list[Node]) -> Node:
    n = len(factors)
    sizes = [factors[0].shape[0], *[x.shape[1] for x in factors]]
    cost = {(i, i): 0 for i in range(n)}
    split: dict[tuple[int, int], int] = {}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def between(i: int, j: int) -> Node:
        if i == j:
            return factors[i]
        k = split[i, j]
        return contract(between(i, k), between(k + 1, j))

    return between(0, n - 1)


def matrix_power(input: Tensor, n: int, *, out: Optional[Tensor] = None) -> Tensor:
    """The n-th power of a square matrix, or of a batch of them; n = 0 gives the identity, n < 0 powers of the inverse.

    Cost: 2 log2 |n| products at most.

    Raises: RuntimeError for matrices that are not square, or singular when n < 0.
    """
    x = node_of(input, "matrix_power")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise shape_error("matrix_power", "A must be batches of square matrices", (x.shape,))
    n = n.__index__()
    if n == 0:
        nowhere = p.full(scalar(False, dtypes.bool_), shape=x.shape)
        return deliver(p.where(nowhere, x, identity_matrix(x.shape[-1], x.dtype)), out)  # of x, with the derivative 0
    square: Node = p.inv(x) if n < 0 else x
    y: Optional[Node] = None
    n = abs(n)
    while True:
        if n & 1:
            y = square if y is None else contract(y, square)
        n >>= 1
        if not n:
            return deliver(y, out)  # type: ignore[arg-type]
        square = contract(square, square)


def identity_matrix(n: int, dtype: dtypes.DType) -> Node:
    """The n x n identity."""
    k = p.iota(n=n, dtype=dtypes.int64)
    return p.convert(p.eq(p.reshape(k, shape=(n, 1)), k), dtype=dtype)


@in_low_precision
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Optional[Tensor] = None) -> Tensor:
    """The sum over `dims`: their number (the last of a with the first of b), or a pair of lists of dimensions.

    Raises: RuntimeError for lists of two lengths, and for dimensions of two sizes.

    Example:
        >>> import wengert as w
        >>> w.tensordot(w.ones(2, 3, 4), w.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
        wengert.Size([2, 5])
    """
    x, w = node_of(a, "tensordot", "a"), node_of(b, "tensordot", "b")
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise runtime_error("tensordot", "dims >= 0", dims)
        if dims > min(x.ndim, w.ndim):
            raise runtime_error("tensordot", f"dims no larger than {min(x.ndim, w.ndim)}, the lesser rank", dims)
        axes_a, axes_b = tuple(range(x.ndim - dims, x.ndim)), tuple(range(dims))
    else:
        first, second = [(d,) if isinstance(d, int) else tuple(d) for d in dims]
        if len(first) != len(second):
            raise runtime_error("tensordot", "both dimension lists should have same length", (first, second))
        axes_a = tuple([axis_of(axis, x.ndim, "tensordot") for axis in first])
        axes_b = tuple([axis_of(axis, w.ndim, "tensordot") for axis in second])
    # A size of 1 meets any size, as if stretched: the other side is summed first.
    narrow = tuple([j for i, j in zip(axes_a, axes_b) if x.shape[i] == 1 != w.shape[j]])
    if narrow:
        w = kept(p.reduce_sum(w, axes=tuple(sorted(narrow))), w.shape, tuple(sorted(narrow)))
    narrow = tuple([i for i, j in zip(axes_a, axes_b) if w.shape[j] == 1 != x.shape[i]])
    if narrow:
        x = kept(p.reduce_sum(x, axes=tuple(sorted(narrow))), x.shape, tuple(sorted(narrow)))
    for i, j in zip(axes_a, axes_b):
        if x.shape[i] != w.shape[j]:
            raise shape_error(
                "tensordot",
                f"contracted dimensions need to match, but first has size {x.shape[i]} in dim {i} and second has size "
                f"{w.shape[j]} in dim {j}",
                (x.shape, w.shape),
            )
    return deliver(contracted(x, w, axes_a, axes_b), out)


def kron(input: Tensor, other: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """Kronecker's product: each element of the input times the whole of `other`, laid out in blocks."""
    a, b = promote("kron", input, other)
    rank = max(a.ndim, b.ndim)
    rows, columns = (1,) * (rank - a.ndim) + a.shape, (1,) * (rank - b.ndim) + b.shape
    left = p.reshape(a, shape=tuple([n for size in rows for n in (size, 1)]))
    right = p.reshape(b, shape=tuple([n for size in columns for n in (1, size)]))
    return deliver(p.reshape(left * right, shape=tuple([n * m for n, m in zip(rows, columns)])), out)


@in_single_precision
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal; integers in int64. Raises: RuntimeError unless 2D, and for bool."""
    (x,) = ranked("trace", input=(input, 2))
    if x.dtype is dtypes.bool_:
        raise dtype_error("trace", "a number dtype", x.dtype)
    diagonal = p.diagonal(x if x.type.inexact else move(x, dtypes.int64), offset=0, axis1=0, axis2=1)
    return wrap(p.reduce_sum(diagonal, axes=(0,)))


def cross(input: Tensor, other: Tensor, dim: Optional[int] = None, *, out: Optional[Tensor] = None) -> Tensor:
    """The vector product along `dim`, where both have size 3; by default the first such dimension. Others broadcast.

    Raises: RuntimeError when there is no such dimension, or the numbers of dimensions differ.
    """
    a, b = promote("cross", input, other)
    if a.ndim != b.ndim:
        raise shape_error("cross", "inputs must have the same number of dimensions", (a.shape, b.shape))
    if dim is None:
        found = [axis for axis in range(a.ndim) if a.shape[axis] == 3 == b.shape[axis]]
        if not found:
            raise shape_error("cross", "a dimension of size 3 in both inputs", (a.shape, b.shape))
        dim = found[0]
    axis = axis_of(dim, a.ndim, "cross")
    if a.ndim == 0 or a.shape[axis] != 3 or b.shape[axis] != 3:
        raise shape_error("cross", f"inputs dimension {dim} must have length 3", (a.shape, b.shape))
    return deliver(_turned(a, 1, axis) * _turned(b, 2, axis) - _turned(a, 2, axis) * _turned(b, 1, axis), out)


def _turned(x: Node, by: int, axis: int) -> Node:
    """y_k = x_(k + by) mod n along `axis`."""
    n = x.shape[axis]
    parts = [
        p.slice(x, index=tuple([(start, stop, 1) if i == axis else (0, m, 1) for i, m in enumerate(x.shape)]))
        for start, stop in ((by, n), (0, by))
    ]
    return p.concatenate(*parts, axis=axis)


METHODS: dict[str, Callable[..., Any]] = {"matrix_power": matrix_power, "kron": kron, "trace": trace, "cross": cross}
IN_PLACE: tuple[str, ...] = ()
