"""Order: ties keep theirs, NaN is the largest, -0 equals 0, in every dtype; and PyTorch agrees."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes import given, over_batch, value
from wengert import dtypes
from wengert.errors import AxisError, DtypeError, ShapeError
from wengert.graph.rule import primitives

random = np.random.default_rng(0)
NAN, INF = float("nan"), float("inf")
REAL = [dtype for dtype in dtypes.ALL if not dtype.is_complex]
SPECIAL = [0.0, -0.0, NAN, -INF, INF, 1.5, -1.5, 1.5, -0.0, NAN, 1e-40, -1e-40, 3.0, -INF]


def order(x, axis=0, descending=False):
    return value(primitives.argsort(given(x), axis=axis, descending=descending))


def top(x, k, axis=0, largest=True):
    return value(primitives.top_k_indices(given(x), k=k, axis=axis, largest=largest))


def sorted_by_python(row, descending=False):
    """Positions by (is NaN, value), ties in their order."""
    sign = -1 if descending else 1
    return sorted(
        range(len(row)), key=lambda i: (sign * (row[i] != row[i]), sign * (row[i] if row[i] == row[i] else 0))
    )


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", [d for d in REAL if d.is_floating_point], ids=str)
def test_special_values_have_pytorchs_order(dtype, descending):
    x = np.array(SPECIAL).astype(dtype.numpy)
    assert order(x, descending=descending).tolist() == sorted_by_python(x.astype(float).tolist(), descending)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_ties_keep_their_order(dtype, descending):
    x = random.integers(-3, 4, (4, 50)).astype(dtype.numpy)
    for axis in (0, 1):
        got = order(x, axis, descending)
        assert got.dtype == np.int64 and got.flags.writeable
        for row, positions in zip(np.moveaxis(x, axis, -1), np.moveaxis(got, axis, -1)):
            assert positions.tolist() == sorted_by_python(row.tolist(), descending)


def test_limits_of_integers_are_in_order():
    for dtype in (np.int8, np.int32, np.int64, np.uint8, np.uint32, np.uint64):
        info = np.iinfo(dtype)
        x = np.array([info.max, 0, info.min, 1], dtype)
        assert order(x).tolist() == ([2, 1, 3, 0] if info.min else [1, 2, 3, 0])
        assert order(x, descending=True).tolist() == [0, 3, 1, 2]
    assert order(np.array([True, False, True])).tolist() == [1, 0, 2]


@pytest.mark.parametrize("shape, axis", [((0,), 0), ((0, 3), 0), ((0, 3), 1), ((3, 0), 0), ((1,), 0)])
def test_empty_and_single(shape, axis):
    assert order(np.zeros(shape), axis).shape == shape
    assert top(np.zeros(shape), 0, axis).shape == tuple(0 if i == axis else n for i, n in enumerate(shape))


def test_what_has_no_order_is_refused():
    for record in (
        lambda x: primitives.argsort(x, axis=0),
        lambda x: primitives.top_k_indices(x, k=1, axis=0),
        lambda x: primitives.searchsorted(x, x),
    ):
        with pytest.raises(DtypeError, match="complex numbers have no order"):
            record(given(np.zeros(2, complex)))
    with pytest.raises(AxisError):
        primitives.argsort(given(np.float64(1)), axis=0)


# --- the largest k ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_top_k_is_the_head_of_the_order(dtype, largest):
    x = random.integers(-3, 4, (5, 30)).astype(dtype.numpy)
    for axis in (0, 1):
        whole = order(x, axis, descending=largest)
        for k in (0, 1, 3, x.shape[axis] - 1, x.shape[axis]):
            np.testing.assert_array_equal(top(x, k, axis, largest), np.take(whole, range(k), axis))


@pytest.mark.parametrize("largest", [False, True])
def test_top_k_of_special_values(largest):
    for dtype in (np.float32, np.float64, dtypes.bfloat16.numpy):
        x = np.array(SPECIAL).astype(dtype)
        whole = order(x, descending=largest)
        for k in range(len(x) + 1):
            assert top(x, k, largest=largest).tolist() == whole[:k].tolist()


@pytest.mark.parametrize("k", [-1, 4])
def test_top_k_refuses_more_than_there_are(k):
    with pytest.raises(ShapeError, match="k out of range: k between 0 and 3; got"):
        top(np.zeros(3), k)


# --- places in a sorted sequence ------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, dtypes.bfloat16.numpy], ids=str)
def test_places_are_between_neighbours(right, dtype):
    def place(boundaries, values):
        nodes = given(np.asarray(boundaries, dtype)), given(np.asarray(values, dtype))
        return value(primitives.searchsorted(*nodes, right=right)).tolist()

    assert place([1, 3, 3, 5], [0, 1, 3, 4, 6]) == ([0, 1, 3, 3, 4] if right else [0, 0, 1, 3, 4])
    assert place([1, 3], 2) == 1
    assert place([], [[1, 2]]) == [[0, 0]]
    assert place([[1, 3], [5, 7]], [[3], [6]]) == ([[2], [1]] if right else [[1], [1]])


def test_places_refuse_what_does_not_fit():
    for sequence, values in [((), (2,)), ((2, 3), (3, 1)), ((2, 3), (2,)), ((2, 3), ())]:
        with pytest.raises(ShapeError, match="whose first sizes"):
            primitives.searchsorted(given(np.zeros(sequence)), given(np.zeros(values)))
    with pytest.raises(DtypeError, match="one dtype"):
        primitives.searchsorted(given(np.zeros(2)), given(np.zeros(2, np.float32)))


@pytest.mark.parametrize("leading, values", [((), ()), ((), (4,)), ((), (2, 4)), ((3,), (3, 4)), ((3, 2), (3, 2, 4))])
@pytest.mark.parametrize("batched", [(True, False), (False, True), (True, True)])
def test_places_in_a_batch(leading, values, batched):
    flags = dict(zip("sv", batched))
    s = np.sort(random.normal(size=(*((2,) if flags["s"] else ()), *leading, 5)), -1)
    v = random.normal(size=(*((2,) if flags["v"] else ()), *values))
    got = over_batch(primitives.searchsorted, [s, v], batched)
    for i in range(2):
        row = given(s[i] if flags["s"] else s), given(v[i] if flags["v"] else v)
        np.testing.assert_array_equal(got[i], value(primitives.searchsorted(*row)))


# --- PyTorch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("descending", [False, True])
def test_order_is_pytorchs(descending):
    torch = pytest.importorskip("torch")
    for x in (random.normal(size=(7, 9)).astype(np.float32), random.integers(0, 5, (7, 9)), np.array([SPECIAL] * 2)):
        for axis in (0, 1):
            theirs = torch.argsort(torch.tensor(x), dim=axis, descending=descending, stable=True)
            np.testing.assert_array_equal(order(x, axis, descending), theirs.numpy())


@pytest.mark.parametrize("largest", [False, True])
def test_top_k_values_are_pytorchs(largest):
    torch = pytest.importorskip("torch")
    x = random.integers(0, 50, (6, 40)).astype(np.float64)
    x[2, 5] = x[2, 9] = NAN
    theirs = torch.topk(torch.tensor(x), 7, 1, largest=largest).values.numpy()
    np.testing.assert_array_equal(np.take_along_axis(x, top(x, 7, 1, largest), 1), theirs)


@pytest.mark.parametrize("right", [False, True])
def test_places_are_pytorchs(right):
    torch = pytest.importorskip("torch")
    s, v = np.sort(random.integers(0, 9, (3, 8)), -1), random.integers(-1, 10, (3, 5))
    theirs = torch.searchsorted(torch.tensor(s), torch.tensor(v), right=right).numpy()
    np.testing.assert_array_equal(value(primitives.searchsorted(given(s), given(v), right=right)), theirs)
