"""Random numbers: the stream is the published one, the layout is the documented one, the moments are right."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes import given, over_batch, value
from wengert import dtypes
from wengert.errors import DtypeError, ShapeError
from wengert.graph.rule import primitives
from wengert.primitives.random import halves, words

FLOATS = [dtype for dtype in dtypes.ALL if dtype.is_floating_point]


def draw(name, *inputs, key=7, counter=0, **params):
    return value(getattr(primitives, name)(*[given(np.int64(n)) for n in (key, counter, *inputs)], **params))


def philox_4x64_10(key, counter):
    """The published rounds in plain Python integers."""
    mask = 2**64 - 1
    for _ in range(10):
        first, second = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
        counter = (
            (second >> 64) ^ counter[1] ^ key[0], second & mask,
            (first >> 64) ^ counter[3] ^ key[1], first & mask,
        )  # fmt: skip
        key = ((key[0] + 0x9E3779B97F4A7C15) & mask, (key[1] + 0xBB67AE8584CAA73B) & mask)
    return counter


@pytest.mark.parametrize("key, counter", [(0, 0), (7, 3), (-1, 2**40), (-(2**63), 2**63 - 1)])
def test_the_stream_is_philox(key, counter):
    mask = 2**64 - 1
    blocks = [philox_4x64_10((key & mask, 0), (block, counter & mask, 0, 0)) for block in (1, 2, 3)]
    assert words(key, counter, 10).tolist() == [word for block in blocks for word in block][:10]
    assert (
        draw("bits", key=key, counter=counter, shape=(2, 3)).view(np.uint64).ravel().tolist()
        == [word for block in blocks for word in block][:6]
    )


def test_halves_are_low_first():
    word = words(1, 2, 3).tolist()
    assert halves(1, 2, 5).tolist() == [n for w in word for n in (w & 0xFFFFFFFF, w >> 32)][:5]


def test_uniform_layout():
    whole, half = words(7, 0, 6), halves(7, 0, 6)
    np.testing.assert_array_equal(draw("uniform", shape=(6,), dtype=dtypes.float64), (whole >> 11) * 2.0**-53)
    for dtype, bits in [(dtypes.float32, 24), (dtypes.float16, 11), (dtypes.bfloat16, 8)]:
        got = draw("uniform", shape=(6,), dtype=dtype).astype(np.float64)
        np.testing.assert_array_equal(got, (half >> (32 - bits)) * 2.0**-bits)


@pytest.mark.parametrize("name", ["uniform", "normal"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_longer_array_begins_with_the_shorter_one(name, dtype):
    short, long = draw(name, shape=(5,), dtype=dtype), draw(name, shape=(2, 100), dtype=dtype)
    np.testing.assert_array_equal(short, long.ravel()[:5])


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_moments(dtype):
    n = 200_000
    u = draw("uniform", shape=(n,), dtype=dtype).astype(np.float64)
    assert u.min() >= 0 and u.max() < 1
    low_end = {"bfloat16": 2.0**-9, "float16": 2.0**-12}.get(dtype.name, 0)  # multiples of 2 ** -bits from below
    assert abs(u.mean() - (0.5 - low_end)) < 5 / np.sqrt(12 * n)
    z = draw("normal", shape=(n,), dtype=dtype).astype(np.float64)
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / n) + 1e-3 * (dtype.itemsize == 2)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / n) + 0.02 * (dtype.itemsize == 2)
    assert abs(np.corrcoef(z[0::2], z[1::2])[0, 1]) < 5 / np.sqrt(n / 2)


def test_keys_and_counters_give_streams_of_their_own():
    seen = {
        draw("bits", key=key, counter=counter, shape=(100,)).tobytes() for key in (0, 1, 2) for counter in (0, 1, 2)
    }
    assert len(seen) == 9
    assert draw("bits", shape=(100,)).tobytes() == draw("bits", shape=(100,)).tobytes()


# --- integers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("low, high", [(0, 10), (-5, 5), (-(2**63), 2**63 - 1), (3, 4), (2**62, 2**62 + 3)])
def test_integers_are_words_by_modulus(low, high):
    got = draw("randint", low, high, shape=(1000,), dtype=dtypes.int64)
    assert got.tolist() == [low + word % (high - low) for word in words(7, 0, 1000).tolist()]
    if high - low <= 10:
        assert set(got.tolist()) == set(range(low, high))


@pytest.mark.parametrize("dtype", [dtypes.uint8, dtypes.int32, dtypes.float32, dtypes.bfloat16], ids=str)
def test_integers_in_other_dtypes_are_the_same_numbers(dtype):
    np.testing.assert_array_equal(
        draw("randint", 0, 100, shape=(50,), dtype=dtype).astype(int),
        draw("randint", 0, 100, shape=(50,), dtype=dtypes.int64),
    )


@pytest.mark.parametrize("low, high", [(5, 5), (6, 5)])
def test_an_empty_range_is_refused(low, high):
    with pytest.raises(RuntimeError, match=f"expects 'low' to be less than 'high', but got low={low} >= high={high}"):
        draw("randint", low, high, shape=(2,), dtype=dtypes.int64)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 64, 1000])
def test_permutations_hold_every_number_once(n):
    got = draw("permutation", n=n)
    assert sorted(got.tolist()) == list(range(n))
    if n == 1000:
        assert abs(np.corrcoef(got, np.arange(n))[0, 1]) < 5 / np.sqrt(n)


def test_permutations_are_equally_likely():
    counts = {}
    for counter in range(1200):
        order = tuple(draw("permutation", counter=counter, n=3).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert all(abs(count - 200) < 5 * np.sqrt(200) for count in counts.values())


# --- shapes, batches, refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (2, 3)])
def test_shapes(shape):
    for name, more in [("uniform", {"dtype": dtypes.float32}), ("normal", {"dtype": dtypes.float64}), ("bits", {})]:
        assert draw(name, shape=shape, **more).shape == shape
    assert draw("randint", 0, 2, shape=shape, dtype=dtypes.int64).shape == shape


def test_a_batch_of_counters_is_a_batch_of_streams():
    def numbers(key, counter):
        return primitives.normal(key, counter, shape=(3,), dtype=dtypes.float64)

    got = over_batch(numbers, [np.int64(7), np.arange(4)], (False, True))
    for counter in range(4):
        np.testing.assert_array_equal(got[counter], draw("normal", counter=counter, shape=(3,), dtype=dtypes.float64))


def test_independent_rows_of_one_draw():
    key, counter = given(np.int64(7)), given(np.int64(0))
    got = value(primitives.uniform.rows(4, key, counter, shape=(3,), dtype=dtypes.float32))
    np.testing.assert_array_equal(got, draw("uniform", shape=(4, 3), dtype=dtypes.float32))
    orders = value(primitives.permutation.rows(50, key, counter, n=6))
    assert np.array_equal(np.sort(orders, 1), np.broadcast_to(np.arange(6), (50, 6)))
    assert len({tuple(order) for order in orders.tolist()}) > 40


def test_what_does_not_fit_is_refused():
    key = given(np.int64(1))
    with pytest.raises(DtypeError, match="zero-dimensional int64 inputs; got float64"):
        primitives.uniform(key, given(np.float64(1)), shape=(2,), dtype=dtypes.float32)
    with pytest.raises(DtypeError, match="zero-dimensional int64 inputs; got int64\\[1\\]"):
        primitives.bits(key, given(np.zeros(1, int)), shape=(2,))
    with pytest.raises(DtypeError, match="a floating dtype; got int64"):
        primitives.normal(key, key, shape=(2,), dtype=dtypes.int64)
    with pytest.raises(ShapeError, match="not negative"):
        primitives.permutation(key, key, n=-1)
