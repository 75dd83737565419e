"""Windows: pipelines as elements of a pipeline."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from wengert.tf.data.batching import Held
from wengert.tf.data.stage import DatasetSpec, Derived, Stage, elements_of
from wengert.tf.data.structure import flatten, map_structure, pack
from wengert.tf.errors import invalid


class Window(Derived):
    """Pipelines of `size` elements, `stride` apart, each beginning `shift` after the one before."""

    shown = "_WindowDataset"

    def __init__(self, input: Stage, size: int, shift: int, stride: int, drop_remainder: bool) -> None:
        super().__init__(input)
        for name, number in (("size", size), ("shift", shift), ("stride", stride)):
            if number <= 0:
                raise invalid(f"Window {name} must be greater than zero. [Op:WindowDataset]")
        self.size, self.shift, self.stride, self.drop_remainder = size, shift, stride, drop_remainder

    def find_spec(self) -> Any:
        return map_structure(DatasetSpec, self.input.spec)

    def count(self) -> int:
        count = self.input.count()
        if count < 0:
            return count
        if not self.drop_remainder:
            return -(-count // self.shift)
        return max(0, (count - (self.size - 1) * self.stride - 1) // self.shift + 1)

    def pipeline_elements(self) -> Iterator[Any]:
        reach = (self.size - 1) * self.stride + 1
        elements, skip = elements_of(self.input), 0
        held: deque[Any] = deque()
        ended = False
        while True:
            while not ended and len(held) < reach:
                element = next(elements, None)
                if element is None:
                    ended = True
                elif skip:
                    skip -= 1
                else:
                    held.append(element)
            if not held or (self.drop_remainder and len(held) < reach):
                return
            yield self._window(list(held)[:: self.stride])
            skip = max(0, self.shift - len(held))
            for _ in range(min(self.shift, len(held))):
                held.popleft()

    def _window(self, elements: list[Any]) -> Any:
        columns = zip(*[flatten(element) for element in elements])
        specs = flatten(self.input.spec)
        return pack(elements[0], [Held(list(column), spec) for column, spec in zip(columns, specs)])
