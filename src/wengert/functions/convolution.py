"""Convolutions and transposed convolutions over one, two and three axes, by PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional, Union

from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.operands import node_of
from wengert.functions.windows import check_not_negative, check_positive, each, named, places, with_batch, without_batch
from wengert.graph.node import Node
from wengert.graph.record import record
from wengert.graph.rule import primitives as p
from wengert.primitives.convolutions import convolve, convolve_input
from wengert.shapes import Shape
from wengert.tensors.casting import in_low_precision
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]  # fmt: skip

Sizes = Union[int, tuple[int, ...]]


def _convolution(axes: int) -> Callable[..., Tensor]:
    operation = f"conv{axes}d"

    def function(
        input: Tensor,
        weight: Tensor,
        bias: Optional[Tensor] = None,
        stride: Sizes = 1,
        padding: Union[str, Sizes] = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Tensor:
        """y_o = bias_o + sum_c sum_k w_{o,c,k} x_{c, i stride + k dilation - padding}: a cross-correlation.

        padding: zeros on either side of each axis, or "valid" (none) or "same" (as many as keep the sizes; stride 1).

        Shape: input SHAPE or the same without a batch; weight (outputs, channels / groups, *kernel); bias (outputs,).

        Raises: RuntimeError when sizes or dtypes do not fit.
        """
        x, batched, w, steps, spread = _operands(operation, axes, input, weight, stride, dilation, groups)
        before, size = _padding(operation, padding, x.shape[2:], w.shape[2:], steps, spread)
        if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
            raise shape_error(
                operation,
                f"given groups={groups}, weight of size {list(w.shape)}, expected input to have {w.shape[1] * groups} "
                "channels and the number of outputs to be a multiple of groups",
                (x.shape,),
            )
        y = record(convolve, (x, w), (steps, before, spread, groups, size))
        return _finished(operation, y, bias, batched)

    return in_low_precision(named(operation, axes, function))


def _transposed(axes: int) -> Callable[..., Tensor]:
    operation = f"conv_transpose{axes}d"

    def function(
        input: Tensor,
        weight: Tensor,
        bias: Optional[Tensor] = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Tensor:
        """The transpose of a convolution: x_{c,i} w_{c,o,k} added at y_{o, i stride + k dilation - padding}.

        output_padding: how many positions the result has behind the last that is certain to be reached.

        Shape: input SHAPE or the same without a batch; weight (channels, outputs / groups, *kernel); bias (outputs,).

        Raises: RuntimeError when sizes or dtypes do not fit.
        """
        x, batched, w, steps, spread = _operands(operation, axes, input, weight, stride, dilation, groups)
        before = each(operation, "padding", padding, axes)
        behind = each(operation, "output_padding", output_padding, axes)
        check_not_negative(operation, padding=before, output_padding=behind)
        if any([more >= max(s, d) for more, s, d in zip(behind, steps, spread)]):
            raise runtime_error(operation, "output padding must be smaller than either stride or dilation", list(behind))
        if x.shape[1] != w.shape[0] or x.shape[1] % groups:
            raise shape_error(
                operation,
                f"given transposed=1, weight of size {list(w.shape)}, expected input to have {w.shape[0]} channels, a "
                f"multiple of groups={groups}",
                (x.shape,),
            )
        numbers = zip(x.shape[2:], w.shape[2:], steps, before, spread, behind)
        size = tuple([(n - 1) * s - 2 * b + d * (k - 1) + more + 1 for n, k, s, b, d, more in numbers])
        if min(size) < 1:
            raise runtime_error(operation, f"given input size {list(x.shape[2:])}, output size is too small", list(size))
        y = record(convolve_input, (x, w), (steps, before, spread, groups, size))
        return _finished(operation, y, bias, batched)

    return in_low_precision(named(operation, axes, function))


def _operands(
    operation: str, axes: int, input: Any, weight: Any, stride: Any, dilation: Any, groups: int
) -> tuple[Node, bool, Node, Shape, Shape]:
    x, batched = with_batch(operation, input, axes)
    w = node_of(weight, operation, "weight")
    if w.ndim != axes + 2:
        raise shape_error(operation, f"expected a {axes + 2}-dimensional weight", (w.shape,))
    if x.dtype is not w.dtype:
        raise dtype_error(operation, "input and weight of one dtype", f"{x.dtype} and {w.dtype}", "convert one of them")
    steps, spread = each(operation, "stride", stride, axes), each(operation, "dilation", dilation, axes)
    check_positive(operation, stride=steps, dilation=spread, groups=(groups,))
    if 0 in w.shape[2:]:
        raise shape_error(operation, "a kernel of non-zero size", (w.shape,))
    return x, batched, w, steps, spread


def _padding(
    operation: str, padding: Any, inside: Shape, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[Shape, Shape]:
    """The zeros before each axis, and the sizes of the result."""
    if padding == "same":
        if any([s != 1 for s in stride]):
            raise runtime_error(operation, "padding='same' is not supported for strided convolutions", list(stride))
        return tuple([d * (k - 1) // 2 for k, d in zip(kernel, dilation)]), inside
    if isinstance(padding, str) and padding != "valid":
        raise runtime_error(operation, "padding must be 'same', 'valid' or numbers", repr(padding))
    before = each(operation, "padding", 0 if padding == "valid" else padding, len(inside))
    check_not_negative(operation, padding=before)
    size = tuple([places(*of_axis) for of_axis in zip(inside, kernel, stride, before, dilation)])
    if any([n + 2 * b < d * (k - 1) + 1 for n, b, k, d in zip(inside, before, kernel, dilation)]):
        padded = [n + 2 * b for n, b in zip(inside, before)]
        raise runtime_error(
            operation,
            f"calculated padded input size per channel: {padded}; kernel size {list(kernel)} with dilation "
            f"{list(dilation)} can't be greater than actual input size",
        )
    return before, size


def _finished(operation: str, y: Node, bias: Optional[Tensor], batched: bool) -> Tensor:
    """With the bias of each channel."""
    if bias is not None:
        b = node_of(bias, operation, "bias")
        if b.dtype is not y.dtype:
            raise dtype_error(operation, "input and bias of one dtype", f"{y.dtype} and {b.dtype}")
        if b.shape != (y.shape[1],):
            raise shape_error(operation, f"expected bias to be 1-dimensional with {y.shape[1]} elements", (b.shape,))
        y = y + p.reshape(b, shape=(y.shape[1], *(1,) * (y.ndim - 2)))
    return wrap(without_batch(y, batched))


conv1d, conv2d, conv3d = _convolution(1), _convolution(2), _convolution(3)
conv_transpose1d, conv_transpose2d, conv_transpose3d = _transposed(1), _transposed(2), _transposed(3)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` for sequences with time in front.

    Shape: input (time, batch, channels), weight (kernel, channels, outputs), bias (outputs,); y (time, batch, outputs).

    Raises: RuntimeError when sizes do not fit.
    """
    if input.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        raise runtime_error("conv_tbc", "input and weight must have 3 dims, bias 1", (input.ndim, weight.ndim, bias.ndim))
    x, w, b = node_of(input, "conv_tbc"), node_of(weight, "conv_tbc", "weight"), node_of(bias, "conv_tbc", "bias")
    y = conv1d(wrap(p.permute(x, order=(1, 2, 0))), wrap(p.permute(w, order=(2, 1, 0))), wrap(b), padding=pad)
    return wrap(p.permute(y._read(), order=(2, 0, 1)))


METHODS: dict[str, Any] = {}
IN_PLACE: tuple[str, ...] = ()
