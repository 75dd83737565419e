"""Products that are, but for a factor of each row, products that are there already are not computed again."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

import wengert as torch
from tests.rewrite.test_algebra import last_graph, steps
from wengert.runtime import tiers
from wengert.settings import settings


def second_derivative(net, points, act=torch.tanh):
    """The loss of u_t = u_xx and its derivative by the weights, as in `benchmarks/steps_models.py`."""
    points = points.detach().requires_grad_()
    (first,) = torch.autograd.grad(net(points).sum(), points, create_graph=True)
    (second,) = torch.autograd.grad(first[:, 0].sum(), points, create_graph=True)
    ((first[:, 1] - second[:, 0]) ** 2).mean().backward()
    return [p.grad for p in net.parameters()]  # the last bias has none


def network(act, hidden=2, width=6, dtype=torch.float64):
    torch.manual_seed(3)
    sizes = [2, *[width] * (hidden + 1), 1]
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    between = [x for layer in layers[:-1] for x in (layer, act())]
    return torch.nn.Sequential(*between, layers[-1]).to(dtype)


def test_a_second_derivative_in_a_loss_takes_nine_products_of_each_hidden_weight():
    """With values, first derivatives, tangents and second derivatives of the points; as many of their cotangents but one; and
    three of the weight. Twelve were recorded."""
    net, points = network(torch.nn.Tanh), torch.randn(5, 2, dtype=torch.float64)
    graph = last_graph(lambda: [g.tolist() for g in second_derivative(net, points) if g is not None])
    sizes = [(*s.type.shape, graph.array_at(s.args[0]).shape[1]) for s in graph.steps if s.primitive.name == "dot"]
    assert sizes.count((5, 6, 6)) == 2 * 6 and sizes.count((6, 6, 5)) == 2 * 3


ACTIVATIONS = [torch.nn.Tanh, torch.nn.Sigmoid, torch.nn.Softplus, torch.nn.GELU, torch.nn.SiLU]


@pytest.mark.parametrize("tier, act", [*[("interpret", act) for act in ACTIVATIONS], ("compile", torch.nn.Tanh)])
def test_the_gradient_through_a_second_derivative_is_right(tier, act):
    """Against central differences of the loss."""
    net, points = network(act), torch.randn(5, 2, dtype=torch.float64)

    def loss():
        own = points.detach().requires_grad_()
        (first,) = torch.autograd.grad(net(own).sum(), own, create_graph=True)
        (second,) = torch.autograd.grad(first[:, 0].sum(), own, create_graph=True)
        return ((first[:, 1] - second[:, 0]) ** 2).mean()

    tiers.clear()
    with settings.scope(tier=tier):
        net.zero_grad()
        loss().backward()
        found = [torch.zeros_like(p).numpy() if p.grad is None else p.grad.numpy().copy() for p in net.parameters()]
        for parameter, gradient in zip(net.parameters(), found):
            flat, step = parameter.data.view(-1), 1e-6
            before = flat[0].item()
            values = []
            for moved in (before + step, before - step):
                flat[0] = moved
                values.append(loss().item())
            flat[0] = before
            assert gradient.reshape(-1)[0] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5, abs=1e-7)


def both(run):
    """What `run` gives, with the graph that was interpreted for it."""
    results = []
    graph = last_graph(lambda: results.append(run().numpy()))
    return results[0], graph


def test_a_factor_of_each_row_is_taken_out_of_a_product_that_is_there():
    a, b, e = torch.randn(7, 4), torch.randn(4, 3), torch.randn(7, 1)
    y, graph = both(lambda: torch.cat([a @ b, (a * e) @ b, (-a * e) @ b, (a * e + e * a) @ b, (e * a * e) @ b, (a * 3) @ b]))
    assert steps(graph, "dot") == 1
    a, b, e = (x.numpy().astype(np.float64) for x in (a, b, e))
    np.testing.assert_allclose(y, np.concatenate([f * (a @ b) for f in (1, e, -e, 2 * e, e * e, 3)]), rtol=2e-5, atol=1e-6)


def test_what_is_left_of_sums_is_compared_too():
    """(e a + e c) b = e ((a + c) b), also where the sum was multiplied out"""
    a, c, b, e = torch.randn(7, 4), torch.randn(7, 4), torch.randn(4, 3), torch.randn(7, 1)
    y, graph = both(lambda: torch.cat([(a - c) @ b, (e * a - c * e) @ b, (c * e - e * a) @ b]))
    assert steps(graph, "dot") == 1
    a, c, b, e = (x.numpy().astype(np.float64) for x in (a, c, b, e))
    np.testing.assert_allclose(y, np.concatenate([f * ((a - c) @ b) for f in (1, e, -e)]), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "second", [lambda a, b, e, f: (a * f) @ b, lambda a, b, e, f: (a + e) @ b, lambda a, b, e, f: a.abs() @ b]
)
def test_other_products_stay(second):
    given = torch.randn(7, 4), torch.randn(4, 3), torch.randn(7, 1), torch.randn(4)
    y, graph = both(lambda: torch.cat([given[0] @ given[1], second(*given)]))
    assert steps(graph, "dot") == 2
    np.testing.assert_allclose(y[7:], second(*[x.double() for x in given]).numpy(), rtol=2e-5, atol=1e-5)


def test_half_precision_is_rounded_as_it_was_written():
    a, b, e = (torch.randn(*shape).to(torch.float16) for shape in ((7, 4), (4, 3), (7, 1)))
    _, graph = both(lambda: torch.cat([a @ b, (a * e) @ b]))
    assert steps(graph, "dot") == 2


def test_a_sum_of_products_by_one_matrix_is_a_product_of_the_sum():
    a, c, b, d = torch.randn(7, 4), torch.randn(7, 4), torch.randn(4, 3), torch.randn(7, 3)
    y, graph = both(lambda: a @ b + d + c @ b)
    assert steps(graph, "dot") == 1
    expected = (a.double() + c.double()) @ b.double() + d.double()
    np.testing.assert_allclose(y, expected.numpy(), rtol=2e-5, atol=1e-5)


def test_a_product_that_is_read_elsewhere_is_not_computed_twice():
    a, c, b = torch.randn(7, 4), torch.randn(7, 4), torch.randn(4, 3)
    y, graph = both(lambda: (lambda p: torch.cat([p, p + c @ b]))(a @ b))
    assert steps(graph, "dot") == 2
    np.testing.assert_allclose(y[7:], (a.double() @ b.double() + c.double() @ b.double()).numpy(), rtol=2e-5, atol=1e-5)


def test_transposed_products_with_a_factor_of_each_summed_row_go_together():
    """a^T (e b) + c^T b, with another product that has the right operand of one"""
    a, c, b, e, d = torch.randn(7, 4), torch.randn(7, 4), torch.randn(7, 3), torch.randn(7, 1), torch.randn(2, 7)
    y, graph = both(lambda: torch.cat([a.t() @ (e * b) + c.t() @ b, d @ b]))
    assert steps(graph, "dot") == 2
    a, c, b, e = (x.double() for x in (a, c, b, e))
    np.testing.assert_allclose(y[:4], (a.t() @ (e * b) + c.t() @ b).numpy(), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("ones", [torch.ones, lambda *shape: torch.ones_like(torch.zeros(*shape))])
def test_known_ones_multiply_nothing(ones):
    x = torch.randn(3, 4)
    y, graph = both(lambda: torch.cat([x * ones(3, 4) - 1, ones(3, 1) @ x[:1], torch.exp(x[:1]) * ones(3, 4)]))
    assert steps(graph, "mul") == steps(graph, "dot") == 0
    np.testing.assert_allclose(y[3:], [x[0].tolist()] * 3 + [x[0].exp().tolist()] * 3, rtol=1e-6)


def test_ones_that_are_another_number_next_time_are_multiplied():
    x = torch.randn(3, 4)
    for number in (1.0, 0.5):
        y, graph = both(functools.partial(lambda number: x * torch.full((3, 4), number), number))
        assert steps(graph, "mul") == 1 and np.array_equal(y, x.numpy() * np.float32(number))


@pytest.mark.parametrize("columns", [1, slice(1, 2)])
def test_the_derivative_of_a_column_is_no_product_with_the_others(columns):
    w = torch.randn(4, 3, requires_grad=True)
    x = torch.randn(5, 4, requires_grad=True)
    v = torch.randn(5, 1) if isinstance(columns, slice) else torch.randn(5)
    y, graph = both(lambda: torch.autograd.grad((x @ w)[:, columns], x, v, create_graph=True)[0].detach())
    assert steps(graph, "dot") == 0
    np.testing.assert_allclose(y, np.outer(v.numpy(), w.detach().numpy()[:, 1]), rtol=1e-6)
