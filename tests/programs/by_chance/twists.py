"""What a step does to the outputs of its network (n rows of two numbers) before the loss. Everything is fixed by the
program's options, so that the step itself draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def masked(training: Any, y: Any) -> Any:
    y = y * 1
    y[y > 1] = 0.5
    return y.masked_fill(y < -1, -0.5)


def written_view(training: Any, y: Any) -> Any:
    y = y.clone()
    y[:, 0].mul_(2)
    y.t()[1] += y[:, 0].detach()
    y[::2].neg_()
    return y


def written_before(training: Any, y: Any) -> Any:
    base = training.torch.zeros(y.shape[0], 3, dtype=y.dtype)
    base[:, :2] = y
    part = base[:, 1:]
    base.add_(1)
    return part.flip(1) * base[:, :1].exp().clamp(max=3)


def scattered(training: Any, y: Any) -> Any:
    places = training.torch.arange(y.shape[0]) // 2
    sums = training.torch.zeros_like(y).index_add(0, places, y)
    return sums.index_select(0, places).scatter_add(1, (places % 2)[:, None], y[:, :1])


def put(training: Any, y: Any) -> Any:
    torch = training.torch
    places = torch.arange(y.shape[0])
    grid = torch.zeros_like(y).index_put((places, places % 2), y[:, 1], accumulate=True)
    return grid + y.gather(1, (1 - places % 2)[:, None])


def sorted_rows(training: Any, y: Any) -> Any:
    values, order = training.torch.sort(y, dim=0, stable=True)  # of rows that are equal any may come first
    return values.cumsum(0) + y.gather(0, order).flip(0) * 0.5 + y.amax(1, keepdim=True)


def stacked(training: Any, y: Any) -> Any:
    torch = training.torch
    a, b = torch.cat([y, y.flip(0)], 1).chunk(2, 1)
    return torch.stack([a, b.expand_as(a)]).mean(0) + y.roll(1, 0) * 0.1


def narrowed(training: Any, y: Any) -> Any:
    return y.float().double().to(y.dtype) + (y.detach() * 8).round().to(training.torch.int32).to(y.dtype) * 0


def island(training: Any, y: Any) -> Any:
    torch = training.torch
    with torch.no_grad():
        scale = y.abs().amax() + 1
    with torch.enable_grad():
        z = y / scale
    return z - y.detach().mean(0)


def extremes(training: Any, y: Any) -> Any:
    torch = training.torch
    big = torch.where(y > 0.5, torch.full_like(y, torch.inf), y)
    return torch.nan_to_num(big, posinf=1.0) + torch.fmax(y, torch.tensor(torch.nan, dtype=y.dtype)) * 0.5


def signs(training: Any, y: Any) -> Any:
    zero = (y - y) * -1.0
    return y + training.torch.copysign(training.torch.ones_like(y), zero) * 0.1 + zero.relu() + zero.clamp(min=0.0)


def checkpointed(training: Any, y: Any) -> Any:
    block = training.last_block
    return training.torch.utils.checkpoint.checkpoint(block, y, use_reentrant=False) + y


def transformed(training: Any, y: Any) -> Any:
    torch = training.torch
    _, tangent = torch.func.jvp(lambda z: (z * z).tanh(), (y,), (torch.ones_like(y),))
    return y + torch.func.vmap(lambda row, t: row.dot(t) * row)(y, tangent) * 0.1


def counted(training: Any, y: Any) -> Any:
    """Python that goes by a value."""
    if y.shape[0] and float(y.detach().sum()) > 0:
        return y * 0.5
    return y + 1


def read(training: Any, y: Any) -> Any:
    training.log.append(y.detach().sum().item())
    return y


def branching(training: Any, y: Any) -> Any:
    for row in range(min(y.shape[0], 2)):
        y = y * (2.0 if bool((y[row] > 0).any()) else 0.5)
    return y


def hooked(training: Any, y: Any) -> Any:
    if y.requires_grad:
        y.register_hook(lambda g: g.clamp(-0.2, 0.2))
    return y


def kept(training: Any, y: Any) -> Any:
    """What later steps find."""
    if training.before is not None and training.before.shape == y.shape:
        y = y + 0.1 * training.before
    training.before = y.detach()
    return y


def einsum(training: Any, y: Any) -> Any:
    torch = training.torch
    return torch.einsum("ni,mi,mj->nj", y.tanh(), y.detach().tanh(), y) / max(y.shape[0], 1)


def own_rule(training: Any, y: Any) -> Any:
    return training.straight.apply(y)


TWISTS: list[Callable[[Any, Any], Any]] = [
    masked, written_view, written_before, scattered, put, sorted_rows, stacked, narrowed, island, extremes, signs,
    checkpointed, transformed, counted, read, branching, hooked, kept, einsum, own_rule,
]  # fmt: skip
