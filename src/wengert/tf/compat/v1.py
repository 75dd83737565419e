"""`tf.compat.v1`: what programs of TensorFlow 2 call at their beginning. TensorFlow 1 itself, its graphs and sessions, is
not there."""

from __future__ import annotations

import logging as _logging
from typing import Any

from wengert.absent import reason_absent
from wengert.tf.compiled import executing_eagerly
from wengert.tf.ops.randomness import set_seed as set_random_seed


class logging:
    """``tf.compat.v1.logging``: how much TensorFlow's logger says."""

    DEBUG, INFO, WARN, ERROR, FATAL = _logging.DEBUG, _logging.INFO, _logging.WARNING, _logging.ERROR, _logging.FATAL

    @staticmethod
    def set_verbosity(v: Any) -> None:
        """Set the level of the logger "tensorflow"."""
        _logging.getLogger("tensorflow").setLevel(v)

    @staticmethod
    def get_verbosity() -> int:
        """Its level."""
        return _logging.getLogger("tensorflow").getEffectiveLevel()


def __getattr__(name: str) -> Any:
    if name == "SummaryMetadata":
        from wengert.utils.tensorboard.summary import SummaryMetadata  # optional: tensorboard has to be installed

        return SummaryMetadata
    raise AttributeError(f"module 'wengert.tf.compat.v1' has no attribute {name!r}.{reason_absent('v1', 'tensorflow')}")


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """Nothing: it is how programs run."""


enable_v2_behavior = enable_v2_tensorshape = enable_resource_variables = enable_eager_execution


def disable_eager_execution() -> None:
    """Raises: RuntimeError. Graphs of TensorFlow 1 are not there."""
    raise RuntimeError("graphs and sessions of TensorFlow 1 are not there; programs run eagerly, or as tf.function")


disable_v2_behavior = disable_eager_execution

__all__ = [
    "disable_eager_execution", "disable_v2_behavior", "enable_eager_execution", "enable_resource_variables",
    "enable_v2_behavior", "enable_v2_tensorshape", "executing_eagerly", "logging", "set_random_seed",
]  # fmt: skip
