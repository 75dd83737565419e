"""L-BFGS beside PyTorch's: the same points, with and without the line search."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.optim.tools import array, every
from wengert.optim import LBFGS
from wengert.optim.line_search import Probe, strong_wolfe

torch = pytest.importorskip("torch")


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def logistic(x):
    rows = np.random.default_rng(0).normal(size=(30, x.shape[0]))
    library = torch if isinstance(x, torch.Tensor) else wengert
    a = library.tensor(rows)
    return library.log(1 + library.exp(-(a @ x))).sum() + (x**2).sum()


def go(library, f, start, steps, **options):
    """Losses, closures' count and the end of several steps."""
    x = library.tensor(np.array(start, float), requires_grad=True)
    optimizer = library.optim.LBFGS([x], **options)
    losses, calls = [], 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = f(x)
        loss.backward()
        return loss

    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
    return losses, calls, x, optimizer


@pytest.mark.parametrize(
    ("f", "search", "history", "lr"), every([rosenbrock, logistic], [None, "strong_wolfe"], [100, 3], [1, 0.3])
)
def test_the_way_is_pytorchs(f, search, history, lr):
    if f is rosenbrock and search is None:
        lr = 0.05 * lr  # plain steps of length 1 leave the valley
    start = np.random.default_rng(1).normal(size=4) * 0.5
    options = {"lr": lr, "history_size": history, "line_search_fn": search, "max_iter": 8}
    losses, calls, x, mine = go(wengert, f, start, 6, **options)
    wanted, others, y, theirs = go(torch, f, start, 6, **options)
    assert calls == others
    np.testing.assert_allclose(losses, wanted, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(array(x.detach()), y.detach().numpy(), rtol=1e-4, atol=1e-7)
    own, other = mine.state[x], theirs.state[y]
    assert own["n_iter"] == other["n_iter"] and own["func_evals"] == other["func_evals"]


def test_rosenbrock_is_solved():
    options = {"line_search_fn": "strong_wolfe", "tolerance_change": 1e-15}
    losses, _, x, _ = go(wengert, rosenbrock, [-1.2, 1.0], 5, **options)
    np.testing.assert_allclose(array(x.detach()), [1, 1], atol=1e-6)
    assert losses == sorted(losses, reverse=True)


def test_several_parameters_also_complex_and_without_gradient():
    x = wengert.tensor([1.0, 2.0], requires_grad=True)
    z = wengert.tensor([1 + 2j], requires_grad=True)
    idle = wengert.ones(2, requires_grad=True)
    optimizer = LBFGS([x, z, idle], line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = ((x - 3) ** 2).sum() + ((z - 1j).abs() ** 2).sum()
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.step(closure)
    np.testing.assert_allclose(array(x.detach()), [3, 3], atol=1e-4)
    np.testing.assert_allclose(array(z.detach()), [1j], atol=1e-4)
    assert idle.tolist() == [1.0, 1.0]


def test_the_state_goes_both_ways():
    start = [-1.2, 1.0]
    options = {"line_search_fn": "strong_wolfe", "max_iter": 4}
    _, _, x, mine = go(wengert, rosenbrock, start, 2, **options)
    _, _, y, theirs = go(torch, rosenbrock, start, 2, **options)
    import io

    file = io.BytesIO()
    torch.save(theirs.state_dict(), file)
    file.seek(0)
    fresh = LBFGS([x], **options)
    fresh.load_state_dict(wengert.load(file))
    file = io.BytesIO()
    wengert.save(mine.state_dict(), file)
    file.seek(0)
    other = torch.optim.LBFGS([y], **options)
    other.load_state_dict(torch.load(file))
    for optimizer, p in ((fresh, x), (other, y)):

        def closure(optimizer=optimizer, p=p):
            optimizer.zero_grad()
            loss = rosenbrock(p)
            loss.backward()
            return loss

        optimizer.step(closure)
    np.testing.assert_allclose(array(x.detach()), y.detach().numpy(), rtol=1e-3)


def test_misuse():
    x = wengert.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="parameter groups"):
        LBFGS([{"params": [x]}, {"params": [wengert.ones(1, requires_grad=True)]}])
    with pytest.raises(TypeError, match="closure"):
        LBFGS([x]).step()
    optimizer = LBFGS([x], line_search_fn="other")

    def closure():
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="strong_wolfe"):
        optimizer.step(closure)


@pytest.mark.parametrize("first", [1e-4, 0.1, 1.0, 30.0])
def test_a_length_fulfils_both_conditions(first):
    def f(t):
        return np.cosh(t - 2.0) + 0.1 * np.sin(9 * t)

    def slope(t):
        return np.sinh(t - 2.0) + 0.9 * np.cos(9 * t)

    start = Probe(0.0, f(0.0), None, slope(0.0))
    found = strong_wolfe(lambda t: Probe(t, f(t), None, slope(t)), start, first, 1e-9, 30)
    assert f(found.length) <= start.loss + 1e-4 * found.length * start.slope
    assert abs(slope(found.length)) <= 0.9 * abs(start.slope)
