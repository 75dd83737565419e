"""Attention of several heads as a layer."""

from __future__ import annotations

from typing import Any, Optional

from wengert.functions.create import empty
from wengert.nn import init
from wengert.nn.functional.heads import multi_head_attention_forward
from wengert.nn.linear import Linear
from wengert.nn.module import Module
from wengert.nn.parameter import Parameter
from wengert.tensors.tensor import Tensor


class NonDynamicallyQuantizableLinear(Linear):
    """`Linear`, by the name that PyTorch prints here."""


class MultiheadAttention(Module):
    """MultiHead(q, k, v) = concat(head_1, ..., head_h) W_o,  head_i = softmax(q_i k_i^T / sqrt(d)) v_i,

    where q_i, k_i, v_i are linear maps of q, k, v to `embed_dim` / `num_heads` = d features.

    in_proj_weight (3 embed_dim, embed_dim), or q_proj_weight (embed_dim, embed_dim), k_proj_weight (embed_dim, kdim) and
    v_proj_weight (embed_dim, vdim) where kdim or vdim differ, uniform by Xavier; in_proj_bias (3 embed_dim,), 0; out_proj,
    a linear layer. With `add_bias_kv` bias_k and bias_v (1, 1, embed_dim). `add_zero_attn`: a key and value of zeros is
    added. `dropout`: of the weights, in training.

    Source: Vaswani et al., Attention is all you need, 2017.
    Raises: ValueError unless both numbers are positive; AssertionError unless num_heads divides embed_dim.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: Optional[int] = None,
        vdim: Optional[int] = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(f"embed_dim must be divisible by num_heads; got {embed_dim} and {num_heads}")

        def parameter(*shape: int) -> Parameter:
            return Parameter(empty(shape, device=device, dtype=dtype))

        one = self._qkv_same_embed_dim
        self.register_parameter("q_proj_weight", None if one else parameter(embed_dim, embed_dim))
        self.register_parameter("k_proj_weight", None if one else parameter(embed_dim, self.kdim))
        self.register_parameter("v_proj_weight", None if one else parameter(embed_dim, self.vdim))
        self.register_parameter("in_proj_weight", parameter(3 * embed_dim, embed_dim) if one else None)
        self.register_parameter("in_proj_bias", parameter(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self.bias_k: Optional[Parameter] = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v: Optional[Parameter] = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None and self.out_proj.bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for weight in (self.bias_k, self.bias_v):
            if weight is not None:
                init.xavier_normal_(weight)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Optional[Tensor] = None,
        need_weights: bool = True,
        attn_mask: Optional[Tensor] = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Optional[Tensor]]:
        """Query (n, batch, embed_dim), key (m, batch, kdim), value (m, batch, vdim); with `batch_first` the batch comes
        first; or all without a batch. The result is as the query, with the weights or None; see
        `functional.multi_head_attention_forward` for masks and errors.
        """
        turn = self.batch_first and query.ndim == 3
        if turn:  # the same tensor stays the same, which makes one product of the three
            turned = {id(x): x.transpose(0, 1) for x in (query, key, value)}
            query, key, value = turned[id(query)], turned[id(key)], turned[id(value)]
        output, found = multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (output.transpose(0, 1) if turn else output), found
