"""Where a tensor lives. There is one device so far: the CPU."""

from __future__ import annotations

from typing import Any, Optional, Union

from wengert.settings import settings

_KINDS = ("cpu", "cuda", "mps", "xpu", "meta", "hpu", "mkldnn", "vulkan")


class device:  # noqa: N801  PyTorch's name
    """A device by kind and index: ``device("cpu")``, ``device("cuda", 0)``, ``device("cuda:0")``.

    Raises: RuntimeError for an unknown kind.
    """

    __slots__ = ("type", "index")

    def __init__(self, type: Union[str, device, int], index: Optional[int] = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        elif isinstance(type, int):
            type, index = "cuda", type
        elif ":" in type:
            type, _, number = type.partition(":")
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}:{number}'")
            index = int(number)
        if type not in _KINDS:
            raise RuntimeError(f"Expected one of {', '.join(_KINDS)} device type at start of device string: {type}")
        self.type = type
        self.index = index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)


cpu = device("cpu")


def check_device(wanted: Any) -> device:
    """`wanted` as a device that exists here (None means the CPU).

    Raises: RuntimeError for a device that this machine or wengert does not have.
    """
    if wanted is None:
        return cpu
    found = device(wanted)
    if found.type != "cpu":
        raise RuntimeError(
            f"{settings.face} runs on the CPU here and has no device '{found}'. Ask cuda.is_available() before choosing "
            "one, as device = 'cuda' if cuda.is_available() else 'cpu'."
        )
    return cpu
