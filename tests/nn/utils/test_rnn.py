"""Packed and padded sequences beside PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.functions.peer import array, check, normal, tensor
from wengert import nn
from wengert.autograd.backward import grad

torch = pytest.importorskip("torch")
SEQUENCES = [normal(n, 2, seed=n) for n in (4, 1, 3, 3)]


def both(call: Any, *arrays: Any) -> tuple[Any, Any]:
    return call(nn.utils.rnn, *[tensor(a, True) for a in arrays]), call(
        torch.nn.utils.rnn, *[torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
    )


def same_packed(mine: Any, theirs: Any) -> None:
    assert mine._fields == theirs._fields
    for name, a, b in zip(mine._fields, mine, theirs):
        if b is None:
            assert a is None, name
        else:
            check(a, b, name)


@pytest.mark.parametrize("batch_first", [False, True])
def test_packing_and_padding(batch_first):
    x = normal(4, 3, 2)
    lengths = [2, 3, 1] if batch_first else [1, 4, 2]
    x = x[:3] if batch_first else x

    def pack(rnn: Any, x: Any) -> Any:
        return rnn.pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)

    same_packed(*both(pack, x))
    for total in (None, 6):
        mine, theirs = both(
            lambda rnn, x, total=total: rnn.pad_packed_sequence(pack(rnn, x), batch_first, -1.5, total), x
        )
        check(mine[0], theirs[0], "padded")
        check(mine[1], theirs[1], "lengths")


def test_sorted_lengths_need_no_order():
    mine, theirs = both(lambda rnn, x: rnn.pack_padded_sequence(x, [4, 2, 1]), normal(4, 3, 2))
    same_packed(mine, theirs)
    assert mine.sorted_indices is None and mine.unsorted_indices is None


def test_lengths_may_be_a_tensor():
    x = tensor(normal(4, 3, 2))
    one = nn.utils.rnn.pack_padded_sequence(x, tensor(np.array([4, 2, 1])))
    other = nn.utils.rnn.pack_padded_sequence(x, [4, 2, 1])
    np.testing.assert_array_equal(array(one.data), array(other.data))


def test_derivatives_go_through():
    x = tensor(normal(4, 3, 2), True)
    packed = nn.utils.rnn.pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False)
    padded, _ = nn.utils.rnn.pad_packed_sequence(packed, padding_value=7.0)
    (bar,) = grad((padded**2).sum(), [x])
    wanted = 2 * array(x)
    for column, length in enumerate((2, 4, 1)):
        wanted[length:, column] = 0
    np.testing.assert_allclose(array(bar), wanted)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_pad_sequence(side, batch_first):
    mine, theirs = both(lambda rnn, *xs: rnn.pad_sequence(xs, batch_first, 2.5, side), *SEQUENCES)
    check(mine, theirs, "padded")


def test_pack_sequence_and_back():
    same_packed(*both(lambda rnn, *xs: rnn.pack_sequence(xs, enforce_sorted=False), *SEQUENCES))
    mine, _ = both(lambda rnn, *xs: rnn.unpack_sequence(rnn.pack_sequence(xs, enforce_sorted=False)), *SEQUENCES)
    for found, wanted in zip(mine, SEQUENCES):
        np.testing.assert_array_equal(array(found), wanted)


def test_unpad_sequence():
    for batch_first in (False, True):
        padded = nn.utils.rnn.pad_sequence([tensor(x) for x in SEQUENCES], batch_first)
        found = nn.utils.rnn.unpad_sequence(padded, tensor(np.array([4, 1, 3, 3])), batch_first)
        for x, wanted in zip(found, SEQUENCES):
            np.testing.assert_array_equal(array(x), wanted)


def test_a_packed_sequence_is_a_tuple_that_converts():
    packed = nn.utils.rnn.pack_sequence([tensor(x) for x in SEQUENCES], enforce_sorted=False)
    data, batch_sizes, sorted_indices, unsorted_indices = packed
    assert batch_sizes.tolist() == [4, 3, 3, 1] and sorted_indices is not None and unsorted_indices is not None
    assert packed.float().data.dtype is not packed.data.dtype and packed.double() is not None
    assert packed.to(packed.data.dtype) is packed and packed.cpu() is packed and not packed.is_cuda
    assert repr(packed).startswith("PackedSequence(data=tensor(")
    again = nn.utils.rnn.PackedSequence((data, batch_sizes), sorted_indices=sorted_indices)
    np.testing.assert_array_equal(array(again.unsorted_indices), array(unsorted_indices))
    with pytest.raises(AssertionError):
        nn.utils.rnn.PackedSequence(data)


@pytest.mark.parametrize(
    "call",
    [
        lambda rnn, x: rnn.pack_padded_sequence(x, [1, 4, 2]),
        lambda rnn, x: rnn.pack_padded_sequence(x, [4, 2, 0]),
        lambda rnn, x: rnn.pack_padded_sequence(x, [4, 2]),
        lambda rnn, x: rnn.pad_sequence(5),
        lambda rnn, x: rnn.pad_sequence([]),
        lambda rnn, x: rnn.pad_sequence([x, x[:, :2]]),
        lambda rnn, x: rnn.pad_sequence([x, x], padding_side="up"),
        lambda rnn, x: rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [4, 2, 1]), total_length=2),
        lambda rnn, x: rnn.unpad_sequence(x, x[0, :2, 0]),
    ],
)
def test_wrong_input_is_refused_as_by_the_peer(call):
    with pytest.raises((RuntimeError, ValueError)) as theirs:
        call(torch.nn.utils.rnn, torch.from_numpy(normal(4, 3, 2)))
    with pytest.raises(type(theirs.value)):
        call(nn.utils.rnn, tensor(normal(4, 3, 2)))


def test_a_length_beyond_the_input_is_refused():
    with pytest.raises(RuntimeError, match="at most"):
        nn.utils.rnn.pack_padded_sequence(tensor(normal(4, 3, 2)), [5, 2, 1])
