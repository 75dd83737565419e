"""One primitive beside PyTorch: values and gradients on the same numbers, special ones included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.rules.harness import Program, node_of
from wengert.derive.reverse import pull_back
from wengert.graph.node import Node
from wengert.graph.record import record, separate_tape
from wengert.graph.rule import zeros_of

NAN, INF = float("nan"), float("inf")

# Both tails, both zeros, what is tiny, what is not a number.
LINE = np.array(
    [-INF, -1e3, -90.0, -20.0, -3.7, -1.0, -0.5, -1e-9, -0.0, 0.0, 1e-9, 0.5, 1.0, 2.5, 20.0, 90.0, 1e3, INF, NAN]
)
PLANE = np.array([0.3 + 0.4j, -0.7 + 0.2j, 1.5 - 0.6j, -2.2 - 1.1j, 0.05 + 2.0j, 3.0 - 0.01j])

RTOL = {"float64": 1e-12, "float32": 5e-6, "complex128": 1e-12, "complex64": 1e-5}


def evaluate(build: Callable[..., Node], *values: Any) -> Any:
    """The value of a function of nodes at arrays."""
    with separate_tape():
        nodes = [node_of(x) for x in values]
        return Program(nodes, [build(*nodes)])([np.asarray(x) for x in values])[0]


def gradients(build: Callable[..., Node], values: Sequence[Any], y_bar: Any = 1.0) -> tuple[Any, list[Any]]:
    """The value, and the cotangents of all inputs for a constant cotangent of the value."""
    values = [np.asarray(x) for x in values]
    with separate_tape():
        nodes = [node_of(x, tracked=x.dtype.kind in "fc") for x in values]
        y = build(*nodes)
        moving = [x for x in nodes if x.tracked]
        bars = pull_back([y], [node_of(np.full(y.shape, y_bar, y.dtype.numpy))], moving)
        return _run(nodes, values, y, [bars[x] if x in bars else zeros_of(x.type) for x in moving])


def _run(nodes: list[Node], values: list[Any], y: Node, bars: list[Node]) -> tuple[Any, list[Any]]:
    first, *rest = Program(nodes, [y, *bars])(values)
    return first, rest


def peer_gradients(function: Callable[..., Any], values: Sequence[Any], y_bar: Any = 1.0) -> tuple[Any, list[Any]]:
    """The same by PyTorch."""
    torch = pytest.importorskip("torch")
    tensors = [torch.from_numpy(np.array(x)) for x in values]
    moving = [t.requires_grad_() for t in tensors if t.is_floating_point() or t.is_complex()]
    y = function(*tensors)
    bars = torch.autograd.grad(y, moving, torch.full_like(y, y_bar))
    return y.detach().resolve_conj().numpy(), [bar.resolve_conj().numpy() for bar in bars]


def beside(
    build: Any, function: Callable[..., Any], *values: Any, y_bar: Any = 1.0, gradient: bool = True, atol: float = 0.0
) -> None:
    """Equal values, and gradients where asked, NaN and infinities in the same places; subnormal numbers may be 0.

    `build` is a primitive or a function of nodes; `function` takes PyTorch tensors.
    """
    inexact = [np.asarray(x).dtype for x in values if np.asarray(x).dtype.kind in "fc"]
    rtol = max([RTOL[dtype.name] for dtype in inexact], default=0.0)
    atol = max([atol, *[float(np.finfo(dtype).tiny) for dtype in inexact]])
    if not gradient:
        torch = pytest.importorskip("torch")
        want = function(*[torch.from_numpy(np.array(x)) for x in values]).resolve_conj().numpy()
        np.testing.assert_allclose(evaluate(build, *values), want, rtol=rtol, atol=atol)
        return
    y, bars = gradients(build, values, y_bar)
    want, want_bars = peer_gradients(function, values, y_bar)
    np.testing.assert_allclose(y, want, rtol=rtol, atol=atol, err_msg="value")
    for position, (bar, want_bar) in enumerate(zip(bars, want_bars)):
        scale = np.max(np.abs(want_bar), initial=0, where=np.isfinite(want_bar))
        np.testing.assert_allclose(bar, want_bar, rtol=rtol, atol=rtol * 1e-3 * scale, err_msg=f"gradient {position}")


def grid(*lines: Any) -> list[Any]:
    """All combinations, as one flat array an input."""
    return [np.ascontiguousarray(part.ravel()) for part in np.meshgrid(*lines, indexing="ij")]


def bind(primitive: Any, **params: Any) -> Callable[..., Node]:
    """A primitive with its static parameters, as a function of nodes."""
    return lambda *nodes: record(primitive, nodes, tuple(params[name] for name in primitive.params))
