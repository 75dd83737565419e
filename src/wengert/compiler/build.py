"""From a finished trace to its plan: which memory it found, what of it changed, what it returns, and the graph between."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Any, Optional

from wengert import trees
from wengert.compiler.plan import (
    UNSTORED,
    Again,
    Argument,
    Collected,
    Computed,
    Constant,
    Counter,
    Found,
    Given,
    Key,
    Look,
    Made,
    Memory,
    Number,
    Plan,
    Refusal,
    Same,
    Source,
    Viewed,
    Views,
)
from wengert.compiler.trace import Count, Gradient, Trace
from wengert.graph.graph import Graph, graph_of
from wengert.graph.node import OVERWRITTEN, RELEASED, ArrayType, Node
from wengert.graph.number import RuntimeNumber
from wengert.graph.record import settle_number
from wengert.graph.walk import ancestors
from wengert.origin import describe
from wengert.primitives.control import leaf
from wengert.runtime.flush import held
from wengert.tensors.cell import Cell, Link
from wengert.tensors.tensor import Tensor, link_of

references = getattr(sys, "getrefcount", None)


def _calibrate() -> int:
    """The references to a tensor that only a `Gradient` holds, while a loop looks at it."""
    if references is None:
        return 0
    held = {0: Gradient(object(), None, False)}  # type: ignore[arg-type]
    count = 0
    for tensor, _before, _read in held.values():
        count = references(tensor)
    return count


_OF_LOCAL = _calibrate()


def plan_of(trace: Trace, result: Any, keep_gradients: bool) -> Plan:
    """The plan of a call that has just been traced, and that returned `result`.

    Raises: Refusal, when a replay could not do what the call did.
    """
    plan = Plan(trace)
    _Builder(plan, trace, keep_gradients).build(result)
    return plan


class _Builder:
    def __init__(self, plan: Plan, trace: Trace, keep_gradients: bool) -> None:
        self.plan = plan
        self.trace = trace
        self.keep_gradients = keep_gradients
        self.on_tape = set(trace.tape)
        self.outputs: dict[Node, int] = {}
        self.cells: dict[int, int] = {}  # id of a cell -> number of the memory
        self.sources: dict[Node, Source] = {}

    def build(self, result: Any) -> None:
        self._check_options()
        self._find_memories()
        self.leaves, self.plan.structure = trees.flatten(result)
        self._results()
        self._new_contents()
        self._new_gradients()
        self._make_graph()
        self._find_owners()

    def _check_options(self) -> None:
        for table, before in self.trace.options:
            for key, value in before.items():
                if value.__class__ in (int, float, tuple) and table.get(key) is not value and table.get(key) != value:
                    raise Refusal(f"it changes the option {key!r} of an optimizer beside its step; do that outside")

    # --- memory ------------------------------------------------------------------------------------------------------

    def _find_memories(self) -> None:
        trace = self.trace
        argument_cells = {id(t._link.cell): i for i, t in enumerate(trace.tensors) if t._link is not None}
        self.argument_cells = argument_cells
        first: dict[int, tuple[Cell, Node]] = {}
        for cell, node in trace.written:
            first.setdefault(id(cell), (cell, node))
        self.first_written = first
        self.passing: list[int] = []  # tensors that the function made itself, by id
        for key, seen in trace.shown_tensors.items():
            if id(seen.cell) in argument_cells:
                continue
            if seen.tensor._link is not seen.link or seen.link.watch is not seen.watch:
                raise Refusal("it gives a tensor other memory, or changes whether it requires grad")
            if seen.node is None and seen.look is None and not self._is_old(seen.cell):
                self.passing.append(key)
                continue
            if seen.cell.exposed is not None and id(seen.cell) not in first:
                self.sources.update({x: Look(seen.tensor) for x in (seen.node, seen.look) if x is not None})
                continue
            number = self._memory(seen.cell)
            self.plan.memories[number].tensors.append((seen.tensor, seen.link, seen.watch))
            if seen.node is not None:
                self.sources[seen.node] = Memory(number)
            if seen.look is not None and seen.look is not seen.node:
                whole = seen.link.view is None
                place = len(self.plan.memories[number].tensors) - 1
                self.sources[seen.look] = Memory(number, place) if whole else Look(seen.tensor)
        for cell, node in first.values():
            if id(cell) not in argument_cells and node.serial < trace.first:
                self.sources[node] = Memory(self._memory(cell))
        self.plan.undo = [(cell, node) for cell, node in first.values() if node.serial < trace.first]
        trace.written.clear()

    def _is_old(self, cell: Cell) -> bool:
        return id(cell) in self.first_written and self.first_written[id(cell)][1].serial < self.trace.first

    def _was_there(self, cell: Cell) -> bool:
        """Whether a tensor that was there before shows this memory, also one that shared it with nobody until now."""
        return self._is_old(cell) if id(cell) in self.first_written else cell.node.serial < self.trace.first

    def _memory(self, cell: Cell) -> int:
        number = self.cells.get(id(cell))
        if number is None:
            number = self.cells[id(cell)] = len(self.plan.memories)
            self.plan.memories.append(Found(cell))
        return number

    # --- outputs -----------------------------------------------------------------------------------------------------

    def _output(self, node: Node) -> int:
        return self.outputs.setdefault(node, len(self.outputs))

    def _results(self) -> None:
        """What is returned, by position; before it the memory of which several results are views, if it is none itself."""
        fresh: list[Any] = [leaf._link for leaf in self.leaves if isinstance(leaf, Tensor) and self._is_fresh(leaf._link)]
        roots = {id(root): root for root in map(root_of, fresh)}
        shared = [root for root in roots.values() if root.watch is None and sum([root_of(x) is root for x in fresh]) > 1]
        places: dict[int, int] = {}  # id of a root or of a tensor -> position of the result
        for root in shared:
            places[id(root)] = len(self.plan.results)
            self.plan.results.append(self._made(root.cell.node))
        self.plan.hidden = len(shared)
        for given in self.leaves:
            known = places.get(id(given))
            if known is None and isinstance(given, Tensor) and given._link is not None:
                known = places.get(id(root_of(given._link)))
            if known is None:
                result = self._result(given)
            else:
                result = Again(known, () if id(given) in places else views_of(given._link))
            if isinstance(given, Tensor):
                places.setdefault(id(given), len(self.plan.results))
            self.plan.results.append(result)

    def _is_fresh(self, link: Any) -> bool:
        """Whether it leads to memory that the function made, and that no gradient is."""
        if link is None or link.watch is not None or id(link.cell) in self.argument_cells or id(link.cell) in self.cells:
            return False
        if self._was_there(link.cell):
            return False
        return not any([grad is not None and grad._link is not None and grad._link.cell is link.cell for grad in self._grads()])

    def _grads(self) -> list[Any]:
        return [tensor._grad for tensor, _, _ in self.trace.grads.values()]

    def _collected(self, leaf: Tensor) -> Any:
        """The tensor, or argument, whose stored gradient this is."""
        for tensor, before, _ in self.trace.grads.values():
            if tensor._grad is leaf and leaf is not before and (self.keep_gradients or not self._is_updated(tensor)):
                return next((Argument(i) for i, given in enumerate(self.trace.tensors) if given is tensor), tensor)
        return None

    def _result(self, leaf: Any) -> Any:
        if isinstance(leaf, RuntimeNumber):
            return Computed(leaf.line)
        if not isinstance(leaf, Tensor):
            if leaf is None or isinstance(leaf, (bool, int, float, complex, str, bytes, type)):
                return Same(leaf)
            raise Refusal(f"it returns a {type(leaf).__name__}, which a replay can't make anew")
        for position, tensor in enumerate(self.trace.tensors):
            if leaf is tensor:
                return Given(position)
        target = self._collected(leaf)
        if target is not None:
            return Collected(target)
        link = leaf._link
        if link is not None:
            return self._linked_result(leaf, link)
        return Same(leaf) if leaf._node.serial < self.trace.first else self._made(leaf._node)

    def _linked_result(self, leaf: Tensor, link: Link) -> Any:
        if link.watch is not None and id(leaf) not in self.trace.shown_tensors:
            raise Refusal("it returns a new leaf that requires grad")
        views, root = views_of(link), root_of(link)
        if id(link.cell) in self.argument_cells:
            position = self.argument_cells[id(link.cell)]
            own = self.trace.tensors[position]._link
            if own is not root:
                raise Refusal("it returns a view of an argument that is a view itself")
            return Viewed(Given(position), views)
        if id(link.cell) in self.cells:
            if link.view is None or id(leaf) in self.trace.shown_tensors:
                return Same(leaf)
            for tensor, of, _ in self.plan.memories[self.cells[id(link.cell)]].tensors:
                if of is root:
                    return Viewed(Same(tensor), views)
            raise Refusal("it returns a view of memory whose tensor is not known")
        if self._was_there(link.cell):
            for holder in gc.get_referrers(root):
                if isinstance(holder, Tensor) and holder._link is root:
                    return Viewed(Same(holder), views)
            raise Refusal("it returns a view of memory whose tensor is not known")
        return self._made(leaf._current())

    def _made(self, node: Node) -> Made:
        if not node.tracked:
            return Made(self._output(node))
        history = ancestors([node], lambda x: x.tracked and x in self.on_tape)
        if any([x.mark & RELEASED for x in history]):
            return Made(self._output(node), (node.primitive, node.params))
        self.plan.alive = True
        return Made(self._output(node))

    def _new_contents(self) -> None:
        counted = {id(cell): count for count in self.plan.counts for cell in count.cells}
        for cell, node in self.first_written.values():
            content = cell.node
            position = self.argument_cells.get(id(cell))
            if position is not None:
                link = self.trace.tensors[position]._link
                if link is None or link.view is not None:
                    raise Refusal("it writes to an argument that is a view; write to the whole tensor")
                self.plan.writes.append((Argument(position), self._output(content)))
            elif id(cell) in counted:
                self._count(counted[id(cell)], content)
            elif node.serial < self.trace.first:
                self.plan.writes.append((Memory(self._memory(cell)), self._output(content)))
                if content.tracked and not self._is_dead(content):
                    self.plan.alive = True

        for count in self.plan.counts:
            if count.after < 0:
                count.after = count.number.line

    def _is_dead(self, node: Node) -> bool:
        return any([x.mark & RELEASED for x in ancestors([node], lambda x: x.tracked and x in self.on_tape)])

    def _count(self, count: Count, content: Node) -> None:
        number = content.value
        if number.__class__ in (int, float):  # the same every time, while the conditions hold
            line = self.trace.numbers.constant(number)
        elif number.__class__ is RuntimeNumber:
            line = number.line
        else:
            raise Refusal("a number that an optimizer keeps is computed")
        if count.after not in (-1, line):
            raise Refusal("the step counts of an optimizer go apart")
        count.after = line

    def _new_gradients(self) -> None:
        for tensor, before, read in self.trace.grads.values():
            if references is not None and references(tensor) == _OF_LOCAL + (id(tensor) in self.trace.shown_tensors):
                continue  # a tensor of the function's own, which is gone
            now = tensor._grad
            target = next((Argument(i) for i, given in enumerate(self.trace.tensors) if given is tensor), tensor)
            if read:
                self.plan.read_grads.append((target, before))
            if now is before:
                continue
            if now is None:
                self.plan.grads.append((target, None))
            elif self._is_updated(tensor) and not self.keep_gradients:
                self.plan.grads.append((target, UNSTORED))
            else:
                if now._link is not None and now._link.view is not None:
                    raise Refusal("it keeps a gradient that is a view")
                self.plan.grads.append((target, self._output(now._current())))

    def _is_updated(self, tensor: Tensor) -> bool:
        return tensor._link is not None and id(tensor._link.cell) in self.first_written

    # --- the graph ---------------------------------------------------------------------------------------------------

    def _make_graph(self) -> None:
        plan, arguments = self.plan, self.trace.arguments
        outputs = list(self.outputs)
        self._find_leaves()
        nodes = ancestors(
            outputs, lambda node: node in self.on_tape and node not in arguments and node not in self.sources
        )
        own = set(nodes)
        inputs = dict.fromkeys([x for node in nodes for x in node.inputs if x not in own])
        inputs.update(dict.fromkeys([y for y in outputs if y not in own]))
        self._find_by_holders([x for x in inputs if self._is_unknown(x)])
        plan.inputs = tuple([self._source(x) for x in inputs])
        plan.graph = graph_of(list(inputs), nodes, outputs)
        if not plan.alive:
            plan.inputs, plan.graph = with_memory_once(plan.inputs, plan.graph)
        plan.tracked = tuple([node.tracked for node in nodes])
        plan.watches = tuple([node.watch for node in nodes])
        plan.marks = tuple([node.mark & (RELEASED | OVERWRITTEN) for node in nodes])
        plan.known = self._known_nodes(outputs)

    def _find_leaves(self) -> None:
        """A leaf that was shown anew over memory that was there before is an input like any other leaf."""
        for node in self.trace.tape:
            below = self.sources.get(node.inputs[0]) if node.primitive is leaf else None
            if isinstance(below, Memory):
                tensors = self.plan.memories[below.number].tensors
                place = next((i for i, (_, _, watch) in enumerate(tensors) if watch is node.watch), None)
                if place is not None:
                    self.sources[node] = Memory(below.number, place)

    def _is_unknown(self, x: Node) -> bool:
        given = x in self.trace.arguments or x in self.sources or x in self.trace.draws or x in self.trace.keys
        return not given and x.serial < self.trace.first

    def _find_owners(self) -> None:
        for target, before in self.plan.read_grads:
            if before is not None and before._link is not None and id(before._link.cell) in self.cells:
                found = self.plan.memories[self.cells[id(before._link.cell)]]
                if [tensor for tensor, _, _ in found.tensors if tensor is not before] or before._link.view is not None:
                    raise Refusal("it reads a gradient that shares its memory")
                found.owner = target

    def _find_by_holders(self, nodes: list[Node]) -> None:
        """Tensors without shared memory are read without a notice. Who shows the values that nobody accounts for?"""
        if not nodes:
            return
        wanted = {id(node): node for node in nodes}
        for holder in gc.get_referrers(*nodes):
            if isinstance(holder, Tensor) and id(holder._node) in wanted and holder._link is None:
                link = link_of(holder)
                number = self._memory(link.cell)
                self.plan.memories[number].tensors.append((holder, link, None))
                self.sources[link.node] = Memory(number)

    def _source(self, x: Node) -> Source:
        trace = self.trace
        if x in trace.arguments:
            return Argument(trace.arguments[x])
        if x in trace.draws:
            stream, number = trace.draws[x]
            return Counter(self._stream(stream), number)
        if x in trace.keys:
            return Key(self._stream(trace.keys[x]))
        if x.value.__class__ is RuntimeNumber:
            return Number(x.value.line)
        if x in self.sources:
            return self.sources[x]
        if x.value is None:
            raise Refusal("it reads a value that was never computed")
        return Constant(settle_number(x) if isinstance(x.type, ArrayType) else x.value)

    def _stream(self, stream: Any) -> int:
        for number, (known, _) in enumerate(self.plan.streams):
            if known is stream:
                return number
        self.plan.streams.append((stream, self.trace.drawn_from[id(stream)]))
        return len(self.plan.streams) - 1

    def _known_nodes(self, outputs: Sequence[Node]) -> set[int]:
        """The nodes that something else than the tape may refer to. Not those of tensors that the function made and that
        only the trace still holds: such a tensor may itself hold others, by attributes."""
        for key in self.passing:
            del self.trace.shown_tensors[key]
        known = {id(node) for node in (*outputs, *self.trace.arguments)}
        tensors = [seen.tensor for seen in self.trace.shown_tensors.values()]
        tensors += [leaf for leaf in self.leaves if isinstance(leaf, Tensor)]
        tensors += [tensor._grad for tensor, *_ in self.trace.grads.values() if tensor._grad is not None]
        for tensor in tensors:
            known.add(id(tensor._node))
            link = tensor._link
            while link is not None:
                known.update((id(link.node), id(link.cell.node)))
                link = None if link.view is None else link.view.parent
        return known


def root_of(link: Link) -> Link:
    """The link to the whole memory that this one looks into."""
    while link.view is not None:
        link = link.view.parent
    return link


def views_of(link: Optional[Link]) -> Views:
    """How it looks into it: from the whole memory to what it shows."""
    views = []
    while link is not None and link.view is not None:
        views.append((link.view.primitive, link.view.params, link.view.silent, link.view.tracked))
        link = link.view.parent
    return tuple(reversed(views))


def with_memory_once(inputs: tuple[Source, ...], graph: Graph) -> tuple[tuple[Source, ...], Graph]:
    """The same graph with one input for each memory, also where it was read as a leaf and as what it holds."""
    first: dict[int, int] = {}
    kept: list[int] = []
    moved: dict[int, int] = {}
    for i, source in enumerate(inputs):
        same = first.setdefault(source.number, len(kept)) if isinstance(source, Memory) else len(kept)
        moved[i] = same
        if same == len(kept):
            kept.append(i)
    moved.update({len(inputs) + n: len(kept) + n for n in range(len(graph.steps))})
    steps = tuple([step._replace(args=tuple([moved[i] for i in step.args])) for step in graph.steps])
    types = tuple([graph.inputs[i] for i in kept])
    return tuple([inputs[i] for i in kept]), Graph(types, steps, tuple([moved[i] for i in graph.outputs]))


def strangers(tape: list[Node], known: set[int]) -> list[str]:
    """The lines that made values which something keeps that the plan knows nothing of."""
    lines = _lines_of_strangers(tape, known)
    if lines:  # what only a cycle keeps is kept by nobody
        gc.collect()
        lines = _lines_of_strangers(tape, known)
    return lines


def _lines_of_strangers(tape: list[Node], known: set[int]) -> list[str]:
    return [describe(tape[place].origin) for place in held(tape) if id(tape[place]) not in known]
