"""Cross-entropy behind a linear map to many classes: what ends a language model."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import prod
from typing import Any, Optional

from wengert import dtypes
from wengert.autograd.checkpoint import checkpoint
from wengert.errors import runtime_error, shape_error
from wengert.functions.join import cat
from wengert.functions.operands import node_of
from wengert.functions.pieces import split
from wengert.functions.shape import reshape
from wengert.nn.functional.classification import cross_entropy
from wengert.nn.functional.linear import linear
from wengert.tensors.tensor import Tensor


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How `linear_cross_entropy` goes through a large batch: in chunks of rows, whose logits are computed again in
    backward, so that no more than one chunk's logits are held.

    batch_chunk_size: rows a chunk; or
    chunking_method: "aspect_ratio" makes a chunk's logits as large as the input, "aspect_ratio:N" an N-th of that;
        "auto" is "aspect_ratio:2"; None is one chunk.
    allow_retain_graph, acc_policy, acc_dtype: PyTorch's; here a graph can always be retained, and sums are
        accumulated as everywhere else.

    Raises: ValueError for an unknown policy or method, or a size that is not positive.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: Optional[int] = None
    chunking_method: Optional[str] = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto"):
            name, colon, factor = str(self.chunking_method).partition(":")
            if name != "aspect_ratio" or (colon and not (factor.isdigit() and int(factor) > 0)):
                raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")

    def rows(self, batch: int, features: int, classes: int) -> int:
        """How many rows a chunk has."""
        if self.batch_chunk_size is not None:
            return self.batch_chunk_size
        if self.chunking_method is None:
            return max(batch, 1)
        method = "aspect_ratio:2" if self.chunking_method == "auto" else self.chunking_method
        wanted = -(-batch // max(-(-classes // max(features, 1)), 1))
        size = 1 << max(wanted - 1, 0).bit_length()
        return max(size // int(method.partition(":")[2] or 1), 1)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Optional[Tensor] = None,
    weight: Optional[Tensor] = None,
    reduction: str = "mean",
    ignore_index: Optional[int] = None,
    label_smoothing: float = 0.0,
    options: Optional[LinearCrossEntropyOptions] = None,
) -> Tensor:
    """cross_entropy(linear(input, linear_weight, linear_bias), target, ...).

    options: go through the batch in chunks; takes targets that are class numbers of an input (batch, features).

    Shape: input (batch, features) or (features,); linear_weight (classes, ..., features), linear_bias (classes, ...);
    target (batch, ...) class numbers, or (batch, classes, ...) probabilities.

    Raises: RuntimeError when shapes do not fit, or for an ignore_index with probabilities.
    """
    logits_shape = _logits_shape(input, linear_weight, linear_bias)
    if tuple(target.shape) == logits_shape and ignore_index is not None:
        raise runtime_error("linear_cross_entropy", "ignore_index cannot be specified when target has probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    more = logits_shape[2:] if input.ndim == 2 else ()
    if options is not None:
        if not more and not label_smoothing and target.dtype is dtypes.int64:
            return _in_chunks(input, linear_weight, target, linear_bias, weight, reduction, ignored, options)
        warnings.warn(
            "linear_cross_entropy: options ignored; chunks need label_smoothing == 0, target.dtype == int64 and a "
            f"weight (classes, features); got {label_smoothing}, {target.dtype}, {tuple(linear_weight.shape)}."
        )
    rows = prod(linear_weight.shape[:-1])
    flat = reshape(linear_weight, (rows, linear_weight.shape[-1])) if more else linear_weight
    bias = linear_bias if linear_bias is None or not more else reshape(linear_bias, (rows,))
    logits = reshape(linear(input, flat, bias), logits_shape)
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )


def _logits_shape(input: Tensor, weight: Tensor, bias: Optional[Tensor]) -> tuple[int, ...]:
    name = "linear_cross_entropy"
    x, w = node_of(input, name).shape, node_of(weight, name, "linear_weight").shape
    if len(x) not in (1, 2) or len(w) < 2 or x[-1] != w[-1] or (len(w) > 2 and len(x) == 1):
        wanted = "input (batch, features) or (features,), linear_weight (classes, ..., features) with more than one"
        raise shape_error(name, wanted + " dimension of classes only for a batch", (x, w))
    if bias is not None and node_of(bias, name, "linear_bias").shape != w[:-1]:
        raise shape_error(name, f"linear_bias of shape {list(w[:-1])}", (tuple(bias.shape),))
    return (*x[:-1], *w[:-1])


def _in_chunks(
    x: Tensor,
    w: Tensor,
    target: Tensor,
    bias: Optional[Tensor],
    weight: Optional[Tensor],
    reduction: str,
    ignore_index: int,
    options: LinearCrossEntropyOptions,
) -> Tensor:
    unbatched = x.ndim == 1
    if unbatched:
        x, target = reshape(x, (1, -1)), reshape(target, (1,))
    rows = options.rows(x.shape[0], x.shape[1], w.shape[0])

    def losses(x: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(linear(x, w, bias), target, weight, ignore_index=ignore_index, reduction="none")

    chunks = zip(split(x, rows), split(target, rows))
    z = cat([checkpoint(losses, *chunk, use_reentrant=False) for chunk in chunks])
    if reduction == "none":
        return reshape(z, ()) if unbatched else z
    if reduction == "sum":
        return z.sum()
    if reduction != "mean":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    counted = target != ignore_index
    if weight is None:
        return z.sum() / counted.sum()
    return z.sum() / weight[target * counted].mul(counted).sum()
