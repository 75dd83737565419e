"""Products of middling size run on one thread, and NumPy's number of threads is left as it was."""

import numpy as np
import pytest

from wengert import dtypes
from wengert.backends import blas
from wengert.graph.node import array_type


def types(m, k, n, dtype=dtypes.float32, batch=()):
    return array_type((*batch, m, k), dtype), array_type((*batch, m, n), dtype)


def test_which_products_run_alone():
    assert blas.is_quicker_alone(*types(64, 784, 128))
    assert not blas.is_quicker_alone(*types(8, 64, 64))  # OpenBLAS does not divide it
    assert not blas.is_quicker_alone(*types(512, 784, 512))  # worth waking a thread
    assert blas.is_quicker_alone(*types(192, 192, 192))
    assert not blas.is_quicker_alone(*types(192, 192, 192, dtypes.float64))  # takes twice as long
    assert not blas.is_quicker_alone(*types(192, 192, 192, batch=(8,)))
    assert not blas.is_quicker_alone(*types(64, 784, 128, dtypes.int64))


def test_the_number_of_threads_is_restored(monkeypatch):
    threads, seen = [4], []

    def use(n):
        threads[0] = n

    def product(a, b):
        seen.append(threads[0])
        return np.matmul(a, b)

    monkeypatch.setattr(blas, "_threads", lambda: (lambda: threads[0], use))
    run = blas.alone(product)
    assert run(np.eye(2), np.eye(2)).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="matmul"):
        run(np.eye(2), np.eye(3))
    assert (seen, threads) == ([1, 1], [4])


def test_another_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(blas, "_threads", lambda: None)
    assert blas.alone(np.matmul) is np.matmul


def test_openblas_is_found_behind_numpys_own_wheels():
    if blas._threads() is None:
        pytest.skip("NumPy was built on another library than OpenBLAS")
    now, use = blas._threads()
    before = now()
    use(1)
    assert now() == 1
    use(before)
    assert now() == before
