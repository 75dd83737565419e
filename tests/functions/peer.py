"""A public function beside PyTorch's: results, dtypes, first and second derivatives, on the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as ours
from wengert import Tensor, dtypes
from wengert.autograd.backward import grad
from wengert.functions.operands import array_node
from wengert.tensors.tensor import wrap

NAN, INF = float("nan"), float("inf")
RTOL = {"float64": 1e-10, "float32": 2e-5, "complex128": 1e-10, "complex64": 5e-5, "float16": 4e-3, "bfloat16": 3e-2}


def tensor(value: Any, requires_grad: bool = False, dtype: Any = None) -> Tensor:
    """An array, or anything NumPy understands, as a tensor."""
    made = wrap(array_node(np.asarray(value, dtype)))
    return made.requires_grad_() if requires_grad else made


def array(value: Any) -> Any:
    """A tensor of either side as an array; NumPy has no bfloat16, so that comes in float32."""
    if isinstance(value, Tensor):
        found = value._array()
        return found.astype(np.float32) if value.dtype is dtypes.bfloat16 else found
    found = value.detach().resolve_conj().resolve_neg()
    return (found.float() if str(found.dtype).endswith("bfloat16") else found).numpy(force=True)


def parts(result: Any) -> tuple[Any, ...]:
    """The results, also when there is one."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def check(found: Any, wanted: Any, what: str, scale: float = 1.0, size: float = 1e-30) -> None:
    """One tensor of ours beside one of PyTorch's: dtype, shape and values. `size`: how large are the terms that the
    values are sums of, against which their rounding is measured."""
    assert isinstance(found, Tensor), f"{what} is {type(found).__name__}"
    assert str(wanted.dtype) == f"torch.{found.dtype.name}", f"{what}: {found.dtype} but {wanted.dtype}"
    assert tuple(found.shape) == tuple(wanted.shape), f"{what}: {tuple(found.shape)} but {tuple(wanted.shape)}"
    x, w = array(found), array(wanted)
    rtol = RTOL.get(found.dtype.name, 0.0) * scale
    finite = np.abs(w[np.isfinite(w)]) if w.dtype.kind in "fc" else np.zeros(0)
    np.testing.assert_allclose(x, w, rtol=rtol, atol=rtol * finite.max(initial=size), err_msg=what)


def beside(
    function: Callable[..., Any],
    *values: Any,
    derivative: bool = True,
    second: bool = True,
    values_only: bool = False,
    scale: float = 1.0,
) -> None:
    """`function(module, *tensors)` with wengert's functions and with PyTorch's, on equal tensors.

    values_only: leave the second of two results (an index among equals) alone.
    """
    torch = pytest.importorskip("torch")
    arrays = [np.asarray(value) for value in values]
    inexact = [a.dtype.kind in "fc" and derivative for a in arrays]
    mine = [tensor(a, flag) for a, flag in zip(arrays, inexact)]
    theirs = [torch.from_numpy(np.array(a)).requires_grad_(flag) for a, flag in zip(arrays, inexact)]
    found, wanted = parts(function(ours, *mine)), parts(function(torch, *theirs))
    assert len(found) == len(wanted)
    for k, (y, w) in enumerate(zip(found, wanted)):
        if not (values_only and k):
            check(y, w, f"result {k}", scale)
    inputs = [x for x, flag in zip(mine, inexact) if flag]
    their_inputs = [x for x, flag in zip(theirs, inexact) if flag]
    pairs = [(y, w) for y, w in zip(found, wanted) if w.requires_grad]
    if not (derivative and pairs):
        return
    bars = [_cotangent(w) for _, w in pairs]
    g = grad([y for y, _ in pairs], inputs, [tensor(b) for b in bars], create_graph=second, allow_unused=True)
    their_bars = [torch.from_numpy(b) for b in bars]
    outputs = [w for _, w in pairs]
    h = torch.autograd.grad(outputs, their_inputs, their_bars, create_graph=second, allow_unused=True)
    _beside_derivatives(g, h, "derivative", scale)
    moving = [(a, b) for a, b in zip(g, h) if second and b is not None and b.requires_grad]
    if not moving:
        return
    bars = [_cotangent(b, 7) for _, b in moving]
    gg = grad([a for a, _ in moving], inputs, [tensor(b) for b in bars], allow_unused=True)
    outputs = [b for _, b in moving]
    hh = torch.autograd.grad(outputs, their_inputs, [torch.from_numpy(b) for b in bars], allow_unused=True)
    _beside_derivatives(gg, hh, "second derivative", scale * 10)


def _beside_derivatives(found: Any, wanted: Any, what: str, scale: float) -> None:
    for k, (a, b) in enumerate(zip(found, wanted)):
        if a is None or b is None:  # PyTorch says None or zeros as its formulas happen to
            rest = a if b is None else b
            assert rest is None or not array(rest).any(), f"{what} {k}: {a} but {b}"
        else:
            check(a, b, f"{what} {k}", scale, size=1.0)


def _cotangent(w: Any, seed: int = 3) -> Any:
    """Numbers of a result's shape and dtype, all different."""
    random = np.random.default_rng(seed)
    dtype = array(w).dtype
    bar = random.uniform(0.5, 1.5, tuple(w.shape))
    return np.asarray(bar + 1j * random.uniform(-1, 1, bar.shape) if dtype.kind == "c" else bar, dtype)


def raises_as_peer(function: Callable[..., Any], *values: Any) -> None:
    """Both raise, and wengert's error is of PyTorch's type (NotImplementedError counts as the RuntimeError it is)."""
    torch = pytest.importorskip("torch")
    with pytest.raises((RuntimeError, IndexError, TypeError, ValueError)) as theirs:
        function(torch, *[torch.from_numpy(np.array(value)) for value in values])
    wanted = RuntimeError if isinstance(theirs.value, RuntimeError) else type(theirs.value)
    with pytest.raises(wanted):
        results = function(ours, *[tensor(value) for value in values])
        for y in parts(results):
            y._array()


def normal(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Any:
    """Normal numbers, the same at every call."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def complex_normal(*shape: int, seed: int = 0) -> Any:
    """Complex normal numbers."""
    return normal(*shape, seed=seed) + 1j * normal(*shape, seed=seed + 100)
