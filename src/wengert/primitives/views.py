"""Views: index maps of their input, and how each is written through; joining and padding stand beside them.

A view rule has three faces: the map itself (`evaluate`), its transpose (where a cotangent goes back), and its
write-back (`write`: the base with new content where the view looks), which is what makes in-place operations on views
functional.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from typing import Any, Union

import numpy as np

from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.record import scalar
from wengert.graph.rule import Cotangent, Linear, View, broadcast_to, primitives, unbroadcast, zeros_of
from wengert.shapes import Shape, inverse_permutation, size_of

# One entry an axis: an int selects and drops the axis; (start, stop, step) with step >= 1 keeps it.
Index = tuple[Union[int, tuple[int, int, int]], ...]


class Reshape(View):
    """y = x read in row-major order into another shape     Transpose  x_bar = reshape(y_bar)"""

    name = "reshape"
    params = ("shape",)

    def infer(self, x: ArrayType, *, shape: Shape) -> ArrayType:
        if size_of(shape) != x.size:
            raise shape_error("reshape", f"shape '{list(shape)}' is invalid for input of size {x.size}")
        return array_type(shape, x.dtype)

    def evaluate(self, x: Any, *, shape: Shape) -> Any:
        return x.reshape(shape)

    def bound(self, params: tuple[Any, ...]) -> Callable[..., Any]:
        return methodcaller("reshape", *params)

    def transpose(self, y_bar: Node, x: Node, *, shape: Shape) -> Node:
        return self(y_bar, shape=x.shape)

    def write(self, x: Node, new: Node, *, shape: Shape) -> Node:
        return self(new, shape=x.shape)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, shape: Shape) -> Node:
        return self(*inputs, shape=(size, *shape))


class Permute(View):
    """y[i_p(0), ..., i_p(n-1)] = x[i_0, ..., i_n-1]: axis k of y is axis order[k] of x     Transpose  the inverse"""

    name = "permute"
    params = ("order",)

    def infer(self, x: ArrayType, *, order: Shape) -> ArrayType:
        if sorted(order) != list(range(x.ndim)):
            raise shape_error("permute", f"each of the {x.ndim} dimensions exactly once", list(order))
        return array_type(tuple([x.shape[axis] for axis in order]), x.dtype)

    def evaluate(self, x: Any, *, order: Shape) -> Any:
        return x.transpose(order)

    def bound(self, params: tuple[Any, ...]) -> Callable[..., Any]:
        return methodcaller("transpose", *params)

    def transpose(self, y_bar: Node, x: Node, *, order: Shape) -> Node:
        return self(y_bar, order=inverse_permutation(order))

    def write(self, x: Node, new: Node, *, order: Shape) -> Node:
        return self(new, order=inverse_permutation(order))

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, order: Shape) -> Node:
        return self(*inputs, order=(0, *[axis + 1 for axis in order]))


def _numpy_index(index: Index) -> tuple[Any, ...]:
    return tuple([entry if isinstance(entry, int) else np.s_[entry[0] : entry[1] : entry[2]] for entry in index])


def _sliced_shape(index: Index) -> Shape:
    return tuple([len(range(*entry)) for entry in index if not isinstance(entry, int)])


def _check_index(operation: str, x: ArrayType, index: Index) -> None:
    if len(index) != x.ndim:
        raise shape_error(operation, f"one entry for each of {x.ndim} dimensions", index)
    for entry, n in zip(index, x.shape):
        low, high = (entry, entry) if isinstance(entry, int) else (entry[0], entry[1] - 1)
        if low < 0 or (high >= n and (isinstance(entry, int) or len(range(*entry)))):
            raise shape_error(operation, f"positions within a dimension of size {n}", entry)


class Slice(View):
    """y = x[index]: each axis selected at one position (and dropped), or cut to start:stop:step with step >= 1

    Transpose  x_bar = 0 everywhere but x_bar[index] = y_bar
    """

    name = "slice"
    params = ("index",)

    def infer(self, x: ArrayType, *, index: Index) -> ArrayType:
        _check_index("slice", x, index)
        return array_type(_sliced_shape(index), x.dtype)

    def evaluate(self, x: Any, *, index: Index) -> Any:
        return x[_numpy_index(index) + (...,)]  # with the ellipsis a single element is a view too

    def transpose(self, y_bar: Node, x: Node, *, index: Index) -> Node:
        zeros = zeros_of(array_type(x.shape, y_bar.dtype))
        return slice_update(zeros, y_bar, index=index)

    def write(self, x: Node, new: Node, *, index: Index) -> Node:
        return slice_update(x, new, index=index)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, index: Index) -> Node:
        return self(*inputs, index=((0, size, 1), *index))


class SliceUpdate(Linear):
    """z = x, but z[index] = y     Transpose  x_bar = z_bar with 0 at the index, y_bar = z_bar[index]"""

    name = "slice_update"
    params = ("index",)

    def infer(self, x: ArrayType, new: ArrayType, *, index: Index) -> ArrayType:
        _check_index("slice_update", x, index)
        if new.shape != _sliced_shape(index):
            raise shape_error("slice_update", f"a new part of shape {list(_sliced_shape(index))}", (new.shape,))
        if new.dtype is not x.dtype:
            raise dtype_error("slice_update", f"a new part of dtype {x.dtype.name}", new.dtype.name)
        return x

    def evaluate(self, x: Any, new: Any, *, index: Index) -> Any:
        z = np.array(x)
        z[_numpy_index(index)] = new
        return z

    def transpose(self, z_bar: Node, x: Node, new: Node, *, index: Index) -> tuple[Cotangent, ...]:
        return (
            lambda: slice_update(z_bar, zeros_of(array_type(new.shape, z_bar.dtype)), index=index),
            lambda: slice(z_bar, index=index),
        )

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, index: Index) -> Node:
        return self(*all_batched(size, inputs, batched), index=((0, size, 1), *index))


# The dtypes that Python's buffers know.
_PLAIN = "?bhilqBHILQefdFD"


class Expand(View):
    """y = x stretched: new axes in front, axes of size 1 repeated     Transpose  x_bar = sum over the stretched axes"""

    name = "expand"
    params = ("shape",)

    def infer(self, x: ArrayType, *, shape: Shape) -> ArrayType:
        aligned = shape[len(shape) - x.ndim :] if x.ndim else ()
        if len(shape) < x.ndim or any(n != m and n != 1 for n, m in zip(x.shape, aligned)):
            raise shape_error(
                "expand", f"each size of {list(x.shape)} equal to the target's or 1, aligned at the right", (x.shape, shape)
            )
        return array_type(shape, x.dtype)

    def evaluate(self, x: Any, *, shape: Shape) -> Any:
        if not x.ndim and x.dtype.char in _PLAIN:
            x = np.asarray(x)  # NumPy's own functions give scalars
            y = np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))  # a fifth of the time of broadcast_to
            y.flags.writeable = False
            return y
        return np.broadcast_to(x, shape)

    def transpose(self, y_bar: Node, x: Node, *, shape: Shape) -> Node:
        return unbroadcast(y_bar, array_type(x.shape, y_bar.dtype))

    def write(self, x: Node, new: Node, *, shape: Shape) -> Node:
        if size_of(shape) != x.size:
            raise shape_error(
                "in-place",
                "unsupported operation: more than one element of the written-to tensor refers to a single memory "
                "location",
                (x.shape, shape),
                "write to a clone() of the expanded tensor",
            )
        return reshape(new, shape=x.shape)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, shape: Shape) -> Node:
        (x,) = inputs
        x = reshape(x, shape=(size, *(1,) * (len(shape) - x.ndim + 1), *x.shape[1:]))
        return self(x, shape=(size, *shape))


class Flip(View):
    """y = x read backwards along `axes`     Transpose  flip again"""

    name = "flip"
    params = ("axes",)

    def infer(self, x: ArrayType, *, axes: Shape) -> ArrayType:
        return x

    def evaluate(self, x: Any, *, axes: Shape) -> Any:
        return np.flip(x, axes)

    def transpose(self, y_bar: Node, x: Node, *, axes: Shape) -> Node:
        return self(y_bar, axes=axes)

    def write(self, x: Node, new: Node, *, axes: Shape) -> Node:
        return self(new, axes=axes)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axes: Shape) -> Node:
        return self(*inputs, axes=tuple([axis + 1 for axis in axes]))


class Diagonal(View):
    """y[..., i] = x[..., i, ..., i + offset, ...]: the diagonal of axes (axis1, axis2), appended as the last axis

    Transpose  x_bar = 0 everywhere but on the diagonal, which is y_bar
    """

    name = "diagonal"
    params = ("offset", "axis1", "axis2")

    def infer(self, x: ArrayType, *, offset: int, axis1: int, axis2: int) -> ArrayType:
        if x.ndim < 2 or axis1 == axis2:
            raise shape_error("diagonal", "two different dimensions", (x.shape,))
        rows, columns = x.shape[axis1], x.shape[axis2]
        length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
        rest = tuple([n for axis, n in enumerate(x.shape) if axis not in (axis1, axis2)])
        return array_type((*rest, length), x.dtype)

    def evaluate(self, x: Any, *, offset: int, axis1: int, axis2: int) -> Any:
        return np.diagonal(x, offset, axis1, axis2)

    def transpose(self, y_bar: Node, x: Node, *, offset: int, axis1: int, axis2: int) -> Node:
        zeros = zeros_of(array_type(x.shape, y_bar.dtype))
        return diagonal_update(zeros, y_bar, offset=offset, axis1=axis1, axis2=axis2)

    def write(self, x: Node, new: Node, *, offset: int, axis1: int, axis2: int) -> Node:
        return diagonal_update(x, new, offset=offset, axis1=axis1, axis2=axis2)

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, offset: int, axis1: int, axis2: int
    ) -> Node:
        return self(*inputs, offset=offset, axis1=axis1 + 1, axis2=axis2 + 1)


class DiagonalUpdate(Linear):
    """z = x with the diagonal of (axis1, axis2) replaced by y     Transpose  z_bar off and on the diagonal"""

    name = "diagonal_update"
    params = ("offset", "axis1", "axis2")

    def infer(self, x: ArrayType, new: ArrayType, *, offset: int, axis1: int, axis2: int) -> ArrayType:
        wanted = diagonal.infer(x, offset=offset, axis1=axis1, axis2=axis2)
        if new is not wanted:
            raise shape_error("diagonal_update", f"a new diagonal of {wanted}", str(new))
        return x

    def evaluate(self, x: Any, new: Any, *, offset: int, axis1: int, axis2: int) -> Any:
        z = np.array(x)
        view = np.diagonal(z, offset, axis1, axis2)
        view.flags.writeable = True  # NumPy marks it read-only out of caution; z is ours alone
        view[...] = new
        return z

    def transpose(
        self, z_bar: Node, x: Node, new: Node, *, offset: int, axis1: int, axis2: int
    ) -> tuple[Cotangent, ...]:
        where = {"offset": offset, "axis1": axis1, "axis2": axis2}
        return (
            lambda: self(z_bar, zeros_of(array_type(new.shape, z_bar.dtype)), **where),
            lambda: diagonal(z_bar, **where),
        )

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, offset: int, axis1: int, axis2: int
    ) -> Node:
        return self(*all_batched(size, inputs, batched), offset=offset, axis1=axis1 + 1, axis2=axis2 + 1)


class Concatenate(Linear):
    """z = the inputs one after the other along `axis`     Transpose  each input's part of z_bar"""

    name = "concatenate"
    params = ("axis",)

    def infer(self, *types: ArrayType, axis: int) -> ArrayType:
        first = types[0]
        for other in types:
            if other.dtype is not first.dtype:
                raise dtype_error("cat", "inputs of one dtype", ", ".join(t.dtype.name for t in types))
            if other.ndim != first.ndim or any(
                n != m for i, (n, m) in enumerate(zip(first.shape, other.shape)) if i != axis
            ):
                raise shape_error(
                    "cat", f"sizes of tensors must match except in dimension {axis}", tuple(t.shape for t in types)
                )
        total = sum([t.shape[axis] for t in types])
        return array_type((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)

    def evaluate(self, *xs: Any, axis: int) -> Any:
        return np.concatenate(xs, axis)

    def transpose(self, z_bar: Node, *inputs: Node, axis: int) -> tuple[Cotangent, ...]:
        parts: list[Cotangent] = []
        start = 0
        for x in inputs:
            stop = start + x.shape[axis]
            index = tuple([(start, stop, 1) if i == axis else (0, n, 1) for i, n in enumerate(z_bar.shape)])
            parts.append(lambda index=index: slice(z_bar, index=index))  # type: ignore[misc]
            start = stop
        return tuple(parts)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int) -> Node:
        return self(*all_batched(size, inputs, batched), axis=axis + 1)


class Pad(Linear):
    """y = x with `low[k]` elements of `value` before and `high[k]` after it along axis k; negative numbers crop

    Transpose  x_bar = y_bar where x stands, value_bar = sum of y_bar elsewhere
    Shapes     value is zero-dimensional
    """

    name = "pad"
    params = ("low", "high")

    def infer(self, x: ArrayType, value: ArrayType, *, low: Shape, high: Shape) -> ArrayType:
        shape = tuple([before + n + after for before, n, after in zip(low, x.shape, high)])
        if len(low) != x.ndim or len(high) != x.ndim or any(n < 0 for n in shape):
            raise shape_error("pad", f"paddings that leave no size below 0: {list(low)} and {list(high)}", (x.shape,))
        return array_type(shape, x.dtype)

    def evaluate(self, x: Any, value: Any, *, low: Shape, high: Shape) -> Any:
        shape = tuple([before + n + after for before, n, after in zip(low, x.shape, high)])
        y = np.full(shape, value, x.dtype)
        inside = tuple([np.s_[max(b, 0) : max(m - max(a, 0), 0)] for b, m, a in zip(low, shape, high)])
        source = tuple([np.s_[max(-b, 0) : max(n - max(-a, 0), 0)] for b, n, a in zip(low, x.shape, high)])
        y[inside] = x[source]
        return y

    def transpose(self, y_bar: Node, x: Node, value: Node, *, low: Shape, high: Shape) -> tuple[Cotangent, ...]:
        def of_x() -> Node:
            return self(
                y_bar, scalar(0, y_bar.dtype), low=tuple([-n for n in low]), high=tuple([-n for n in high])
            )

        def of_value() -> Node:
            ones = primitives.full(scalar(0, y_bar.dtype), shape=x.shape)
            outside = self(ones, scalar(1, y_bar.dtype), low=low, high=high)
            return primitives.reduce_sum(y_bar * outside, axes=tuple(range(y_bar.ndim)))

        return of_x, of_value

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, low: Shape, high: Shape
    ) -> Node:
        x, value = inputs
        if not batched[1]:
            return self(x, value, low=(0, *low), high=(0, *high))
        # A fill of its own for each element of the batch: fill first, then write x over the inside.
        shape = tuple([before + n + after for before, n, after in zip(low, x.shape[batched[0] :], high)])
        one = scalar(1, x.dtype)
        inside = self(primitives.full(one, shape=x.shape[batched[0] :]), scalar(0, x.dtype), low=low, high=high)
        x = primitives.expand(x, shape=(size, *x.shape[batched[0] :])) if not batched[0] else x
        padded = self(x, scalar(0, x.dtype), low=(0, *low), high=(0, *high))
        fill = broadcast_to(reshape(value, shape=(size, *(1,) * len(shape))), (size, *shape))
        return primitives.where(primitives.ne(inside, 0), padded, fill)


def all_batched(size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> tuple[Node, ...]:
    """Every input with the batch axis: those without are repeated (a view, no copy)."""
    return tuple(
        [x if b else expand(x, shape=(size, *x.shape)) for x, b in zip(inputs, batched)]
    )


reshape = Reshape()
permute = Permute()
slice = Slice()
slice_update = SliceUpdate()
expand = Expand()
flip = Flip()
diagonal = Diagonal()
diagonal_update = DiagonalUpdate()
concatenate = Concatenate()
pad = Pad()
