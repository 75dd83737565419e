"""Values that are put together of parts: each part is written straight to its place, by the nest that computes it where
there is one."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from wengert.graph.graph import Step
from wengert.loops.access import Form, Forms
from wengert.shapes import Shape

JOINS = ("concatenate", "slice_update", "pad")


class Place(NamedTuple):
    """Where a value is to be written: in a buffer that holds a value of `shape`, `at`, which has for each axis a
    position or (start, stop, step)."""

    buffer: int
    shape: Shape
    at: tuple[Any, ...]

    def forms(self, forms: Forms, rank: int) -> Forms:
        """The place of the element that is computed at `forms`."""
        rest = iter(forms)
        return tuple(
            [
                Form(entry, (0,) * rank) if isinstance(entry, int) else next(rest).times(entry[2]).moved(entry[0])
                for entry in self.at
            ]
        )

    @property
    def is_whole(self) -> bool:
        return self.at == _everything(self.shape)


def whole_place(buffer: int, shape: Shape) -> Place:
    """All of a buffer."""
    return Place(buffer, shape, _everything(shape))


def _everything(shape: Shape) -> tuple[Any, ...]:
    return tuple([(0, n, 1) for n in shape])


def is_join(step: Step) -> bool:
    """Whether a step only puts parts together. A padding that crops is none."""
    if step.primitive.name == "pad":
        return all(n >= 0 for n in (*step.named["low"], *step.named["high"]))
    return step.primitive.name in JOINS


def ground_of(step: Step) -> Optional[int]:
    """The argument that is written everywhere first, if there is one: what is updated, or what pads."""
    return {"slice_update": step.args[0], "pad": step.args[-1]}.get(step.primitive.name)


def places(step: Step, shapes: list[Shape], buffer: int) -> list[tuple[int, Place]]:
    """The parts of a join, by position, and where each goes. `shapes`: of the arguments."""
    shape = step.array.shape
    if step.primitive.name == "slice_update":
        return [(step.args[1], Place(buffer, shape, step.named["index"]))]
    if step.primitive.name == "pad":
        starts = step.named["low"]
        index = tuple([(start, start + n, 1) for start, n in zip(starts, shapes[0])])
        return [(step.args[0], Place(buffer, shape, index))]
    along, found, start = step.named["axis"], [], 0
    for position, part in zip(step.args, shapes):
        index = tuple([(start, start + n, 1) if k == along else (0, n, 1) for k, n in enumerate(part)])
        found.append((position, Place(buffer, shape, index)))
        start += part[along]
    return found
