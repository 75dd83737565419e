"""The model as it grows: steps become operators of ONNX, values become names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

import onnx
from onnx import helper, numpy_helper
from wengert.derive.definition import constants_of, definition
from wengert.graph.graph import Graph, Step
from wengert.graph.node import ArrayType
from wengert.graph.rule import Composite
from wengert.onnx.sizes import Corners, Extent, UnsupportedOperatorError
from wengert.origin import describe
from wengert.settings import settings


class Merged(NamedTuple):
    """One step of all traces: what `Step` has that translations read, with sizes that may be `Extent`."""

    primitive: Any
    named: dict[str, Any]
    type: Any


class Shaped(NamedTuple):
    """A type whose sizes may be `Extent`."""

    shape: tuple[Any, ...]
    dtype: Any


class Builder:
    """The model as it grows: `nodes`, `constants`, and fresh names.

    table      how to write each primitive; a composite that is not there is written by its definition
    corners    the sizes at which the model was traced; graphs come one for each
    sources    for each dynamic size an input that has it, and the axis
    """

    def __init__(self, table: dict[str, Translation], corners: Corners, sources: Sequence[tuple[str, int]] = ()) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.table, self.corners, self.sources = table, corners, sources
        self._known: dict[Any, str] = {}
        self._count = 0

    def name(self, word: str) -> str:
        self._count += 1
        return f"{word}_{self._count}"

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One operator with one result; its name."""
        output = self.name(operator.lower())
        every = [x for value in attributes.values() for x in (value if isinstance(value, list) else [value])]
        if any([isinstance(x, Extent) for x in every]):
            raise UnsupportedOperatorError(f"onnx.export: {operator} can't have an attribute that depends on a dynamic size")
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **given))
        return output

    def constant(self, value: Any, name: Optional[str] = None) -> str:
        """A value that the model brings; equal small ones are one."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = (array.dtype.str, array.shape, array.tobytes()) if name is None and array.size <= 64 else None
        if key is not None and key in self._known:
            return self._known[key]
        name = name or self.name("constant")
        self.constants.append(numpy_helper.from_array(array, name))
        if key is not None:
            self._known[key] = name
        return name

    def constants_of(self, values: Sequence[Any], name: Optional[str] = None) -> str:
        """A value that the model brings, out of what it was in the traces.

        Raises: UnsupportedOperatorError when it depends on the sizes, and is not a whole number that is a sum of their
        products.
        """
        arrays = [np.asarray(value) for value in values]
        first = arrays[0]
        if all([x.shape == first.shape and x.tobytes() == first.tobytes() for x in arrays[1:]]):
            return self.constant(first, name)
        if any([x.ndim for x in arrays]) or any([x != np.rint(x) for x in arrays]):
            raise UnsupportedOperatorError(
                f"onnx.export: a value that the model computes with depends on the size of {', '.join(self.corners.names)}"
            )
        whole = self.whole(self.corners.fit([int(x) for x in arrays]))
        return self.add("Cast", whole, to=onnx.helper.np_dtype_to_tensor_dtype(first.dtype))

    def integers(self, values: Sequence[Any]) -> str:
        """A vector of whole numbers, some of which may depend on dynamic sizes."""
        values = list(values)
        if not any([isinstance(value, Extent) for value in values]):
            return self.constant(np.array(values, np.int64))
        parts = [self._extent(value) if isinstance(value, Extent) else self.integers([value]) for value in values]
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=0)

    def whole(self, value: Any) -> str:
        """A whole number, without dimensions."""
        return self.add("Squeeze", self.integers([value]))

    def _extent(self, extent: Extent) -> str:
        """A vector of one number."""
        key = tuple(extent.terms.items())
        if key not in self._known:
            products = []
            for positions, coefficient in extent.terms.items():
                factors = [self._size(i) for i in positions]
                if coefficient != 1 or not factors:
                    factors.append(self.integers([coefficient]))
                products.append(functools.reduce(lambda a, b: self.add("Mul", a, b), factors))
            self._known[key] = functools.reduce(lambda a, b: self.add("Add", a, b), products)
        return self._known[key]

    def _size(self, position: int) -> str:
        if position not in self._known:
            name, axis = self.sources[position]
            self._known[position] = self.add("Shape", name, start=axis, end=axis + 1)
        return self._known[position]

    def write(self, graphs: Sequence[Graph], values: list[Any]) -> list[Any]:
        """Write the steps of a graph, as the traces have it, whose inputs have these names; the names of its outputs.

        Raises: UnsupportedOperatorError when the traces differ in more than numbers.
        """
        values = list(values)
        if any([(len(g.inputs), len(g.steps), g.outputs) != (len(values), *_size_of(graphs[0])) for g in graphs]):
            raise self._otherwise()
        for steps in zip(*[graph.steps for graph in graphs]):
            if any([(s.primitive, s.args) != (steps[0].primitive, steps[0].args) for s in steps]):
                raise self._otherwise()
            types = [tuple([graph.type_at(i) for i in step.args]) for graph, step in zip(graphs, steps)]
            values.append(self._step(steps, [values[i] for i in steps[0].args], types))
        return [values[i] for i in graphs[0].outputs]

    def _otherwise(self) -> UnsupportedOperatorError:
        names = ", ".join(self.corners.names)
        return UnsupportedOperatorError(f"onnx.export: the model takes other steps at other sizes of {names}")

    def _step(self, steps: Sequence[Step], args: list[Any], types: Sequence[tuple[Any, ...]]) -> Any:
        primitive = steps[0].primitive
        translate = self.table.get(primitive.name)
        if translate is not None:
            return translate(self, self._merged(steps), args, tuple([self.shaped(each) for each in zip(*types)]))
        if isinstance(primitive, Composite):
            kinds = [(primitive, each, step.params) for each, step in zip(types, steps)]
            known = [self.constants_of(each) for each in zip(*[constants_of(*kind) for kind in kinds])]
            return self.write([definition(*kind) for kind in kinds], [*args, *known])[0]
        where = describe(steps[0].origin)
        raise UnsupportedOperatorError(
            f"{settings.face}.onnx.export: the operation {primitive.name!r}{f' ({where})' if where else ''} has no "
            "translation to ONNX"
        )

    def _merged(self, steps: Sequence[Step]) -> Merged:
        params = [self.corners.merge(each) for each in zip(*[step.params for step in steps])]
        return Merged(steps[0].primitive, dict(zip(steps[0].primitive.params, params)), steps[0].type)

    def shaped(self, types: Sequence[Any]) -> Any:
        """The type of a value, out of its types in the traces."""
        first = types[0]
        if not isinstance(first, ArrayType) or all([type is first for type in types]):
            return first
        return Shaped(self.corners.merge([type.shape for type in types]), first.dtype)


def _size_of(graph: Graph) -> tuple[int, tuple[int, ...]]:
    return len(graph.steps), graph.outputs


def onnx_type(dtype: Any) -> int:
    """ONNX's number for a dtype."""
    if dtype.name == "bfloat16":
        return int(onnx.TensorProto.BFLOAT16)
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype.numpy)))


Translation = Callable[[Builder, Merged, list[Any], tuple[Any, ...]], Any]
