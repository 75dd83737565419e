"""Norms and distances. Where a norm is 0 its derivative is 0, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error, shape_error, type_error
from wengert.functions.axes import Dims, axes_of, axis_of, kept, numpy_names
from wengert.functions.data import dtype_named_by
from wengert.functions.operands import deliver, is_number, node_of, promote
from wengert.functions.reduce import widened
from wengert.functions.statistics import root, square_size
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, scalar
from wengert.graph.rule import broadcast_to, primitives
from wengert.primitives.casting import move
from wengert.shapes import Shape, broadcast
from wengert.tensors.casting import in_single_precision
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["norm", "dist", "cdist", "pdist", "renorm"]

# Above this many rows on either side, `cdist` takes Euclid's distance from one matrix product (PyTorch's threshold).
_FEW_ROWS = 25


def vector_norm_node(x: Node, order: float, axes: Shape) -> Node:
    """(sum |x|^order)^(1 / order) over `axes`, real; the largest (smallest) |x| for order inf (-inf), and the number of
    nonzero elements for order 0.

    Derivatives: x / norm for order 2; sign(x) for order 1; for the infinite orders shared evenly between equals; 0
    wherever the norm is 0, where an element is 0 and the order below 1, and for order 0.
    """
    if order in (inf, -inf):
        if any(x.shape[axis] == 0 for axis in axes):
            raise runtime_error(
                "norm", f"cannot compute the {order} norm on an empty dimension because the operation does not have an "
                "identity", list(x.shape),
            )  # fmt: skip
        return (primitives.reduce_max if order > 0 else primitives.reduce_min)(primitives.abs(x), axes=axes)
    if order == 2:
        return root(primitives.reduce_sum(square_size(x), axes=axes))
    size = primitives.abs(x)
    if order == 1:
        return primitives.reduce_sum(size, axes=axes)
    zero = primitives.eq(size, 0)
    if order == 0:
        return primitives.reduce_sum(primitives.where(zero, size, 1), axes=axes)
    if order < 1:  # the power's derivative at 0 is infinite; what is 0 takes no part in it
        powers = primitives.where(zero, 0 if order > 0 else inf, primitives.where(zero, 1, size) ** order)
    else:
        powers = size**order
    total = primitives.reduce_sum(powers, axes=axes)
    none = primitives.eq(total, 0) if order > 0 else primitives.eq(total, inf)
    return primitives.where(none, 0, primitives.where(none, 1, total) ** (1 / order))


def checked_floating(operation: str, input: Tensor, dtype: Optional[DType] = None) -> Node:
    """The node of a floating or complex tensor, in `dtype` when that is given.

    Raises: RuntimeError for other dtypes.
    """
    x = node_of(input, operation)
    if not x.type.inexact:
        raise dtype_error(operation, "Expected a floating point or complex tensor as input", x.dtype)
    if dtype is not None:
        dtype = dtype_named_by(dtype, operation)
        if not dtype.inexact or (x.dtype.is_complex and not dtype.is_complex):
            raise dtype_error(operation, f"a dtype that {x.dtype} converts to", dtype)
        x = move(x, dtype)
    return x


def vector_norm_of(x: Node, order: Any, dim: Dims, keepdim: bool, operation: str) -> Node:
    """The vector norm over `dim`, in the real dtype of x; 16-bit floats in float32 and rounded once."""
    if not is_number(order) or isinstance(order, complex):
        raise type_error(operation, "argument 'ord' must be a real number", repr(order))
    axes = axes_of(dim, x.ndim, operation)
    y = move(vector_norm_node(widened(x), float(order), axes), x.dtype.to_real)
    return kept(y, x.shape, axes) if keepdim else y


def matrix_norm_of(x: Node, order: Any, dims: Any, keepdim: bool, operation: str) -> Node:
    """The matrix norm over two dimensions: "fro"; "nuc", 2, -2 by singular values; 1, -1 by columns; inf, -inf by rows.

    Raises: RuntimeError for other orders and for dimensions that are not two.
    """
    if not isinstance(dims, (tuple, list)) or len(dims) != 2:
        raise runtime_error(operation, "dim must be a 2-tuple", dims)
    if x.ndim < 2:
        raise shape_error(operation, "a tensor with at least 2 dimensions", (x.shape,))
    rows, columns = [axis_of(dim, x.ndim, operation) for dim in dims]
    if rows == columns:
        raise runtime_error(operation, "two different dimensions", tuple(dims))
    axes = tuple(sorted((rows, columns)))
    x_wide = widened(x)
    if order == "fro":
        y = vector_norm_node(x_wide, 2.0, axes)
    elif order in ("nuc", 2, -2) and not isinstance(order, bool):
        matrices = primitives.permute(x_wide, order=(*[i for i in range(x.ndim) if i not in axes], rows, columns))
        values = primitives.singular_values(matrices)
        last = (values.ndim - 1,)
        if order == 2 and not values.shape[-1]:
            order = "nuc"  # of nothing both are 0
        y = {"nuc": primitives.reduce_sum, 2: primitives.reduce_max, -2: primitives.reduce_min}[order](values, axes=last)
    elif order in (1, -1, inf, -inf):
        summed, chosen = (rows, columns) if order in (1, -1) else (columns, rows)
        sums = primitives.reduce_sum(primitives.abs(x_wide), axes=(summed,))
        if order > 0 and not x.shape[chosen]:  # the largest of nothing is 0
            sums = primitives.full(scalar(0, sums.dtype), shape=tuple([n or 1 for n in sums.shape]))
        y = (primitives.reduce_max if order > 0 else primitives.reduce_min)(sums, axes=(chosen - (summed < chosen),))
    else:
        known = "take 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2"
        raise runtime_error(operation, f"Order {order} not supported", None, known)
    y = move(y, x.dtype.to_real)
    return kept(y, x.shape, axes) if keepdim else y


@numpy_names
def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
) -> Tensor:
    """The vector norm (sum |x|^p)^(1/p) over `dim`, or over all elements; p = "fro" is 2, "nuc" the nuclear norm of a
    matrix (the sum of its singular values).

    Raises: RuntimeError for integer tensors, and for a norm of infinite order of no elements.

    Example:
        >>> import wengert as w
        >>> w.norm(w.tensor([[3.0, 4.0], [6.0, 8.0]]), dim=1).tolist()
        [5.0, 10.0]
    """
    x = checked_floating("norm", input, dtype)
    if p == "nuc":
        return deliver(matrix_norm_of(x, "nuc", (-2, -1) if dim is None else dim, keepdim, "norm"), out)
    if p is None or p == "fro":
        p = 2
    elif isinstance(p, str):
        raise runtime_error("norm", f"Order {p} not supported", None, "take 'fro', 'nuc' or a number")
    return deliver(vector_norm_of(x, p, dim, keepdim, "norm"), out)


def dist(input: Tensor, other: Tensor, p: Any = 2) -> Tensor:
    """The p-norm of input - other, which broadcast."""
    a, b = promote("dist", input, other)
    return wrap(vector_norm_of(checked_floating("dist", wrap(a - b)), p, None, False, "dist"))


def renorm(input: Tensor, p: Any, dim: int, maxnorm: Any, *, out: Optional[Tensor] = None) -> Tensor:
    """Each slice along `dim` whose p-norm is above `maxnorm` scaled down to it: x maxnorm / (norm + 1e-7).

    Raises: RuntimeError for a norm or an order that is not positive, and for fewer than two dimensions.
    """
    x = checked_floating("renorm", input)
    if x.ndim < 2:
        raise runtime_error("renorm", "input needs at least 2 dimensions", f"{x.ndim} dimensions")
    if p <= 0 or maxnorm < 0:
        raise runtime_error("renorm", "a positive order p and a maxnorm >= 0", f"p={p}, maxnorm={maxnorm}")
    axis = axis_of(dim, x.ndim, "renorm")
    others = tuple([i for i in range(x.ndim) if i != axis])
    sizes = kept(vector_norm_node(widened(x), float(p), others), x.shape, others)
    return deliver(x * move(_scale(sizes, maxnorm), x.dtype), out)


def _scale(sizes: Node, limit: Any) -> Node:
    return primitives.where(sizes > limit, limit / (sizes + 1e-7), 1)


# --- distances between rows ------------------------------------------------------------------------------------------


@in_single_precision
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The p-norm distance of every row of x1 (..., m, k) from every row of x2 (..., n, k): (..., m, n).

    Where several coordinates decide a distance of order inf, they share its derivative evenly, as in `norm` (PyTorch's
    cdist gives each the whole).

    compute_mode: whether Euclid's distance is taken as |a|^2 - 2 a.b + |b|^2 by one matrix product, which needs less
    memory and rounds more: for more than 25 rows, always, or never ("donot_use_mm_for_euclid_dist").

    Raises: RuntimeError for fewer than two dimensions, dtypes that are not floating, or rows of two lengths.

    Example:
        >>> import wengert as w
        >>> w.cdist(w.tensor([[0.0, 0.0]]), w.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[5.0, 1.0]]
    """
    a, b = node_of(x1, "cdist", "x1"), node_of(x2, "cdist", "x2")
    for name, x in (("X1", a), ("X2", b)):
        if not x.dtype.is_floating_point:
            raise dtype_error("cdist", f"only supports floating-point dtypes, {name}", x.dtype)
        if x.ndim < 2:
            raise shape_error("cdist", f"only supports at least 2D tensors, {name}", f"{x.ndim}D")
    if a.shape[-1] != b.shape[-1]:
        raise shape_error("cdist", f"X1 and X2 must have the same number of columns, {a.shape[-1]} and {b.shape[-1]}")
    if a.dtype is not b.dtype:
        raise dtype_error("cdist", "X1 and X2 of one dtype", f"{a.dtype} and {b.dtype}")
    if p < 0:
        raise runtime_error("cdist", "only supports non-negative p values", p)
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise runtime_error("cdist", f"compute_mode one of {', '.join(modes)}", compute_mode)
    many = max(a.shape[-2], b.shape[-2]) > _FEW_ROWS
    if p == 2 and (compute_mode == modes[1] or (compute_mode == modes[0] and many)):
        return wrap(_euclidean(a, b))
    rows = _reshape(a, (*a.shape[:-1], 1, a.shape[-1]))  # (..., m, 1, k)
    columns = _reshape(b, (*b.shape[:-2], 1, *b.shape[-2:]))  # (..., 1, n, k)
    return wrap(_lengths(rows - columns, p))


def _lengths(difference: Node, order: float) -> Node:
    """The norms along the last axis; of no elements 0."""
    if difference.shape[-1] == 0 and order == inf:
        order = 2.0
    return move(vector_norm_node(widened(difference), float(order), (difference.ndim - 1,)), difference.dtype)


def _euclidean(a: Node, b: Node) -> Node:
    """sqrt(|a|^2 - 2 a.b + |b|^2) for each pair of rows, not below 0."""
    batch = broadcast("cdist", a.shape[:-2], b.shape[:-2])
    a, b = (broadcast_to(widened(x), batch + x.shape[-2:]) for x in (a, b))
    last = len(batch) + 1
    order = (*range(last - 1), last, last - 1)
    squares_a = kept(primitives.reduce_sum(primitives.square(a), axes=(last,)), a.shape, (last,))  # (..., m, 1)
    squares_b = kept(primitives.reduce_sum(primitives.square(b), axes=(last,)), b.shape, (last,))  # (..., n, 1)
    products = primitives.dot(a, primitives.permute(b, order=order))  # (..., m, n)
    squares = squares_a + primitives.permute(squares_b, order=order) - products * 2
    return root(primitives.clamp_min(squares, 0))


def _reshape(x: Node, shape: Shape) -> Node:
    return primitives.reshape(x, shape=shape)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances of all pairs of rows of (n, k), (0, 1), (0, 2), ... (n-2, n-1): n (n - 1) / 2 of them.

    Raises: RuntimeError for other than two dimensions and dtypes that are not floating.
    """
    x = node_of(input, "pdist")
    if x.ndim != 2 or not x.dtype.is_floating_point:
        raise shape_error("pdist", "a floating tensor of two dimensions", str(x.type))
    if p < 0:
        raise runtime_error("pdist", "only supports non-negative p values", p)
    first, second = np.triu_indices(x.shape[0], 1)
    return wrap(_lengths(_rows(x, first) - _rows(x, second), p))


def _rows(x: Node, positions: Any) -> Node:
    index = literal(np.ascontiguousarray(positions, np.int64), array_type(positions.shape, dtypes.int64))
    return primitives.take(x, index, axis=0)


METHODS: dict[str, Callable[..., Any]] = {"norm": norm, "dist": dist, "renorm": renorm}
IN_PLACE: tuple[str, ...] = ("renorm",)
