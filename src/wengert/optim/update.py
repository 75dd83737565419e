"""How a method's formula meets a parameter: tensors are read as nodes, the formula records, the results are written
back. Nothing is computed here; the step's flush runs all of it with the forward and backward passes that are pending.

A formula runs once for everything that it may decide by; later steps record one node for all parameters together
(`derive/remember.py`).

Hot path: about 5 microseconds for each parameter and step, whatever the formula.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert.derive.remember import Memory, Remembered, plain_recording, remembered
from wengert.dtypes import DType, float32, float64, get_default_dtype
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, next_serial, recorder, scalar, separate_tape
from wengert.graph.rule import placeholder, primitives
from wengert.origin import here
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap, write, write_each


class Numbers:
    """The numbers of a formula, by name. Each may be a one-element tensor.

    `of(dtype)` gives them as nodes. Every number is a runtime input with a place of its own in the graph, also where
    two happen to be equal: a schedule that changes them never makes a new graph.
    """

    def __init__(self, **values: Any) -> None:
        self.values = values
        self._scalars: dict[DType, Scalars] = {}

    def of(self, dtype: DType) -> Scalars:
        scalars = self._scalars.get(dtype)
        if scalars is None:
            scalars = self._scalars[dtype] = Scalars(self.values, dtype)
        return scalars


class Scalars:
    """Numbers as attributes, each a node of one dtype, made when it is first asked for."""

    def __init__(self, values: dict[str, Any], dtype: DType) -> None:
        self._values = values
        self._dtype = dtype

    def __getattr__(self, name: str) -> Node:
        value = self._values[name]
        if isinstance(value, Tensor):
            node = value._read()
            node = move(primitives.reshape(node, shape=()) if node.shape else node, self._dtype)
        else:
            node = scalar(value, self._dtype)
        setattr(self, name, node)
        return node


class Way(NamedTuple):
    """Where a formula goes: up where f is maximized, and whether decay has a part in it."""

    rises: bool
    decays: bool = False

    @classmethod
    def of(cls, group: dict[str, Any]) -> Way:
        return cls(bool(group["maximize"]), bool(group.get("weight_decay", 0) != 0))


def descent(n: Scalars, g: Node, x: Node, way: Way) -> Node:
    """The gradient of what is to fall: of -f where f is maximized, and with the decay's part."""
    if way.rises:
        g = -g
    return g + n.decay * x if way.decays else g


# From numbers, a gradient and tensors to the tensors' new content. It decides by types and by what it closes over
# (`_STATIC`), and reads every number as a node.
Formula = Callable[..., Sequence[Node]]

# One update: the formula, its numbers, the gradient, and what it reads and writes.
Row = tuple[Formula, Numbers, Tensor, tuple[Tensor, ...]]


class _Pending(threading.local):
    """The updates that wait for the end of `together`."""

    rows: Optional[list[Row]] = None


_pending = _Pending()


def update(formula: Formula, numbers: Numbers, grad: Tensor, *tensors: Tensor) -> None:
    """tensors = formula(numbers, grad, *tensors), at the latest at the end of `together`."""
    rows = _pending.rows
    if rows is None:
        _record([(formula, numbers, grad, tensors)])
    else:
        rows.append((formula, numbers, grad, tensors))


class together:
    """The updates in the ``with`` block are recorded at its end, all at once: as one node if such a step was seen before.
    When the block raises, those that it came to are recorded."""

    __slots__ = ("_outside",)

    def __enter__(self) -> None:
        self._outside = _pending.rows
        _pending.rows = []

    def __exit__(self, *exception: Any) -> None:
        rows, _pending.rows = _pending.rows, self._outside
        if rows and _are_apart(rows):
            _record(rows)
        else:
            for row in rows or ():
                _record([row])


def _are_apart(rows: Sequence[Row]) -> bool:
    """Whether no row reads or writes memory that another row writes."""
    written = [x._link.cell for row in rows for x in row[3] if x._link is not None]
    if len(set(written)) < len(written):
        return False
    grads = [row[2]._link.cell for row in rows if row[2]._link is not None]
    return not grads or set(written).isdisjoint(grads)


class Step(NamedTuple):
    """What a list of rows recorded: from their nodes and these numbers (row, name, dtype) to their results."""

    recorded: Remembered
    numbers: tuple[tuple[int, str, DType], ...]


# With each step the code of its formulas, which its key names by their place in memory.
steps: Memory[tuple[Optional[Step], tuple[Any, ...]]] = Memory()


def _record(rows: Sequence[Row]) -> None:
    """Record the rows' formulas, from memory where they were seen before, and write the results."""
    given: list[Node] = []
    written: list[Tensor] = []
    for _, _, grad, tensors in rows:
        given.append(grad._read())
        for x in tensors:
            given.append(x._read())
        written += tensors
    key, codes = _key(rows, given) if plain_recording() else (None, ())
    known = None if key is None else steps.find(key)
    if known is not None:
        (step, _), _ = known
    else:
        step = None if key is None else _first(rows, given)
        if key is not None:
            steps.keep(key, (step, codes), 1 if step is None else step.recorded.steps)
    if step is None:
        for (formula, numbers, _, tensors), nodes in _with_nodes(rows, given):
            write_each(tensors, _results(formula, numbers.of, nodes))
        return
    given += [scalar(rows[i][1].values[name], dtype) for i, name, dtype in step.numbers]
    write_each(written, step.recorded.record(given, here()))


def _with_nodes(rows: Sequence[Row], given: Sequence[Node]) -> Iterator[tuple[Row, Sequence[Node]]]:
    """Each row with those of the nodes that are its gradient's and its tensors'."""
    at = 0
    for row in rows:
        upto = at + 1 + len(row[3])
        yield row, given[at:upto]
        at = upto


def _key(rows: Sequence[Row], given: Sequence[Node]) -> tuple[Optional[tuple[Any, ...]], tuple[Any, ...]]:
    """Everything that the formulas may decide by, and their code, which is to be kept with what is kept for the key.
    None where they must be called: a number is a tensor, or a formula closes over something that may change."""
    key: list[Any] = []
    codes: list[Any] = []
    places: dict[Numbers, int] = {}
    last: Any = None
    of: Any = None
    width = 0
    for i, (formula, numbers, _, tensors) in enumerate(rows):
        if formula is last and numbers is of and len(tensors) == width:
            continue
        width = len(tensors)
        if numbers is not of:
            of = numbers
            if numbers not in places:
                places[numbers] = len(places)
                for value in numbers.values.values():
                    if isinstance(value, Tensor):
                        return None, ()
        if formula is not last:
            last = formula
            codes.append(formula.__code__)
            for cell in formula.__closure__ or ():
                if not isinstance(cell.cell_contents, _STATIC):
                    return None, ()
                key.append(cell.cell_contents)
        # From this row on; the code's own hash goes through all of it.
        key += (i, id(formula.__code__), places[numbers], width)
    return (len(rows), *key, *[node.type for node in given]), tuple(codes)


_STATIC = (bool, int, str, Way, type(None))


class _Named:
    """Numbers of one dtype before they are known: stand-ins, made when they are first asked for."""

    def __init__(self, dtype: DType) -> None:
        self._dtype = dtype

    def __getattr__(self, name: str) -> Node:
        node = placeholder(array_type((), self._dtype))
        setattr(self, name, node)
        return node


def _first(rows: Sequence[Row], given: Sequence[Node]) -> Optional[Step]:
    """Call the rows' formulas on stand-ins, and remember what they recorded."""
    named: dict[tuple[Numbers, DType], tuple[int, _Named]] = {}
    with separate_tape():
        stand_ins = [placeholder(node.type) for node in given]
        since = next_serial()
        results: list[Node] = []
        for i, ((formula, numbers, _, _), nodes) in enumerate(_with_nodes(rows, stand_ins)):

            def of(dtype: DType, i: int = i, numbers: Numbers = numbers) -> Any:
                return named.setdefault((numbers, dtype), (i, _Named(dtype)))[1]

            results += _results(formula, of, nodes)
    read = [
        ((i, name, dtype), node)
        for (_, dtype), (i, scalars) in named.items()
        for name, node in vars(scalars).items()
        if name != "_dtype"
    ]
    every = stand_ins + [node for _, node in read]
    recorded = remembered(every, results, since)
    return None if recorded is None else Step(recorded, tuple([place for place, _ in read]))


def _results(formula: Formula, numbers: Callable[[DType], Any], nodes: Sequence[Node]) -> Sequence[Node]:
    """What the formula records for a gradient and tensors.

    A complex parameter is updated as the pair of its parts, as PyTorch does. One of 16 bits is computed with 32 and
    rounded once, so that a learning rate or an epsilon that 16 bits cannot hold still has its effect.
    """
    dtype = nodes[1].type.dtype
    if dtype is float32 or dtype is float64:
        return formula(numbers(dtype), *nodes)
    if dtype.is_complex:
        return _by_parts(formula, numbers(dtype.to_real), nodes)
    results = formula(numbers(float32), *[move(x, float32) for x in nodes])
    return [move(y, dtype) for y in results]


def _by_parts(formula: Formula, n: Any, nodes: Sequence[Node]) -> list[Node]:
    real = formula(n, *[primitives.real(x) for x in nodes])
    imaginary = formula(n, *[primitives.imag(x) for x in nodes])
    return [primitives.complex(x, y) for x, y in zip(real, imaginary)]


# --- state ---------------------------------------------------------------------------------------------------------


def filled_like(param: Tensor, value: Any) -> Tensor:
    """The value everywhere, in the parameter's shape and dtype. It is there at once, so that the first step makes the
    same graph as later ones."""
    type = param._node.type
    return wrap(literal(np.full(type.shape, value, type.dtype.numpy), type))


def new_count(value: float = 0.0) -> Tensor:
    """A counter of steps, as PyTorch keeps it: a float tensor."""
    return wrap(scalar(value, float64 if get_default_dtype() is float64 else float32))


# Up to here every whole number is one of float32's.
_EXACT = 2.0**24


def count_up(count: Tensor) -> float:
    """Add one; the new count. Known at once: the addition is not recorded."""
    if recorder.trace is not None:
        number: float = recorder.trace.number_in(count, True) + 1
    else:
        value = count._current().value
        number = (value if value.__class__ is float and value < _EXACT else count.item()) + 1
    write(count, scalar(number, count._node.type.dtype))
    return number


def number_of(state: Any) -> Any:
    """What a counter or another state of one element holds, or a number itself. Known at once."""
    if not isinstance(state, Tensor):
        return state
    return state.item() if recorder.trace is None else recorder.trace.number_in(state)


def set_number(state: Tensor, value: Any) -> None:
    """Let a state of one element hold `value`. The change is not recorded."""
    write(state, scalar(value, state._node.type.dtype))


def multiply_number(state: Tensor, factor: Any) -> Any:
    """Multiply a state of one element, in the precision in which it is kept; the product."""
    product = number_of(state) * factor
    if recorder.trace is None:
        array = state._node.type.dtype.array
        product = float(array(number_of(state)) * array(factor))
    set_number(state, product)
    return product


def filled(shape: tuple[int, ...], dtype: DType, value: Any = 0) -> Tensor:
    """The value everywhere, in a shape of its own. It is there at once."""
    return wrap(literal(np.full(shape, value, dtype.numpy), array_type(shape, dtype)))


def stored(value: Any, param: Tensor, key: Any = None) -> Any:
    """A copy of a parameter's loaded state; tensors in the parameter's dtype, but for the step count."""
    if isinstance(value, Tensor):
        node = value._read()
        if key != "step" and param.is_floating_point():
            node = move(node, param.dtype)
        return wrap(primitives.clone(node))
    if isinstance(value, dict):
        return {name: stored(inner, param, name) for name, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)([stored(inner, param) for inner in value])
    return value
