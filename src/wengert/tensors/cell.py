"""What tensors share: the cell that holds the current value of some memory, and each tensor's link to it.

The graph is pure; memory is a cell that is rebound. A tensor alone in the world has no cell. It gets one when it is
viewed, detached, written to, made a leaf, or shared with NumPy.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from wengert.graph.node import LIVE, OVERWRITTEN, Coming, Node, array_type
from wengert.graph.record import (
    NUMBERS,
    is_ordinary,
    literal,
    next_serial,
    record,
    record_untracked,
    recorder,
    settle_number,
    tracking,
)
from wengert.primitives.control import leaf, with_history
from wengert.primitives.views import permute, reshape, slice
from wengert.runtime.flush import computed
from wengert.shapes import Shape, size_of

if TYPE_CHECKING:
    from wengert.graph.rule import Primitive
    from wengert.tensors.sharing import Shared


class Cell:
    """The current node of one piece of memory.

    version    raised by every write; a link that has seen another version derives its node anew
    writes     how many of them the check for overwritten values counts: what users see as `_version`
    aliases    weak references to nodes that show this memory as it is now: a write marks them as overwritten, so that
               a backward pass that needs one of them can say so
    exposed    the memory itself, while the outside can write to it behind our back (`tensors/sharing.py`)
    strides    the memory's strides in elements when they are not row-major: an array that came from outside
    """

    __slots__ = ("node", "version", "writes", "aliases", "exposed", "strides", "_prune_at")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.version = 0
        self.writes = 0
        self.aliases: list[weakref.ref[Node]] = []
        self.exposed: Optional[Shared] = None
        self.strides: Optional[Shape] = None
        self._prune_at = 64

    def alias(self, node: Node) -> None:
        """Note that `node` shows this memory."""
        aliases = self.aliases
        aliases.append(weakref.ref(node))
        if len(aliases) > self._prune_at:
            self.aliases = [reference for reference in aliases if reference() is not None]
            self._prune_at = 2 * len(self.aliases) + 64

    def overwrite(self, node: Node, silent: bool = False) -> None:
        """The memory now holds `node`'s value. A silent write leaves the old nodes unmarked."""
        written = recorder.written
        if written is not None:
            written.append((self, self.node))
        if silent:
            self.aliases.clear()
            self.node = node
            self.version += 1
        else:
            self.put(node)

    def put(self, node: Node) -> None:
        """The memory now holds `node`'s value, and what showed it before is marked. Nobody is told."""
        self.writes += 1
        self.version += 1
        self.node.mark |= OVERWRITTEN
        aliases = self.aliases
        if aliases:
            for reference in aliases:
                old = reference()
                if old is not None:
                    old.mark |= OVERWRITTEN
            aliases.clear()
        self.node = node

    def is_exposed(self) -> bool:
        """Whether the outside can still write to this memory."""
        if self.exposed is None:
            return False
        if self.exposed.is_held():
            return True
        self._end_sharing()
        return False

    def _end_sharing(self) -> None:
        """Nobody outside holds the memory any more: take in what was written to it last."""
        assert self.exposed is not None
        memory, self.exposed = self.exposed.array, None
        if self.node.mark & LIVE:
            self.version += 1
        elif memory.tobytes() != computed(self.node).tobytes():
            self.take_in(memory)

    def take_in(self, memory: Any) -> None:
        """The outside wrote to memory of which the node is a copy. That leaves the history alone, as a write through
        `.data` does."""
        content = literal(np.array(memory, order="C"), self.node.type)
        with tracking(True):
            self.overwrite(with_history(content, self.node), silent=True)


class View:
    """How a link looks into another: `primitive` with `params` applied to `parent`.

    tracked   whether it was taken while operations were tracked
    silent    a write through it neither raises the version nor marks what was overwritten (`.data`)
    """

    __slots__ = ("parent", "primitive", "params", "tracked", "silent")

    def __init__(self, parent: Link, primitive: Primitive, params: tuple[Any, ...], tracked: bool, silent: bool) -> None:
        self.parent = parent
        self.primitive = primitive
        self.params = params
        self.tracked = tracked
        self.silent = silent

    @property
    def named(self) -> dict[str, Any]:
        return dict(zip(self.primitive.params, self.params))


class Link:
    """A tensor's tie to its cell. It outlives the tensor when others look through it.

    version   the cell's version that `node` shows
    view      how the tensor looks into its parent; None when it is the whole memory
    node      what the tensor is now
    history   of a detached look that was written to while operations were tracked: where its derivative goes
    watch     what collects a derivative here and its hooks, when the tensor is a leaf that requires grad
    layout    (strides of the memory, strides and offset of this view in it), once somebody asked
    """

    __slots__ = ("cell", "version", "view", "node", "history", "watch", "layout")

    def __init__(self, cell: Cell, version: int, view: Optional[View] = None, node: Optional[Node] = None) -> None:
        self.cell = cell
        self.version = version
        self.view = view
        self.node = cell.node if node is None else node
        self.history: Optional[Node] = None
        self.watch: Any = None
        self.layout: Any = None

    @property
    def leaf(self) -> bool:
        """Whether a derivative is collected here."""
        return self.watch is not None


def derive(link: Link) -> None:
    """Set the node that shows the cell's current content: through the view, and as a leaf if it is one."""
    cell = link.cell
    if link.view is None and link.history is None:
        link.node = cell.node if link.watch is None else _as_leaf(cell.node, link, cell)
        link.version = cell.version
        return
    chain = [link]
    while chain[-1].view is not None:  # up to a link that is current, or the whole memory; then down
        above = chain[-1].view.parent
        if above.version == cell.version:
            break
        chain.append(above)
    for tie in reversed(chain):
        node = cell.node if tie.view is None else look(tie.view, cell, tie.node)
        if tie.watch is not None:
            node = _as_leaf(node, tie, cell)
        elif tie.history is not None:
            node = _with_history(node, tie.history, cell)
        tie.node = node
        tie.version = cell.version


def look(view: View, cell: Cell, present: Optional[Node]) -> Node:
    """The node of what a view shows, given that its parent's node is current; `present` if it shows that already."""
    parent = view.parent.node
    same = present is not None and present.primitive is view.primitive and present.inputs == (parent,)
    if same and not present.mark & OVERWRITTEN:  # type: ignore[union-attr]
        return present  # type: ignore[return-value]
    before = recorder.tracking
    recorder.tracking = view.tracked
    node = record(view.primitive, (parent,), view.params)
    recorder.tracking = before
    if parent.mark & LIVE:
        stay_live(node, parent, view)
    cell.alias(node)
    return node


# Bytes up to which a view with gaps, or in another order, is laid out in a row when it is taken.
LITTLE = 1 << 16


def seen_at_once(base: Node, primitive: Primitive, params: tuple[Any, ...]) -> Optional[Node]:
    """A view of a value that is there, for NumPy gives it at once; None where it has to be recorded: a derivative or a
    transformation may go through it, or it is large and no plain piece of memory.

    So rows and pieces that are taken one after another (`x[i]`, `x[i : i + 32]`) make the same graphs whatever the
    positions are. The caller has checked the positions of a slice.
    """
    value = base.value
    if value.__class__ is not np.ndarray or base.tracked or base.mark & LIVE:
        return None
    if primitive is not slice and not (primitive in (reshape, permute) and _fits(primitive, params[0], value)):
        return None
    if recorder.trace is not None or not is_ordinary():
        return None
    array = primitive.evaluate(value, **{primitive.params[0]: params[0]})
    flags = array.flags
    if not (flags.c_contiguous and flags.aligned):
        if array.nbytes <= LITTLE:
            array = array.copy()
        elif primitive is not slice:
            return None
    return literal(array, array_type(array.shape, base.type.dtype))


def _fits(primitive: Primitive, param: Any, value: Any) -> bool:
    if primitive is reshape:
        return bool(size_of(param) == value.size)
    return sorted(param) == list(range(value.ndim))


def stay_live(node: Node, parent: Node, view: View) -> None:
    """A look at shared memory shows that memory itself, whatever would run the node."""
    value = np.asarray(view.primitive.evaluate(parent.value, **view.named))
    if value.size == 0 or np.may_share_memory(value, parent.value):
        node.value = value
        node.mark |= LIVE


def _as_leaf(node: Node, link: Link, cell: Cell) -> Node:
    value = node.value
    if value is not None and not node.mark & LIVE and is_ordinary():
        # There is nothing to run, and nobody goes through its history. Hot: every parameter after every step.
        made = Node(leaf, (), (), node.type, True, next_serial(), None)
        made.value = settle_number(node) if value.__class__ in NUMBERS else value
        if value.__class__ is Coming:
            value.nodes.append(made)
        made.watch = link.watch
        cell.alias(made)
        return made
    present = link.node
    usable = node.mark & LIVE and present.watch is link.watch and not present.mark & OVERWRITTEN
    if usable and computed(present).tobytes() == value.tobytes():
        return present  # `grad` and hooks name it
    made = record_untracked(leaf, (node,), (), node.type, None)  # nothing can go wrong at it
    made.tracked = True
    made.watch = link.watch
    return _own(made, node, cell)


def _with_history(node: Node, history: Node, cell: Cell) -> Node:
    with tracking(True):
        return _own(with_history(node, history), node, cell)


def _own(made: Node, shown: Node, cell: Cell) -> Node:
    """A node that a history may hold has memory of its own, also where it shows shared memory."""
    if shown.mark & LIVE:
        made.value = shown.value.copy()
    cell.alias(made)
    return made
