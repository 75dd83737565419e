"""Small steps in the unmodified eager loop, where what counts is what Python does around the arithmetic.

Claims, as it comes (compiled behind): at least 1.8 times PyTorch eager on the article's network at batch 1 and on a
policy network (8-64-64-4, tanh, batch 32, Adam), and 2.2 times at batch 64. Both run with the same number of threads.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from harness import interleave, report, take_turns

import wengert
from wengert.runtime.tiers import wait_for_compilation

Step = Callable[[], Any]


def steps(torch: ModuleType, draw: Any) -> dict[str, Step]:
    """The workloads, written once for both frameworks."""
    nn, optim = import_module(torch.__name__ + ".nn"), import_module(torch.__name__ + ".optim")

    def training(model: Any, criterion: Any, optimizer: Any, x: Any, t: Any) -> Step:
        def step() -> Any:
            optimizer.zero_grad()
            loss = criterion(model(x), t)
            loss.backward()
            optimizer.step()
            return loss

        return step

    def article(batch: int) -> Step:
        model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
        x = torch.tensor(draw.random((batch, 784), dtype=np.float32))
        t = torch.tensor(draw.integers(0, 10, batch))
        return training(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.01), x, t)

    def policy() -> Step:
        layers = [nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4)]
        model = nn.Sequential(*layers)
        x, t = (torch.tensor(draw.random(shape, dtype=np.float32)) for shape in ((32, 8), (32, 4)))
        return training(model, nn.MSELoss(), optim.Adam(model.parameters(), lr=1e-3), x, t)

    return {
        "article's network, SGD, batch 64": article(64),
        "article's network, SGD, batch 1": article(1),
        "policy network 8-64-64-4, Adam, batch 32": policy(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--busy", action="store_true", help="take turns call by call: other work shares the machine")
    arguments = parser.parse_args()
    wengert.set_num_threads(arguments.threads)
    frameworks = {"wengert": wengert}
    try:
        import torch

        torch.set_num_threads(arguments.threads)
        frameworks["PyTorch"] = torch
    except ImportError:
        print("PyTorch is not installed; measuring wengert alone")
    made = {name: steps(module, np.random.default_rng(0)) for name, module in frameworks.items()}
    for title in made["wengert"]:
        for _ in range(5):
            made["wengert"][title]()
        wait_for_compilation(60)
        measure = take_turns if arguments.busy else interleave
        contenders = {name: found[title] for name, found in made.items()}
        report(title, measure(contenders, wait=wengert.cpu.synchronize))


if __name__ == "__main__":
    main()
