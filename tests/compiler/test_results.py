"""What a compiled function returns shares memory as what the function returns does."""

from __future__ import annotations

import pytest

import wengert as torch

WEIGHT = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]


def detached(x):
    y = x * 2
    return y, y.detach(), y.detach()[0]


def collected(w):
    def f(x):
        w.grad = None
        loss = (x @ w).sum()
        loss.backward()
        return loss, w.grad

    return f


def untracked_view(w):
    def f(x):
        y = x @ w
        with torch.no_grad():
            return {"y": y, "row": [y[0]]}

    return f


BUILD = {
    "one tensor twice": lambda w: lambda x: [x * 2] * 2,
    "a tensor and its views": lambda w: lambda x: (lambda y: (y, y[0], y.t(), y.view(-1)))(x * 2),
    "views of what is not returned": lambda w: lambda x: (lambda y: (y[0], y[1:], y[0][1:]))(x.exp()),
    "a tensor and what it is without a history": lambda w: detached,
    "views of a weight": lambda w: lambda x: (x + 1, w.detach()[0], w.detach().t()),
    "a gradient": collected,
    "a view that was taken without tracking": untracked_view,
}


def leaves(found):
    return found if isinstance(found, (list, tuple)) else [found["y"], *found["row"]]


@pytest.mark.parametrize("name", BUILD)
def test_results_that_share_memory_go_on_to(name):
    seen = []
    for compiled in (False, True):
        w = torch.tensor(WEIGHT, requires_grad=True)
        f = BUILD[name](w)
        g = torch.compile(f, fullgraph=True) if compiled else f
        values = []
        for number in range(3):
            results = leaves(g(torch.arange(9.0).reshape(3, 3) + number))
            values.append([results[0] is results[1], [r.requires_grad for r in results], results[-1] is w.grad])
            for i, result in enumerate(results):
                with torch.no_grad():
                    result.mul_(i + 2)
                values.append([r.tolist() for r in (*results, w)])
        seen.append(values)
    assert seen[0] == seen[1]


def test_a_weight_that_nobody_shared_is_seen_through_a_returned_view():
    w = torch.tensor(WEIGHT)
    f = torch.compile(lambda x: (x + 1, w[0]), fullgraph=True)
    for number in range(4):
        f(torch.ones(1))[1].add_(1)
        assert w[0].tolist() == [2.0 + number, 3.0 + number, 4.0 + number]


@pytest.mark.parametrize("kind", ["leaf", "retained"])
def test_hooks_on_an_argument_are_called_each_time(kind):
    w = torch.tensor(WEIGHT)

    def f(x):
        loss = (x @ w).sum()
        loss.backward()
        return loss

    g = torch.compile(f, silent=True)
    for factor in (None, 2.0, 3.0, None):
        x = torch.ones(2, 3, requires_grad=True)
        y = x if kind == "leaf" else x * 1
        if kind == "retained":
            y.retain_grad()
        if factor is not None:
            y.register_hook(lambda g, factor=factor: g * factor)
        g(y)
        assert y.grad.tolist() == [[row * (factor or 1) for row in (6.0, 15.0, 24.0)]] * 2


def test_a_float_that_moves_fills_tensors_of_the_default_dtype():
    f = torch.compile(lambda p: torch.full((2,), p) + torch.tensor(p), fullgraph=True)
    for p in (0.5, 0.25, 0.75):
        assert f(p).dtype is torch.float32
        assert f(p).tolist() == [2 * p] * 2


def test_a_replay_knows_what_was_overwritten_as_the_call_that_was_traced():
    model = torch.compile(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.ReLU(inplace=True)))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            model(torch.ones(4, 3)).sum().backward()
