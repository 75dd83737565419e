"""A step length that fulfils the strong Wolfe conditions: enough decrease, and a slope that has become small.

J. Nocedal, S. J. Wright, "Numerical optimization", 2nd edition, algorithms 3.5 and 3.6 and equation (3.59); the safeguards
(how far to extrapolate, when a trial is too near the end of the bracket) are those of M. Schmidt's minFunc, 2005.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

_DECREASE, _CURVATURE = 1e-4, 0.9


class Probe(NamedTuple):
    """What is known at one length: the loss, its gradient, and the slope along the direction."""

    length: float
    loss: float
    gradient: Any
    slope: float


def strong_wolfe(
    probe: Callable[[float], Probe], start: Probe, length: float, smallest: float, budget: int
) -> Probe:
    """The best point found.

    probe: evaluates at a length. start: the point at length 0. length: the first trial. smallest: a bracket that is not
    wider is good enough. budget: most evaluations after the first.
    """

    def falls_too_little(point: Probe) -> bool:
        return point.loss > start.loss + _DECREASE * point.length * start.slope

    def is_flat(point: Probe) -> bool:
        return abs(point.slope) <= -_CURVATURE * start.slope

    before, here = start, probe(length)
    for used in range(budget):
        if falls_too_little(here) or (used > 1 and here.loss >= before.loss):
            break
        if is_flat(here):
            return here
        if here.slope >= 0:
            break
        least, most = here.length + 0.01 * (here.length - before.length), here.length * 10
        before, here = here, probe(_cubic_minimum(before, here, least, most))
    else:
        used, before = budget, start
    low, high = (before, here) if before.loss <= here.loss else (here, before)
    return _zoom(probe, falls_too_little, is_flat, (low, high), smallest, budget - used)


def _zoom(
    probe: Callable[[float], Probe],
    falls_too_little: Callable[[Probe], bool],
    is_flat: Callable[[Probe], bool],
    bracket: tuple[Probe, Probe],
    smallest: float,
    budget: int,
) -> Probe:
    """Algorithm 3.6: narrow a bracket, whose first end is the lower one."""
    low, high = bracket
    was_near_the_end = False
    for _ in range(budget):
        left, right = sorted((low.length, high.length))
        if right - left < smallest:
            break
        length = _cubic_minimum(low, high, left, right)
        margin = 0.1 * (right - left)
        near = min(right - length, length - left) < margin
        if near and (was_near_the_end or not left < length < right):
            length = right - margin if right - length < length - left else left + margin
            near = False
        was_near_the_end = near
        here = probe(length)
        if falls_too_little(here) or here.loss >= low.loss:
            low, high = (low, here) if low.loss <= here.loss else (here, low)
            continue
        if is_flat(here):
            return here
        if here.slope * (high.length - low.length) >= 0:
            high = low
        low = here
    return low


def _cubic_minimum(one: Probe, other: Probe, least: float, most: float) -> float:
    """Equation (3.59): where the cubic with these losses and slopes is smallest, between two bounds; their middle when it
    has no minimum."""
    a, b = (one, other) if one.length <= other.length else (other, one)
    if a.length == b.length:
        return (least + most) / 2
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    d2 = square**0.5
    bottom = b.slope - a.slope + 2 * d2
    if bottom == 0:
        return (least + most) / 2
    return min(max(b.length - (b.length - a.length) * ((b.slope + d2 - d1) / bottom), least), most)
