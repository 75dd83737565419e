"""The file ``checkpoint`` of a folder: which checkpoints are in it, the latest one first. TensorFlow's own form of text."""

from __future__ import annotations

import json
import os
import time
from typing import Any, NamedTuple, Optional

from wengert.saving.files import written_at_once


class CheckpointState(NamedTuple):
    """What the file says."""

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str]
    all_model_checkpoint_timestamps: list[float]
    last_preserved_timestamp: float


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: Optional[str] = None) -> Optional[CheckpointState]:
    """What the file of a folder says; None where there is none."""
    folder = os.fspath(checkpoint_dir)
    found: dict[str, list[Any]] = {}
    try:
        with open(os.path.join(folder, latest_filename or "checkpoint"), encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition(": ")
                found.setdefault(name, []).append(json.loads(value))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"the file 'checkpoint' in {folder} is damaged ({error}); remove it, or name a checkpoint") from error
    paths = [os.path.join(folder, path) for path in found.get("all_model_checkpoint_paths", [])]
    latest = [os.path.join(folder, path) for path in found.get("model_checkpoint_path", [])]
    stamps = found.get("all_model_checkpoint_timestamps", [])
    return CheckpointState(latest[0], paths, stamps, found.get("last_preserved_timestamp", [0.0])[0]) if latest else None


def set_checkpoint_state(folder: str, paths: list[str], stamps: list[float], preserved: Optional[float] = None) -> None:
    """Write the file of a folder; the last path is the latest. Paths inside the folder are kept relative to it."""
    names = [json.dumps(os.path.relpath(path, folder or "."), ensure_ascii=False) for path in paths]
    lines = [f"model_checkpoint_path: {names[-1]}"] if names else []
    lines += [f"all_model_checkpoint_paths: {name}" for name in names]
    lines += [f"all_model_checkpoint_timestamps: {stamp!r}" for stamp in stamps]
    lines += [] if preserved is None else [f"last_preserved_timestamp: {preserved!r}"]
    with written_at_once(os.path.join(folder, "checkpoint")) as file:
        file.write("".join([line + "\n" for line in lines]).encode())


def after_save(path: str) -> None:
    """Note a checkpoint as the latest, and the only one, of its folder."""
    set_checkpoint_state(os.path.dirname(path) or ".", [path], [time.time()])


def latest_checkpoint(checkpoint_dir: Any, latest_filename: Optional[str] = None) -> Optional[str]:
    """The latest checkpoint of a folder, or None."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not os.path.isfile(state.model_checkpoint_path + ".safetensors"):
        return None
    return state.model_checkpoint_path
