"""Solutions of equations with derivatives by the implicit function theorem; the formulas stand in the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from wengert import trees
from wengert.autograd.function import Function
from wengert.func.derivatives import grad, jvp, vjp
from wengert.func.implicit.krylov import gmres
from wengert.func.implicit.search import anderson, minimum, newton
from wengert.func.vectors import Layout, Vector, array_of, tensor_of
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

Residual = Callable[..., Vector]


class _Root(Function):
    """x with residual(x, *theta) = 0, both vectors; solver(*theta) finds it, untracked."""

    @staticmethod
    def forward(residual: Residual, solver: Callable[..., Vector], *theta: Vector) -> Vector:
        return solver(*theta)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Vector) -> None:
        ctx.residual = inputs[0]
        ctx.save_for_backward(output, *inputs[2:])
        ctx.save_for_forward(output, *inputs[2:])

    @staticmethod
    def backward(ctx: Any, x_bar: Vector) -> tuple[Any, ...]:
        residual = ctx.residual
        x, *theta = ctx.saved_tensors

        def transposed(u: Vector, x_bar: Vector, x: Vector, *theta: Vector) -> Vector:
            """(dg/dx)^T u - x_bar"""
            _, pull = vjp(lambda x: residual(x, *theta), x)
            return pull(u)[0] - x_bar

        u = _Root.apply(transposed, _linear(transposed), x_bar, x, *theta)
        _, pull = vjp(lambda *theta: residual(x, *theta), *theta)
        return (None, None, *[-bar for bar in pull(u)])

    @staticmethod
    def jvp(ctx: Any, _: Any, __: Any, *theta_dots: Any) -> Vector:
        residual = ctx.residual
        x, *theta = ctx.saved_tensors
        _, b = jvp(lambda *theta: residual(x, *theta), tuple(theta), tuple(theta_dots))

        def forward(v: Vector, b: Vector, x: Vector, *theta: Vector) -> Vector:
            """(dg/dx) v + b"""
            return jvp(lambda x: residual(x, *theta), (x,), (v,))[1] + b

        return _Root.apply(forward, _linear(forward), b, x, *theta)


def _linear(residual: Residual) -> Callable[..., Vector]:
    """A solver for a residual that is affine in its first argument: A x + c."""

    def solver(*theta: Vector) -> Vector:
        zero = theta[0] * 0
        c = array_of(residual(zero, *theta))
        return tensor_of(gmres(lambda v: array_of(residual(tensor_of(v), *theta)) - c, -c))

    return solver


def _rooted(residual: Callable[..., Any], x0: Any, args: tuple[Any, ...], solver: Callable[..., Any]) -> Any:
    """The solution in the structure of x0; residual(x, *args) and solver(x0, flat residual) on structures and vectors."""
    layout = Layout.of(x0)
    leaves, structure = trees.flatten(args)
    moving = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.dtype.inexact]
    theta = [leaves[i] for i in moving]

    def filled(theta: Any) -> Any:
        given = list(leaves)
        for i, value in zip(moving, theta):
            given[i] = value
        return trees.unflatten(given, structure)

    def flat(x: Vector, *theta: Vector) -> Vector:
        return layout.vector(residual(layout.unravel(x), *filled(theta)))

    x = _Root.apply(flat, lambda *theta: solver(layout, flat, filled(theta), theta), *theta)
    return layout.unravel(x)


def solve(residual: Callable[..., Any], solver: Callable[..., Any], *args: Any) -> Any:
    """solver(*args), differentiated as the x with residual(x, *args) = 0.

    solver: any code that returns a structure of tensors; it is not differentiated.
    residual: as many numbers as x has.

    >>> import wengert
    >>> a = wengert.tensor(2.0, requires_grad=True)
    >>> solve(lambda x, a: x * x - a, lambda a: a.sqrt(), a).backward()
    >>> a.grad
    tensor(0.3536)
    """
    with no_grad():
        start = solver(*args)
    return _rooted(residual, start, args, lambda layout, flat, given, theta: layout.vector(start).detach())


def root(
    g: Callable[..., Any], x0: Any, *args: Any, tol: Optional[float] = None, max_iterations: int = 100
) -> Any:
    """x with g(x, *args) = 0, near x0, by Newton's method with GMRES and backtracking.

    tol: how small |g| is to be, by default the dtype's precision to the power 3/4, times what it was if that is above 1.

    Raises: RuntimeError when that is not reached.
    """

    def solver(layout: Layout, flat: Residual, given: Any, theta: Any) -> Vector:
        value = lambda x: array_of(flat(tensor_of(x), *theta))
        product = lambda x, v: array_of(jvp(lambda x: flat(x, *theta), (tensor_of(x),), (tensor_of(v),))[1])
        return tensor_of(newton(value, product, array_of(layout.vector(x0)), tol, max_iterations))

    return _rooted(g, x0, args, solver)


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    tol: Optional[float] = None,
    max_iterations: int = 1000,
    memory: int = 5,
) -> Any:
    """x with x = f(x, *args), by iterating f from x0, with Anderson's acceleration over the last `memory` steps (0: none).

    tol: how small |f(x) - x| is to be, relative to |x| if that is above 1; by default 50 times the dtype's precision.

    Raises: RuntimeError when that is not reached.

    >>> import wengert
    >>> a = wengert.tensor(0.5, requires_grad=True)
    >>> x = fixed_point(lambda x, a: (a * x).cos(), wengert.tensor(0.0), a)
    >>> x.backward()
    >>> x, a.grad
    (tensor(0.9004, grad_fn=<ViewBackward0>), tensor(-0.3218))
    """

    def difference(x: Any, *args: Any) -> Any:
        layout = Layout.of(x)
        return layout.unravel(layout.vector(f(x, *args)) - layout.vector(x))

    def solver(layout: Layout, flat: Residual, given: Any, theta: Any) -> Vector:
        step = lambda x: x + array_of(flat(tensor_of(x), *theta))
        return tensor_of(anderson(step, array_of(layout.vector(x0)), tol, max_iterations, memory))

    return _rooted(difference, x0, args, solver)


def argmin(
    objective: Callable[..., Vector], x0: Any, *args: Any, tol: Optional[float] = None, max_iterations: int = 200
) -> Any:
    """The x near x0 where objective(x, *args), a scalar, is least, by Newton's method with conjugate gradients.

    The derivative needs the Hessian there to be invertible.

    tol: how small the gradient is to be, by default the dtype's precision to the power 3/4, times what it was if that is
        above 1.

    Raises: RuntimeError when that is not reached.
    """

    def slope(x: Any, *args: Any) -> Any:
        layout = Layout.of(x)
        flat = lambda x: objective(layout.unravel(x), *args)
        return layout.unravel(grad(flat)(layout.vector(x)))

    def solver(layout: Layout, flat: Residual, given: Any, theta: Any) -> Vector:
        value = lambda x: float(np.asarray(objective(layout.unravel(tensor_of(x)), *given)._array()))
        gradient = lambda x: array_of(flat(tensor_of(x), *theta))
        product = lambda x, v: array_of(jvp(lambda x: flat(x, *theta), (tensor_of(x),), (tensor_of(v),))[1])
        return tensor_of(minimum(value, gradient, product, array_of(layout.vector(x0)), tol, max_iterations))

    return _rooted(slope, x0, args, solver)


def linear_solve(matvec: Callable[..., Any], b: Any, *args: Any) -> Any:
    """x with matvec(x, *args) = b, where matvec is linear in x; differentiable in b and the arguments.

    Raises: RuntimeError when the map is singular.
    """

    def residual(x: Any, b: Any, *args: Any) -> Any:
        layout = Layout.of(b)
        return layout.unravel(layout.vector(matvec(x, *args)) - layout.vector(b))

    def solver(layout: Layout, flat: Residual, given: Any, theta: Any) -> Vector:
        return _linear(lambda x, *theta: flat(x, *theta))(*theta) if theta else _untracked(layout, flat)

    return _rooted(residual, b, (b, *args), solver)


def _untracked(layout: Layout, flat: Residual) -> Vector:
    raise RuntimeError("linear_solve: b must be a structure of floating tensors")
