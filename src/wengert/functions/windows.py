"""What convolutions and pooling do with their arguments: one number for each spatial axis, an input with or without a
batch, and how many places a window finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.errors import runtime_error, shape_error, type_error, value_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node
from wengert.graph.rule import primitives as p
from wengert.shapes import Shape


def named(name: str, axes: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one number of spatial axes as a public one: its name, and SHAPE in its text as the input's shape."""
    spatial = ", ".join(("depth", "height", "width")[3 - axes :] if axes > 1 else ["length"])
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (function.__doc__ or "").replace("SHAPE", f"(batch, channels, {spatial})")
    return function


def each(operation: str, name: str, value: Any, axes: int) -> Shape:
    """One integer for each spatial axis, given as one for all or as a sequence.

    Raises: TypeError for what is no integer; RuntimeError for a sequence of another length.
    """
    given = value if isinstance(value, (tuple, list)) else (value,)
    try:
        found = tuple([n.__index__() for n in given])
    except AttributeError:
        raise type_error(operation, f"{name} must be an int or a tuple of ints", value) from None
    if len(found) == 1:
        return found * axes
    if len(found) != axes:
        wanted = f"expected {name} to be a single integer value or a list of {axes} values"
        raise runtime_error(operation, wanted, list(found))
    return found


def with_batch(operation: str, input: Any, axes: int) -> tuple[Node, bool]:
    """The node with a batch axis, and whether it was there: rank axes + 2, or axes + 1 without.

    Raises: RuntimeError for another rank.
    """
    x = node_of(input, operation)
    if x.ndim == axes + 2:
        return x, True
    if x.ndim == axes + 1:
        return p.reshape(x, shape=(1, *x.shape)), False
    raise shape_error(
        operation, f"expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to {operation}", (x.shape,)
    )


def without_batch(y: Node, batched: bool) -> Node:
    """The result for an input that had no batch axis."""
    return y if batched else p.reshape(y, shape=y.shape[1:])


def check_positive(operation: str, **numbers: Sequence[int]) -> None:
    """Raises: RuntimeError for a number below 1."""
    for name, values in numbers.items():
        if min(values) < 1:
            raise runtime_error(operation, f"{name} should be greater than zero", list(values))


def check_not_negative(operation: str, **numbers: Sequence[int]) -> None:
    """Raises: RuntimeError for a number below 0."""
    for name, values in numbers.items():
        if min(values) < 0:
            raise runtime_error(operation, f"negative {name} is not supported", list(values))


def places(n: int, window: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False) -> int:
    """At how many places a window stands along an axis of size n with `padding` on either side. With `ceil_mode` the
    last may reach beyond the padding, but must start before it."""
    room = n + 2 * padding - dilation * (window - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= n + padding:
        count -= 1
    return count


class Geometry:
    """A pooling's window, stride, padding and dilation along each spatial axis, checked, and the places it finds.

    Raises: RuntimeError for numbers that make no window, or more padding than half of it; for an input that is too small.
    """

    def __init__(
        self,
        operation: str,
        x: Node,
        axes: int,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.operation = operation
        self.window = each(operation, "kernel_size", kernel_size, axes)
        no_stride = stride is None or (isinstance(stride, (tuple, list)) and not stride)
        self.stride = self.window if no_stride else each(operation, "stride", stride, axes)
        self.padding = each(operation, "padding", padding, axes)
        self.dilation = each(operation, "dilation", dilation, axes)
        check_positive(operation, kernel_size=self.window, stride=self.stride, dilation=self.dilation)
        self.inside = x.shape[x.ndim - axes :]
        for before, k, d in zip(self.padding, self.window, self.dilation):
            if not 0 <= before <= ((k - 1) * d + 1) // 2:
                wanted = "pad should be at least zero and at most half of effective kernel size"
                raise runtime_error(operation, wanted, f"pad={before}, kernel_size={k}, dilation={d}")
        self.size = tuple(
            [places(*of_axis, ceil_mode) for of_axis in zip(self.inside, self.window, self.stride, self.padding, self.dilation)]
        )
        if min(self.size) < 1 or 0 in x.shape[1 : x.ndim - axes]:
            sizes = f"{list(self.inside)}, window {list(self.window)}"
            raise runtime_error(operation, f"Output size {list(self.size)} is too small, or the input is empty", sizes)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of a window's primitives, but for the size."""
        return {"window": self.window, "stride": self.stride, "padding": self.padding, "dilation": self.dilation}

    @property
    def tiles(self) -> bool:
        """Whether the windows cover the input exactly and do not overlap."""
        return (
            self.stride == self.window
            and not any(self.padding)
            and set(self.dilation) == {1}
            and all([n == m * k for n, m, k in zip(self.inside, self.size, self.window)])
        )

    def seen(self, axis: int, clipped: bool) -> list[int]:
        """How many elements the window has at each place of an axis: inside the input, or inside the padded input."""
        n, k, s, before = self.inside[axis], self.window[axis], self.stride[axis], self.padding[axis]
        starts = [i * s - before for i in range(self.size[axis])]
        if clipped:
            return [min(start + k, n) - max(start, 0) for start in starts]
        return [min(start + k, n + before) - start for start in starts]


def wanted_sizes(operation: str, output_size: Any, inside: Shape) -> Shape:
    """The sizes that an adaptive pooling is to give: one for all, or one for each axis; None keeps the input's.

    Raises: RuntimeError for negative sizes or another number of them.
    """
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * len(inside)
    if len(given) != len(inside):
        raise runtime_error(operation, f"output_size must be an int or {len(inside)} of them", list(given))
    found = tuple([n if m is None else int(m) for m, n in zip(given, inside)])
    if min(found) < 0:
        raise runtime_error(operation, "elements of output_size must be greater than or equal to 0", list(found))
    return found


def check_more_axes(operation: str, input: Any, output_size: Any, axes: int) -> None:
    """Raises: ValueError for sizes of two or three axes and an input that has no more axes than there are sizes."""
    if axes > 1 and isinstance(output_size, (tuple, list)) and node_of(input, operation).ndim <= len(output_size):
        wanted = f"Input dimension should be at least {len(output_size) + 1}"
        raise value_error(operation, wanted, node_of(input, operation).ndim)


def check_not_empty(operation: str, x: Node, axes: int) -> None:
    """Raises: RuntimeError for an empty axis other than the batch's."""
    if 0 in x.shape[x.ndim - axes :]:
        raise shape_error(operation, "expected input to have non-zero size for non-batch dimensions", (x.shape,))
