"""Schedules of learning rates. A rate is an input of the update's graph, so changing it never makes a new graph."""

from wengert.optim.lr_scheduler.base import LRScheduler
from wengert.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from wengert.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from wengert.optim.lr_scheduler.cycles import CyclicLR, OneCycleLR
from wengert.optim.lr_scheduler.factors import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from wengert.optim.lr_scheduler.plateau import ReduceLROnPlateau

_LRScheduler = LRScheduler  # the name of older programs

__all__ = [
    "LRScheduler", "LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR",
    "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "ReduceLROnPlateau",
    "SequentialLR", "ChainedScheduler",
]  # fmt: skip
