"""Bernoulli numbers that differentiate: the concrete distribution of two outcomes.

C. J. Maddison, A. Mnih, Y. W. Teh, "The concrete distribution", ICLR 2017."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.transformed_distribution import TransformedDistribution
from wengert.distributions.transforms import SigmoidTransform
from wengert.distributions.utils import (
    broadcast_all,
    clamp_probs,
    is_number,
    lazy_property,
    logits_to_probs,
    one_of_two,
    probs_to_logits,
    uniform_like,
)
from wengert.tensors.tensor import Size, Tensor

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]

class LogitRelaxedBernoulli(Distribution):
    r"""The logit of a relaxed Bernoulli number: (log(u / (1 - u)) + logits) / temperature"""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None
    ) -> None:
        one_of_two(probs, logits)
        self.temperature = temperature
        self._given = "probs" if logits is None else "logits"
        given = probs if logits is None else logits
        (self.__dict__[self._given],) = broadcast_all(given)
        super().__init__(() if is_number(given) else self._param.shape, validate_args=validate_args)

    @property
    def _param(self) -> Tensor:
        return self.__dict__[self._given]

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        return self._param.shape

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(uniform_like(shape, self._param))
        return (u.log() - (-u).log1p() + self.logits.expand(shape)) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        diff = logits - value.mul(self.temperature)
        return _log(self.temperature) + diff - 2 * diff.exp().log1p()


def _log(temperature: Any) -> Any:
    return temperature.log() if isinstance(temperature, Tensor) else math.log(temperature)


class RelaxedBernoulli(TransformedDistribution):
    r"""sigmoid of `LogitRelaxedBernoulli`: near 0 or 1 for a low temperature"""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True  # type: ignore[assignment]

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(RelaxedBernoulli, _instance))

    @property
    def temperature(self) -> Any:
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        return self.base_dist.probs
