"""`tf.test`: what a program may ask about the machine."""

from __future__ import annotations

from typing import Any


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """No: this face computes on the CPU."""
    return False


def gpu_device_name() -> str:
    """The name of a GPU; an empty text, since there is none."""
    return ""


def is_built_with_cuda() -> bool:
    """No."""
    return False


is_built_with_rocm = is_built_with_gpu_support = is_built_with_cuda


def is_built_with_xla() -> bool:
    """Whether programs are compiled: yes, by wengert's own compiler."""
    return True


__all__ = [
    "gpu_device_name", "is_built_with_cuda", "is_built_with_gpu_support", "is_built_with_rocm", "is_built_with_xla",
    "is_gpu_available",
]  # fmt: skip
