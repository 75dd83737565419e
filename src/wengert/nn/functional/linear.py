"""Linear maps.

Hot path: `linear` on matrices with a bias is one record.
"""

from __future__ import annotations

from math import prod
from typing import Any, Optional

from wengert.errors import dtype_error, shape_error
from wengert.functions.operands import deliver, node_of
from wengert.graph.node import ArrayType, Node
from wengert.graph.record import record
from wengert.graph.rule import primitives as p
from wengert.primitives.arithmetic import add
from wengert.primitives.contractions import dot, linear as affine
from wengert.primitives.views import permute, reshape
from wengert.tensors.casting import casting, lowered
from wengert.tensors.tensor import Tensor, wrap

_SWAP = ((1, 0),)


def linear(input: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *, out: Optional[Tensor] = None) -> Tensor:
    """y = x W^T + b along the last dimension.

    Shape: input (*, in), weight (out, in) or (in,), bias (out,) or (); y (*, out), or (*) for a weight (in,).

    Raises: RuntimeError when sizes or dtypes do not fit.
    """
    if out is not None:
        return deliver(linear(input, weight, bias)._read(), out)
    if casting.active:
        input, weight, bias = lowered(input, weight, bias)
    try:
        x = input._node if input._link is None else input._read()
        w = weight._node if weight._link is None else weight._read()
    except AttributeError:
        x, w = node_of(input, "linear"), node_of(weight, "linear", "weight")
    b = None if bias is None else node_of(bias, "linear", "bias")
    if b is not None and (x.type, w.type, b.type) in _plain:
        return wrap(record(affine, (x, w, b)))
    if b is not None and _are_plain(x.type, w.type, b.type):
        if len(_plain) >= _PLAIN_LIMIT:
            _plain.clear()
        _plain.add((x.type, w.type, b.type))
        return wrap(record(affine, (x, w, b)))
    y = _of_any_rank(x, w)
    if b is None:
        return wrap(y)
    if b.type.dtype is not y.type.dtype:
        raise dtype_error("linear", "input and bias of one dtype", f"{y.dtype} and {b.dtype}")
    z = record(add, (y, b))
    if z.type is not y.type:
        raise shape_error("linear", f"a bias that broadcasts to the output's shape {list(y.shape)}", (b.shape,))
    return wrap(z)


# Types that were found to be plain.
_plain: set[tuple[Any, Any, Any]] = set()
_PLAIN_LIMIT = 1024


def _are_plain(x: ArrayType, w: ArrayType, b: ArrayType) -> bool:
    """Whether x and w are matrices and b a row that fit, all of one dtype."""
    if len(x.shape) != 2 or len(w.shape) != 2 or x.shape[1] != w.shape[1] or b.shape != w.shape[:1]:
        return False
    return x.dtype is w.dtype and x.dtype is b.dtype


def _of_any_rank(x: Node, w: Node) -> Node:
    """x W^T for every rank of x, as one product of matrices; or the error that says what does not fit."""
    if x.ndim == 0 or w.ndim not in (1, 2):
        raise shape_error("linear", "input with at least 1 dimension and weight with 1 or 2", (x.shape, w.shape))
    if x.shape[-1] != w.shape[-1]:
        raise shape_error(
            "linear",
            f"the input's last size equals the weight's last (in_features), but {x.shape[-1]} != {w.shape[-1]}",
            (x.shape, w.shape),
            "the weight may need .mT" if x.shape[-1] == w.shape[0] else "",
        )
    if x.dtype is not w.dtype:
        raise dtype_error("linear", "input and weight of one dtype", f"{x.dtype} and {w.dtype}", "convert one of them")
    *leading, n = x.shape
    flat = x if x.ndim == 2 else record(reshape, (x,), ((prod(leading), n),))
    matrix = w if w.ndim == 2 else record(reshape, (w,), ((1, n),))
    y = record(dot, (flat, record(permute, (matrix,), _SWAP)))
    shape = (*leading, w.shape[0]) if w.ndim == 2 else tuple(leading)
    return y if y.shape == shape else record(reshape, (y,), (shape,))


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    """y_o = sum_ij a_i W_oij b_j + bias_o along the last dimension.

    Shape: input1 (*, in1), input2 (*, in2), weight (out, in1, in2), bias (out,); y (*, out).

    Raises: RuntimeError when sizes or dtypes do not fit.
    """
    a, b, w = node_of(input1, "bilinear"), node_of(input2, "bilinear", "input2"), node_of(weight, "bilinear", "weight")
    if w.ndim != 3 or not a.ndim or a.shape[:-1] != b.shape[:-1] or (a.shape[-1], b.shape[-1]) != w.shape[1:]:
        wanted = "input1 (*, in1), input2 (*, in2), weight (out, in1, in2)"
        raise shape_error("bilinear", wanted, (a.shape, b.shape, w.shape))
    batch, (out, in1, in2) = prod(a.shape[:-1]), w.shape
    by_input: Any = p.reshape(p.permute(w, order=(1, 0, 2)), shape=(in1, out * in2))
    half = p.reshape(p.dot(p.reshape(a, shape=(batch, in1)), by_input), shape=(batch, out, in2))  # (batch, out, in2)
    y = p.reshape(p.dot(half, p.reshape(b, shape=(batch, in2, 1))), shape=(*a.shape[:-1], out))
    if bias is not None:
        y = y + node_of(bias, "bilinear", "bias")
    return wrap(y)
