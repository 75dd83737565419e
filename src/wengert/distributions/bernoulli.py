"""The Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.exp_family import ExponentialFamily
from wengert.distributions.utils import (
    broadcast_all,
    constant,
    is_number,
    lazy_property,
    logits_to_probs,
    one_of_two,
    probs_to_logits,
)
from wengert.functions.elementwise import where
from wengert.functions.ranges import arange
from wengert.functions.sampling import bernoulli
from wengert.nn.functional import binary_cross_entropy_with_logits as bce_logits, softplus
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Size, Tensor

__all__ = ["Bernoulli"]

class Bernoulli(ExponentialFamily):
    r"""P(1) = probs = sigmoid(logits), P(0) = 1 - probs. Give one of the two."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None) -> None:
        one_of_two(probs, logits)
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

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        mode = (self.probs >= 0.5).to(self.probs.dtype)
        return where(self.probs == 0.5, constant(math.nan, self.probs), mode)

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -bce_logits(logits, value.to(logits.dtype), reduction="none")

    def entropy(self) -> Tensor:
        return bce_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(2, dtype=self._param.dtype).reshape((2,) + (1,) * len(self._batch_shape))
        return values.expand((2, *self._batch_shape)) if expand else values

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return softplus(x)
