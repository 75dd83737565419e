"""Stage: one step of a pipeline, as a description. `Dataset` is what a program holds; it wraps a stage.

A stage can be gone through any number of times, each pass beginning anew. Where a pipeline only picks rows of arrays
(slices, shuffled, repeated), its stage also says so by `rows`: then a batch is one slice or one gather.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from wengert.tf.data.order import Order
from wengert.tf.data.sources import Source
from wengert.tf.shape import TensorShape

INFINITE, UNKNOWN = -1, -2  # cardinalities


class Rows(NamedTuple):
    """Rows that can be asked for by position, and the order in which a pass goes through them."""

    source: Source
    order: Order


class DatasetSpec:
    """The spec of a pipeline whose elements have these specs."""

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self.element_spec = element_spec
        self.dataset_shape = TensorShape(dataset_shape)
        self.shape = self.dataset_shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetSpec) and self.element_spec == other.element_spec

    def __hash__(self) -> int:
        return hash(repr(self.element_spec))

    def __repr__(self) -> str:
        return f"DatasetSpec({self.element_spec}, {self.dataset_shape!r})"


class Stage:
    """A step of a pipeline.

    shown: the class name that TensorFlow shows for it.
    shown_as: the class that a program sees in its place (`Dataset`, which says so when it is defined).
    """

    shown = "_VariantDataset"
    shown_as: Any = None
    options: Any = None
    _known_spec: Any = None

    def pipeline_elements(self) -> Iterator[Any]:
        """One pass: the elements, as structures of components."""
        raise NotImplementedError

    def find_spec(self) -> Any:
        """The structure of specs of an element."""
        raise NotImplementedError

    def count(self) -> int:
        """How many elements a pass has: a number, `INFINITE` or `UNKNOWN`."""
        return UNKNOWN

    def rows(self) -> Optional[Rows]:
        """The same elements as rows of a source, or None when they can only be had one after the other."""
        return None

    def as_spec(self) -> DatasetSpec:
        """The spec of the pipeline as a component of an element."""
        return DatasetSpec(self.spec)

    @property
    def spec(self) -> Any:
        """`find_spec`, found once."""
        if self._known_spec is None:
            self._known_spec = self.find_spec()
        return self._known_spec


class Derived(Stage):
    """A stage that goes on from another one and does not change what an element is."""

    def __init__(self, input: Stage) -> None:
        self.input = input
        self.options = input.options

    def find_spec(self) -> Any:
        return self.input.spec


class OfRows(Derived):
    """A stage that only chooses and arranges: what it does is said once, as `arranged`, for rows and for elements."""

    def arranged(self, order: Order) -> Order:
        """The order after this stage."""
        raise NotImplementedError

    def one_by_one(self) -> Iterator[Any]:
        """A pass where the input has no rows."""
        raise NotImplementedError

    def rows(self) -> Optional[Rows]:
        found = self.input.rows()
        return None if found is None else Rows(found.source, self.arranged(found.order))

    def pipeline_elements(self) -> Iterator[Any]:
        found = self.rows()
        return self.one_by_one() if found is None else in_order(found)


def in_order(rows: Rows) -> Iterator[Any]:
    """The elements of a pass over rows, one by one."""
    source = rows.source
    for positions in rows.order.pieces():
        for position in positions if isinstance(positions, range) else positions.tolist():
            yield source.row(position)


def elements_of(input: Stage) -> Iterator[Any]:
    """The elements of a pass, by rows where there are some."""
    found = input.rows()
    return input.pipeline_elements() if found is None else in_order(found)
