"""Stages that call a user's function on elements."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any, Optional

import numpy as np

from wengert.tf.data.batching import stacked
from wengert.tf.data.functions import UserFunction, spec_of, truth
from wengert.tf.data.order import Arranged, Order, Positions
from wengert.tf.data.sources import MappedSource, Source
from wengert.tf.data.stage import UNKNOWN, Derived, OfRows, Rows, Stage, elements_of
from wengert.tf.data.structure import as_array, component, flatten, map_structure, same_form
from wengert.tf.errors import invalid


class Map(Stage):
    """``function(element)``. Over rows of arrays it is computed for whole batches where that gives the same."""

    shown = "_MapDataset"

    def __init__(self, input: Stage, function: Any, parallel: bool) -> None:
        self.input, self.function = input, UserFunction(function)
        self.shown = "_ParallelMapDataset" if parallel else self.shown
        self.options = input.options

    def find_spec(self) -> Any:
        return self.function.spec(self.input.spec, first=lambda: (next(elements_of(self.input)),))

    def rows(self) -> Optional[Rows]:
        found = self.input.rows()
        return None if found is None else Rows(MappedSource(found.source, self.function, stacked), found.order)

    def pipeline_elements(self) -> Iterator[Any]:
        return map(self.function, elements_of(self.input))

    def count(self) -> int:
        return self.input.count()


class _Chosen(Arranged):
    """The positions whose rows a predicate holds for."""

    piece = 1024

    def __init__(self, input: Order, source: Source, predicate: UserFunction) -> None:
        super().__init__(input)
        self.source, self.predicate = source, predicate

    def pieces(self) -> Iterator[Positions]:
        for piece in self.input.pieces():
            for start in range(0, len(piece), self.piece):
                part = np.asarray(piece[start : start + self.piece], np.int64)
                kept = part[self._holds(part)]
                if len(kept):
                    yield kept

    def _holds(self, positions: Any) -> Any:
        found = self.predicate.of_rows(self.source.gather(positions))
        mask = None if found is NotImplemented else as_array(found)
        if mask is None or mask.dtype != bool or mask.ndim != 1:
            return np.array([truth(self.predicate(self.source.row(i))) for i in positions.tolist()], bool)
        return mask

    def count(self) -> int:
        return UNKNOWN


class Filter(OfRows):
    """The elements that a predicate holds for."""

    shown = "_FilterDataset"

    def __init__(self, input: Stage, predicate: Any) -> None:
        super().__init__(input)
        self.predicate = UserFunction(predicate, "predicate")

    def rows(self) -> Optional[Rows]:
        found = self.input.rows()
        if found is None or not found.source.pure:  # what is computed twice could differ
            return None
        return Rows(found.source, _Chosen(found.order, found.source, self.predicate))

    def one_by_one(self) -> Iterator[Any]:
        return (element for element in elements_of(self.input) if truth(self.predicate(element)))


class TakeWhile(Derived):
    """The elements before the first that a predicate does not hold for."""

    shown = "_TakeWhileDataset"

    def __init__(self, input: Stage, predicate: Any) -> None:
        super().__init__(input)
        self.predicate = UserFunction(predicate, "predicate")

    def pipeline_elements(self) -> Iterator[Any]:
        for element in elements_of(self.input):
            if not truth(self.predicate(element)):
                return
            yield element


class Scan(Stage):
    """``state, output = function(state, element)``; the elements are the outputs."""

    shown = "_ScanDataset"

    def __init__(self, input: Stage, initial_state: Any, function: Any) -> None:
        self.input, self.function = input, UserFunction(function, "scan_func")
        self.initial_state = map_structure(component, initial_state)
        self.options = input.options

    def find_spec(self) -> Any:
        state = map_structure(spec_of, self.initial_state)
        first = lambda: (self.initial_state, next(elements_of(self.input)))
        return self.function.spec(state, self.input.spec, first=first)[1]

    def pipeline_elements(self) -> Iterator[Any]:
        state = self.initial_state
        for element in elements_of(self.input):
            result = self.function(state, element)
            if not (isinstance(result, tuple) and len(result) == 2):
                raise TypeError(
                    "Invalid `scan_func`. `scan_func` should return a pair consisting of new state and the output value."
                )
            state = same_state(state, result[0], "scan_func")
            yield result[1]

    def count(self) -> int:
        return self.input.count()


def same_state(before: Any, after: Any, who: str) -> Any:
    """`after`. Raises: TypeError when its form or a dtype is not that of the state before."""
    if not same_form(before, after):
        raise TypeError(f"Invalid `{who}`. The structure of its new state {after} is not that of its state {before}.")
    for old, new in zip(flatten(before), flatten(after)):
        if old.dtype != new.dtype:
            raise TypeError(f"Invalid `{who}`. The element types for the new state must match the initial state. Expected "
                            f"{spec_of(old).dtype!r}; got {spec_of(new).dtype!r}.")  # fmt: skip
    return after


class FlatMap(Stage):
    """The elements of the pipelines that a function gives, one pipeline after the other."""

    shown = "_FlatMapDataset"

    def __init__(self, input: Stage, function: Any) -> None:
        self.input, self.function = input, UserFunction(function, "map_func")
        self.options = input.options

    def find_spec(self) -> Any:
        for element in elements_of(self.input):
            return self.inner(element).spec
        raise invalid("flat_map: the element_spec comes from the first element, and there is none")

    def inner(self, element: Any) -> Stage:
        """The pipeline of an element. Raises: TypeError when the function gives something else."""
        found = self.function(element)
        if not hasattr(found, "pipeline_elements"):
            got = map_structure(spec_of, found)
            raise TypeError(f"Invalid `map_func`. `map_func` must return a `Dataset` object, but its return type is {got}.")
        return found

    def pipeline_elements(self) -> Iterator[Any]:
        for element in elements_of(self.input):
            yield from elements_of(self.inner(element))


class Interleave(FlatMap):
    """The same, from `cycle` pipelines at once: `block` elements of each in turn. One that has ended makes room."""

    shown = "_InterleaveDataset"

    def __init__(self, input: Stage, function: Any, cycle: int, block: int, parallel: bool) -> None:
        super().__init__(input, function)
        self.shown = "_ParallelInterleaveDataset" if parallel else self.shown
        if cycle < 1 or block < 1:
            name, got = ("cycle_length", cycle) if cycle < 1 else ("block_length", block)
            raise invalid(f"{name} must be greater than zero, got {got} [Op:InterleaveDataset]")
        self.cycle, self.block = cycle, block

    def pipeline_elements(self) -> Iterator[Any]:
        waiting = (elements_of(self.inner(element)) for element in elements_of(self.input))
        slots: list[Any] = [None] * self.cycle
        at, more = 0, True
        while more or any(slots):
            if slots[at] is None and more:
                slots[at] = next(waiting, None)
                more = slots[at] is not None
            if slots[at] is not None:
                block = list(islice(slots[at], self.block))
                yield from block
                if len(block) < self.block:
                    slots[at] = None
            at = (at + 1) % self.cycle


class Unique(Derived):
    """Each scalar once. Raises: InvalidArgumentError, TypeError for other elements."""

    shown = "_UniqueDataset"

    def pipeline_elements(self) -> Iterator[Any]:
        seen = set()
        for element in elements_of(self.input):
            if len(flatten(element)) != 1 or as_array(flatten(element)[0]).ndim:
                raise invalid(f"Unique: expected scalars, got elements of {map_structure(spec_of, element)}")
            value = as_array(flatten(element)[0]).item()
            if value not in seen:
                seen.add(value)
                yield element


class Forgiving(Derived):
    """The elements that come without an error."""

    shown = "_IgnoreErrorsDataset"

    def __init__(self, input: Stage, log_warning: bool) -> None:
        super().__init__(input)
        self.log_warning = log_warning

    def pipeline_elements(self) -> Iterator[Any]:
        input = self.input
        if not isinstance(input, Map):
            yield from elements_of(input)
            return
        for element in elements_of(input.input):
            try:
                found = map_structure(lambda leaf: as_array(leaf) if hasattr(leaf, "shape") else leaf, input.function(element))
            except Exception as error:  # noqa: BLE001 - this stage is asked to let such elements go
                if self.log_warning:
                    warnings.warn(f"Error raised with error message {error}", stacklevel=2)
                continue
            yield found


class Reduction:
    """``state = function(state, element)`` over a whole pass."""

    def __init__(self, input: Stage, initial_state: Any, function: Any) -> None:
        self.input, self.function = input, UserFunction(function, "reduce_func")
        self.state = map_structure(component, initial_state)

    def result(self) -> Any:
        """The last state."""
        state = self.state
        for element in elements_of(self.input):
            state = same_state(state, self.function(state, element), "reduce_func")
        return state
