"""Stages that choose and arrange elements without looking at them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as counting, islice
from typing import Any, Optional

import numpy as np

from wengert.tf.data.order import Order, Part, Repeated, Shuffled, part, repeated, shuffled
from wengert.tf.data.seeds import SeedSequence
from wengert.tf.data.sources import ChainedSource, CountingSource, JoinedSource, KeptSource
from wengert.tf.data.stage import INFINITE, UNKNOWN, Derived, OfRows, Rows, Stage, elements_of
from wengert.tf.data.structure import as_array, flatten, map_structure, same_form
from wengert.tf.dtypes import int64
from wengert.tf.errors import invalid
from wengert.tf.spec import TensorSpec


class Shuffle(OfRows):
    """Elements drawn from a buffer of the next ones. Raises: InvalidArgumentError for a buffer of none."""

    shown = "_ShuffleDataset"

    def __init__(self, input: Stage, buffer_size: int, seeds: SeedSequence) -> None:
        super().__init__(input)
        if buffer_size <= 0 and buffer_size != UNKNOWN:
            raise invalid("buffer_size must be greater than zero or UNKNOWN_CARDINALITY [Op:ShuffleDatasetV3]")
        self.buffer_size = buffer_size if buffer_size > 0 else 1 << 62
        self.seeds = seeds

    def arranged(self, order: Order) -> Order:
        return Shuffled(order, self.buffer_size, self.seeds)

    def one_by_one(self) -> Iterator[Any]:
        return shuffled(self.input.pipeline_elements(), self.buffer_size, self.seeds.next())

    def count(self) -> int:
        return self.input.count()


class Repeat(OfRows):
    """Pass after pass; -1 for no end."""

    shown = "_RepeatDataset"

    def __init__(self, input: Stage, times: int) -> None:
        super().__init__(input)
        self.times = times

    def arranged(self, order: Order) -> Order:
        return Repeated(order, self.times)

    def one_by_one(self) -> Iterator[Any]:
        for done in counting():
            if done == self.times:
                return
            empty = True
            for element in self.input.pipeline_elements():
                empty = False
                yield element
            if empty:
                return

    def count(self) -> int:
        return repeated(self.input.count(), self.times)


class Slice(OfRows):
    """Elements number start, start + step, ... before `stop`: take, skip and shard."""

    def __init__(self, input: Stage, start: int, stop: Optional[int], step: int, shown: str) -> None:
        super().__init__(input)
        self.start, self.stop, self.step, self.shown = start, stop, step, shown

    def arranged(self, order: Order) -> Order:
        return Part(order, self.start, self.stop, self.step)

    def one_by_one(self) -> Iterator[Any]:
        return islice(self.input.pipeline_elements(), self.start, self.stop, self.step)

    def count(self) -> int:
        return part(self.input.count(), self.start, self.stop, self.step)


class Hint(Derived):
    """What changes nothing in what the elements are: prefetching, options."""

    def __init__(self, input: Stage, shown: str, options: Any = None) -> None:
        super().__init__(input)
        self.shown = shown
        if options is not None:
            self.options = options if input.options is None else input.options.merge(options)

    def pipeline_elements(self) -> Iterator[Any]:
        return self.input.pipeline_elements()

    def rows(self) -> Optional[Rows]:
        return self.input.rows()

    def count(self) -> int:
        return self.input.count()


class Counted(Hint):
    """A pass has a number of elements that is told, and checked as it goes."""

    def __init__(self, input: Stage, told: int) -> None:
        super().__init__(input, "_AssertCardinalityDataset")
        self.told = told

    def rows(self) -> None:
        return None

    def pipeline_elements(self) -> Iterator[Any]:
        seen = 0
        for seen, element in enumerate(elements_of(self.input), 1):
            if self.told >= 0 and seen > self.told:
                raise invalid_count(self.told, f"at least {seen}")
            yield element
        if seen < self.told or self.told == INFINITE:
            raise invalid_count(self.told, str(seen))

    def count(self) -> int:
        return self.told


def invalid_count(told: int, seen: str) -> Exception:
    wanted = "an infinite number of" if told == INFINITE else told
    return invalid(f"Input dataset was expected to contain {wanted} elements but contained {seen} elements.")


class Cache(Derived):
    """Keeps what it has given. Rows are kept one by one, whatever the order they are asked for; elements of a stream, when a
    pass has come to its end."""

    shown = "CacheDataset"

    def __init__(self, input: Stage) -> None:
        super().__init__(input)
        self._source: Optional[KeptSource] = None
        self._elements: Optional[list[Any]] = None

    def rows(self) -> Optional[Rows]:
        found = self.input.rows()
        if found is None or not found.order.in_place() or found.order.count() != found.source.n:
            return None
        if found.source.pure:
            return found
        if self._source is None:
            if not all([isinstance(s, TensorSpec) and s.shape.is_fully_defined() for s in flatten(self.spec)]):
                return None
            self._source = KeptSource(found.source)
        return Rows(self._source, found.order)

    def pipeline_elements(self) -> Iterator[Any]:
        if self._elements is not None:
            yield from self._elements
            return
        seen = []
        for element in elements_of(self.input):
            kept = map_structure(lambda leaf: as_array(leaf) if hasattr(leaf, "shape") else leaf, element)
            seen.append(kept)
            yield kept
        self._elements = seen

    def count(self) -> int:
        return self.input.count()


class Concatenate(Stage):
    """One pipeline, then another. Raises: TypeError when their elements are not alike."""

    shown = "_ConcatenateDataset"

    def __init__(self, first: Stage, second: Stage) -> None:
        self.first, self.second = first, second
        self.options = first.options
        one, other = flatten(first.spec), flatten(second.spec)
        alike = same_form(first.spec, second.spec) and all([a.dtype is b.dtype for a, b in zip(one, other)])
        if not alike:
            raise TypeError(f"Incompatible dataset elements:\n  {first.spec} vs.   {second.spec}")

    def find_spec(self) -> Any:
        found = iter([a.most_specific_compatible_type(b) for a, b in zip(flatten(self.first.spec), flatten(self.second.spec))])
        return map_structure(lambda _: next(found), self.first.spec)

    def rows(self) -> Optional[Rows]:
        one, other = whole(self.first), whole(self.second)
        if one is None or other is None:
            return None
        source = ChainedSource(one, other)
        return Rows(source, Order(source.n)) if self.find_spec() == self.first.spec == self.second.spec else None

    def pipeline_elements(self) -> Iterator[Any]:
        yield from elements_of(self.first)
        yield from elements_of(self.second)

    def count(self) -> int:
        counts = self.first.count(), self.second.count()
        if INFINITE in counts:
            return INFINITE
        return UNKNOWN if UNKNOWN in counts else sum(counts)


def whole(stage: Stage) -> Any:
    """The source of a stage that gives all its rows as they lie, or None."""
    found = stage.rows()
    return None if found is None or not found.order.in_place() else found.source


class Zip(Stage):
    """A structure of pipelines: an element has one element of each."""

    shown = "_ZipDataset"

    def __init__(self, stages: Any) -> None:
        self.stages = stages
        self.options = flatten(stages)[0].options

    def find_spec(self) -> Any:
        return map_structure(lambda stage: stage.spec, self.stages)

    def rows(self) -> Optional[Rows]:
        sources = map_structure(whole, self.stages)
        if any([source is None for source in flatten(sources)]):
            return None
        source = JoinedSource(sources)
        return Rows(source, Order(source.n))

    def pipeline_elements(self) -> Iterator[Any]:
        parts = [elements_of(stage) for stage in flatten(self.stages)]
        for together in zip(*parts):
            leaves = iter(together)
            yield map_structure(lambda _: next(leaves), self.stages)  # noqa: B023 - used at once

    def count(self) -> int:
        counts = [stage.count() for stage in flatten(self.stages)]
        known = [n for n in counts if n >= 0]
        if UNKNOWN in counts:
            return UNKNOWN
        return min(known) if known else INFINITE


class Numbers(Stage):
    """The numbers start, start + step, ... without end."""

    shown = "_RangeDataset"

    def __init__(self, start: int, step: int, dtype: Any = int64) -> None:
        self.start, self.step, self.dtype = start, step, dtype

    def find_spec(self) -> Any:
        return TensorSpec((), self.dtype)

    def count(self) -> int:
        return INFINITE

    def pipeline_elements(self) -> Iterator[Any]:
        for number in counting(self.start, self.step):
            yield np.asarray(number, self.dtype.numpy)


class Enumerate(Zip):
    """Each element with its number, from `start` on."""

    def __init__(self, input: Stage, start: int) -> None:
        super().__init__((Numbers(start, 1), input))
        self.input, self.start = input, start

    def rows(self) -> Optional[Rows]:
        source = whole(self.input)
        if source is None:
            return None
        return Rows(JoinedSource((CountingSource(self.start, 1, source.n), source)), Order(source.n))
