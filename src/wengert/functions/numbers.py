"""Common divisors and multiples, floating numbers taken apart and put together, and slopes of sampled functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert.errors import dtype_error, runtime_error
from wengert.functions import return_types
from wengert.functions.axes import axes_of
from wengert.functions.elementwise import binary, conj, mul, pow
from wengert.functions.operands import deliver, floating, is_number, node_of
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["gcd", "lcm", "ldexp", "frexp", "conj_physical", "gradient"]

gcd = binary("gcd", p.gcd)
lcm = binary("lcm", p.lcm)


def ldexp(input: Tensor, other: Any, *, out: Optional[Tensor] = None) -> Tensor:
    """input * 2^other"""
    return mul(input, pow(2.0, other), out=out)


def frexp(input: Tensor, *, out: Any = None) -> Any:
    """(mantissa, exponent) of floating numbers: input = mantissa * 2^exponent, 1/2 <= |mantissa| < 1.

    Raises: RuntimeError for integers.
    """
    x = node_of(input, "frexp")
    if not x.dtype.is_floating_point:
        raise dtype_error("frexp", "torch.frexp() only supports floating-point dtypes", x.dtype)
    parts = (p.mantissa(x), p.exponent(x))
    return return_types.frexp(*[deliver(y, to) for y, to in zip(parts, out or (None, None))])


def conj_physical(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """`conj`, by the name under which PyTorch computes it at once."""
    return deliver(conj(input)._read(), out)


# --- slopes -----------------------------------------------------------------------------------------------------------


def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The slopes of a function that is known at points, along each dimension: second-order differences inside, at the
    edges those of `edge_order`.

    spacing: the distance of the points, for all dimensions or a list of one for each; or a tensor of coordinates (a
    list of them) along the dimension.

    Raises: RuntimeError for dimensions with fewer than edge_order + 1 points, and a spacing that does not fit.
    """
    x = floating(node_of(input, "gradient"))
    if edge_order not in (1, 2):
        raise runtime_error("gradient", "torch.gradient only supports edge_order=1 and edge_order=2", edge_order)
    if dim is None:
        several = isinstance(spacing, (list, tuple))
        axes: tuple[int, ...] = tuple(range(len(spacing) if several and len(spacing) < x.ndim else x.ndim))
    else:
        given = (dim,) if isinstance(dim, int) else tuple(dim)
        axes_of(given, x.ndim, "gradient")  # checks them
        axes = tuple([axis % x.ndim for axis in given])
    steps = _spacings(spacing, len(axes))
    return tuple([wrap(_slope(x, axis, step, edge_order)) for axis, step in zip(axes, steps)])


def _spacings(spacing: Any, count: int) -> Sequence[Any]:
    if spacing is None:
        return [1] * count
    if isinstance(spacing, (list, tuple)):
        if len(spacing) != count:
            raise runtime_error(
                "gradient", "expected spacing to be unspecified, a scalar or a list of one for each dim", len(spacing)
            )
        return spacing
    return [spacing] * count


def _cut(x: Node, axis: int, start: int, stop: int) -> Node:
    return p.slice(x, index=tuple([(start, stop, 1) if i == axis else (0, n, 1) for i, n in enumerate(x.shape)]))


def _slope(x: Node, axis: int, step: Any, order: int) -> Node:
    n = x.shape[axis] if x.ndim else 1
    if n < order + 1:
        raise runtime_error(
            "gradient", "expected each dimension size to be at least edge_order+1", f"{n} along dimension {axis}"
        )
    before, after = _distances(x, axis, step)
    rise = _cut(x, axis, 1, n) - _cut(x, axis, 0, n - 1)
    slopes = rise / _distance(x, axis, step)
    first, last = _cut(slopes, axis, 0, 1), _cut(slopes, axis, n - 2, n - 1)
    if n == 2:
        return p.concatenate(first, last, axis=axis)
    # Each inner slope is the mean of the two beside it, weighed by the distance on the other side.
    left, right = _cut(slopes, axis, 0, n - 2), _cut(slopes, axis, 1, n - 1)
    inner = (left * after + right * before) / (before + after)
    if order == 2:
        first, last = _edge(left, right, before, after, axis, 0), _edge(right, left, after, before, axis, n - 3)
    return p.concatenate(first, inner, last, axis=axis)


def _edge(near: Node, far: Node, here: Node, there: Node, axis: int, at: int) -> Node:
    """The slope at an end of the parabola through the three points there."""
    if here.ndim:
        here, there = (_cut(h, axis, at, at + 1) for h in (here, there))
    first, second = _cut(near, axis, at, at + 1), _cut(far, axis, at, at + 1)
    return first + (first - second) * (here / (here + there))


def _distance(x: Node, axis: int, step: Any) -> Node:
    """Between neighbours: a number, or as many as there are gaps."""
    if is_number(step):
        return scalar(step, x.dtype)
    points = move(node_of(step, "gradient", "spacing"), x.dtype)
    if points.ndim == 0:
        return points
    n = x.shape[axis]
    if points.shape != (n,):
        raise runtime_error(
            "gradient", f"expected spacing to be a scalar or {n} coordinates along dimension {axis}", list(points.shape)
        )
    gaps = _cut(points, 0, 1, n) - _cut(points, 0, 0, n - 1)
    return p.reshape(gaps, shape=tuple([n - 1 if i == axis else 1 for i in range(x.ndim)]))


def _distances(x: Node, axis: int, step: Any) -> tuple[Node, Node]:
    """Before and after each inner point."""
    gaps = _distance(x, axis, step)
    if not gaps.ndim:
        return gaps, gaps
    n = gaps.shape[axis]
    return _cut(gaps, axis, 0, n - 1), _cut(gaps, axis, 1, n)


METHODS: dict[str, Callable[..., Any]] = {
    "gcd": gcd, "lcm": lcm, "ldexp": ldexp, "frexp": frexp, "conj_physical": conj_physical,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ("gcd", "lcm", "ldexp", "conj_physical")
