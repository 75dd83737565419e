"""What ``torch.__version__`` is under ``wengert run``: the release of PyTorch whose names and behaviour are offered, and
after a plus sign wengert's own version. Programs choose by it between PyTorch's older and newer names.
"""

from __future__ import annotations

import re
from typing import Any

from wengert.version import __version__ as own

__all__ = ["TorchVersion"]


class TorchVersion(str):
    """A version that compares by its numbers, with texts and with tuples of numbers; what stands after a plus sign does
    not count.

    >>> TorchVersion("2.13.0+wengert") > "2.4", TorchVersion("2.13.0") >= (2, 13), TorchVersion("2.13.0") == "2.13"
    (True, True, True)
    """

    __slots__ = ()

    def _order(self, other: Any) -> int:
        """-1, 0 or 1.

        Raises: TypeError for what is no version.
        """
        if not isinstance(other, (str, tuple, list)):
            raise TypeError(f"a version is compared with a text or a tuple of numbers, not {type(other).__name__}")
        a, b = _numbers(self), _numbers(other)
        size = max(len(a), len(b))
        a, b = a + (0,) * (size - len(a)), b + (0,) * (size - len(b))
        return (a > b) - (a < b)

    def __lt__(self, other: Any) -> bool:
        return self._order(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._order(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._order(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._order(other) >= 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, tuple, list)) and self._order(other) == 0

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def _numbers(version: Any) -> tuple[int, ...]:
    """The numbers of a version up to the first part that is none: (2, 13, 0) of "2.13.0+cpu"."""
    if not isinstance(version, str):
        return tuple([int(part) for part in version])
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple([int(part) for part in found.group(1).split(".")]) if found else ()


torch = TorchVersion(f"2.13.0+wengert{own}")
vision = TorchVersion(f"0.28.0+wengert{own}")
