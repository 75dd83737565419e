"""The names of `torch.cuda` that programs ask before they choose a device. There is no such device here yet."""

from __future__ import annotations

from typing import Any

from wengert.cpu import synchronize as synchronize
from wengert.cuda import amp


def is_available() -> bool:
    """Whether there is a CUDA device: no."""
    return False


def device_count() -> int:
    """The number of CUDA devices: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed."""


def empty_cache() -> None:
    """Nothing to let go."""


def is_initialized() -> bool:
    """Whether the device is in use: no."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the device computes in bfloat16: there is none."""
    return False


def memory_allocated(device: Any = None) -> int:
    """Bytes on the device: 0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing to forget."""


def ipc_collect() -> None:
    """Nothing to collect."""


def _absent(*args: Any, **kwargs: Any) -> Any:
    """Raises: AssertionError, as PyTorch without CUDA does."""
    raise AssertionError("there is no CUDA device here; ask cuda.is_available() before choosing one")


current_device = set_device = get_device_name = get_device_properties = get_device_capability = _absent
Event = Stream = stream = current_stream = get_rng_state = set_rng_state = mem_get_info = _absent
