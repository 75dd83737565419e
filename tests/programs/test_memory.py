"""Loops that never ask for a value run in bounded memory. Each runs in a process of its own, which compares its peak
after a tenth of the loop with the peak at its end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import wengert as torch
from wengert.runtime import tiers
from wengert.settings import settings

ROOT = Path(__file__).parents[2]

# Growth, in MB, that is allowed after the first tenth: well under what the loop would need if it kept one array, or a
# few nodes, for each turn.
ALLOWED = 40

SETUP = """
import resource, sys
import wengert as torch
from wengert import nn, optim
from wengert.nn import functional as F

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

torch.manual_seed(0)
x, w = torch.ones(1000), torch.ones(1000, requires_grad=True)
net = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5))
sgd, adam = optim.SGD(net.parameters(), lr=0.01), optim.Adam(net.parameters(), lr=0.01)
inputs, labels = torch.randn(16, 20), torch.randint(0, 5, (16,))
total = torch.zeros(())
"""

LOOPS = {
    "300,000 operations": (150_000, "x = x * 1.0000001 + 1e-7"),
    "tracked, then detached": (50_000, "x = (w * x).detach()"),
    "detached in place": (30_000, "x = w * x; x.detach_()"),
    "in place": (50_000, "x += 1e-7"),
    "under no_grad": (20_000, "with torch.no_grad(): x = w * 0.5 + x * 0.1"),
    "dropped histories": (50_000, "y = w * 2 if i % 50 == 0 else y * 1.0001"),
    "training that prints nothing": (
        1_500, "sgd.zero_grad(); loss = F.cross_entropy(net(inputs), labels); loss.backward(); sgd.step()"
    ),
    "Adam": (1_000, "adam.zero_grad(); loss = F.cross_entropy(net(inputs), labels); loss.backward(); adam.step()"),
    "a running total of losses": (
        1_500,
        "sgd.zero_grad(); loss = F.cross_entropy(net(inputs), labels); loss.backward(); sgd.step(); "
        "total = total + loss.detach()",
    ),
    "gradients that are never used": (1_000, "F.cross_entropy(net(inputs), labels).backward()"),
    "forward passes that are never used": (4_000, "loss = F.cross_entropy(net(inputs), labels)"),
    "an evaluation": (2_000, "with torch.no_grad(): total = total + (net(inputs).argmax(1) == labels).sum()"),
    "update by hand": (
        1_000,
        """
        F.cross_entropy(net(inputs), labels).backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= 0.01 * p.grad
                p.grad = None
        """,
    ),
    "ever new shapes": (2_000, "y = (torch.ones(i + 1) * 2).sum()"),
    "large arrays": (400, "y = torch.ones(200_000) * 2 + i; z = y.sin()"),
}  # fmt: skip


def grown(turns, body, tier):
    loop = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    program = (
        f"{SETUP}\nfor i in range({turns}):\n{loop}\n    if i == {turns // 10}:\n        early = peak()\nprint(peak() - early)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={"PATH": "", "OMP_NUM_THREADS": "1", "WENGERT_TIER": tier, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return float(result.stdout)


@pytest.mark.parametrize("name", LOOPS)
def test_interpreted(name):
    assert grown(*LOOPS[name], "interpret") < ALLOWED


@pytest.mark.parametrize("name", ["in place", "training that prints nothing"])
def test_compiled(name):
    assert grown(*LOOPS[name], "compile") < ALLOWED


def test_graphs_that_never_come_again_are_forgotten(monkeypatch):
    tiers.clear()
    monkeypatch.setattr(tiers, "STEPS", 4_000)
    x = torch.ones(1000)
    with settings.scope(tier="interpret"):
        for i in range(300):
            for j in range(20):
                x[(i * 20 + j) % 997] = 1.0
            x.tolist()
    assert 3_000 < tiers.Counts.steps <= 4_000
    assert tiers.Counts.steps == sum(len(structure) for structure, _ in tiers._entries)
    tiers.clear()
