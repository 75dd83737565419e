"""Where a tensor lives. There is one device so far: the CPU."""

from __future__ import annotations

from typing import Any, Optional, Union

from wengert.settings import settings

_KINDS = ("cpu", "cuda", "mps", "xpu", "meta", "hpu", "mkldnn", "vulkan")


class device:
    """A device by kind and index: ``device("cpu")``, ``device("cuda", 0)``, ``device("cuda:0")``.

    Raises: RuntimeError for an unknown kind.
    """

    __slots__ = ("type", "index")

    def __init__(self, type: Union[str, device, int], index: Optional[int] = None) -> None:
        kind, number = _parse(type)
        if kind not in _KINDS:
            raise RuntimeError(f"Expected one of {', '.join(_KINDS)} device type at start of device string: {kind}")
        self.type: str = kind
        self.index: Optional[int] = number if index is None else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> device:
        """``with device("cpu"):`` makes tensors there, as they are anyway.

        Raises: RuntimeError for a device that is not here.
        """
        check_device(self)
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)


def _parse(given: Union[str, device, int]) -> tuple[str, Optional[int]]:
    """Kind and index of what was given for a device; a number alone counts CUDA devices."""
    if isinstance(given, device):
        return given.type, given.index
    if isinstance(given, int):
        return "cuda", given
    kind, colon, number = given.partition(":")
    if colon and not number.isdigit():
        raise RuntimeError(f"Invalid device string: '{given}'")
    return kind, int(number) if colon else None


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
