"""A loop over time as one step of a program: the steps of its body, repeated over windows of the stacked arrays."""

from __future__ import annotations

from typing import Any, Protocol

from wengert.graph.graph import Graph, Step
from wengert.loops.joins import Place, whole_place
from wengert.loops.nest import Call, Carry, Nest, Number, ProgramStep, Repeat, Store, Window
from wengert.shapes import Shape, contiguous_strides


class Lowering(Protocol):
    """What is needed of the lowering of the graph around the loop."""

    graph: Graph
    grouping: Any
    buffers: list[Any]
    buffer_of: dict[int, int]
    parts: dict[int, tuple[int, ...]]
    steps: list[ProgramStep]

    def buffer(self, type: Any) -> int: ...

    def whole(self, position: int) -> tuple[int, Shape]: ...

    def copy_to(self, place: Place, position: int) -> None: ...

    def inside(self, graph: Graph, inputs: list[int], outputs: list[int]) -> list[ProgramStep]: ...


def lower_scan(lowering: Lowering, position: int, step: Step) -> bool:
    """Append the steps of a scan. False, and nothing appended, where its body has a step without a lowering."""
    body, carries, sequences, length, backward = step.params
    wholes = [lowering.whole(i)[0] for i in step.args[: carries + sequences]]
    first = len(lowering.buffers), len(lowering.steps)
    results = [lowering.buffer(type) for type in step.type.elements]  # type: ignore[union-attr]
    graph, roots = _with_views_inside(lowering, body.graph, step.args, carries + sequences)
    if length:
        windows: list[Window] = []
        carried: list[Carry] = []

        def window(source: int, type: Any) -> int:
            buffer = lowering.buffer(type)
            start, stride = ((length - 1) * type.size, -type.size) if backward else (0, type.size)
            windows.append(Window(buffer, source, start, (stride,)))
            return buffer

        for number, final in enumerate(results[:carries]):
            type = graph.array_at(number)
            before, after, spare = [lowering.buffer(type) for _ in range(3)]
            carried.append(Carry(before, after, wholes[number], final, spare))
        inputs = [carry.before for carry in carried]
        for number in range(carries, carries + sequences):
            inputs.append(window(wholes[number], graph.array_at(number)))
        inputs += [lowering.buffer_of[root] for root in roots]
        outputs = [carry.after for carry in carried]
        for result, output in zip(results[carries:], graph.outputs[carries:]):
            outputs.append(window(result, graph.array_at(output)))
        steps = lowering.inside(graph, inputs, outputs)
        if any(isinstance(one, Call) for one in steps):
            del lowering.buffers[first[0] :], lowering.steps[first[1] :]
            return False
        lowering.steps.append(Repeat((length,), tuple(windows), tuple(carried), tuple(steps), "scan"))  # type: ignore[arg-type]
    else:
        for number, final in enumerate(results[:carries]):
            lowering.copy_to(whole_place(final, lowering.buffers[final].shape), step.args[number])
        for result in results[carries:]:
            type = lowering.buffers[result]
            store = Store(result, contiguous_strides(type.shape), 0, 0)
            lowering.steps.append(Nest(type.shape, (), (Number(0, type.dtype),), (store,), "scan of nothing"))
    lowering.parts[position] = tuple(results)
    return True


def _with_views_inside(
    lowering: Lowering, graph: Graph, args: tuple[int, ...], constants: int
) -> tuple[Graph, list[int]]:
    """The body with the views through which it sees its constants as steps of its own, so that they are index maps there
    and no copies; and the values behind them."""
    first = len(graph.inputs)
    inputs = list(graph.inputs)
    steps: list[Step] = []
    roots: list[int] = []
    moved = list(range(first))
    for number, arg in enumerate(args[constants:], constants):
        chain: list[Step] = []
        while lowering.grouping.is_view(arg):
            chain.append(lowering.grouping.step(arg))
            arg = chain[-1].args[0]
        roots.append(arg)
        inputs[number] = lowering.graph.array_at(arg)
        at = number
        for view in reversed(chain):
            steps.append(view._replace(args=(at,)))
            at = first + len(steps) - 1
        moved[number] = at
    for step in graph.steps:
        moved.append(first + len(steps))
        steps.append(step._replace(args=tuple([moved[i] for i in step.args])))
    return Graph(tuple(inputs), tuple(steps), tuple([moved[i] for i in graph.outputs])), roots


