"""Sources: rows of arrays by position. A batch of a source is one slice of memory or one gather."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.tf.data.functions import UserFunction
from wengert.tf.data.order import Positions
from wengert.tf.data.structure import Array, as_array, flatten, map_structure, pack


class Source:
    """n rows.

    pure: the same row is the same at any time.
    """

    pure = True
    n: int

    def gather(self, positions: Positions) -> Any:
        """The rows at these positions, each component stacked along a new first axis."""
        raise NotImplementedError

    def row(self, position: int) -> Any:
        """One row."""
        raise NotImplementedError


class ArraySource(Source):
    """The rows of arrays of equal length, in a structure. Nobody else may write to them."""

    def __init__(self, arrays: Any) -> None:
        self.arrays = arrays
        self.n = len(flatten(arrays)[0])

    def gather(self, positions: Positions) -> Any:
        if isinstance(positions, range) and positions.step == 1:
            rows = slice(positions.start, positions.stop)
            return map_structure(lambda array: array[rows], self.arrays)
        return map_structure(lambda array: array.take(positions, axis=0), self.arrays)

    def row(self, position: int) -> Any:
        return map_structure(lambda array: array[position], self.arrays)


class JoinedSource(Source):
    """A structure of sources: a row has a row of each."""

    def __init__(self, sources: Any) -> None:
        self.sources = sources
        parts = flatten(sources)
        self.n = min([source.n for source in parts])
        self.pure = all([source.pure for source in parts])

    def gather(self, positions: Positions) -> Any:
        return map_structure(lambda source: source.gather(positions), self.sources)

    def row(self, position: int) -> Any:
        return map_structure(lambda source: source.row(position), self.sources)


class CountingSource(Source):
    """Row i is start + i * step."""

    def __init__(self, start: int, step: int, n: int, dtype: Any = np.int64) -> None:
        self.start, self.step, self.n, self.dtype = start, step, n, dtype

    def gather(self, positions: Positions) -> Any:
        at = np.asarray(positions, np.int64)
        return (at * self.step + self.start).astype(self.dtype, copy=False)

    def row(self, position: int) -> Any:
        return np.asarray(self.start + position * self.step, self.dtype)


class ChainedSource(Source):
    """The rows of one source, then those of another."""

    def __init__(self, first: Source, second: Source) -> None:
        self.first, self.second = first, second
        self.n = first.n + second.n
        self.pure = first.pure and second.pure

    def gather(self, positions: Positions) -> Any:
        n = self.first.n
        at = np.asarray(positions, np.int64)
        early = at < n
        if early.all():
            return self.first.gather(positions)
        if not early.any():
            return self.second.gather(at - n)
        one, other = self.first.gather(at[early]), self.second.gather(at[~early] - n)

        def mixed(a: Any, b: Any) -> Array:
            a, b = as_array(a), as_array(b)
            whole = np.empty((len(at), *a.shape[1:]), a.dtype)
            whole[early], whole[~early] = a, b
            return whole

        return pack(one, [mixed(a, b) for a, b in zip(flatten(one), flatten(other))])

    def row(self, position: int) -> Any:
        n = self.first.n
        return self.first.row(position) if position < n else self.second.row(position - n)


class MappedSource(Source):
    """A user's function of each row."""

    pure = False

    def __init__(self, source: Source, function: UserFunction, stack: Any) -> None:
        self.source, self.function, self.stack = source, function, stack
        self.n = source.n

    def gather(self, positions: Positions) -> Any:
        if len(positions):
            found = self.function.of_rows(self.source.gather(positions))
            if found is not NotImplemented:
                return found
        listed = positions if isinstance(positions, range) else positions.tolist()
        return self.stack([self.row(position) for position in listed])

    def row(self, position: int) -> Any:
        return self.function(self.source.row(position))


class KeptSource(Source):
    """Rows that are computed when they are first asked for, and kept."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.n = source.n
        self.missing = source.n
        self._here = np.zeros(source.n, bool)
        self._arrays: Any = None

    def gather(self, positions: Positions) -> Any:
        if self.missing:
            at = np.asarray(positions, np.int64)
            absent = at[~self._here[at]]
            if len(absent):
                self._keep(np.unique(absent))
        return ArraySource(self._arrays).gather(positions)

    def row(self, position: int) -> Any:
        if not self._here[position]:
            self._keep(np.array([position]))
        return map_structure(lambda array: array[position], self._arrays)

    def _keep(self, positions: Any) -> None:
        rows = map_structure(as_array, self.source.gather(positions))
        if self._arrays is None:
            self._arrays = map_structure(lambda array: np.empty((self.n, *array.shape[1:]), array.dtype), rows)
        for array, found in zip(flatten(self._arrays), flatten(rows)):
            array[positions] = found
        self._here[positions] = True
        self.missing -= len(positions)
