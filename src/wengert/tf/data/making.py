"""Stages that a pipeline begins with: arrays, numbers, generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Optional

import numpy as np

from wengert.tf.data.functions import spec_of
from wengert.tf.data.order import Order
from wengert.tf.data.seeds import SeedSequence, numbers
from wengert.tf.data.sources import ArraySource, CountingSource
from wengert.tf.data.stage import INFINITE, Rows, Stage
from wengert.tf.data.structure import as_array, component, flatten, map_structure, nested, own_array, pack, same_form
from wengert.tf.dtypes import as_dtype, int64
from wengert.tf.errors import invalid
from wengert.tf.spec import TensorSpec


class Slices(Stage):
    """The rows of arrays.

    Raises: ValueError for arrays without a first axis, or with first axes of different lengths.
    """

    shown = "_TensorSliceDataset"

    def __init__(self, tensors: Any) -> None:
        arrays = map_structure(own_array, tensors)
        leaves = flatten(arrays)
        if not leaves:
            raise ValueError("Invalid `tensors`. `tensors` should not be empty.")
        for leaf in leaves:
            if leaf.ndim == 0:
                raise ValueError("Unbatching a tensor is only supported for rank >= 1")
            if len(leaf) != len(leaves[0]):
                raise ValueError(f"Dimensions {len(leaves[0])} and {len(leaf)} are not compatible")
        self.source = ArraySource(arrays)

    def find_spec(self) -> Any:
        return map_structure(lambda array: spec_of(array[0] if len(array) else np.empty(array.shape[1:], array.dtype)),
                             self.source.arrays)  # fmt: skip

    def count(self) -> int:
        return self.source.n

    def rows(self) -> Rows:
        return Rows(self.source, Order(self.source.n))


class Single(Stage):
    """One element."""

    shown = "_TensorDataset"

    def __init__(self, tensors: Any) -> None:
        self.element = map_structure(lambda leaf: leaf if leaf is None else _kept(component(leaf)), tensors)

    def find_spec(self) -> Any:
        return map_structure(spec_of, self.element)

    def count(self) -> int:
        return 1

    def pipeline_elements(self) -> Iterator[Any]:
        yield self.element


def _kept(leaf: Any) -> Any:
    return leaf if hasattr(leaf, "pipeline_elements") else np.array(as_array(leaf))


class Range(Stage):
    """Numbers in steps.

    Raises: TypeError for what is no integer; InvalidArgumentError for a step of 0.
    """

    shown = "_RangeDataset"

    def __init__(self, *bounds: Any, output_type: Any = int64) -> None:
        for bound in bounds:
            if not hasattr(bound, "__index__"):
                raise TypeError(f"Cannot convert {bound!r} to EagerTensor of dtype int64")
        listed = [int(bound) for bound in bounds]
        if len(listed) == 3 and listed[2] == 0:
            raise invalid("step must be a non-zero integer. [Op:RangeDataset]")
        self.range = range(*listed)
        self.dtype = as_dtype(output_type)

    def find_spec(self) -> Any:
        return TensorSpec((), self.dtype)

    def count(self) -> int:
        return len(self.range)

    def rows(self) -> Rows:
        n = len(self.range)
        return Rows(CountingSource(self.range.start, self.range.step, n, self.dtype.numpy), Order(n))


class RandomNumbers(Stage):
    """Integers from 0 to 2^32 - 1 without end."""

    shown = "_RandomDataset"

    def __init__(self, seeds: SeedSequence) -> None:
        self.seeds = seeds

    def find_spec(self) -> Any:
        return TensorSpec((), int64)

    def count(self) -> int:
        return INFINITE

    def pipeline_elements(self) -> Iterator[Any]:
        for number in numbers(self.seeds.next()):
            yield np.asarray(number, np.int64)


class Generated(Stage):
    """What ``generator(*args)`` yields; each pass calls it anew."""

    shown = "_FlatMapDataset"

    def __init__(self, generator: Callable[..., Any], signature: Any, args: tuple[Any, ...]) -> None:
        self.generator, self.signature, self.args = generator, signature, args

    def find_spec(self) -> Any:
        return self.signature

    def pipeline_elements(self) -> Iterator[Any]:
        for element in iter(self.generator(*self.args)):
            yield self._checked(element)

    def _checked(self, element: Any) -> Any:
        """The element as arrays of the signature's dtypes.

        Raises: InvalidArgumentError when its form, a dtype or a shape does not fit.
        """
        if not nested(self.signature):
            return _fitting(element, self.signature)
        form = _tuples_for(element, self.signature)
        if not same_form(form, self.signature):
            expected = map_structure(lambda spec: spec.dtype, self.signature)
            raise invalid(
                "TypeError: `generator` yielded an element that did not match the expected structure. The expected structure "
                f"was {expected}, but the yielded element was {element}."
            )
        return pack(self.signature, [_fitting(v, s) for v, s in zip(flatten(form), flatten(self.signature))])


def _tuples_for(element: Any, signature: Any) -> Any:
    """Lists in the place of a signature's tuples become tuples."""
    if isinstance(signature, tuple) and isinstance(element, (list, tuple)) and len(element) == len(signature):
        return tuple([_tuples_for(part, spec) for part, spec in zip(element, signature)])
    if isinstance(signature, dict) and isinstance(element, dict) and element.keys() == signature.keys():
        return {key: _tuples_for(element[key], signature[key]) for key in signature}
    return element


def _fitting(value: Any, spec: TensorSpec) -> Any:
    try:
        given = as_array(value) if hasattr(value, "shape") else np.asarray(value)
        array = np.array(given, spec.dtype.numpy) if given.dtype.kind in "biufcV" else None
    except (ValueError, TypeError):
        array = None
    if array is None:
        raise invalid(
            "TypeError: `generator` yielded an element that could not be converted to the expected type. The expected type was "
            f"{spec.dtype.name}, but the yielded element was {value}."
        )
    if not spec.shape.is_compatible_with(array.shape):
        raise invalid(
            f"TypeError: `generator` yielded an element of shape {array.shape} where an element of shape {spec.shape} was "
            "expected."
        )
    return array


def signature_of(output_signature: Any, output_types: Any, output_shapes: Any) -> Any:
    """The specs that `from_generator` was told.

    Raises: TypeError when it was told nothing, or both ways at once.
    """
    if output_signature is not None:
        if output_types is not None or output_shapes is not None:
            raise TypeError("The `output_types` and `output_shapes` arguments can't be used together with `output_signature`.")
        for spec in flatten(output_signature):
            if not isinstance(spec, TensorSpec):
                raise TypeError(
                    f"`output_signature` must contain objects that are subclass of `tf.TypeSpec` but found {type(spec)}"
                )
        return output_signature
    if output_types is None:
        raise TypeError(
            "To specify the output signature you need to provide either the `output_signature` argument or the `output_types` "
            "argument."
        )
    return _paired(output_types, output_shapes)


def _paired(types: Any, shapes: Optional[Any]) -> Any:
    if isinstance(types, (tuple, list)):
        return tuple([_paired(t, None if shapes is None else s) for t, s in zip(types, shapes or types)])
    if isinstance(types, dict):
        return {key: _paired(t, None if shapes is None else shapes[key]) for key, t in types.items()}
    return TensorSpec(shapes, types)
