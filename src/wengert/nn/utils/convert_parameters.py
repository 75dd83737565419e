"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from wengert.functions.join import cat
from wengert.functions.shape import reshape
from wengert.tensors.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Every element of every tensor, in order, one-dimensional; a derivative flows back to each."""
    return cat([reshape(parameter, -1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give each parameter its part of the vector as content: a view, so that they share its memory.

    Raises: TypeError when `vec` is no tensor.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected Tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        stop = start + parameter.numel()
        parameter.data = reshape(vec[start:stop], tuple(parameter.shape)).data
        start = stop
