"""What programs ask or set about the machine. Results here never depend on the order of threads, so determinism has
nothing to decide; precision of products and flushing of tiny numbers are fixed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from wengert import dtypes
from wengert.errors import value_error
from wengert.functions.operands import node_of
from wengert.settings import settings
from wengert.tensors.device import check_device, cpu, device
from wengert.tensors.tensor import Tensor

__all__ = [
    "use_deterministic_algorithms", "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode",
    "is_deterministic_algorithms_warn_only_enabled", "set_deterministic_debug_mode", "get_default_device",
    "set_default_device", "get_float32_matmul_precision", "set_float32_matmul_precision", "get_num_interop_threads",
    "set_num_interop_threads", "set_flush_denormal", "is_warn_always_enabled", "set_warn_always", "is_signed", "is_conj",
    "is_neg", "is_inference", "is_distributed", "is_storage", "set_default_tensor_type", "compiled_with_cxx11_abi",
]  # fmt: skip

_asked: dict[str, Any] = {"deterministic": False, "warn_only": False, "precision": "highest", "warn_always": False}
_MODES = ("default", "warn", "error")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remembered, and nothing more: the same program with the same seed always gives the same numbers."""
    _asked["deterministic"], _asked["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was last told."""
    return bool(_asked["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was last told to warn only."""
    return bool(_asked["warn_only"])


def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """`use_deterministic_algorithms` by a number or word: 0 "default", 1 "warn", 2 "error".

    Raises: ValueError for another.
    """
    number = _MODES.index(debug_mode) if debug_mode in _MODES else debug_mode
    if number not in (0, 1, 2):
        raise value_error("set_deterministic_debug_mode", f"one of {', '.join(_MODES)}", debug_mode)
    use_deterministic_algorithms(number > 0, warn_only=number == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: see `set_deterministic_debug_mode`."""
    return (1 if _asked["warn_only"] else 2) if _asked["deterministic"] else 0


def get_default_device() -> device:
    """The CPU."""
    return cpu


def set_default_device(device: Any) -> None:
    """Raises: RuntimeError for a device other than the CPU."""
    check_device(device)


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was last told."""
    return str(_asked["precision"])


def set_float32_matmul_precision(precision: str) -> None:
    """Remembered, and nothing more: float32 products are computed in float32.

    Another word than "highest", "high" and "medium" is ignored with a warning, as in PyTorch.
    """
    if precision not in ("highest", "high", "medium"):
        warnings.warn(f"{precision} is not one of 'highest', 'high', 'medium'; it is ignored", UserWarning, stacklevel=2)
        return
    _asked["precision"] = precision


def get_num_interop_threads() -> int:
    """1: programs run one after the other."""
    return 1


def set_num_interop_threads(n: int) -> None:
    """Nothing to set. Raises: RuntimeError unless n is positive."""
    if n < 1:
        raise RuntimeError(f"expected a positive number of threads, got {n}")


def set_flush_denormal(mode: bool) -> bool:
    """False: tiny numbers are always kept."""
    return False


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was last told."""
    return bool(_asked["warn_always"])


def set_warn_always(b: bool) -> None:
    """Remembered: warnings here are Python's, which `warnings.simplefilter` rules."""
    _asked["warn_always"] = bool(b)


def compiled_with_cxx11_abi() -> bool:
    """True, for programs that choose a download by it."""
    return True


# --- of tensors -----------------------------------------------------------------------------------------------------


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return node_of(input, "is_signed").dtype.is_signed


def is_conj(input: Tensor) -> bool:
    """False: a conjugate is computed, never only marked."""
    node_of(input, "is_conj")
    return False


def is_neg(input: Tensor) -> bool:
    """False: a negative is computed, never only marked."""
    node_of(input, "is_neg")
    return False


def is_inference(input: Tensor) -> bool:
    """False: every tensor can take part in a derivative later."""
    node_of(input, "is_inference")
    return False


def is_distributed(input: Tensor) -> bool:
    """False: every tensor is on one machine."""
    node_of(input, "is_distributed")
    return False


def is_storage(obj: Any) -> bool:
    """False: memory is no object of its own here."""
    return False


_TYPES = {
    "HalfTensor": dtypes.float16, "BFloat16Tensor": dtypes.bfloat16, "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
}  # fmt: skip


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` by the name of a tensor type, such as "torch.DoubleTensor". Deprecated, as in PyTorch.

    Raises: TypeError for another name.
    """
    name = t.__name__ if isinstance(t, type) else str(t).rpartition(".")[2]
    if name not in _TYPES:
        raise TypeError(f"set_default_tensor_type: {t} is no floating tensor type of {settings.face}")
    warnings.warn("set_default_tensor_type() is deprecated; use set_default_dtype()", UserWarning, stacklevel=2)
    dtypes.set_default_dtype(_TYPES[name])


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
