"""Kullback and Leibler's divergence KL(p | q) = E_p[log p(x) - log q(x)], in closed form for each registered pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.distributions.distribution import Distribution
from wengert.tensors.tensor import Tensor

__all__ = ["register_kl", "kl_divergence"]

_pairs: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Callable[[Any, Any], Tensor]], Callable[[Any, Any], Tensor]]:
    """A decorator: the function below computes KL(p | q) for p of the first type and q of the second.

    Raises: TypeError for something that is no type of distribution.
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected a subclass of Distribution but got {kind}")

    def decorate(function: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
        _pairs[type_p, type_q] = function
        return function

    return decorate


def _function_for(type_p: type, type_q: type) -> Callable[[Any, Any], Tensor]:
    """The function of the nearest pair of base classes; how near p's is counts first."""
    found = [
        (type_p.__mro__.index(p), type_q.__mro__.index(q), function)
        for (p, q), function in _pairs.items()
        if issubclass(type_p, p) and issubclass(type_q, q)
    ]
    if not found:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type_p.__name__} and q type {type_q.__name__}; register one with "
            "register_kl, or average p.log_prob(x) - q.log_prob(x) over samples of p"
        )
    return min(found, key=lambda entry: entry[:2])[2]


def kl_divergence(p: Any, q: Any) -> Tensor:
    """KL(p | q), of each distribution of the batch.

    Raises: NotImplementedError for a pair that has no formula here.
    """
    return _function_for(type(p), type(q))(p, q)
