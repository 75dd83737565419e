"""Right operands that a loop multiplies by again and again, laid out once before it for the kernels to read in place.

A recurrent layer multiplies its state by the same matrix in every turn. A product is at its best where the right operand
lies in *panels*, a few columns side by side, row after row; otherwise it copies it so, each time. Here the copy is a step
before the loop, and the product has two axes of columns, panels and columns within one:

    b (k, n)   becomes   panels (n / w, k, w)   with   panels[j, p, i] = b[p, j w + i]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

from wengert.graph.node import array_type
from wengert.loops.arena import writes
from wengert.loops.nest import Axis, Contract, Load, Lookup, Nest, Program, ProgramStep, Repeat, Store
from wengert.shapes import contiguous_strides

# Turns from which on the copy pays, rows of a product that make use of panels, and what it sums up at least and at most: a
# panel should not fill a second-level cache.
LEAST_TURNS, LEAST_ROWS = 4, 4
LEAST_SUM, LONGEST_SUM = 8, 1024

# Columns of a panel for elements of so many bytes.
Width = Callable[[int], int]


class _Source(NamedTuple):
    """What is copied, and in which shape."""

    load: Load
    shape: tuple[int, int, int]


def in_panels(program: Program, width: Width) -> Program:
    """The same program, with the right operands that do not change in a loop laid out before it."""
    return _Panels(program, width).program()


class _Panels:
    def __init__(self, program: Program, width: Width) -> None:
        self.source = program
        self.width = width
        self.buffers = list(program.buffers)

    def program(self) -> Program:
        steps: list[ProgramStep] = []
        for step in self.source.steps:
            if isinstance(step, Repeat) and len(step.extents) == 1 and step.extents[0] >= LEAST_TURNS:
                steps += self._loop(step)
            else:
                steps.append(step)
        return self.source._replace(buffers=tuple(self.buffers), steps=tuple(steps))

    def _loop(self, loop: Repeat) -> list[ProgramStep]:
        """The copies, then the loop that reads them."""
        copies: dict[_Source, int] = {}
        own = {w.buffer for w in loop.windows} | {b for c in loop.carries for b in (c.before, c.after)}
        changing = own.union(*[writes(one) for one in loop.steps])
        inside: list[Any] = []
        for one in loop.steps:
            found = self._source(one) if isinstance(one, Contract) else None
            if found is not None and found.load.buffer not in changing:
                if found not in copies:
                    self.buffers.append(array_type(found.shape, found.load.dtype))
                    copies[found] = len(self.buffers) - 1
                one = _from_panels(one, copies[found], found.shape)  # type: ignore[arg-type]
            inside.append(one)
        before = [_copy(source, buffer) for source, buffer in copies.items()]
        return [*before, loop._replace(steps=tuple(inside))]

    def _source(self, step: Contract) -> Optional[_Source]:
        """What panels of the right operand are copied from; None where it is read as it lies."""
        if step.batch or [len(axes) for axes in (step.rows, step.columns, step.summed)] != [1, 1, 1]:
            return None
        (m,), (n,), (k,) = step.rows, step.columns, step.summed
        plain = all(len(operand) == 1 and isinstance(operand[0], Load) for operand in (step.a, step.b))
        if not plain or {step.a[0].dtype, step.b[0].dtype} != {step.dtype}:
            return None
        if any(isinstance(v, (Axis, Lookup)) for v in step.values):
            return None
        width = self.width(step.dtype.itemsize)
        if m < LEAST_ROWS or not LEAST_SUM <= k <= LONGEST_SUM or n % width or step.a[0].strides[1] != 1:  # type: ignore[union-attr]
            return None
        load: Load = step.b[0]  # type: ignore[assignment]
        down, along = load.strides
        return _Source(load._replace(strides=(width * along, down, along)), (n // width, k, width))


def _copy(source: _Source, buffer: int) -> Nest:
    store = Store(buffer, contiguous_strides(source.shape), 0, 0)
    return Nest(source.shape, (), (source.load,), (store,), "copy")


def _from_panels(step: Contract, buffer: int, shape: tuple[int, int, int]) -> Contract:
    """The product with panels for its right operand, and an axis of columns more wherever there was one."""
    panels, k, width = shape

    def cut(x: Any) -> Any:
        if not isinstance(x, (Load, Store)):
            return x
        row, column = x.strides
        return x._replace(strides=(row, width * column, column))

    b = Load(buffer, (width, k * width, 1), 0, step.dtype)
    values, stores = tuple(map(cut, step.values)), tuple(map(cut, step.stores))
    return step._replace(columns=(panels, width), b=(b,), values=values, stores=stores)
