"""Derivatives of what was recorded, for users: `backward`, `grad`, `Function`, modes, `gradcheck`, functional forms."""

from importlib import import_module as _import_module
from typing import Any as _Any

from wengert.autograd import anomaly as anomaly_mode, forward_ad, graph
from wengert.autograd.anomaly import detect_anomaly, set_detect_anomaly
from wengert.autograd.backward import backward, grad
from wengert.autograd.gradcheck import gradcheck, gradgradcheck
from wengert.autograd.variable import Variable
from wengert.tensors import modes as grad_mode
from wengert.tensors.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "Function", "Variable", "anomaly_mode", "backward", "detect_anomaly", "enable_grad", "forward_ad", "function",
    "functional", "grad", "grad_mode", "gradcheck", "gradgradcheck", "graph", "inference_mode", "no_grad",
    "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip


def __getattr__(name: str) -> _Any:
    """What only some programs name is loaded when they do."""
    if name == "Function":
        return _import_module("wengert.autograd.function").Function
    if name in ("function", "functional"):
        return _import_module(f"wengert.autograd.{name}")
    raise AttributeError(f"module 'wengert.autograd' has no attribute {name!r}")
