"""Random numbers of pipelines: the same seeds give the order that TensorFlow gives.

TensorFlow draws from Philox 4x32-10 (J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): the first
seed is the key, the second one the upper half of the counter.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, Optional

import numpy as np

Pair = tuple[int, int]

_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_BLOCKS = 1024  # of four numbers, drawn at once


def blocks(seeds: Pair, first: int, count: int) -> Any:
    """The numbers of `count` blocks from block `first` on: uint64 below 2^32, four a block."""
    key, upper = seeds
    k0, k1 = key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF
    counter = np.arange(first, first + count, dtype=np.uint64)
    a, b = counter & _LOW, counter >> _32
    c = np.full(count, upper & 0xFFFFFFFF, np.uint64)
    d = np.full(count, (upper >> 32) & 0xFFFFFFFF, np.uint64)
    for _ in range(_ROUNDS):
        p, q = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (q >> _32) ^ b ^ np.uint64(k0), q & _LOW, (p >> _32) ^ d ^ np.uint64(k1), p & _LOW
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack([a, b, c, d], axis=1).ravel()


def numbers(seeds: Pair) -> Iterator[int]:
    """32-bit numbers without end."""
    first, count = 0, 4
    while True:
        yield from blocks(seeds, first, count).tolist()
        first += count
        count = min(2 * count, _BLOCKS)


class SeedSequence:
    """The seeds of each pass over a data set: others every time, or always the same."""

    def __init__(self, seeds: Optional[Pair], each_pass: bool) -> None:
        fixed = seeds if seeds is not None else (secrets.randbits(63), secrets.randbits(63))
        self._fixed = fixed
        self._draws = numbers(fixed) if each_pass else None

    def next(self) -> Pair:
        """The seeds of a new pass."""
        return self._fixed if self._draws is None else (next(self._draws), next(self._draws))
