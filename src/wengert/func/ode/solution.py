"""odeint, and the adjoint equation as the derivative of its solution; the formulas stand in the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert import trees
from wengert.autograd.function import Function
from wengert.errors import runtime_error, value_error
from wengert.func.derivatives import vjp
from wengert.func.ode.steppers import Tolerance, dopri5, rk4
from wengert.func.vectors import Layout, Vector
from wengert.functions.join import cat
from wengert.functions.operands import array_node
from wengert.functions.shape import reshape
from wengert.tensors.tensor import Tensor, wrap

Field = Callable[..., Any]


class Way(NamedTuple):
    """How an equation is solved."""

    method: str
    tolerance: Tolerance
    step: Optional[float]

    def walk(self, f: Callable[[Any, Vector], Vector], y: Vector, times: list[float]) -> Vector:
        """The state, a vector, at every time: (times, size)."""
        if self.method == "rk4":
            return rk4(f, y, times, self.step)
        return dopri5(f, y, times, self.tolerance, self.step)


def odeint(
    f: Field,
    y0: Any,
    t: Any,
    *args: Any,
    method: str = "dopri5",
    rtol: float = 1e-7,
    atol: float = 1e-9,
    step_size: Optional[float] = None,
    max_steps: int = 10_000,
    adjoint: bool = True,
) -> Any:
    """y at the times t, where y' = f(t, y, *args) and y = y0 at t[0].

    y0: a floating tensor, or a structure of such of one dtype; f returns the like.
    t: times that rise or fall, a tensor or a sequence.
    args: what else f depends on. Derivatives are taken by y0, args and (adjoint) t; what f closes over is constant for the
        adjoint, as in `func.implicit`.
    method: "dopri5", steps by error (`rtol`, `atol`; `step_size` is the first one), or "rk4", steps of at most `step_size`
        (None: one for each pair of times).
    adjoint: whether derivatives come from the adjoint equation, or through the steps of the solver.

    Shape: each tensor of the result has a first dimension for the times.

    Raises: ValueError for times that do not rise or fall, or an unknown method; TypeError for a state that is not floating;
    RuntimeError when more than max_steps are needed.

    >>> import wengert
    >>> rate = wengert.tensor(2.0, requires_grad=True)
    >>> y = odeint(lambda t, y, rate: -rate * y, wengert.tensor(1.0), [0.0, 1.0], rate)
    >>> y[1].backward()
    >>> rate.grad
    tensor(-0.1353)
    """
    if method not in ("dopri5", "rk4"):
        raise value_error("odeint", "method 'dopri5' or 'rk4'", repr(method))
    state = Layout.of(y0)
    times = t if isinstance(t, Tensor) else wrap(array_node(np.array(t, np.float64)))
    _check_times(times)
    way = Way(method, Tolerance(rtol, atol, max_steps), step_size)
    leaves, structure = trees.flatten(args)
    moving = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.dtype.inexact]

    def flat(t: Any, y: Vector, *theta: Vector) -> Vector:
        given = list(leaves)
        for i, value in zip(moving, theta):
            given[i] = value
        return state.vector(f(t, state.unravel(y), *trees.unflatten(given, structure)))

    theta = [leaves[i] for i in moving]
    if adjoint:
        path = _Path.apply(flat, way, times, state.vector(y0), *theta)
    elif times.requires_grad:
        raise runtime_error("odeint", "derivatives by t come with adjoint=True")
    else:
        path = way.walk(lambda t, y: flat(t, y, *theta), state.vector(y0), _numbers(times))
    return state.over_time(path)


def _numbers(times: Vector) -> list[float]:
    return [float(t) for t in times.detach()._array()]


def _check_times(times: Vector) -> None:
    values = np.array(times.detach()._array(), np.float64)
    steps = np.diff(values)
    if values.ndim != 1 or not values.size or not (np.all(steps > 0) or np.all(steps < 0)):
        raise value_error("odeint", "t must be one-dimensional and strictly increasing or decreasing", values.tolist())


class _Path(Function):
    """The state at every time, (times, size). solve(t, y0, *theta) is differentiated by the adjoint equation."""

    @staticmethod
    def forward(f: Field, way: Way, times: Vector, y0: Vector, *theta: Vector) -> Vector:
        return way.walk(lambda t, y: f(t, y, *theta), y0, _numbers(times))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Vector) -> None:
        ctx.f, ctx.way = inputs[:2]
        ctx.save_for_backward(output, *inputs[2:3], *inputs[4:])

    @staticmethod
    def backward(ctx: Any, path_bar: Vector) -> tuple[Any, ...]:
        f, way = ctx.f, ctx.way
        path, times, *theta = ctx.saved_tensors
        back = _Backwards(f, path.shape[1], theta)
        a = path_bar[-1]
        theta_bar = [x * 0 for x in theta]
        t_bar: list[Any] = []
        for i in reversed(range(1, len(times))):
            slope = f(times[i], path[i], *theta)
            t_bar.insert(0, (path_bar[i] * slope).sum() if ctx.needs_input_grad[2] else None)
            span = cat([reshape(times[i], (1,)), reshape(times[i - 1], (1,))])
            start = cat([path[i], a, *[reshape(bar, (-1,)) for bar in theta_bar]])
            end = _Path.apply(back, way, span, start, *theta)[-1]
            a, theta_bar = back.taken_apart(end)
            a = a + path_bar[i - 1]
        time_bar: Any = None
        if ctx.needs_input_grad[2]:
            first = -((a - path_bar[0]) * f(times[0], path[0], *theta)).sum() if len(times) > 1 else times[0] * 0
            time_bar = cat([reshape(x, (1,)) for x in (first, *t_bar)])
            time_bar = time_bar.to(times.dtype)
        return (None, None, time_bar, a, *theta_bar)


class _Backwards:
    """The equation of (y, a, theta_bar) in the direction of falling time."""

    def __init__(self, f: Field, size: int, theta: list[Vector]) -> None:
        self.f, self.size = f, size
        self.shapes = [tuple(x.shape) for x in theta]

    def __call__(self, t: Any, state: Vector, *theta: Vector) -> Vector:
        y, a = state[: self.size], state[self.size : 2 * self.size]
        slope, pull = vjp(lambda y, *theta: self.f(t, y, *theta), y, *theta)
        bars: Any = [reshape(bar, (-1,)) for bar in pull(a)]
        return cat([slope, *[-bar for bar in bars]])

    def taken_apart(self, state: Vector) -> tuple[Vector, list[Vector]]:
        """a, and what belongs to each theta."""
        start, found = 2 * self.size, []
        for shape in self.shapes:
            n = int(np.prod(shape, dtype=np.int64))
            found.append(reshape(state[start : start + n], shape))
            start += n
        return state[self.size : 2 * self.size], found
