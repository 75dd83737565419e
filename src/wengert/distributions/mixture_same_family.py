"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.categorical import Categorical
from wengert.distributions.distribution import Distribution
from wengert.nn.functional import log_softmax
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Size, Tensor

__all__ = ["MixtureSameFamily"]

class MixtureSameFamily(Distribution):
    r"""sum_k P(k) p_k(x): a `Categorical` over the last batch dimension of the components"""

    arg_constraints: Any = {}
    has_rsample = False

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: Optional[bool] = None
    ) -> None:
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution need to be an instance of torch.distributions.Distribution")
        mine, theirs = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        if any([a != 1 and b != 1 and a != b for a, b in zip(reversed(mine), reversed(theirs))]):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({mine}) is not compatible with "
                f"`component_distribution.batch_shape` ({component_distribution.batch_shape})"
            )
        count = mixture_distribution.logits.shape[-1]
        if count != component_distribution.batch_shape[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal `component_distribution.batch_shape[-1]` "
                f"({component_distribution.batch_shape[-1]})"
            )
        self._num_component = count
        self._event_ndims = len(component_distribution.event_shape)
        super().__init__(theirs, component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._get_checked_instance(MixtureSameFamily, _instance)
        made.__dict__.update(self.__dict__)
        shape = Size(batch_shape)
        made._component_distribution = self._component_distribution.expand((*shape, self._num_component))
        made._mixture_distribution = self._mixture_distribution.expand(shape)
        made._batch_shape = shape
        return made

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Any:
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        return self._component_distribution

    def _pad(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1 - self._event_ndims)

    @property
    def _weights(self) -> Tensor:
        probs = self._mixture_distribution.probs
        return probs.reshape((*probs.shape, *[1] * self._event_ndims))

    @property
    def mean(self) -> Any:
        return (self._weights * self._component_distribution.mean).sum(-1 - self._event_ndims)

    @property
    def variance(self) -> Any:
        dim = -1 - self._event_ndims
        within = (self._weights * self._component_distribution.variance).sum(dim)
        between = (self._weights * (self._component_distribution.mean - self._pad(self.mean)).pow(2.0)).sum(dim)
        return within + between

    def cdf(self, x: Tensor) -> Tensor:
        return (self._component_distribution.cdf(self._pad(x)) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(x)
        logs = self._component_distribution.log_prob(self._pad(x))
        return (logs + log_softmax(self._mixture_distribution.logits, dim=-1)).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            chosen = self._mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            values = self._component_distribution.sample(sample_shape)
            dim, events = len(tuple(sample_shape)) + len(self._batch_shape), tuple(self._event_shape)
            at = chosen.reshape((*chosen.shape, 1, *[1] * len(events))).expand((*chosen.shape, 1, *events))
            return values.gather(dim, at).squeeze(dim)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(\n  {self._mixture_distribution},\n  {self._component_distribution})"
