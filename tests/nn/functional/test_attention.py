"""Attention beside PyTorch's plain way of computing it, which has second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, raises_as_peer
from wengert.nn import functional as F
from wengert.nn.attention import SDPBackend, sdpa_kernel

torch = pytest.importorskip("torch")

Q, K, V = normal(2, 3, 4, 5), normal(2, 3, 6, 5, seed=1), normal(2, 3, 6, 7, seed=2)
SOME = np.random.default_rng(4).random((4, 6)) > 0.4
SOME[0] = True
SOME[1] = False  # a query that may look at nothing


@pytest.fixture(autouse=True)
def plain() -> Any:
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        yield


@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"scale": 0.3}, {"scale": 2.0, "is_causal": True}, {"dropout_p": 0.0}]
)
def test_without_a_mask(options):
    beside(lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, **options), Q, K, V)
    beside(lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, **options), Q[0, 0], K[0, 0], V[0, 0])


@pytest.mark.parametrize("mask", [normal(4, 6), normal(3, 4, 6), normal(2, 1, 1, 6), SOME, SOME[0], SOME[None, None]])
def test_with_a_mask(mask):
    beside(lambda F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), Q, K, V, mask)


def test_a_query_that_may_look_at_nothing_gets_zero_and_no_derivative():
    q = tensor(Q, True)
    y = F.scaled_dot_product_attention(q, tensor(K), tensor(V), tensor(SOME))
    assert not array(y)[:, :, 1].any()
    y.sum().backward()
    assert not array(q.grad)[:, :, 1].any() and np.isfinite(array(q.grad)).all()


def test_minus_infinity_in_a_mask_is_as_false():
    mask = np.where(SOME, 0.0, -np.inf)
    beside(lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, F_mask(F, mask)), Q, K, V)


def F_mask(library: Any, mask: Any) -> Any:
    return tensor(mask) if library is F else torch.from_numpy(mask)


def test_batches_broadcast():
    beside(lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v), Q, K[:1], V[:, :1])


@pytest.mark.parametrize("heads", [1, 2])
def test_grouped_queries(heads):
    q, k, v = normal(2, 4, 3, 5), normal(2, heads, 6, 5, seed=1), normal(2, heads, 6, 7, seed=2)
    beside(lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True), q, k, v)


def test_large_scores_do_not_overflow():
    q, k, v = [tensor(x.astype(np.float32)) for x in (1e3 * Q, 1e3 * K, V)]
    y = F.scaled_dot_product_attention(q, k, v)
    assert np.isfinite(array(y)).all()


def test_dropout_keeps_the_mean():
    q, k, v = tensor(np.zeros((1, 1, 5))), tensor(np.zeros((1, 4000, 5))), tensor(np.ones((1, 4000, 1)))
    assert abs(F.scaled_dot_product_attention(q, k, v, dropout_p=0.3).item() - 1) < 0.05
    assert F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).item() == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k, v, q @ k.mT, is_causal=True),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q[0, 0, 0], k[0, 0], v[0, 0]),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k.float(), v),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k, v, (q @ k.mT).int()),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k, v, (q @ k.mT)[:, :, :3]),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k[..., :3], v),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k, v[:, :, :4]),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k, v, dropout_p=1.5),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q, k[:, :2], v[:, :2], enable_gqa=True),
        lambda n, q, k, v: n.functional.scaled_dot_product_attention(q.long(), k.long(), v.long()),
    ],
)
def test_wrong_input_is_refused_as_by_the_peer(call):
    raises_as_peer(call, Q, K, V)


def test_kernels_are_accepted():
    with sdpa_kernel(SDPBackend.MATH), sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]):
        F.scaled_dot_product_attention(tensor(Q), tensor(K), tensor(V))
    assert [one.name for one in SDPBackend] == list(torch.nn.attention.SDPBackend.__members__)
    with pytest.raises(AssertionError), sdpa_kernel("math"):
        pass
