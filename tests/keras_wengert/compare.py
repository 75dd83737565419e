"""Keras's own suite, part by part, on its PyTorch backend and on wengert: what passes there and fails here.

    python -m tests.keras_wengert.compare PART ... [--again torch|wengert|both|failed] [--only torch|wengert]
        [--folder FOLDER]

Each backend runs in a process of its own, once: what became of its tests stays in a file of FOLDER (under the system's
temporary folder, unless said otherwise) until ``--again``; ``--again failed`` repeats what failed on wengert. A run
that was cut off goes on where it was. ``--only`` runs one of the two. Without a PART: the table of what FOLDER knows.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Part -> files and folders of keras/src. Together the chapters that the backend is judged by, and what they stand on.
PARTS: dict[str, list[str]] = {
    "core layers": ["layers/core", "layers/layer_test.py"],
    "plain layers": [
        "layers/activations", "layers/merging", "layers/regularization", "layers/reshaping", "layers/normalization",
    ],
    "window layers": ["layers/attention", "layers/convolutional", "layers/pooling"],
    "recurrent layers": ["layers/rnn"],
    "preprocessing layers": ["layers/preprocessing/*_test.py"],
    "image preprocessing layers": ["layers/preprocessing/image_preprocessing"],
    "losses": ["losses"],
    "metrics": ["metrics"],
    "optimizers": ["optimizers"],
    "ops: numpy": ["ops/numpy_test.py"],
    "ops: nn": ["ops/nn_test.py"],
    "ops: image": ["ops/image_test.py"],
    "ops: the rest": [
        "ops/core_test.py", "ops/einops_test.py", "ops/function_test.py", "ops/linalg_test.py", "ops/math_test.py",
        "ops/node_test.py", "ops/operation_test.py", "ops/operation_utils_test.py", "ops/ops_test.py",
        "ops/symbolic_arguments_test.py",
    ],
    "random": ["random"],
    "models": ["models"],
    "trainers": ["trainers"],
    "saving": ["saving"],
    "callbacks": ["callbacks"],
    "variables and the common backend": ["backend/common"],
    "what layers are given": [
        "activations", "constraints", "initializers", "regularizers", "quantizers", "dtype_policies", "tree", "testing",
    ],
    "tools": ["utils", "wrappers", "legacy", "distillation"],
    "applications": ["applications"],
    "export, data sets, devices": ["export", "datasets", "distribution", "backend/tests"],
}  # fmt: skip

BOTH = ("torch", "wengert")

Outcomes = dict[str, dict[str, str]]


def suite() -> Path:
    """Where the tests lie: the folder keras/src of the installed package, which is not imported here."""
    found = importlib.util.find_spec("keras")
    if found is None or found.origin is None:
        raise SystemExit("compare: Keras is not installed")
    return Path(found.origin).parent / "src"


def command(paths: list[str], *options: str) -> list[str]:
    """pytest on files of Keras's suite, in this interpreter, with `outcomes` as a plugin."""
    files = [str(found) for path in paths for found in sorted(suite().glob(path))]
    return [
        sys.executable, "-m", "pytest", "-p", "tests.keras_wengert.outcomes", "-p", "no:cacheprovider", "-q",
        "--tb=short", "-W", "ignore", "--continue-on-collection-errors", "-c", str(Path(__file__).with_name("keras.ini")),
        "--noconftest", f"--rootdir={suite()}", *options, *files,
    ]  # fmt: skip


def environment(backend: str, outcomes: Path, seconds: int) -> dict[str, str]:
    """The environment of such a run."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {
        **os.environ, "PYTHONPATH": paths, "KERAS_BACKEND": backend, "OUTCOMES": str(outcomes),
        "SECONDS_PER_TEST": str(seconds), "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip


def read(path: Path) -> Outcomes:
    """What a run wrote: test -> its entry. A test that passed and whose clean-up failed has failed."""
    found: Outcomes = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "finished" in entry:
            continue
        found[entry["test"].replace("../", "").split("keras/src/")[-1]] = entry
    return found


def file_of(part: str, backend: str, folder: Path) -> Path:
    """Where the outcomes of a part on a backend are kept."""
    return folder / f"{part.replace(':', '').replace(' ', '_')}.{backend}.jsonl"


def run(part: str, backend: str, path: Path) -> None:
    """Run the part's tests, if they have not all been run."""
    if path.exists() and '{"finished": true}' in path.read_text(encoding="utf-8"):
        return
    options = ["-p", "keras_wengert.bridge"] if backend == "wengert" else []
    with open(path.with_suffix(".log"), "w", encoding="utf-8") as log:
        call, where = command(PARTS[part], *options), environment(backend, path, 120)
        subprocess.run(call, env=where, cwd=ROOT, stdout=log, stderr=log, check=False)


def forget_failures(path: Path) -> None:
    """Leave in a file what passed or was skipped."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("outcome") in ("passed", "skipped")]
    path.write_text("".join(kept), encoding="utf-8")


def passed(outcomes: Outcomes) -> set[str]:
    return {test for test, entry in outcomes.items() if entry["outcome"] == "passed"}


def row(part: str, theirs: Outcomes, ours: Outcomes) -> str:
    """A line of the table in docs/keras.md."""
    want = passed(theirs)
    got = want & passed(ours)
    return f"| {part} | {len(want)} | {len(got)} | {100 * len(got) / max(len(want), 1):.1f} % |"


def missing(theirs: Outcomes, ours: Outcomes) -> list[str]:
    """What passes on PyTorch and not on wengert, with the reason."""
    nothing = {"outcome": "not run", "reason": ""}
    lines = []
    for test in sorted(passed(theirs) - passed(ours)):
        entry = ours.get(test, ours.get(test.split("::")[0], nothing))
        reason = " ".join(entry["reason"].split())
        lines.append(f"{test} {entry['outcome']}: {reason[:200]}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--again", choices=[*BOTH, "both", "failed"])
    parser.add_argument("--only", choices=BOTH)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "keras_wengert")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for part in chosen.parts or PARTS:
        files = [file_of(part, backend, chosen.folder) for backend in BOTH]
        for backend, path in zip(BOTH, files, strict=True):
            if chosen.again in (backend, "both"):
                path.unlink(missing_ok=True)
            if chosen.again == "failed" and backend == "wengert" and path.exists():
                forget_failures(path)
            if chosen.parts and chosen.only in (backend, None):
                run(part, backend, path)
        if all(path.exists() for path in files):
            theirs, ours = map(read, files)
            print(row(part, theirs, ours))
            if chosen.parts:
                print(*missing(theirs, ours), sep="\n")


if __name__ == "__main__":
    main()
