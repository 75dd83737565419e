"""Sums that are, but for a factor, sums that are there already are not computed again."""

from __future__ import annotations

import numpy as np

import wengert as torch
from tests.rewrite.test_algebra import last_graph, steps
from tests.rewrite.test_products import both


def test_batch_norm_sums_its_cotangent_as_often_as_its_parameters_do():
    """Two sums for the statistics, two for the derivatives by weight and bias, and none for that by the input."""
    bn, x = torch.nn.BatchNorm2d(5), torch.randn(4, 5, 3, 3, requires_grad=True)
    w = torch.randn(4, 5, 3, 3)
    bn.weight.data.copy_(torch.rand(5) + 0.5)
    bn.weight.tolist()
    found = []

    def run():
        bn(x).backward(w)
        found[:] = [bn.weight.grad.numpy(), bn.bias.grad.numpy(), x.grad.numpy()]

    graph = last_graph(run)
    assert steps(graph, "reduce_sum") == 4
    wide = x.detach().numpy().astype(np.float64)
    y_bar, gamma = w.numpy().astype(np.float64), bn.weight.detach().numpy().reshape(5, 1, 1)
    along = (0, 2, 3)
    r = 1 / np.sqrt(wide.var(along, keepdims=True) + bn.eps)
    y = (wide - wide.mean(along, keepdims=True)) * r
    v = y_bar * gamma
    x_bar = r * (v - v.mean(along, keepdims=True) - y * (v * y).mean(along, keepdims=True))
    for own, expected in zip(found, ((y_bar * y).sum(along), y_bar.sum(along), x_bar)):
        np.testing.assert_allclose(own, expected, rtol=2e-5, atol=2e-6)


def test_a_factor_that_is_there_twice_counts_twice():
    x, c = torch.randn(4, 3), torch.randn(3)
    y, graph = both(lambda: torch.cat([x.sum(0), (c * x * c).sum(0), (x * c.expand(4, 3)).sum(0)]))
    assert steps(graph, "reduce_sum") == 1
    x, c = (t.numpy().astype(np.float64) for t in (x, c))
    np.testing.assert_allclose(y, np.concatenate([f * x.sum(0) for f in (1, c * c, c)]), rtol=2e-5, atol=1e-6)


def test_what_changes_along_the_sum_stays_in_it():
    x, c, d = torch.randn(4, 3), torch.randn(4, 1), torch.randn(1, 3)
    y, graph = both(lambda: torch.cat([x.sum(0), (x * c).sum(0), (c * d).sum(0)]))
    assert steps(graph, "reduce_sum") == 3
    x, c, d = (t.numpy().astype(np.float64) for t in (x, c, d))
    expected = np.concatenate([x.sum(0), (x * c).sum(0), (c * d).sum(0)])
    np.testing.assert_allclose(y, expected, rtol=2e-5, atol=1e-6)


def test_a_stretched_value_is_summed_as_often_as_it_is_read():
    """sum over i and k of c_k d_i is not c sum(d): d alone has fewer elements"""
    c, d = torch.randn(3), torch.randn(4, 1)
    y, _ = both(lambda: torch.cat([d.sum(0), (c * d).sum((0,)), (c * d * 1.5).sum((0, 1))[None]]))
    c, d = (t.numpy().astype(np.float64) for t in (c, d))
    np.testing.assert_allclose(y, [*d.sum(0), *(c * d).sum(0), 1.5 * (c * d).sum()], rtol=2e-5, atol=1e-6)
