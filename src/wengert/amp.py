"""Mixed precision: products in 16 bits where that is enough (`autocast`), and losses scaled so that small gradients do not
become 0 (`GradScaler`).

P. Micikevicius et al., "Mixed precision training", ICLR 2018.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.functions.create import full
from wengert.functions.data import tensor
from wengert.tensors.casting import casting, here
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

__all__ = [
    "autocast", "custom_fwd", "custom_bwd", "GradScaler", "is_autocast_available", "is_autocast_enabled",
    "get_autocast_dtype", "set_autocast_dtype",
]  # fmt: skip

_DEVICES = ("cpu", "cuda", "mps", "xpu", "hpu", "meta")
_ABSENT = "User provided device_type of '{0}', but {1} is not available. Disabling"


def is_autocast_available(device_type: str) -> bool:
    """Whether `autocast` does something for a device."""
    return device_type == "cpu"


def is_autocast_enabled(device_type: str = "cpu") -> bool:
    """Whether the code runs inside `autocast` for a device."""
    return device_type == "cpu" and here.dtype is not None


class _Default(threading.local):
    dtype: DType = dtypes.bfloat16


_default = _Default()


def get_autocast_dtype(device_type: str = "cpu") -> DType:
    """The dtype of the present region, or that of regions that do not name one."""
    return here.dtype or _default.dtype


def set_autocast_dtype(device_type: str, dtype: DType) -> None:
    """The dtype of regions that do not name one."""
    _default.dtype = dtype


class autocast:
    """Inside, products of matrices, convolutions and attention compute in `dtype`; losses and what else needs precision
    in float32; everything else in the dtype that it is given. Which functions these are is PyTorch's list for the CPU.

    device_type: "cpu"; another one warns and does nothing. dtype: bfloat16 (default) or float16. cache_enabled: accepted;
    a weight's cast is part of the graph, where it is found again. A context manager, or a decorator.

    Raises: RuntimeError for an unknown device; a dtype of other than 16 bits warns and disables.
    """

    def __init__(
        self, device_type: str, dtype: Optional[DType] = None, enabled: bool = True, cache_enabled: Optional[bool] = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type not in _DEVICES:
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device, self.fast_dtype = device_type, dtype or get_autocast_dtype(device_type)
        if enabled and device_type != "cpu":
            warnings.warn(_ABSENT.format(device_type, device_type.upper()), stacklevel=2)
            enabled = False
        if enabled and self.fast_dtype not in (dtypes.bfloat16, dtypes.float16):
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\nCPU Autocast only supports "
                "dtype of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._before: list[Optional[DType]] = []

    def __enter__(self) -> autocast:
        self._before.append(here.dtype)
        if self.device == "cpu":
            here.dtype = self.fast_dtype if self._enabled else None
        casting.active += 1
        return self

    def __exit__(self, *exception: Any) -> None:
        casting.active -= 1
        here.dtype = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with autocast(self.device, self.fast_dtype, self._enabled):
                return function(*args, **kwargs)

        return wrapped


def custom_fwd(fwd: Any = None, *, device_type: str = "cpu", cast_inputs: Optional[DType] = None) -> Any:
    """For the forward of an `autograd.Function`: with `cast_inputs`, tensors come in that dtype and autocast is off inside;
    without, autocast stays as it is, and `custom_bwd` finds it again."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(*args: Any, **kwargs: Any) -> Any:
        args[0]._dtype = get_autocast_dtype(device_type)
        args[0]._fwd_used_autocast = is_autocast_enabled(device_type) and cast_inputs is None
        if cast_inputs is None or not is_autocast_enabled(device_type):
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*_cast_all(args, cast_inputs), **_cast_all(kwargs, cast_inputs))

    return forward


def custom_bwd(bwd: Any = None, *, device_type: str = "cpu") -> Any:
    """For the backward of an `autograd.Function` whose forward has `custom_fwd`: the same state of autocast."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, dtype=args[0]._dtype, enabled=args[0]._fwd_used_autocast):
            return bwd(*args, **kwargs)

    return backward


def _cast_all(value: Any, dtype: DType) -> Any:
    if isinstance(value, Tensor):
        known: Any = value
        return known.to(dtype) if value.dtype.is_floating_point and value.dtype is not dtypes.float64 else value
    if isinstance(value, dict):
        return {name: _cast_all(part, dtype) for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)([_cast_all(part, dtype) for part in value])
    return value


class GradScaler:
    """Multiplies the loss by a scale that grows while gradients are finite and shrinks when they are not; steps whose
    gradients are not finite are left out.

        scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()

    init_scale, growth_factor, backoff_factor: the scale at first, and by what it grows after `growth_interval` good steps
    and shrinks after a bad one. enabled: False makes every method do nothing but the plain thing.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        if enabled and device == "cuda":
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            enabled = False
        if enabled and not growth_factor > 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if enabled and not backoff_factor < 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._enabled = enabled
        self._scale_value, self._growth_tracker = float(init_scale), 0
        self._growth_factor, self._backoff_factor, self._growth_interval = growth_factor, backoff_factor, growth_interval
        self._found: dict[int, bool] = {}  # optimizers whose gradients are unscaled: whether some were not finite
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """A tensor, or tensors in lists and tuples, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return full((), self._scale_value, dtype=dtypes.float32) * outputs  # type: ignore[operator]
        if isinstance(outputs, (list, tuple)):
            return type(outputs)([self.scale(part) for part in outputs])
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    @no_grad()
    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, for clipping and the like. `step` does it else.

        Raises: RuntimeError when it was done already since the last `update`; ValueError for gradients of float16.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_() is being called after step().")
        if id(optimizer) in self._found:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        finite: Any = tensor(True)
        inverse = full((), 1.0 / self._scale_value, dtype=dtypes.float32)
        for group in optimizer.param_groups:
            for param in group["params"]:
                grad = param.grad
                if grad is not None:
                    if grad.dtype is dtypes.float16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    grad.mul_(inverse)
                    finite = finite & grad.isfinite().all()
        self._found[id(optimizer)] = not finite.item()

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale if that is still to do, and take the optimizer's step unless a gradient is not finite.

        Raises: RuntimeError for a closure, and for a second step since the last `update`.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return None if self._found[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Change the scale by what the gradients since the last call were, or to a given one.

        Raises: AssertionError when no gradient was looked at since.
        """
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale_value = float(new_scale)
        elif not self._found:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(self._found.values()):
            self._scale_value *= self._backoff_factor
            self._growth_tracker = 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                self._scale_value *= self._growth_factor
                self._growth_tracker = 0
        self._found.clear()
        self._stepped.clear()

    def get_scale(self) -> float:
        """The scale; 1 when it is not enabled."""
        return self._scale_value if self._enabled else 1.0

    def is_enabled(self) -> bool:
        return self._enabled

    def get_growth_factor(self) -> float:
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes; empty when not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale_value, "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": self._growth_tracker,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises: RuntimeError for the empty state of a scaler that was not enabled."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._scale_value, self._growth_tracker = state_dict["scale"], state_dict["_growth_tracker"]
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
