"""What equations define, with derivatives against differences, closed forms and PyTorch's dense solves."""

import numpy as np
import pytest

import wengert
from tests.functions.peer import array, normal, tensor
from wengert.autograd import gradcheck, gradgradcheck
from wengert.autograd.functional import jacobian
from wengert.func import grad, implicit, jvp, vmap

F64 = wengert.float64


def matrix():
    return tensor(normal(3, 3) * 0.3, True)


def vector():
    return tensor(normal(3, seed=1), True)


def zeros():
    return wengert.zeros(3, dtype=F64)


PROBLEMS = {
    "fixed_point": lambda A, b: implicit.fixed_point(lambda x, A, b: (A @ x + b).tanh(), zeros(), A, b),
    "root": lambda A, b: implicit.root(lambda x, A, b: A @ x + x**3 + 2 * x - b, zeros(), A, b),
    "argmin": lambda A, b: implicit.argmin(
        lambda x, A, b: ((A @ x - b) ** 2).sum() + (x**4).sum() + x.dot(x), zeros(), A, b
    ),
    "linear_solve": lambda A, b: implicit.linear_solve(lambda x, A: A @ x + 2 * x, b, A),
}


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_derivatives_in_both_modes_and_second_order(name):
    call = PROBLEMS[name]
    assert gradcheck(call, (matrix(), vector()), check_forward_ad=True, nondet_tol=1e-10)
    assert gradgradcheck(call, (matrix(), vector()), nondet_tol=1e-10)


def test_the_equations_hold():
    A, b = matrix().detach(), vector().detach()
    x = PROBLEMS["fixed_point"](A, b)
    np.testing.assert_allclose(array((A @ x + b).tanh()), array(x), rtol=1e-13)
    x = PROBLEMS["root"](A, b)
    np.testing.assert_allclose(array(A @ x + x**3 + 2 * x), array(b), rtol=1e-12)
    x = PROBLEMS["linear_solve"](A, b)
    np.testing.assert_allclose(array(x), np.linalg.solve(array(A) + 2 * np.eye(3), array(b)), rtol=1e-12)


def test_derivatives_are_those_of_a_dense_solve():
    A, b = matrix().detach(), vector().detach()
    mine = jacobian(PROBLEMS["linear_solve"], (A, b))
    dense = jacobian(lambda A, b: wengert.linalg.solve(A + 2 * wengert.eye(3, dtype=F64), b), (A, b))
    for g, h in zip(mine, dense):
        np.testing.assert_allclose(array(g), array(h), rtol=1e-10, atol=1e-12)


def test_tracing_through_a_solver_is_refused():
    with pytest.raises(RuntimeError, match="traced"):
        vmap(lambda b: PROBLEMS["linear_solve"](matrix().detach(), b))(wengert.zeros(2, 3, dtype=F64))


def test_structures():
    """A state of two tensors, arguments in a dict with a number among them."""

    def f(state, p, k):
        x, y = state["x"], state["y"]
        return {"x": (p["a"] * y.sum()).cos() * k, "y": (p["b"] * x).sin()}

    start = {"x": wengert.zeros((), dtype=F64), "y": wengert.zeros(2, dtype=F64)}
    a, b = tensor(0.4, True), tensor([0.3, 0.6], True)

    def call(a, b):
        found = implicit.fixed_point(f, start, {"a": a, "b": b}, 0.7)
        return found["x"], found["y"]

    assert gradcheck(call, (a, b), nondet_tol=1e-10)
    x, y = call(a, b)
    assert x.shape == ()
    assert y.shape == (2,)


def test_a_solver_of_ones_own():
    a = tensor(2.0, True)
    call = lambda a: implicit.solve(lambda x, a: x * x - a, lambda a: tensor(np.sqrt(array(a.detach()))), a)
    assert gradcheck(call, (a,), nondet_tol=1e-10)
    assert float(grad(grad(call))(a)) == pytest.approx(-0.25 * 2**-1.5)


def test_what_is_closed_over_is_constant():
    b = tensor(0.3, True)
    x = implicit.fixed_point(lambda x, a: (a * x + b).cos(), tensor(0.0), tensor(0.5, True))
    x.backward()
    assert b.grad is None


def test_a_derivative_of_a_bilevel_problem():
    """Ridge regression's best weight decay: the gradient of a validation loss against its closed form."""
    X, y, V, z = normal(20, 4), normal(20, seed=1), normal(10, 4, seed=2), normal(10, seed=3)

    def validation(decay):
        train = lambda w, decay: ((tensor(X) @ w - tensor(y)) ** 2).sum() + decay * w.dot(w)
        w = implicit.argmin(train, wengert.zeros(4, dtype=F64), decay)
        return ((tensor(V) @ w - tensor(z)) ** 2).sum()

    decay = 1.5
    H = X.T @ X + decay * np.eye(4)
    w = np.linalg.solve(H, X.T @ y)
    wanted = 2 * (V @ w - z) @ V @ (-np.linalg.solve(H, w))
    assert float(grad(validation)(tensor(decay))) == pytest.approx(wanted, rel=1e-8)
    slope = jvp(validation, (tensor(decay),), (tensor(1.0),))[1]
    assert float(slope) == pytest.approx(wanted, rel=1e-8)


def test_single_precision():
    a = wengert.tensor(0.5, requires_grad=True)
    x = implicit.fixed_point(lambda x, a: (a * x).cos(), wengert.tensor(0.0), a)
    x.backward()
    assert x.dtype is wengert.float32
    s = np.sin(0.5 * float(x))
    assert float(a.grad) == pytest.approx(-s * float(x) / (1 + 0.5 * s), rel=1e-5)


def test_what_does_not_converge_says_so():
    with pytest.raises(RuntimeError, match="fixed_point"):
        implicit.fixed_point(lambda x: x + 1, tensor(0.0), max_iterations=20)
    with pytest.raises(RuntimeError, match="root"):
        implicit.root(lambda x: x * x + 1, tensor(0.5))
    with pytest.raises(RuntimeError, match="singular"):
        implicit.linear_solve(lambda x: x * tensor([1.0, 0.0]), tensor([1.0, 1.0]))
    with pytest.raises(RuntimeError, match="argmin"):
        implicit.argmin(lambda x: x.abs().sum(), tensor([0.3]), max_iterations=5)


def test_wrong_input_is_refused():
    with pytest.raises(TypeError, match="floating"):
        implicit.fixed_point(lambda x: x, tensor(3))
    with pytest.raises(TypeError, match="one dtype"):
        implicit.fixed_point(lambda x: x, (tensor(3.0), tensor(np.float32(1))))
    with pytest.raises(ValueError, match="structure"):
        implicit.fixed_point(lambda x: (x, x), tensor(3.0))
