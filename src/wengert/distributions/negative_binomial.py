"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.gamma import Gamma
from wengert.distributions.utils import broadcast_all, constant, lazy_property, logits_to_probs, one_of_two, probs_to_logits
from wengert.functions.elementwise import where
from wengert.functions.sampling import poisson
from wengert.nn.functional import logsigmoid
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Size, Tensor

__all__ = ["NegativeBinomial"]

class NegativeBinomial(Distribution):
    r"""The number of successes of probability `probs` before `total_count` failures. Give probs or logits."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None
    ) -> None:
        one_of_two(probs, logits)
        self._given = "probs" if logits is None else "logits"
        self.total_count, given = broadcast_all(total_count, probs if logits is None else logits)
        self.total_count, self.__dict__[self._given] = self.total_count.to(given.dtype), given
        super().__init__(given.shape, validate_args=validate_args)

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

    @property
    def mean(self) -> Any:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Any:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Any:
        return self.mean / (-self.logits).sigmoid()

    @lazy_property
    def _gamma(self) -> Any:
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = super().expand(batch_shape, _instance)
        made.__dict__.pop("_gamma", None)
        return made

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        unnormalized = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        normalizer = -(n + value).lgamma() + (1.0 + value).lgamma() + n.lgamma()
        return unnormalized - where(n + value == 0.0, constant(0.0, normalizer), normalizer)
