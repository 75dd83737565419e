"""DataLoader in one process: what it gives, how often it asks, and which options it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from tests.utils.tools import Counting, Squares, as_they_are, flat, plain, tensor
from wengert.functions.random import Generator, manual_seed
from wengert.tensors.tensor import Tensor
from wengert.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)


def ten():
    return TensorDataset(tensor(np.arange(20.0).reshape(10, 2)), tensor(np.arange(10)))


def seeded(seed=3):
    return Generator().manual_seed(seed)


class Watched(TensorDataset):
    """Counts how it is read."""

    def __init__(self, *tensors):
        super().__init__(*tensors)
        self.single = self.whole = 0

    def __getitem__(self, index):
        self.single += 1
        return super().__getitem__(index)

    def __getbatch__(self, indices):
        assert indices.dtype == np.int64
        self.whole += 1
        return super().__getbatch__(indices)


# --- what it gives -------------------------------------------------------------------------------------------------


def test_batches_are_lists_of_tensors():
    batches = list(DataLoader(ten(), batch_size=4))
    assert all(type(batch) is list for batch in batches)
    assert [plain(labels) for _, labels in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert plain(batches[2][0]) == [[16, 17], [18, 19]]
    images, labels = next(iter(DataLoader(ten())))
    assert images.shape == (1, 2)
    assert labels.shape == (1,)


def test_the_last_batch_can_be_dropped():
    loader = DataLoader(ten(), batch_size=4, drop_last=True)
    assert len(list(loader)) == len(loader) == 2
    assert len(DataLoader(ten(), batch_size=4)) == 3
    assert list(DataLoader(ten(), batch_size=11, drop_last=True)) == []


def test_whole_batches_are_read_at_once():
    for loader in (
        lambda data: DataLoader(data, batch_size=4, shuffle=True),
        lambda data: DataLoader(Subset(data, range(10)), batch_size=4),
        lambda data: DataLoader(random_split(data, [10, 0])[0], batch_size=4),
        lambda data: DataLoader(data, batch_size=4, sampler=range(10)),
        lambda data: DataLoader(data, batch_sampler=[[0, 1], (2, 3), np.array([4])]),
        lambda data: DataLoader(data, batch_size=4, sampler=SubsetRandomSampler(range(10))),
        lambda data: DataLoader(data, batch_size=4, sampler=WeightedRandomSampler([1.0] * 10, 10)),
    ):
        data = Watched(tensor(np.arange(10)))
        assert len(list(loader(data))) == data.whole == 3
        assert data.single == 0


def test_a_collation_of_ones_own_gets_samples():
    data = Watched(tensor(np.arange(10)))
    batches = list(DataLoader(data, batch_size=4, collate_fn=as_they_are))
    assert plain(batches[0]) == [[0], [1], [2], [3]]
    assert (data.single, data.whole) == (10, 0)


def test_samples_without_batches():
    samples = list(DataLoader(ten(), batch_size=None))
    assert len(samples) == 10
    assert plain(samples[3]) == [[6, 7], 3]
    assert len(DataLoader(ten(), batch_size=None)) == 10
    assert sorted(DataLoader([5, 6, 7], batch_size=None, shuffle=True)) == [5, 6, 7]
    (sample,) = DataLoader([np.zeros(2)], batch_size=None)
    assert isinstance(sample, Tensor)


def test_any_sequence_is_a_data_set():
    assert plain(list(DataLoader([1, 2, 3], batch_size=2))) == [[1, 2], [3]]
    assert plain(list(DataLoader(range(3), batch_size=3))) == [[0, 1, 2]]
    assert plain(list(DataLoader(np.arange(4), batch_size=2))) == [[0, 1], [2, 3]]
    assert plain(list(DataLoader(tensor([1.0, 2.0]), batch_size=2))) == [[1, 2]]
    assert list(DataLoader(["a", "b"], batch_size=2)) == [["a", "b"]]
    assert plain(list(DataLoader(Squares(3), batch_size=3))) == [[[0, 1, 2], [0, 1, 4]]]


def test_several_samples_at_once_are_asked_for_so():
    class Several(Squares):
        def __getitems__(self, indices):
            assert type(indices) is list
            return [-i for i in indices]

    class Changed(Several):
        def __getitem__(self, index):
            return index + 100

    assert plain(list(DataLoader(Several(4), batch_size=2))) == [[0, -1], [-2, -3]]
    assert plain(list(DataLoader(Changed(4), batch_size=2))) == [[100, 101], [102, 103]]


def test_keys_need_not_be_numbers():
    data = {"a": 1, "b": 2, "c": 3}
    assert plain(list(DataLoader(data, batch_size=2, sampler=list(data)))) == [[1, 2], [3]]


def test_indices_may_be_tensors_or_negative():
    assert labels_of(DataLoader(ten(), batch_size=2, sampler=[-1, 0])) == [[9, 0]]
    sampler = [tensor(1), tensor(2)]
    assert labels_of(DataLoader(ten(), batch_size=2, sampler=sampler)) == [[1, 2]]


def test_an_index_that_is_not_there_is_an_error():
    with pytest.raises(IndexError, match="25"):
        list(DataLoader(ten(), sampler=[1, 25]))
    with pytest.raises(IndexError):
        list(DataLoader(ten(), batch_sampler=[[1], []]))


def test_an_error_of_the_data_set_comes_through():
    class Broken(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(DataLoader(Broken()))


def test_an_empty_data_set():
    empty = TensorDataset(tensor(np.zeros((0, 3))))
    assert list(DataLoader(empty)) == list(DataLoader([])) == []
    assert len(DataLoader(empty)) == 0
    with pytest.raises(ValueError, match="num_samples=0"):
        DataLoader(empty, shuffle=True)


# --- order and seeds -----------------------------------------------------------------------------------------------


def labels_of(loader):
    return [plain(labels) for _, labels in loader]


def test_shuffling_visits_each_once_and_anew_in_every_epoch():
    loader = DataLoader(ten(), batch_size=3, shuffle=True)
    epochs = [labels_of(loader) for _ in range(3)]
    assert all(sorted(flat(epoch)) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] or epochs[1] != epochs[2]


def test_a_seed_decides():
    first = DataLoader(ten(), batch_size=3, shuffle=True, generator=seeded())
    second = DataLoader(ten(), batch_size=3, shuffle=True, generator=seeded())
    assert [labels_of(first), labels_of(first)] == [labels_of(second), labels_of(second)]
    manual_seed(5)
    third = labels_of(DataLoader(ten(), batch_size=3, shuffle=True))
    manual_seed(5)
    assert labels_of(DataLoader(ten(), batch_size=3, shuffle=True)) == third


def test_two_iterators_do_not_disturb_each_other():
    loader = DataLoader(ten(), batch_size=5)
    first, second = iter(loader), iter(loader)
    assert plain(next(first)[1]) == plain(next(second)[1]) == [0, 1, 2, 3, 4]
    assert plain(next(first)[1]) == [5, 6, 7, 8, 9]
    with pytest.raises(StopIteration):
        next(first)
    assert len(second) == 2
    assert iter(second) is second


# --- iterable data sets --------------------------------------------------------------------------------------------


def test_samples_one_after_another():
    assert plain(list(DataLoader(Counting(5), batch_size=2))) == [[0, 1], [2, 3], [4]]
    assert plain(list(DataLoader(Counting(5), batch_size=2, drop_last=True))) == [[0, 1], [2, 3]]
    assert list(DataLoader(Counting(3), batch_size=None)) == [0, 1, 2]
    assert list(DataLoader(Counting(0))) == []
    assert len(DataLoader(Counting(5, 5), batch_size=2)) == 3
    assert len(DataLoader(Counting(5, 5), batch_size=2, drop_last=True)) == 2
    assert len(DataLoader(Counting(5, 5), batch_size=None)) == 5
    with pytest.raises(TypeError, match="no length"):
        len(DataLoader(Counting(5)))


def test_a_broken_promise_of_length_is_said():
    loader = DataLoader(Counting(3, 2))
    assert len(list(loader)) == 3  # nobody asked how many
    assert len(loader) == 2
    with pytest.warns(UserWarning, match="was reported to be 2"):
        list(loader)


# --- options -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"num_workers": -1}, ValueError, "non-negative; use num_workers=0"),
        ({"num_workers": 1.5}, TypeError, "should be an int"),
        ({"num_workers": "2"}, TypeError, "'<'"),
        ({"timeout": -1}, ValueError, "timeout option should be non-negative"),
        ({"prefetch_factor": 2}, ValueError, "only be specified in multiprocessing"),
        ({"num_workers": 1, "prefetch_factor": -1}, ValueError, "prefetch_factor option should be non-negative"),
        ({"persistent_workers": True}, ValueError, "needs num_workers > 0"),
        ({"sampler": [1], "shuffle": True}, ValueError, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[1]], "shuffle": True}, ValueError, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[1]], "sampler": [1]}, ValueError, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[1]], "drop_last": True}, ValueError, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, ValueError, "batch_size=None option disables auto-batching"),
        ({"batch_size": 0}, ValueError, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"batch_size": -1}, ValueError, "batch_size should be a positive integer"),
        ({"batch_size": 1.5}, ValueError, "batch_size should be a positive integer"),
        ({"drop_last": 3}, ValueError, "drop_last should be a boolean"),
        ({"multiprocessing_context": "fork"}, ValueError, "can only be used with multi-process loading"),
        ({"multiprocessing_context": "x", "num_workers": 1}, ValueError, "valid start method in"),
        ({"multiprocessing_context": 3, "num_workers": 1}, TypeError, "valid context object"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        DataLoader(ten(), **options)


@pytest.mark.parametrize("name", ["shuffle", "sampler", "batch_sampler"])
def test_an_iterable_data_set_has_its_own_order(name):
    with pytest.raises(ValueError, match=f"expected unspecified {name} option"):
        DataLoader(Counting(3), **{name: True})
    DataLoader(Counting(3), shuffle=False)


def test_options_are_accepted_that_have_no_effect_here():
    loader = DataLoader(ten(), batch_size=5, pin_memory=True, pin_memory_device="cuda", in_order=False, timeout=3)
    assert len(list(loader)) == 2


def test_more_workers_than_cores_are_said():
    with pytest.warns(UserWarning, match="suggested max number"):
        DataLoader(ten(), num_workers=4096)


def test_what_was_given_can_be_read_and_most_of_it_not_changed():
    loader = DataLoader(ten(), batch_size=4, drop_last=True)
    assert isinstance(loader.sampler, SequentialSampler)
    assert isinstance(loader.batch_sampler, BatchSampler)
    assert (loader.batch_size, loader.drop_last, loader.num_workers) == (4, True, 0)
    assert loader.prefetch_factor is None
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set"):
            setattr(loader, name, 1)
    loader.collate_fn = as_they_are
    own = DataLoader(ten(), batch_sampler=[[1, 2]])
    assert own.batch_size is None
    assert own.drop_last is False
    assert DataLoader[int] is not None
