"""A nest as an LLVM function, with explicit vectors.

    void NAME(ptr places, i64 begin, i64 end, i64 worker)

runs the nest for its first axis from `begin` to `end` (a multiple of the vector length apart, if that axis is the
vector axis). `places` are the places, in the table of pointers to which @buffers points, of the nest's buffers; so nests
that differ in nothing but their buffers share their code. The pointer before the table's first is that of the failures, a
byte that is set when an index is out of bounds.

One axis is the vector axis: the last inner one if the loads run along it (folds keep a vector of partial results and
add them up at the end), else the last outer one (each lane folds for itself). Where the extent is no multiple of the
vector length, the last vector is masked.

The text is made by walking the actions: they fall into runs over the inner axes, which end where a later action reads a
fold. A run computes what its actions need, but for what an earlier one has kept (`kept.py`); what does not depend on inner
axes is computed once, outside. Values are computed in their order, so nothing here recurses over a chain of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Optional

from wengert import dtypes
from wengert.backends.llvm import operations
from wengert.backends.llvm.dependence import folds_behind, inner_dependence, varies, vector_axis
from wengert.backends.llvm.folds import BLOCK, BLOCK_OF_VECTORS, Folding
from wengert.backends.llvm.kept import Kept, Run, arguments, read_by, schedule
from wengert.backends.llvm.memory import Here, Memory
from wengert.backends.llvm.scalars import Scalars, Writer, wide
from wengert.dtypes import DType
from wengert.errors import unreachable
from wengert.loops.collapse import accesses, collapse
from wengert.loops.nest import Action, Add, Axis, Fold, Folded, Load, Lookup, Nest, Number, Product, Store

# Partial results that an innermost fold keeps, to hide the latency of its operation.
PARTIALS = 4

# What a loop carries: (LLVM type, value at its start).
Carried = list[tuple[str, str]]


def emit_nest(nest: Nest, name: str, width: int) -> tuple[str, dict[str, str]]:
    """The function's text and the declarations it needs. `width`: bytes of a vector register."""
    nest = collapse(nest)
    writer = Writer()
    Function(nest, name, width, writer).write()
    return "\n".join(writer.lines), writer.declarations


class Function:
    def __init__(self, nest: Nest, name: str, width: int, writer: Writer) -> None:
        self.nest = nest
        self.name = name
        self.w = writer
        self.memory = Memory(writer)
        self.n_outer = len(nest.outer)
        self.depends = inner_dependence(nest)
        self.vector = self._vector_axis()
        self.lanes = 1 if self.vector < 0 or nest.extents[self.vector] == 1 else _lanes(nest, width)
        if self.lanes > 1 and nest.inner and not self.vector_is_inner:
            self.lanes *= _vectors_at_once(nest, self.lanes, self.depends)
        self.schedule = schedule(nest, self.depends, folds_behind(nest))
        runs = [item for item in self.schedule if isinstance(item, Run)]
        self.kept = Kept(nest, runs, self.depends, self.lanes, self.vector_is_inner)
        self.index: dict[int, str] = {}
        self.mask: Optional[str] = None
        self.outer_known: dict[int, str] = {}
        self.folded: dict[int, str] = {}

    @property
    def vector_is_inner(self) -> bool:
        return self.vector >= self.n_outer

    def _vector_axis(self) -> int:
        return vector_axis(self.nest)

    # --- loops -------------------------------------------------------------------------------------------------------

    def loop(
        self, start: str, stop: str, step: int, carried: Carried, body: Callable[[str, list[str]], list[str]]
    ) -> list[str]:
        """A loop over start, start + step, ... below stop. `body(index, values)` writes its inside and gives the next
        values of what is carried; the result is their last ones."""
        before, header, inside, latch, after = (self.w.block() for _ in range(5))
        index, following = self.w.name(), self.w.name()
        self.w.line(f"  br label %{before}\n{before}:\n  br label %{header}\n{header}:")
        self.w.line(f"  {index} = phi i64 [{start}, %{before}], [{following}, %{latch}]")
        values = [self.w.name() for _ in carried]
        nexts = [self.w.name() for _ in carried]
        for (kind, initial), value, next in zip(carried, values, nexts):
            self.w.line(f"  {value} = phi {kind} [{initial}, %{before}], [{next}, %{latch}]")
        more = self.w.emit(f"icmp slt i64 {index}, {stop}")
        self.w.line(f"  br i1 {more}, label %{inside}, label %{after}\n{inside}:")
        results = body(index, values)
        self.w.line(f"  br label %{latch}\n{latch}:")
        for (kind, _), next, result in zip(carried, nexts, results):
            self.w.line(f"  {next} = bitcast {kind} {result} to {kind}")
        self.w.line(f"  {following} = add nsw i64 {index}, {step}")
        self.w.line(f"  br label %{header}\n{after}:")
        return values

    # --- the function ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        self.w.line(f"define void @{self.name}(ptr %places, i64 %begin, i64 %end, i64 %worker) nounwind noinline {{")
        self.w.line("entry:")
        self.memory.open(len({a.buffer for a in accesses(self.nest)}))
        self.kept.open(self.w)
        self._outer_loops(0)
        self.w.line("  ret void\n}")

    def _outer_loops(self, axis: int) -> None:
        if axis == self.n_outer:
            self._point()
            return
        start, stop = ("%begin", "%end") if axis == 0 else ("0", str(self.nest.outer[axis]))

        def body(index: str, carried: list[str]) -> list[str]:
            self.index[axis] = index
            self._outer_loops(axis + 1)
            return []

        if axis != self.vector or self.lanes == 1:
            self.loop(start, stop, 1, [], body)
        elif axis > 0:
            self._whole_vectors(self.nest.outer[axis], body)
        else:
            self._vectors(start, stop, body)

    def _whole_vectors(self, extent: int, body: Callable[[str, list[str]], list[str]]) -> None:
        """Whole vectors along an axis of known extent, then what is left, masked."""
        left = extent % self.lanes
        self.loop("0", str(extent - left), self.lanes, [], body)
        if left:
            self.mask = Scalars(self.w, self.lanes).first_lanes(left)
            body(str(extent - left), [])
            self.mask = None

    def _vectors(self, start: str, stop: str, body: Callable[[str, list[str]], list[str]]) -> None:
        """The same from `start` to `stop`, which only the call says."""
        length = self.w.emit(f"sub i64 {stop}, {start}")
        whole = self.w.emit(f"and i64 {length}, {-self.lanes}")
        limit = self.w.emit(f"add i64 {start}, {whole}")
        self.loop(start, limit, self.lanes, [], body)
        tail, done = self.w.block(), self.w.block()
        rest = self.w.emit(f"icmp slt i64 {limit}, {stop}")
        self.w.line(f"  br i1 {rest}, label %{tail}, label %{done}\n{tail}:")
        self.mask = self._tail_mask(limit, stop)
        body(limit, [])
        self.mask = None
        self.w.line(f"  br label %{done}\n{done}:")

    def _tail_mask(self, start: str, stop: str) -> str:
        left = self.w.emit(f"sub i64 {stop}, {start}")
        narrow = self.w.emit(f"trunc i64 {left} to i32")
        count = Scalars(self.w, self.lanes).splat(narrow, dtypes.int32)
        steps = ", ".join(f"i32 {i}" for i in range(self.lanes))
        return self.w.emit(f"icmp ult <{self.lanes} x i32> <{steps}>, {count}")

    # --- one outer point (or one vector of them) ---------------------------------------------------------------------

    def _point(self) -> None:
        self.outer_known = {}
        self.folded = {}
        run = 0
        for item in self.schedule:
            if isinstance(item, Run):
                self._run(run, item.actions)
                run += 1
            else:
                self._outer(self._fixed(item.waiting))  # an output may lie where an input was: read before it is stored
                value = self._outer([item.store.value])[0]
                dtype = self._dtype(item.store.value)
                self.memory.store(item.store, self._outer_scalars, self._here(self.mask), value, dtype)

    def _dtype(self, number: int) -> DType:
        return self.nest.values[number].dtype

    @property
    def _outer_scalars(self) -> Scalars:
        """Values that do not change along inner axes: vectors only if the vector axis is an outer one."""
        return Scalars(self.w, 1 if self.vector_is_inner else self.lanes)

    def _here(self, mask: Optional[str]) -> Here:
        return Here(self.index, self.vector, mask)

    def _outer(self, numbers: Iterable[int]) -> list[str]:
        """Values that do not depend on inner axes."""
        numbers = list(numbers)
        known = self.outer_known
        for number in self._behind(numbers, lambda n: n not in known):
            known[number] = self._compute(number, self._outer_scalars, known, self.mask)
        return [known[number] for number in numbers]

    def _fixed(self, actions: Iterable[tuple[int, Action]], known: Set[int] = frozenset()) -> list[int]:
        """The values, constant along inner axes, that these actions read at inner points, but for what is `known`."""
        numbers = [n for _, a in actions for n in read_by(a)]
        changing = self._changing(numbers, known)
        read = {n for number in changing for n in arguments(self.nest.values[number])}.union(numbers)
        return sorted(n for n in read if not self.depends[n])

    def _changing(self, numbers: Iterable[int], known: Set[int]) -> list[int]:
        """What changes along inner axes and is to be computed for these values."""
        return self._behind(numbers, lambda n: self.depends[n] and n not in known)

    def _behind(self, numbers: Iterable[int], enter: Callable[[int], bool]) -> list[int]:
        """These values and what they are computed from, in order, as far as `enter` holds."""
        stack = [number for number in numbers if enter(number)]
        seen = set(stack)
        while stack:
            for n in arguments(self.nest.values[stack.pop()]):
                if n not in seen and enter(n):
                    seen.add(n)
                    stack.append(n)
        return sorted(seen)

    # --- one run over the inner axes ---------------------------------------------------------------------------------

    def _run(self, number: int, actions: Sequence[tuple[int, Action]]) -> None:
        kept = self.kept.read_in(number)
        needed = [n for _, a in actions for n in read_by(a)]
        changing = self._changing(needed, kept)
        fixed = self._fixed(actions, kept)
        self._outer(fixed)  # before the loop
        read = {n for v in changing for n in arguments(self.nest.values[v])}.union(needed)
        folds = [(number, a) for number, a in actions if isinstance(a, Fold)]
        stores = [a for _, a in actions if not isinstance(a, Fold)]
        kinds = [wide(self._dtype(a.value)) for _, a in folds]
        folding = Folding(folds, kinds, Scalars(self.w, self.lanes))
        inner = _Inner(self, folding, stores, changing, fixed)
        inner.found, inner.made = sorted(kept & read), self.kept.made_in(number)
        for (place, a), result in zip(folds, inner.run()):
            self.folded[place] = self._outer_scalars.rounded(result, self._dtype(a.value))

    # --- values ------------------------------------------------------------------------------------------------------

    def _compute(self, number: int, s: Scalars, known: dict[int, str], mask: Optional[str]) -> str:
        v = self.nest.values[number]
        if isinstance(v, Number):
            return s.constant(v.value, v.dtype)
        if isinstance(v, Folded):
            return self.folded[v.action]
        if isinstance(v, Axis):
            return self._axis(v, s)
        here = self._here(mask)
        if isinstance(v, Load):
            return self.memory.load(v, s, here)
        if isinstance(v, Lookup):
            return self.memory.lookup(v, s, here, known[v.index])
        if isinstance(v, Product):
            unreachable("the sum of a contraction in a nest")
        arguments = [known[i] for i in v.args]
        if v.op == "bounded":
            return self.memory.bounded(s, here, arguments[0], arguments[1])
        return operations.emit(s, v.op, arguments, [self._dtype(i) for i in v.args], v.dtype)

    def _axis(self, v: Axis, s: Scalars) -> str:
        first = s.splat(self.index[v.axis], v.dtype)
        if v.axis != self.vector or s.lanes == 1:
            return first
        return s.two("add", v.dtype, first, f"<{', '.join(f'i64 {i}' for i in range(s.lanes))}>")


class _Inner:
    """The inner axes of one phase.

    changing   the values to compute at every inner point, in order
    fixed      those that they read and that are known
    """

    def __init__(
        self, function: Function, folding: Folding, stores: list[Store | Add], changing: list[int], fixed: list[int]
    ) -> None:
        self.f = function
        self.folding = folding
        self.stores = stores
        self.changing = changing
        self.fixed = fixed
        self.found: list[int] = []  # kept by an earlier run
        self.made: set[int] = set()  # to be kept for later ones
        self.extents = function.nest.extents
        self.block_axis, self.block = self._block_axis()

    def _unroll(self, axis: int) -> int:
        """Elements along an axis that a round of its loop takes."""
        if axis != self.f.vector:
            return 1
        many = PARTIALS if self.folding.folds and self.extents[axis] >= 2 * self.f.lanes * PARTIALS else 1
        return many * self.f.lanes

    def _block_axis(self) -> tuple[int, int]:
        """The axis whose loop is cut into blocks, and the elements of a block along it; (-1, 0) if none needs to be."""
        if self.folding.has_sums:
            most, additions = BLOCK_OF_VECTORS if self.f.vector_is_inner else BLOCK, 1
            for axis in reversed(range(self.f.n_outer, len(self.extents))):
                rounds = -(-self.extents[axis] // self._unroll(axis))
                if additions * rounds > most:
                    return axis, max(most // additions, 1) * self._unroll(axis)
                additions *= max(rounds, 1)
        return -1, 0

    def run(self) -> list[str]:
        """The results of the folds."""
        in_blocks, first = self.block_axis >= 0, self.f.n_outer
        if in_blocks:
            results = self._over_blocks(first, self.folding.total_start())
        else:
            results = self._along(first, self.folding.start())
        if self.f.vector_is_inner:
            results = self.folding.across_lanes(results)
        return self.folding.total_end(results) if in_blocks else results

    def _over_blocks(self, axis: int, totals: list[str]) -> list[str]:
        """The totals after the axes from `axis` on."""
        f, kinds = self.f, self.folding.total_kinds()
        extent = self.extents[axis]
        if axis != self.block_axis:

            def body(index: str, totals: list[str]) -> list[str]:
                f.index[axis] = index
                return self._over_blocks(axis + 1, totals)

            return f.loop("0", str(extent), 1, list(zip(kinds, totals)), body)
        unroll = self._unroll(axis)
        whole = extent // unroll * unroll

        def block(index: str, totals: list[str]) -> list[str]:
            stop = f.w.emit(f"add nsw i64 {index}, {self.block}")
            within = f.w.emit(f"icmp slt i64 {stop}, {whole}")
            stop = f.w.emit(f"select i1 {within}, i64 {stop}, i64 {whole}")
            return self.folding.add_block(totals, self._rounds(axis, index, stop, unroll, self.folding.start()))

        totals = f.loop("0", str(whole), self.block, list(zip(kinds, totals)), block)
        if whole < extent:
            totals = self.folding.add_block(totals, self._rest(axis, whole, self.folding.start()))
        return totals

    def _along(self, axis: int, carried: list[str]) -> list[str]:
        """What is carried after the axes from `axis` on, without blocks."""
        if axis == len(self.extents):
            return self._body(carried, None if self.f.vector_is_inner else self.f.mask)
        unroll, extent = self._unroll(axis), self.extents[axis]
        whole = extent // unroll * unroll
        if whole:
            carried = self._rounds(axis, "0", str(whole), unroll, carried)
        return self._rest(axis, whole, carried) if whole < extent else carried

    def _rounds(self, axis: int, start: str, stop: str, unroll: int, carried: list[str]) -> list[str]:
        """Along an axis from start to stop, `unroll` elements a round; several vectors have a partial result each."""
        f = self.f
        many = unroll // f.lanes if axis == f.vector else 1
        parts = [carried, *[self.folding.start() for _ in range(many - 1)]]
        n = len(carried)

        def body(index: str, flat: list[str]) -> list[str]:
            results: list[str] = []
            for part in range(many):
                f.index[axis] = index if part == 0 else f.w.emit(f"add nsw i64 {index}, {part * f.lanes}")
                results += self._inside(axis, flat[part * n : (part + 1) * n])
            return results

        flat = [value for part in parts for value in part]
        flat = f.loop(start, stop, unroll, list(zip(self.folding.kinds() * many, flat)), body)
        parts = [flat[part * n : (part + 1) * n] for part in range(many)]
        while len(parts) > 1:
            parts = [self.folding.join(a, b) for a, b in zip(parts[::2], parts[1::2])]
        return parts[0]

    def _inside(self, axis: int, carried: list[str]) -> list[str]:
        return self._body(carried, None) if axis == self.f.vector else self._along(axis + 1, carried)

    def _rest(self, axis: int, start: int, carried: list[str]) -> list[str]:
        """Along the vector axis from start to its end: one vector a round, then a masked one."""
        f, extent, lanes = self.f, self.extents[axis], self.f.lanes
        whole = start + (extent - start) // lanes * lanes
        if whole > start:
            carried = self._rounds(axis, str(start), str(whole), lanes, carried)
        if whole < extent:
            f.index[axis] = str(whole)
            carried = self._body(carried, self.folding.s.first_lanes(extent - whole))
        return carried

    def _body(self, carried: list[str], mask: Optional[str]) -> list[str]:
        """One inner point: everything is read before anything is stored, since an output may lie where an input was."""
        f, s, values = self.f, self.folding.s, self.f.nest.values
        known: dict[int, str] = {}
        for number in self.fixed:
            outer = f.outer_known[number]
            known[number] = s.splat(outer, values[number].dtype) if f.vector_is_inner else outer
        for number in self.found:
            known[number] = f.kept.read(number, s, f.index)
        for number in self.changing:
            known[number] = f._compute(number, s, known, mask)
            if number in self.made:
                f.kept.write(number, known[number], s, f.index)
        for action in self.stores:
            here, value, dtype = f._here(mask), known[action.value], values[action.value].dtype
            if isinstance(action, Add):
                one_index = f.vector < 0 or not varies(f.nest, {f.vector})[action.index]
                f.memory.add(action, s, here, known[action.index], value, dtype, one_index)
            else:
                f.memory.store(action, s, here, value, dtype)
        added = [known[fold.value] for fold in self.folding.folds]
        return self.folding.step(carried, added, mask if f.vector_is_inner else None)


# --- facts about a nest -----------------------------------------------------------------------------------------------


def _lanes(nest: Nest, width: int) -> int:
    """As many as the narrowest floats that are computed with fill a register; one where no vector type exists."""
    if any(v.dtype is dtypes.complex128 for v in nest.values):
        return 1
    return width // min([wide(v.dtype).itemsize for v in nest.values if v.dtype.is_floating_point], default=4)


def _vectors_at_once(nest: Nest, lanes: int, depends: Sequence[bool]) -> int:
    """How many vectors side by side fold at once where each lane folds for itself: a short fold down columns would else
    read a few elements of each row, and each row is another page."""
    folds = sum(isinstance(a, Fold) for a in nest.actions)
    added = [a for a in nest.actions if isinstance(a, Add)]
    if added and not varies(nest, {len(nest.outer) - 1})[added[0].index]:
        folds = 1
    many = next(n for n in (8, 4, 2, 1) if n == 1 or n * lanes <= nest.outer[-1])
    return many if 0 < folds * many <= 16 and sum(depends) <= 12 else 1
