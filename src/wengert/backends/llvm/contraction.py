"""Contractions of a program: the call of the runtime library's product, and the functions that are fused into it.

Operands that are matrices in memory are given by their strides, and a product that is stored as it is by the strides of
its destination; everything else becomes a function (`region.py`), found through a table of six words (`fused.py`).
Contractions whose operands can be read where they lie have code of their own (`direct.py`).
"""

from __future__ import annotations

from typing import Optional

from wengert.backends.llvm.direct import declarations, text
from wengert.backends.llvm.direct_plan import Plan, plan
from wengert.backends.llvm.fused import WORDS
from wengert.backends.llvm.region import emit_region
from wengert.backends.llvm.shared import Shared
from wengert.backends.llvm.target import host
from wengert.loops.collapse import with_own_buffers
from wengert.loops.contract import Part, Strided, finish, left, plain_store, right, sizes, strided
from wengert.loops.nest import Contract, Nest


class Contractions:
    """Writes the calls; functions and tables go to what the program's functions share."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.tables = 0

    def call(self, step: Contract, prefix: str) -> list[str]:
        """The lines that compute one contraction; `prefix` begins the names they define."""
        batch, m, n, k = sizes(step)
        if 0 in (batch, m, n):
            return []
        found = plan(step, host())
        if found is not None:
            return self._direct(step, found)
        parts = left(step), right(step)
        inner, operands = _one_batch(parts, batch)
        last = finish(step)
        stored = plain_store(last)
        table = self._table([*[None if x else part for x, part in zip(operands, parts)], None if stored else last])
        suffix, kind = ("f32", "float") if step.dtype.itemsize == 4 else ("f64", "double")
        lines: list[str] = []
        arguments = [f"i64 {number}" for number in (batch, inner, m, n, k)]
        for side, x in zip("ab", operands):
            arguments.append(f"ptr {_pointer(lines, x, prefix + side, kind)}")
            arguments += _words(0, 0, 0, 0) if x is None else _words(x.outer_stride, x.inner_stride, x.row, x.column)
        arguments.append(f"ptr {_pointer(lines, stored, prefix + 'c', kind)}")
        arguments += _words(0, 0) if stored is None else _words(stored.inner_stride, stored.row)
        arguments += [f"ptr {table}", "ptr %work"]
        symbol = f"wengert_product_{suffix}"
        types = ", ".join(argument.split()[0] for argument in arguments)
        self.shared.declarations[symbol] = f"declare void @{symbol}({types})"
        return [*lines, f"  call void @{symbol}({', '.join(arguments)})"]

    def _direct(self, step: Contract, found: Plan) -> list[str]:
        """The call of a contraction's own code."""
        last = finish(step)
        finish_name, places = self._function(last) if found.to is None else ("", self.shared.places((last.stores[0].buffer,)))
        key = (found, finish_name)
        name = self.shared.names.get(key)
        if name is None:
            name = self.shared.names[key] = f"direct{len(self.shared.names)}"
            self.shared.texts.append(text(found, name, finish_name, self.shared.tiles))
            self.shared.declarations.update(declarations(found.kind))
        buffers = self.shared.places((step.a[0].buffer, step.b[0].buffer))  # type: ignore[union-attr]
        return [f"  call void @{name}_run(ptr {buffers}, ptr %work, ptr {places})"]

    def _table(self, parts: list[Optional[Part]]) -> str:
        """The table of the functions for what is not strided: of the left operand, the right one, the product."""
        if all(part is None for part in parts):
            return "null"
        words = [word for part in parts for word in self._function(part)]
        name = f"@fused{self.tables}"
        self.tables += 1
        cells = ", ".join(f"ptr {word}" for word in words)
        self.shared.declarations[name] = f"{name} = internal constant [{len(WORDS)} x ptr] [{cells}], align 8"
        return name

    def _function(self, part: Optional[Part]) -> tuple[str, str]:
        """A part's function and the places of its buffers."""
        if part is None:
            return "null", "null"
        extents = tuple([n for group in part.groups for n in group])
        bare, buffers = with_own_buffers(Nest(extents, (), part.values, part.stores))
        own = Part(part.groups, bare.values, bare.actions)  # type: ignore[arg-type]
        name = self.shared.names.get(own)
        if name is None:
            name = self.shared.names[own] = f"part{len(self.shared.names)}"
            text, needed = emit_region(own, name, host().width)
            self.shared.texts.append(text)
            self.shared.declarations.update(needed)
        return f"@{name}", self.shared.places(buffers)


def _one_batch(parts: tuple[Part, Part], batch: int) -> tuple[int, list[Optional[Strided]]]:
    """How many matrices lie in the inner of two axes of the batch, and both operands seen so; None for one that is no
    matrix in memory, or that divides the batch in another way than the one before it."""
    found: list[Optional[Strided]] = []
    inner = batch
    for part in parts:
        x = strided(part)
        if x is not None and len(part.groups[0]) == 2:
            if inner not in (batch, x.inner):
                x = None
            else:
                inner = x.inner
        found.append(x)
    even = [None if x is None or x.inner == inner else _divided(x, inner) for x in found]
    return inner, [x if y is None else y for x, y in zip(found, even)]


def _divided(x: Strided, inner: int) -> Strided:
    """The same matrices, evenly apart, as an outer and an inner axis of the batch."""
    return x._replace(inner=inner, outer_stride=x.inner_stride * inner)


def _words(*numbers: int) -> list[str]:
    return [f"i64 {number}" for number in numbers]


def _pointer(lines: list[str], x: Optional[Strided], name: str, kind: str) -> str:
    """The address of the first element of a matrix."""
    if x is None:
        return "null"
    lines += [
        f"  %{name}s = getelementptr ptr, ptr %buffers, i64 {x.buffer}",
        f"  %{name}b = load ptr, ptr %{name}s, align 8",
        f"  %{name} = getelementptr {kind}, ptr %{name}b, i64 {x.offset}",
    ]
    return f"%{name}"
