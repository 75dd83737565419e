"""Files: checkpoints that PyTorch reads and writes too (`save`, `load`), and safetensors (`save_file`, `load_file`).
Loading never runs code from a file, and writing leaves the old file or the new one."""

from wengert.saving.allowed import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from wengert.saving.checkpoint import get_unsafe_globals_in_checkpoint, load, save
from wengert.saving.safe import load_file, load_metadata, save_file

__all__ = [
    "save", "load", "save_file", "load_file", "load_metadata", "add_safe_globals", "clear_safe_globals",
    "get_safe_globals", "safe_globals", "get_unsafe_globals_in_checkpoint",
]  # fmt: skip
