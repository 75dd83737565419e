"""The numbers that TensorFlow gave for the samples, kept where TensorFlow is not installed.

``python -m tests.tf.stored`` writes them anew; it needs TensorFlow. Sample and numbers belong together by their place.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tests.tf.sampling import Outcome, Sample, run

FOLDER = Path(__file__).parent / "numbers"
PARTS = ("math", "array", "linalg", "nn", "signal", "image")


def samples(part: str) -> list[Sample]:
    """The samples of one table."""
    return import_module(f"tests.tf.samples_{part}").SAMPLES  # type: ignore[no-any-return]


def load(part: str) -> list[Outcome]:
    """What TensorFlow gave for each sample of a table."""
    return [_outcome(entry) for entry in json.loads((FOLDER / f"{part}.json").read_text())]


def _outcome(entry: dict[str, Any]) -> Outcome:
    values = [_array(*packed) for packed in entry["values"]]
    gradients = [None if packed is None else _array(*packed) for packed in entry["gradients"]]
    return Outcome(values, [packed[0] for packed in entry["values"]], gradients)


def _array(dtype: str, shape: list[int], numbers: list[Any]) -> Any:
    if dtype.startswith("complex"):
        return (np.array(numbers[0::2], float) + 1j * np.array(numbers[1::2], float)).reshape(shape)
    return np.array(numbers, "float64" if dtype in ("float32", "float64", "float16", "bfloat16") else dtype).reshape(shape)


def _packed(array: Any, dtype: str) -> list[Any]:
    flat = np.asarray(array).reshape(-1)
    if flat.dtype.kind == "c":
        flat = np.stack([flat.real, flat.imag], -1).reshape(-1)
    if flat.dtype.kind not in "f":
        return [dtype, list(np.shape(array)), flat.tolist()]
    digits = 12 if dtype in ("float64", "complex128") else 8
    return [dtype, list(np.shape(array)), [float(f"{number:.{digits}g}") for number in flat.tolist()]]


def pack(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON has it."""
    values = [_packed(value, dtype) for value, dtype in zip(outcome.values, outcome.dtypes)]
    return {"values": values, "gradients": [None if g is None else _packed(g, g.dtype.name) for g in outcome.gradients]}


def write() -> None:
    """Ask TensorFlow for the numbers of every sample."""
    import tensorflow  # the oracle, where it is installed

    FOLDER.mkdir(exist_ok=True)
    for part in PARTS:
        entries = [json.dumps(pack(run(tensorflow, sample)), separators=(",", ":")) for sample in samples(part)]
        (FOLDER / f"{part}.json").write_text("[\n" + ",\n".join(entries) + "\n]\n")


if __name__ == "__main__":
    write()
