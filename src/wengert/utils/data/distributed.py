"""DistributedSampler: each of several processes sees its own part of a data set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any, Optional

from wengert.functions.random import randperm
from wengert.functions.seeds import Generator
from wengert.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler):
    """Positions rank, rank + num_replicas, ... of the data set, shuffled alike in all processes by seed + epoch.

    num_replicas, rank: how many processes there are, and which this is; by default one, and the first: there is no
    process group here. shuffle: in a new order each epoch; call `set_epoch` before it. drop_last: leave out the rest that
    does not divide; otherwise the first positions come again until it does.

    Raises: ValueError for a rank outside [0, num_replicas).
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: Optional[int] = None,
        rank: Optional[int] = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        self.num_replicas = 1 if num_replicas is None else num_replicas
        self.rank = 0 if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {self.num_replicas - 1}]")
        self.shuffle, self.seed, self.drop_last, self.epoch = shuffle, seed, drop_last, 0
        count = len(dataset)
        self.num_samples = count // self.num_replicas if drop_last else math.ceil(count / self.num_replicas)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[Any]:
        count = len(self.dataset)
        if self.shuffle:
            indices = randperm(count, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        else:
            indices = list(range(count))
        if count and len(indices) < self.total_size:
            indices = (indices * math.ceil(self.total_size / count))[: self.total_size]
        return iter(indices[: self.total_size][self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be in another order."""
        self.epoch = epoch
