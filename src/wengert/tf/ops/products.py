"""Products of matrices and tensors, and norms."""

from __future__ import annotations

import re
from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import INEXACT, NUMERIC, accept, alike, axes_in, ints, led
from wengert.tf.ops.core import w


def _turned(x: Any, transpose: bool, adjoint: bool, which: str) -> Any:
    if transpose and adjoint:
        raise ValueError(f"Only one of `transpose_{which}` and `adjoint_{which}` can be True.")
    if adjoint:
        return w.conj(x.mT) if x.dtype.is_complex else x.mT
    return x.mT if transpose else x


@face()
def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None,
    grad_a: bool = False, grad_b: bool = False, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The product of matrices (the last two axes; others broadcast), each turned first if that is asked for.

    Raises: InvalidArgumentError for dtypes or shapes that do not fit, ValueError for a matrix turned twice.
    """
    a, b = led("MatMul", a, b)
    accept("MatMul", NUMERIC, a)
    if a.ndim < 2 or b.ndim < 2:
        raise invalid(
            f"In[0] and In[1] ndims must be >= 2: {a.ndim} and {b.ndim}. Use tf.linalg.matvec or tf.tensordot [Op:MatMul]"
        )
    a, b = _turned(a, transpose_a, adjoint_a, "a"), _turned(b, transpose_b, adjoint_b, "b")
    if a.shape[-1] != b.shape[-2]:
        raise invalid(f"Matrix size-incompatible: In[0]: {list(a.shape)}, In[1]: {list(b.shape)} [Op:MatMul]")
    y = w.matmul(a, b)
    return y if output_type is None else y.to(as_dtype(output_type))


@face()
def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
    b_is_sparse: bool = False, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The product of matrices and vectors (the last axis of b).

    Raises: InvalidArgumentError for dtypes or shapes that do not fit, ValueError for a matrix turned twice.
    """
    a, b = led("MatMul", a, b)
    accept("MatMul", NUMERIC, a)
    if a.ndim < 2 or not b.ndim:
        raise invalid(f"a matrix and a vector are needed, got shapes {list(a.shape)} and {list(b.shape)} [Op:MatMul]")
    a = _turned(a, transpose_a, adjoint_a, "a")
    if a.shape[-1] != b.shape[-1]:
        raise invalid(f"Matrix size-incompatible: In[0]: {list(a.shape)}, In[1]: {list(b.shape)} [Op:MatMul]")
    return w.matmul(a, b[..., None])[..., 0]


@face()
def tensordot(a: Any, b: Any, axes: Any, name: Optional[str] = None) -> Any:
    """The sum of products over pairs of axes: the last n of a and first n of b, or those named.

    Raises: ValueError for axes that do not pair, InvalidArgumentError for sizes that differ.
    """
    a, b = led("Tensordot", a, b)
    pairs = axes.tolist() if hasattr(axes, "tolist") else axes
    if isinstance(pairs, int):
        if not 0 <= pairs <= min(a.ndim, b.ndim):
            raise ValueError(f"`axes` must be between 0 and the ranks of a and b, got axes={pairs}")
        return w.tensordot(a, b, dims=pairs)
    if len(pairs) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    first, second = ints(pairs[0]), ints(pairs[1])
    if len(first) != len(second):
        raise ValueError(f"Different number of contraction axes `a` and `b`, {len(first)} != {len(second)}.")
    return w.tensordot(a, b, dims=(list(first), list(second)))


@face()
def einsum(equation: str, *inputs: Any, name: Optional[str] = None, **kwargs: Any) -> Any:
    """Einstein's sum.

    Raises: ValueError for an equation that is none, or not of so many arguments; InvalidArgumentError for shapes that do
    not fit it; TypeError for other keywords.
    """
    if set(kwargs) - {"optimize"}:
        raise TypeError(f"Invalid keyword arguments for this function: {', '.join(sorted(kwargs))}.")
    spelled = equation.replace(" ", "")
    if not re.fullmatch(r"[A-Za-z.]*(,[A-Za-z.]*)*(->[A-Za-z.]*)?", spelled):
        raise ValueError(f"Indices have incorrect format: {equation}")
    if spelled.partition("->")[0].count(",") + 1 != len(inputs):
        raise ValueError(
            f"Got {len(inputs)} arguments for equation {equation!r}, expecting {spelled.partition('->')[0].count(',') + 1}"
        )
    operands = alike("Einsum", *inputs)
    try:
        return w.einsum(spelled, *operands)
    except RuntimeError as error:
        raise invalid(f"{error} [Op:Einsum]") from error


@face("a", "b")
def cross(a: Any, b: Any, name: Optional[str] = None) -> Any:
    """The product of vectors in space: the last axis, of size 3. Raises: InvalidArgumentError for other shapes."""
    a, b = alike("Cross", a, b)
    if a.shape != b.shape or not a.ndim or a.shape[-1] != 3:
        raise invalid(
            f"Cross-products are only defined for 3-element vectors of one shape, got {list(a.shape)} and "
            f"{list(b.shape)} [Op:Cross]"
        )
    return w.linalg.cross(a, b)


# --- norms ------------------------------------------------------------------------------------------------------------

_MATRIX_ORDERS: tuple[Any, ...] = ("euclidean", "fro", 1, 2, float("inf"))


@face("tensor")
def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: Optional[str] = None) -> Any:
    """A norm of vectors (one axis, or all elements), or of matrices (two axes): "euclidean", "fro", 1, 2, inf, any p > 0.

    Raises: ValueError for an order that the norm has not.
    """
    accept("norm", INEXACT, tensor)
    keep = bool(keepdims)
    if axis is None or isinstance(axis, int) or len(ints(axis)) == 1:
        return _vector_norm(tensor, ord, axis, keep)
    axes = axes_in(axis, tensor.ndim, "norm")
    if len(axes) != 2:
        raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
    if ord not in _MATRIX_ORDERS:
        raise ValueError(f"'ord' must be a supported matrix norm in {list(_MATRIX_ORDERS)}, got {ord}")
    if ord in ("euclidean", "fro"):
        y = w.linalg.vector_norm(tensor, 2, axes, keepdim=keep)
    else:
        y = w.linalg.matrix_norm(tensor, ord, axes, keepdim=keep)
    return y.to(tensor.dtype)


def _vector_norm(x: Any, ord: Any, axis: Any, keep: bool) -> Any:
    if isinstance(ord, str) and ord != "euclidean":
        raise ValueError(f"'ord' must be a supported vector norm in ['euclidean', 1, 2, inf] or a positive number, got {ord}")
    if not isinstance(ord, str) and not ord > 0:
        raise ValueError(f"'ord' must be a positive number, got {ord}")
    axes = axes_in(axis, x.ndim, "norm")
    y = w.linalg.vector_norm(x, 2 if ord == "euclidean" else ord, axes, keepdim=keep) if axes else w.abs(x)
    return y.to(x.dtype)


@face("tensor")
def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: Optional[str] = None) -> Any:
    """The tensor over its norm, and the norm; see `norm`."""
    length = norm(tensor, ord, axis, True)
    return tensor / length, length


__all__ = ["cross", "einsum", "matmul", "matvec", "norm", "normalize", "tensordot"]
