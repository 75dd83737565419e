"""Data sets: samples, whole batches that agree with them, splits, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.utils.tools import Counting, Squares, plain, tensor
from wengert import dtypes
from wengert.functions.random import Generator
from wengert.tensors.interop import share
from wengert.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
    take_rows,
)
from wengert.utils.data.rows import batch_reader


def images_and_labels(n=10, offset=0):
    return TensorDataset(tensor(np.arange(offset, offset + n * 6.0).reshape(n, 2, 3)), tensor(np.arange(n) + offset))


def of_pairs(n=10):
    return StackDataset(images_and_labels(n), tensor(np.arange(n) * 0.5))


def by_name(n=10):
    return StackDataset(image=tensor(np.arange(n * 2.0).reshape(n, 2)), pair=images_and_labels(n))


WHOLE = {
    "tensors": images_and_labels(),
    "one tensor": TensorDataset(tensor(np.arange(10))),
    "a tensor": tensor(np.arange(20.0).reshape(10, 2)),
    "an array": np.arange(20, dtype=np.int16).reshape(10, 2),
    "shared memory": TensorDataset(share(np.arange(20.0).reshape(10, 2))),
    "half": TensorDataset(tensor(np.arange(10), dtypes.bfloat16)),
    "a stack": of_pairs(),
    "a stack by name": by_name(),
    "a subset of a list": Subset(images_and_labels(30), [3, 4, 5, 9, 28, 1, 0, 2, 6, 20]),
    "a subset of an array": Subset(images_and_labels(30), np.array([3, 4, 5, 9, 28, 1, 0, 2, 6, 20])),
    "a subset of a subset": Subset(Subset(images_and_labels(30), range(20)), range(5, 15)),
    "several": ConcatDataset([images_and_labels(4), images_and_labels(1, 50), images_and_labels(5, 90)]),
    "several stacks": ConcatDataset([by_name(4), by_name(6)]),
    "mixed dtypes": ConcatDataset(
        [TensorDataset(tensor([1, 2, 3, 4])), TensorDataset(tensor(np.ones(6), dtypes.float32))]
    ),
    "rows without size": TensorDataset(tensor(np.zeros((10, 0)))),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("indices", [[0], [9, 0, 3], [2, 2, 2], list(range(10)), [-1, 3]])
def test_a_whole_batch_is_what_its_samples_make(name, indices):
    dataset = WHOLE[name]
    read = batch_reader(dataset)
    batch = read(np.array(indices))
    one_by_one = default_collate([dataset[i] for i in indices])
    assert plain(batch) == plain(one_by_one)
    assert str(flat_dtypes(batch)) == str(flat_dtypes(one_by_one))


def flat_dtypes(batch):
    if isinstance(batch, dict):
        return [flat_dtypes(part) for part in batch.values()]
    if isinstance(batch, (list, tuple)):
        return [flat_dtypes(part) for part in batch]
    return batch.dtype


@pytest.mark.parametrize("name", WHOLE)
def test_a_position_that_is_not_there_is_an_index_error(name):
    with pytest.raises(IndexError):
        answer = batch_reader(WHOLE[name])(np.array([0, 10]))
        if answer is NotImplemented:
            WHOLE[name][10]


def test_a_batch_is_memory_of_its_own():
    memory = np.zeros((4, 2))
    (batch,) = TensorDataset(share(memory)).__getbatch__(np.array([0, 1]))
    memory[:] = 5
    assert plain(batch) == [[0, 0], [0, 0]]
    (batch,) = TensorDataset(share(memory)).__getbatch__(np.array([0, 1]))
    assert plain(batch) == [[5, 5], [5, 5]]


def test_a_derivative_flows_through_a_batch():
    data = tensor([1.0, 2.0, 3.0]).requires_grad_()
    (batch,) = TensorDataset(data).__getbatch__(np.array([2, 2, 0]))
    assert batch.requires_grad
    assert plain(batch) == [3, 3, 1]
    assert ConcatDataset([TensorDataset(data)] * 2).__getbatch__(np.array([5, 0]))[0].requires_grad


def test_a_subclass_that_changes_samples_is_not_passed_over():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(x * 2 for x in super().__getitem__(index))

    class DoubledToo(Doubled):
        def __getbatch__(self, indices):
            return tuple(x * 2 for x in super().__getbatch__(indices))

    class Off(TensorDataset):
        __getbatch__ = None

    data = tensor([1.0, 2.0])
    assert batch_reader(Doubled(data)) is None
    assert batch_reader(DoubledToo(data)) is not None
    assert batch_reader(Off(data)) is None
    assert batch_reader(Subset(Doubled(data), [0]))(np.array([0])) is NotImplemented


def test_members_that_give_samples_only_make_no_whole_batch():
    for dataset in (Subset(Squares(9), [1]), StackDataset(Squares(3)), ConcatDataset([Squares(3)])):
        assert batch_reader(dataset)(np.array([0])) is NotImplemented


# --- samples -------------------------------------------------------------------------------------------------------


def test_samples_of_tensors():
    dataset = images_and_labels()
    assert len(dataset) == 10
    assert plain(dataset[1]) == [[[6, 7, 8], [9, 10, 11]], 1]
    assert plain(dataset[-1][1]) == 9
    assert plain(dataset[1:3][1]) == [1, 2]
    with pytest.raises(IndexError):
        dataset[10]


def test_samples_of_a_stack():
    assert StackDataset(["a", "b"], [1, 2])[1] == ("b", 2)
    assert StackDataset(word=["a", "b"], number=[1, 2])[1] == {"word": "b", "number": 2}
    assert StackDataset(["a", "b"], [1, 2]).__getitems__([1, 0]) == [("b", 2), ("a", 1)]
    assert len(StackDataset([1, 2])) == 2


def test_samples_of_several():
    dataset = ConcatDataset([[0, 1], [], [2], Squares(2)])
    assert [dataset[i] for i in range(4)] == [0, 1, 2, (0, 0.0)]
    assert dataset[-1] == (1, 1.0)
    assert dataset[-5] == 0
    assert dataset.cumulative_sizes == [2, 2, 3, 5]
    with pytest.raises(IndexError, match="got 5, and there are 5"):
        dataset[5]
    with pytest.raises(ValueError, match="absolute value of index"):
        dataset[-6]


def test_a_sum_is_the_one_after_the_other():
    assert len(Squares(3) + Squares(4)) == 7
    assert list(Counting(2) + Counting(3)) == [0, 1, 0, 1, 2]


def test_samples_of_a_subset():
    dataset = Subset(["a", "b", "c"], [2, 0])
    assert [dataset[0], dataset[1], dataset[-1]] == ["c", "a", "a"]
    assert dataset.__getitems__([1, 0]) == ["a", "c"]
    assert len(dataset) == 2
    with pytest.raises(IndexError):
        dataset[2]
    assert plain(Subset(images_and_labels(), [5, 6])[[0, 1]][1]) == [5, 6]


def test_a_chain():
    chain = ChainDataset([Counting(2, 2), Counting(1, 1)])
    assert list(chain) == [0, 1, 0]
    assert len(chain) == 3
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(ChainDataset([Squares(2)]))


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: TensorDataset(), ValueError, "at least one"),
        (lambda: TensorDataset(3), TypeError, "wanted tensors; got int"),
        (lambda: TensorDataset(tensor(1.0)), TypeError, "0-d"),
        (lambda: TensorDataset(tensor([1.0]), tensor([1.0, 2.0])), AssertionError, "Size mismatch"),
        (lambda: StackDataset(), ValueError, "At least one"),
        (lambda: StackDataset([1], [1, 2]), ValueError, "Size mismatch"),
        (lambda: StackDataset([1], a=[1]), ValueError, "both types"),
        (lambda: ConcatDataset([]), AssertionError, "empty iterable"),
        (lambda: ConcatDataset([Counting(1)]), AssertionError, "IterableDataset"),
        (lambda: Dataset()[0], NotImplementedError, "__getitem__"),
        (lambda: iter(IterableDataset()), NotImplementedError, "__iter__"),
        (lambda: len(Dataset()), TypeError, "len"),
    ],
)
def test_what_makes_no_data_set_is_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_data_sets_can_say_what_they_hold():
    assert Dataset[int] is not None
    assert IterableDataset[str] is not None


# --- splits --------------------------------------------------------------------------------------------------------


def test_a_split_shares_nothing_and_is_reproducible():
    parts = random_split(Squares(10), [3, 7], generator=Generator().manual_seed(5))
    again = random_split(Squares(10), [3, 7], generator=Generator().manual_seed(5))
    assert [len(part) for part in parts] == [3, 7]
    assert sorted(parts[0].indices + parts[1].indices) == list(range(10))
    assert [part.indices for part in parts] == [part.indices for part in again]
    assert parts[0].indices != list(range(3))


def test_fractions_are_rounded_down_and_the_rest_goes_to_the_first():
    assert [len(part) for part in random_split(Squares(10), [0.25, 0.25, 0.5])] == [3, 2, 5]
    assert [len(part) for part in random_split(Squares(7), [1.0])] == [7]
    assert [len(part) for part in random_split(Squares(0), [])] == []


def test_an_empty_part_is_said():
    with pytest.warns(UserWarning, match="index 1 is 0"):
        assert [len(part) for part in random_split(Squares(10), [0.99, 0.01])] == [10, 0]
    assert len(random_split(Squares(10), [10, 0])[1]) == 0


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([3, 4], "Sum of input lengths"),
        ([0.5, 0.4], "Sum of input lengths"),
        ([-0.5, 1.5], "Fraction at index 0"),
        ([11, -1], "not be negative"),
    ],
)
def test_a_split_that_does_not_add_up_is_refused(lengths, words):
    with pytest.raises(ValueError, match=words):
        random_split(Squares(10), lengths)


def test_rows_are_gathered_into_memory_of_their_own():
    whole = np.arange(12.0, dtype="f").reshape(4, 3)
    for source in (whole, tensor(whole.copy())):
        rows = take_rows(source, np.array([3, 0, 3]))
        assert plain(rows) == whole[[3, 0, 3]].tolist() and rows.dtype is dtypes.float32
        with pytest.raises(IndexError):
            take_rows(source, np.array([4]))
    rows = take_rows(whole, np.array([1]))
    whole[:] = 0
    assert plain(rows) == [[3.0, 4.0, 5.0]]
