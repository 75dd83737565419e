"""How a method's formula meets a parameter: tensors are read as nodes, the formula records, the results are written
back. Nothing is computed here; the step's flush runs all of it with the forward and backward passes that are pending.

A formula runs once for everything that it may decide by; later steps record one node for all parameters together
(`derive/remember.py`).

Hot path: about 5 microseconds for each parameter and step, whatever the formula.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert.derive.remember import Memory, Remembered, plain_recording, remembered
from wengert.dtypes import DType, float32, float64, get_default_dtype
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, next_serial, recorder, scalar, separate_tape
from wengert.graph.rule import placeholder, primitives
from wengert.origin import here
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap, write


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


class Row(NamedTuple):
    """One update: the formula, its numbers, the gradient, and what it reads and writes."""

    formula: Formula
    numbers: Numbers
    grad: Tensor
    tensors: tuple[Tensor, ...]


class _Pending(threading.local):
    """The updates that wait for the end of `together`."""

    rows: Optional[list[Row]] = None


_pending = _Pending()


def update(formula: Formula, numbers: Numbers, grad: Tensor, *tensors: Tensor) -> None:
    """tensors = formula(numbers, grad, *tensors), at the latest at the end of `together`."""
    row = Row(formula, numbers, grad, tensors)
    rows = _pending.rows
    if rows is None:
        _record([row])
    else:
        rows.append(row)


@contextmanager
def together() -> Iterator[None]:
    """The updates inside are recorded at its end, all at once: as one node if such a step was seen before."""
    outside, _pending.rows = _pending.rows, []
    try:
        yield
    finally:
        rows, _pending.rows = _pending.rows, outside
        if rows and _are_apart(rows):
            _record(rows)
        else:
            for row in rows or ():
                _record([row])


def _are_apart(rows: Sequence[Row]) -> bool:
    """Whether no row reads or writes memory that another row writes."""
    links = [tensor._link for row in rows for tensor in row.tensors]
    cells = [link.cell for link in links if link is not None]
    written = set(cells)
    if len(written) < len(cells):
        return False
    grads = [row.grad._link for row in rows]
    return not any([link is not None and link.cell in written for link in grads])


class Step(NamedTuple):
    """What a list of rows recorded: from their nodes and these numbers (row, name, dtype) to their results."""

    recorded: Remembered
    numbers: tuple[tuple[int, str, DType], ...]


steps: Memory[Optional[Step]] = Memory()


def _record(rows: Sequence[Row]) -> None:
    """Record the rows' formulas, from memory where they were seen before, and write the results."""
    given = [[row.grad._read(), *[tensor._read() for tensor in row.tensors]] for row in rows]
    key = _key(rows, given)
    known = None if key is None else steps.find(key)
    if known is not None:
        step, _ = known
    else:
        step = None if key is None else _first(rows, given)
        if key is not None:
            steps.keep(key, step, 1 if step is None else step.recorded.steps)
    if step is None:
        for row, nodes in zip(rows, given):
            for tensor, node in zip(row.tensors, _results(row.formula, row.numbers.of, nodes)):
                write(tensor, node)
        return
    every = [node for nodes in given for node in nodes]
    every += [scalar(rows[i].numbers.values[name], dtype) for i, name, dtype in step.numbers]
    results = iter(step.recorded.record(every, here()))
    for row in rows:
        for tensor in row.tensors:
            write(tensor, next(results))


def _key(rows: Sequence[Row], given: Sequence[Sequence[Node]]) -> Optional[tuple[Any, ...]]:
    """Everything that the formulas may decide by; None where they must be called: a derivative of the update is wanted,
    a trace or a transformation is at work, a number is a tensor, a formula closes over something that may change."""
    if not plain_recording():
        return None
    key: list[Any] = []
    numbers: dict[Numbers, int] = {}
    formula: Any = None
    for row, nodes in zip(rows, given):
        at = numbers.get(row.numbers)
        if at is None:
            at = numbers[row.numbers] = len(numbers)
            if any([isinstance(value, Tensor) for value in row.numbers.values.values()]):
                return None
        if row.formula is not formula:
            formula = row.formula
            decided = [cell.cell_contents for cell in formula.__closure__ or ()]
            if not all([isinstance(value, _STATIC) for value in decided]):
                return None
            key += (formula.__code__, *decided)
        key.append(at)
        key += [node.type for node in nodes]
    return tuple(key)


_STATIC = (bool, int, str, Way, type(None))


class _Named:
    """Numbers of one dtype before they are known: stand-ins, made when they are first asked for."""

    def __init__(self, dtype: DType) -> None:
        self._dtype = dtype

    def __getattr__(self, name: str) -> Node:
        node = placeholder(array_type((), self._dtype))
        setattr(self, name, node)
        return node


def _first(rows: Sequence[Row], given: Sequence[Sequence[Node]]) -> Optional[Step]:
    """Call the rows' formulas on stand-ins, and remember what they recorded."""
    named: dict[tuple[Numbers, DType], tuple[int, _Named]] = {}
    with separate_tape():
        stand_ins = [[placeholder(node.type) for node in nodes] for nodes in given]
        since = next_serial()
        results: list[Node] = []
        for i, (row, nodes) in enumerate(zip(rows, stand_ins)):

            def of(dtype: DType, i: int = i, numbers: Numbers = row.numbers) -> Any:
                return named.setdefault((numbers, dtype), (i, _Named(dtype)))[1]

            results += _results(row.formula, of, nodes)
    read = [
        ((i, name, dtype), node)
        for (_, dtype), (i, scalars) in named.items()
        for name, node in vars(scalars).items()
        if name != "_dtype"
    ]
    every = [node for nodes in stand_ins for node in nodes] + [node for _, node in read]
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


def count_up(count: Tensor) -> float:
    """Add one; the new count. Known at once: the addition is not recorded."""
    number: float = (count.item() if recorder.trace is None else recorder.trace.number_in(count, True)) + 1
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
