import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, raises_as_peer
from wengert.nn import functional as F


@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 5, 3), (2, 1, 4, 3), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_takes_every_rank(shape, bias):
    weight, b = normal(4, 3, seed=1), normal(4, seed=2)
    if bias:
        beside(lambda F, x, w, b: F.linear(x, w, b), normal(*shape), weight, b)
    else:
        beside(lambda F, x, w: F.linear(x, w), normal(*shape), weight)


def test_linear_with_a_vector_as_weight():
    beside(lambda F, x, w: F.linear(x, w), normal(5, 3), normal(3, seed=1))
    beside(lambda F, x, w: F.linear(x, w), normal(2, 5, 3), normal(3, seed=1))


def test_linear_without_inputs_or_outputs():
    beside(lambda F, x, w, b: F.linear(x, w, b), normal(2, 0), normal(3, 0), normal(3))
    beside(lambda F, x, w, b: F.linear(x, w, b), normal(2, 3), normal(0, 3), normal(0))


def test_linear_bias_may_have_one_element():
    beside(lambda F, x, w, b: F.linear(x, w, b), normal(5, 3), normal(2, 3), normal(1))


@pytest.mark.parametrize("first", [(5, 3), (3,), (2, 5, 3), (0, 3)])
def test_bilinear_agrees(first):
    second = (*first[:-1], 2)
    values = normal(*first), normal(*second, seed=1), normal(4, 3, 2, seed=2), normal(4, seed=3)
    beside(lambda F, a, b, w, c: F.bilinear(a, b, w, c), *values)
    beside(lambda F, a, b, w: F.bilinear(a, b, w), *values[:3])


@pytest.mark.parametrize(
    ("call", "values"),
    [
        (lambda nn, x, w: nn.functional.linear(x, w), (normal(3, 4), normal(3, 5))),
        (lambda nn, x, w: nn.functional.linear(x, w), (normal(), normal(3, 5))),
        (lambda nn, x, w, b: nn.functional.linear(x, w, b), (normal(3, 4), normal(3, 4), normal(2))),
        (lambda nn, x, w: nn.functional.linear(x, w), (np.arange(4), normal(3, 4))),
        (lambda nn, x, w: nn.functional.linear(x, w), (normal(3, 4, dtype=np.float32), normal(3, 4))),
        (lambda nn, x, w, b: nn.functional.linear(x, w, b), (normal(3, 4), normal(3, 4), normal(3, dtype=np.float32))),
        (lambda nn, x, w: nn.functional.linear(x, [w]), (normal(3, 4), normal(3, 4))),
        (lambda nn, a, b, w: nn.functional.bilinear(a, b, w), (normal(3, 4), normal(3, 5), normal(2, 4, 4))),
        (lambda nn, a, b, w: nn.functional.bilinear(a, b, w), (normal(3, 4), normal(2, 5), normal(2, 4, 5))),
    ],
)
def test_wrong_input_is_refused(call, values):
    raises_as_peer(call, *values)


def test_the_error_tells_sizes_and_line():
    with pytest.raises(RuntimeError, match=r"4 != 5.*\[3, 4\] and \[2, 5\].*test_linear\.py:\d+"):
        F.linear(tensor(normal(3, 4)), tensor(normal(2, 5)))


def test_complex_linear_agrees():
    x, w = normal(3, 4) + 1j * normal(3, 4, seed=1), normal(2, 4, seed=2) + 1j * normal(2, 4, seed=3)
    np.testing.assert_allclose(array(F.linear(tensor(x), tensor(w))), x @ w.T)
