"""What every Keras layer is besides, on this backend: something whose changes are noticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import wengert


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

    # What layers of PyTorch's backend have as modules, for training steps written in that style.

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, wengert.Tensor]]:
        """The path and the tensor of every variable, also of those that are not trained."""
        for variable in self.variables:  # type: ignore[attr-defined]
            yield prefix + variable.path, variable.value

    def parameters(self, recurse: bool = True) -> Iterator[wengert.Tensor]:
        """The tensor of every variable."""
        for _, value in self.named_parameters():
            yield value

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients that `backward` has left (or, without `set_to_none`, make them 0)."""
        for value in self.parameters():
            if set_to_none or value.grad is None:
                value.grad = None
            else:
                value.grad = wengert.zeros_like(value.grad)
