"""Exponential families: p(x) = h(x) exp(<t(x), eta> - F(eta)).

F. Nielsen, R. Nock, "Entropies and cross-entropies of exponential families", ICIP 2010."""

from __future__ import annotations

from typing import Any

from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import sum_rightmost
from wengert.tensors.tensor import Tensor

__all__ = ["ExponentialFamily"]

from wengert.autograd import grad


class ExponentialFamily(Distribution):
    """Base of families in their natural parameters eta with log normalizer F, from which entropy and divergence follow."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """eta"""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """F(eta)"""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        """E[log h(x)]"""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """F(eta) - <eta, grad F(eta)> - E[log h(x)]"""
        natural = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*natural)
        slopes = grad(normalizer.sum(), natural, create_graph=True)
        result = normalizer - self._mean_carrier_measure
        for eta, slope in zip(natural, slopes):
            result = result - sum_rightmost(eta * slope, eta.ndim - len(self._batch_shape))
        return result
