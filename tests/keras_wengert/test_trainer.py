"""Training loops of the Keras backend: as on Keras's PyTorch backend from the same weights, and what a replay must see.

The programs are in `fits.py`; one process for each backend runs them all.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def outcomes(backend: str, folder: Path, chapter: str) -> Any:
    """What every case of a chapter gives on a backend."""
    paths = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, str(HERE / "fits.py"), str(folder), chapter],
        env={**os.environ, "PYTHONPATH": paths, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


def assert_alike(ours: Any, theirs: Any, place: str) -> None:
    """Equal, numbers to float32 rounding."""
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), place
        for name, value in theirs.items():
            if name != "reason":
                assert_alike(ours[name], value, f"{place}.{name}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), place
        for number, (a, b) in enumerate(zip(ours, theirs)):
            assert_alike(a, b, f"{place}[{number}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=2e-5, abs=1e-6), place
    else:
        assert ours == theirs, place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each process finds the models that the ones before have saved."""
    return tmp_path_factory.mktemp("fits")


@pytest.fixture(scope="module")
def alone(folder: Path) -> Any:
    return outcomes("wengert", folder, "alone")


def test_replays_see_what_changes_and_say_when_there_are_none(alone: Any):
    assert alone["what_changes_between_steps_is_seen"] is True
    assert alone["every_step_draws_anew"] == 6
    assert alone["several_steps_in_an_execution"] is True
    reasons = alone["reasons"]
    assert reasons["ordinary"] is None and reasons["not jit"] is None
    assert "run_eagerly=True" in reasons["eager"]
    first, second, third, fourth = reasons["seen"]  # the rate of the second step is 0
    assert first != second == third != fourth and "learning rate is a function" in reasons["function"]
    assert reasons["logs"] == ["high", "loss"] and "asks for a value" in reasons["branch"]
    assert "SavedModel holds a TensorFlow graph" in reasons["export"]


def test_steps_that_run_beside_python_are_as_others(alone: Any):
    same, single, series, longest = alone["steps_beside_python_are_as_others"]
    assert same and single > 60 and series >= 8 and longest > 5


def test_sums_are_wide_and_powers_are_not(alone: Any):
    wanted = [[303, "uint32"], [60000, "uint32"], [300, "uint32"], [2, "int16"]]
    assert alone["wide_integers_and_histograms"] == wanted


def test_recurrent_layers_compute_the_same_in_loops(alone: Any):
    assert alone["loops_and_steps_differ_by"] < 2e-5


def test_trainings_follow_pytorchs_backend(folder: Path, alone: Any):
    """One test for all: processes that import Keras are what it costs."""
    pytest.importorskip("torch")
    theirs = outcomes("torch", folder, "alike")  # reads a model that wengert has saved
    ours = outcomes("wengert", folder, "alike")  # and this one a model of PyTorch's
    assert_alike(ours, theirs, "")
    assert_alike(alone["files"], theirs["files_of_wengert"], "files")
    assert len(ours) == 15 and {kind for kind, _ in ours["callbacks"]["seen"]} == {"float"}
    reasons = {name: found.get("reason") for name, found in ours.items() if isinstance(found, dict)}
    assert "changes the attribute 'steps' of" in reasons.pop("a_step_of_the_users_own_that_counts")
    assert not any(reasons.values()), reasons
