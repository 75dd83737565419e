"""tf.autodiff."""

from __future__ import annotations

from wengert.tf.forward import ForwardAccumulator
from wengert.tf.tape import GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]
