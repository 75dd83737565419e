"""Loops that ask for values all the time: a policy that acts, returns and advantages, rows taken one by one, iterations
until convergence, data sets that give single samples. Here nothing can be delayed for long, so the cost of running a
few operations on few numbers is all that counts.

Claims nothing yet: PyTorch, which computes at once, is ahead in most of these rows (docs/performance.md). One thread each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from harness import interleave, report

import wengert
from wengert.runtime.tiers import wait_for_compilation

Loop = Callable[[], Any]


def acting(torch: ModuleType, draw: Any) -> dict[str, Loop]:
    """What reinforcement learning does between updates."""
    nn, distributions = (import_module(f"{torch.__name__}.{name}") for name in ("nn", "distributions"))
    policy = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4))
    seen, rewards = draw.random(8, dtype=np.float32), list(draw.random(64))
    r, v = (torch.tensor(draw.random(n, dtype=np.float32)) for n in (64, 65))

    def act() -> int:
        with torch.no_grad():
            return int(policy(torch.from_numpy(seen)).argmax().item())

    def sample() -> int:
        with torch.no_grad():
            logits = policy(torch.from_numpy(seen).unsqueeze(0))
            return int(distributions.Categorical(logits=logits).sample().item())

    def returns() -> float:
        total, found = 0.0, []
        for reward in reversed(rewards):
            total = reward + 0.99 * total
            found.insert(0, total)
        t = torch.tensor(found)
        return float(((t - t.mean()) / (t.std() + 1e-8)).sum())

    def advantages() -> float:
        last, found = 0.0, []
        for t in reversed(range(64)):
            last = r[t] + 0.99 * v[t + 1] - v[t] + 0.99 * 0.95 * last
            found.append(last)
        return float(torch.stack(found).sum())

    return {"act": act, "act, sampled": sample, "returns of 64 steps": returns, "advantages of 64 steps": advantages}


def iterating(torch: ModuleType, draw: Any) -> dict[str, Loop]:
    """Iterations whose end depends on values."""
    a = torch.tensor([[0.0, 1.0], [-1.0, -0.1]])

    def until() -> Any:
        z = torch.tensor(10.0)
        while z.item() > 1:
            z = z * 0.9
        return z

    def newton() -> float:
        z = torch.tensor(1.5, requires_grad=True)
        for _ in range(10):
            f = z**3 - 2
            (slope,) = torch.autograd.grad(f, z)
            z = (z - f / slope).detach().requires_grad_()
        return float(z.item())

    def runge_kutta() -> float:
        s, h = torch.tensor([1.0, 0.0]), 0.1
        for _ in range(20):
            k1 = a @ s
            k2 = a @ (s + h / 2 * k1)
            k3 = a @ (s + h / 2 * k2)
            s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + a @ (s + h * k3))
        return float(s.sum().item())

    return {"22 products until below 1": until, "Newton, 10 steps": newton, "Runge-Kutta, 20 steps": runge_kutta}


def loading(torch: ModuleType, draw: Any) -> dict[str, Loop]:
    """Single samples and pieces of arrays."""
    data = import_module(f"{torch.__name__}.utils.data")
    pixels, labels = draw.integers(0, 255, (640, 28, 28)).astype(np.uint8), draw.integers(0, 10, 640)
    x, y = torch.tensor(pixels).float() / 255, torch.tensor(labels)
    place = iter(range(10**9))

    class Rows(data.Dataset):  # type: ignore[name-defined,misc]
        def __len__(self) -> int:
            return len(labels)

        def __getitem__(self, i: int) -> Any:
            return x[i], y[i]

    class Transformed(Rows):
        def __getitem__(self, i: int) -> Any:
            image = torch.from_numpy(pixels[i]).float().div(255).unsqueeze(0)
            return (image - 0.5) / 0.5, int(labels[i])

    def load(dataset: Any) -> Loop:
        loader = data.DataLoader(dataset, batch_size=64, shuffle=True)
        return lambda: sum(len(labels) for _, labels in loader)

    def piece() -> float:
        i = next(place) * 7 % 570
        return float((x[i : i + 64] * 2).sum().item())

    return {"640 rows, one by one": load(Rows()), "640 images, transformed": load(Transformed()), "a batch cut out": piece}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="cpu")
    arguments = parser.parse_args()
    frameworks = {"wengert": wengert}
    wengert.set_num_threads(1)
    try:
        import torch

        torch.set_num_threads(1)
        frameworks["PyTorch"] = torch
    except ImportError:
        print("PyTorch is not installed; measuring wengert alone")
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    for kind in (acting, iterating, loading):
        made = {name: kind(module, np.random.default_rng(0)) for name, module in frameworks.items()}
        for title in made["wengert"]:
            for _ in range(12):
                made["wengert"][title]()
            wait_for_compilation(60)
            contenders = {name: found[title] for name, found in made.items()}
            report(title, interleave(contenders, clock=clock))


if __name__ == "__main__":
    main()
