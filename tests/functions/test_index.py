"""``x[...]`` and ``x[...] = value`` in all forms, beside PyTorch's: results, sharing, gradients, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import wengert
from tests.functions.both import agree, torch


def x(t):
    return t.arange(60.0, dtype=t.float64).reshape(3, 4, 5)


# name -> what stands between the brackets, made of the module.
INDICES = {
    "int": lambda t: 1,
    "negative": lambda t: -1,
    "numpy int": lambda t: np.int64(2),
    "ints": lambda t: (1, 2, 3),
    "slice": lambda t: slice(1, None),
    "slice of all": lambda t: slice(None),
    "slice from the end": lambda t: slice(-2, None),
    "slice beyond": lambda t: slice(1, 99),
    "slice of nothing": lambda t: slice(2, 1),
    "steps": lambda t: (slice(None), slice(None, None, 2)),
    "steps from one": lambda t: (slice(None), slice(None), slice(1, 5, 3)),
    "slice by tensors": lambda t: slice(t.tensor(1), t.tensor(3)),
    "slice and int": lambda t: (slice(0, 2), 1),
    "ellipsis": lambda t: ...,
    "ellipsis and int": lambda t: (..., 2),
    "int and ellipsis": lambda t: (1, ...),
    "between": lambda t: (0, ..., slice(1, 3)),
    "none": lambda t: None,
    "none inside": lambda t: (slice(None), None, 1),
    "none at the end": lambda t: (..., None),
    "nothing": lambda t: (),
    "true": lambda t: True,
    "false": lambda t: False,
    "true inside": lambda t: (1, True, slice(2)),
    "bool tensor of no dimensions": lambda t: t.tensor(True),
    "int tensor of no dimensions": lambda t: t.tensor(1),
    "int tensors of no dimensions": lambda t: (t.tensor(1), slice(None), t.tensor(-1)),
    "list": lambda t: [0, 2],
    "list in a tuple": lambda t: ([0, 2],),
    "empty list": lambda t: [],
    "list of bools": lambda t: [True, False, True],
    "array": lambda t: np.array([2, 0]),
    "array of int32": lambda t: np.array([2, 0], np.int32),
    "array of bools": lambda t: np.array([True, False, True]),
    "range": lambda t: range(2),
    "tensor": lambda t: t.tensor([2, 0, 2]),
    "tensor of int32": lambda t: t.tensor([2, 0, 2], dtype=t.int32),
    "negative tensor": lambda t: t.tensor([-1, -3]),
    "matrix of positions": lambda t: t.tensor([[2, 0], [1, 1]]),
    "empty tensor": lambda t: t.zeros(0, dtype=t.int64),
    "nested list": lambda t: [[0, 1], [2, 0]],
    "nested list in a tuple": lambda t: ([[0, 1], [2, 0]],),
    "list of tensors": lambda t: [t.tensor([0, 1]), t.tensor([1, 1])],
    "list with a slice": lambda t: [slice(0, 2), [1, 2]],
    "list with none": lambda t: [None, [1, 2]],
    "list of masks": lambda t: [[True, False, True]],
    "matrix array": lambda t: np.array([[0, 1], [2, 0]]),
    "array of uint8": lambda t: np.array([1, 0, 1], np.uint8),
    "array of no dimensions": lambda t: np.array(True),
    "second": lambda t: (slice(None), t.tensor([3, 0])),
    "last": lambda t: (..., t.tensor([3, 0])),
    "two": lambda t: (t.tensor([0, 2]), t.tensor([1, 3])),
    "two broadcast": lambda t: (t.tensor([[0], [2]]), t.tensor([1, 3])),
    "two lists": lambda t: ([0, 2], [1, 3]),
    "two apart": lambda t: (t.tensor([0, 2]), slice(None), t.tensor([1, 3])),
    "two at the end": lambda t: (slice(None), t.tensor([0, 2]), t.tensor([1, 3])),
    "three": lambda t: (t.tensor([0, 2]), t.tensor([1, 3]), t.tensor([4, 4])),
    "int and tensor": lambda t: (0, slice(None), t.tensor([1, 3])),
    "tensor and int": lambda t: (t.tensor([0, 1]), 1),
    "tensor and slice": lambda t: (t.tensor([0, 1]), slice(1, 3)),
    "tensor and steps": lambda t: (slice(0, 3, 2), t.tensor([0, 1]), slice(None, None, 2)),
    "tensor and none": lambda t: (t.tensor([0, 1]), None),
    "none and tensor": lambda t: (None, t.tensor([0, 1])),
    "none between tensors": lambda t: (t.tensor([0, 1]), None, t.tensor([2, 3])),
    "mask": lambda t: t.arange(60).reshape(3, 4, 5) % 7 == 0,
    "mask of nothing": lambda t: t.zeros(3, 4, 5, dtype=t.bool),
    "mask of rows": lambda t: t.tensor([True, False, True]),
    "mask of two": lambda t: t.arange(12).reshape(3, 4) % 5 == 0,
    "mask of the last": lambda t: (..., t.tensor([True, False, True, True, False])),
    "mask of the last two": lambda t: (slice(None), t.arange(20).reshape(4, 5) % 3 == 0),
    "mask and int": lambda t: (1, t.tensor([True, False, True, True])),
    "mask and tensor": lambda t: (t.tensor([True, False, True]), t.tensor([1, 3])),
    "mask and tensor apart": lambda t: (t.tensor([True, False, True]), slice(None), t.tensor([1, 3])),
    "mask of two and tensor": lambda t: (t.tensor([[True, False, False, True]] * 3), t.tensor([1, 2, 3, 4, 0, 0])),
    "two masks": lambda t: (t.tensor([True, False, True]), t.tensor([False, True, True, False])),
    "mask of uint8": lambda t: t.tensor([1, 0, 1], dtype=t.uint8),
    "true and tensor": lambda t: (True, t.tensor([0, 1])),
    "false and mask": lambda t: (False, t.tensor([True, False, True])),
}

BASIC = {
    "int", "negative", "numpy int", "ints", "slice", "slice of all", "slice from the end", "slice beyond",
    "slice of nothing", "steps", "steps from one", "slice by tensors", "slice and int", "ellipsis", "ellipsis and int",
    "int and ellipsis", "between", "none", "none inside", "none at the end", "nothing", "int tensor of no dimensions",
    "int tensors of no dimensions",
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_reading(name):
    agree(lambda t: x(t)[INDICES[name](t)])
    agree(lambda t: x(t).transpose(0, 2).clone().transpose(0, 2)[INDICES[name](t)])


@pytest.mark.parametrize("name", sorted(BASIC))
def test_integers_and_slices_give_views(name):
    def case(t):
        base = x(t)
        part = base[INDICES[name](t)]
        part.mul_(-1)
        base.add_(1)
        strides = [step for step, n in zip(part.stride(), part.shape) if n != 1]
        return base, part, strides, part.storage_offset()

    agree(case)


@pytest.mark.parametrize("name", sorted(set(INDICES) - BASIC))
def test_index_tensors_give_copies(name):
    def case(t):
        base = x(t)
        part = base[INDICES[name](t)]
        part.mul_(-1)
        base.add_(1)
        return base, part

    agree(case)


VALUES = {
    "int": lambda t, part: 7,
    "float": lambda t, part: -1.5,
    "tensor": lambda t, part: t.arange(1.0, part.numel() + 1, dtype=t.float64).reshape(part.shape),
    "number": lambda t, part: t.tensor(3.0, dtype=t.float64),
    "other dtype": lambda t, part: t.arange(part.numel()).reshape(part.shape),
    "broadcast": lambda t, part: t.full(part.shape[-1:], 9.0, dtype=t.float64),
    "one": lambda t, part: t.tensor([4.0], dtype=t.float64),
}


BYTES = {"mask of uint8", "array of uint8"}  # PyTorch reads by them but does not write
DUPLICATES = {"tensor", "tensor of int32", "matrix of positions", "nested list in a tuple", "matrix array"}
WRITABLE = [name for name in INDICES if name not in BYTES]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", WRITABLE)
def test_writing(name, value):
    def case(t):
        base = x(t)
        index = INDICES[name](t)
        base[index] = VALUES[value](t, base[index])
        return base

    agree(case)


@pytest.mark.parametrize("name", WRITABLE)
def test_writing_through_a_view(name):
    def case(t):
        base = t.arange(120.0).reshape(5, 4, 6).permute(2, 1, 0)[::2]
        whole = base.permute(2, 1, 0)
        base[INDICES[name](t)] = 5
        return base, whole

    agree(case)


@pytest.mark.parametrize("name", INDICES)
def test_adding_in_place(name):
    def case(t):
        base = x(t)
        base[INDICES[name](t)] += 100
        return base

    agree(case)


@pytest.mark.parametrize("name", INDICES)
def test_gradient_of_reading(name):
    def case(t):
        leaf = x(t).requires_grad_()
        part = leaf[INDICES[name](t)]
        (part * part * part).sum().backward()
        return leaf.grad

    agree(case)


@pytest.mark.parametrize("name", [name for name in WRITABLE if name not in DUPLICATES])
def test_gradient_of_writing(name):
    """To what was overwritten and to what was written, through broadcasting. (Of several writes to one place PyTorch
    gives each the derivative of the one that remained.)"""

    def case(t):
        leaf, new = x(t).requires_grad_(), t.tensor(0.5, dtype=t.float64, requires_grad=True)
        base = leaf * 2
        index = INDICES[name](t)
        base[index] = new * base[index].detach()
        (base * base).sum().backward()
        return leaf.grad, new.grad

    agree(case)


ERRORS = {
    "int beyond": lambda t: x(t)[3],
    "int below": lambda t: x(t)[-4],
    "second beyond": lambda t: x(t)[0, 4],
    "too many": lambda t: x(t)[0, 0, 0, 0],
    "too many with ellipsis": lambda t: x(t)[0, 0, 0, 0, ...],
    "of a number": lambda t: t.tensor(1.0)[0],
    "slice of a number": lambda t: t.tensor(1.0)[:],
    "float": lambda t: x(t)[1.5],
    "string": lambda t: x(t)["a"],
    "float in a tuple": lambda t: x(t)[0, 1.5],
    "negative step": lambda t: x(t)[::-1],
    "no step": lambda t: x(t)[::0],
    "float slice": lambda t: x(t)[1.0:2.0],
    "tensor beyond": lambda t: x(t)[t.tensor([0, 3])],
    "tensor below": lambda t: x(t)[t.tensor([0, -4])],
    "list beyond": lambda t: x(t)[[0, 3]],
    "float tensor": lambda t: x(t)[t.tensor([1.0])],
    "int8 tensor": lambda t: x(t)[t.tensor([1], dtype=t.int8)],
    "mask of another shape": lambda t: x(t)[t.tensor([True, False])],
    "mask of another second": lambda t: x(t)[:, t.tensor([True, False])],
    "mask of too many": lambda t: x(t)[t.ones(3, 4, 5, 6) > 0],
    "shapes that do not fit": lambda t: x(t)[t.tensor([0, 1]), t.tensor([0, 1, 2])],
    "write beyond": lambda t: x(t).__setitem__(3, 0),
    "write a larger tensor": lambda t: x(t).__setitem__(0, t.ones(2, 5)),
    "write more dimensions": lambda t: x(t).__setitem__((0, 0), t.ones(4, 5)),
    "write a list": lambda t: x(t).__setitem__((0, 0), [1, 2, 3, 4, 5]),
    "write a string": lambda t: x(t).__setitem__(0, "a"),
    "write complex": lambda t: x(t).__setitem__(0, 1j),
    "write to positions a larger tensor": lambda t: x(t).__setitem__(t.tensor([0, 1]), t.ones(3, 4, 5)),
    "write to a mask a larger tensor": lambda t: x(t).__setitem__(x(t) > 55, t.ones(5)),
    "write beyond positions": lambda t: x(t).__setitem__(t.tensor([5]), 1.0),
    "write to a leaf": lambda t: x(t).clone().requires_grad_().__setitem__(0, 1.0),
    "write to positions of a leaf": lambda t: x(t).clone().requires_grad_().__setitem__(t.tensor([0]), 1.0),
    "write to a mask of a leaf": lambda t: x(t).clone().requires_grad_().__setitem__(x(t) > 1, 1.0),
    "write infinity to ints": lambda t: t.ones(2, dtype=t.int64).__setitem__(0, float("inf")),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])


OTHER = {
    "ints take the whole part": lambda t: put(t.zeros(3, dtype=t.int64), 0, 1.7),
    "bools take truth": lambda t: put(t.zeros(3, dtype=t.bool), 0, 5),
    "bools take tensors": lambda t: put(t.zeros(3, dtype=t.bool), slice(None), t.tensor([0.0, 2.0, -1.0])),
    "leading ones": lambda t: put(t.zeros(2, 3), 0, t.ones(1, 1, 3)),
    "numpy number": lambda t: put(t.zeros(3), 1, np.float64(2.5)),
    "complex": lambda t: put(t.zeros(2, dtype=t.complex64), 0, 1 + 2j),
    "overlap forwards": lambda t: put(t.arange(5), slice(1, None), t.arange(5)[:-1]),
    "nothing": lambda t: put(t.zeros(0, 3), slice(None), 1),
    "number": lambda t: put(t.tensor(1.0), ..., 5),
    "number by nothing": lambda t: put(t.tensor(1.0), (), 5),
    "number by none": lambda t: put(t.tensor(1.0), None, 5),
    "number by true": lambda t: put(t.tensor(1.0), True, 5),
    "number by a mask": lambda t: put(t.tensor(1.0), t.tensor(True), 5),
    "mask of nan": lambda t: put(t.tensor([1.0, float("nan")]), t.tensor([False, True]), 0),
    "empty of empty": lambda t: t.zeros(0, 3)[t.zeros(0, dtype=t.int64)],
    "mask of empty": lambda t: t.zeros(0, 3)[t.zeros(0, dtype=t.bool)],
    "rows of none": lambda t: t.zeros(3, 0)[t.tensor([0, 2])],
    "getitem of getitem": lambda t: x(t)[1:][0][:, 2:][1],
    "delete nothing": lambda t: x(t)[..., 0:0],
}  # fmt: skip


def put(base, index, value):
    base[index] = value
    return base


@pytest.mark.parametrize("name", OTHER)
def test_other_cases(name):
    agree(OTHER[name])


def test_fractions_are_no_positions():
    """PyTorch cuts them off; that hides mistakes."""
    with pytest.raises(IndexError, match="long, int, byte or bool"):
        wengert.zeros(3)[[1.5]]


def test_positions_that_are_not_known_yet_are_checked_when_used():
    far = wengert.tensor([1, 2]) * 50
    with pytest.raises(IndexError, match=r"100|50.*out of bounds.*test_index"):
        wengert.zeros(3)[far].tolist()
    with pytest.raises(IndexError, match="out of bounds"):
        target = wengert.zeros(3)
        target[far] = 1
        target.tolist()


def test_a_known_position_is_refused_on_the_line_itself():
    with pytest.raises(IndexError, match=r"index 3 is out of bounds for dimension 0 with size 3.*test_index.py"):
        wengert.zeros(3)[wengert.tensor([0, 3])]


PART = st.one_of(
    st.integers(-3, 2),
    st.slices(3).filter(lambda s: s.step is None or s.step > 0),
    st.none(),
    st.just(...),
    st.booleans(),
    st.lists(st.integers(-3, 2), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.lists(st.integers(-3, 2), min_size=2, max_size=2), min_size=1, max_size=2),
)


def as_index(t, parts):
    return tuple([t.tensor(part) if isinstance(part, list) else part for part in parts])


@settings(max_examples=300, deadline=None)
@given(st.lists(PART, min_size=0, max_size=5))
def test_any_index_reads_and_writes_as_pytorchs(parts):
    def read(t):
        return t.arange(27.0).reshape(3, 3, 3)[as_index(t, parts)]

    def write(t):
        base = t.arange(27.0).reshape(3, 3, 3)
        base[as_index(t, parts)] = -1.0
        return base

    if parts.count(...) > 1:
        return
    agree(read, error=IndexError)
    agree(write, error=IndexError)


def test_peer_is_the_one_that_was_read():
    assert int(torch.__version__.split(".")[0]) >= 2
