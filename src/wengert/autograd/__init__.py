"""Derivatives of what was recorded, for users: `backward`, `grad`, `Function`, modes, `gradcheck`, functional forms."""

from wengert.autograd import anomaly as anomaly_mode, forward_ad, function, functional, graph
from wengert.autograd.anomaly import detect_anomaly, set_detect_anomaly
from wengert.autograd.backward import backward, grad
from wengert.autograd.function import Function
from wengert.autograd.gradcheck import gradcheck, gradgradcheck
from wengert.autograd.variable import Variable
from wengert.tensors import modes as grad_mode
from wengert.tensors.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "Function", "Variable", "anomaly_mode", "backward", "detect_anomaly", "enable_grad", "forward_ad", "function",
    "functional", "grad", "gradcheck", "grad_mode", "gradgradcheck", "graph", "inference_mode", "no_grad", "set_detect_anomaly",
    "set_grad_enabled",
]  # fmt: skip
