"""Orders: in which a pass goes through the rows of a source. An order can be gone through any number of times.

A pass comes in pieces: ranges, where the rows lie together, or arrays of positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Optional, Union

import numpy as np

from wengert.tf.data.seeds import SeedSequence, blocks, numbers

Positions = Union[range, Any]  # or an int64 array

_PIECE = 4096


class Order:
    """All rows as they lie: positions 0 to n - 1."""

    def __init__(self, n: int) -> None:
        self.n = n

    def pieces(self) -> Iterator[Positions]:
        """One pass, in pieces that are not empty."""
        if self.n:
            yield range(self.n)

    def count(self) -> int:
        """How many positions a pass has; -1 for one without end, -2 where only the pass itself says it."""
        return self.n

    def in_place(self) -> bool:
        """Whether position number i is i."""
        return True


class Arranged(Order):
    """An order made from another one."""

    def __init__(self, input: Order) -> None:
        self.input = input

    def in_place(self) -> bool:
        return False


class Shuffled(Arranged):
    """TensorFlow's shuffling buffer: each position is drawn from the next `buffer_size` ones. Where they are all of them it
    is the permutation of R. A. Fisher and F. Yates."""

    def __init__(self, input: Order, buffer_size: int, seeds: SeedSequence) -> None:
        super().__init__(input)
        self.buffer_size, self.seeds = buffer_size, seeds

    def pieces(self) -> Iterator[Positions]:
        seeds, n = self.seeds.next(), self.input.count()
        if 0 < n <= self.buffer_size:
            listed = [position for piece in self.input.pieces() for position in _listed(piece)]
            yield permuted(listed, seeds)
            return
        given = (position for piece in self.input.pieces() for position in _listed(piece))
        drawn = shuffled(given, self.buffer_size, seeds)
        while piece := list(islice(drawn, _PIECE)):
            yield np.array(piece, np.int64)

    def count(self) -> int:
        return self.input.count()


class Repeated(Arranged):
    """Pass after pass, `times` of them or (-1) without end."""

    def __init__(self, input: Order, times: int) -> None:
        super().__init__(input)
        self.times = times

    def pieces(self) -> Iterator[Positions]:
        done = 0
        while done != self.times:
            empty = True
            for piece in self.input.pieces():
                empty = False
                yield piece
            if empty:
                return
            done += 1

    def count(self) -> int:
        return repeated(self.input.count(), self.times)


class Part(Arranged):
    """The positions number start, start + step, ... before number `stop`."""

    def __init__(self, input: Order, start: int, stop: Optional[int], step: int = 1) -> None:
        super().__init__(input)
        self.start, self.stop, self.step = start, stop, step

    def pieces(self) -> Iterator[Positions]:
        seen = 0
        if self.stop == 0:
            return
        for piece in self.input.pieces():
            first = max(self.start - seen, (self.start - seen) % self.step)
            last = len(piece) if self.stop is None else self.stop - seen
            kept = piece[first : last : self.step]
            if len(kept):
                yield kept
            seen += len(piece)
            if self.stop is not None and seen >= self.stop:
                return

    def count(self) -> int:
        return part(self.input.count(), self.start, self.stop, self.step)


def repeated(count: int, times: int) -> int:
    """How many elements `times` passes of `count` have."""
    if times == 0 or count == 0:
        return 0
    if times < 0 or count < 0:
        return min(-1, count) if count < 0 else -1
    return count * times


def part(count: int, start: int, stop: Optional[int], step: int = 1) -> int:
    """How many of `count` elements are number start, start + step, ... before `stop`."""
    if count == -2 or (count == -1 and stop is None):
        return count
    last = stop if count == -1 else count if stop is None else min(stop, count)
    return len(range(start, last or 0, step))


def _listed(piece: Positions) -> Any:
    return piece if isinstance(piece, range) else piece.tolist()


def permuted(positions: list[int], seeds: tuple[int, int]) -> Any:
    """`shuffled` with a buffer that holds everything: what is drawn at step i comes from the ones after it."""
    n = len(positions)
    steps = np.arange(n)
    draws = blocks(seeds, 0, -(-n // 4))[:n].astype(np.int64) % (n - steps) + steps
    for i, at in enumerate(draws.tolist()):
        positions[i], positions[at] = positions[at], positions[i]
    return np.array(positions, np.int64)


def shuffled(given: Iterator[Any], buffer_size: int, seeds: tuple[int, int]) -> Iterator[Any]:
    """The values of `given`, each drawn from the next `buffer_size` ones.

    The buffer is a ring. What is drawn gives its place to the first in the ring, whose place the next value takes, as in
    TensorFlow: from the same seeds comes the same order.
    """
    ring = list(islice(given, buffer_size))
    size, first = len(ring), 0
    draws = numbers(seeds)
    if size == buffer_size:
        for value, draw in zip(given, draws):
            at = (first + draw % size) % size
            drawn, ring[at] = ring[at], ring[first]
            ring[first] = value
            yield drawn
            first = first + 1 if first + 1 < size else 0
    for left in range(size, 0, -1):
        at = (first + next(draws) % left) % size
        drawn, ring[at] = ring[at], ring[first]
        yield drawn
        first = (first + 1) % size


class Taker:
    """Takes the positions of one pass in groups of a wished-for size."""

    def __init__(self, order: Order) -> None:
        self._pieces = order.pieces()
        self._rest: Positions = range(0)

    def take(self, k: int) -> Positions:
        """The next k positions; fewer at the end."""
        if len(self._rest) >= k:
            taken, self._rest = self._rest[:k], self._rest[k:]
            return taken
        parts = [self._rest] if len(self._rest) else []
        missing = k - len(self._rest)
        self._rest = range(0)
        for piece in self._pieces:
            parts.append(piece[:missing])
            if len(piece) >= missing:
                self._rest = piece[missing:]
                break
            missing -= len(piece)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.asarray(piece, np.int64) for piece in parts]) if parts else range(0)
