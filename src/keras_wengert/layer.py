"""What every Keras layer is besides, on this backend: something whose changes are noticed."""

from __future__ import annotations

from typing import Any


class Changes:
    """`count` goes up with every attribute of a layer that is set, and with every variable that begins or ceases to be
    trainable. A replayed step (`replay.py`) looks at layers again only when it has moved."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


changes = Changes()


class WengertLayer:
    """Keras's own layer does everything; variables hold their tensors themselves."""

    def __setattr__(self, name: str, value: Any) -> None:
        changes.count += 1
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        changes.count += 1
        super().__delattr__(name)
