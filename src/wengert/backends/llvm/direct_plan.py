"""Which contractions are computed from where their operands lie (`direct.py`), and in which form."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

from wengert.backends.llvm.batched import WORK
from wengert.backends.llvm.target import Target
from wengert.backends.llvm.vectors import Kind
from wengert.loops.contract import Part, finish, plain_store
from wengert.loops.nest import Apply, Contract, Load, Product

Axes = tuple[tuple[int, int], ...]  # (extent, stride) of each

# Columns side by side from which on they are cut.
_LONG_ROW = 2048
# Vectors along the summed elements that lie side by side.
_MOST_VECTORS = 32
# Bytes of an operand that a first-level cache has room for while it is read in any order; of a block of a product, and
# its rows; summed elements in a round.
_SMALL = 64 << 10
_BLOCK = 16 << 10
_MOST_ROWS = 48
_LEAST_ROWS = 12
# Multiply-adds of a block of several panels: what takes longer is cut, so that there is something for each thread. Blocks side
# by side read the same rows of the left operand, as the panels within one do.
_MOST_WORK = 200_000
_FEW, _SHORTEST = 8, 8
# Rows of the left operand in a tile of dots.
ROWS = 4


class Side(NamedTuple):
    """An operand: where it begins, and its strides along the axes of each group."""

    offset: int
    batch: Axes
    outer: Axes  # rows of the left, columns of the right operand
    summed: Axes


class Destination(NamedTuple):
    """Where a product goes that is stored as it is, or added to what is there."""

    offset: int
    row: int
    adds: bool


class Plan(NamedTuple):
    """One contraction in a form of these. `cells`: how many tasks there are."""

    form: str
    kind: Kind
    registers: int
    a: Side
    b: Side
    batch: int
    m: int
    n: int
    parts: int
    to: Optional[Destination] = None  # of blocks

    @property
    def cells(self) -> int:
        return self.batch * self.parts

    @property
    def unit(self) -> int:
        """Columns of blocks come in as many as make two vectors; all at once where they are no multiple of that."""
        pair = panel(self.kind.lanes)
        return self.n if self.n % pair else pair


def plan(step: Contract, target: Target) -> Optional[Plan]:
    """How a contraction is computed directly; None where it is left to the panels."""
    if len(step.a) != 1 or len(step.b) != 1:
        return None
    a, b = step.a[0], step.b[0]
    if not isinstance(a, Load) or not isinstance(b, Load) or {a.dtype, b.dtype} != {step.dtype}:
        return None
    if 0 in (*step.batch, *step.rows, *step.columns, *step.summed):
        return None
    left = _side(a, step.batch, step.rows, step.summed, rows=True)
    right = _side(b, step.batch, step.columns, step.summed, rows=False)
    size = step.dtype.itemsize
    kind = Kind("float", "f32", target.width // 4) if size == 4 else Kind("double", "f64", target.width // 8)
    batch, m, n = math.prod(step.batch), math.prod(step.rows), math.prod(step.columns)
    right = right._replace(outer=_in_rows(right.outer))
    found = Plan("strips", kind, target.registers, left, right, batch, m, n, 1)
    if len(left.outer) > 1 or m < 4:
        return None
    if _has_blocks(found):
        to = _destination(finish(step))
        if to is not None and to.adds and n % kind.lanes:
            to = None  # a vector that overlaps the one before would add twice
        found = found._replace(form="blocks", a=_in_rounds(left), b=_in_rounds(right), to=to)
        return found._replace(parts=math.prod([sum([group.many for group in groups]) for groups in blocks(found)]))
    if len(step.summed) + len(step.columns) < 3:  # a plain product
        return None
    if _has_strips(found):
        groups = right.outer[0][0] // image_rows(found) if len(right.outer) == 2 else 1
        return found._replace(parts=1 if batch >= 8 else min(8, groups))
    if _has_dots(found):
        return found._replace(form="dots", parts=-(-m // ROWS))
    return None


def _side(load: Load, batch: tuple[int, ...], outer: tuple[int, ...], summed: tuple[int, ...], rows: bool) -> Side:
    strides = list(load.strides)
    taken = [tuple(zip(extents, [strides.pop(0) for _ in extents])) for extents in
             ((batch, outer, summed) if rows else (batch, summed, outer))]  # fmt: skip
    if not rows:
        taken[1], taken[2] = taken[2], taken[1]
    real = [tuple([(n, s) for n, s in axes if n != 1]) for axes in taken]
    return Side(load.offset, taken[0], real[1], taken[2])


def _in_rows(columns: Axes) -> Axes:
    """Two axes of columns that lie behind one another made one; and that one, if it is long, cut into even rows."""
    if len(columns) == 2 and columns[0][1] == columns[1][0] * columns[1][1]:
        columns = ((columns[0][0] * columns[1][0], columns[1][1]),)
    if len(columns) == 1 and columns[0][0] > _LONG_ROW:
        n, stride = columns[0]
        row = max([k for k in range(1, _LONG_ROW + 1) if n % k == 0])
        columns = ((n // row, row * stride), (row, stride))
    return columns


def _has_strips(p: Plan) -> bool:
    """Columns of one or two axes, the last of at least a vector of elements side by side, with room for a row of them."""
    columns = p.b.outer
    if not 1 <= len(columns) <= 2 or columns[-1][1] not in (1, 2) or columns[-1][0] < p.kind.lanes:
        return False
    return p.m * image_rows(p) * columns[-1][0] * p.kind.size <= WORK // 2


def _has_blocks(p: Plan) -> bool:
    """A product of two matrices that are small, or of which the right one lies in panels of a few vectors."""
    if p.batch > 1 or len(p.a.summed) != 1 or not 1 <= len(p.b.outer) <= 2 or p.b.outer[-1][1] != 1:
        return False
    (k, along), (_, down) = p.a.summed[0], p.b.summed[0]
    if k < _SHORTEST:
        return False
    if len(p.b.outer) == 2:
        pair = panel(p.kind.lanes)
        near = p.b.outer[-1][0] == down == pair and p.b.outer[0][1] == k * pair
    else:
        near = down == p.n >= p.kind.lanes and k * p.n * p.kind.size <= _SMALL
    return near and (along == 1 or (p.a.outer[0][1] == 1 and k * along * p.kind.size <= _SMALL))


def _destination(part: Part) -> Optional[Destination]:
    """Where a product goes that needs no function; None where something is made of it."""
    adds = len(part.values) == 3 and _adds(part)
    plain = part._replace(values=part.values[:1], stores=(part.stores[0]._replace(value=0),)) if adds else part
    found = plain_store(plain)
    return None if found is None else Destination(found.offset, found.row, adds)


def _adds(part: Part) -> bool:
    """Whether the product is added to what is there."""
    product, there, total = part.values
    same = isinstance(there, Load) and there[:3] == part.stores[0][:3]
    sum_of_both = isinstance(total, Apply) and total.op == "add" and sorted(total.args) == [0, 1]
    return len(part.stores) == 1 and isinstance(product, Product) and same and sum_of_both and part.stores[0].value == 2


def _in_rounds(side: Side) -> Side:
    """The same with its summed elements in rounds of a few."""
    ((n, stride),) = side.summed
    few = max([k for k in range(1, _FEW + 1) if n % k == 0])
    return side._replace(summed=((n // few, few * stride), (few, stride)))


def panel(lanes: int) -> int:
    """Columns of a panel of a right operand that is read in blocks."""
    return 2 * lanes


class Group(NamedTuple):
    """`many` blocks, from number `first` on, of `size` rows or panels, the first of which is `start`."""

    first: int
    many: int
    start: int
    size: int


def blocks(p: Plan) -> tuple[list[Group], list[Group]]:
    """Blocks of rows and of panels, so that one fits into a part of the first-level cache."""
    room = _BLOCK // p.kind.size
    rows = _evenly(p.m, min(_MOST_ROWS, max(room // p.unit, _LEAST_ROWS)))
    strip = rows[0].size * p.unit
    panels = min(room // strip, _MOST_WORK // (strip * math.prod([n for n, _ in p.a.summed])))
    return rows, _evenly(p.n // p.unit, max(panels, 1))


def _evenly(n: int, most: int) -> list[Group]:
    parts = -(-n // most)
    low, more = divmod(n, parts)
    found = [Group(0, more, 0, low + 1), Group(more, parts - more, more * (low + 1), low)]
    return [group for group in found if group.many]


def _has_dots(p: Plan) -> bool:
    last_a, last_b = p.a.summed[-1], p.b.summed[-1]
    vectors = -(-last_a[0] // p.kind.lanes)
    room = p.n * ROWS * p.kind.size * (1 + p.kind.lanes) <= WORK // 2
    near = last_a[1] == 1 and (last_b[1] == 1 or (last_b[1] == 2 and last_b[0] >= p.kind.lanes))
    return near and last_a[0] >= 4 and vectors <= _MOST_VECTORS and room


def image_rows(p: Plan) -> int:
    """Rows of places that a tile takes together: two where one of them has an odd number of vectors."""
    if len(p.b.outer) == 1:
        return 1
    (rows, _), (width, _) = p.b.outer
    return 2 if -(-width // p.kind.lanes) % 2 and rows % 2 == 0 else 1
