"""Node: one recorded application of a primitive. ArrayType: the shape and dtype of its value.

Hot path: a node is born for every operation of a program, so it has slots, no behaviour of its own, and a type object
that is interned (one per shape and dtype; compared with ``is``). The Python operators are put in by
`primitives/arithmetic.py` through `OPERATORS`, so that a rule can be written as its formula.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from wengert.dtypes import DType
from wengert.origin import Origin
from wengert.shapes import Shape, size_of

if TYPE_CHECKING:
    from wengert.graph.rule import Primitive

# Bits of Node.mark.
RELEASED = 1  # a backward pass went through and freed what it had saved
OVERWRITTEN = 2  # the tensor that held this value was changed in place afterwards
LIVE = 4  # the value is memory that the outside can write to: only a tensor's handle may hold such a node
DROPPED = 8  # it ran, and its value was not kept because no tensor shows it


class ArrayType:
    """The shape and dtype of a value. Made by `array_type`, one object for each pair."""

    __slots__ = ("shape", "dtype", "ndim", "size", "inexact")

    shape: Shape
    dtype: DType
    ndim: int
    size: int
    inexact: bool

    def __init__(self, shape: Shape, dtype: DType) -> None:
        self.shape = shape
        self.dtype = dtype
        self.ndim = len(shape)
        self.size = size_of(shape)
        self.inexact = dtype.inexact

    def __repr__(self) -> str:
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"


class TupleType:
    """The types of a primitive that gives several values; `element` nodes take them apart."""

    __slots__ = ("elements", "inexact")

    elements: tuple[ArrayType, ...]
    inexact: bool

    def __init__(self, elements: tuple[ArrayType, ...]) -> None:
        self.elements = elements
        self.inexact = any(element.inexact for element in elements)

    def __repr__(self) -> str:
        return f"({', '.join(map(repr, self.elements))})"


class ObjectType:
    """The type of a Python object that a graph hands to a primitive at run time and never computes with."""

    __slots__ = ()

    inexact = False

    def __repr__(self) -> str:
        return "object"


object_type = ObjectType()

Type = Union[ArrayType, TupleType, ObjectType]

_array_types: dict[tuple[Shape, DType], ArrayType] = {}
_tuple_types: dict[tuple[ArrayType, ...], TupleType] = {}


def array_type(shape: Shape, dtype: DType) -> ArrayType:
    """The interned type of an array."""
    found = _array_types.get((shape, dtype))
    if found is None:
        found = _array_types.setdefault((shape, dtype), ArrayType(shape, dtype))
    return found


def tuple_type(*elements: ArrayType) -> TupleType:
    """The interned type of several arrays."""
    found = _tuple_types.get(elements)
    if found is None:
        found = _tuple_types.setdefault(elements, TupleType(elements))
    return found


class Coming:
    """Stands for a value that is being computed beside the program (`runtime/beside.py`). array: it, once it is there;
    output: its number among the outputs of what computes it; nodes: those that show it."""

    __slots__ = ("array", "output", "nodes")

    def __init__(self, node: Node, output: int) -> None:
        self.array: Any = None
        self.output = output
        self.nodes = [node]


class Node:
    """One application of a primitive. Immutable but for what a flush fills in or lets go.

    primitive   what is applied; `primitives.control.literal` for a value that was given
    inputs      the nodes it is applied to; emptied when nobody can need the history any more
    params      static parameters, in the order of `primitive.params`; hashable
    type        ArrayType of the value; TupleType of several; ObjectType
    value       the NumPy array (a tuple of them for a TupleType) once computed and kept, `Coming` while it is being
                computed, else None
    tracked     whether a derivative may be asked for through this node
    serial      birth number: inputs always have a smaller one, so sorting by it is a topological order
    origin      the user's line
    mark        RELEASED, OVERWRITTEN, LIVE, DROPPED
    watch       what wants this node's cotangent: hooks, or the tensor whose `grad` it is; opaque below layer 8
    """

    __slots__ = (
        "primitive", "inputs", "params", "type", "tracked", "serial", "origin", "value", "mark", "watch", "__weakref__"
    )  # fmt: skip

    # Filled by primitives/arithmetic.py: operator method -> function of nodes.
    OPERATORS: ClassVar[tuple[str, ...]] = (
        "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__",
        "__pow__", "__neg__", "__lt__", "__le__", "__gt__", "__ge__", "__and__", "__or__", "__invert__",
    )  # fmt: skip

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Node, ...],
        params: tuple[Any, ...],
        type: Any,
        tracked: bool,
        serial: int,
        origin: Optional[Origin],
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.type = type
        self.tracked = tracked
        self.serial = serial
        self.origin = origin
        self.value: Any = None
        self.mark = 0
        self.watch: Any = None

    @property
    def shape(self) -> Shape:
        return self.type.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        return self.type.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self.type.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self.type.size  # type: ignore[no-any-return]

    if TYPE_CHECKING:  # what OPERATORS will be, for the type checker

        def __add__(self, other: Any) -> Node: ...
        def __radd__(self, other: Any) -> Node: ...
        def __sub__(self, other: Any) -> Node: ...
        def __rsub__(self, other: Any) -> Node: ...
        def __mul__(self, other: Any) -> Node: ...
        def __rmul__(self, other: Any) -> Node: ...
        def __truediv__(self, other: Any) -> Node: ...
        def __rtruediv__(self, other: Any) -> Node: ...
        def __pow__(self, other: Any) -> Node: ...
        def __lt__(self, other: Any) -> Node: ...
        def __le__(self, other: Any) -> Node: ...
        def __gt__(self, other: Any) -> Node: ...
        def __ge__(self, other: Any) -> Node: ...
        def __and__(self, other: Any) -> Node: ...
        def __or__(self, other: Any) -> Node: ...
        def __neg__(self) -> Node: ...
        def __invert__(self) -> Node: ...

    def __repr__(self) -> str:
        return f"%{self.serial} = {self.primitive.name}({', '.join(f'%{x.serial}' for x in self.inputs)}) : {self.type}"
