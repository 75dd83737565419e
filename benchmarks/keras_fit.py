"""``model.fit`` on the article's network (784-128-10, ReLU, cross-entropy, batch 64) by Keras on each of its backends.

Claim: an epoch of `fit` with wengert as the backend is at least three times as fast as with TensorFlow, PyTorch or JAX.

Keras can have one backend in a process, so each has a process of its own, which makes the model, trains it until it is
warm, and then waits; the contenders take turns, an epoch (or `--samples`) each, while the others sleep.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from typing import Any

MODULES = {"wengert": "wengert", "tensorflow": "tensorflow", "torch": "torch", "jax": "jax"}


def contender(arguments: argparse.Namespace) -> None:
    """One process: a line on standard input asks for a block, its seconds are printed."""
    if arguments.contender == "wengert":
        import keras_wengert.bridge  # noqa: F401 - without it Keras knows no such backend
    import keras
    import numpy as np

    if arguments.contender == "torch":
        import torch

        torch.set_num_threads(arguments.threads)
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x = random.random((arguments.samples, 784), dtype=np.float32)
    y = random.integers(0, 10, arguments.samples)
    model = keras.Sequential(
        [keras.Input((784,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)]
    )
    optimizer = keras.optimizers.Adam(0.001) if arguments.adam else keras.optimizers.SGD(0.01)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])

    def block() -> Any:
        if arguments.what == "evaluate":
            return model.evaluate(x, y, batch_size=arguments.batch, verbose=arguments.verbose)
        if arguments.what == "predict":
            return model.predict(x, batch_size=arguments.batch, verbose=arguments.verbose)
        return model.fit(x, y, batch_size=arguments.batch, epochs=1, verbose=arguments.verbose)

    for _ in range(2):
        block()
        time.sleep(0.5)  # what is compiled in the background gets ready
    for _ in sys.stdin:
        start = time.perf_counter()
        block()
        sys.stderr.write(f"{time.perf_counter() - start}\n")
        sys.stderr.flush()


def begin(name: str, arguments: list[str], threads: int) -> subprocess.Popen[str]:
    """Start the process of a backend."""
    environment = {
        **os.environ, "KERAS_BACKEND": name, "OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": str(threads), "JAX_PLATFORMS": "cpu",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, __file__, *arguments, "--contender", name],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def ask(process: subprocess.Popen[str]) -> float:
    """The seconds of one block."""
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    said = []
    for line in process.stderr:
        try:
            return float(line)
        except ValueError:
            said.append(line)
    raise RuntimeError("the process of a backend ended:\n" + "".join(said[-30:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=["fit", "evaluate", "predict"], default="fit")
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--adam", action="store_true", help="Adam instead of SGD")
    parser.add_argument("--verbose", type=int, default=0, help="1: with Keras's progress bar, written to nowhere")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--backends", nargs="*", default=list(MODULES))
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        contender(arguments)
        return
    names = [name for name in arguments.backends if find_spec(MODULES[name])]
    given = sys.argv[1:]
    running = {}
    for name in names:  # one at a time, so that none warms up while another measures
        running[name] = begin(name, given, arguments.threads)
        ask(running[name])
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(arguments.rounds):
        for name, process in running.items():
            times[name].append(ask(process))
    for process in running.values():
        process.communicate()
    steps = -(-arguments.samples // arguments.batch)
    own = times[names[0]]
    print(f"{arguments.what}: {steps} steps of {arguments.batch}, {'Adam' if arguments.adam else 'SGD'}")
    for name, found in times.items():
        least, median = min(found), statistics.median(found)
        print(
            f"  {name:<10}  least {least:6.3f} s ({least / steps * 1e6:6.0f} us a step)   median {median:6.3f} s"
            f"   x {least / min(own):5.2f} (least)  x {median / statistics.median(own):5.2f} (median)"
        )


if __name__ == "__main__":
    main()
