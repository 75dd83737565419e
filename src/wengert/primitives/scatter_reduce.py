"""Writes that combine: products and extremes of all that is written to one place."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np

from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error
from wengert.graph.node import ArrayType, Node
from wengert.graph.record import scalar
from wengert.graph.rule import Composite, Cotangent, General, add_nodes, primitives, times, zeros_of
from wengert.primitives.indexing import AxisWrite, gather, scatter, scatter_add
from wengert.primitives.numerics import is_half
from wengert.primitives.positions import along_axis
from wengert.primitives.scans import following, linear_recurrence, preceding
from wengert.primitives.sorting import argsort


class _Combine(AxisWrite, General):
    """What the three share: y = x, then y[a, i, c] = f(y[a, i, c], source[a, b, c]) for i = index[a, b, c]."""

    ufunc: ClassVar[Any]

    def evaluate(self, x: Any, index: Any, source: Any, *, axis: int) -> Any:
        if index.size == 0:
            return x
        wide = np.float32 if is_half(x) else x.dtype
        y = np.array(x, wide, order="C")
        positions = along_axis(index, x.shape, axis).reshape(-1)
        self.ufunc.at(y.reshape(-1), positions, np.asarray(source, wide).reshape(-1))
        return y.astype(x.dtype, copy=False)


class ScatterProd(_Combine):
    """y = x times all that is written to its place

    Partial    dy/dx = the product of what is written there; dy/dsource = x times the others that are written there,
               taken as (those before) (those after), so that zeros are exact, at every order
    Shapes     as for scatter
    """

    name = "scatter_prod"
    ufunc = np.multiply

    def vjp(self, y_bar: Node, x: Node, index: Node, source: Node, *, y: Node, axis: int) -> tuple[Cotangent, ...]:
        def of_source() -> Node:
            arriving = gather(times(y_bar, x, conjugate=True), index, axis=axis)
            return times(arriving, _others(index, source, axis), conjugate=True)

        return lambda: times(y_bar, self._written(x, index, source, axis), conjugate=True), None, of_source

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], x: Node, index: Node, source: Node, *, y: Node, axis: int
    ) -> Optional[Node]:
        x_dot, _, source_dot = x_dots
        through_x = None if x_dot is None else times(x_dot, self._written(x, index, source, axis))
        if source_dot is None:
            return through_x
        moved = times(source_dot, _others(index, source, axis))
        return add_nodes(through_x, times(scatter_add(zeros_of(x.type), index, moved, axis=axis), x))

    def _written(self, x: Node, index: Node, source: Node, axis: int) -> Node:
        return self(_filled(x, 1), index, source, axis=axis)


def _filled(x: Node, value: Any) -> Node:
    return primitives.full(scalar(value, x.dtype), shape=x.shape)


def _others(index: Node, source: Node, axis: int) -> Node:
    """For each element of source the product of the others that go to its place.

    Sorted by place, elements of one place are neighbours; a running product that starts anew with each place is a
    linear recurrence whose coefficient is 0 there.
    """
    order = argsort(index, axis=axis)
    places, values = gather(index, order, axis=axis), gather(source, order, axis=axis)
    continues = primitives.convert(primitives.eq(places, preceding(places, -1, axis)), dtype=source.dtype)
    goes_on = following(continues, 0, axis)
    before = linear_recurrence(continues * preceding(values, 1, axis), 1 - continues, axis=axis)
    after = linear_recurrence(goes_on * following(values, 1, axis), 1 - goes_on, axis=axis, reverse=True)
    return gather(before * after, argsort(order, axis=axis), axis=axis)


class _Extreme(_Combine):
    """What scatter_max and scatter_min share."""

    def infer(self, x: ArrayType, index: ArrayType, source: ArrayType, *, axis: int) -> ArrayType:
        if x.dtype.is_complex:
            raise dtype_error(self.name, "a real dtype, since complex numbers have no order", x.dtype.name)
        return super().infer(x, index, source, axis=axis)

    @staticmethod
    def _holders(x: Node, index: Node, source: Node, y: Node, axis: int) -> tuple[Node, Node, Node]:
        """Masks of where x and source are the extreme, and how many are so at each place."""
        of_x = primitives.convert(primitives.eq(x, y), dtype=x.dtype)
        of_source = primitives.convert(primitives.eq(source, gather(y, index, axis=axis)), dtype=x.dtype)
        return of_x, of_source, scatter_add(of_x, index, of_source, axis=axis)

    def vjp(self, y_bar: Node, x: Node, index: Node, source: Node, *, y: Node, axis: int) -> tuple[Cotangent, ...]:
        of_x, of_source, ties = self._holders(x, index, source, y, axis)
        share = y_bar / ties
        return lambda: of_x * share, None, lambda: of_source * gather(share, index, axis=axis)

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], x: Node, index: Node, source: Node, *, y: Node, axis: int
    ) -> Optional[Node]:
        x_dot, _, source_dot = x_dots
        if x_dot is None and source_dot is None:
            return None
        of_x, of_source, ties = self._holders(x, index, source, y, axis)
        moved = zeros_of(x.type) if x_dot is None else of_x * x_dot
        if source_dot is not None:
            moved = scatter_add(moved, index, of_source * source_dot, axis=axis)
        return moved / ties


class ScatterMax(_Extreme):
    """y = the largest of x and all that is written to its place

    Partial    1 / (number of ties) for what is equal to y, else 0: equals share evenly (PyTorch's amax)
    Domain     real; a NaN makes the result NaN, and its derivative too
    Shapes     as for scatter
    """

    name = "scatter_max"
    ufunc = np.maximum


class ScatterMin(_Extreme):
    """y = the smallest of x and all that is written to its place; everything else as for scatter_max"""

    name = "scatter_min"
    ufunc = np.minimum


class ScatterReduce(Composite):
    """y = x combined with all that is written to its place; without `include_self`, what is written replaces x there

    mode       "sum", "prod", "mean", "amax" or "amin". A mean of integers is rounded down, as in PyTorch
    Shapes     as for scatter
    """

    name = "scatter_reduce"
    params = ("axis", "mode", "include_self")
    defaults: ClassVar[dict[str, Any]] = {"include_self": True}

    def expand(self, x: Node, index: Node, source: Node, *, axis: int, mode: str, include_self: bool) -> Node:
        rule = {"sum": scatter_add, "mean": scatter_add, "prod": scatter_prod, "amax": scatter_max, "amin": scatter_min}
        if mode not in rule:
            raise runtime_error("scatter_reduce", f"reduce argument must be one of {', '.join(rule)}", mode)
        if mode == "mean" and x.dtype.name == "bool":
            raise dtype_error("scatter_reduce", "numbers to take a mean of", "bool", "convert them first")
        start = x
        if not include_self:
            start = scatter(x, index, _filled(source, _neutral(mode, x.dtype)), axis=axis)
        y: Node = rule[mode](start, index, source, axis=axis)
        if mode != "mean":
            return y
        ones = _filled(x, 1) if include_self else scatter(_filled(x, 1), index, zeros_of(source.type), axis=axis)
        count = scatter_add(ones, index, _filled(source, 1), axis=axis)
        return y / count if x.dtype.inexact else primitives.floor_divide(y, count)


def _neutral(mode: str, dtype: DType) -> Any:
    """What changes nothing when it is combined."""
    if mode in ("sum", "mean"):
        return 0
    if mode == "prod":
        return 1
    if dtype.is_floating_point:
        return float("-inf") if mode == "amax" else float("inf")
    if dtype.name == "bool":
        return mode == "amin"
    limits = np.iinfo(dtype.numpy)
    return int(limits.min if mode == "amax" else limits.max)


scatter_prod = ScatterProd()
scatter_max = ScatterMax()
scatter_min = ScatterMin()
scatter_reduce = ScatterReduce()
