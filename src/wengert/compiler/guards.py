"""Guards: the state of the program around a function that a trace has read, and a cheap look whether it is still so.

What is seen is found by reading the code (`places.py`). It is looked at by identity first, numbers and strings then by
value. Modules and optimizers have guards of their own (`owners.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import is_, itemgetter
from typing import Any, Optional

from wengert.compiler.places import PLAIN, Place, Walk, absent, state_text


class Surroundings:
    """The places that a function looks at, and what draws random numbers for it, as they are now."""

    def __init__(self, function: Callable[..., Any], arguments: Any = ()) -> None:
        walk = Walk(function, arguments)
        self.places = walk.places
        self.refusals = walk.refusals
        self.values = [place.read() for place in self.places]
        self._draws = [(name, read, state_text(read)) for name, read in walk.draws]
        self._arrange()

    def _arrange(self) -> None:
        """Cells of closures, what is counted or compared, and for each table the names that are looked up there, each
        with what it held."""
        self.cells: list[tuple[Any, Any]] = []
        self.others: list[tuple[Place, Any]] = []
        tables: dict[int, tuple[Any, list[Any], list[Any]]] = {}
        for place, value in zip(self.places, self.values):
            if place.kind == "closure":
                self.cells.append((place.holder, value))
            elif place.kind in ("length", "content"):
                self.others.append((place, value))
            else:
                _, names, values = tables.setdefault(id(place.holder), (place.holder, [], []))
                names.append(place.name)
                values.append(value)
        self.tables = [(table, itemgetter(*names, names[0]), (*values, values[0])) for table, names, values in tables.values()]

    def hold(self) -> bool:
        """Whether every place still holds what it held. Hot."""
        for cell, value in self.cells:
            try:
                if cell.cell_contents is not value:
                    return self._equal()
            except ValueError:
                return value is absent
        return self.tables_hold()

    def tables_hold(self) -> bool:
        """The same for all but closures. Hot."""
        for table, read, values in self.tables:
            try:
                now = read(table)
            except (KeyError, IndexError):
                return False
            if not all(map(is_, now, values)):
                return self._equal()
        return not self.others or all([place.read() == value for place, value in self.others])

    def _equal(self) -> bool:
        now = [place.read() for place in self.places]
        if not all(map(same, self.values, now, self.places)):
            return False
        self.values = now
        self._arrange()
        return True

    def changed(self) -> list[str]:
        """The places that hold something else now, and what has drawn random numbers."""
        found = [str(place) for place, value in zip(self.places, self.values) if not same(value, place.read(), place)]
        return found + [f"the state of {name}" for name, read, before in self._draws if state_text(read) != before]


def same(before: Any, now: Any, place: Optional[Place] = None) -> bool:
    """Identical, or plain values of one class that are equal; a zero has its sign. Copies of content are compared."""
    if before is now:
        return True
    if place is not None and place.kind == "content":
        return bool(before == now)
    if before.__class__ is not now.__class__ or not isinstance(before, PLAIN) or before != now:
        return False
    return before.__class__ is not float or before != 0 or math.copysign(1, before) == math.copysign(1, now)
