"""Initial values. Every function fills a tensor in place, outside of all derivatives, and returns it."""

from __future__ import annotations

import math
import warnings
from typing import Any, Optional, Union

import numpy as np

from wengert.functions import sampling
from wengert.functions.data import tensor as tensor_of
from wengert.functions.random import rand
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

# What leaves the deviation of its input as it is, near 0.
_LINEAR = {
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: Optional[Union[int, float]] = None) -> float:
    """The factor by which an activation shrinks the deviation of its input, inverted.

    linear, convolutions, sigmoid: 1. tanh: 5/3. relu: sqrt 2. leaky_relu: sqrt(2 / (1 + param^2)), param the negative
    slope (0.01). selu: 3/4.

    Raises: ValueError for another name, or a param that is no number.
    """
    if nonlinearity in _LINEAR:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif isinstance(param, (int, float)) and not isinstance(param, bool):
            slope = param
        else:
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


# --- one distribution or one value ---------------------------------------------------------------------------------


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in [a, b)."""
    return sampling.uniform_(tensor, a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with this mean and standard deviation."""
    return sampling.normal_(tensor, mean, std, generator=generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal, conditioned on lying in [a, b]: the normal quantile of uniform probabilities between those of a and b."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect."
        )
    low, high = (0.5 * (1 + math.erf((bound - mean) / std / math.sqrt(2))) for bound in (a, b))
    uniform_(tensor, 2 * low - 1, 2 * high - 1, generator)
    t: Any = tensor
    return t.erfinv_().mul_(std * math.sqrt(2)).add_(mean).clamp_(min=a, max=b)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, cut or padded with 0.

    Raises: ValueError unless the tensor is a matrix.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight that passes on as many input channels as it can, for each group of output channels.

    Shape: (out, in, ...) with one to three spatial dimensions.

    Raises: ValueError for another rank, or when the groups do not divide the output channels.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    out, channels, *spatial = tensor.shape
    if out % groups:
        raise ValueError("dim 0 must be divisible by groups")
    content = np.zeros(tensor.shape)
    centre = tuple([n // 2 for n in spatial])
    for group in range(groups):
        for channel in range(min(out // groups, channels)):
            content[(group * (out // groups) + channel, channel) + centre] = 1
    return _fill(tensor, content)


def _fill(tensor: Tensor, content: Any) -> Tensor:
    return tensor.copy_(tensor_of(content).to(tensor.dtype))


# --- by the number of inputs and outputs ---------------------------------------------------------------------------


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs go into one output of a weight (out, in, ...), and how many outputs one input goes into.

    Raises: ValueError for fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    out, channels, *spatial = tensor.shape
    return channels * math.prod(spatial), out * math.prod(spatial)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ("fan_in", "fan_out")
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(modes)}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in [-a, a] with a = gain sqrt(6 / (fan_in + fan_out)).

    Source: X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.
    """
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)). Source: as for `xavier_uniform_`."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform in [-b, b] with b = gain sqrt(3 / fan), the gain that of the activation and its slope `a`.

    Source: He, Zhang, Ren and Sun, Delving Deep into Rectifiers, 2015.
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op")
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation gain / sqrt(fan). Source: as for `kaiming_uniform_`."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op")
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


# --- structured ----------------------------------------------------------------------------------------------------


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """`gain` times a random matrix with orthonormal rows or columns, whichever are fewer: the Q of a normal matrix's
    QR factorisation, with signs such that it is uniform. Dimensions behind the first count as columns.

    Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks, 2013; for the signs, F. Mezzadri, How to generate random matrices from the classical compact groups, 2007.

    Raises: ValueError for fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    normal_(tensor, 0, 1, generator)
    matrix = tensor._array().reshape(tensor.shape[0], -1).astype(np.float64)
    rows, columns = matrix.shape
    q, r = np.linalg.qr(matrix.T if rows < columns else matrix)
    q *= np.sign(np.diag(r))
    return _fill(tensor, gain * (q.T if rows < columns else q).reshape(tensor.shape))


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal with standard deviation `std`, with the fraction `sparsity` of each column (rounded up) set to 0.

    Source: J. Martens, Deep learning via Hessian-free optimization, 2010.

    Raises: ValueError unless the tensor is a matrix.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    normal_(tensor, 0, std, generator)
    content = tensor._array().copy()
    order = rand(rows, columns, generator=generator)._array()
    chosen = np.argsort(order, axis=0)[: math.ceil(sparsity * rows)]
    np.put_along_axis(content, chosen, 0, axis=0)
    return _fill(tensor, content)
