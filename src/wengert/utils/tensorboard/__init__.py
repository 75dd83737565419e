"""`SummaryWriter`: losses, pictures and distributions for TensorBoard, through the `tensorboard` package, which has to be
installed (``pip install tensorboard``)."""

import sys
from types import ModuleType

# With a module of this name TensorBoard writes its files by itself, instead of loading TensorFlow for it.
sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))

from wengert.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
