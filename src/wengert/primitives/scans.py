"""Scans: every element becomes a function of those before it along one axis.

One scan carries the derivatives of the others: the linear recurrence y_k = a_k y_k-1 + b_k. Its own derivative is a
linear recurrence that runs the other way, so cumprod and logcumsumexp are exact (also at zeros, also far from 0) and
differentiable to every order.
Source: for the recurrence as a scan, G. E. Blelloch, Prefix sums and their applications, CMU-CS-90-190 (1990).

`axis` is not negative; a zero-dimensional tensor is reshaped to (1,) above.
"""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np

from wengert.dtypes import int64
from wengert.errors import AxisError, dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Cotangent, General, Linear, Primitive, add_nodes, conjugated, primitives, times
from wengert.primitives.views import all_batched, pad


def preceding(x: Node, fill: Any, axis: int) -> Node:
    """y_k = x_k-1 along `axis`, and y_0 = fill."""
    return _moved(x, fill, axis, 1)


def following(x: Node, fill: Any, axis: int) -> Node:
    """y_k = x_k+1 along `axis`, and the last is fill."""
    return _moved(x, fill, axis, -1)


def _moved(x: Node, fill: Any, axis: int, by: int) -> Node:
    low = tuple([by if i == axis else 0 for i in range(x.ndim)])
    return pad(x, fill, low=low, high=tuple([-n for n in low]))


def check_axis(operation: str, x: ArrayType, axis: int) -> None:
    """Raises AxisError for an axis that x does not have (layers above normalise; a rule's own slip ends here)."""
    if not 0 <= axis < x.ndim:
        raise AxisError(f"{operation}: {axis} is not a dimension of a tensor of shape {list(x.shape)}")


def _along(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)


def _backwards(x: Any, axis: int, reverse: bool) -> Any:
    """A view of x that runs the way of the scan."""
    return x[_along(axis, slice(None, None, -1))] if reverse else x


def _wide(dtype: Any) -> Any:
    """The dtype to accumulate in: PyTorch's choice is float64 for float32, and a long scan needs it."""
    return {"f": np.float64, "F": np.complex128, "e": np.float32, "E": np.float32}.get(dtype.char, dtype)


class _Scan(Primitive):
    """What scans of one input share."""

    params = ("axis", "reverse")
    defaults: ClassVar[dict[str, Any]] = {"reverse": False}
    ufunc: ClassVar[Any]

    def infer(self, x: ArrayType, *, axis: int, reverse: bool) -> ArrayType:
        check_axis(self.name, x, axis)
        return x

    def evaluate(self, x: Any, *, axis: int, reverse: bool) -> Any:
        wide = x.astype(_wide(x.dtype), copy=False)
        y = self.ufunc.accumulate(_backwards(wide, axis, reverse), axis, dtype=wide.dtype)
        return _backwards(y, axis, reverse).astype(x.dtype, copy=False)

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int, reverse: bool
    ) -> Node:
        return self(*inputs, axis=axis + 1, reverse=reverse)


class Cumsum(_Scan, Linear):
    """y_k = x_0 + ... + x_k along `axis`; with `reverse`, y_k = x_k + x_k+1 + ...

    Transpose  x_bar = the sum of y_bar that runs the other way
    Precision  float32 is accumulated in float64, 16-bit floats in float32, and rounded once
    """

    name = "cumsum"
    ufunc = np.add

    def transpose(self, y_bar: Node, x: Node, *, axis: int, reverse: bool) -> tuple[Cotangent, ...]:
        return (lambda: self(y_bar, axis=axis, reverse=not reverse),)


class Cumprod(_Scan, General):
    """y_k = x_0 ... x_k along `axis`; with `reverse`, y_k = x_k x_k+1 ...

    Reverse    x_bar_k = y_k-1 s_k  where  s_k = y_bar_k + x_k+1 s_k+1: no division, so zeros are exact
    Forward    y_dot_k = x_k y_dot_k-1 + x_dot_k y_k-1
    Precision  as for cumsum
    """

    name = "cumprod"
    ufunc = np.multiply

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axis: int, reverse: bool) -> tuple[Cotangent, ...]:
        before, after = (following, preceding) if reverse else (preceding, following)

        def of_x() -> Node:
            s = linear_recurrence(after(conjugated(x), 0, axis), y_bar, axis=axis, reverse=not reverse)
            return times(s, before(y, 1, axis), conjugate=True)

        return (of_x,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axis: int, reverse: bool) -> Optional[Node]:
        (x_dot,) = x_dots
        before = following if reverse else preceding
        if x_dot is None:
            return None
        return linear_recurrence(x, x_dot * before(y, 1, axis), axis=axis, reverse=reverse)


class LinearRecurrence(General):
    """y_k = a_k y_k-1 + b_k along `axis`, from y_-1 = 0; with `reverse`, y_k = a_k y_k+1 + b_k from behind

    Reverse    b_bar_k = y_bar_k + conj(a_k+1) b_bar_k+1,  a_bar_k = b_bar_k conj(y_k-1)
    Forward    y_dot_k = a_k y_dot_k-1 + (b_dot_k + a_dot_k y_k-1)
    Shapes     a, b and y have one shape and dtype, floating or complex
    Precision  as for cumsum
    """

    name = "linear_recurrence"
    params = ("axis", "reverse")
    defaults: ClassVar[dict[str, Any]] = {"reverse": False}

    def infer(self, a: ArrayType, b: ArrayType, *, axis: int, reverse: bool) -> ArrayType:
        if a.shape != b.shape:
            raise shape_error(self.name, "coefficients and terms of one shape", (a.shape, b.shape))
        if a.dtype is not b.dtype:
            raise dtype_error(self.name, "coefficients and terms of one dtype", f"{a.dtype.name} and {b.dtype.name}")
        if not b.inexact:
            raise dtype_error(self.name, "a floating or complex dtype", b.dtype.name)
        check_axis(self.name, b, axis)
        return b

    def evaluate(self, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
        wide = _wide(b.dtype)
        first, second = (np.moveaxis(_backwards(x.astype(wide, copy=False), axis, reverse), axis, 0) for x in (a, b))
        run = _recur_numbers if b.size == b.shape[axis] else _recur_rows
        y = np.moveaxis(run(first, second), 0, axis)
        return _backwards(y, axis, reverse).astype(b.dtype, copy=False)

    def vjp(self, y_bar: Node, a: Node, b: Node, *, y: Node, axis: int, reverse: bool) -> tuple[Cotangent, ...]:
        before, after = (following, preceding) if reverse else (preceding, following)
        b_bar = self(after(conjugated(a), 0, axis), y_bar, axis=axis, reverse=not reverse)
        return lambda: times(b_bar, before(y, 0, axis), conjugate=True), b_bar

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], a: Node, b: Node, *, y: Node, axis: int, reverse: bool
    ) -> Optional[Node]:
        a_dot, b_dot = x_dots
        before = following if reverse else preceding
        moved = None if a_dot is None else a_dot * before(y, 0, axis)
        terms = add_nodes(b_dot, moved)
        return None if terms is None else self(a, terms, axis=axis, reverse=reverse)

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int, reverse: bool
    ) -> Node:
        return self(*all_batched(size, inputs, batched), axis=axis + 1, reverse=reverse)


def _recur_rows(a: Any, b: Any) -> Any:
    """The recurrence along the first axis, all other elements side by side."""
    y = np.array(b)
    for k in range(1, len(y)):
        y[k] += a[k] * y[k - 1]
    return y


def _recur_numbers(a: Any, b: Any) -> Any:
    """The same for one single sequence: Python's numbers are quicker than arrays of one element."""
    factors, values = a.ravel().tolist(), b.ravel().tolist()
    for k in range(1, len(values)):
        values[k] += factors[k] * values[k - 1]
    return np.array(values, b.dtype).reshape(b.shape)


class CummaxIndices(General):
    """y_k = the position of the largest of x_0 .. x_k along `axis`

    The running maximum itself is gather(x, y), from which its derivative follows.
    Ties       the last of equals; once there is a NaN, the latest NaN
    Shapes     y has the shape of x; int64
    """

    name = "cummax_indices"
    params = ("axis",)
    differentiable = False
    ufunc: ClassVar[Any] = np.maximum

    def infer(self, x: ArrayType, *, axis: int) -> ArrayType:
        if x.dtype.is_complex:
            raise dtype_error(self.name, "a real dtype, since complex numbers have no order", x.dtype.name)
        check_axis(self.name, x, axis)
        return array_type(x.shape, int64)

    def evaluate(self, x: Any, *, axis: int) -> Any:
        if x.dtype.char == "E":
            x = x.astype(np.float32)
        here = x == self.ufunc.accumulate(x, axis)
        if x.dtype.kind == "f":
            here |= np.isnan(x)
        positions = np.arange(x.shape[axis]).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        return np.maximum.accumulate(np.where(here, positions, 0), axis)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int) -> Node:
        return self(*inputs, axis=axis + 1)


class CumminIndices(CummaxIndices):
    """y_k = the position of the smallest of x_0 .. x_k along `axis`; ties and shapes as for cummax_indices"""

    name = "cummin_indices"
    ufunc = np.minimum


class Logcumsumexp(General):
    """y_k = log(exp x_0 + ... + exp x_k) along `axis`

    Reverse    x_bar_k = exp(x_k - y_k) s_k  where  s_k = y_bar_k + exp(y_k - y_k+1) s_k+1
    Forward    y_dot_k = exp(y_k-1 - y_k) y_dot_k-1 + exp(x_k - y_k) x_dot_k
    Stable     no exponent is above 0, in value or derivative, however far apart the x are
    Domain     real; -inf adds nothing and receives no derivative
    Precision  as for cumsum
    """

    name = "logcumsumexp"
    params = ("axis",)

    def infer(self, x: ArrayType, *, axis: int) -> ArrayType:
        if not x.dtype.is_floating_point:
            raise dtype_error(self.name, "a floating dtype", x.dtype.name)
        check_axis(self.name, x, axis)
        return x

    def evaluate(self, x: Any, *, axis: int) -> Any:
        return np.logaddexp.accumulate(x.astype(_wide(x.dtype), copy=False), axis).astype(x.dtype, copy=False)

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axis: int) -> tuple[Cotangent, ...]:
        def of_x() -> Node:
            share, decay = self._weights(x, y, axis)
            s = linear_recurrence(following(decay, 0, axis), y_bar, axis=axis, reverse=True)
            return share * s

        return (of_x,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axis: int) -> Optional[Node]:
        (x_dot,) = x_dots
        if x_dot is None:
            return None
        share, decay = self._weights(x, y, axis)
        return linear_recurrence(decay, share * x_dot, axis=axis)

    @staticmethod
    def _weights(x: Node, y: Node, axis: int) -> tuple[Node, Node]:
        """exp(x_k - y_k), the part of y_k that is x_k's, and exp(y_k-1 - y_k), the part that was there before."""
        finite = primitives.where(primitives.eq(y, float("-inf")), 0, y)
        return primitives.exp(x - finite), primitives.exp(preceding(y, float("-inf"), axis) - finite)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int) -> Node:
        return self(*inputs, axis=axis + 1)


cumsum = Cumsum()
cumprod = Cumprod()
linear_recurrence = LinearRecurrence()
cummax_indices = CummaxIndices()
cummin_indices = CumminIndices()
logcumsumexp = Logcumsumexp()
