"""Switches of cuDNN, which is not here. They can be set and read back; nothing depends on them."""

from wengert.backends.unavailable import is_available as is_available, is_built as is_built

enabled = benchmark = deterministic = allow_tf32 = False
benchmark_limit = 10


def version() -> None:
    """None: there is no cuDNN."""
