"""Primitive and its six families: the one page that a rule author reads.

A primitive knows everything about one elementary operation. It is a class in a chapter of `primitives/`, whose single
instance is what programs call. What must be written depends on the family:

    family        the author writes                                  follows from it
    Elementwise   evaluate; partials: dy/dx for each input           infer, vjp, jvp, batch
    View          infer; evaluate; transpose; write; batch           vjp, jvp
    Linear        infer; evaluate; transpose; batch                  vjp, jvp
    Bilinear      infer; evaluate; transposes; batch                 vjp, jvp
    Composite     expand; optionally vjp, jvp                        infer, evaluate, batch and what is not written
    General       infer; evaluate; vjp; jvp; optionally batch        -

The rules
    infer(*types, **params) -> ArrayType or TupleType. Raises the user's errors of shape and dtype.
    evaluate(*arrays, **params) -> the NumPy value: the definition of what is right.
    vjp(y_bar, *inputs, y, **params) -> for each input its cotangent: a node, a function that records it (called only
        when somebody needs it), or None where no derivative flows.
    jvp(x_dots, *inputs, y, **params) -> the tangent of y; x_dots has None where an input does not move.
    batch(size, inputs, batched, **params) -> y with a new first axis of `size`; `batched[i]` says whether inputs[i]
        has that axis (always first); at least one has.
vjp, jvp and batch record primitives, so they can be differentiated and batched again. `y_bar` and `x_dots` are nodes.

Conventions: cotangents are conjugate Wirtinger derivatives (PyTorch's convention): for holomorphic f,
x_bar = y_bar * conj(f'(x)); a real input of a complex function receives the real part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial as bind
from typing import Any, ClassVar, Optional, Union

from wengert.dtypes import bool_
from wengert.errors import MissingRule, dtype_error
from wengert.graph.node import ArrayType, Node, Type, array_type
from wengert.graph.record import record, scalar, separate_tape
from wengert.shapes import broadcast, broadcast_axes

Cotangent = Union[Node, Callable[[], Node], None]


class Registry:
    """Every primitive by name, as attributes: ``primitives.exp``."""

    def __init__(self) -> None:
        self.table: dict[str, Primitive] = {}

    def __getattr__(self, name: str) -> Primitive:
        try:
            return self.table[name]
        except KeyError:
            raise AttributeError(f"there is no primitive named {name!r}") from None

    def register(self, primitive: Primitive) -> None:
        home = type(primitive).__module__
        if not home.startswith("wengert.primitives."):
            raise TypeError(f"{home}: primitives live in wengert/primitives; extend with autograd.Function instead")
        if primitive.name in self.table:
            raise TypeError(f"a primitive named {primitive.name!r} is already defined")
        self.table[primitive.name] = primitive
        setattr(self, primitive.name, primitive)  # found without __getattr__: 0.3 microseconds less in every rule


primitives = Registry()


class Primitive:
    """What one elementary operation knows. Subclasses set `name`, the names of their static `params`, and traits.

    Traits
      differentiable    False: the result never carries a derivative (comparisons, rounding to integers)
      saves_nothing     the derivative reads neither inputs nor output (checked by a test)
      is_view           the value is an index map of its first input
      takes_out         evaluate has an argument `out`, memory that the result goes into: a new array, never a look at
                        another's memory. So it is with NumPy's elementwise functions
      draws             the value is random: a function of a generator's key and counter
    """

    name: ClassVar[str]
    params: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[dict[str, Any]] = {}
    differentiable: ClassVar[bool] = True
    saves_nothing: ClassVar[bool] = False
    is_view: ClassVar[bool] = False
    takes_out: ClassVar[bool] = False
    draws: ClassVar[bool] = False

    def __init__(self) -> None:
        primitives.register(self)

    def __call__(self, *inputs: Any, **params: Any) -> Node:
        """Record this primitive. Python numbers among the inputs take the dtype of the first node."""
        if not all([x.__class__ is Node for x in inputs]):
            dtype = next(x.dtype for x in inputs if isinstance(x, Node))
            inputs = tuple([x if isinstance(x, Node) else scalar(x, dtype) for x in inputs])
        if not self.params:
            return record(self, inputs)
        values = tuple([params[p] if p in params else self.defaults[p] for p in self.params])
        return record(self, inputs, values)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        return _by_name, (self.name,)

    def infer(self, *types: Any, **params: Any) -> Type:
        raise MissingRule(f"{self.name} has no type rule")

    evaluate: Any

    def bound(self, params: tuple[Any, ...]) -> Callable[..., Any]:
        """`evaluate` with these parameters, as the interpreter calls it again and again. Overridden where a function in C
        is the same."""
        return bind(self.evaluate, **dict(zip(self.params, params))) if params else self.evaluate

    vjp: Any = None
    jvp: Any = None
    batch: Any = None
    # Where what the derivative reads cannot be seen by running vjp on placeholders: reads(**params), positions of inputs.
    reads: Any = None


def _by_name(name: str) -> Primitive:
    return primitives.table[name]


# --- what rules share ---------------------------------------------------------------------------------------------


def unbroadcast(x_bar: Node, type: ArrayType) -> Node:
    """Sum a cotangent back over the axes along which the input was broadcast, and drop an imaginary part that a real
    input cannot have."""
    if x_bar.type is type:
        return x_bar
    if x_bar.dtype.is_complex and not type.dtype.is_complex:
        x_bar = primitives.real(x_bar)
    if x_bar.shape != type.shape:
        added, stretched = broadcast_axes(type.shape, x_bar.shape)
        x_bar = primitives.reduce_sum(x_bar, axes=added + stretched)
        if x_bar.shape != type.shape:
            x_bar = primitives.reshape(x_bar, shape=type.shape)
    return x_bar


def broadcast_to(x: Node, shape: tuple[int, ...]) -> Node:
    """x stretched to `shape`; itself when it has that shape."""
    return x if x.shape == shape else primitives.expand(x, shape=shape)


def zeros_of(type: ArrayType) -> Node:
    """A node of zeros."""
    return record(primitives.filled, (), (0, type.dtype, type.shape))


def ones_of(type: ArrayType) -> Node:
    """A node of ones."""
    return record(primitives.filled, (), (1, type.dtype, type.shape))


def times(y_bar: Node, factor: Any, conjugate: bool = False) -> Node:
    """y_bar * factor, where the factor is a node, a function that records it, or a Python number (1 and -1 are free).

    The number 0 gives exact zeros, and a bool node is a mask: y_bar where it holds and 0 elsewhere, also where y_bar is
    infinite or NaN.
    """
    if callable(factor):
        factor = factor()
    if factor.__class__ is Node:
        if conjugate:
            factor = conjugated(factor)
        if factor.type.dtype is not y_bar.type.dtype:
            if factor.type.dtype is bool_:
                return primitives.where(factor, y_bar, scalar(0, y_bar.type.dtype))
            y_bar, factor = match_complex(y_bar, factor)
        return record(primitives.mul, (y_bar, factor))
    if factor == 1:
        return y_bar
    if factor == -1:
        return record(primitives.neg, (y_bar,))
    if factor == 0:
        return zeros_of(y_bar.type)
    return record(primitives.mul, (y_bar, scalar(factor, y_bar.type.dtype)))


def conjugated(x: Node) -> Node:
    """conj(x); itself when it is real."""
    return primitives.conj(x) if x.dtype.is_complex else x


def match_complex(a: Node, b: Node) -> tuple[Node, Node]:
    """Two nodes of one precision, made both complex if either is."""
    if a.dtype.is_complex and not b.dtype.is_complex:
        return a, primitives.convert(b, dtype=a.dtype)
    if b.dtype.is_complex and not a.dtype.is_complex:
        return primitives.convert(a, dtype=b.dtype), b
    return a, b


def add_nodes(a: Optional[Node], b: Optional[Node]) -> Optional[Node]:
    """a + b, where None is zero."""
    if a is None:
        return b
    if b is None:
        return a
    return record(primitives.add, (a, b))


# --- the families -------------------------------------------------------------------------------------------------


class Elementwise(Primitive):
    """Applied to each element by itself; inputs broadcast against each other and share one dtype.

    Authors write `evaluate` (often just a NumPy ufunc) and `partials(*inputs, y, **params)`: for each input dy/dx as a
    node, a Python number, a function that records it, or None where no derivative flows; what `times` makes of each is
    said there. Where a real y comes from a complex x, dy/dx is 2 dy/dx by Wirtinger: y_dot = Re(dy/dx x_dot).

    result   "same" dtype as the inputs, "bool", or "real" (the dtype of the real part)
    accepts  dtype categories that the operation takes
    domain   for tests: (low, high) between which it is defined and smooth but at `kinks`; or one such pair per input
    """

    result: ClassVar[str] = "same"
    accepts: ClassVar[tuple[str, ...]] = ("bool", "integer", "floating", "complex")
    domain: ClassVar[Any] = (-3.0, 3.0)
    kinks: ClassVar[tuple[float, ...]] = ()

    partials: Any

    def infer(self, *types: ArrayType, **params: Any) -> ArrayType:
        dtype = types[0].dtype
        for other in types:
            if other.dtype is not dtype:
                raise dtype_error(self.name, "inputs of one dtype", ", ".join(t.dtype.name for t in types))
        if ("bool", "integer", "floating", "complex")[dtype.category] not in self.accepts:
            raise dtype_error(self.name, f"a dtype that is {' or '.join(self.accepts)}", dtype.name)
        shape = types[0].shape if len(types) == 1 else broadcast(self.name, *[t.shape for t in types])
        return array_type(shape, self.result_dtype(dtype))

    def result_dtype(self, dtype: Any) -> Any:
        if self.result == "same":
            return dtype
        return bool_ if self.result == "bool" else dtype.to_real

    def vjp(self, y_bar: Node, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        return tuple(
            [
                None if p is None else bind(_pull, y_bar, p, x)
                for p, x in zip(self.partials(*inputs, y=y, **params), inputs)
            ]
        )

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Optional[Node]:
        y_dot = None
        for x_dot, p in zip(x_dots, self.partials(*inputs, y=y, **params)):
            if x_dot is not None and p is not None:
                y_dot = add_nodes(y_dot, times(x_dot, p))
        if y_dot is None:
            return None
        if y.dtype.is_complex and not y_dot.dtype.is_complex:
            y_dot = primitives.convert(y_dot, dtype=y.dtype)
        elif y_dot.dtype.is_complex and not y.dtype.is_complex:
            y_dot = primitives.real(y_dot)
        return broadcast_to(y_dot, y.shape)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*align_ranks(inputs, batched), **params)


def _pull(y_bar: Node, factor: Any, x: Node) -> Node:
    return unbroadcast(times(y_bar, factor, conjugate=True), x.type)


def align_ranks(inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> tuple[Node, ...]:
    """Put 1s between the batch axis and the rest, so that inputs of different rank broadcast as they did before."""
    rank = max([x.ndim - b for x, b in zip(inputs, batched)])
    aligned = []
    for x, b in zip(inputs, batched):
        missing = rank - (x.ndim - b)
        if b and missing:
            x = primitives.reshape(x, shape=x.shape[:1] + (1,) * missing + x.shape[1:])
        aligned.append(x)
    return tuple(aligned)


class View(Primitive):
    """An index map of its input: y[i] = x[m(i)], no arithmetic.

    Authors write `transpose(y_bar, x, **params)` (the cotangent of x; only x's type is read),
    `write(x, new, **params)` (x with `new` where the view looks), and `batch`.
    """

    is_view = True
    saves_nothing = True

    transpose: Any
    write: Any

    def vjp(self, y_bar: Node, x: Node, *, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        return (lambda: self.transpose(y_bar, x, **params),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, **params: Any) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else self(x_dot, **params)


class Linear(Primitive):
    """Linear in its inputs (all, or the first `linear_inputs`; the others are indices and masks).

    Authors write `transpose(y_bar, *inputs, **params)`: for each linear input its cotangent, as in `vjp`.
    """

    linear_inputs: ClassVar[Optional[int]] = None
    saves_nothing = True

    transpose: Any

    def vjp(self, y_bar: Node, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        found = tuple(self.transpose(y_bar, *inputs, **params))
        return found + (None,) * (len(inputs) - len(found))

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Optional[Node]:
        n = len(inputs) if self.linear_inputs is None else self.linear_inputs
        if all(x_dot is None for x_dot in x_dots[:n]):
            return None
        moved = [zeros_of(x.type) if x_dot is None else x_dot for x, x_dot in zip(inputs[:n], x_dots)]
        return self(*moved, *inputs[n:], **params)


class Bilinear(Primitive):
    """Linear in each of its two inputs.

    Authors write `transposes(y_bar, a, b, **params)`: the two cotangents, as in `vjp`.
    """

    transposes: Any

    def vjp(self, y_bar: Node, a: Node, b: Node, *, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        return tuple(self.transposes(y_bar, a, b, **params))

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], a: Node, b: Node, *, y: Node, **params: Any
    ) -> Optional[Node]:
        a_dot, b_dot = x_dots
        left = None if a_dot is None else self(a_dot, b, **params)
        right = None if b_dot is None else self(a, b_dot, **params)
        return add_nodes(left, right)


class Composite(Primitive):
    """Defined by other primitives. `expand(*inputs, **params)` records the definition and gives its node; whatever of
    vjp, jvp and batch is not written is taken through the definition by the transformation that needs it."""

    expand: Any

    def infer(self, *types: Any, **params: Any) -> Type:
        with separate_tape():
            return self.expand(*[placeholder(t) for t in types], **params).type  # type: ignore[no-any-return]


class General(Primitive):
    """Every rule written out."""


def placeholder(type: Type) -> Node:
    """A node that stands for a value that is not there: for types, traces and graphs."""
    return record(primitives.placeholder, (), (type,))
