"""What the functions of a program have in common: texts, declarations, and tables of places."""

from __future__ import annotations


class Shared:
    """Each text once, and the places of the buffers that it works on.

    Functions find their buffers through a table of places, so nests that differ in nothing but where their data lie have
    one code.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.declarations: dict[str, str] = {}
        self.names: dict[object, str] = {}
        self.tables: dict[tuple[int, ...], str] = {}
        self.tiles: dict[str, str] = {}  # of direct contractions

    def places(self, buffers: tuple[int, ...]) -> str:
        """The name of the table of these buffers."""
        return self.tables.setdefault(buffers, f"@places{len(self.tables)}")

    def text(self) -> str:
        """Everything, after the functions that use it."""
        tables = [
            f"{name} = internal constant [{len(buffers)} x i64] [{', '.join(f'i64 {b}' for b in buffers)}], align 8"
            for buffers, name in self.tables.items()
        ]
        return "\n".join([*tables, *self.texts, *self.declarations.values()])
