"""What the half-normal and the half-Cauchy distribution share: |x| of x from a distribution around 0."""

from __future__ import annotations

import math
from typing import Any

from wengert.distributions import constraints
from wengert.distributions.transformed_distribution import TransformedDistribution
from wengert.distributions.transforms import AbsTransform
from wengert.distributions.utils import constant
from wengert.functions.elementwise import where
from wengert.tensors.tensor import Tensor


class Folded(TransformedDistribution):
    """|x| of x from `base_dist`, which lies evenly around 0 and has a `scale`:
    p(y) = 2 p_base(y) and F(y) = 2 F_base(y) - 1 for y >= 0.

    Shapes: those of `scale`.

    Raises: ValueError for a scale, or a value given to `log_prob` or `cdf`, outside its constraint.
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True  # type: ignore[assignment]

    def __init__(self, base: Any, validate_args: Any) -> None:
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Tensor:
        return self.base_dist.scale

    @property
    def mode(self) -> Any:
        return constant(0.0, self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log = self.base_dist.log_prob(value) + math.log(2)
        return where(value >= 0, log, constant(-math.inf, log))

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
