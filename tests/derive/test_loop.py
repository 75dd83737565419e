"""A loop as one node gives what the same steps give one by one: values, derivatives of every order both ways, vmap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from tests.functions.peer import array, parts, tensor
from wengert import func
from wengert.autograd.backward import grad
from wengert.derive.loop import loop, loop_of
from wengert.graph.record import next_serial
from wengert.graph.rule import primitives as p
from wengert.tensors.tensor import wrap

RANDOM = np.random.default_rng(3)
X, H, W, B = (RANDOM.normal(size=shape) for shape in ((5, 3, 4), (3, 4), (4, 4), (4,)))


def one_by_one(f: Any, init: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
    ys: list[Any] = []
    for t in reversed(range(len(xs))) if reverse else range(len(xs)):
        init, y = f(init, xs[t])
        ys.append(y)
    return init, wengert.stack(ys[::-1] if reverse else ys)


def step_of(w: Any, b: Any) -> Any:
    """A weight that is multiplied, one that is added and multiplied, a result that is not the state."""

    def step(h: Any, x: Any) -> Any:
        h = wengert.tanh(x + h @ w.T * b + b)
        return h, h * h * x

    return step


def objective(run: Any, reverse: bool = False) -> Any:
    def value(x: Any, h: Any, w: Any, b: Any) -> Any:
        end, ys = run(step_of(w, b), h, x, reverse=reverse)
        return (end**3).sum() + (ys**2).sum()

    return value


def leaves() -> list[Any]:
    return [tensor(value, True) for value in (X, H, W, B)]


@pytest.mark.parametrize("reverse", [False, True])
def test_values_and_three_derivatives(reverse):
    found = []
    for run in (func.scan, one_by_one):
        inputs = leaves()
        values = [objective(run, reverse)(*inputs)]
        for _ in range(3):
            values = grad(sum((v**2).sum() for v in values), inputs, create_graph=True)
            found.append([array(v) for v in values])
    for mine, theirs in zip(found[:3], found[3:]):
        for a, b in zip(mine, theirs):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * np.abs(b).max())


@pytest.mark.parametrize("reverse", [False, True])
def test_forward_mode_and_its_mixtures(reverse):
    points = [tensor(value) for value in (X, H, W, B)]
    moves = [tensor(value) for value in (X**2, H + 1, W - 1, B * B)]
    one, other = objective(func.scan, reverse), objective(one_by_one, reverse)
    for f in (lambda g: g, lambda g: func.grad(g, argnums=2)):  # forward, and forward over reverse
        for mine, theirs in zip(func.jvp(f(one), tuple(points), tuple(moves)), func.jvp(f(other), tuple(points), tuple(moves))):
            np.testing.assert_allclose(array(mine), array(theirs), rtol=1e-10)
    both = [  # reverse over forward
        func.grad(lambda w, g=g: func.jvp(lambda h: g(points[0], h, w, points[3]), (points[1],), (moves[1],))[1])(points[2])
        for g in (one, other)
    ]
    np.testing.assert_allclose(array(both[0]), array(both[1]), rtol=1e-9)


@pytest.mark.parametrize("dims", [(1, None, None, None), (None, 0, None, None), (None, None, 0, None), (1, 0, 0, 0)])
def test_vmap_is_a_loop_over_the_batch(dims):
    f = objective(func.scan)
    values = [np.stack([v, 2 * v, -v], 0 if dim is None else dim) for v, dim in zip((X, H, W, B), dims)]
    inputs = [tensor(value if dim is not None else v) for value, v, dim in zip(values, (X, H, W, B), dims)]
    for g in (f, func.grad(f, argnums=(0, 2))):
        found = func.vmap(g, in_dims=dims)(*inputs)
        for k in range(3):
            row = [x if dim is None else x.select(dim, k) for x, dim in zip(inputs, dims)]
            wanted = g(*row)
            for a, b in zip(parts(found), parts(wanted)):
                np.testing.assert_allclose(array(a[k]), array(b), rtol=1e-10, atol=1e-12)


def test_a_state_that_only_later_moves_has_its_derivative():
    """The first state is untracked; what is carried depends on the weight from the first step on."""
    w = tensor(W, True)
    for run in (func.scan, one_by_one):
        end, _ = run(lambda h, x: (wengert.tanh(x + h @ w), h), tensor(H), tensor(X))
        (bar,) = grad(end.sum(), [w])
        if run is func.scan:
            mine = array(bar)
    np.testing.assert_allclose(mine, array(bar), rtol=1e-12)


def test_several_states_of_which_one_counts():
    state = (wengert.tensor(0), {"h": tensor(H, True)})

    def step(state: Any, x: Any) -> Any:
        n, rest = state
        return (n + 1, {"h": rest["h"] * wengert.sin(x) + n}), None

    (n, rest), ys = func.scan(step, state, tensor(X))
    assert n.item() == 5 and ys is None
    h, wanted = state[1]["h"], None
    for t in range(5):
        wanted = (h if wanted is None else wanted) * wengert.sin(tensor(X[t])) + t
    np.testing.assert_allclose(array(rest["h"]), array(wanted))
    np.testing.assert_allclose(array(grad(rest["h"].sum(), [h])[0]), np.prod(np.sin(X), 0))


@pytest.mark.parametrize("length", [0, 1])
def test_short_loops(length):
    x, h, w = tensor(X[:length], True), tensor(H, True), tensor(W, True)
    end, ys = func.scan(lambda h, x: (wengert.tanh(x + h @ w), x * h), h, x)
    assert tuple(ys.shape) == (length, 3, 4)
    bars = grad((end**2).sum() + ys.sum(), [x, h, w])
    if not length:
        np.testing.assert_array_equal(array(end), H)
        np.testing.assert_allclose(array(bars[1]), 2 * H)
        assert not array(bars[2]).any()


def test_a_loop_without_sequences_counts():
    end, ys = func.scan(lambda c, _: (c * 2, c), tensor(1.5), None, length=4)
    assert end.item() == 24.0
    np.testing.assert_array_equal(array(ys), [1.5, 3.0, 6.0, 12.0])


def test_what_is_under_no_grad_in_a_step_gets_no_derivative():
    w = tensor(W, True)

    def step(h: Any, x: Any) -> Any:
        with wengert.no_grad():
            still = x @ w
        return h + still * w.sum(), None

    for run in (func.scan, lambda f, h, x: (one_by_one(lambda a, b: (f(a, b)[0], a), h, x)[0], None)):
        (bar,) = grad(run(step, tensor(H), tensor(X))[0].sum(), [w])
        if run is func.scan:
            mine = array(bar)
    np.testing.assert_allclose(mine, array(bar), rtol=1e-12)


def test_a_loop_recorded_without_what_its_derivative_reads_runs_again():
    """Recorded under no_grad there is nothing kept; a transformation that comes later still finds its way."""
    w = tensor(W)
    with wengert.no_grad():
        f = lambda w: func.scan(lambda h, x: (wengert.tanh(wengert.exp(h) @ w), h), tensor(H), tensor(X))[0].sum()
        bar = func.grad(f)(w)
    f = lambda w: one_by_one(lambda h, x: (wengert.tanh(wengert.exp(h) @ w), h), tensor(H), tensor(X))[0].sum()
    np.testing.assert_allclose(array(bar), array(func.grad(f)(w)), rtol=1e-12)


def test_the_same_loop_recorded_twice_is_one_body():
    def body() -> Any:
        ends, _ = loop(lambda c, x: ([p.tanh(c[0] + x[0])], []), [tensor(H)._read()], [tensor(X)._read()], 5)
        return ends[0].inputs[0].params[0]

    assert body() is body()


def test_the_length_of_a_loop_does_not_lengthen_the_graph():
    x, h, w = tensor(np.tile(X, (40, 1, 1)), True), tensor(H, True), tensor(W, True)
    start = next_serial()
    end, _ = func.scan(lambda h, x: (wengert.tanh(x + h @ w), h), h, x)
    grad(end.sum(), [x, h, w])
    assert next_serial() - start < 150


def test_a_carry_that_changes_is_refused():
    with pytest.raises(RuntimeError, match="carried value 0 keeps its type"):
        func.scan(lambda c, x: (c.sum(), x), tensor(H), tensor(X))
    with pytest.raises(RuntimeError, match="structure"):
        func.scan(lambda c, x: ((c, c), x), tensor(H), tensor(X))
    with pytest.raises(TypeError, match="f must return"):
        func.scan(lambda c, x: c, tensor(H), tensor(X))


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(RuntimeError, match="one first dimension"):
        func.scan(lambda c, x: (c, None), tensor(H), (tensor(X), tensor(X[:2])))
    with pytest.raises(RuntimeError, match="length"):
        func.scan(lambda c, x: (c, None), tensor(H))
    with pytest.raises(RuntimeError, match="length=3"):
        func.scan(lambda c, x: (c, None), tensor(H), tensor(X), length=3)


def test_a_write_to_the_outside_is_refused_and_undone():
    total = tensor(np.zeros((3, 4)))
    with pytest.raises(RuntimeError, match="in place"):
        func.scan(lambda c, x: (c, total.add_(x)), tensor(H), tensor(X))
    assert not array(total).any()


def test_elements_of_a_loop_are_tensors_like_others():
    end, ys = func.scan(lambda c, x: (c + x, c), tensor(H), tensor(X))
    np.testing.assert_allclose(array(ys[2]), H + X[:2].sum(0))
    np.testing.assert_allclose(array(wrap(end._read()) + ys[0]), 2 * H + X.sum(0))


def test_a_step_that_is_given_its_constants_is_called_once_for_each_kind_of_them():
    calls = []

    def step(before: Any, now: Any, w: Any) -> Any:
        calls.append(w.tracked)
        (h,) = before
        h = p.tanh(now[0] + p.dot(h, w))
        return [h], [h * h]

    def run(rows: int, tracked: bool) -> tuple[list[Any], list[Any]]:
        inputs = [tensor(value, tracked) for value in (X[:, :rows], H[:rows], W)]
        x, h, w = inputs
        ends, (ys,) = loop_of(step, [h._read()], [x._read()], [w._read()], len(X))
        found = [wrap(ends[0]), wrap(ys)]
        wanted = list(one_by_one(lambda h, x: ((new := wengert.tanh(x + h @ w)), new * new), h, x))
        if tracked:
            for values in (found, wanted):
                values.extend(grad((values[0] * values[1]).sum(), inputs))
        return found, wanted

    for rows, tracked in ((3, True), (3, True), (3, False), (3, True), (2, True)):
        for mine, theirs in zip(*run(rows, tracked)):
            np.testing.assert_allclose(array(mine), array(theirs), rtol=1e-12)
    assert calls == [True, False, True]
    with wengert.no_grad():
        run(3, False)
    assert len(calls) == 4
