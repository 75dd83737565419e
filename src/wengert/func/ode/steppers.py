"""One step of a solver, and the walk over the times. The state is one vector; the walk records what the steps compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert.func.vectors import Vector
from wengert.functions.join import stack

Field = Callable[[Any, Vector], Vector]

# Source: J. Dormand and P. Prince, A family of embedded Runge-Kutta formulae, 1980; the interpolant is that of E. Hairer,
# S. Norsett, G. Wanner, Solving ordinary differential equations I, 2nd ed. 1993, II.6.
_NODES = (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1)
_STAGES: tuple[tuple[float, ...], ...] = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_DENSE = (
    -12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072, 701980252875 / 199316789632,
    -1453857185 / 822651844, 69997945 / 29380423,
)  # fmt: skip


class Tolerance(NamedTuple):
    """The error of one step is held below atol + rtol |y|, in the root mean square."""

    rtol: float
    atol: float
    max_steps: int


def _combined(slopes: Sequence[Vector], weights: Sequence[float]) -> Vector:
    total: Any = None
    for k, w in zip(slopes, weights):
        if w:
            term = k * w
            total = term if total is None else total + term
    return total


def _norm(x: Any) -> float:
    return math.sqrt(float(np.mean(np.square(np.asarray(x, np.float64))))) if x.size else 0.0


def _values(x: Vector) -> Any:
    return x.detach()._array()


def rk4(f: Field, y: Vector, times: Sequence[float], step: Optional[float]) -> Vector:
    """The classical method of fourth order: `step` at most between two times, or one step for each pair."""
    found = [y]
    for start, end in pairwise(times):
        n = 1 if step is None else max(1, math.ceil(abs(end - start) / step - 1e-9))
        h = (end - start) / n
        for i in range(n):
            t = start + i * h
            k1 = f(t, y)
            k2 = f(t + h / 2, y + k1 * (h / 2))
            k3 = f(t + h / 2, y + k2 * (h / 2))
            k4 = f(t + h, y + k3 * h)
            y = y + (k1 + (k2 + k3) * 2 + k4) * (h / 6)
        found.append(y)
    return stack(found)


def dopri5(f: Field, y: Vector, times: Sequence[float], tolerance: Tolerance, first: Optional[float]) -> Vector:
    """Dormand and Prince's method of order 5(4): steps as long as the error allows, values between by interpolation.

    Raises: RuntimeError when more than max_steps are needed, or the step becomes too small to move the time.
    """
    found = [y]
    t, end = times[0], times[-1]
    sign = 1.0 if end >= t else -1.0
    k1 = f(t, y)
    h = abs(first) if first is not None else _first_step(f, t, y, k1, sign, tolerance)
    steps = 0
    while len(found) < len(times):
        if steps >= tolerance.max_steps:
            raise RuntimeError(f"odeint: more than max_steps={tolerance.max_steps} steps, at t = {t}")
        steps += 1
        h = min(h, abs(end - t))
        signed = sign * h
        slopes = [k1]
        for c, weights in zip(_NODES[1:], _STAGES[1:]):
            ahead = y + _combined(slopes, weights) * signed
            slopes.append(f(t + c * signed, ahead))
        error = _error(_combined(slopes, _ERROR) * signed, y, ahead, tolerance)
        if error <= 1:
            reached = end if h == abs(end - t) else t + signed
            while len(found) < len(times) and sign * (times[len(found)] - reached) <= 0:
                target = times[len(found)]
                found.append(ahead if target == reached else _between(y, ahead, slopes, signed, (target - t) / signed))
            t, y, k1 = reached, ahead, slopes[-1]
        h *= min(10.0, max(0.2, 0.9 * error**-0.2)) if error > 0 else 10.0
        if t + sign * h == t and len(found) < len(times):
            raise RuntimeError(f"odeint: the step became too small at t = {t}; the solution may be infinite there")
    return stack(found)


def _error(estimate: Vector, y: Vector, ahead: Vector, tolerance: Tolerance) -> float:
    size = np.maximum(np.abs(_values(y)), np.abs(_values(ahead)))
    error = _norm(_values(estimate) / (tolerance.atol + tolerance.rtol * size))
    return error if math.isfinite(error) else 1e10


def _between(y: Vector, ahead: Vector, slopes: Sequence[Vector], h: float, part: float) -> Vector:
    """The solution inside a step, to fourth order."""
    rise = ahead - y
    bend = slopes[0] * h - rise
    other = rise - slopes[-1] * h - bend
    last = _combined(slopes, _DENSE) * h
    return y + (rise + (bend + (other + last * (1 - part)) * part) * (1 - part)) * part


def _first_step(f: Field, t: float, y: Vector, slope: Vector, sign: float, tolerance: Tolerance) -> float:
    """Hairer, Norsett and Wanner, II.4: such that an explicit Euler step would do, tried once."""
    scale = tolerance.atol + tolerance.rtol * np.abs(_values(y))
    size, rate = _norm(_values(y) / scale), _norm(_values(slope) / scale)
    h = 1e-6 if min(size, rate) < 1e-5 else 0.01 * size / rate
    there = f(t + sign * h, (y + slope * (sign * h)).detach())
    change = _norm((_values(there) - _values(slope)) / scale) / h
    largest = max(rate, change)
    better = max(1e-6, h * 1e-3) if largest <= 1e-15 else (0.01 / largest) ** 0.2
    return min(100 * h, better)
