"""The von Mises distribution: a normal distribution on the circle."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import broadcast_all
from wengert.functions import special
from wengert.functions.drawn import von_mises
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

__all__ = ["VonMises"]

class VonMises(Distribution):
    r"""p(x) = exp(concentration cos(x - loc)) / (2 pi I0(concentration)), for angles x"""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: Optional[bool] = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def _log_i0(self) -> Tensor:
        return special.i0e(self.concentration).log() + self.concentration

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self.concentration * (value - self.loc).cos() - math.log(2 * math.pi) - self._log_i0()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return von_mises(self.loc.expand(shape), self.concentration.expand(shape))

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        """The circular variance: 1 - I1(concentration) / I0(concentration)"""
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)
