"""Activation functions. Each is applied to every element by itself but for softmax and its kin, which work along one
dimension, and glu, which halves one.

`inplace=True` writes the result back into the input. Where a derivative jumps, the value at the kink is PyTorch's.
"""

from __future__ import annotations

import warnings
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions import elementwise, reduce
from wengert.functions.axes import axis_of
from wengert.functions.operands import assign, deliver, floating, node_of
from wengert.functions.random import uniform_node
from wengert.graph.node import Node
from wengert.graph.rule import primitives as p
from wengert.nn.functional.arguments import finish, floating_node, own
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

sigmoid = elementwise.sigmoid
tanh = elementwise.tanh


# --- pieces of straight lines --------------------------------------------------------------------------------------


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0). The derivative at 0 is 0. Hot."""
    if not inplace:
        return elementwise.relu(input)
    return assign(input, elementwise.relu(input)._read(), "relu_")


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6). The derivative at 0 and 6 is 0."""
    return finish(input, _between(own(node_of(input, "relu6"), inplace), 0, 6), "relu6", inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(x, min_val), max_val). The derivative at either bound is 0.

    Raises: ValueError when min_val > max_val.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val; got {min_val} and {max_val}")
    return finish(input, _between(own(node_of(input, "hardtanh"), inplace), min_val, max_val), "hardtanh", inplace)


def _between(x: Node, low: float, high: float) -> Node:
    """x held between two bounds, where unlike with clamp the derivative at the bounds is 0; NaN stays."""
    return p.where(x <= low, low, p.where(x >= high, high, x))


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6"""
    x = own(floating_node(input, "hardsigmoid"), inplace)
    return finish(input, _between(x + 3, 0, 6) / 6, "hardsigmoid", inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x relu6(x + 3) / 6. The derivative at -3 is 0, at 3 it is 1."""
    x = own(floating_node(input, "hardswish"), inplace)
    within = p.where((x <= -3) | (x >= 3), 0, x)  # what is infinite has no part in the derivative of the middle
    return finish(input, p.where(x <= -3, 0, p.where(x >= 3, x, within * (within + 3) / 6)), "hardswish", inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else value."""
    x = own(node_of(input, "threshold"), inplace)
    return finish(input, p.where(x <= threshold, value, x), "threshold", inplace)


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Optional[Tensor] = None) -> Tensor:
    """x where |x| > lambd, else 0."""
    x = floating_node(input, "hardshrink")
    return deliver(p.where((x >= -lambd) & (x <= lambd), 0, x), out)


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Optional[Tensor] = None) -> Tensor:
    """x - lambd where x > lambd, x + lambd where x < -lambd, else 0.

    Raises: RuntimeError when lambd < 0.
    """
    x = floating_node(input, "softshrink")
    if lambd < 0:
        raise runtime_error("softshrink", "lambd must be greater or equal to 0", lambd)
    within = (x >= -lambd) & (x <= lambd)
    return deliver(p.where(within, 0, p.where(x > 0, x - lambd, x + lambd)), out)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope x. The derivative at 0 is negative_slope."""
    x = own(floating_node(input, "leaky_relu"), inplace)
    return finish(input, p.leaky_relu(x, negative_slope), "leaky_relu", inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight x: one learnt slope, or one for each channel (dimension 1).

    Raises: RuntimeError when weight has neither one element nor as many as there are channels.
    """
    x, slope = floating_node(input, "prelu"), floating_node(weight, "prelu", "weight")
    if slope.ndim > 1:
        raise runtime_error("prelu", "weight must be a scalar or 1D tensor", f"ndim = {slope.ndim}")
    channels = x.shape[1] if x.ndim > 1 else 1
    if slope.size not in (1, channels):
        raise runtime_error(
            "prelu",
            "mismatch of parameter numbers and input channel size; weight has one element, or one for each channel",
            f"parameter numbers = {slope.size} and channel size = {channels}",
        )
    if x.dtype is not slope.dtype:
        raise dtype_error("prelu", "input and weight of one dtype", f"{x.dtype} and {slope.dtype}")
    shape = (1, slope.size, *(1,) * (x.ndim - 2)) if x.ndim > 1 else (1,) * x.ndim
    return wrap(p.leaky_relu(x, p.reshape(slope, shape=shape)))


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where x > 0, else slope x, with a slope drawn for each element from [lower, upper) in training, and the mean
    of the two otherwise.

    Raises: RuntimeError when lower > upper.
    """
    x = own(floating_node(input, "rrelu"), inplace)
    if lower > upper:
        raise runtime_error("rrelu", "lower bound should be less than or equal to the upper bound", (lower, upper))
    slope: Any = (lower + upper) / 2
    if training:
        slope = uniform_node("rrelu", x.shape, x.dtype, None) * (upper - lower) + lower
    return finish(input, p.leaky_relu(x, slope), "rrelu", inplace)


# --- smooth ones ---------------------------------------------------------------------------------------------------


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (exp(x) - 1)."""
    return finish(input, p.elu(own(floating_node(input, "elu"), inplace), alpha), "elu", inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale elu(x, alpha), with the two constants for which mean 0 and variance 1 reproduce themselves.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter, Self-Normalizing Neural Networks, 2017.
    """
    x = own(floating_node(input, "selu"), inplace)
    return finish(input, p.elu(x, _SELU_ALPHA) * _SELU_SCALE, "selu", inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(x, 0) + min(0, alpha (exp(x / alpha) - 1)).

    Raises: RuntimeError when alpha is 0.
    """
    x = own(floating_node(input, "celu"), inplace)
    if alpha == 0:
        raise runtime_error("celu", "ZeroDivisionError: alpha cannot be 0 for CELU")
    y = p.where(x <= 0, p.expm1(p.clamp_max(x, 0) / alpha) * alpha, x)
    return finish(input, y, "celu", inplace)


def gelu(input: Tensor, *, approximate: str = "none", out: Optional[Tensor] = None) -> Tensor:
    """x P(X <= x) for a standard normal X; with `approximate="tanh"` by x (1 + tanh(sqrt(2/pi)(x + 0.044715 x^3))) / 2.

    Raises: RuntimeError for another word.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    x = floating_node(input, "gelu")
    return deliver(p.gelu(x) if approximate == "none" else p.gelu_tanh(x), out)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x sigmoid(x)"""
    x = own(floating_node(input, "silu"), inplace)
    return finish(input, x * p.sigmoid(x), "silu", inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(log(1 + exp(x)))"""
    x = own(floating_node(input, "mish"), inplace)
    return finish(input, x * p.tanh(p.softplus(x, 1.0, 20.0)), "mish", inplace)


def logsigmoid(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """log(1 / (1 + exp(-x)))"""
    return deliver(p.log_sigmoid(floating_node(input, "logsigmoid")), out)


def softplus(
    input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Optional[Tensor] = None
) -> Tensor:
    """log(1 + exp(beta x)) / beta; x itself where beta x > threshold."""
    return deliver(p.softplus(floating_node(input, "softplus"), beta, threshold), out)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)"""
    x = floating(node_of(input, "softsign"))
    return wrap(x / move(p.abs(x) + 1, x.dtype))


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)"""
    x = floating(node_of(input, "tanhshrink"))
    return wrap(x - p.tanh(x))


# --- along one dimension -------------------------------------------------------------------------------------------


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a sigmoid(b), where a and b are the halves of the input along `dim`.

    Raises: RuntimeError when the size along `dim` is odd or the input has no dimensions.
    """
    x = floating_node(input, "glu")
    if x.ndim == 0:
        raise shape_error("glu", "at least one dimension to halve", (x.shape,))
    axis = axis_of(dim, x.ndim, "glu")
    n = x.shape[axis]
    if n % 2:
        raise shape_error("glu", f"halving dimension must be even, but dimension {axis} is size {n}", (x.shape,))
    whole = [(0, m, 1) for m in x.shape]
    first, second = list(whole), list(whole)
    first[axis], second[axis] = (0, n // 2, 1), (n // 2, n, 1)
    return wrap(p.slice(x, index=tuple(first)) * p.sigmoid(p.slice(x, index=tuple(second))))


def softmax(input: Tensor, dim: Optional[int] = None, _stacklevel: int = 3, dtype: Optional[DType] = None) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`. `dtype`: convert the input to it first."""
    return reduce.softmax(input, _chosen(dim, input, "softmax"), dtype)


def log_softmax(
    input: Tensor, dim: Optional[int] = None, _stacklevel: int = 3, dtype: Optional[DType] = None
) -> Tensor:
    """log(softmax(x)) along `dim`, without overflow. `dtype`: convert the input to it first."""
    return reduce.log_softmax(input, _chosen(dim, input, "log_softmax"), dtype)


def softmin(input: Tensor, dim: Optional[int] = None, _stacklevel: int = 3, dtype: Optional[DType] = None) -> Tensor:
    """softmax(-x) along `dim`. `dtype`: convert the input to it first."""
    return reduce.softmax(elementwise.neg(input), _chosen(dim, input, "softmin"), dtype)


def _chosen(dim: Optional[int], input: Tensor, name: str) -> int:
    """`dim`, or the one that old programs expect when they give none."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument."
    )
    return 0 if node_of(input, name).ndim in (0, 1, 3) else 1


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((x + g) / tau) along `dim` with Gumbel noise g: a sample from the categorical distribution of the logits,
    made smooth. `hard`: one-hot, with the derivative of the smooth one.

    Source: Jang, Gu and Poole, Categorical Reparameterization with Gumbel-Softmax, 2017; `eps` has no effect.
    """
    x = floating_node(logits, "gumbel_softmax", "logits")
    axis = axis_of(dim, x.ndim, "gumbel_softmax")
    uniform = uniform_node("gumbel_softmax", x.shape, x.dtype, None)
    noise = -p.log(-p.log1p(-uniform))  # 1 - u lies in (0, 1], u itself in [0, 1)
    soft = reduce.softmax(wrap((x + noise) / tau), axis)._read()
    if not hard:
        return wrap(soft)
    positions = p.iota(n=x.shape[axis], dtype=dtypes.int64)
    shape = tuple([n if i == axis else 1 for i, n in enumerate(x.shape)])
    chosen = p.reshape(p.argmax(soft, axis=axis), shape=tuple([1 if i == axis else n for i, n in enumerate(x.shape)]))
    one_hot = p.convert(p.eq(p.reshape(positions, shape=shape), chosen), dtype=x.dtype)
    return wrap(one_hot - p.stop_gradient(soft) + soft)


# --- in place ------------------------------------------------------------------------------------------------------


def relu_(input: Tensor) -> Tensor:
    """In place `relu`."""
    return relu(input, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In place `hardtanh`."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In place `threshold`."""
    x = node_of(input, "threshold_")
    return assign(input, p.where(x <= threshold, value, x), "threshold_")


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In place `leaky_relu`."""
    return leaky_relu(input, negative_slope, inplace=True)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """In place `rrelu`."""
    return rrelu(input, lower, upper, training, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In place `elu`."""
    return elu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """In place `selu`."""
    return selu(input, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In place `celu`."""
    return celu(input, alpha, inplace=True)
