"""What distributions share: parameters that broadcast, probabilities and their logits, attributes computed on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.autograd.function import Function, once_differentiable
from wengert.dtypes import get_default_dtype
from wengert.functions.create import full
from wengert.functions.data import tensor
from wengert.functions.drawn import gamma_sample, gamma_slope
from wengert.functions.random import rand, randn
from wengert.functions.shape import broadcast_tensors
from wengert.functions.types import finfo
from wengert.nn.functional import softmax
from wengert.tensors.modes import enable_grad
from wengert.tensors.tensor import Tensor

euler_constant = 0.57721566490153286060


def is_number(value: Any) -> bool:
    """Whether a parameter is a Python number (or a bool)."""
    return isinstance(value, (int, float))


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Parameters as tensors of one shape; numbers take the dtype of the first tensor.

    Raises: ValueError for what is neither a number nor a tensor.
    """
    if not all([is_number(value) or isinstance(value, Tensor) for value in values]):
        raise ValueError(f"Input arguments must all be instances of Number or Tensor, but got {values}")
    dtype = next((value.dtype for value in values if isinstance(value, Tensor)), get_default_dtype())
    return tuple(broadcast_tensors(*[tensor(v, dtype=dtype) if is_number(v) else v for v in values]))


def scalar_or_tensors(*values: Any) -> tuple[int, ...]:
    """The batch shape that parameters give: () when all are numbers."""
    return tuple(next(iter(broadcast_all(*values))).shape)


def uniform_like(shape: Any, like: Tensor) -> Tensor:
    """Uniform numbers in (0, 1), neither end included, in the dtype of `like`."""
    info = finfo(like.dtype)
    return rand(tuple(shape), dtype=like.dtype).clamp(info.tiny, 1 - info.eps / 2)


def normal_like(shape: Any, like: Tensor) -> Tensor:
    """Standard normal numbers in the dtype of `like`."""
    return randn(tuple(shape), dtype=like.dtype)


def constant(value: float, like: Tensor, shape: Any = None) -> Tensor:
    """The value everywhere, in the dtype of `like`."""
    return full(tuple(like.shape if shape is None else shape), value, dtype=like.dtype)


class _StandardGamma(Function):
    """A gamma number of rate 1, with its implicit derivative by the shape."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor, generator: Any) -> Tensor:  # type: ignore[override]
        sample = gamma_sample(concentration, generator).clamp(min=finfo(concentration.dtype).tiny)
        ctx.save_for_backward(concentration, sample)
        return sample

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:  # type: ignore[override]
        return grad * gamma_slope(*ctx.saved_tensors), None


def standard_gamma(concentration: Tensor, generator: Any = None) -> Tensor:
    """A gamma number of each shape parameter and rate 1, differentiable once by it."""
    return _StandardGamma.apply(concentration, generator)


def clamp_probs(probs: Tensor) -> Tensor:
    """Away from 0 and 1 by the machine's precision."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """sigmoid(logits) of two outcomes, softmax(logits) over the last dimension of many."""
    return logits.sigmoid() if is_binary else softmax(logits, dim=-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """log(p / (1 - p)) of two outcomes, log(p) of many."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


def sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 else value.reshape((*value.shape[: value.ndim - dim], -1)).sum(-1)


def one_of_two(first: Any, second: Any, names: str = "`probs` or `logits`") -> None:
    """Raises: ValueError unless exactly one is given."""
    if (first is None) == (second is None):
        raise ValueError(f"Either {names} must be specified, but not both.")


class lazy_property:
    """An attribute that is computed when it is first asked for, tracked in any case."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.compute(instance)
        instance.__dict__[self.name] = value
        return value
