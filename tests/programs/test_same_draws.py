"""Ordinary programs, unmodified, under `wengert run`: the metrics are PyTorch's from the same weights and batches.

Everything drawn is drawn by NumPy, so both see the same numbers. What differs is the order of sums; how far that can carry
is known for each program from its own sensitivity: programs in float64 agree to 1e-6, those in float32 to 1e-3.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent / "same_draws"
SOURCES = Path(__file__).resolve().parents[2] / "src"
# Made by running each program with PyTorch 2.13.0 on one thread of a CPU.
STORED = json.loads((HERE / "stored.json").read_text())
SINGLE = {"mlp", "vae", "custom_function"}


def metrics(*command: str) -> Any:
    """What a program prints last."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def assert_agree(name: str, found: Any, wanted: Any) -> None:
    tolerance = 1e-3 if name in SINGLE else 1e-6
    assert list(found) == list(wanted)
    for key in wanted:
        np.testing.assert_allclose(found[key], wanted[key], rtol=tolerance, atol=tolerance, err_msg=f"{name}: {key}")


@pytest.mark.parametrize("name", sorted(STORED))
def test_metrics_are_those_stored(name):
    assert_agree(name, metrics("-m", "wengert", "run", str(HERE / f"{name}.py")), STORED[name])


@pytest.mark.parametrize("name", sorted(STORED))
def test_stored_metrics_are_those_of_pytorch(name):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    assert_agree(name, metrics(str(HERE / f"{name}.py")), STORED[name])


def test_every_program_is_run():
    assert sorted(path.stem for path in HERE.glob("*.py")) == sorted(STORED)
