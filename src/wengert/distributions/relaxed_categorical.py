"""Unit vectors that differentiate: the concrete distribution, also called Gumbel-softmax.

C. J. Maddison, A. Mnih, Y. W. Teh, "The concrete distribution"; E. Jang, S. Gu, B. Poole, "Categorical reparameterization
with Gumbel-softmax", both ICLR 2017."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.categorical import Categorical
from wengert.distributions.distribution import Distribution
from wengert.distributions.transformed_distribution import TransformedDistribution
from wengert.distributions.transforms import ExpTransform
from wengert.distributions.utils import clamp_probs, uniform_like
from wengert.functions.shape import broadcast_tensors
from wengert.nn.functional import log_softmax
from wengert.tensors.tensor import Size, Tensor

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]

class ExpRelaxedCategorical(Distribution):
    r"""The logarithm of a relaxed unit vector: log_softmax((logits + Gumbel noise) / temperature)"""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical.param_shape
        super().__init__(self._categorical.batch_shape, shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._get_checked_instance(ExpRelaxedCategorical, _instance)
        made.__dict__.update(self.__dict__)
        made._batch_shape = Size(batch_shape)
        made._categorical = self._categorical.expand(batch_shape)
        return made

    @property
    def param_shape(self) -> Size:
        return self._categorical.param_shape

    @property
    def logits(self) -> Tensor:
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        return self._categorical.probs

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        u = clamp_probs(uniform_like(self._extended_shape(sample_shape), self.logits))
        gumbels = -((-(u.log())).log())
        return log_softmax((self.logits + gumbels) / self.temperature, dim=-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self._event_shape[0]
        logits, value = broadcast_tensors(self.logits, value)
        t = self.temperature
        log_t = t.log() if isinstance(t, Tensor) else math.log(t)
        score = log_softmax(logits - value * t, dim=-1).sum(-1)
        return score + (math.lgamma(n) + (n - 1) * log_t)


class RelaxedOneHotCategorical(TransformedDistribution):
    r"""exp of `ExpRelaxedCategorical`: near a unit vector for a low temperature"""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True  # type: ignore[assignment]

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(RelaxedOneHotCategorical, _instance))

    @property
    def temperature(self) -> Any:
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        return self.base_dist.probs
