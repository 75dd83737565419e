"""Attention, forward and backward: composites that need not be computed by their definition, since neither the matrix of
scores nor that of weights is a result.

Source: Vaswani et al., Attention is all you need, 2017; that the logarithm of the normaliser is all that the backward pass
needs besides inputs and output: Dao, Fu, Ermon, Rudra and Re, FlashAttention, 2022.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.dtypes import bool_, int64
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, TupleType, array_type, tuple_type
from wengert.graph.record import scalar
from wengert.graph.rule import Composite, Cotangent, primitives as p, unbroadcast, zeros_of
from wengert.primitives.contractions import dot
from wengert.primitives.control import element, pack, stop_gradient
from wengert.primitives.exponential import exp, log
from wengert.primitives.piecewise import where
from wengert.primitives.reductions import reduce_max, reduce_sum
from wengert.primitives.stable import keep
from wengert.primitives.steps import eq
from wengert.primitives.views import permute

_MINUS_INFINITY = float("-inf")


def turned(x: Node) -> Node:
    """The last two axes changed over."""
    return permute(x, order=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def scores(q: Node, k: Node, scale: Node, mask: Optional[Node], causal: bool) -> Node:
    """scale q k^T, with -inf where the mask (bool) is False or the key comes after the query, plus the mask (float)."""
    s = dot(q, turned(k)) * scale
    if mask is not None:
        s = where(mask, s, scalar(_MINUS_INFINITY, s.dtype)) if mask.dtype is bool_ else s + mask
    if causal:
        rows = p.reshape(p.iota(n=s.shape[-2], dtype=int64), shape=(s.shape[-2], 1))
        s = where(p.ge(rows, p.iota(n=s.shape[-1], dtype=int64)), s, scalar(_MINUS_INFINITY, s.dtype))
    return s


def _finite(x: Node) -> Node:
    """x, and 0 in the place of -inf: the maximum or normaliser of a row in which nothing may be looked at."""
    return where(eq(x, scalar(_MINUS_INFINITY, x.dtype)), scalar(0, x.dtype), x)


def weights(s: Node) -> Node:
    """softmax over the last axis; 0 in a row of -inf."""
    e, total, _ = _exponentials(s)
    return e / where(eq(total, scalar(0, s.dtype)), scalar(1, s.dtype), total)


def _exponentials(s: Node) -> tuple[Node, Node, Node]:
    """exp(s - m), its sum along each row and m, the row's maximum; both with the axis kept."""
    axes = (s.ndim - 1,)
    if s.size == 0:
        m = zeros_of(array_type((*s.shape[:-1], 1), s.dtype))
        return exp(s), keep(reduce_sum(exp(s), axes=axes), s.shape, axes), m
    m = _finite(keep(stop_gradient(reduce_max(s, axes=axes)), s.shape, axes))
    e = exp(s - m)
    return e, keep(reduce_sum(e, axes=axes), s.shape, axes), m


class Attention(Composite):
    """y = softmax(s) v and l = log sum_j exp(s_ij), with scores s = scale q k^T (+ mask)

    Reverse   P = exp(s - l);  v_bar = P^T y_bar;  s_bar = P (y_bar v^T - d), d_i = sum_j y_bar_ij y_ij - l_bar_i;
              q_bar = scale s_bar k;  k_bar = scale s_bar^T q;  mask_bar = s_bar
    Shapes    q (..., n, e), k (..., m, e), v (..., m, f), with equal leading axes; scale (); the mask broadcasts to
              (..., n, m): bool, False where a key may not be looked at, or added to the scores; y (..., n, f), l (..., n)
    causal    query i looks at keys 0 to i only
    Edge      a row that may look at nothing gives 0, and l = -inf
    """

    name = "attention"
    params = ("causal",)

    def infer(
        self, q: ArrayType, k: ArrayType, v: ArrayType, scale: ArrayType, mask: Optional[ArrayType] = None, *, causal: bool
    ) -> TupleType:
        _check("attention", q, k, v, mask)
        return tuple_type(array_type((*q.shape[:-1], v.shape[-1]), q.dtype), array_type(q.shape[:-1], q.dtype))

    def expand(
        self, q: Node, k: Node, v: Node, scale: Node, mask: Optional[Node] = None, *, causal: bool
    ) -> Node:
        e, total, m = _exponentials(scores(q, k, scale, mask, causal))
        y = dot(e, v) / where(eq(total, scalar(0, q.dtype)), scalar(1, q.dtype), total)
        return pack(y, p.reshape(m + log(total), shape=q.shape[:-1]))

    def vjp(
        self, y_bars: Any, q: Node, k: Node, v: Node, scale: Node, mask: Optional[Node] = None, *, y: Node, causal: bool
    ) -> tuple[Cotangent, ...]:
        y_bar, l_bar = y_bars
        result, normaliser = element(y, index=0), element(y, index=1)
        if y_bar is None:
            y_bar = zeros_of(result.type)
        d = reduce_sum(y_bar * result, axes=(result.ndim - 1,))
        d = d if l_bar is None else d - l_bar
        with_mask = mask is not None and mask.tracked and mask.dtype is not bool_
        inputs = (q, k, v, scale, normaliser, y_bar, d) + (() if mask is None else (mask,))
        whole = attention_backward(*inputs, causal=causal, with_mask=with_mask)
        bars: list[Cotangent] = [element(whole, index=i) for i in range(3)]
        if mask is None:
            return (*bars, None)
        return (*bars, None, (lambda: unbroadcast(element(whole, index=3), mask.type)) if with_mask else None)


class AttentionBackward(Composite):
    """(q_bar, k_bar, v_bar[, s_bar]) of `attention`, from its l, the cotangent y_bar and d; see there."""

    name = "attention_backward"
    params = ("causal", "with_mask")

    def infer(
        self,
        q: ArrayType,
        k: ArrayType,
        v: ArrayType,
        scale: ArrayType,
        l: ArrayType,
        y_bar: ArrayType,
        d: ArrayType,
        mask: Optional[ArrayType] = None,
        *,
        causal: bool,
        with_mask: bool,
    ) -> TupleType:
        _check("attention_backward", q, k, v, mask)
        parts = (q, k, v) + ((array_type((*q.shape[:-1], k.shape[-2]), q.dtype),) if with_mask else ())
        return tuple_type(*parts)

    def expand(
        self,
        q: Node,
        k: Node,
        v: Node,
        scale: Node,
        l: Node,
        y_bar: Node,
        d: Node,
        mask: Optional[Node] = None,
        *,
        causal: bool,
        with_mask: bool,
    ) -> Node:
        s = scores(q, k, scale, mask, causal)
        weight = exp(s - p.reshape(_finite(l), shape=(*l.shape, 1)))
        s_bar = weight * (dot(y_bar, turned(v)) - p.reshape(d, shape=(*d.shape, 1)))
        scaled = s_bar * scale
        bars = (dot(scaled, k), dot(turned(scaled), q), dot(turned(weight), y_bar))
        return pack(*bars, s_bar) if with_mask else pack(*bars)


def _check(name: str, q: ArrayType, k: ArrayType, v: ArrayType, mask: Optional[ArrayType]) -> None:
    if not q.dtype.is_floating_point:
        raise dtype_error(name, "a floating dtype", q.dtype.name)
    if not q.dtype is k.dtype is v.dtype or (mask is not None and mask.dtype not in (bool_, q.dtype)):
        found = ", ".join(x.dtype.name for x in (q, k, v, mask) if x is not None)
        raise dtype_error(name, "q, k, v of one dtype, and a mask of that dtype or of bools", found)
    fits = q.ndim == k.ndim == v.ndim >= 2 and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
    if not fits or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise shape_error(name, "q (..., n, e), k (..., m, e), v (..., m, f)", (q.shape, k.shape, v.shape))


attention = Attention()
attention_backward = AttentionBackward()
