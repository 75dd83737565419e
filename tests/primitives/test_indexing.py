"""Indexing by data: every position is checked, NumPy and PyTorch agree, and several writes to one place are settled."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np
import pytest

from tests.nodes import given, jvp, over_batch, value, vjp
from wengert import dtypes
from wengert.errors import AxisError, DtypeError, ShapeError
from wengert.graph.rule import primitives

random = np.random.default_rng(0)


def run(name, *inputs, **params):
    return value(getattr(primitives, name)(*[given(x) for x in inputs], **params))


def positions(low, high, shape):
    return random.integers(low, high, shape)


# --- bounds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "position, allowed", [(12, False), (10, False), (-11, False), (2**62, False), (-1, True), (-10, True)]
)
def test_positions_out_of_bounds_are_refused(position, allowed):
    x, at, source = np.arange(10.0), np.array([3, position, 0]), np.zeros(3)
    wrapping = [
        lambda: run("take", x, at, axis=0), lambda: run("put_add", x, at, source, axis=0),
        lambda: run("index", x, at, axes=(0,)), lambda: run("index", np.zeros((2, 10)), np.array(0), at, axes=(0, 1)),
        lambda: run("index_put", x, source, at, axes=(0,)),
        lambda: run("index_put", x, source, at, axes=(0,), accumulate=True),
    ]  # fmt: skip
    strict = [
        lambda: run("gather", x, at, axis=0), lambda: run("scatter", x, at, source, axis=0),
        lambda: run("scatter_add", x, at, source, axis=0), lambda: run("take", x, at, axis=0, wrap=False),
        lambda: run("put_add", x, at, source, axis=0, wrap=False),
        lambda: run("index", x, at, axes=(0,), wrap=False),
        lambda: run("index_put", x, source, at, axes=(0,), wrap=False),
    ]  # fmt: skip
    for call in wrapping if allowed else []:
        call()
    for call in strict if allowed else wrapping + strict:
        with pytest.raises(IndexError, match=f"index {position} is out of bounds for dimension [01] with size 10"):
            call()


def test_bounds_of_a_dimension_that_is_empty():
    for shape in [(0,), (0, 3)]:
        with pytest.raises(IndexError, match="index 0 is out of bounds for dimension 0 with size 0"):
            run("take", np.zeros(shape), np.array([0]), axis=0)
    with pytest.raises(IndexError, match="index 7 is out of bounds for dimension 0 with size 5"):
        run("take", np.zeros((5, 0)), np.array([7]), axis=0)  # nothing would be read, but the index is wrong
    with pytest.raises(IndexError, match="index 0 is out of bounds for dimension 0 with size 0"):
        run("gather", np.zeros((0, 3)), np.zeros((1, 3), int), axis=0)
    with pytest.raises(IndexError, match="index -6 is out of bounds for dimension 1 with size 5"):
        run("index", np.zeros((3, 5)), np.array(0), np.array(-6), axes=(0, 1))


def test_an_index_must_be_int64():
    x = given(np.zeros(3))
    for at in (np.zeros(2, np.int32), np.zeros(2), np.zeros(2, bool)):
        for record in (
            partial(primitives.take, axis=0),
            partial(primitives.gather, axis=0),
            partial(primitives.index, axes=(0,)),
        ):
            with pytest.raises(IndexError, match="must have dtype int64; got"):
                record(x, given(at))


def test_axes_that_are_not_there_are_refused():
    x, at = given(np.zeros((2, 3))), given(np.zeros((2, 3), int))
    for axis in (-1, 2):
        for record in (primitives.gather, primitives.take):
            with pytest.raises(AxisError, match="not a dimension of a tensor of shape \\[2, 3\\]"):
                record(x, at, axis=axis)
    for axes in [(), (1, 0), (0, 0), (0,)]:
        with pytest.raises(ShapeError, match="one index for each of the ascending axes"):
            primitives.index(x, at, at, axes=axes)


# --- gather and scatter -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, wanted, axis", [
    ((4,), (7,), 0), ((3, 4), (2, 6), 1), ((3, 4), (5, 4), 0), ((2, 3, 4), (2, 2, 9), 2), ((2, 3, 4), (1, 5, 3), 1),
    ((3, 4), (0, 4), 0), ((3, 4), (3, 0), 1), ((3, 1), (3, 2), 1), ((1, 1), (1, 1), 0),
])  # fmt: skip
@pytest.mark.parametrize("layout", ["C", "F", "expanded"])
def test_along_an_axis_as_pytorch(shape, wanted, axis, layout):
    torch = pytest.importorskip("torch")
    x = np.asarray(random.normal(size=shape), order="F" if layout == "F" else "C")
    if layout == "expanded":
        x = np.broadcast_to(x[:1], shape)
    at, source = positions(0, shape[axis], wanted), random.normal(size=wanted)
    t, i, s = torch.tensor(x), torch.tensor(at), torch.tensor(source)
    np.testing.assert_array_equal(run("gather", x, at, axis=axis), torch.gather(t, axis, i).numpy())
    np.testing.assert_allclose(run("scatter_add", x, at, source, axis=axis), t.clone().scatter_add(axis, i, s).numpy())
    # Each place once: PyTorch does not say which of several writes remains.
    once = np.argsort(random.uniform(size=shape), axis)[tuple(slice(n) for n in wanted)]
    np.testing.assert_array_equal(
        run("scatter", x, once, np.full(once.shape, 5.0), axis=axis),
        t.clone().scatter(axis, torch.tensor(once), 5.0).numpy(),
    )


def test_an_empty_index_reads_and_writes_nothing():
    x, at = np.arange(3.0), np.zeros((0, 2), int)
    assert run("gather", x, at, axis=0).shape == (0, 2)
    for name in ("scatter", "scatter_add"):
        np.testing.assert_array_equal(run(name, x, at, np.zeros((0, 2)), axis=0), x)
        for x_bar, want in zip(
            vjp(partial(getattr(primitives, name), axis=0), [x, at, np.zeros((0, 2))]), (3, None, 0)
        ):
            assert x_bar is None if want is None else x_bar.sum() == want


def test_indices_larger_than_the_tensor_are_refused():
    x = given(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="to be no larger than self \\[2, 3\\] apart from dimension 1"):
        primitives.gather(x, given(np.zeros((3, 3), int)), axis=1)
    with pytest.raises(ShapeError, match="same number of dimensions"):
        primitives.gather(x, given(np.zeros(3, int)), axis=1)
    for name in ("scatter", "scatter_add"):
        record = partial(getattr(primitives, name), axis=1)
        with pytest.raises(ShapeError, match="a source of shape \\[2, 3\\]"):
            record(x, given(np.zeros((2, 3), int)), given(np.zeros((2, 4))))
        with pytest.raises(DtypeError, match="a source of dtype float64"):
            record(x, given(np.zeros((2, 3), int)), given(np.zeros((2, 3), np.float32)))


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
def test_additions_in_every_dtype(dtype):
    x, source = np.array([1, 2, 3]).astype(dtype.numpy), np.array([1, 1, 1]).astype(dtype.numpy)
    at = np.array([2, 0, 2])
    want = np.array([True] * 3) if dtype.name == "bool" else np.array([2, 2, 5])
    for got in (
        run("scatter_add", x, at, source, axis=0), run("put_add", x, at, source, axis=0),
        run("index_put", x, source, at, axes=(0,), accumulate=True),
    ):  # fmt: skip
        assert got.dtype == dtype.numpy
        np.testing.assert_array_equal(got, want.astype(dtype.numpy))


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=str)
def test_narrow_additions_are_rounded_once(dtype):
    source = np.full(1000, 1.25, dtype.numpy)
    for name in ("scatter_add", "put_add"):
        got = run(name, np.zeros(1, dtype.numpy), np.zeros(1000, int), source, axis=0)
        assert got[0] == np.float32(1250).astype(dtype.numpy)


# --- several writes to one place ----------------------------------------------------------------------------------


def test_the_last_write_remains_and_alone_has_a_derivative():
    x, source, at = np.zeros(3), np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 0, 1, 1])
    for function, inputs in [
        (partial(primitives.scatter, axis=0), (x, at, source)),
        (lambda a, i, s: primitives.index_put(a, s, i, axes=(0,)), (x, at, source)),
    ]:
        np.testing.assert_array_equal(value(function(*map(given, inputs))), [2, 4, 0])
        x_bar, _, source_bar = vjp(function, inputs, np.array([10.0, 20.0, 30.0]))
        np.testing.assert_array_equal(x_bar, [0, 0, 30])
        np.testing.assert_array_equal(source_bar, [0, 10, 0, 20])
        np.testing.assert_array_equal(jvp(function, inputs, [x + 1, None, source]), [2, 4, 1])


def test_the_last_write_is_the_last_in_row_major_order():
    at, values = np.array([[0, 1, 0], [1, 0, 1]]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for order in ("C", "F"):
        for i in (at.copy(order=order), np.asarray(at[::-1, ::-1].copy(order)[::-1, ::-1])):
            for v in (values.copy(order=order), np.asarray(values[::-1].copy(order)[::-1])):
                assert run("index_put", np.zeros(2), v, i, axes=(0,)).tolist() == [5, 6]
                assert run("index_put", np.zeros((2, 2)), v, i, i, axes=(0, 1)).tolist() == [[5, 0], [0, 6]]
                assert run("scatter", np.zeros((2, 3)), i, v, axis=0).tolist() == [[1, 5, 3], [4, 2, 6]]
    rows = run("index_put", np.zeros((3, 2)), values.T, np.array([2, 0, 2]), axes=(0,))
    assert rows.tolist() == [[2, 5], [0, 0], [3, 6]]


# --- take, index and their writes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (2, 3)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_take_is_numpys(shape, axis):
    x = random.normal(size=(4, 3, 2))
    at = positions(-x.shape[axis], x.shape[axis], shape)
    for layout in (x, np.asfortranarray(x)):
        np.testing.assert_array_equal(run("take", layout, at, axis=axis), np.take(x, at, axis))
    source = random.normal(size=np.take(x, at, axis).shape)
    want = x.copy()
    np.add.at(want, (slice(None),) * axis + (at,), source)
    np.testing.assert_allclose(run("put_add", np.asfortranarray(x), at, source, axis=axis), want)


AXES = [axes for count in (1, 2, 3, 4) for axes in combinations(range(4), count)]


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize(
    "shapes", [[(), (), (), ()], [(3,), (), (1,), (3,)], [(2, 1), (3,), (2, 3), ()], [(0,), (1,), (), (0,)]]
)
def test_index_is_numpys(axes, shapes):
    x = random.normal(size=(2, 3, 4, 5))
    key = [slice(None)] * 4
    at = [positions(-x.shape[axis], x.shape[axis], shape) for axis, shape in zip(axes, shapes)]
    for axis, one in zip(axes, at):
        key[axis] = one
    want = x[tuple(key)]
    np.testing.assert_array_equal(run("index", x, *at, axes=axes), want)
    values = random.normal(size=want.shape)
    put, added = x.copy(), x.copy()
    put[tuple(key)] = values
    np.add.at(added, tuple(key), values)
    np.testing.assert_array_equal(run("index_put", x, values, *at, axes=axes), put)
    np.testing.assert_allclose(run("index_put", x, values, *at, axes=axes, accumulate=True), added)


def test_values_must_have_the_shape_of_what_is_read():
    x, at = given(np.zeros((3, 4))), given(np.zeros(2, int))
    with pytest.raises(ShapeError, match="a source of shape \\[2, 4\\]"):
        primitives.index_put(x, given(np.zeros((2, 3))), at, axes=(0,))
    with pytest.raises(ShapeError, match="a source of shape \\[3, 2\\]"):
        primitives.put_add(x, at, given(np.zeros(3)), axis=1)
    with pytest.raises(ShapeError, match="differ and neither is 1"):
        primitives.index(x, at, given(np.zeros(3, int)), axes=(0, 1))


def test_a_batch_of_strict_positions_stays_strict():
    x, at = random.normal(size=(2, 4)), np.array([[0, 3], [-1, 2]])
    with pytest.raises(IndexError, match="index -1 is out of bounds"):
        over_batch(partial(primitives.take, axis=0, wrap=False), [x, at], (True, True))
    np.testing.assert_array_equal(
        over_batch(partial(primitives.take, axis=0), [x, at], (True, True)), np.take_along_axis(x, at % 4, 1)
    )


def test_an_embedding_and_its_gradient_are_pytorchs():
    torch = pytest.importorskip("torch")
    table, at = random.normal(size=(10, 4)), positions(0, 10, (3, 5))
    y_bar = random.normal(size=(3, 5, 4))
    t = torch.tensor(table, requires_grad=True)
    y = torch.nn.functional.embedding(torch.tensor(at), t)
    y.backward(torch.tensor(y_bar))
    take = partial(primitives.take, axis=0, wrap=False)
    np.testing.assert_array_equal(value(take(given(table), given(at))), y.detach().numpy())
    np.testing.assert_allclose(vjp(take, [table, at], y_bar)[0], t.grad.numpy())
