"""The geometric distribution."""

from __future__ import annotations

from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import (
    broadcast_all,
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
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

__all__ = ["Geometric"]

class Geometric(Distribution):
    r"""P(k) = (1 - probs)^k probs: the number of failures before the first success. Give probs or logits."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Optional[bool] = None) -> None:
        one_of_two(probs, logits)
        self._given = "probs" if logits is None else "logits"
        given = probs if logits is None else logits
        (self.__dict__[self._given],) = broadcast_all(given)
        super().__init__(() if is_number(given) else self._param.shape, validate_args=validate_args)
        if self._validate_args and logits is None and not (self.probs > 0).all().item():
            raise ValueError(f"Expected parameter probs of distribution {self!r} to be positive, but found {self.probs}")

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
    def mean(self) -> Any:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Any:
        return constant(0.0, self.probs)

    @property
    def variance(self) -> Any:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            u = uniform_like(self._extended_shape(sample_shape), self.probs)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        return xlog1py_safe(value, probs) + self.probs.log()

    def entropy(self) -> Tensor:
        return bce_logits(self.logits, self.probs, reduction="none") / self.probs


def xlog1py_safe(value: Tensor, probs: Tensor) -> Tensor:
    """value log(1 - probs), 0 for value 0 also at probs 1."""
    certain = (probs == 1) & (value == 0)
    return value * (-where(certain, constant(0.0, probs), probs)).log1p()
