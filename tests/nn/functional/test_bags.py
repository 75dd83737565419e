"""Embedding bags beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, layer_beside, raises_as_peer
from wengert.autograd.backward import grad
from wengert.nn import EmbeddingBag, functional as F

WEIGHT = normal(7, 3)
ROWS = np.array([[0, 2, 2, 6], [4, 1, 0, 3], [3, 3, 3, 3]])
FLAT = np.array([1, 3, 3, 0, 6, 3, 2, 5, 5])
STARTS = np.array([0, 2, 2, 6])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 3, -1])
def test_modes(mode, padding):
    options = {"mode": mode, "padding_idx": padding}
    beside(lambda F, i, w: F.embedding_bag(i, w, **options), ROWS, WEIGHT, second=False)
    beside(lambda F, i, w, o: F.embedding_bag(i, w, o, **options), FLAT, WEIGHT, STARTS, second=False)
    beside(lambda F, i, w, o: F.embedding_bag(i, w, o, include_last_offset=True, **options), FLAT, WEIGHT,
           np.array([0, 4, 4, 9]), second=False)  # fmt: skip
    beside(lambda F, i, w, o: F.embedding_bag(i, w, o, **options), FLAT.astype(np.int32), WEIGHT, STARTS.astype(np.int32),
           second=False)  # fmt: skip


@pytest.mark.parametrize("padding", [None, 2])
def test_factors(padding):
    options = {"mode": "sum", "padding_idx": padding}
    beside(lambda F, i, w, o, f: F.embedding_bag(i, w, o, per_sample_weights=f, **options), FLAT, WEIGHT, STARTS, normal(9),
           second=False)  # fmt: skip
    beside(lambda F, i, w, f: F.embedding_bag(i, w, per_sample_weights=f, **options), ROWS, WEIGHT, normal(3, 4),
           second=False)  # fmt: skip


def test_scale_by_frequency_divides_by_the_count():
    """Not beside PyTorch 2.13, which divides by the counts of other rows."""
    weight = tensor(WEIGHT, True)
    (bar,) = grad(F.embedding_bag(tensor(ROWS), weight, mode="sum", scale_grad_by_freq=True).sum(), [weight])
    np.testing.assert_allclose(array(bar), np.where(np.isin(np.arange(7), ROWS), 1.0, 0.0)[:, None] * np.ones(3))


def test_max_norm_shortens_rows_in_use():
    weight = tensor(5 * WEIGHT)
    F.embedding_bag(tensor(ROWS[:1]), weight, max_norm=1.0)
    lengths = np.linalg.norm(array(weight), axis=1)
    assert (lengths[[0, 2, 6]] <= 1 + 1e-9).all()
    np.testing.assert_array_equal(array(weight)[[1, 3, 4, 5]], 5 * WEIGHT[[1, 3, 4, 5]])


@pytest.mark.parametrize(
    "make",
    [
        lambda n: n.EmbeddingBag(7, 3),
        lambda n: n.EmbeddingBag(7, 3, mode="sum", padding_idx=-1),
        lambda n: n.EmbeddingBag(7, 3, mode="max", norm_type=1.0, max_norm=2.5),
    ],
)
def test_layer(make):
    layer_beside(make, ROWS, second=False)


def test_from_pretrained():
    bag = EmbeddingBag.from_pretrained(tensor(WEIGHT), mode="sum")
    assert not bag.weight.requires_grad
    np.testing.assert_allclose(array(bag(tensor(ROWS))), WEIGHT[ROWS].sum(1))
    with pytest.raises(ValueError, match="2-dimensional"):
        EmbeddingBag.from_pretrained(tensor(WEIGHT[0]))
    with pytest.raises(ValueError, match="padding_idx"):
        EmbeddingBag(7, 3, padding_idx=7)


@pytest.mark.parametrize(
    "call",
    [
        lambda n, i, w: n.functional.embedding_bag(i, w[0]),
        lambda n, i, w: n.functional.embedding_bag(i[None], w),
        lambda n, i, w: n.functional.embedding_bag(i, w, i[0]),
        lambda n, i, w: n.functional.embedding_bag(i[0], w),
        lambda n, i, w: n.functional.embedding_bag(i[0], w, i),
        lambda n, i, w: n.functional.embedding_bag(i, w, mode="min"),
        lambda n, i, w: n.functional.embedding_bag(i, w, mode="max", scale_grad_by_freq=True),
        lambda n, i, w: n.functional.embedding_bag(i, w, mode="max", sparse=True),
        lambda n, i, w: n.functional.embedding_bag(i, w, per_sample_weights=w),
        lambda n, i, w: n.functional.embedding_bag(i, w, padding_idx=9),
    ],
)
def test_wrong_input_is_refused_as_by_the_peer(call):
    raises_as_peer(call, ROWS, WEIGHT)


def test_numbers_and_offsets_out_of_range_are_refused_as_by_the_peer():
    raises_as_peer(lambda n, i, w: n.functional.embedding_bag(i, w), ROWS + 4, WEIGHT)
    raises_as_peer(lambda n, i, w: n.functional.embedding_bag(i, w), ROWS - 1, WEIGHT)
    for starts in ([1, 2], [0, 12]):
        raises_as_peer(lambda n, i, w, o: n.functional.embedding_bag(i, w, o), FLAT, WEIGHT, np.array(starts))


def test_numbers_that_are_computed_are_checked_when_used():
    with pytest.raises(IndexError):
        array(F.embedding_bag(tensor(ROWS) + 4, tensor(WEIGHT)))


def test_factors_go_with_sums_only():
    with pytest.raises(NotImplementedError):
        F.embedding_bag(tensor(ROWS), tensor(WEIGHT), per_sample_weights=tensor(normal(3, 4)))
