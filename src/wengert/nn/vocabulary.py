"""Losses of many classes that bring their linear map along."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert.functions.extremes import argmax
from wengert.functions.join import cat
from wengert.functions.operands import array_node
from wengert.nn import functional as F
from wengert.nn.containers import ModuleList, Sequential
from wengert.nn.functional.vocabulary import LinearCrossEntropyOptions
from wengert.nn.linear import Linear
from wengert.nn.losses import _WeightedLoss
from wengert.nn.module import Module
from wengert.tensors.tensor import Tensor, wrap


class _ASMoutput(NamedTuple):
    """output (batch,): the log-probability of each target; loss (): minus their mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """log softmax over classes sorted by how often they occur: the frequent ones, `cutoffs[0]`, stand in a head beside
    one entry for each cluster of rarer ones, and each cluster has a smaller linear map of its own.

    log p(class) = log p(cluster) + log p(class | cluster)

    Shape: input (batch, in_features) and target (batch,), or (in_features,) and (). Only the rows whose target lies in
    a cluster go through its map, so the targets' values are looked at.

    Source: E. Grave, A. Joulin, M. Cisse, D. Grangier, H. Jegou, Efficient softmax approximation for GPUs, 2016.

    Raises: ValueError for cutoffs that are not increasing within (0, n_classes); RuntimeError for shapes that do not
    fit and for a target that is no class.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if given != sorted(set(given)) or any(int(c) != c for c in given) or not 0 < given[0] <= given[-1] < n_classes:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*given, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            first = Linear(in_features, hidden, False, device, dtype)
            self.tail.append(Sequential(first, Linear(hidden, self.cutoffs[i + 1] - self.cutoffs[i], False, device, dtype)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """The log-probability of each target, and the loss."""
        if (input_.ndim, target_.ndim) not in ((2, 1), (1, 0)) or (target_.ndim and input_.shape[0] != target_.shape[0]):
            raise RuntimeError(
                "AdaptiveLogSoftmaxWithLoss: expected input (batch, in_features) and target (batch,), or (in_features,) "
                f"and (); got {list(input_.shape)} and {list(target_.shape)}"
            )
        input = input_ if target_.ndim else input_.unsqueeze(0)
        target = np.atleast_1d(target_._array())
        if target.size and not 0 <= target.min() <= target.max() < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range [{target.min()}, "
                f"{target.max()}] were found. "
            )
        cluster = np.searchsorted(self.cutoffs, target, side="right")  # 0 is the shortlist
        entry = np.where(cluster == 0, target, self.shortlist_size + cluster - 1)
        output = F.log_softmax(self.head(input), dim=1).gather(1, _index(entry[:, None])).squeeze(1)
        for i in range(self.n_clusters):
            rows = np.flatnonzero(cluster == i + 1)
            if rows.size:
                within = F.log_softmax(self.tail[i](input.index_select(0, _index(rows))), dim=1)
                relative = _index(target[rows, None] - self.cutoffs[i])
                output = output.index_add(0, _index(rows), within.gather(1, relative).squeeze(1))
        loss = -output.mean()
        return _ASMoutput(output if target_.ndim else output.squeeze(0), loss)

    def _full(self, input: Tensor, head_output: Tensor) -> Tensor:
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, projection in enumerate(self.tail):
            own = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(projection(input), dim=1) + own)
        return cat(parts, dim=1)

    def log_prob(self, input: Tensor) -> Tensor:
        """(batch, in_features) to the log-probabilities of all classes (batch, n_classes)."""
        return self._full(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """(batch, in_features) to the class of highest probability (batch,). Only rows whose best entry in the head is
        a cluster go through the clusters."""
        head_output = self.head(input)
        best = argmax(head_output, dim=1)
        rows = np.flatnonzero(best._array() >= self.shortlist_size)
        if not rows.size:
            return best
        at = _index(rows)
        found = argmax(self._full(input.index_select(0, at), head_output.index_select(0, at)), dim=1)
        return best.index_copy(0, at, found)


def _index(positions: Any) -> Tensor:
    return wrap(array_node(np.asarray(positions, np.int64)))


class LinearCrossEntropyLoss(_WeightedLoss):
    """cross_entropy(linear(input), target): the loss with its linear map, in `linear`.

    out_features: the other dimensions (d1, ..., dK) of a loss over positions; the map then has num_classes d1 .. dK rows.
    options: go through the batch in chunks, see `nn.functional.linear_cross_entropy`.

    Shape: input (batch, in_features) or (in_features,); target (batch, d1, ..., dK) class numbers, or (batch, C, d1,
    ..., dK) probabilities.

    Raises: RuntimeError for a weight that is not (num_classes,) and a label_smoothing outside [0, 1].
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Optional[Tensor] = None,
        ignore_index: Optional[int] = None,
        label_smoothing: float = 0.0,
        options: Optional[LinearCrossEntropyOptions] = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.linear = Linear(in_features, prod(out_features, start=num_classes), bias, device, dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Inputs and targets to the loss."""
        bias = self.linear.bias
        shape = (self.num_classes, *self.out_features)
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape((*shape, self.linear.in_features)),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, reduction={self.reduction}, "
            f"ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}"
        )
