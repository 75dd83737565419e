"""Each primitive as operators of ONNX (opset 18 and above): name -> how to write one step. A composite that is not here is
written by its definition.

Source: the operators' page of the ONNX documentation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import onnx
from wengert.onnx.builder import Builder, Merged, Translation, onnx_type
from wengert.onnx.sizes import Extent, Number, UnsupportedOperatorError
from wengert.settings import settings


def _same(operator: str, **attributes: Any) -> Translation:
    """An operator that takes what the primitive takes."""
    return lambda b, step, args, types: b.add(operator, *args, **attributes)


def _composed(*operators: str) -> Translation:
    """Operators of one input, one after another."""

    def translate(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
        (y,) = args
        for operator in operators:
            y = b.add(operator, y)
        return str(y)

    return translate


def _number(b: Builder, value: float, type: Any) -> str:
    return b.constant(np.asarray(value, type.dtype.numpy))


def _reduction(operator: str) -> Translation:
    def translate(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
        return b.add(operator, args[0], b.integers(step.named["axes"]), keepdims=0, noop_with_empty_axes=1)

    return translate


def _truth(operator: str) -> Translation:
    """All or any of bools, which ONNX reduces as numbers only."""

    def translate(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
        numbers = b.add("Cast", args[0], to=onnx.TensorProto.INT32)
        found = b.add(operator, numbers, b.integers(step.named["axes"]), keepdims=0, noop_with_empty_axes=1)
        return b.add("Cast", found, to=onnx.TensorProto.BOOL)

    return translate


def _bits(bools: str, numbers: str) -> Translation:
    return lambda b, step, args, types: b.add(bools if types[0].dtype.name == "bool" else numbers, *args)


def _slice(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    starts: list[Number] = []
    ends: list[Number] = []
    steps: list[int] = []
    dropped: list[int] = []
    for axis, entry in enumerate(step.named["index"]):
        if isinstance(entry, (int, Extent)):
            starts, ends, steps, dropped = [*starts, entry], [*ends, entry + 1], [*steps, 1], [*dropped, axis]
        else:
            starts, ends, steps = [*starts, entry[0]], [*ends, entry[1]], [*steps, entry[2]]
    if not starts:
        return str(args[0])
    axes = b.integers(range(len(starts)))
    y = b.add("Slice", args[0], b.integers(starts), b.integers(ends), axes, b.integers(steps))
    return b.add("Squeeze", y, b.integers(dropped)) if dropped else y


def _flip(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    axes = step.named["axes"]
    count = len(axes)
    lowest = -(2**62)
    parts = [b.integers(values) for values in ([-1] * count, [lowest] * count, axes, [-1] * count)]
    return b.add("Slice", args[0], *parts)


def _pad(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    low, high = step.named["low"], step.named["high"]
    zero = args[1] if len(args) > 1 else _number(b, 0, types[0])
    return b.add("Pad", args[0], b.integers([*low, *high]), zero)


def _take(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Gather", args[0], args[1], axis=step.named["axis"])


def _clamp(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Min", b.add("Max", args[0], args[1]), args[2])


def _position(operator: str) -> Translation:
    def translate(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
        return b.add(operator, args[0], axis=step.named["axis"], keepdims=0)

    return translate


def _full(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Expand", args[0], b.integers(step.named["shape"]))


def _iota(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    n, dtype = step.named["n"], step.named["dtype"]
    if isinstance(n, Extent):
        counted = b.add("Range", b.whole(0), b.whole(n), b.whole(1))
        return counted if dtype.name == "int64" else b.add("Cast", counted, to=onnx_type(dtype))
    return b.constant(np.arange(n).astype(dtype.numpy))


def _cumsum(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    axis = b.constant(np.array(step.named["axis"], np.int64))
    return b.add("CumSum", args[0], axis, reverse=int(step.named["reverse"]))


def _rest(size: int, stride: int, window: int, dilation: int, n: int, before: int) -> int:
    """The padding behind, with which `size` windows fit."""
    return max(0, (size - 1) * stride + (window - 1) * dilation + 1 - n - before)


def _windows(named: dict[str, Any], window: Sequence[int], shape: Sequence[int]) -> dict[str, Any]:
    """The attributes that convolution and pooling share."""
    rows = zip(named["size"], named["stride"], window, named["dilation"], shape, named["padding"])
    after = [_rest(*row) for row in rows]
    return {
        "strides": list(named["stride"]), "dilations": list(named["dilation"]), "pads": [*named["padding"], *after],
        "kernel_shape": list(window),
    }  # fmt: skip


def _convolve(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    x, w = types
    attributes = _windows(step.named, w.shape[2:], x.shape[2:])
    return b.add("Conv", *args, group=step.named["groups"], **attributes)


def _window_sum(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    window = step.named["window"]
    attributes = _windows(step.named, window, types[0].shape[2:])
    mean = b.add("AveragePool", args[0], count_include_pad=1, **attributes)
    return b.add("Mul", mean, _number(b, math.prod(window), types[0]))


class _Largest:
    """Where the largest of each window stands: written only when it is used for the values there."""

    def __init__(self, of: Any, attributes: dict[str, Any]) -> None:
        self.of, self.attributes = of, attributes


def _window_argmax(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> Any:
    return _Largest(args[0], _windows(step.named, step.named["window"], types[0].shape[2:]))


def _window_select(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    places = args[1]
    if not isinstance(places, _Largest) or places.of != args[0]:
        raise UnsupportedOperatorError(f"{settings.face}.onnx.export: selecting from windows has no translation to ONNX")
    return b.add("MaxPool", args[0], **places.attributes)


def _gelu(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    (x,), type = args, types[0]
    erf = b.add("Erf", b.add("Mul", x, _number(b, math.sqrt(0.5), type)))
    return b.add("Mul", b.add("Mul", x, _number(b, 0.5, type)), b.add("Add", erf, _number(b, 1.0, type)))


def _reciprocal_root(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Reciprocal", b.add("Sqrt", args[0]))


def _minus_one(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Sub", b.add("Exp", args[0]), _number(b, 1.0, types[0]))


def _log_of_one_more(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Log", b.add("Add", args[0], _number(b, 1.0, types[0])))


def _leaky(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("PRelu", args[0], args[1])


def _elu(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    x, alpha = args[:2]
    zero = _number(b, 0.0, types[0])
    below = b.add("Mul", alpha, _minus_one(b, step, [b.add("Min", x, zero)], types))
    return b.add("Where", b.add("Greater", x, zero), x, below)


def _softplus(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    x, beta, threshold = args
    scaled = b.add("Mul", x, beta)
    curved = b.add("Div", b.add("Softplus", scaled), beta)
    return b.add("Where", b.add("Greater", scaled, threshold), x, curved)


def _is_finite(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Not", b.add("Or", b.add("IsInf", args[0]), b.add("IsNaN", args[0])))


def _square(b: Builder, step: Merged, args: list[Any], types: tuple[Any, ...]) -> str:
    return b.add("Mul", args[0], args[0])


def _along(operator: str) -> Translation:
    return lambda b, step, args, types: b.add(operator, args[0], axis=step.named["axis"])


TABLE: dict[str, Translation] = {
    "add": _same("Add"), "sub": _same("Sub"), "mul": _same("Mul"), "div": _same("Div"), "pow": _same("Pow"),
    "neg": _same("Neg"), "abs": _same("Abs"), "sign": _same("Sign"), "reciprocal": _same("Reciprocal"), "square": _square,
    "sqrt": _same("Sqrt"), "rsqrt": _reciprocal_root, "exp": _same("Exp"), "log": _same("Log"), "expm1": _minus_one,
    "log1p": _log_of_one_more, "erf": _same("Erf"), "sin": _same("Sin"), "cos": _same("Cos"), "tan": _same("Tan"),
    "asin": _same("Asin"), "acos": _same("Acos"), "atan": _same("Atan"), "sinh": _same("Sinh"), "cosh": _same("Cosh"),
    "tanh": _same("Tanh"), "asinh": _same("Asinh"), "acosh": _same("Acosh"), "atanh": _same("Atanh"),
    "sigmoid": _same("Sigmoid"), "relu": _same("Relu"), "gelu": _gelu, "leaky_relu": _leaky,
    "elu": _elu, "softplus": _softplus, "isfinite": _is_finite,
    "floor": _same("Floor"), "ceil": _same("Ceil"), "round": _same("Round"), "isnan": _same("IsNaN"), "isinf": _same("IsInf"),
    "maximum": _same("Max"), "minimum": _same("Min"), "clamp": _clamp, "clamp_min": _same("Max"), "clamp_max": _same("Min"),
    "where": _same("Where"), "eq": _same("Equal"), "lt": _same("Less"), "le": _same("LessOrEqual"),
    "gt": _same("Greater"), "ge": _same("GreaterOrEqual"), "ne": lambda b, s, a, t: b.add("Not", b.add("Equal", *a)),
    "bitwise_and": _bits("And", "BitwiseAnd"), "bitwise_or": _bits("Or", "BitwiseOr"),
    "bitwise_xor": _bits("Xor", "BitwiseXor"), "bitwise_not": _bits("Not", "BitwiseNot"),
    "convert": lambda b, s, a, t: b.add("Cast", a[0], to=onnx_type(s.named["dtype"])),
    "identity": _same("Identity"), "stop_gradient": _same("Identity"), "clone": _same("Identity"), "leaf": _same("Identity"),
    "reshape": lambda b, s, a, t: b.add("Reshape", a[0], b.integers(s.named["shape"]), allowzero=1),
    "permute": lambda b, s, a, t: b.add("Transpose", a[0], perm=list(s.named["order"])),
    "expand": lambda b, s, a, t: b.add("Expand", a[0], b.integers(s.named["shape"])),
    "concatenate": lambda b, s, a, t: b.add("Concat", *a, axis=s.named["axis"]),
    "slice": _slice, "flip": _flip, "pad": _pad, "take": _take, "full": _full, "iota": _iota, "cumsum": _cumsum,
    "gather": lambda b, s, a, t: b.add("GatherElements", a[0], a[1], axis=s.named["axis"]),
    "reduce_sum": _reduction("ReduceSum"), "reduce_max": _reduction("ReduceMax"), "reduce_min": _reduction("ReduceMin"),
    "reduce_mean": _reduction("ReduceMean"), "reduce_prod": _reduction("ReduceProd"),
    "reduce_and": _truth("ReduceMin"), "reduce_or": _truth("ReduceMax"),
    "argmax": _position("ArgMax"), "argmin": _position("ArgMin"), "dot": _same("MatMul"), "convolve": _convolve,
    "softmax": _along("Softmax"), "log_softmax": _along("LogSoftmax"), "window_sum": _window_sum,
    "window_argmax": _window_argmax, "window_select": _window_select,
    "pack": lambda b, s, a, t: tuple(a), "element": lambda b, s, a, t: a[0][s.named["index"]],
}  # fmt: skip
