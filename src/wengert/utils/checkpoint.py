"""Checkpointing, by PyTorch's name for where it stands; `autograd/checkpoint.py` says how it works."""

from wengert.autograd.checkpoint import checkpoint, checkpoint_sequential, noop_context_fn

__all__ = ["checkpoint", "checkpoint_sequential", "noop_context_fn"]
