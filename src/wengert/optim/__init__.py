"""Methods that minimise, all of PyTorch's and three newer ones (Lion, SOAP, ScheduleFreeAdamW); the schedules of their
learning rates; averages of their ways. `SparseAdam` is left out: there are no sparse gradients here."""

from wengert.optim import lr_scheduler, swa_utils
from wengert.optim.adadelta import Adadelta
from wengert.optim.adafactor import Adafactor
from wengert.optim.adagrad import Adagrad
from wengert.optim.adam import Adam
from wengert.optim.adamax import Adamax
from wengert.optim.adamw import AdamW
from wengert.optim.asgd import ASGD
from wengert.optim.lbfgs import LBFGS
from wengert.optim.lion import Lion
from wengert.optim.muon import Muon
from wengert.optim.nadam import NAdam
from wengert.optim.optimizer import Optimizer
from wengert.optim.radam import RAdam
from wengert.optim.rmsprop import RMSprop
from wengert.optim.rprop import Rprop
from wengert.optim.schedule_free import ScheduleFreeAdamW
from wengert.optim.sgd import SGD
from wengert.optim.soap import SOAP

__all__ = [
    "Optimizer", "SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Rprop", "Adagrad", "Adadelta",
    "Adafactor", "ASGD", "Muon", "LBFGS", "Lion", "SOAP", "ScheduleFreeAdamW", "lr_scheduler", "swa_utils",
]  # fmt: skip
