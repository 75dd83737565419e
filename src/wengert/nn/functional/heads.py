"""Attention of several heads: linear maps of query, key and value, attention in each head, a linear map of the results.

Source: Vaswani et al., Attention is all you need, 2017, section 3.2.2.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, Optional, Union

from wengert import dtypes
from wengert.functions.create import full
from wengert.functions.elementwise import where
from wengert.functions.join import cat
from wengert.nn.functional.activations import softmax
from wengert.nn.functional.attention import scaled_dot_product_attention
from wengert.nn.functional.dropout import dropout
from wengert.nn.functional.linear import linear
from wengert.nn.functional.padding import pad
from wengert.tensors.tensor import Tensor


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Optional[Tensor],
    in_proj_bias: Optional[Tensor],
    bias_k: Optional[Tensor],
    bias_v: Optional[Tensor],
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Optional[Tensor],
    training: bool = True,
    key_padding_mask: Optional[Tensor] = None,
    need_weights: bool = True,
    attn_mask: Optional[Tensor] = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Optional[Tensor] = None,
    k_proj_weight: Optional[Tensor] = None,
    v_proj_weight: Optional[Tensor] = None,
    static_k: Optional[Tensor] = None,
    static_v: Optional[Tensor] = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Optional[Tensor]]:
    """What `nn.MultiheadAttention` computes, as a function of its parameters.

    key_padding_mask: (batch, m), True (or -inf) at keys that nobody may look at
    attn_mask: (n, m) or (batch x heads, n, m), True (or -inf) where a query may not look
    is_causal: a hint that attn_mask is the causal one
    bias_k, bias_v: one more key and value, learned; add_zero_attn: one more, of zeros
    static_k, static_v: keys and values of each head (batch x heads, m, e / heads), in the place of the projected ones

    Shape: query (n, batch, e), key and value (m, batch, e), or all without a batch; the result as query, and with
    `need_weights` the weights (batch, n, m), or (batch, heads, n, m) unless `average_attn_weights`.

    Raises: AssertionError and RuntimeError, as PyTorch does, for arguments that do not fit.
    """
    batched = _check_ranks(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint; generate_square_subsequent_mask makes one")
    padding = canonical_mask(key_padding_mask, "key_padding_mask", attn_mask, "attn_mask", query.dtype)
    causal = is_causal and padding is None and not need_weights
    mask = None if causal else canonical_mask(attn_mask, "attn_mask", None, "", query.dtype)
    mask = _check_mask(mask, query.shape[0], key.shape[0], query.shape[1] * num_heads)

    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    weights = separate if use_separate_proj_weight else in_proj_weight
    heads = _Heads(query.shape[1], num_heads, query.shape[2] // num_heads)
    q, k, v = _projected(query, key, value, weights, in_proj_bias)
    if _both("bias_k", bias_k, "bias_v", bias_v):
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k, v = cat([k, bias_k.repeat(1, heads.batch, 1)]), cat([v, bias_v.repeat(1, heads.batch, 1)])
        mask, padding = _with_column(mask), _with_column(padding)
    q = heads.apart(q)
    k = heads.apart(k) if static_k is None else heads.given("static_k", static_k)
    v = heads.apart(v) if static_v is None else heads.given("static_v", static_v)
    if add_zero_attn:
        zeros = k.new_zeros((k.shape[0], 1, k.shape[2]))
        k, v = cat([k, zeros], 1), cat([v, zeros], 1)
        mask, padding = _with_column(mask), _with_column(padding)
    mask = heads.merged(mask, padding, k.shape[1])
    rate = dropout_p if training else 0.0
    found: Optional[Tensor] = None
    if need_weights:
        y, found = heads.weighted(q, k, v, mask, rate)
    else:
        y = scaled_dot_product_attention(q, k, v, mask, rate, causal)
    y = linear(heads.together(y), out_proj_weight, out_proj_bias)
    if found is not None:
        found = found.mean(dim=1) if average_attn_weights else found
    if batched:
        return y, found
    return y.squeeze(1), None if found is None else found.squeeze(0)


class _Heads:
    """The form of queries, keys and values: (batch x heads, n, size of a head)."""

    def __init__(self, batch: int, heads: int, size: int) -> None:
        self.batch, self.heads, self.size = batch, heads, size

    def apart(self, x: Tensor) -> Tensor:
        """(n, batch, e) to (batch x heads, n, e / heads)."""
        return x.reshape(x.shape[0], self.batch * self.heads, self.size).transpose(0, 1)

    def together(self, y: Tensor) -> Tensor:
        """(batch x heads, n, f) to (n, batch, heads x f)."""
        return y.transpose(0, 1).reshape(y.shape[1], self.batch, self.heads * y.shape[2])

    def given(self, name: str, x: Tensor) -> Tensor:
        if x.shape[0] != self.batch * self.heads:
            raise AssertionError(f"expecting {name}.size(0) of {self.batch * self.heads}, but got {x.shape[0]}")
        if x.shape[2] != self.size:
            raise AssertionError(f"expecting {name}.size(2) of {self.size}, but got {x.shape[2]}")
        return x

    def merged(self, mask: Optional[Tensor], padding: Optional[Tensor], keys: int) -> Optional[Tensor]:
        """One mask of both, (1 or batch x heads, 1 or n, m)."""
        if padding is None:
            return mask
        if tuple(padding.shape) != (self.batch, keys):
            raise AssertionError(f"key_padding_mask of shape {(self.batch, keys)} expected, but got {tuple(padding.shape)}")
        wide = padding.reshape(self.batch, 1, 1, keys).expand(-1, self.heads, -1, -1)
        wide = wide.reshape(self.batch * self.heads, 1, keys)
        return wide if mask is None else mask + wide

    def weighted(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor], rate: float
    ) -> tuple[Tensor, Tensor]:
        """With the weights, (batch, heads, n, m). A query that may look at nothing gets NaN, as PyTorch's does here."""
        s = (q * math.sqrt(1.0 / self.size)) @ k.transpose(1, 2)
        found = softmax(s if mask is None else s + mask, -1)
        found = dropout(found, rate) if rate > 0 else found
        return found @ v, found.view(self.batch, self.heads, q.shape[1], k.shape[1])


# --- projections and masks --------------------------------------------------------------------------------------------


def _projected(query: Tensor, key: Tensor, value: Tensor, weights: Any, bias: Optional[Tensor]) -> list[Tensor]:
    """Linear maps of the three: by three weights, or by one that has them one above the other."""
    biases = (None, None, None) if bias is None else bias.chunk(3)
    if isinstance(weights, tuple):
        if any([w is None for w in weights]):
            raise AssertionError("use_separate_proj_weight is True but one of q_, k_, v_proj_weight is None")
    elif weights is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    elif query is key and key is value:
        return list(linear(query, weights, bias).chunk(3, -1))
    else:
        weights = weights.chunk(3)
    return [linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)]


def canonical_mask(
    mask: Optional[Tensor], name: str, other: Union[Tensor, None], other_name: str, dtype: Any
) -> Optional[Tensor]:
    """A mask in its floating form: -inf where a mask of bools is True. None stays None.

    Raises: AssertionError for a mask of integers. Warns where this mask and `other` are not of one dtype.
    """
    if mask is None:
        return None
    if mask.dtype is not dtypes.bool_ and not mask.dtype.is_floating_point:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype is not mask.dtype:
        warnings.warn(f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.")
    if mask.dtype is dtypes.bool_:
        return where(mask, full((), -math.inf, dtype=dtype), full((), 0.0, dtype=dtype))
    return mask


def _check_mask(mask: Optional[Tensor], n: int, m: int, heads: int) -> Optional[Tensor]:
    """The mask with three dimensions."""
    if mask is None:
        return None
    wanted = (n, m) if mask.ndim == 2 else (heads, n, m)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the {mask.ndim}D attn_mask is {tuple(mask.shape)}, but should be {wanted}.")
    return mask.unsqueeze(0) if mask.ndim == 2 else mask


def _with_column(mask: Optional[Tensor]) -> Optional[Tensor]:
    """A mask with one more key, at which everybody may look."""
    return None if mask is None else pad(mask, (0, 1))


def _both(name: str, a: Optional[Tensor], other_name: str, b: Optional[Tensor]) -> bool:
    if (a is None) != (b is None):
        raise AssertionError(f"{name} and {other_name} must be given together")
    return a is not None


def _check_ranks(
    query: Tensor, key: Tensor, value: Tensor, padding: Optional[Tensor], mask: Optional[Tensor], heads: int
) -> bool:
    """Whether there is a batch."""
    if query.ndim not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor")
    batched = query.ndim == 3
    what = "batched (3-D)" if batched else "unbatched (2-D)"
    if key.ndim != query.ndim or value.ndim != query.ndim:
        raise AssertionError(
            f"For {what} `query`, expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and {value.ndim}-D "
            "tensors respectively"
        )
    if padding is not None and padding.ndim != query.ndim - 1:
        wanted = query.ndim - 1
        raise AssertionError(f"For {what} `query`, expected `key_padding_mask` to be {wanted}-D but found {padding.ndim}-D")
    if mask is not None and mask.ndim not in (2, 3):
        raise AssertionError(f"For {what} `query`, expected `attn_mask` to be 2-D or 3-D but found {mask.ndim}-D")
    if not batched and mask is not None and mask.ndim == 3 and tuple(mask.shape) != (heads, query.shape[0], key.shape[0]):
        wanted_shape = (heads, query.shape[0], key.shape[0])
        raise AssertionError(f"Expected `attn_mask` shape to be {wanted_shape} but got {tuple(mask.shape)}")
    return batched


def _check_sizes(query: Tensor, key: Tensor, value: Tensor, embed_dim: int, num_heads: int, separate: bool) -> None:
    if query.shape[2] != embed_dim:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim}, but got {query.shape[2]}")
    if embed_dim % num_heads:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {tuple(key.shape[:2])} do not match value's {tuple(value.shape[:2])}"
        )
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {tuple(key.shape)} does not match value shape {tuple(value.shape)}")
