"""A user's function of elements: called as TensorFlow calls it, and for many rows at once where that gives the same.

TensorFlow traces such a function once. Here it is called for every element; what it records runs when its result is asked
for. For rows of arrays it is mapped over whole batches instead (`wengert.vmap`, compiled): that is possible unless it asks
for a value, and then it goes on element by element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert
from wengert.func import ShapeDtype, eval_shape
from wengert.graph.record import recorder
from wengert.tensors.tensor import Tensor as Core
from wengert.tf.data.structure import as_array, as_tensor, component, dtype_of, flatten, map_structure, pack
from wengert.tf.recording import recording
from wengert.tf.shape import TensorShape
from wengert.tf.spec import TensorSpec

# Sizes that stand for unknown ones; what differs between the two is unknown of the result.
_STAND_INS = (83, 89)


class unrecorded:
    """Within, no tape records: what a pipeline computes is data."""

    def __enter__(self) -> None:
        self._before = recording.tapes, recorder.tracking
        recording.tapes, recorder.tracking = (), False

    def __exit__(self, *exception: Any) -> None:
        recording.tapes, recorder.tracking = self._before


class UserFunction:
    """`function` of elements; a tuple comes as several arguments.

    Raises: ValueError when it is no function.
    """

    def __init__(self, function: Callable[..., Any], name: str = "func") -> None:
        if not callable(function):
            raise ValueError(f"Argument `{name}` must be a callable. Received {name}={function} (of type {type(function)})")
        self.function = function
        self._vectorised: Any = None
        self._one_by_one = False
        self._form: Any = None

    def __call__(self, *elements: Any) -> Any:
        """What it gives for an element (for a state and an element), with components as a pipeline carries them. A list that
        it returns is a tuple."""
        with unrecorded():
            shown = [map_structure(as_tensor, element) for element in elements]
            if len(shown) == 1 and type(shown[0]) is tuple:
                shown = list(shown[0])
            result = self.function(*shown)
            return map_structure(component, tuple(result) if type(result) is list else result)

    def of_rows(self, stacked: Any) -> Any:
        """What it gives for each row of stacked components, stacked; NotImplemented where rows must come one by one."""
        leaves = flatten(stacked)
        if self._one_by_one or not leaves or any([not isinstance(leaf, (np.ndarray, Core)) for leaf in leaves]):
            return NotImplemented
        if self._vectorised is None:
            self._vectorised = wengert.compile(wengert.vmap(self._of_leaves(stacked), randomness="different"))
        try:
            with unrecorded():
                found = self._vectorised(*[as_tensor(leaf) for leaf in leaves])
        except Exception:  # noqa: BLE001 - whatever it is, it comes again, at its own element, if it is the function's fault
            self._one_by_one = True
            return NotImplemented
        return pack(self._form, list(found))

    def _of_leaves(self, element: Any) -> Callable[..., Any]:
        def of_leaves(*leaves: Any) -> Any:
            result = self(pack(element, list(leaves)))
            self._form = map_structure(lambda leaf: 0, result)  # its structure only: who keeps a tensor is not replayed
            found = flatten(result)
            if not all([isinstance(leaf, Core) for leaf in found]):
                raise TypeError("a component that is no tensor has no rows")
            return tuple(found)

        return of_leaves

    def spec(self, *given: Any, first: Callable[[], Any]) -> Any:
        """The specs of its result for elements of these specs; where shapes do not tell, those of `first()`."""
        unknown = any([None in leaf.shape for leaf in flatten(given) if isinstance(leaf, TensorSpec)])
        try:
            one = self._shapes(given, _STAND_INS[0])
            other = self._shapes(given, _STAND_INS[1]) if unknown else one
        except Exception:  # noqa: BLE001 - it asks for values, or it is wrong: then it is so for the first element too
            return map_structure(lambda leaf: spec_of(leaf, loose=True), self(*first()))
        return pack(one, [_both(a, b) for a, b in zip(flatten(one), flatten(other))])

    def _shapes(self, given: Any, stand_in: int) -> Any:
        def concrete(leaf: Any) -> Any:
            if not isinstance(leaf, TensorSpec) or leaf.shape.rank is None:
                raise TypeError("no tensor of known rank")
            return ShapeDtype(tuple([stand_in if n is None else n for n in leaf.shape]), leaf.dtype)

        form: list[Any] = []

        def of_leaves(*leaves: Any) -> Any:
            result = self(*pack(given, list(leaves)))
            form.append(result)
            return tuple(flatten(result))

        found = eval_shape(of_leaves, *[concrete(leaf) for leaf in flatten(given)])
        return pack(form[0], list(found))


def _both(one: Any, other: Any) -> Any:
    if not isinstance(one, ShapeDtype):
        return spec_of(one)
    return TensorSpec([a if a == b else None for a, b in zip(one.shape, other.shape)], one.dtype)


def spec_of(leaf: Any, loose: bool = False) -> Any:
    """The spec of a component; `loose`: of its shape only the rank is sure."""
    if leaf is None:
        return None
    if hasattr(leaf, "pipeline_elements"):
        return leaf.as_spec()
    return TensorSpec([None] * len(leaf.shape) if loose else TensorShape(leaf.shape), dtype_of(leaf))


def truth(leaf: Any) -> bool:
    """The value of a predicate. Raises: ValueError when it is no bool scalar."""
    if not hasattr(leaf, "shape") or tuple(leaf.shape) or dtype_of(leaf) is not wengert.bool:
        got = spec_of(leaf) if hasattr(leaf, "shape") else leaf
        raise ValueError(
            f"Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor, but its return type is {got}."
        )
    return bool(as_array(leaf))
