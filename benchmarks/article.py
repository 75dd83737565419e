"""The article's network (784-128-10, ReLU, cross-entropy, SGD 0.01, batch 64): one step, and an epoch with its loader.

Claims, on the interpreter tier: a step is no slower than PyTorch eager; an epoch over
``DataLoader(TensorDataset(...), batch_size=64, shuffle=True)`` is at least twice as fast as PyTorch's.
Both run with the same number of threads.
"""

from __future__ import annotations

import argparse
import statistics
import time
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from harness import Timing, gemm_peak, interleave, report

import wengert

SAMPLES, BATCH = 60_000, 64


def program(torch: ModuleType, data: Any, labels: Any) -> tuple[Any, Any]:
    """The article's training step and epoch, written once for both frameworks."""
    loading = import_module(torch.__name__ + ".utils.data")
    nn = import_module(torch.__name__ + ".nn")
    optim = import_module(torch.__name__ + ".optim")

    class Net(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(784, 128)
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.fc2(torch.relu(self.fc1(x)))

    model, criterion = Net(), nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    images, targets = torch.tensor(data), torch.tensor(labels)
    loader = loading.DataLoader(loading.TensorDataset(images, targets), batch_size=BATCH, shuffle=True)
    x, t = images[:BATCH].clone(), targets[:BATCH].clone()

    def train(inputs: Any, expected: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(model(inputs), expected)
        loss.backward()
        optimizer.step()
        return loss

    def epoch() -> float:
        total = 0.0
        for inputs, expected in loader:
            total += train(inputs, expected).item()
        return total

    return (lambda: train(x, t)), epoch


def on_mnist(torch: ModuleType, vision: ModuleType, folder: str) -> Any:
    """An epoch of examples/article_pytorch.py, with its data set: single images, each transformed when it is read."""
    datasets, transforms = vision.datasets, vision.transforms
    nn, loading = import_module(torch.__name__ + ".nn"), import_module(torch.__name__ + ".utils.data")
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    images = datasets.MNIST(folder, train=True, transform=transform, download=True)
    loader = loading.DataLoader(images, batch_size=BATCH, shuffle=True)
    layers = [nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)]
    model, criterion = nn.Sequential(*layers), nn.CrossEntropyLoss()
    optimizer = import_module(torch.__name__ + ".optim").SGD(model.parameters(), lr=0.01)

    def epoch() -> float:
        for inputs, expected in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), expected)
            loss.backward()
            optimizer.step()
        return float(loss.item())

    return epoch


def numpy_step(data: Any, labels: Any) -> Any:
    """The same step by hand: what the arithmetic costs in NumPy."""
    rng = np.random.default_rng(0)
    w1, b1 = rng.uniform(-1 / 28, 1 / 28, (784, 128)).astype("f"), np.zeros(128, "f")
    w2, b2 = rng.uniform(-0.09, 0.09, (128, 10)).astype("f"), np.zeros(10, "f")
    x, t, rows, rate = data[:BATCH], labels[:BATCH], np.arange(BATCH), np.float32(0.01)

    def step() -> None:
        z = x @ w1 + b1
        h = np.maximum(z, 0)
        o = h @ w2 + b2
        e = np.exp(o - o.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        p[rows, t] -= 1
        p /= BATCH
        hb = (p @ w2.T) * (z > 0)
        w2[...] -= rate * (h.T @ p)
        b2[...] -= rate * p.sum(0)
        w1[...] -= rate * (x.T @ hb)
        b1[...] -= rate * hb.sum(0)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each framework, taking turns")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mnist", metavar="FOLDER", help="also epochs on MNIST in this folder, as the article's program")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    data = rng.random((SAMPLES, 784), dtype=np.float32)
    labels = rng.integers(0, 10, SAMPLES)
    frameworks = {"wengert": wengert}
    try:
        import torch

        torch.set_num_threads(arguments.threads)
        frameworks["PyTorch"] = torch
    except ImportError:
        print("PyTorch is not installed; measuring wengert alone")
    made = {name: program(module, data, labels) for name, module in frameworks.items()}
    steps = {name: step for name, (step, _) in made.items()}
    steps["NumPy by hand"] = numpy_step(data, labels)
    # Two products forward, three backward (no cotangent for the data).
    flops = 2 * BATCH * (2 * 784 * 128 + 3 * 128 * 10)
    report("one step, batch 64", interleave(steps, wait=wengert.cpu.synchronize), floor=flops / gemm_peak())
    epochs = {name: epoch for name, (_, epoch) in made.items()}
    timings = interleave(epochs, seconds=0.0, rounds=arguments.epochs, wait=wengert.cpu.synchronize)
    report("one epoch of 60,000 with its DataLoader", timings)
    if arguments.mnist:
        report("the article's program on MNIST, one epoch", mnist_epochs(frameworks, arguments.mnist))


def mnist_epochs(frameworks: dict[str, Any], folder: str) -> dict[str, Timing]:
    """Two epochs of each framework for which there is a torchvision, after one that is not counted."""
    found = {"wengert": on_mnist(wengert, import_module("wengert.run.vision"), folder)}
    try:
        found["PyTorch"] = on_mnist(frameworks["PyTorch"], import_module("torchvision"), folder)
    except (ImportError, KeyError):
        print("PyTorch or torchvision is not installed; measuring wengert alone")
    timings = {}
    for name, epoch in found.items():
        epoch()
        taken = []
        for _ in range(2):
            start = time.perf_counter()
            epoch()
            taken.append((time.perf_counter() - start) * 1e6)
        timings[name] = Timing(min(taken), statistics.median(taken))
    return timings


if __name__ == "__main__":
    main()
