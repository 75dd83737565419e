"""Histories of 100,000 operations: every walk is a loop, so nothing depends on Python's limit of recursion."""

from __future__ import annotations

import copy
import gc
import sys

import pytest

import wengert as torch
from tests.objects import live
from wengert.settings import settings

DEPTH = 100_000


def chain(x, depth=DEPTH):
    y = x
    for _ in range(depth):
        y = y * 1.000001
    return y


@pytest.mark.parametrize("tier", ["interpret", "auto"])
def test_forward_backward_and_letting_go(tier):
    with settings.scope(tier=tier):
        forward_backward_and_letting_go()


def forward_backward_and_letting_go():
    x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    y = chain(x)
    assert y[0].item() == pytest.approx(1.000001**DEPTH)
    y.sum().backward()
    assert x.grad[0].item() == pytest.approx(1.000001**DEPTH)
    del y
    gc.collect()


def test_a_history_that_no_backward_pass_released_is_let_go():
    y = chain(torch.ones(3, requires_grad=True))
    y.sum().item()
    before = len(live())
    del y
    gc.collect()
    assert len(live()) < before


def test_a_history_that_reads_values():
    x = torch.full((2,), 0.5, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(DEPTH):
        y = y.sin()
    (g,) = torch.autograd.grad(y.sum(), x)
    assert 0 < g[0].item() < 1e-3  # y falls like sqrt(3 / n)
    assert y[0].item() == pytest.approx((3 / DEPTH) ** 0.5, rel=1e-2)


def test_second_derivative_through_10_000_operations():
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    y = chain(x, 10_000)
    (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert h[0].item() == pytest.approx(2 * 1.000001**20_000)


def test_a_leaf_that_a_deep_history_never_read():
    x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    assert torch.autograd.grad(chain(x).sum(), w, allow_unused=True) == (None,)


@pytest.mark.parametrize(
    "step",
    [lambda x: x.view(3), lambda x: x.detach(), lambda x: x.reshape(3, 1).squeeze(1), lambda x: x.add_(0), lambda x: x[:]],
    ids=["view", "detach", "two views", "in place", "slice"],
)  # fmt: skip
def test_a_view_of_a_view_of_a_view(step):
    base = torch.zeros(3)
    x = base
    for _ in range(10_000):
        x = step(x)
    x += 1
    assert base.tolist() == [1, 1, 1]
    assert x.is_contiguous()
    del x
    gc.collect()


def test_in_place_on_a_tracked_tensor():
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    y = w * 1
    for _ in range(20_000):
        y *= 1.000001
    y.sum().backward()
    assert w.grad[0].item() == pytest.approx(1.000001**20_000)


def test_a_low_limit_of_recursion():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(250)
    try:
        x = torch.ones(3, dtype=torch.float64, requires_grad=True)
        y = chain(x, 5_000)
        y.sum().backward()
        assert "tensor" in repr(y)
        del y
    finally:
        sys.setrecursionlimit(limit)


def test_deep_modules_and_nested_lists():
    net = torch.nn.Sequential(*[torch.nn.Linear(2, 2) for _ in range(300)])
    net(torch.ones(1, 2)).sum().backward()
    assert copy.deepcopy(net).state_dict().keys() == net.state_dict().keys()
    assert all(p.grad is not None for p in net.parameters())
