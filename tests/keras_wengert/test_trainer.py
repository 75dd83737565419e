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
ALIKE = [
    "several_inputs_and_outputs", "a_subclassed_model_with_losses_of_its_own", "frozen_layers", "metrics_and_class_weights",
    "sample_weights_and_a_validation_split", "text_with_masks", "a_schedule_that_warms_up",
    "accumulated_gradients_and_averaged_weights", "half_precision_with_a_scaled_loss", "callbacks",
    "a_step_of_the_users_own_that_counts", "single_batches", "files",
]  # fmt: skip


def outcomes(backend: str, folder: Path) -> Any:
    """What every case gives on a backend."""
    paths = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, str(HERE / "fits.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": paths, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fits")


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    return outcomes("torch", folder)


@pytest.fixture(scope="module")
def ours(folder: Path) -> Any:
    if importlib.util.find_spec("torch") is not None and not (folder / "torch.keras").exists():
        pytest.fail("the tests that compare with PyTorch come first: they write files that are read here")
    return outcomes("wengert", folder)


def assert_alike(ours: Any, theirs: Any, place: str) -> None:
    """Equal, numbers to float32 rounding."""
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), place
        for name, value in theirs.items():
            assert_alike(ours[name], value, f"{place}.{name}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), place
        for number, (a, b) in enumerate(zip(ours, theirs)):
            assert_alike(a, b, f"{place}[{number}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=2e-5, abs=1e-6), place
    else:
        assert ours == theirs, place


@pytest.mark.parametrize("name", ALIKE)
def test_trainings_follow_pytorchs_backend(name: str, theirs: Any, ours: Any):
    own, reason = dict(ours[name]), ours[name].get("reason")
    own["reason"] = theirs[name].get("reason")
    assert_alike({key: own[key] for key in theirs[name]}, theirs[name], name)
    if name == "a_step_of_the_users_own_that_counts":
        assert "changes the attribute 'steps' of" in reason
    else:
        assert reason is None


def test_a_replay_sees_what_changes_between_steps(ours: Any):
    assert ours["what_changes_between_steps_is_seen"] is True


def test_every_step_draws_anew(ours: Any):
    assert ours["every_step_draws_anew"] == 6


def test_several_steps_in_an_execution_are_the_same_steps(ours: Any):
    assert ours["several_steps_in_an_execution"] is True


def test_a_step_says_why_it_is_not_replayed(ours: Any):
    found = ours["reasons"]
    assert found["ordinary"] is None and found["not jit"] is None
    assert "run_eagerly=True" in found["eager"]
    assert found["logs"] == ["high", "loss"] and "asks for a value" in found["branch"]
    assert "SavedModel needs TensorFlow" in found["export"]


def test_callbacks_see_plain_numbers(ours: Any):
    assert {kind for kind, _ in ours["callbacks"]["seen"]} == {"float"}
