import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, raises_as_peer
from wengert.compiler import compile
from wengert.nn import functional as F
from wengert.settings import settings

INDEX = np.array([[0, 2, 2], [4, 1, 0]])


@pytest.mark.parametrize("index", [INDEX, np.array(3), np.zeros((2, 0), np.int64), INDEX.astype(np.int32)])
def test_embedding_agrees(index):
    beside(lambda F, i, w: F.embedding(i, w), index, normal(5, 3))


@pytest.mark.parametrize("padding", [2, -1])
def test_padding_idx_gets_no_derivative(padding):
    beside(lambda F, i, w: F.embedding(i, w, padding_idx=padding), INDEX, normal(5, 3))


def test_scale_grad_by_freq_divides_by_the_count():
    beside(lambda F, i, w: F.embedding(i, w, scale_grad_by_freq=True), INDEX, normal(5, 3), second=False)


@pytest.mark.parametrize("order", [1.0, 2.0, float("inf")])
def test_max_norm_shortens_the_rows_in_use_only(order):
    weight = tensor(3 * normal(5, 3))
    before = array(weight).copy()
    y = array(F.embedding(tensor(INDEX[0]), weight, max_norm=1.0, norm_type=order))
    assert (np.linalg.norm(y, order, axis=1) <= 1 + 1e-9).all()
    np.testing.assert_array_equal(array(weight)[[1, 3, 4]], before[[1, 3, 4]])
    np.testing.assert_array_equal(array(weight)[INDEX[0]], y)


def test_one_hot_agrees():
    beside(lambda F, i: F.one_hot(i), INDEX)
    beside(lambda F, i: F.one_hot(i, 7), INDEX)
    beside(lambda F, i: F.one_hot(i, 3), np.zeros((2, 0), np.int64))
    beside(lambda F, i: F.one_hot(i), np.array(3))


@pytest.mark.parametrize("tier", ["interpret", "compile"])
def test_one_hot_of_what_is_still_to_be_computed_is_checked_when_it_is(tier):
    with settings.scope(tier=tier):
        index = tensor(INDEX)
        made = F.one_hot(index + 1, 7)
        assert made._node.value is None  # nothing had to run for it
        np.testing.assert_array_equal(array(made), np.eye(7)[INDEX + 1])
        for shift, classes in ((1, 5), (-1, 7)):
            with pytest.raises(RuntimeError, match="out of bounds"):
                F.one_hot(index + shift, classes).sum().item()


def test_one_hot_is_part_of_compiled_functions():
    hot = compile(lambda i: F.one_hot(i, 5) * 2, fullgraph=True)
    for values in (INDEX, INDEX, 4 - INDEX):
        np.testing.assert_array_equal(array(hot(tensor(values))), 2 * np.eye(5)[values])
    with pytest.raises(RuntimeError, match="out of bounds"):
        hot(tensor(INDEX + 1)).sum().item()


@pytest.mark.parametrize(
    ("call", "index"),
    [
        (lambda nn, i, w: nn.functional.embedding(i, w), np.array([1, 5])),
        (lambda nn, i, w: nn.functional.embedding(i, w), np.array([1, -1])),
        (lambda nn, i, w: nn.functional.embedding(i, w), np.array([1.0])),
        (lambda nn, i, w: nn.functional.embedding(i, w[0]), np.array([1])),
        (lambda nn, i, w: nn.functional.one_hot(i, 3), np.array([1, 5])),
        (lambda nn, i, w: nn.functional.one_hot(i), np.array([1, -1])),
        (lambda nn, i, w: nn.functional.one_hot(i), np.array([1.0])),
        (lambda nn, i, w: nn.functional.one_hot(i), np.zeros(0, np.int64)),
    ],
)
def test_wrong_input_is_refused(call, index):
    raises_as_peer(call, index, normal(5, 3))


def test_a_padding_idx_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="padding_idx"):
        F.embedding(tensor(INDEX), tensor(normal(5, 3)), padding_idx=7)


def test_an_index_out_of_range_names_the_line_at_once_or_when_run():
    weight = tensor(normal(5, 3))
    with pytest.raises(IndexError, match=r"test_lookup\.py"):
        F.embedding(tensor([5]), weight)
    pending = F.embedding(tensor([4]) + 1, weight)
    with pytest.raises(IndexError):
        pending._array()
