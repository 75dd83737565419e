"""The article's training step, written once for whatever module is handed in as `torch`: from given weights, over given
batches, the losses of its first steps."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from wengert.datasets.idx import read_idx

DATA = Path(__file__).parents[2] / "examples" / "data" / "mnist"
STEPS, BATCH = 200, 64


def batches() -> list[tuple[Any, Any]]:
    """The first batches of real MNIST, in file order: images in [0, 1] (64, 784), labels (64,)."""
    images = read_idx(DATA / "train-images-idx3-ubyte.gz")[: STEPS * BATCH].reshape(STEPS, BATCH, 784)
    labels = read_idx(DATA / "train-labels-idx1-ubyte.gz")[: STEPS * BATCH].reshape(STEPS, BATCH)
    return [(x.astype(np.float32) / 255, t.astype(np.int64)) for x, t in zip(images, labels)]


def weights() -> dict[str, Any]:
    """Initial weights of the distribution that nn.Linear has, from NumPy's own generator."""
    random = np.random.default_rng(20)
    found = {}
    for name, rows, columns in (("fc1", 128, 784), ("fc2", 10, 128)):
        bound = columns**-0.5
        found[f"{name}.weight"] = random.uniform(-bound, bound, (rows, columns)).astype(np.float32)
        found[f"{name}.bias"] = random.uniform(-bound, bound, rows).astype(np.float32)
    return found


def losses(torch: ModuleType) -> list[float]:
    """The loss before each of the first steps of SGD with rate 0.01."""
    nn, optim = import_module(torch.__name__ + ".nn"), import_module(torch.__name__ + ".optim")

    class Net(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(784, 128)
            self.relu = nn.ReLU()
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.fc2(self.relu(self.fc1(x.view(-1, 784))))

    model = Net()
    model.load_state_dict({name: torch.tensor(value) for name, value in weights().items()})
    criterion, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.01)
    found = []
    for images, labels in batches():
        optimizer.zero_grad()
        loss = criterion(model(torch.tensor(images)), torch.tensor(labels))
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found
