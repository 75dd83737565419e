"""The article's program: its loss curve is PyTorch's to float32 rounding, and it reaches the accuracy it should."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert
from tests.programs.article import losses
from wengert.settings import settings

# Made by running tests/programs/article.py with PyTorch 2.13.0 on one thread of a CPU.
STORED = json.loads((Path(__file__).parent / "article_losses.json").read_text())
# Made by running tests/programs/ordinary/article_tensorflow.py with TensorFlow 2.21 and Keras 3.15.1.
STORED_OF_TENSORFLOW = json.loads((Path(__file__).parent / "article_tensorflow_losses.json").read_text())
ROOT = Path(__file__).parents[2]

# The order of float32 sums differs between matrix products; its effect grows slowly over the steps.
ROUNDING = {"rtol": 2e-5, "atol": 2e-6}


@pytest.mark.parametrize("tier", ["interpret", "compile"])
def test_losses_follow_the_stored_ones_over_200_steps(tier):
    with settings.scope(tier=tier):
        np.testing.assert_allclose(losses(wengert), STORED, **ROUNDING)


def test_losses_follow_pytorch_live():
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(losses(wengert), losses(torch), **ROUNDING)


def printed(*command):
    """What a program prints, and what it warns."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_HOME": "/nonexistent"}
    result = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr


TENSORFLOW = "tests/programs/ordinary/article_tensorflow.py"


def test_losses_of_the_tensorflow_program_follow_tensorflows():
    pytest.importorskip("keras")
    losses, warnings = printed("-m", "wengert", "run", TENSORFLOW)
    np.testing.assert_allclose(json.loads(losses), STORED_OF_TENSORFLOW, **ROUNDING)
    assert warnings.count("received `from_logits=True`") == 1 and "take away the softmax activation" in warnings


def test_losses_of_tensorflow_are_those_stored():
    pytest.importorskip("tensorflow")
    np.testing.assert_allclose(json.loads(printed(TENSORFLOW)[0]), STORED_OF_TENSORFLOW, **ROUNDING)


def test_the_unmodified_program_reaches_94_percent():
    result = subprocess.run(
        [sys.executable, "-m", "wengert", "run", "examples/article_pytorch.py"],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    accuracy = float(re.search(r"test accuracy: ([\d.]+)%", result.stdout)[1])
    assert accuracy >= 94.0
