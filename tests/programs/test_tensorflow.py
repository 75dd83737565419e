"""TensorFlow programs as tutorials have them, unmodified, under `wengert run`: losses and metrics are TensorFlow's from the
same weights and batches.

Everything drawn is drawn by NumPy, so both see the same numbers. What differs is the order of sums: programs in float64
agree to 1e-6, those in float32 to 1e-3. All run in one process, since loading Keras takes longer than any of them.

``python tests/programs/tensorflow/every.py > tests/programs/tensorflow/stored.json`` writes what TensorFlow gives anew.
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

HERE = Path(__file__).parent / "tensorflow"
SOURCES = Path(__file__).resolve().parents[2] / "src"
# Made by running the programs with TensorFlow 2.21.0 and Keras 3.15.1 on one thread of a CPU.
STORED = json.loads((HERE / "stored.json").read_text())
DOUBLE = {"oscillator", "pinn"}


def metrics(*command: str) -> Any:
    """What the programs print, by name."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *command, str(HERE / "every.py")], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def assert_agree(found: Any, wanted: Any, tolerance: float, where: str) -> None:
    """The same structure, the same words, and numbers within the tolerance."""
    if isinstance(wanted, dict):
        assert sorted(found) == sorted(wanted), where
        for key in wanted:
            assert_agree(found[key], wanted[key], tolerance, f"{where}: {key}")
    elif isinstance(wanted, str) or (wanted and isinstance(wanted, list) and isinstance(wanted[0], str)):
        assert found == wanted, where
    else:
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance, err_msg=where)


@pytest.fixture(scope="module")
def mine() -> Any:
    return metrics("-m", "wengert", "run")


@pytest.mark.parametrize("name", sorted(STORED))
def test_metrics_are_those_stored(name, mine):
    assert_agree(mine[name], STORED[name], 1e-6 if name in DOUBLE else 1e-3, name)


def test_stored_metrics_are_those_of_tensorflow():
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    theirs = metrics()
    for name, wanted in STORED.items():
        assert_agree(theirs[name], wanted, 1e-6 if name in DOUBLE else 1e-3, name)


def test_every_program_is_run():
    assert sorted(path.stem for path in HERE.glob("*.py") if path.stem != "every") == sorted(STORED)
