"""New random tensors: shapes, dtypes, bounds, distributions. Fixed seeds, so that nothing fails by chance."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from wengert import dtypes
from wengert.functions.random import rand, rand_like, randint, randint_like, randn, randn_like, randperm
from wengert.functions.seeds import Generator, manual_seed
from wengert.runtime.tiers import Counts

stats = pytest.importorskip("scipy.stats")


@pytest.fixture(autouse=True)
def seeded():
    manual_seed(1234)


@pytest.mark.parametrize("make", [rand, randn])
def test_sizes(make):
    for x in (make(2, 3), make((2, 3)), make([2, 3]), make(size=(2, 3))):
        assert tuple(x.shape) == (2, 3)
    assert tuple(make(()).shape) == () and tuple(make(0, 3).shape) == (0, 3)
    with pytest.raises(TypeError, match="sizes"):
        make()
    with pytest.raises(TypeError, match="integers"):
        make(2.0)
    with pytest.raises(RuntimeError, match="negative"):
        make(-1)


@pytest.mark.parametrize("make", [rand, randn])
def test_dtypes(make):
    assert make(2).dtype is dtypes.float32
    for dtype in (dtypes.float16, dtypes.bfloat16, dtypes.float64, dtypes.complex64, dtypes.complex128):
        assert make(2, dtype=dtype).dtype is dtype
    assert make(2, dtype=float).dtype is dtypes.float64
    with pytest.raises(RuntimeError, match="floating"):
        make(2, dtype=dtypes.int64)
    assert make(2, requires_grad=True).requires_grad and make(2, requires_grad=True).is_leaf
    target = tensor(np.zeros(4))
    assert make(4, out=target) is target and target.dtype is dtypes.float64 and array(target).all()
    with pytest.raises(RuntimeError, match="no device"):
        make(2, device="cuda")


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64])
def test_distributions(dtype):
    u, z = array(rand(20_000, dtype=dtype)), array(randn(20_000, dtype=dtype))
    assert u.min() >= 0 and u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert stats.kstest(z, "norm").pvalue > 0.01
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 0.02


def test_complex_normal_numbers_have_variance_1():
    z = array(randn(20_000, dtype=dtypes.complex128))
    assert abs(np.mean(np.abs(z) ** 2) - 1) < 0.03 and abs(z.mean()) < 0.02


def test_integers():
    x = array(randint(3, 8, (20_000,)))
    assert x.dtype == np.int64
    assert stats.chisquare(np.bincount(x)[3:]).pvalue > 0.01
    assert set(array(randint(2, (50,), dtype=dtypes.bool_)).tolist()) == {True, False}
    assert randint(10, (3,), dtype=dtypes.float32).dtype is dtypes.float32
    for y in (randint(high=3, size=(2,)), randint(1, 3, size=(2,)), randint(low=1, high=3, size=[2])):
        assert tuple(y.shape) == (2,)
    assert array(randint(-5, -4, (3,))).tolist() == [-5, -5, -5]
    huge = array(randint(0, 2**63, (100,)))
    assert huge.min() >= 0 and huge.max() > 2**61
    assert array(randint(-(2**63), 2**63 - 1, (100,))).min() < 0


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (RuntimeError, lambda: randint(3, 3, (2,))),
        (RuntimeError, lambda: randint(300, (2,), dtype=dtypes.uint8)),
        (RuntimeError, lambda: randint(-1, 3, (2,), dtype=dtypes.uint8)),
        (RuntimeError, lambda: randint(3, (-2,))),
        (RuntimeError, lambda: randint(3, (2,), dtype=dtypes.complex64)),
        (TypeError, lambda: randint(3, 4)),
        (TypeError, lambda: randint(0, 1.5, (2,))),
        (TypeError, lambda: randint((2,))),
        (TypeError, lambda: randint(1, 2, 3, (2,))),
        (RuntimeError, lambda: randperm(-5)),
        (RuntimeError, lambda: randperm(300, dtype=dtypes.uint8)),
        (RuntimeError, lambda: rand_like(tensor([1, 2]))),
        (TypeError, lambda: randint_like(tensor([1, 2]))),
    ],
)
def test_wrong_arguments_are_errors(error, call):
    with pytest.raises(error):
        call()


def test_permutations():
    assert sorted(array(randperm(100)).tolist()) == list(range(100))
    assert array(randperm(0)).tolist() == [] and array(randperm(1)).tolist() == [0]
    assert randperm(5, dtype=dtypes.float32).dtype is dtypes.float32
    g = Generator().manual_seed(0)
    first = np.array([array(randperm(4, generator=g))[0] for _ in range(400)])
    assert stats.chisquare(np.bincount(first, minlength=4)).pvalue > 0.01


def test_likes():
    x = tensor(normal(2, 3).astype(np.float32))
    assert rand_like(x).dtype is dtypes.float32 and tuple(randn_like(x).shape) == (2, 3)
    assert rand_like(tensor([1, 2]), dtype=dtypes.float64).dtype is dtypes.float64
    assert randint_like(x, 5).dtype is dtypes.float32
    assert array(randint_like(x, 4, 5)).tolist() == [[4.0] * 3] * 2
    assert array(randint_like(x, low=4, high=5)).tolist() == [[4.0] * 3] * 2


def test_new_numbers_need_no_new_executable():
    array(rand(3, 5))
    made = Counts.made
    for _ in range(4):
        array(rand(3, 5))
    assert Counts.made == made
