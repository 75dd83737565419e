"""Dot-product attention."""

from __future__ import annotations

from typing import Any

import wengert as w
from keras_wengert.ops.common import cast, convert_to_tensor, result_dtype
from wengert.nn import functional as F


def dot_product_attention(
    query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, scale: Any = None, is_causal: bool = False,
    flash_attention: Any = None, attn_logits_soft_cap: Any = None,
) -> Any:  # fmt: skip
    """softmax(query key^T * scale + bias) value for (batch, time, heads, depth); fewer key heads are shared.

    Raises: ValueError for ranks other than 4.
    """
    query, key, value = convert_to_tensor(query), convert_to_tensor(key), convert_to_tensor(value)
    if query.ndim != 4 or key.ndim != 4 or value.ndim != 4:
        raise ValueError(
            "`dot_product_attention` only supports 4D inputs. "
            f"Received: query.shape={tuple(query.shape)}, key.shape={tuple(key.shape)}, value.shape={tuple(value.shape)}."
        )
    dtype = result_dtype(query, key, value)
    q, k, v = [cast(x, dtype).permute(0, 2, 1, 3) for x in (query, key, value)]  # (batch, heads, time, depth)
    groups = q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = w.repeat_interleave(k, groups, dim=1), w.repeat_interleave(v, groups, dim=1)
    scale = 1 / q.shape[-1] ** 0.5 if scale is None else scale
    mask = None if mask is None else cast(mask, "bool")
    if bias is None and attn_logits_soft_cap is None and not (is_causal and mask is not None):
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=is_causal, scale=scale)
        return y.permute(0, 2, 1, 3)
    logits = q @ k.mT * scale
    if attn_logits_soft_cap is not None:
        logits = w.tanh(logits / attn_logits_soft_cap) * attn_logits_soft_cap
    if bias is not None:
        logits = logits + convert_to_tensor(bias).to(logits.dtype)
    if is_causal:
        lower = w.ones(logits.shape[-2:], dtype=w.bool).tril()
        mask = lower if mask is None else mask & lower
    if mask is not None:
        logits = w.where(mask, logits, w.finfo(logits.dtype).min)
    return (w.softmax(logits, -1) @ v).permute(0, 2, 1, 3)
