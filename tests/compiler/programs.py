"""Training programs for the tests of `compile`: each is built anew from a seed, and run compiled or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as torch
from wengert import nn
from wengert.nn import functional as F


class Built(NamedTuple):
    """A program: one step, the tensors that it changes, and a hook between steps."""

    step: Callable[..., Any]
    state: Callable[[], list[Any]]
    batches: list[tuple[Any, ...]]
    between: Callable[[int], None] = lambda number: None


def arrays(values: Any) -> list[np.ndarray]:
    return [np.array(v.detach().numpy()) if isinstance(v, torch.Tensor) else np.array(v) for v in values]


def classifier(*layers: Any) -> nn.Sequential:
    return nn.Sequential(nn.Linear(7, 6), *layers, nn.ReLU(), nn.Linear(6, 3))


def batches(count: int = 6, n: int = 4) -> list[tuple[Any, Any]]:
    return [(torch.randn(n, 7), torch.randint(3, (n,))) for _ in range(count)]


def states_of(optimizer: Any) -> list[Any]:
    return [value for known in optimizer.state.values() for value in known.values()]


def training(make_optimizer: Callable[[Any], Any], *layers: Any, between: Any = None, clip: bool = False) -> Built:
    """A step of a classifier with everything in it."""
    model = classifier(*layers)
    optimizer = make_optimizer(model.parameters())

    def step(x: Any, t: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), t)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        return loss

    after = (lambda number: None) if between is None else (lambda number: between(number, model, optimizer))
    return Built(step, lambda: [*model.state_dict().values(), *states_of(optimizer)], batches(), after)


def run(build: Callable[[], Built], compiled: bool, **options: Any) -> tuple[list[Any], list[Any], Any]:
    """The results of every step, the state at the end, and the step."""
    torch.manual_seed(0)
    built = build()
    step = torch.compile(built.step, **options) if compiled else built.step
    results = []
    for number, batch in enumerate(built.batches):
        result = step(*batch)
        results.append([] if result is None else arrays(result if isinstance(result, tuple) else (result,)))
        built.between(number)
    return results, arrays(built.state()), step


def check(build: Callable[[], Built], traces: int | None = None, **options: Any) -> Any:
    """Compiled and ordinary runs agree. Returns the compiled step."""
    wanted, wanted_state, _ = run(build, False)
    got, got_state, step = run(build, True, **{"fullgraph": True, **options})
    for number, (a, b) in enumerate(zip(wanted, got)):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-6, err_msg=f"step {number}")
            assert x.dtype == y.dtype
    for x, y in zip(wanted_state, got_state, strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-4, atol=1e-5)
        assert x.dtype == y.dtype
    if traces is not None:
        assert step.traces == traces
    return step
