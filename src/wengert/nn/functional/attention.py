"""Attention: weighted means of values, by how well a query meets their keys.

Source: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser and Polosukhin, Attention is all you need, 2017.
"""

from __future__ import annotations

import math
from typing import Optional

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import broadcast_to, primitives as p
from wengert.nn.functional.dropout import dropout
from wengert.primitives.attention import attention, scores, weights
from wengert.primitives.casting import move
from wengert.shapes import broadcast
from wengert.tensors.casting import in_low_precision
from wengert.tensors.tensor import Tensor, wrap

_NAME = "scaled_dot_product_attention"


@in_low_precision
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Optional[Tensor] = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Optional[float] = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale q k^T + mask) v.

    attn_mask: broadcasts to (..., n, m); of bools, False where a key may not be looked at, or added to the scores. A query
    that may look at nothing gets 0.
    dropout_p: the weights are 0 with this probability, whether training or not.
    is_causal: query i looks at keys 0 to i only.
    scale: 1 / sqrt(e) by default.
    enable_gqa: key and value may have fewer heads than the query, which share them in groups.

    Shape: query (..., n, e), key (..., m, e), value (..., m, f); the result (..., n, f).

    Raises: RuntimeError for shapes or dtypes that do not fit, for a mask besides `is_causal`, and for a dropout_p
    outside [0, 1].
    """
    q, k, v = node_of(query, _NAME, "query"), node_of(key, _NAME, "key"), node_of(value, _NAME, "value")
    _check(q, k, v, is_causal, attn_mask, dropout_p)
    mask = None if attn_mask is None else _mask_node(attn_mask, q)
    if enable_gqa:
        k, v = _repeated_heads(q, k), _repeated_heads(q, v)
    q, k, v = _of_one_batch(q, k, v)
    factor = scalar(1 / math.sqrt(q.shape[-1]) if scale is None and q.shape[-1] else scale or 1.0, q.dtype)
    if dropout_p > 0:
        chosen = dropout(wrap(weights(scores(q, k, factor, mask, is_causal))), dropout_p)
        return wrap(p.dot(chosen._read(), v))
    inputs = (q, k, v, factor) if mask is None else (q, k, v, factor, mask)
    return wrap(p.element(attention(*inputs, causal=is_causal), index=0))


def _check(q: Node, k: Node, v: Node, is_causal: bool, attn_mask: Optional[Tensor], dropout_p: float) -> None:
    if is_causal and attn_mask is not None:
        raise runtime_error(_NAME, "explicit attn_mask should not be set when is_causal=True", None, "give one of the two")
    if not 0 <= dropout_p <= 1:
        raise runtime_error(_NAME, "dropout probability has to be between 0 and 1", dropout_p)
    if min(q.ndim, k.ndim, v.ndim) < 2:
        wanted = "query, key and value of at least 2 dimensions"
        raise shape_error(_NAME, wanted, (q.shape, k.shape, v.shape))
    if not q.dtype is k.dtype is v.dtype:
        raise dtype_error(_NAME, "query, key and value of one dtype", f"{q.dtype}, {k.dtype} and {v.dtype}")
    if not q.dtype.is_floating_point:
        raise dtype_error(_NAME, "a floating dtype", q.dtype)


def _mask_node(attn_mask: Tensor, q: Node) -> Node:
    mask = node_of(attn_mask, _NAME, "attn_mask")
    if mask.dtype is dtypes.bool_:
        return mask
    if not mask.dtype.is_floating_point:
        raise dtype_error(_NAME, f"an attn_mask of bools or of dtype {q.dtype}", mask.dtype)
    return move(mask, q.dtype)


def _repeated_heads(q: Node, x: Node) -> Node:
    """Each head of x as often as the query's groups of heads need it."""
    if x.ndim < 3 or q.ndim < 3 or x.shape[-3] == 0 or q.shape[-3] % x.shape[-3]:
        wanted = "with enable_gqa, the number of heads in key and value divides that in query"
        raise shape_error(_NAME, wanted, (q.shape, x.shape))
    *batch, heads, n, e = x.shape
    times = q.shape[-3] // heads
    wide = p.expand(p.reshape(x, shape=(*batch, heads, 1, n, e)), shape=(*batch, heads, times, n, e))
    return p.reshape(wide, shape=(*batch, heads * times, n, e))


def _of_one_batch(q: Node, k: Node, v: Node) -> tuple[Node, Node, Node]:
    batch = broadcast(_NAME, q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = [broadcast_to(x, batch + x.shape[-2:]) for x in (q, k, v)]
    return q, k, v
