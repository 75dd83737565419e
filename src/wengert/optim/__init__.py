"""Methods that minimise: SGD, Adam, AdamW, RMSprop, Adagrad; and the schedules of their learning rates."""

from wengert.optim import lr_scheduler
from wengert.optim.adagrad import Adagrad
from wengert.optim.adam import Adam
from wengert.optim.adamw import AdamW
from wengert.optim.optimizer import Optimizer
from wengert.optim.rmsprop import RMSprop
from wengert.optim.sgd import SGD

__all__ = ["Optimizer", "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "lr_scheduler"]
