"""`SummaryWriter`: losses, pictures and distributions for TensorBoard, through the `tensorboard` package, which has to be
installed (``pip install tensorboard``)."""

from wengert.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
