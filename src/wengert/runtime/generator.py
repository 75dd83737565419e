"""Seeds: where random operations get their key and counter.

A generator is a seed and the number of draws made. Every random operation takes a fresh counter, whatever the size of
what it draws, so an executable is reused with new numbers, and the same seed gives the same numbers on every tier. The
numbers themselves are functions of (key, counter): see `primitives/random.py`.
"""

from __future__ import annotations

import os
import struct
import threading
from typing import Any

from wengert.dtypes import int64
from wengert.graph.node import Node
from wengert.graph.record import own_number, recorder

# The range of seeds that PyTorch takes: int64, or uint64 read as the same bits.
_LOWEST, _HIGHEST = -(2**63), 2**64 - 1
_STATE = struct.Struct("<QQ")  # seed, draws


class Stream:
    """A seed and a count of draws. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.restart(_from_the_system())

    def restart(self, seed: int) -> None:
        """Begin anew from `seed`.

        Raises: ValueError for a seed outside [-2**63, 2**64).
        """
        if not _LOWEST <= seed <= _HIGHEST:
            raise ValueError(f"manual_seed: a seed lies between -2**63 and 2**64 - 1; got {seed}")
        self._set(seed & _HIGHEST, 0)

    def _set(self, seed: int, draws: int) -> None:
        if recorder.trace is not None:
            recorder.trace.refuse("it seeds a generator of random numbers")
        with self._lock:
            self.seed = seed
            self._draws = draws
            self._key = own_number(signed(seed), int64)

    def draw(self) -> tuple[Node, Node]:
        """The key and a fresh counter, as zero-dimensional int64 nodes."""
        with self._lock:
            counter = self._draws
            self._draws = counter + 1
            key, node = self._key, own_number(signed(counter), int64)
        if recorder.trace is not None:
            recorder.trace.drawn(self, key, node)
        return key, node

    def take(self, count: int) -> tuple[int, int]:
        """The key and the first of `count` fresh counters, as numbers: what as many calls of `draw` would give."""
        with self._lock:
            counter = self._draws
            self._draws = counter + count
            return signed(self.seed), counter

    def state(self) -> bytes:
        """Seed and draws, to return to this place later."""
        with self._lock:
            return _STATE.pack(self.seed, self._draws)

    def restore(self, state: bytes) -> None:
        """Return to the place where `state` was taken.

        Raises: RuntimeError for bytes that are no state.
        """
        if len(state) != _STATE.size:
            raise RuntimeError(f"set_state: RNG state is wrong size: expected {_STATE.size} bytes, got {len(state)}")
        self._set(*_STATE.unpack(state))

    def reseed(self) -> int:
        """Begin anew from a seed of the operating system's. Returns it."""
        self.restart(_from_the_system())
        return self.seed

    def __getstate__(self) -> Any:
        return self.state()

    def __setstate__(self, state: Any) -> None:
        self._lock = threading.Lock()
        self.restore(state)


def signed(bits: int) -> int:
    """64 bits read as int64."""
    return bits - 2**64 if bits >= 2**63 else bits


def _from_the_system() -> int:
    return int.from_bytes(os.urandom(8), "little")


default_stream = Stream()
