"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import constant, lazy_property, logits_to_probs, one_of_two, probs_to_logits
from wengert.functions.ranges import arange
from wengert.functions.sampling import multinomial
from wengert.functions.shape import broadcast_shapes
from wengert.functions.types import finfo
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Size, Tensor

__all__ = ["Categorical"]

class Categorical(Distribution):
    r"""P(k) = probs[k] / sum(probs) = softmax(logits)[k], for k = 0, 1, ... Give one of the two; the last dimension runs
    over k."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None) -> None:
        one_of_two(probs, logits)
        given = probs if logits is None else logits
        if given.ndim < 1:
            raise ValueError(f"`{'probs' if logits is None else 'logits'}` parameter must be at least one-dimensional.")
        self._given = "probs" if logits is None else "logits"
        if logits is None:
            self.__dict__["probs"] = probs / probs.sum(-1, keepdim=True)
        else:
            self.__dict__["logits"] = logits - logits.logsumexp(dim=-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @property
    def _param(self) -> Tensor:
        return self.__dict__[self._given]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Any:
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Size:
        return self._param.shape

    @property
    def mean(self) -> Any:
        return constant(math.nan, self.probs, self._batch_shape)

    @property
    def mode(self) -> Any:
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Any:
        return constant(math.nan, self.probs, self._batch_shape)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            count = math.prod(sample_shape)
            rows = self.probs.reshape((-1, self._num_events))
            return multinomial(rows, count, True).T.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        shape = broadcast_shapes(tuple(value.shape), tuple(self._batch_shape))
        at = value.long().expand(shape).unsqueeze(-1)
        return self.logits.expand((*shape, self._num_events)).gather(-1, at).squeeze(-1)

    def entropy(self) -> Tensor:
        return -(self.logits.clamp(min=finfo(self.logits.dtype).min) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(self._num_events).reshape((-1,) + (1,) * len(self._batch_shape))
        return values.expand((self._num_events, *self._batch_shape)) if expand else values
