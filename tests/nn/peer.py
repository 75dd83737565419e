"""Functions and layers beside PyTorch's: results, derivatives of first and second order, buffers, names, on the same
numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert.functions.methods  # noqa: F401  binds the tensor's methods
from tests.functions.peer import array, check, parts, tensor
from wengert import nn
from wengert.autograd.backward import grad
from wengert.functions.operands import array_node
from wengert.nn import functional
from wengert.tensors.tensor import Tensor, wrap

torch = pytest.importorskip("torch")


def beside(call: Callable[..., Any], *values: Any, second: bool = True, scale: float = 1.0) -> None:
    """`call(F, *tensors)` with wengert's `nn.functional` and with PyTorch's, on equal tensors."""
    arrays = [np.asarray(value) for value in values]
    flags = [a.dtype.kind == "f" for a in arrays]
    mine = [tensor(a, flag) for a, flag in zip(arrays, flags)]
    theirs = [torch.from_numpy(a.copy()).requires_grad_(flag) for a, flag in zip(arrays, flags)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y, w = call(functional, *mine), call(torch.nn.functional, *theirs)
    compare(y, w, [x for x, f in zip(mine, flags) if f], [x for x, f in zip(theirs, flags) if f], second, scale)


def compare(y: Any, w: Any, mine: list[Any], theirs: list[Any], second: bool, scale: float = 1.0) -> None:
    """A result of each side, its derivatives by `mine` and `theirs`, and theirs."""
    check(y, w, "result", scale)
    assert y.requires_grad == w.requires_grad
    g, h = _derivatives(y, w, mine, theirs, second, 1)
    _compare_derivatives(g, h, "derivative", scale)
    for k, (a, b) in enumerate(zip(g, h)):
        if second and a is not None and b is not None and (a.requires_grad or b.requires_grad):
            gg, hh = _derivatives(a, b, mine, theirs, False, 2)
            _compare_derivatives(gg, hh, f"second derivative of {k}", 10 * scale)


def _compare_derivatives(found: Any, wanted: Any, what: str, scale: float) -> None:
    for k, (a, b) in enumerate(zip(found, wanted)):
        if a is None or b is None:  # None is zero
            rest = a if b is None else b
            assert rest is None or not array(rest).any(), f"{what} {k}: {a} but {b}"
        else:
            check(a, b, f"{what} {k}", scale)


def _derivatives(y: Any, w: Any, mine: Any, theirs: Any, create: bool, seed: int) -> tuple[Any, Any]:
    """By each of the inputs; None for what does not depend on them."""
    bar = np.random.default_rng(seed).uniform(0.5, 1.5, tuple(w.shape)).astype(array(w).dtype)
    g: Any = [None] * len(mine)
    h: Any = [None] * len(theirs)
    if y.requires_grad:
        g = grad(y, mine, tensor(bar), retain_graph=True, create_graph=create, allow_unused=True)
    if w.requires_grad:
        their_bar = torch.from_numpy(np.asarray(bar)).to(w.dtype)
        h = torch.autograd.grad(w, theirs, their_bar, retain_graph=True, create_graph=create, allow_unused=True)
    return g, h


def raises_as_peer(call: Callable[..., Any], *values: Any, kind: Any = None) -> str:
    """Both raise, and wengert's error is of PyTorch's type (or `kind`). Returns wengert's message."""
    with pytest.raises((RuntimeError, IndexError, TypeError, ValueError, AssertionError)) as theirs:
        call(torch.nn, *[torch.from_numpy(np.array(value)) for value in values])
    wanted = kind or (RuntimeError if isinstance(theirs.value, NotImplementedError) else type(theirs.value))
    with pytest.raises(wanted) as ours:
        for y in parts(call(nn, *[tensor(value) for value in values])):
            y._array()
    return str(ours.value)


def state_of(module: Any) -> dict[str, Any]:
    """A module's state as arrays, whichever side it is from."""
    return {name: np.array(array(value)) for name, value in module.state_dict().items()}


def layer_beside(make: Callable[[Any], Any], *values: Any, second: bool = True, training: bool = True) -> Any:
    """A layer made by `make(nn)` on both sides, with one state: forward twice (running statistics move), derivatives by
    inputs and parameters, state afterwards. Returns wengert's."""
    mine, theirs = make(nn), make(torch.nn)
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in mine.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    double(mine, theirs)
    random = np.random.default_rng(5)
    state = {
        name: random.uniform(0.5, 1.5, value.shape) if value.dtype.kind == "f" else value
        for name, value in state_of(mine).items()
    }
    mine.load_state_dict({name: wrap(array_node(value)) for name, value in state.items()})
    theirs.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
    mine.train(training)
    theirs.train(training)
    for _ in range(2):
        arrays = [np.asarray(value) for value in values]
        flags = [a.dtype.kind == "f" for a in arrays]
        xs = [tensor(a, flag) for a, flag in zip(arrays, flags)]
        ws = [torch.from_numpy(a.copy()).requires_grad_(flag) for a, flag in zip(arrays, flags)]
        inputs = [*[x for x, f in zip(xs, flags) if f], *mine.parameters()]
        their_inputs = [*[x for x, f in zip(ws, flags) if f], *theirs.parameters()]
        compare(mine(*xs), theirs(*ws), inputs, their_inputs, second)
    after, wanted = state_of(mine), state_of(theirs)
    for name, value in after.items():
        np.testing.assert_allclose(value, wanted[name], rtol=1e-10, atol=1e-12, err_msg=name)
    return mine


def double(*modules: Any) -> None:
    for module in modules:
        module.double()


def values_of(module: Any) -> list[Tensor]:
    return list(module.parameters())
