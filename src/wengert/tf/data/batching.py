"""Stages that join elements: batches, padded batches, windows; and take them apart again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Optional

import numpy as np

from wengert.tf.data.functions import UserFunction
from wengert.tf.data.order import Taker
from wengert.tf.data.stage import INFINITE, Derived, Stage, elements_of
from wengert.tf.data.structure import Array, as_array, component, dtype_of, flatten, map_structure, pack
from wengert.tf.errors import DataLossError, invalid
from wengert.tf.shape import UNKNOWN as UNKNOWN_SHAPE, TensorShape
from wengert.tf.spec import TensorSpec


def stacked(elements: list[Any]) -> Any:
    """Elements of one form, each component stacked along a new first axis.

    Raises: InvalidArgumentError when the shapes of a component differ; TypeError for windows.
    """
    columns = zip(*[flatten(element) for element in elements])
    return pack(elements[0], [_column(number, column) for number, column in enumerate(columns)])


def _column(number: int, column: tuple[Any, ...]) -> Any:
    if column[0] is None:
        return None
    if hasattr(column[0], "pipeline_elements"):
        raise TypeError("Batching of datasets in a dataset (windows) is not supported: batch each of them, with flat_map.")
    arrays = [as_array(leaf) for leaf in column]
    shape = arrays[0].shape
    for position, array in enumerate(arrays):
        if array.shape != shape:
            raise invalid(
                f"Cannot batch tensors with different shapes in component {number}. First element had shape {list(shape)} and "
                f"element {position} had shape {list(array.shape)}. [Op:IteratorGetNext]"
            )
    return np.stack(arrays)


def groups(elements: Iterator[Any], size: int, drop_remainder: bool) -> Iterator[list[Any]]:
    """`size` elements at a time."""
    while group := list(islice(elements, size)):
        if len(group) == size or not drop_remainder:
            yield group


def grouped(count: int, size: int, drop_remainder: bool) -> int:
    """How many groups there are."""
    return count if count < 0 else count // size if drop_remainder else -(-count // size)


def checked_size(size: Any) -> int:
    """A batch size. Raises: TypeError, InvalidArgumentError."""
    if not hasattr(size, "__index__"):
        raise TypeError(f"Cannot convert {size!r} to EagerTensor of dtype int64")
    if int(size) <= 0:
        raise invalid("Batch size must be greater than zero. [Op:BatchDatasetV2]")
    return int(size)


class Batch(Derived):
    """`size` elements, stacked. Of rows: one slice or one gather."""

    shown = "_BatchDataset"

    def __init__(self, input: Stage, size: Any, drop_remainder: bool, parallel: bool = False) -> None:
        super().__init__(input)
        self.size, self.drop_remainder = checked_size(size), bool(drop_remainder)
        self.shown = "_ParallelBatchDataset" if parallel else self.shown

    def find_spec(self) -> Any:
        first = self.size if self.drop_remainder else None
        return map_structure(lambda spec: None if spec is None else with_first(spec, first), self.input.spec)

    def pipeline_elements(self) -> Iterator[Any]:
        found = self.input.rows()
        if found is None:
            for group in groups(self.input.pipeline_elements(), self.size, self.drop_remainder):
                yield stacked(group)
            return
        gather, take = found.source.gather, Taker(found.order).take
        while len(positions := take(self.size)):
            if len(positions) == self.size or not self.drop_remainder:
                yield gather(positions)

    def count(self) -> int:
        return grouped(self.input.count(), self.size, self.drop_remainder)


def with_first(spec: Any, first: Optional[int]) -> Any:
    """The spec of a batch."""
    shape = spec.shape
    return TensorSpec(UNKNOWN_SHAPE if shape.rank is None else (first, *shape), spec.dtype)


class PaddedBatch(Derived):
    """`size` elements, each component padded to a common shape, stacked.

    Raises: DataLossError when an element is larger than the shape that was asked for.
    """

    shown = "_PaddedBatchDataset"

    def __init__(self, input: Stage, size: Any, shapes: Any, values: Any, drop_remainder: bool) -> None:
        super().__init__(input)
        self.size, self.drop_remainder = checked_size(size), bool(drop_remainder)
        specs = flatten(input.spec)
        self.shapes = [_padded_shape(shape, spec) for shape, spec in zip(_spread(shapes, input.spec), specs)]
        self.values = [_padding(value, spec) for value, spec in zip(_spread(values, input.spec), specs)]

    def find_spec(self) -> Any:
        first = self.size if self.drop_remainder else None
        specs = [TensorSpec((first, *s), spec.dtype) for s, spec in zip(self.shapes, flatten(self.input.spec))]
        return pack(self.input.spec, specs)

    def pipeline_elements(self) -> Iterator[Any]:
        for group in groups(elements_of(self.input), self.size, self.drop_remainder):
            columns = zip(*[flatten(element) for element in group])
            yield pack(group[0], [_padded(c, s, v) for c, s, v in zip(columns, self.shapes, self.values)])

    def count(self) -> int:
        return grouped(self.input.count(), self.size, self.drop_remainder)


def _spread(given: Any, spec: Any) -> list[Any]:
    """One for each component: of a structure of them, or of one for all."""
    count = len(flatten(spec))
    if given is None or isinstance(given, (TensorShape, list)) or not isinstance(given, (tuple, dict)):
        return [given] * count
    leaves = flatten(given)
    if count == 1 and isinstance(given, tuple) and not isinstance(spec, tuple):
        return [given]  # a shape written as a tuple
    if len(leaves) != count:
        raise ValueError(f"The two structures don't have the same number of elements: {given} and {spec}")
    return leaves


def _padded_shape(shape: Any, spec: Any) -> TensorShape:
    own = spec.shape
    if own.rank is None and shape is None:
        raise ValueError("padded_batch: the rank of a component is unknown; say padded_shapes")
    found = TensorShape([None] * own.rank if shape is None else [None if n in (None, -1) else int(n) for n in shape])
    if shape is None:
        found = own
    if own.rank is not None and found.rank != own.rank:
        raise ValueError(
            f"The padded shape {found} is not compatible with the shape {own} of the corresponding input component."
        )
    return found


def _padding(value: Any, spec: Any) -> Any:
    if value is None:
        return np.zeros((), spec.dtype.numpy)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and spec.dtype.inexact:
        return np.asarray(value, spec.dtype.numpy)
    leaf = component(value)
    if isinstance(value, int) and dtype_of(leaf).category == spec.dtype.category:
        return np.asarray(value, spec.dtype.numpy)
    if dtype_of(leaf) is not spec.dtype:
        raise TypeError(
            f"Invalid `padding_values`. `padding_values` values type {dtype_of(leaf)!r} does not match type {spec.dtype!r} of "
            "the corresponding input component."
        )
    return as_array(leaf)


def _padded(column: Any, shape: TensorShape, value: Any) -> Array:
    arrays = [as_array(leaf) for leaf in column]
    ranks = {array.ndim for array in arrays}
    if ranks != {len(shape)}:
        raise invalid(f"All elements in a batch must have the same rank as the padded shape {shape}, got ranks {sorted(ranks)}")
    most = [max(sizes) for sizes in zip(*[array.shape for array in arrays])]
    sizes = [m if n is None else n for n, m in zip(shape, most)]
    if any([m > n for m, n in zip(most, sizes)]):
        raise DataLossError(None, None, "Attempted to pad to a smaller size than the input element. [Op:IteratorGetNext]")
    whole = np.full((len(arrays), *sizes), value, arrays[0].dtype)
    for row, array in enumerate(arrays):
        place: Any = (row, *[slice(n) for n in array.shape])
        whole[place] = array
    return whole


class Unbatch(Derived):
    """The rows of each element. Raises: ValueError for scalars."""

    shown = "_UnbatchDataset"

    def __init__(self, input: Stage) -> None:
        super().__init__(input)
        if any([spec.shape.rank == 0 for spec in flatten(input.spec)]):
            raise ValueError("Cannot unbatch an input with scalar components.")

    def find_spec(self) -> Any:
        return map_structure(lambda spec: TensorSpec(spec.shape[1:], spec.dtype), self.input.spec)

    def count(self) -> int:
        count, first = self.input.count(), flatten(self.input.spec)[0].shape
        known = count >= 0 and first.rank is not None and first[0] is not None
        return count * first[0] if known else count if count == INFINITE else -2

    def pipeline_elements(self) -> Iterator[Any]:
        for element in elements_of(self.input):
            arrays = map_structure(as_array, element)
            lengths = {len(array) for array in flatten(arrays)}
            if len(lengths) != 1:
                raise invalid(f"Input element must have the same batch size in each component, got {sorted(lengths)}")
            for row in range(lengths.pop()):
                yield map_structure(lambda array: array[row], arrays)  # noqa: B023 - used at once


class Rebatch(Derived):
    """Batches of other sizes, in turn, of the rows of the elements."""

    shown = "_RebatchDataset"

    def __init__(self, input: Stage, sizes: Any, drop_remainder: bool) -> None:
        super().__init__(input)
        if any([spec.shape.rank == 0 for spec in flatten(input.spec)]):
            raise ValueError(
                "Invalid `batch_sizes`. Expected dataset with rank of >= 1 but found a dataset with scalar elements. Fix the "
                "issue by adding the `batch` transformation to the dataset."
            )
        self.sizes = [checked_size(n) for n in np.atleast_1d(as_array(component(sizes)))]
        self.drop_remainder = drop_remainder

    def find_spec(self) -> Any:
        first = self.sizes[0] if self.drop_remainder and len(set(self.sizes)) == 1 else None
        return map_structure(lambda spec: with_first(TensorSpec(spec.shape[1:], spec.dtype), first), self.input.spec)

    def pipeline_elements(self) -> Iterator[Any]:
        rows = Unbatch(self.input).pipeline_elements()
        number = 0
        while group := list(islice(rows, size := self.sizes[number % len(self.sizes)])):
            if len(group) == size or not self.drop_remainder:
                yield stacked(group)
            number += 1


class GroupByWindow(Stage):
    """Elements gathered by a key; each full group is a pipeline, of which a function makes what goes on.

    size: from a key to how many elements make a group.
    """

    shown = "_GroupByWindowDataset"

    def __init__(self, input: Stage, key: Callable[..., Any], reduce: Callable[..., Any], size: Callable[[int], int]) -> None:
        self.input, self.key, self.size = input, UserFunction(key, "key_func"), size
        self.reduce = UserFunction(reduce, "reduce_func")
        self.options = input.options

    def find_spec(self) -> Any:
        element = next(elements_of(self.input))
        return self._reduced(int(as_array(self.key(element))), [element]).spec

    def _reduced(self, key: int, group: list[Any]) -> Stage:
        found = self.reduce(np.asarray(key, np.int64), Held(group, self.input.spec))
        if not hasattr(found, "pipeline_elements"):
            raise TypeError("Invalid `reduce_func`. `reduce_func` must return a single `tf.data.Dataset` object.")
        return found

    def pipeline_elements(self) -> Iterator[Any]:
        waiting: dict[int, list[Any]] = {}
        for element in elements_of(self.input):
            key = int(as_array(self.key(element)))
            group = waiting.setdefault(key, [])
            group.append(element)
            if len(group) >= self.size(key):
                yield from elements_of(self._reduced(key, waiting.pop(key)))
        for key, group in sorted(waiting.items()):
            yield from elements_of(self._reduced(key, group))


class Held(Stage):
    """Elements in a list."""

    def __init__(self, elements: list[Any], spec: Any) -> None:
        self.elements, self._known_spec = elements, spec

    def find_spec(self) -> Any:
        return self._known_spec

    def count(self) -> int:
        return len(self.elements)

    def pipeline_elements(self) -> Iterator[Any]:
        return iter(self.elements)
