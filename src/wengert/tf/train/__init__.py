"""`tf.train`: checkpoints and averages of variables."""

from __future__ import annotations

from typing import Any

from wengert.tf.train.averages import ExponentialMovingAverage
from wengert.tf.train.checkpoint import Checkpoint, CheckpointOptions, File
from wengert.tf.train.manager import CheckpointManager
from wengert.tf.train.state import CheckpointState, get_checkpoint_state, latest_checkpoint


def load_checkpoint(ckpt_dir_or_file: Any) -> File:
    """A reader of the values in a checkpoint, or in the latest one of a folder.

    Raises: NotFoundError when there is none.
    """
    return File(latest_checkpoint(ckpt_dir_or_file) or ckpt_dir_or_file)


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """The names and shapes of the values in a checkpoint."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    """A value of a checkpoint, as an array."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name)


__all__ = [
    "Checkpoint", "CheckpointManager", "CheckpointOptions", "CheckpointState", "ExponentialMovingAverage",
    "get_checkpoint_state", "latest_checkpoint", "list_variables", "load_checkpoint", "load_variable",
]  # fmt: skip
