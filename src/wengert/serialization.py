"""PyTorch's names for what `wengert.saving` does."""

from wengert.saving.allowed import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from wengert.saving.checkpoint import get_unsafe_globals_in_checkpoint, load, save

__all__ = [
    "save", "load", "add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals",
    "get_unsafe_globals_in_checkpoint",
]  # fmt: skip
