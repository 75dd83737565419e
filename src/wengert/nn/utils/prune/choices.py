"""Pruning methods: which elements or slices go."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Union

import numpy as np

from wengert.functions.random import rand
from wengert.nn.utils.prune.method import BasePruningMethod, dimension, tensor_of
from wengert.tensors.tensor import Tensor

Amount = Union[int, float]


class Identity(BasePruningMethod):
    """Prunes nothing; the parameter gets its mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class _ByAmount(BasePruningMethod):
    """amount: how many, as an int, or which share, as a float in [0, 1].

    Raises: TypeError unless it is a number; ValueError when it is out of range.
    """

    def __init__(self, amount: Amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def count(self, size: int) -> int:
        """How many of `size` go."""
        if isinstance(self.amount, Integral):
            if self.amount > size:
                raise ValueError(f"amount={self.amount} should be smaller than the number of parameters to prune={size}")
            return int(self.amount)
        return round(self.amount * size)


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if isinstance(amount, Integral):
        if amount < 0:
            raise ValueError(f"amount={amount} should be a non-negative integer")
    elif not 0 <= float(amount) <= 1:
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


class RandomUnstructured(_ByAmount):
    """Prunes elements at random."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 for a random choice of elements."""
        return _without(default_mask, np.array(rand(t.numel())._array()), self.count(t.numel()))


class L1Unstructured(_ByAmount):
    """Prunes the elements of the smallest absolute value."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 for the smallest elements."""
        return _without(default_mask, np.abs(np.array(t._array())).reshape(-1), self.count(t.numel()))


def _without(default_mask: Tensor, scores: Any, count: int) -> Tensor:
    """The mask with 0 for the elements of lowest score."""
    mask = np.array(default_mask._array())
    mask.reshape(-1)[np.argsort(scores, kind="stable")[:count]] = 0
    return tensor_of(mask)


class _Structured(_ByAmount):
    """Prunes whole slices along `dim`."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def slices(self, t: Tensor, default_mask: Tensor, scores: Any) -> Tensor:
        """The mask with 0 for the slices of lowest score."""
        dim = dimension(self.dim, t.ndim)
        mask = np.array(default_mask._array())
        gone = np.argsort(scores, kind="stable")[: self.count(t.shape[dim])]
        mask[(slice(None),) * dim + (gone,)] = 0
        return tensor_of(mask)

    def _check(self, t: Tensor) -> int:
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{tuple(t.shape)} with {t.ndim} dims"
            )
        return dimension(self.dim, t.ndim)


class RandomStructured(_Structured):
    """Prunes slices along `dim` at random."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 for a random choice of slices."""
        dim = self._check(t)
        return self.slices(t, default_mask, np.array(rand(t.shape[dim])._array()))


class LnStructured(_Structured):
    """Prunes the slices along `dim` of the smallest norm of order n."""

    def __init__(self, amount: Amount, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 for the slices of smallest norm."""
        dim = self._check(t)
        norms = t.detach().norm(self.n, dim=[d for d in range(t.ndim) if d != dim])
        return self.slices(t, default_mask, np.array(norms._array()))


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The given mask times the one that was there."""
        return default_mask * self.mask.to(default_mask.dtype)
