"""DistributedSampler beside PyTorch's."""

from __future__ import annotations

import pytest

import wengert
from wengert.utils.data import DataLoader, DistributedSampler, TensorDataset


@pytest.mark.parametrize("count", [0, 1, 5, 12])
@pytest.mark.parametrize("replicas", [1, 3, 7])
@pytest.mark.parametrize("drop_last", [False, True])
def test_parts_are_pytorchs_without_shuffling(count, replicas, drop_last):
    torch = pytest.importorskip("torch")
    for rank in range(replicas):
        options = {"num_replicas": replicas, "rank": rank, "shuffle": False, "drop_last": drop_last}
        mine = DistributedSampler(range(count), **options)
        theirs = torch.utils.data.DistributedSampler(range(count), **options)
        if count == 0:
            assert list(mine) == []
            continue
        assert len(mine) == len(theirs) and list(mine) == list(theirs)


def test_epochs_shuffle_alike_in_all_processes():
    def parts(epoch):
        samplers = [DistributedSampler(range(12), 3, rank, seed=5) for rank in range(3)]
        for sampler in samplers:
            sampler.set_epoch(epoch)
        return [list(sampler) for sampler in samplers]

    assert sorted(x for part in parts(0) for x in part) == list(range(12))
    assert parts(0) == parts(0) != parts(1)


def test_it_serves_a_loader_and_is_one_process_by_default():
    data = TensorDataset(wengert.arange(10))
    sampler = DistributedSampler(data)
    seen = [x for (batch,) in DataLoader(data, batch_size=4, sampler=sampler) for x in batch.tolist()]
    assert sorted(seen) == list(range(10)) and len(sampler) == 10
    with pytest.raises(ValueError, match="Invalid rank"):
        DistributedSampler(data, 2, 2)
