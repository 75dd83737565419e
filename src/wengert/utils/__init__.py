"""Tools around training: data loading, and checkpointing of what backward needs."""

from wengert.utils import checkpoint, data

__all__ = ["data", "checkpoint"]
