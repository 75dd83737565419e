"""Identities save work and change no result."""

from __future__ import annotations

import wengert as torch
from wengert.rewrite.algebra import simplify
from wengert.rewrite.pipeline import prepare
from wengert.runtime import tiers
from wengert.settings import settings


def last_graph(run):
    tiers.clear()
    with settings.scope(tier="interpret"):
        run()
    return prepare(list(tiers._entries.values())[-1].graph).graph


def steps(graph, name):
    return sum(step.primitive.name == name for step in graph.steps)


def test_the_gradient_of_a_weight_comes_out_in_its_layout():
    net = torch.nn.Linear(3, 2)
    x = torch.randn(5, 3)
    graph = last_graph(lambda: (net(x).square().sum().backward(), net.weight.grad.tolist()))
    product = next(step for step in reversed(graph.steps) if step.primitive.name == "dot")
    assert product.type.shape == (2, 3)


def test_a_transpose_does_not_compute_a_product_twice():
    n = 40
    net = torch.nn.Sequential(*[torch.nn.Linear(2, 2) for _ in range(n)])
    x = torch.randn(5, 2)
    sum(p.sum() for p in net.parameters()).item()
    graph = last_graph(lambda: (net(x).square().sum().backward(), net[0].weight.grad.tolist()))
    assert steps(graph, "dot") == n + n + (n - 1)  # forward, weights, inputs


def test_a_product_read_in_both_ways():
    a, b = torch.randn(3, 4), torch.randn(4, 3)
    graph = last_graph(lambda: (lambda c: (c.t() * 2 + c).tolist())(a @ b))
    assert steps(graph, "dot") == 1


def test_gelu_shares_its_factor_with_its_derivative():
    def run():
        x = torch.randn(5, 3, requires_grad=True)
        torch.nn.functional.gelu(x).square().sum().backward()
        return x.grad.tolist()

    graph = last_graph(run)
    assert steps(graph, "gelu") == 0 and steps(graph, "ndtr") == 1
    assert simplify(graph) == graph


def test_gelu_of_narrow_floats_is_rounded_once():
    x = torch.randn(5, 3, dtype=torch.bfloat16)
    assert steps(last_graph(lambda: torch.nn.functional.gelu(x).tolist()), "gelu") == 1
