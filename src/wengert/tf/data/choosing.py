"""Stages that take each element from one of several pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.tf.data.seeds import SeedSequence, numbers
from wengert.tf.data.stage import INFINITE, UNKNOWN, Derived, Stage, elements_of
from wengert.tf.data.structure import as_array, same_form
from wengert.tf.errors import invalid


class _Several(Derived):
    """Elements of several pipelines that are alike. Raises: TypeError, ValueError."""

    shown = "_DirectedInterleaveDataset"

    def __init__(self, stages: Sequence[Stage], stop_on_empty: bool) -> None:
        if not stages:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        super().__init__(stages[0])
        for stage in stages[1:]:
            if not same_form(stage.spec, stages[0].spec):
                raise TypeError(f"Incompatible dataset elements:\n  {stages[0].spec} vs.   {stage.spec}")
        self.stages, self.stop_on_empty = list(stages), stop_on_empty


class Sampled(_Several):
    """Each element comes from a pipeline drawn with these weights, of those that have not ended."""

    def __init__(self, stages: Sequence[Stage], weights: Any, seeds: SeedSequence, stop_on_empty: bool) -> None:
        super().__init__(stages, stop_on_empty)
        self.seeds = seeds
        given = np.ones(len(stages)) if weights is None else np.asarray(weights, np.float64)
        if given.shape != (len(stages),) or (given < 0).any() or not given.sum():
            raise ValueError(
                f"Invalid `weights`. The shape of `weights` should be [{len(stages)}], with none below 0 and one above; got "
                f"{weights}."
            )
        self.weights = given / given.sum()

    def pipeline_elements(self) -> Iterator[Any]:
        open_ones = [elements_of(stage) for stage in self.stages]
        weights = self.weights.tolist()
        for number in numbers(self.seeds.next()):
            at = _drawn(number / 2**32, weights)
            if at is None:
                return
            element = next(open_ones[at], _ENDED)
            if element is not _ENDED:
                yield element
            elif self.stop_on_empty:
                return
            else:
                weights[at] = 0.0

    def count(self) -> int:
        counts = [stage.count() for stage in self.stages]
        if INFINITE in counts:
            return UNKNOWN if self.stop_on_empty else INFINITE
        return UNKNOWN if self.stop_on_empty or UNKNOWN in counts else sum(counts)


_ENDED = object()


def _drawn(u: float, weights: list[float]) -> Any:
    """Where u, from 0 to 1, falls in the weights; None when they are all zero."""
    total, at = sum(weights), None
    reach = u * total
    for position, weight in enumerate(weights):
        if weight:
            at = position
            reach -= weight
            if reach < 0:
                break
    return at


class Chosen(_Several):
    """Each element comes from the pipeline whose number the next element of `choices` is."""

    def __init__(self, stages: Sequence[Stage], choices: Stage, stop_on_empty: bool) -> None:
        super().__init__(stages, stop_on_empty)
        self.choices = choices

    def pipeline_elements(self) -> Iterator[Any]:
        open_ones = [elements_of(stage) for stage in self.stages]
        for choice in elements_of(self.choices):
            at = int(as_array(choice))
            if not 0 <= at < len(open_ones):
                raise invalid(f"Selector index out of range: {at} >= {len(open_ones)}")
            element = next(open_ones[at], _ENDED)
            if element is not _ENDED:
                yield element
            elif self.stop_on_empty:
                return
