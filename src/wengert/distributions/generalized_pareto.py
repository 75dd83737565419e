"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import broadcast_all, constant, is_number, uniform_like
from wengert.functions.elementwise import where
from wengert.tensors.tensor import Tensor

__all__ = ["GeneralizedPareto"]

class GeneralizedPareto(Distribution):
    r"""F(x) = 1 - (1 + c z)^(-1 / c) with z = (x - loc) / scale, c = concentration; 1 - exp(-z) for c = 0"""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: Optional[bool] = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        numbers = is_number(loc) and is_number(scale) and is_number(concentration)
        super().__init__(() if numbers else self.loc.shape, validate_args=validate_args)

    def _split(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and the concentration with 1 in these places."""
        zero = self.concentration == 0
        return zero, where(zero, constant(1.0, self.concentration), self.concentration)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_like(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        zero, c = self._split()
        return -self.scale.log() - where(zero, z, (1 + 1 / c) * (c * z).log1p())

    def _z(self, x: Tensor) -> Tensor:
        return (x - self.loc) / self.scale

    def log_survival_function(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        zero, c = self._split()
        return -where(zero, z, (c * z).log1p() / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        return self.log_cdf(value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        zero, c = self._split()
        logs = (-value).log1p()
        return self.loc + self.scale * where(zero, -logs, (-c * logs).expm1() / c)

    @property
    def mean(self) -> Any:
        inside = self.concentration < 1
        c = where(inside, self.concentration, constant(0.5, self.concentration))
        return where(inside, self.loc + self.scale / (1 - c), constant(math.nan, c))

    @property
    def variance(self) -> Any:
        inside = self.concentration < 0.5
        c = where(inside, self.concentration, constant(0.25, self.concentration))
        return where(inside, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), constant(math.nan, c))

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1

    @property
    def mode(self) -> Any:
        return self.loc

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        falls = self.concentration < 0
        end = self.loc - self.scale / where(falls, self.concentration, constant(-1.0, self.concentration))
        return constraints.interval(self.loc, where(falls, end, constant(math.inf, end)))
