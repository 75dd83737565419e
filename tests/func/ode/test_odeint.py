"""Solutions against closed forms, orders of convergence, derivatives against differences and against each other."""

import numpy as np
import pytest

import wengert
from tests.functions.peer import array, tensor
from wengert.autograd import gradcheck, gradgradcheck
from wengert.func import odeint

FINE = {"rtol": 1e-10, "atol": 1e-10}


def driven(t, y, k):
    """An oscillator whose damping depends on the time."""
    return wengert.stack([y[1], -k * y[0] + (t * k).sin() * y[1]])


def start():
    return tensor([1.0, 0.5], True), tensor([0.0, 0.4, 1.1], True), tensor(0.7, True)


@pytest.mark.parametrize("times", [[0.0, 0.3, 1.0, 2.5], [2.0, 1.0, -0.5], [1.0]])
def test_exponentials_at_every_time_both_ways(times):
    y = odeint(lambda t, y: -0.8 * y, tensor([1.0, 2.0]), times, **FINE)
    wanted = np.exp(-0.8 * (np.array(times) - times[0]))[:, None] * [1.0, 2.0]
    np.testing.assert_allclose(array(y), wanted, rtol=1e-8)


def test_values_between_steps_are_as_good_as_those_at_steps():
    times = np.linspace(0, 3, 200)
    calls = []

    def f(t, y):
        calls.append(1)
        return wengert.stack([y[1], -y[0]])

    y = array(odeint(f, tensor([0.0, 1.0]), times, rtol=1e-8, atol=1e-8))
    np.testing.assert_allclose(y[:, 0], np.sin(times), atol=2e-7)
    assert len(calls) < 250


@pytest.mark.parametrize(("method", "order"), [("rk4", 4)])
def test_order(method, order):
    errors = []
    for step in (0.1, 0.05):
        y = odeint(lambda t, y: y * np.cos(t), tensor(1.0), [0.0, 2.0], method=method, step_size=step)
        errors.append(abs(float(y[-1]) - np.exp(np.sin(2.0))))
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.3)


def test_errors_follow_the_tolerance():
    for rtol in (1e-4, 1e-7, 1e-10):
        y = odeint(lambda t, y: wengert.stack([y[1], -y[0]]), tensor([0.0, 1.0]), [0.0, 6.0], rtol=rtol, atol=rtol)
        assert abs(float(y[-1, 0]) - np.sin(6.0)) < 30 * rtol


@pytest.mark.parametrize("options", [FINE, {"method": "rk4", "step_size": 0.0493}])
def test_the_adjoint_against_differences(options):
    call = lambda y0, t, k: odeint(driven, y0, t, k, **options)
    assert gradcheck(call, start(), nondet_tol=1e-9, atol=1e-4 if "method" in options else 1e-5)


def test_second_derivatives_of_the_adjoint():
    y0, t, k = start()
    call = lambda y0, t, k: odeint(driven, y0, t, k, **FINE)
    assert gradgradcheck(call, (y0, t.detach()[:2].clone().requires_grad_(), k), nondet_tol=1e-8)


@pytest.mark.parametrize("options", [FINE, {"method": "rk4", "step_size": 0.1}])
def test_through_the_solver_against_differences(options):
    y0, t, k = start()
    call = lambda y0, k: odeint(driven, y0, t.detach(), k, adjoint=False, **options)
    assert gradcheck(call, (y0, k), nondet_tol=1e-9)


def test_both_derivatives_agree():
    found = []
    for adjoint in (True, False):
        y0, t, k = start()
        (odeint(driven, y0, t.detach(), k, adjoint=adjoint, **FINE) ** 2).sum().backward()
        found.append([array(y0.grad), array(k.grad)])
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_structures_and_modules_as_arguments():
    """A state of two tensors; parameters in a dict."""
    w, b = tensor(np.full((2, 2), 0.1), True), tensor([0.2, 0.1], True)

    def f(t, state, p):
        x, s = state
        return (x @ p["w"] + p["b"]).tanh(), s * 0 + x.sum()

    def call(w, b):
        return odeint(f, (tensor([[1.0, 2.0]]), tensor(0.0)), [0.0, 1.0], {"w": w, "b": b}, **FINE)

    x, s = call(w, b)
    assert x.shape == (2, 1, 2)
    assert s.shape == (2,)
    assert gradcheck(call, (w, b), nondet_tol=1e-9)


def test_single_precision():
    rate = wengert.tensor(2.0, requires_grad=True)
    y = odeint(lambda t, y, rate: -rate * y, wengert.tensor(1.0), [0.0, 1.0], rate)
    y[1].backward()
    assert y.dtype is wengert.float32
    assert float(rate.grad) == pytest.approx(-np.exp(-2.0), rel=1e-4)


def test_wrong_input_is_refused():
    f = lambda t, y: y
    for t in ([0.0, 1.0, 1.0], [0.0, 1.0, 0.5], [[0.0, 1.0]], []):
        with pytest.raises(ValueError, match="strictly"):
            odeint(f, tensor(1.0), t)
    with pytest.raises(ValueError, match="method"):
        odeint(f, tensor(1.0), [0.0, 1.0], method="euler")
    with pytest.raises(TypeError, match="floating"):
        odeint(f, tensor(1), [0.0, 1.0])
    with pytest.raises(ValueError, match="structure"):
        odeint(lambda t, y: (y, y), tensor(1.0), [0.0, 1.0])
    with pytest.raises(RuntimeError, match="max_steps"):
        odeint(f, tensor(1.0), [0.0, 1.0], max_steps=2)
    with pytest.raises(RuntimeError, match="adjoint"):
        odeint(f, tensor(1.0), tensor([0.0, 1.0], True), adjoint=False)
    with pytest.raises(RuntimeError, match=r"too small|max_steps"):
        odeint(lambda t, y: y * y, tensor(1.0), [0.0, 2.0])
