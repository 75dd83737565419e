"""Products of matrices and vectors: every rank case brought to `dot`, which takes (..., m, k) and (..., k, n).

Hot path: the product of two matrices goes straight to `record`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Optional

from wengert.errors import ShapeError, dtype_error, shape_error
from wengert.functions.operands import deliver, node_of, promote
from wengert.graph.node import Node
from wengert.graph.record import record
from wengert.graph.rule import broadcast_to, conjugated, primitives as p
from wengert.primitives.contractions import dot as contract
from wengert.primitives.views import reshape
from wengert.shapes import Shape, broadcast
from wengert.tensors.casting import casting, in_low_precision, lowered
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "outer", "ger", "addmm", "addmv", "addbmm", "baddbmm", "addr",
]  # fmt: skip


def matmul(input: Tensor, other: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The product of matrices, c_ij = sum_k a_ik b_kj.

    Two matrices: their product. A vector stands for a row on the left and a column on the right, and its dimension is
    dropped from the result. More dimensions are a batch of matrices, which broadcast against each other.

    Raises: RuntimeError for sizes that do not meet, for zero-dimensional inputs, and for two dtypes.

    Example:
        >>> import wengert as w
        >>> w.matmul(w.ones(5, 2, 3), w.ones(3, 4)).shape
        wengert.Size([5, 2, 4])
    """
    if casting.active:
        input, other = lowered(input, other)
    a, b = node_of(input, "matmul"), node_of(other, "matmul", "other")
    if a.type.ndim == 2 and b.type.ndim == 2:
        return deliver(record(contract, (a, b)), out)
    return deliver(product(a, b), out)


def product(a: Node, b: Node) -> Node:
    """a @ b for every rank."""
    rows, columns = a.type.shape, b.type.shape
    if not rows or not columns:
        raise shape_error("matmul", "both arguments need to be at least 1D", (rows, columns), "use * for numbers")
    if rows[-1] != columns[max(len(columns) - 2, 0)]:
        raise do_not_meet("matmul", rows, columns)
    if len(columns) == 1:
        return _reshape(record(contract, (_as_matrix(a), _reshape(b, (columns[0], 1)))), rows[:-1])
    if len(rows) == 1:
        y = product(_reshape(a, (1, rows[0])), b)
        return _reshape(y, (*y.shape[:-2], y.shape[-1]))
    if len(columns) == 2:  # one tall product instead of many
        return _reshape(record(contract, (_as_matrix(a), b)), (*rows[:-1], columns[-1]))
    batch = broadcast("matmul", rows[:-2], columns[:-2])
    return record(contract, (broadcast_to(a, batch + rows[-2:]), broadcast_to(b, batch + columns[-2:])))


def _as_matrix(x: Node) -> Node:
    """All leading dimensions in one."""
    shape = x.type.shape
    return x if len(shape) == 2 else _reshape(x, (prod(shape[:-1]), shape[-1]))


def _reshape(x: Node, shape: Shape) -> Node:
    return record(reshape, (x,), (shape,))


def do_not_meet(operation: str, a: Shape, b: Shape) -> ShapeError:
    inner = b[max(len(b) - 2, 0)]
    wanted = f"input's last axis == other's {'second-last' if len(b) > 1 else 'only'} axis, but {a[-1]} != {inner}"
    return shape_error(operation, wanted, (a, b), "did you mean other.mT?" if len(b) > 1 and a[-1] == b[-1] else "")


def contracted(a: Node, b: Node, axes_a: Shape, axes_b: Shape) -> Node:
    """The sum over pairs of axes of a and b; the result has the remaining axes of a, then those of b."""
    free_a = [axis for axis in range(a.ndim) if axis not in axes_a]
    free_b = [axis for axis in range(b.ndim) if axis not in axes_b]
    shape_a, shape_b = [a.shape[axis] for axis in free_a], [b.shape[axis] for axis in free_b]
    summed = prod([a.shape[axis] for axis in axes_a])
    left = p.reshape(p.permute(a, order=(*free_a, *axes_a)), shape=(prod(shape_a), summed))
    right = p.reshape(p.permute(b, order=(*axes_b, *free_b)), shape=(summed, prod(shape_b)))
    return p.reshape(contract(left, right), shape=(*shape_a, *shape_b))


# --- one rank at a time ----------------------------------------------------------------------------------------------


def ranked(operation: str, **arguments: tuple[Any, int]) -> list[Node]:
    """Nodes of tensors, each checked to have its number of dimensions."""
    nodes = [node_of(tensor, operation, name) for name, (tensor, _) in arguments.items()]
    for (name, (_, ndim)), node in zip(arguments.items(), nodes):
        if node.ndim != ndim:
            kind = {1: "a vector (1D)", 2: "a matrix (2D)", 3: "a batch of matrices (3D)"}[ndim]
            raise shape_error(operation, f"{name} must be {kind}", f"{node.ndim}D, shape {list(node.shape)}")
    return nodes


@in_low_precision
def mm(input: Tensor, mat2: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The product of two matrices. Raises: RuntimeError unless both are 2D and their sizes meet."""
    return deliver(contract(*ranked("mm", input=(input, 2), mat2=(mat2, 2))), out)


@in_low_precision
def bmm(input: Tensor, mat2: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The products of two batches of matrices, (b, m, k) and (b, k, n). Raises: RuntimeError for other shapes."""
    return deliver(contract(*ranked("bmm", input=(input, 3), mat2=(mat2, 3))), out)


def mv(input: Tensor, vec: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """Matrix times vector, (m, k) and (k,). Raises: RuntimeError for other shapes."""
    return deliver(product(*ranked("mv", input=(input, 2), vec=(vec, 1))), out)


def _vectors(operation: str, input: Tensor, tensor: Tensor) -> list[Node]:
    a, b = ranked(operation, input=(input, 1), tensor=(tensor, 1))
    if a.shape != b.shape:
        raise shape_error(operation, "two vectors with the same number of elements", (a.shape, b.shape))
    if a.dtype is not b.dtype:
        raise dtype_error(operation, "both vectors of one dtype", f"{a.dtype} and {b.dtype}")
    return [a, b]


def dot(input: Tensor, tensor: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """sum_k a_k b_k of two vectors of one size and dtype. Raises: RuntimeError for others."""
    return deliver(product(*_vectors("dot", input, tensor)), out)


def vdot(input: Tensor, other: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """sum_k conj(a_k) b_k of two vectors of one size and dtype. Raises: RuntimeError for others."""
    a, b = _vectors("vdot", input, other)
    return deliver(product(conjugated(a), b), out)


def inner(input: Tensor, other: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """sum_k a_...k b_...k: every last axis of one with every one of the other; a number multiplies.

    Raises: RuntimeError when the last sizes differ.
    """
    a, b = node_of(input, "inner"), node_of(other, "inner", "other")
    if a.ndim == 0 or b.ndim == 0:
        return deliver(p.mul(a, b), out)
    if a.shape[-1] != b.shape[-1]:
        raise shape_error("inner", "the last dimension must match on both input tensors", (a.shape, b.shape))
    return deliver(contracted(a, b, (a.ndim - 1,), (b.ndim - 1,)), out)


def outer(input: Tensor, vec2: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """y_ij = a_i b_j of two vectors; dtypes promote. Raises: RuntimeError unless both are 1D."""
    ranked("outer", input=(input, 1), vec2=(vec2, 1))
    a, b = promote("outer", input, vec2)
    return deliver(p.reshape(a, shape=(a.size, 1)) * b, out)


def ger(input: Tensor, vec2: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """`outer` by its older name."""
    return outer(input, vec2, out=out)


# --- beta * input + alpha * product ----------------------------------------------------------------------------------


def _added(operation: str, input: Tensor, y: Node, beta: Any, alpha: Any, out: Optional[Tensor]) -> Tensor:
    """beta * input + alpha * y, where the input broadcasts to y. With beta 0 its values do not matter, even NaN. For
    integers alpha and beta lose their fractions, as in PyTorch, which refuses them in `addr` alone."""
    x = node_of(input, operation)
    if x.dtype is not y.dtype:
        raise dtype_error(operation, "input and the product of one dtype", f"{x.dtype} and {y.dtype}")
    if not y.dtype.inexact and (isinstance(alpha, float) or isinstance(beta, float)):
        if operation == "addr":
            raise dtype_error(operation, "integer alpha and beta for integer tensors", f"alpha={alpha}, beta={beta}")
        alpha, beta = int(alpha), int(beta)
    try:
        fits = broadcast(operation, x.shape, y.shape) == y.shape
    except ShapeError:
        fits = False
    if not fits:
        raise shape_error(operation, f"an input that expands to the product's shape {list(y.shape)}", (x.shape,))
    if alpha != 1:
        y = y * alpha
    if beta == 0:
        return deliver(y, out)
    return deliver((x if beta == 1 else x * beta) + y, out)


@in_low_precision
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Optional[Tensor] = None) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2); the input broadcasts to the product.

    Raises: RuntimeError for shapes and dtypes that do not fit.
    """
    return _added("addmm", input, contract(*ranked("addmm", mat1=(mat1, 2), mat2=(mat2, 2))), beta, alpha, out)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Optional[Tensor] = None) -> Tensor:
    """beta * input + alpha * (mat @ vec). Raises: RuntimeError for shapes and dtypes that do not fit."""
    return _added("addmv", input, product(*ranked("addmv", mat=(mat, 2), vec=(vec, 1))), beta, alpha, out)


@in_low_precision
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Optional[Tensor] = None
) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2), matrix by matrix.

    Raises: RuntimeError for shapes and dtypes that do not fit.
    """
    y = contract(*ranked("baddbmm", batch1=(batch1, 3), batch2=(batch2, 3)))
    return _added("baddbmm", input, y, beta, alpha, out)


@in_low_precision
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Optional[Tensor] = None
) -> Tensor:
    """beta * input + alpha * (the sum over the batch of batch1 @ batch2).

    Raises: RuntimeError for shapes and dtypes that do not fit.
    """
    a, b = ranked("addbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise shape_error("addbmm", "batches (b, m, k) and (b, k, n)", (a.shape, b.shape))
    return _added("addbmm", input, contracted(a, b, (0, 2), (0, 1)), beta, alpha, out)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Optional[Tensor] = None) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2); dtypes promote. Raises: RuntimeError for shapes that do not fit."""
    ranked("addr", vec1=(vec1, 1), vec2=(vec2, 1))
    x, a, b = promote("addr", input, vec1, vec2)
    return _added("addr", wrap(x), p.reshape(a, shape=(a.size, 1)) * b, beta, alpha, out)


# --- methods ---------------------------------------------------------------------------------------------------------


def _times(self: Tensor, other: Any) -> Any:
    """self @ other; Python asks the other side when that is no tensor."""
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


def _times_from_left(self: Tensor, other: Any) -> Any:
    return matmul(other, self) if isinstance(other, Tensor) else NotImplemented


METHODS: dict[str, Callable[..., Any]] = {
    "__matmul__": _times, "__rmatmul__": _times_from_left, "matmul": matmul, "mm": mm, "bmm": bmm, "mv": mv, "dot": dot,
    "vdot": vdot, "inner": inner, "outer": outer, "ger": ger, "addmm": addmm, "addmv": addmv, "addbmm": addbmm,
    "baddbmm": baddbmm, "addr": addr,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ("addmm", "addmv", "addbmm", "baddbmm", "addr")
