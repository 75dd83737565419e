"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.exp_family import ExponentialFamily
from wengert.distributions.utils import standard_gamma, uniform_like
from wengert.functions.elementwise import where, xlogy
from wengert.nn.functional import one_hot as one_hot_of
from wengert.tensors.tensor import Tensor

__all__ = ["Dirichlet"]

class Dirichlet(ExponentialFamily):
    r"""p(x) = prod x_i^(a_i - 1) Gamma(sum a_i) / prod Gamma(a_i) on the simplex,   a = concentration"""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: Optional[bool] = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        less = (self.concentration - 1).clamp(min=0.0)
        mode = less / less.sum(-1, True)
        at_a_corner = (self.concentration < 1).all(-1, keepdim=True)
        corner = one_of_largest(self.concentration)
        return where(at_a_corner, corner, mode)

    @property
    def variance(self) -> Any:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Gamma numbers over their sum, by their logarithms: those of small concentration would all be 0."""
        shape = self._extended_shape(sample_shape)
        a = self.concentration.expand(shape)
        logs = standard_gamma(a + 1).log() + uniform_like(shape, a).log() / a
        return logs.softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return xlogy(a - 1.0, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self) -> Tensor:
        a = self.concentration
        k, total = a.shape[-1], a.sum(-1)
        return a.lgamma().sum(-1) - total.lgamma() - (k - total) * total.digamma() - ((a - 1.0) * a.digamma()).sum(-1)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()


def one_of_largest(x: Tensor) -> Tensor:
    """1 at the first largest of each row, 0 elsewhere."""
    return one_hot_of(x.argmax(-1), x.shape[-1]).to(x.dtype)
