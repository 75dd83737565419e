"""How attention is computed: names of PyTorch's that programs set. There is one way here, which `sdpa_kernel` accepts
whatever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Union


class SDPBackend(Enum):
    """The ways that PyTorch knows."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: Union[SDPBackend, list[SDPBackend]], set_priority: bool = False) -> Iterator[None]:
    """A context in which PyTorch would choose among `backends`; here nothing changes.

    Raises: AssertionError for anything that is no SDPBackend.
    """
    given = backends if isinstance(backends, (list, tuple)) else [backends]
    if not all([isinstance(one, SDPBackend) for one in given]):
        raise AssertionError("sdpa_kernel: backends must be an SDPBackend or a list of them")
    yield


__all__ = ["SDPBackend", "sdpa_kernel"]
