"""Holding gradients within bounds, between `backward` and the optimiser's step."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, Optional, Union

from wengert.functions.create import zeros
from wengert.functions.elementwise import clamp, mul, true_divide
from wengert.functions.join import stack
from wengert.functions.norms import norm
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

Tensors = Union[Tensor, Iterable[Tensor]]


def _grads(parameters: Tensors) -> list[Tensor]:
    """The gradients that are there.

    Raises: TypeError when `parameters` are no tensors.
    """
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    else:
        parameters = list(parameters)
        if not parameters:
            warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.")
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


@no_grad()
def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Optional[bool] = None
) -> Tensor:
    """The norm of all tensors' elements as one vector: the norm of their norms. 0 for no tensors. `foreach` has no
    effect: everything is one graph.

    Raises: RuntimeError with `error_if_nonfinite` for an infinite or NaN norm, which asks for its value.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    order = float(norm_type)
    if not tensors:
        return zeros(())
    norms = [norm(tensor, order) for tensor in tensors]
    total = norms[0] if len(norms) == 1 else norm(stack(norms), order)
    if error_if_nonfinite and not total.isfinite().item():
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "With error_if_nonfinite=False the gradients are scaled by it all the same."
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: Optional[bool] = None
) -> None:
    """Scale the gradients, in place, by max_norm / total_norm where that is below 1."""
    grads = _grads(parameters)
    scale = clamp(true_divide(float(max_norm), total_norm + 1e-6), max=1.0)
    for grad in grads:
        grad.copy_(mul(grad, scale))


@no_grad()
def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: Optional[bool] = None,
) -> Tensor:
    """Scale the gradients, in place, such that the norm of all of them together is at most `max_norm`. Returns that
    norm as it was.

    Raises: RuntimeError with `error_if_nonfinite` for an infinite or NaN norm.
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_grads(parameters), norm_type, error_if_nonfinite, foreach)
    if parameters:
        clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


@no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: Optional[bool] = None) -> None:
    """Hold every element of the gradients, in place, within +-clip_value."""
    bound: Any = float(clip_value)
    for grad in _grads([parameters] if isinstance(parameters, Tensor) else list(parameters)):
        grad.copy_(clamp(grad, -bound, bound))
