"""Samplers: which indices, how often, in what order; reproducible; and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.utils.tools import tensor
from wengert.functions.random import Generator, manual_seed
from wengert.utils.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from wengert.utils.data.sampler import epoch_of, index_batches


def seeded(seed=3):
    return Generator().manual_seed(seed)


SAMPLERS = {
    "sequential": lambda g: SequentialSampler(range(50)),
    "random": lambda g: RandomSampler(range(50), generator=g),
    "fewer": lambda g: RandomSampler(range(50), num_samples=20, generator=g),
    "rounds": lambda g: RandomSampler(range(8), num_samples=50, generator=g),
    "replaced": lambda g: RandomSampler(range(50), replacement=True, num_samples=70, generator=g),
    "subset": lambda g: SubsetRandomSampler([3, 1, 4, 15, 9, 2, 6], generator=g),
    "weighted": lambda g: WeightedRandomSampler(range(1, 50), 30, generator=g),
    "weighted once": lambda g: WeightedRandomSampler(range(1, 50), 30, False, generator=g),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_seed_decides_the_order_and_every_epoch_has_its_own(name):
    first, second = SAMPLERS[name](seeded()), SAMPLERS[name](seeded())
    epochs = [list(first), list(first)]
    assert [list(second), list(second)] == epochs
    assert len(epochs[0]) == len(first)
    assert all(type(index) is int for index in epochs[0])
    if name != "sequential":
        assert epochs[0] != epochs[1]
        assert list(SAMPLERS[name](seeded(4))) != epochs[0]


@pytest.mark.parametrize("name", SAMPLERS)
def test_without_a_generator_the_global_seed_decides(name):
    manual_seed(11)
    first = list(SAMPLERS[name](None))
    manual_seed(11)
    assert list(SAMPLERS[name](None)) == first


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_epoch_at_once_is_the_epoch_one_by_one(name):
    epoch = epoch_of(SAMPLERS[name](seeded()))
    if epoch is None:
        assert name == "subset"
        return
    assert epoch.dtype == np.int64
    assert epoch.tolist() == list(SAMPLERS[name](seeded()))


def test_random_order_visits_each_once():
    assert sorted(RandomSampler(range(100))) == list(range(100))
    rounds = list(RandomSampler(range(8), num_samples=20))
    assert sorted(rounds[:8]) == sorted(rounds[8:16]) == list(range(8))
    assert len(set(rounds[16:])) == 4


def test_replacement_repeats_and_stays_inside():
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=500))
    assert set(drawn) == set(range(5))


def test_a_data_source_may_grow():
    source = [1, 2]
    sampler = RandomSampler(source)
    source += [3, 4]
    assert sorted(sampler) == [0, 1, 2, 3]
    source.clear()
    assert list(sampler) == []


def test_weights_decide_how_often():
    drawn = list(WeightedRandomSampler([0, 1, 3], 4000, generator=seeded()))
    assert drawn.count(0) == 0
    assert 0.7 < drawn.count(2) / 4000 < 0.8
    assert sorted(WeightedRandomSampler(tensor([1.0, 5.0, 2.0]), 3, replacement=False)) == [0, 1, 2]


def test_a_subset_may_be_of_anything():
    assert sorted(SubsetRandomSampler(["a", "b"])) == ["a", "b"]
    assert list(SubsetRandomSampler([])) == []


def test_batches_of_any_iterable():
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert list(BatchSampler(iter("abc"), 2, False)) == [["a", "b"], ["c"]]
    assert list(BatchSampler([], 2, False)) == []
    assert len(BatchSampler(range(5), 2, False)) == 3
    assert len(BatchSampler(range(5), 2, True)) == 2
    endless = BatchSampler(itertools.count(), 3, False)
    assert list(itertools.islice(endless, 2)) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [1, 3, 5, 50, 60])
def test_batches_as_arrays_are_the_batches(size, drop_last):
    arrays = list(index_batches(BatchSampler(RandomSampler(range(50), generator=seeded()), size, drop_last)))
    lists = list(BatchSampler(RandomSampler(range(50), generator=seeded()), size, drop_last))
    assert [array.tolist() for array in arrays] == lists


def test_a_subclass_that_iterates_otherwise_is_iterated():
    class Backwards(SequentialSampler):
        def __iter__(self):
            return iter(range(len(self.data_source) - 1, -1, -1))

    class Pairs(BatchSampler):
        def __iter__(self):
            return iter([[0, 1], [2, 3]])

    assert epoch_of(Backwards(range(3))) is None
    assert list(index_batches(BatchSampler(Backwards(range(3)), 2, False))) == [[2, 1], [0]]
    assert list(index_batches(Pairs(range(9), 2, False))) == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: RandomSampler([]), ValueError, "num_samples=0"),
        (lambda: RandomSampler([], num_samples=3), ValueError, "the data source is empty"),
        (lambda: RandomSampler([1], replacement=1), TypeError, "replacement should be a boolean"),
        (lambda: RandomSampler([1], num_samples=0), ValueError, "positive integer"),
        (lambda: RandomSampler([1], num_samples=-1), ValueError, "positive integer"),
        (lambda: RandomSampler([1], num_samples=1.5), ValueError, "positive integer"),
        (lambda: WeightedRandomSampler([1], 0), ValueError, "positive integer"),
        (lambda: WeightedRandomSampler([1], True), ValueError, "positive integer"),
        (lambda: WeightedRandomSampler([1], 1, replacement=1), ValueError, "boolean"),
        (lambda: WeightedRandomSampler([[1, 2]], 1), ValueError, "1d sequence"),
        (lambda: WeightedRandomSampler(["x"], 1), ValueError, "x"),
        (lambda: list(WeightedRandomSampler([0, 0], 1)), RuntimeError, "invalid multinomial"),
        (lambda: list(WeightedRandomSampler([1, -1], 1)), RuntimeError, "element < 0"),
        (lambda: list(WeightedRandomSampler([1, 1], 3, False)), RuntimeError, "without replacement"),
        (lambda: BatchSampler([], 0, False), ValueError, "positive integer"),
        (lambda: BatchSampler([], True, False), ValueError, "positive integer"),
        (lambda: BatchSampler([], 1.5, False), ValueError, "positive integer"),
        (lambda: BatchSampler([], 1, 3), ValueError, "drop_last should be a boolean"),
        (lambda: iter(Sampler()), NotImplementedError, "__iter__"),
    ],
)
def test_wrong_arguments_are_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()
