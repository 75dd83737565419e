"""The article's program: its loss curve is PyTorch's to float32 rounding, and it reaches the accuracy it should."""

from __future__ import annotations

import json
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


def test_the_unmodified_program_reaches_94_percent():
    result = subprocess.run(
        [sys.executable, "-m", "wengert", "run", "examples/article_pytorch.py"],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    accuracy = float(re.search(r"test accuracy: ([\d.]+)%", result.stdout)[1])
    assert accuracy >= 94.0
