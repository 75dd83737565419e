"""Peak memory of the whole training steps of `steps.py`: the most that a process held, and how much of that is beyond what
it held when its libraries were loaded. Each contender of each row has a process of its own.

    python benchmarks/memory.py [--rows mlp64,gpt] [--contenders wengert,wengert-eager,pytorch]

Megabytes, from the operating system's own record of the most that the process ever held: beyond loading, and in brackets the
whole, which is what a user sees. Loaded is what a training step of eight numbers brings with it: the optimiser's module, the
linear algebra's own memory and, of wengert, the compiler. Ten steps are taken, with a pause after the fourth
in which wengert's compilation ends; nothing is compiled before, so that memory that compiling takes is in the figure.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import steps_models as models

# As in `steps.py`, which loads wengert: PyTorch's process must not.
ROWS: dict[str, Callable[..., Any]] = {
    "mlp64": models.mlp((784, 128, 10), 64, "SGD"), "mlp1": models.mlp((784, 128, 10), 1, "SGD"),
    "mlp512": models.mlp((784, 128, 10), 512, "SGD"), "wide": models.mlp((784, 1024, 1024, 10), 128, "Adam"),
    "cnn": models.cnn, "resnet": models.resnet, "gpt": models.gpt, "lstm": models.lstm, "pinn": models.pinn,
    "policy": models.policy, "softmax": models.softmax, "hessian": models.hessian,
}  # fmt: skip

CONTENDERS = ("wengert", "wengert-eager", "pytorch")


def peak() -> float:
    """The most megabytes this process has held so far."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / 2**20 if sys.platform == "darwin" else size / 2**10


def _loaded(contender: str) -> tuple[Any, Callable[..., Any]]:
    """The contender's module and its `compile`, after small steps that load what is loaded late."""
    if contender == "pytorch":
        torch = importlib.import_module("torch")
        compile: Callable[..., Any] = lambda function: function
    else:
        torch = importlib.import_module("wengert")
        compile = torch.compile if contender == "wengert" else lambda function: function
    torch.set_num_threads(1)
    step = models.mlp((8, 8), 4, "Adam")(torch, compile)
    for _ in range(4):
        step()
        if contender != "pytorch":
            torch.compiler.wait(120)
    return torch, compile


def measure(row: str, contender: str) -> None:
    """Print the peak beyond loading and the whole one, in a process that does nothing else."""
    warnings.simplefilter("ignore")
    torch, compile = _loaded(contender)
    before = peak()
    step = ROWS[row](torch, compile)
    for turn in range(10):
        step()
        if turn == 3 and contender != "pytorch":
            torch.compiler.wait(120)
    print(peak() - before, peak())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--one", nargs=2, metavar=("ROW", "CONTENDER"))
    arguments = parser.parse_args()
    if arguments.one:
        measure(*arguments.one)
        return
    names = arguments.contenders.split(",")
    print(f"{'row':<16}" + "".join([f"{name:>16}" for name in names]))
    for row in arguments.rows.split(","):
        found = []
        for name in names:
            command = [sys.executable, __file__, "--one", row, name]
            with tempfile.TemporaryDirectory() as folder:
                environment = {**os.environ, "WENGERT_CACHE": folder}
                done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            found.append([float(word) for word in done.stdout.split()])
        print(f"{row:<16}" + "".join([f"{f'{beyond:.0f} ({whole:.0f})':>16}" for beyond, whole in found]), flush=True)


if __name__ == "__main__":
    main()
