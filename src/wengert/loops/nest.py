"""The grammar of compiled programs, on one page.

A `Program` is a list of steps over numbered buffers. A step is one of

    Nest      a loop nest: at every point of an iteration space, scalar values are computed, folded and stored
    Contract  a batched matrix product, whose operands are computed as they are read and whose result as it is stored
    Call      a primitive without a lowering, run through its NumPy definition
    Repeat    other steps, many times over parts of larger buffers

The axes of a nest are `outer` ones, whose points are independent (they may run in any order and in parallel), then
inner ones, over which its folds run. Values are scalars in SSA form: value i may use values before it.

    Load(buffer, strides, offset)   element offset + sum(strides[k] * index[k]) of a buffer; strides in elements
    Lookup(buffer, strides, offset, index, stride)
                                    as Load, plus stride times a value: a load whose place comes from data
    Axis(axis)                      the index along an axis, as int64
    Number(value)                   a constant
    Apply(op, args)                 a scalar operation by name (`backends/llvm/scalars.py` has each)
    Product()                       the sum of a `Contract`
    Folded(action)                  what the fold that is `actions[action]` gave; constant along the inner axes

The operation "bounded" (index, bound) gives the index where 0 <= index < bound; elsewhere it gives 0 and reports the
program as failed, whose results then must not be used. So nothing is ever read outside its buffer.

The actions run in order at each outer point. A `Fold` runs over all inner points, starting from its identity. A
`Store` runs at every inner point if its value or its address depends on inner axes, else once. A later action sees
the result of an earlier fold; an earlier action never sees a later one. Two stores never write one element twice.
An `Add` runs at every inner point, in row-major order; it may add to one element often, but never at two outer points.

Example: softmax over the last axis of a (64, 10) buffer 0 into buffer 1 -- outer (64,), inner (10,):

    v0 = Load(0, (10, 1), 0)    a0 = Fold("max", v0)       v1 = Folded(0)      v2 = Apply("sub", (v0, v1))
    v3 = Apply("exp", (v2,))    a1 = Fold("add", v3)       v4 = Folded(1)      v5 = Apply("div", (v3, v4))
    a2 = Store(1, (10, 1), 0, v5)
"""

from __future__ import annotations

from typing import Any, NamedTuple, Union

from wengert.dtypes import DType
from wengert.graph.node import Type


class Load(NamedTuple):
    buffer: int
    strides: tuple[int, ...]
    offset: int
    dtype: DType


class Lookup(NamedTuple):
    buffer: int
    strides: tuple[int, ...]
    offset: int
    index: int  # type: ignore[assignment]  # a value before this one, already `bounded`
    stride: int
    dtype: DType


# A named tuple equals every tuple of the same content. Values of different kinds must not: equal nests share one code.


class Axis(NamedTuple):
    axis: int
    dtype: DType  # int64

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Axis and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Axis, *self))


class Number(NamedTuple):
    """Zeros of either sign are different numbers."""

    value: Any
    dtype: DType

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not Number or not tuple.__eq__(self, other):
            return False
        return self.value != 0 or str(self.value) == str(other.value)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Number, *self))


class Apply(NamedTuple):
    op: str
    args: tuple[int, ...]  # values before this one
    dtype: DType


class Folded(NamedTuple):
    action: int
    dtype: DType

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Folded and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Folded, *self))


class Product(NamedTuple):
    """The sum of a `Contract`, among the values of its stores."""

    dtype: DType


Value = Union[Load, Lookup, Axis, Number, Apply, Folded, Product]


class Fold(NamedTuple):
    op: str  # "add", "mul", "max", "min", "and", "or"; max and min give NaN when one operand is NaN
    value: int


class Store(NamedTuple):
    buffer: int
    strides: tuple[int, ...]
    offset: int
    value: int


class Add(NamedTuple):
    """Adds a value to an element of a buffer that an earlier step has written, as far on from the place that the strides
    say as another value says. It is the only action of its nest, which does not read that buffer otherwise."""

    buffer: int
    strides: tuple[int, ...]
    offset: int
    value: int
    index: int  # type: ignore[assignment]  # a value, put together of `bounded` ones


Action = Union[Fold, Store, Add]


class Nest(NamedTuple):
    outer: tuple[int, ...]  # extents
    inner: tuple[int, ...]
    values: tuple[Value, ...]
    actions: tuple[Action, ...]
    label: str = ""  # the operations it came from, for people

    @property
    def extents(self) -> tuple[int, ...]:
        return self.outer + self.inner


class Contract(NamedTuple):
    """p[batch, i, j] = sum_k a[batch, i, k] b[batch, k, j], and at each [batch, i, j] the stores.

    Each of the four kinds of axes may be several: a matrix whose rows are (image, height, width) is no copy.

    a        the left operand, by values over the axes (*batch, *rows, *summed): the last one is its element
    b        the right one, over (*batch, *summed, *columns)
    values   what is stored, over (*batch, *rows, *columns); among them the sum itself, `Product`
    dtype    of the sum and of both operands' elements: float32 or float64

    The stores run in order at each point. What they read at a point is not written at another.

    Example: x (64, 784) times w (128, 784) transposed, plus a bias, through relu, and the mask of its derivative:

        rows (64,)  columns (128,)  summed (784,)  a Load(x, (784, 1), 0)  b Load(w, (1, 784), 0)
        v0 = Product()     v1 = Load(bias, (0, 1), 0)    v2 = Apply("add", (v0, v1))    v3 = Apply("relu", (v2,))
        Store(y, (128, 1), 0, v3)       v4 = Number(0)   v5 = Apply("gt", (v2, v4))     Store(mask, (128, 1), 0, v5)
    """

    batch: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    summed: tuple[int, ...]
    a: tuple[Value, ...]
    b: tuple[Value, ...]
    values: tuple[Value, ...]
    stores: tuple[Store, ...]
    dtype: DType
    label: str = ""


class Call(NamedTuple):
    """result buffer = primitive.evaluate(*args, **params), by NumPy, on whole row-major arrays.

    `shapes`: how the primitive sees each argument's buffer.
    """

    primitive: Any
    params: tuple[Any, ...]
    args: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    result: int
    origin: Any
    label: str = ""


class Window(NamedTuple):
    """A buffer that is a part of another one, `source`: in the turn at `index` it begins at element
    offset + sum(strides[k] * index[k])."""

    buffer: int
    source: int
    offset: int
    strides: tuple[int, ...]


class Carry(NamedTuple):
    """A value that one turn hands to the next: it reads `before` and writes `after`. In the first turn `before` is
    `initial`, in the last one `after` is `final`; between them the value lies in `spare` and `final` by turns."""

    before: int
    after: int
    initial: int
    final: int
    spare: int


class Repeat(NamedTuple):
    """The steps, none of them a Call, once for each point of `extents`, in row-major order.

    Windows and carried values have no memory of their own: in each turn their buffers stand for parts of others. Carried
    values go with one extent only, which is not 0.
    """

    extents: tuple[int, ...]
    windows: tuple[Window, ...]
    carries: tuple[Carry, ...]
    steps: tuple[Union[Nest, Contract, Repeat], ...]
    label: str = ""


ProgramStep = Union[Nest, Contract, Call, Repeat]

# A buffer and the shape in which the caller sees it; or several, for a value of several arrays.
Output = tuple[Any, ...]


class Program(NamedTuple):
    """buffers: the type of each; every one is row-major and whole. A buffer of a TupleType is a tuple of arrays, made
    by a Call and taken apart by a Call of `element`; one of an ObjectType is an input that only Calls see. The buffers
    of windows and carried values have no memory.

    The first buffers are the inputs, in order; then the constants (with their values); then what steps make. `outputs`
    are buffers that the caller keeps (an input may be among them). A buffer is written by a step before any step reads
    it, except inputs and constants, which no step writes.
    """

    buffers: tuple[Type, ...]
    inputs: int
    constants: tuple[Any, ...]
    steps: tuple[ProgramStep, ...]
    outputs: tuple[Output, ...]

    @property
    def kept(self) -> set[int]:
        """The buffers of the outputs."""
        found: set[int] = set()
        for output in self.outputs:
            found.update([buffer for buffer, _ in parts_of(output)])
        return found


def parts_of(output: Output) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """An output's buffers with their shapes: one, or those of a value of several arrays."""
    return output if isinstance(output[0], tuple) else (output,)
