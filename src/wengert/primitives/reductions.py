"""Reductions: many elements become one. Sum, product, extremes, all, any, and where the extreme stands.

`axes` are sorted, distinct and not negative; the reduced axes are dropped (keeping them is a reshape above). An element
type is kept: that a sum of integers is taken in int64 is a conversion recorded above.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, ClassVar, Optional

import numpy as np

from wengert.dtypes import bool_, int32, int64
from wengert.errors import AxisError, dtype_error, index_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.record import scalar
from wengert.graph.rule import Composite, Cotangent, General, Linear, Primitive, primitives, times
from wengert.primitives.numerics import is_half
from wengert.primitives.scans import cumprod, following, preceding
from wengert.primitives.views import expand, permute, reshape
from wengert.shapes import Shape, inverse_permutation, reduced

# Float32 sums longer than this are taken in blocks, so that rounding errors stay those of a short sum.
_BLOCK = 1024
# Up to this length a product with ones is no less exact than NumPy's pairwise sum, which adds runs of 128 plainly.
_RUN = 128


def restore(y: Node, axes: Shape, shape: Shape) -> Node:
    """A reduced value stretched back over the axes along which `shape` was reduced."""
    if y.shape == shape:
        return y
    if axes != tuple(range(len(axes))):  # axes missing in front need no reshape: stretching puts them there
        y = reshape(y, shape=reduced(shape, axes, keepdims=True))
    return expand(y, shape=shape)


class _OverAxes(Primitive):
    """What reductions share: types and the batch axis."""

    params = ("axes",)

    def infer(self, x: ArrayType, *, axes: Shape) -> ArrayType:
        check_axes(self.name, x, axes)
        return array_type(reduced(x.shape, axes, keepdims=False), x.dtype)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axes: Shape) -> Node:
        return self(*inputs, axes=tuple([axis + 1 for axis in axes]))


def check_axes(operation: str, x: ArrayType, axes: Shape) -> None:
    """Raises AxisError for an axis that x does not have (layers above normalise; a rule's own slip ends here)."""
    if any(not 0 <= axis < x.ndim for axis in axes) or list(axes) != sorted(set(axes)):
        raise AxisError(f"{operation}: {axes} are not sorted, distinct dimensions of a tensor of shape {list(x.shape)}")


class ReduceSum(_OverAxes, Linear):
    """y = sum of x over `axes`

    Transpose  x_bar = y_bar, stretched over the axes
    Shapes     y has the shape of x without `axes`; a sum of nothing is 0
    Precision  float16 and bfloat16 are summed in float32 and rounded once; a float32 or float64 sum is NumPy's pairwise
               one where that works (along the axis that is contiguous), and elsewhere one of blocks, whose error is no
               larger than a thousand terms would make
    """

    name = "reduce_sum"

    def evaluate(self, x: Any, *, axes: Shape) -> Any:
        dtype = x.dtype
        if dtype.char in "fdFD":
            if x.ndim == 2 and len(axes) == 1 and x.flags.c_contiguous and dtype.kind == "f":
                # BLAS: a matrix times ones takes half of np.add.reduce's time, and over rows a third of its error.
                rows, columns = x.shape
                if axes[0] == 0:
                    if rows <= _BLOCK:
                        return _ones(rows, dtype) @ x
                elif columns <= _RUN:
                    return x @ _ones(columns, dtype)
            return np.add.reduce(x, axis=axes) if x.size <= _BLOCK else _long_sum(x, axes)
        if is_half(x):
            return _long_sum(x.astype(np.float32), axes).astype(dtype)
        return np.add.reduce(x, axis=axes, dtype=dtype)

    def transpose(self, y_bar: Node, x: Node, *, axes: Shape) -> tuple[Cotangent, ...]:
        return (lambda: restore(y_bar, axes, x.shape),)


class ReduceMean(_OverAxes, Composite):
    """y = sum of x over `axes` / n, with n the number of elements in it

    Transpose  x_bar = y_bar / n, stretched over the axes
    Shapes     y has the shape of x without `axes`; a mean of nothing is NaN
    """

    name = "reduce_mean"
    saves_nothing = True

    def infer(self, x: ArrayType, *, axes: Shape) -> ArrayType:
        if not x.dtype.inexact:
            raise dtype_error(self.name, "a floating or complex dtype", x.dtype.name)
        return super().infer(x, axes=axes)

    def expand(self, x: Node, *, axes: Shape) -> Node:
        return reduce_sum(x, axes=axes) / self._count(x, axes)

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axes: Shape) -> tuple[Cotangent, ...]:
        return (lambda: restore(y_bar / self._count(x, axes), axes, x.shape),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axes: Shape) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else self(x_dot, axes=axes)

    def _count(self, x: Node, axes: Shape) -> Node:
        return scalar(prod([x.shape[axis] for axis in axes]), x.dtype)


@lru_cache(maxsize=256)
def _ones(n: int, dtype: Any) -> Any:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def _long_sum(x: Any, axes: Shape) -> Any:
    """A sum in which no more than `_BLOCK` terms are added one after the other.

    NumPy adds pairwise only along the axis that it walks innermost (the one of the smallest stride); along any other it
    adds row to row. Such an axis is cut into blocks: their sums first, then the sum of those.
    Source: N. J. Higham, The accuracy of floating point summation, SIAM J. Sci. Comput. 14 (1993), sec. 2.
    """
    if x.flags.c_contiguous:
        if axes and axes[0] == x.ndim - len(axes):  # all axes, or the last ones: one run of memory
            return np.add.reduce(x, axis=axes)
        x, axes = _merge_neighbours(x, axes)
    strides = [abs(step) if n > 1 else np.inf for step, n in zip(x.strides, x.shape)]
    innermost = int(np.argmin(strides)) if strides else -1
    for axis in axes:
        n = x.shape[axis]
        if axis != innermost and n > _BLOCK:
            blocks, rest = divmod(n, _BLOCK)
            before = (slice(None),) * axis
            shape = x.shape[:axis] + (blocks, _BLOCK) + x.shape[axis + 1 :]
            sums = np.add.reduce(x[before + (slice(0, n - rest),)].reshape(shape), axis=axis + 1)
            if rest:
                tail = np.add.reduce(x[before + (slice(n - rest, None),)], axis=axis, keepdims=True)
                sums = np.concatenate([sums, tail], axis)
            return _long_sum(sums, axes)
    return np.add.reduce(x, axis=axes)


def _merge_neighbours(x: Any, axes: Shape) -> tuple[Any, Shape]:
    """A contiguous array in which reduced axes that are neighbours are one axis."""
    sizes: list[int] = []
    merged: list[int] = []
    for axis, n in enumerate(x.shape):
        if axis in axes and axis - 1 in axes:
            sizes[-1] *= n
        else:
            if axis in axes:
                merged.append(len(sizes))
            sizes.append(n)
    return x.reshape(sizes), tuple(merged)


class _Extreme(_OverAxes, General):
    """What reduce_max and reduce_min share."""

    ufunc: ClassVar[Any]

    def infer(self, x: ArrayType, *, axes: Shape) -> ArrayType:
        if x.dtype.is_complex:
            raise dtype_error(self.name, "a real dtype, since complex numbers have no order", x.dtype.name)
        check_axes(self.name, x, axes)
        for axis in axes:
            if x.shape[axis] == 0:
                raise index_error(
                    self.name, f"Expected reduction dim {axis} to have non-zero size", list(x.shape),
                    "the largest or smallest of no elements does not exist",
                )  # fmt: skip
        return super().infer(x, axes=axes)

    def evaluate(self, x: Any, *, axes: Shape) -> Any:
        if x.dtype.char == "E":  # bfloat16: exact in float32
            return self.ufunc.reduce(x.astype(np.float32), axis=axes).astype(x.dtype)
        if axes == (x.ndim - 1,) and x.shape[-1] <= 32:
            # Many short rows: NumPy takes one slow step a row; column by column it is 2 to 10 times as quick.
            x = np.asfortranarray(x)
        return self.ufunc.reduce(x, axis=axes)

    def _share(self, x: Node, y: Node, axes: Shape) -> Node:
        """What each element gets of a cotangent: 1 / ties where it is the extreme, else 0."""
        here = primitives.convert(primitives.eq(x, restore(y, axes, x.shape)), dtype=x.dtype)
        share: Node = here / restore(reduce_sum(here, axes=axes), axes, x.shape)
        return share

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axes: Shape) -> tuple[Cotangent, ...]:
        return (lambda: restore(y_bar, axes, x.shape) * self._share(x, y, axes),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axes: Shape) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else reduce_sum(x_dot * self._share(x, y, axes), axes=axes)


class ReduceMax(_Extreme):
    """y = the largest element of x over `axes`

    Partial    dy/dx = 1 / (number of ties) where x = y, else 0
    Kink       where elements are equal they share evenly (PyTorch's amax)
    Domain     at least one element; a NaN makes the result NaN, and its derivative too
    """

    name = "reduce_max"
    ufunc = np.maximum


class ReduceMin(_Extreme):
    """y = the smallest element of x over `axes`

    Partial, Kink, Domain  as for reduce_max
    """

    name = "reduce_min"
    ufunc = np.minimum


class ReduceProd(_OverAxes, General):
    """y = product of x over `axes`

    Partial    dy/dx_i = product of the others, taken as (those before i) (those after i), so that zeros are exact, at
               every order
    Shapes     a product of nothing is 1
    """

    name = "reduce_prod"

    def evaluate(self, x: Any, *, axes: Shape) -> Any:
        if is_half(x):
            return np.multiply.reduce(x.astype(np.float32), axis=axes).astype(x.dtype)
        return np.multiply.reduce(x, axis=axes, dtype=x.dtype)

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axes: Shape) -> tuple[Cotangent, ...]:
        return (lambda: times(restore(y_bar, axes, x.shape), _others(x, axes), conjugate=True),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axes: Shape) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else reduce_sum(times(x_dot, _others(x, axes)), axes=axes)


def _others(x: Node, axes: Shape) -> Node:
    """For each element the product of the others along `axes`."""
    if not axes:
        return primitives.full(scalar(1, x.dtype), shape=x.shape)
    order = (*[axis for axis in range(x.ndim) if axis not in axes], *axes)
    shape = tuple([x.shape[axis] for axis in order])
    kept = shape[: x.ndim - len(axes)]
    rows = reshape(permute(x, order=order), shape=(*kept, prod([x.shape[axis] for axis in axes])))
    last = len(kept)
    before = preceding(cumprod(rows, axis=last), 1, last)
    after = following(cumprod(rows, axis=last, reverse=True), 1, last)
    return permute(reshape(before * after, shape=shape), order=inverse_permutation(order))


class ReduceAnd(_OverAxes, General):
    """y = whether all of x over `axes` are true (of nothing: true)     Domain  bool"""

    name = "reduce_and"
    differentiable = False
    ufunc: ClassVar[Any] = np.logical_and

    def infer(self, x: ArrayType, *, axes: Shape) -> ArrayType:
        if x.dtype is not bool_:
            raise dtype_error(self.name, "dtype bool", x.dtype.name, "convert it first")
        return super().infer(x, axes=axes)

    def evaluate(self, x: Any, *, axes: Shape) -> Any:
        return self.ufunc.reduce(x, axis=axes)


class ReduceOr(ReduceAnd):
    """y = whether any of x over `axes` is true (of nothing: false)     Domain  bool"""

    name = "reduce_or"
    ufunc = np.logical_or


class Argmax(Composite):
    """y = the position of the largest element along `axis`, the first of equals; NaN counts as the largest

    Shapes     y has the shape of x without `axis`; int64. A zero-dimensional x is reshaped to (1,) above
    Domain     at least one element along the axis
    Compiled   the least position at which x is its maximum or NaN, in one nest with its neighbours; NumPy's own
               function is quicker where steps are interpreted
    """

    name = "argmax"
    params = ("axis",)
    differentiable = False
    position: ClassVar[Callable[..., Any]] = np.ndarray.argmax
    extreme: ClassVar[str] = "reduce_max"

    def infer(self, x: ArrayType, *, axis: int) -> ArrayType:
        if x.dtype.is_complex:
            raise dtype_error(self.name, "a real dtype, since complex numbers have no order", x.dtype.name)
        check_axes(self.name, x, (axis,))
        if x.shape[axis] == 0:
            raise index_error(self.name, f"Expected reduction dim {axis} to have non-zero size", list(x.shape))
        return array_type(reduced(x.shape, (axis,), keepdims=False), int64)

    def evaluate(self, x: Any, *, axis: int) -> Any:
        if x.dtype.char == "E":
            x = x.astype(np.float32)
        return type(self).position(x, axis)

    def expand(self, x: Node, *, axis: int) -> Node:
        n = x.shape[axis]
        most = restore(getattr(primitives, self.extreme)(x, axes=(axis,)), (axis,), x.shape)
        here = primitives.eq(x, most)
        if x.dtype.is_floating_point:
            here = primitives.bitwise_or(here, primitives.ne(x, x))
        narrow = int32 if n < 2**31 else int64  # as many positions in a vector as there are floats
        shape = tuple([n if i == axis else 1 for i in range(x.ndim)])
        places = reshape(primitives.iota(n=n, dtype=narrow), shape=shape)
        first = reduce_min(primitives.where(here, places, scalar(n, narrow)), axes=(axis,))
        return primitives.convert(first, dtype=int64)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int) -> Node:
        return self(*inputs, axis=axis + 1)


class Argmin(Argmax):
    """y = the position of the smallest element along `axis`, the first of equals; NaN counts as the smallest

    Shapes, Domain  as for argmax
    """

    name = "argmin"
    position = np.ndarray.argmin
    extreme = "reduce_min"


reduce_sum = ReduceSum()
reduce_mean = ReduceMean()
reduce_prod = ReduceProd()
reduce_max = ReduceMax()
reduce_min = ReduceMin()
reduce_and = ReduceAnd()
reduce_or = ReduceOr()
argmax = Argmax()
argmin = Argmin()
