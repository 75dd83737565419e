"""A nest as an LLVM function, with explicit vectors.

    void NAME(ptr buffers, i64 begin, i64 end, i64 worker)

runs the nest for its first axis from `begin` to `end` (a multiple of the vector length apart, if that axis is the
vector axis). `buffers` is an array of pointers by buffer number; the one before the first is that of the failures, a
byte that is set when an index is out of bounds.

One axis is the vector axis: the last inner one if the loads run along it (folds keep a vector of partial results and
add them up at the end), else the last outer one (each lane folds for itself). Where the extent is no multiple of the
vector length, the last vector is masked.

The text is made by walking the actions: they fall into phases, one for each fold that a later action reads. A phase is
one run over the inner axes, which computes what its actions need; what does not depend on inner axes is computed once,
outside.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from wengert import dtypes
from wengert.backends.llvm import scalars
from wengert.backends.llvm.scalars import Scalars, Writer
from wengert.dtypes import DType
from wengert.loops.nest import Action, Apply, Axis, Fold, Folded, Load, Lookup, Nest, Number, Store, Value

# Partial results that an innermost fold keeps, to hide the latency of its operation.
PARTIALS = 4

class Loop(NamedTuple):
    """An open loop: where its body's end jumps back to."""

    header: str
    exit: str
    counter: str
    following: str


def emit_nest(nest: Nest, name: str, width: int) -> tuple[str, dict[str, str]]:
    """The function's text and the declarations it needs. `width`: bytes of a vector register."""
    nest = collapse(nest)
    writer = Writer()
    _Function(nest, name, width, writer).write()
    return "\n".join(writer.lines), writer.declarations


# --- simplifying the space ------------------------------------------------------------------------------------------


def collapse(nest: Nest) -> Nest:
    """Neighbouring axes that every access walks as one become one; axes of extent 1 vanish. At least one outer axis
    stays."""
    outer, inner = list(nest.outer), list(nest.inner)
    keep = [k for k, n in enumerate(nest.extents) if n != 1 or _indexes(nest, k)]
    nest = _select(nest, keep)
    outer, inner = list(nest.outer), list(nest.inner)
    k = len(outer) + len(inner) - 1
    while k > 0:
        same_level = k != len(outer)
        if same_level and not _indexes(nest, k) and not _indexes(nest, k - 1) and _walks_as_one(nest, k):
            nest = _merge(nest, k)
            outer, inner = list(nest.outer), list(nest.inner)
        k -= 1
    if not nest.outer:
        nest = _map_strides(nest._replace(outer=(1,)), lambda strides: (0, *strides), shift=1)
    return nest


def _indexes(nest: Nest, axis: int) -> bool:
    return any(isinstance(v, Axis) and v.axis == axis for v in nest.values)


def _accesses(nest: Nest) -> list[Any]:
    return [v for v in nest.values if isinstance(v, (Load, Lookup))] + [a for a in nest.actions if isinstance(a, Store)]


def _walks_as_one(nest: Nest, k: int) -> bool:
    extent = nest.extents[k]
    return all(a.strides[k - 1] == a.strides[k] * extent for a in _accesses(nest))


def _map_strides(nest: Nest, change: Any, shift: int = 0, axes: Optional[dict[int, int]] = None) -> Nest:
    values: list[Value] = []
    for v in nest.values:
        if isinstance(v, (Load, Lookup)):
            v = v._replace(strides=change(v.strides))
        elif isinstance(v, Axis):
            v = v._replace(axis=axes[v.axis] if axes is not None else v.axis + shift)
        values.append(v)
    actions: list[Action] = [a._replace(strides=change(a.strides)) if isinstance(a, Store) else a for a in nest.actions]
    return nest._replace(values=tuple(values), actions=tuple(actions))


def _select(nest: Nest, keep: list[int]) -> Nest:
    n = len(nest.outer)
    outer = tuple([nest.extents[k] for k in keep if k < n])
    inner = tuple([nest.extents[k] for k in keep if k >= n])
    axes = {k: place for place, k in enumerate(keep)}
    return _map_strides(nest, lambda strides: tuple([strides[k] for k in keep]), axes=axes)._replace(
        outer=outer, inner=inner
    )


def _merge(nest: Nest, k: int) -> Nest:
    extents = list(nest.extents)
    n = len(nest.outer)
    extents[k - 1] *= extents[k]
    del extents[k]
    n -= k < n
    axes = {a: a if a < k else a - 1 for a in range(len(nest.extents))}
    merged = _map_strides(nest, lambda strides: (*strides[: k - 1], *strides[k:]), axes=axes)
    return merged._replace(outer=tuple(extents[:n]), inner=tuple(extents[n:]))


# --- writing --------------------------------------------------------------------------------------------------------


class _Function:
    def __init__(self, nest: Nest, name: str, width: int, writer: Writer) -> None:
        self.nest = nest
        self.name = name
        self.w = writer
        self.n_outer = len(nest.outer)
        self.depends = self._inner_dependence()
        self.vector = self._vector_axis()
        sizes = [v.dtype.itemsize for v in nest.values if v.dtype.is_floating_point]
        self.lanes = width // max(min(sizes, default=4), 4)
        if self.vector is not None and nest.extents[self.vector] == 1:
            self.lanes = 1
        self.blocks = 0
        self.index: dict[int, str] = {}
        self.mask: Optional[str] = None
        self.bases: dict[int, str] = {}
        self.outer_known: dict[int, str] = {}
        self.folded: dict[int, str] = {}

    @property
    def vector_is_inner(self) -> bool:
        return self.vector is not None and self.vector >= self.n_outer

    def _inner_dependence(self) -> list[bool]:
        """Whether each value changes along inner axes."""
        found: list[bool] = []
        for v in self.nest.values:
            if isinstance(v, Load):
                found.append(any(v.strides[self.n_outer :]))
            elif isinstance(v, Lookup):
                found.append(any(v.strides[self.n_outer :]) or found[v.index])
            elif isinstance(v, Axis):
                found.append(v.axis >= self.n_outer)
            elif isinstance(v, Apply):
                found.append(any([found[i] for i in v.args]))
            else:
                found.append(False)
        return found

    def _vector_axis(self) -> Optional[int]:
        """The axis along which most accesses are contiguous: the last inner or the last outer one."""
        nest = self.nest
        last_outer, last_inner = self.n_outer - 1, len(nest.extents) - 1
        if not nest.inner:
            return last_outer
        score = {axis: sum(a.strides[axis] == 1 for a in _accesses(nest)) for axis in (last_outer, last_inner)}
        wide = nest.extents[last_outer] >= 4
        return last_outer if score[last_outer] > score[last_inner] and wide else last_inner

    # --- control flow ----------------------------------------------------------------------------------------------

    def block(self) -> str:
        self.blocks += 1
        return f"b{self.blocks}"

    def open(self, start: str, stop: str, step: int, carried: list[tuple[str, str, str]]) -> tuple[Loop, list[str]]:
        """A loop from start to stop; `carried`: (type, initial value, name of the value after the body)."""
        before, header, body, exit = self.block(), self.block(), self.block(), self.block()
        index, following = self.w.name(), self.w.name()
        self.w.line(f"  br label %{before}")
        self.w.line(f"{before}:")
        self.w.line(f"  br label %{header}")
        self.w.line(f"{header}:")
        latch = exit + "l"
        self.w.line(f"  {index} = phi i64 [{start}, %{before}], [{following}, %{latch}]")
        names = []
        for kind, initial, after in carried:
            name = self.w.name()
            self.w.line(f"  {name} = phi {kind} [{initial}, %{before}], [{after}, %{latch}]")
            names.append(name)
        more = self.w.emit(f"icmp slt i64 {index}, {stop}")
        self.w.line(f"  br i1 {more}, label %{body}, label %{exit}")
        self.w.line(f"{body}:")
        return Loop(header, exit, index, following), names

    def close(self, loop: Loop, step: int) -> None:
        self.w.line(f"  br label %{loop.exit}l")
        self.w.line(f"{loop.exit}l:")
        self.w.line(f"  {loop.following} = add nsw i64 {loop.counter}, {step}")
        self.w.line(f"  br label %{loop.header}")
        self.w.line(f"{loop.exit}:")

    # --- the function ----------------------------------------------------------------------------------------------

    def write(self) -> None:
        self.w.line(f"define void @{self.name}(ptr noalias %buffers, i64 %begin, i64 %end, i64 %worker) nounwind {{")
        self.w.line("entry:")
        if any(isinstance(v, Apply) and v.op == "bounded" for v in self.nest.values):
            slot = self.w.emit("getelementptr ptr, ptr %buffers, i64 -1")
            self.w.line(f"  %failures = load ptr, ptr {slot}, align 8")
        for buffer in sorted({a.buffer for a in _accesses(self.nest)}):
            slot = self.w.emit(f"getelementptr ptr, ptr %buffers, i64 {buffer}")
            self.bases[buffer] = self.w.emit(f"load ptr, ptr {slot}, align 8")
        self._outer_loops(0)
        self.w.line("  ret void")
        self.w.line("}")

    def _outer_loops(self, axis: int) -> None:
        if axis == self.n_outer:
            self._point()
            return
        start, stop = ("%begin", "%end") if axis == 0 else ("0", str(self.nest.outer[axis]))
        step = self.lanes if axis == self.vector else 1
        if step == 1:
            loop, _ = self.open(start, stop, 1, [])
            self.index[axis] = loop.counter
            self._outer_loops(axis + 1)
            self.close(loop, 1)
            return
        # Whole vectors, then one masked one.
        length = self.w.emit(f"sub i64 {stop}, {start}")
        whole = self.w.emit(f"and i64 {length}, {-step}")
        limit = self.w.emit(f"add i64 {start}, {whole}")
        loop, _ = self.open(start, limit, step, [])
        self.index[axis] = loop.counter
        self._outer_loops(axis + 1)
        self.close(loop, step)
        tail, done = self.block(), self.block()
        rest = self.w.emit(f"icmp slt i64 {limit}, {stop}")
        self.w.line(f"  br i1 {rest}, label %{tail}, label %{done}")
        self.w.line(f"{tail}:")
        self.index[axis] = limit
        self.mask = self._tail_mask(limit, stop)
        self._outer_loops(axis + 1)
        self.mask = None
        self.w.line(f"  br label %{done}")
        self.w.line(f"{done}:")

    def _tail_mask(self, start: str, stop: str) -> str:
        left = self.w.emit(f"sub i64 {stop}, {start}")
        narrow = self.w.emit(f"trunc i64 {left} to i32")
        s = Scalars(self.w, self.lanes)
        count = s.splat(narrow, dtypes.int32)
        steps = ", ".join(f"i32 {i}" for i in range(self.lanes))
        return self.w.emit(f"icmp ult <{self.lanes} x i32> <{steps}>, {count}")

    # --- one outer point (or one vector of them) ---------------------------------------------------------------------

    def _point(self) -> None:
        self.outer_known = {}
        self.folded = {}
        pending: list[tuple[int, Action]] = []
        for number, action in enumerate(self.nest.actions):
            inner = isinstance(action, Fold) or self.depends[action.value] or any(action.strides[self.n_outer :])
            if inner:
                if self._reads_pending_fold(action, pending):
                    self._phase(pending)
                    pending = []
                pending.append((number, action))
            else:
                if self._reads_pending_fold(action, pending):
                    self._phase(pending)
                    pending = []
                self._store_outer(action)  # type: ignore[arg-type]
        if pending:
            self._phase(pending)

    def _reads_pending_fold(self, action: Action, pending: list[tuple[int, Action]]) -> bool:
        folds = {number for number, a in pending if isinstance(a, Fold)}
        return bool(folds & self._folds_behind(action.value))

    def _folds_behind(self, value: int) -> set[int]:
        found: set[int] = set()
        stack, seen = [value], set()
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            v = self.nest.values[number]
            if isinstance(v, Folded):
                found.add(v.action)
            else:
                stack.extend(_arguments(v))
        return found

    @property
    def outer_scalars(self) -> Scalars:
        """Values that do not change along inner axes: vectors only if the vector axis is an outer one."""
        return Scalars(self.w, 1 if self.vector_is_inner else self.lanes)

    def _outer(self, number: int) -> str:
        """A value that does not depend on inner axes."""
        known = self.outer_known.get(number)
        if known is None:
            known = self.outer_known[number] = self._compute(number, self.outer_scalars, self._outer, self.mask)
        return known

    def _store_outer(self, action: Store) -> None:
        self._store(action, self.outer_scalars, self._outer(action.value), self.mask)

    # --- a phase: one run over the inner axes ------------------------------------------------------------------------

    def _phase(self, actions: list[tuple[int, Action]]) -> None:
        for number in self._invariants(actions):
            self._outer(number)
        folds = [(number, a) for number, a in actions if isinstance(a, Fold)]
        stores = [a for _, a in actions if isinstance(a, Store)]
        lanes = self.lanes
        s = Scalars(self.w, lanes)
        kinds = [self.nest.values[a.value].dtype for _, a in folds]
        starts = [s.identity(a.op, t) for (_, a), t in zip(folds, kinds)]
        results = self._inner_loops(self.n_outer, folds, stores, kinds, starts)
        for (number, action), kind, result in zip(folds, kinds, results):
            self.folded[number] = self._horizontal(action.op, kind, result) if self.vector_is_inner else result

    def _invariants(self, actions: list[tuple[int, Action]]) -> list[int]:
        """Values read by these actions that do not depend on inner axes: computed before the loop."""
        found: list[int] = []
        seen: set[int] = set()
        stack = [a.value for _, a in actions]
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            v = self.nest.values[number]
            if not self.depends[number]:
                found.append(number)
            else:
                stack.extend(_arguments(v))
        return sorted(found)

    def _inner_loops(
        self, axis: int, folds: list[Any], stores: list[Store], kinds: list[DType], carried: list[str]
    ) -> list[str]:
        """The inner axes from `axis` on; gives the folds' values after them."""
        s = Scalars(self.w, self.lanes)
        if axis == len(self.nest.extents):
            return self._body(folds, stores, kinds, carried, self.mask if not self.vector_is_inner else None)
        extent = self.nest.extents[axis]
        if axis == self.vector:
            return self._vector_loop(extent, folds, stores, kinds, carried)
        after = [self.w.name() for _ in folds]
        loop, names = self.open("0", str(extent), 1, [(s.type(t), c, a) for t, c, a in zip(kinds, carried, after)])
        self.index[axis] = loop.counter
        results = self._inner_loops(axis + 1, folds, stores, kinds, names)
        self._rename(results, after, kinds, s)
        self.close(loop, 1)
        return names

    def _rename(self, results: list[str], names: list[str], kinds: list[DType], s: Scalars) -> None:
        """Give results the names that the loop's phis announced."""
        for result, name, kind in zip(results, names, kinds):
            self.w.line(f"  {name} = bitcast {s.type(kind)} {result} to {s.type(kind)}")

    def _vector_loop(
        self, extent: int, folds: list[Any], stores: list[Store], kinds: list[DType], carried: list[str]
    ) -> list[str]:
        """The innermost vector axis: several partial results at a time, then one vector at a time, then a masked one."""
        s, axis = Scalars(self.w, self.lanes), len(self.nest.extents) - 1
        done = 0
        many = PARTIALS if folds else 1
        step = self.lanes * many
        if many > 1 and extent >= 2 * step:
            done = extent // step * step
            carried = self._partial_loop(done, step, many, folds, stores, kinds, carried)
        rest = (extent - done) // self.lanes * self.lanes
        if rest:
            after = [self.w.name() for _ in folds]
            loop, names = self.open(
                str(done), str(done + rest), self.lanes, [(s.type(t), c, a) for t, c, a in zip(kinds, carried, after)]
            )
            self.index[axis] = loop.counter
            self._rename(self._body(folds, stores, kinds, names, None), after, kinds, s)
            self.close(loop, self.lanes)
            carried, done = names, done + rest
        if done < extent:
            self.index[axis] = str(done)
            if self.lanes == 1:
                return self._body(folds, stores, kinds, carried, None)
            bits = ", ".join(f"i1 {'true' if done + i < extent else 'false'}" for i in range(self.lanes))
            carried = self._body(folds, stores, kinds, carried, f"<{bits}>")
        return carried

    def _partial_loop(
        self, stop: int, step: int, many: int, folds: list[Any], stores: list[Store], kinds: list[DType], carried: list[str]
    ) -> list[str]:
        s, axis = Scalars(self.w, self.lanes), len(self.nest.extents) - 1
        starts = [[c, *[s.identity(a.op, t)] * (many - 1)] for (_, a), t, c in zip(folds, kinds, carried)]
        after = [[self.w.name() for _ in range(many)] for _ in folds]
        flat = [(s.type(t), c, a) for t, cs, names in zip(kinds, starts, after) for c, a in zip(cs, names)]
        loop, names = self.open("0", str(stop), step, flat)
        parts = [names[i * many : (i + 1) * many] for i in range(len(folds))]
        for lane in range(many):
            self.index[axis] = loop.counter if lane == 0 else self.w.emit(f"add nsw i64 {loop.counter}, {lane * self.lanes}")
            results = self._body(folds, stores, kinds, [part[lane] for part in parts], None)
            self._rename(results, [names[lane] for names in after], kinds, s)
        self.close(loop, step)
        joined = []
        for (_, action), kind, part in zip(folds, kinds, parts):
            while len(part) > 1:
                part = [s.fold(action.op, kind, a, b) for a, b in zip(part[::2], part[1::2])]
            joined.append(part[0])
        return joined

    def _body(
        self, folds: list[Any], stores: list[Store], kinds: list[DType], carried: list[str], mask: Optional[str]
    ) -> list[str]:
        """One inner point: the stores, and one step of each fold."""
        s = Scalars(self.w, self.lanes)
        known: dict[int, str] = {}

        def value(number: int) -> str:
            found = known.get(number)
            if found is None:
                if self.depends[number]:
                    found = self._compute(number, s, value, mask)
                else:
                    found = self._outer(number)
                    if self.vector_is_inner:
                        found = s.splat(found, self.nest.values[number].dtype)
                known[number] = found
            return found

        for action in stores:
            self._store(action, s, value(action.value), mask)
        results = []
        for (_, action), kind, so_far in zip(folds, kinds, carried):
            added = s.fold(action.op, kind, so_far, value(action.value))
            if mask is not None and self.vector_is_inner:
                added = self.w.emit(
                    f"select <{self.lanes} x i1> {mask}, {s.type(kind)} {added}, {s.type(kind)} {so_far}"
                )
            results.append(added)
        return results

    def _horizontal(self, op: str, kind: DType, vector: str) -> str:
        """Fold the lanes of a vector into one scalar, by halves."""
        lanes = self.lanes
        while lanes > 1:
            s, half = Scalars(self.w, lanes), lanes // 2
            low = ", ".join(f"i32 {i}" for i in range(half))
            high = ", ".join(f"i32 {i}" for i in range(half, lanes))
            kind_now = s.type(kind)
            if half == 1:
                a = self.w.emit(f"extractelement {kind_now} {vector}, i32 0")
                b = self.w.emit(f"extractelement {kind_now} {vector}, i32 1")
            else:
                a = self.w.emit(f"shufflevector {kind_now} {vector}, {kind_now} poison, <{half} x i32> <{low}>")
                b = self.w.emit(f"shufflevector {kind_now} {vector}, {kind_now} poison, <{half} x i32> <{high}>")
            vector = Scalars(self.w, half).fold(op, kind, a, b)
            lanes = half
        return vector

    # --- values ------------------------------------------------------------------------------------------------------

    def _compute(self, number: int, s: Scalars, value: Any, mask: Optional[str]) -> str:
        v = self.nest.values[number]
        if isinstance(v, Number):
            return s.constant(v.value, v.dtype)
        if isinstance(v, Folded):
            return self.folded[v.action]
        if isinstance(v, Axis):
            return self._axis(v, s)
        if isinstance(v, Load):
            return self._load(v, s, mask)
        if isinstance(v, Lookup):
            return self._lookup(v, s, value(v.index), mask)
        arguments = [value(i) for i in v.args]
        if v.op == "bounded":
            return self._bounded(s, arguments[0], arguments[1], mask)
        types = [self.nest.values[i].dtype for i in v.args]
        return scalars.emit(s, v.op, arguments, types, v.dtype)

    def _axis(self, v: Axis, s: Scalars) -> str:
        if v.axis != self.vector or s.lanes == 1:
            return s.splat(self._index(v.axis), v.dtype)
        steps = ", ".join(f"i64 {i}" for i in range(s.lanes))
        return s.two("add", v.dtype, s.splat(self._index(v.axis), v.dtype), f"<{steps}>")

    def _index(self, axis: int) -> str:
        return self.index[axis]

    def _address(self, buffer: int, strides: tuple[int, ...], offset: int, dtype: DType) -> str:
        """The address of the access at the current indices (of lane 0)."""
        total = str(offset)
        for axis, stride in enumerate(strides):
            if stride:
                index = self._index(axis)
                term = index if stride == 1 else self.w.emit(f"mul nsw i64 {index}, {stride}")
                total = term if total == "0" else self.w.emit(f"add nsw i64 {total}, {term}")
        memory = _memory_type(dtype)
        return self.w.emit(f"getelementptr {memory}, ptr {self.bases[buffer]}, i64 {total}")

    def _lane_stride(self, strides: tuple[int, ...], s: Scalars) -> int:
        return 0 if self.vector is None or s.lanes == 1 else strides[self.vector]

    def _load(self, v: Load, s: Scalars, mask: Optional[str]) -> str:
        address = self._address(v.buffer, v.strides, v.offset, v.dtype)
        stride = self._lane_stride(v.strides, s)
        memory, size = _memory_type(v.dtype), v.dtype.itemsize
        if stride == 0:
            loaded = self.w.emit(f"load {memory}, ptr {address}, align {size}")
            one = Scalars(self.w, 1)
            if v.dtype is dtypes.bool_:
                loaded = self.w.emit(f"icmp ne i8 {loaded}, 0")
            return s.splat(loaded, v.dtype) if s.lanes > 1 else one.splat(loaded, v.dtype)
        kind = f"<{s.lanes} x {memory}>"
        if stride == 1 and mask is None:
            loaded = self.w.emit(f"load {kind}, ptr {address}, align {size}")
        elif stride == 1:
            loaded = self._masked("load", kind, s.lanes, memory, address, size, mask)
        else:
            loaded = self._gather(address, stride, s, memory, kind, size, mask)
        if v.dtype is dtypes.bool_:
            loaded = self.w.emit(f"icmp ne {kind} {loaded}, zeroinitializer")
        return loaded

    def _bounded(self, s: Scalars, index: str, bound: str, mask: Optional[str]) -> str:
        """The index where it is within bounds, else 0, and the failure is noted in the buffer of failures."""
        kind, bools = s.type(dtypes.int64), s.type(dtypes.bool_)
        inside = self.w.emit(f"icmp ult {kind} {index}, {bound}")
        wrong = self.w.emit(f"xor {bools} {inside}, {s.constant(True, dtypes.bool_)}")
        if s.lanes > 1:
            if mask is not None:
                wrong = self.w.emit(f"and {bools} {wrong}, {mask}")
            symbol = f"llvm.vector.reduce.or.v{s.lanes}i1"
            self.w.declare(symbol, f"declare i1 @{symbol}({bools})")
            wrong = self.w.emit(f"call i1 @{symbol}({bools} {wrong})")
        before = self.w.emit("load i8, ptr %failures, align 1")
        noted = self.w.emit(f"zext i1 {wrong} to i8")
        after = self.w.emit(f"or i8 {before}, {noted}")
        self.w.line(f"  store i8 {after}, ptr %failures, align 1")
        return s.select(inside, dtypes.int64, index, s.constant(0, dtypes.int64))

    def _lookup(self, v: Lookup, s: Scalars, index: str, mask: Optional[str]) -> str:
        """A load at an address that depends on a value, lane by lane if the value is a vector."""
        base = self._address(v.buffer, v.strides, v.offset, v.dtype)
        memory, size = _memory_type(v.dtype), v.dtype.itemsize
        kind = s.type(dtypes.int64)
        moved = index if v.stride == 1 else self.w.emit(f"mul {kind} {index}, {s.constant(v.stride, dtypes.int64)}")
        if s.lanes == 1:
            address = self.w.emit(f"getelementptr {memory}, ptr {base}, i64 {moved}")
            loaded = self.w.emit(f"load {memory}, ptr {address}, align {size}")
            return self.w.emit(f"icmp ne i8 {loaded}, 0") if v.dtype is dtypes.bool_ else loaded
        stride = self._lane_stride(v.strides, s)
        if stride:
            steps = ", ".join(f"i64 {i * stride}" for i in range(s.lanes))
            moved = self.w.emit(f"add {kind} {moved}, <{steps}>")
        pointers = self.w.emit(f"getelementptr {memory}, ptr {base}, {kind} {moved}")
        loaded = self._gather_at(pointers, s, memory, f"<{s.lanes} x {memory}>", size, mask)
        if v.dtype is dtypes.bool_:
            loaded = self.w.emit(f"icmp ne <{s.lanes} x i8> {loaded}, zeroinitializer")
        return loaded

    def _masked(
        self, word: str, kind: str, lanes: int, memory: str, address: str, size: int, mask: Optional[str], value: str = ""
    ) -> str:
        suffix = f"v{lanes}{memory.replace('float', 'f32').replace('double', 'f64')}.p0"
        bools = f"<{lanes} x i1>"
        if word == "load":
            symbol = f"llvm.masked.load.{suffix}"
            self.w.declare(symbol, f"declare {kind} @{symbol}(ptr, i32, {bools}, {kind})")
            return self.w.emit(f"call {kind} @{symbol}(ptr {address}, i32 {size}, {bools} {mask}, {kind} zeroinitializer)")
        symbol = f"llvm.masked.store.{suffix}"
        self.w.declare(symbol, f"declare void @{symbol}({kind}, ptr, i32, {bools})")
        self.w.line(f"  call void @{symbol}({kind} {value}, ptr {address}, i32 {size}, {bools} {mask})")
        return ""

    def _gather(
        self, address: str, stride: int, s: Scalars, memory: str, kind: str, size: int, mask: Optional[str]
    ) -> str:
        lanes = s.lanes
        steps = ", ".join(f"i64 {i * stride}" for i in range(lanes))
        pointers = self.w.emit(f"getelementptr {memory}, ptr {address}, <{lanes} x i64> <{steps}>")
        return self._gather_at(pointers, s, memory, kind, size, mask)

    def _gather_at(self, pointers: str, s: Scalars, memory: str, kind: str, size: int, mask: Optional[str]) -> str:
        lanes = s.lanes
        suffix = f"v{lanes}{memory.replace('float', 'f32').replace('double', 'f64')}.v{lanes}p0"
        symbol, bools = f"llvm.masked.gather.{suffix}", f"<{lanes} x i1>"
        self.w.declare(symbol, f"declare {kind} @{symbol}(<{lanes} x ptr>, i32, {bools}, {kind})")
        mask = mask or "splat (i1 true)"
        return self.w.emit(
            f"call {kind} @{symbol}(<{lanes} x ptr> {pointers}, i32 {size}, {bools} {mask}, {kind} zeroinitializer)"
        )

    def _store(self, action: Store, s: Scalars, value: str, mask: Optional[str]) -> None:
        dtype = self.nest.values[action.value].dtype
        address = self._address(action.buffer, action.strides, action.offset, dtype)
        memory, size = _memory_type(dtype), dtype.itemsize
        stride = self._lane_stride(action.strides, s)
        if s.lanes == 1:
            if dtype is dtypes.bool_:
                value = self.w.emit(f"zext i1 {value} to i8")
            self.w.line(f"  store {memory} {value}, ptr {address}, align {size}")
            return
        kind = f"<{s.lanes} x {memory}>"
        if dtype is dtypes.bool_:
            value = self.w.emit(f"zext <{s.lanes} x i1> {value} to {kind}")
        if stride == 1 and mask is None:
            self.w.line(f"  store {kind} {value}, ptr {address}, align {size}")
        elif stride == 1:
            self._masked("store", kind, s.lanes, memory, address, size, mask, value)
        else:
            self._scatter(address, stride, s, memory, kind, size, mask, value)

    def _scatter(
        self, address: str, stride: int, s: Scalars, memory: str, kind: str, size: int, mask: Optional[str], value: str
    ) -> None:
        lanes = s.lanes
        steps = ", ".join(f"i64 {i * stride}" for i in range(lanes))
        pointers = self.w.emit(f"getelementptr {memory}, ptr {address}, <{lanes} x i64> <{steps}>")
        suffix = f"v{lanes}{memory.replace('float', 'f32').replace('double', 'f64')}.v{lanes}p0"
        symbol, bools = f"llvm.masked.scatter.{suffix}", f"<{lanes} x i1>"
        self.w.declare(symbol, f"declare void @{symbol}({kind}, <{lanes} x ptr>, i32, {bools})")
        mask = mask or "splat (i1 true)"
        self.w.line(f"  call void @{symbol}({kind} {value}, <{lanes} x ptr> {pointers}, i32 {size}, {bools} {mask})")


def _arguments(v: Value) -> tuple[int, ...]:
    """The values that a value is computed from."""
    if isinstance(v, Apply):
        return v.args
    return (v.index,) if isinstance(v, Lookup) else ()


def _memory_type(dtype: DType) -> str:
    return "i8" if dtype is dtypes.bool_ else scalars._LLVM[dtype.name]
