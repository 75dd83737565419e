"""The continuous Bernoulli distribution.

G. Loaiza-Ganem, J. P. Cunningham, "The continuous Bernoulli: fixing a pervasive error in variational autoencoders", NeurIPS
2019."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.exp_family import ExponentialFamily
from wengert.distributions.utils import (
    broadcast_all,
    clamp_probs,
    constant,
    is_number,
    lazy_property,
    logits_to_probs,
    one_of_two,
    probs_to_logits,
    uniform_like,
)
from wengert.functions.elementwise import where
from wengert.nn.functional import binary_cross_entropy_with_logits as bce_logits
from wengert.tensors.tensor import Size, Tensor

__all__ = ["ContinuousBernoulli"]

class ContinuousBernoulli(ExponentialFamily):
    r"""p(x) = C probs^x (1 - probs)^(1 - x) on [0, 1], with C the constant that makes it a density.

    Near probs = 0.5, within `lims`, Taylor series take the place of formulas that divide 0 by 0.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: Optional[bool] = None,
    ) -> None:
        one_of_two(probs, logits)
        self._given = "probs" if logits is None else "logits"
        given = probs if logits is None else logits
        (value,) = broadcast_all(given)
        self._lims = lims
        if logits is None:
            if validate_args is not False and self._validate_args and not constraints.unit_interval.check(value).all().item():
                raise ValueError("The parameter probs has invalid values")
            value = clamp_probs(value)
        self.__dict__[self._given] = value
        super().__init__(() if is_number(given) else value.shape, validate_args=validate_args)

    @property
    def _param(self) -> Tensor:
        return self.__dict__[self._given]

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def param_shape(self) -> Size:
        return self._param.shape

    def _away(self) -> tuple[Tensor, Tensor]:
        """Where probs is away from 0.5, and probs with a harmless value elsewhere."""
        low, high = self._lims
        away = (self.probs <= low) | (self.probs > high)
        return away, where(away, self.probs, constant(low, self.probs))

    def _log_constant(self) -> Tensor:
        away, cut = self._away()
        below, above = where(cut <= 0.5, cut, constant(0.0, cut)), where(cut >= 0.5, cut, constant(1.0, cut))
        log = ((-cut).log1p() - cut.log()).abs().log()
        log = log - where(cut <= 0.5, (-2.0 * below).log1p(), (2.0 * above - 1.0).log())
        x = (self.probs - 0.5).square()
        return where(away, log, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Any:
        away, cut = self._away()
        mean = cut / (2.0 * cut - 1.0) + 1.0 / ((-cut).log1p() - cut.log())
        x = self.probs - 0.5
        return where(away, mean, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.square()) * x)

    @property
    def stddev(self) -> Any:
        return self.variance.sqrt()

    @property
    def variance(self) -> Any:
        away, cut = self._away()
        variance = cut * (cut - 1.0) / (1.0 - 2.0 * cut).square() + 1.0 / ((-cut).log1p() - cut.log()).square()
        x = (self.probs - 0.5).square()
        return where(away, variance, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_like(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -bce_logits(logits, value, reduction="none") + self._log_constant()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        away, cut = self._away()
        found = (cut.pow(value) * (1.0 - cut).pow(1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        return where(away, found, value).clamp(0.0, 1.0)

    def icdf(self, value: Tensor) -> Tensor:
        away, cut = self._away()
        found = (-cut + value * (2.0 * cut - 1.0)).log1p() - (-cut).log1p()
        return where(away, found / (cut.log() - (-cut).log1p()), value)

    def entropy(self) -> Tensor:
        low, high = (-self.probs).log1p(), self.probs.log()
        return self.mean * (low - high) - self._log_constant() - low

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        away = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        cut = where(away, x, constant(self._lims[0] - 0.5, x))
        log = ((cut.exp() - 1) / cut).abs().log()
        return where(away, log, 0.5 * x + x.square() / 24.0 - x.pow(4) / 2880.0)
