"""Ordinary programs, unmodified, end with PyTorch's metrics from the same weights and data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

HERE = Path(__file__).parent / "ordinary"
ROOT = Path(__file__).parents[2]
# How far losses may lie apart at the end: rounding grows from step to step, faster where the text is learnt by heart.
PROGRAMS = {"lstm_classifier": 2e-3, "gru_classifier": 2e-3, "character_gpt": 2e-2, "cnn_mnist": 5e-3}
LEAST = {"lstm_classifier": 0.75, "gru_classifier": 0.8, "character_gpt": 0.5, "cnn_mnist": 0.7}


def metrics(*command: str) -> dict[str, list[float]]:
    """What a run prints as "name number"."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, list[float]] = {}
    for line in run.stdout.splitlines():
        name, _, number = line.partition(" ")
        if name in ("loss", "accuracy"):
            found.setdefault(name, []).append(float(number))
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_metrics_are_those_of_pytorch(name):
    path = str(HERE / f"{name}.py")
    mine, theirs = metrics("-m", "wengert", "run", path), metrics(path)
    assert mine["loss"] == pytest.approx(theirs["loss"], rel=PROGRAMS[name], abs=PROGRAMS[name])
    assert mine["accuracy"] == pytest.approx(theirs["accuracy"], abs=0.02)
    assert mine["accuracy"][-1] >= LEAST[name]
