"""Whole training steps side by side: wengert compiled and as an ordinary loop, PyTorch eager and compiled, JAX, TensorFlow,
NumPy by hand; interleaved in one run, with the arithmetic floor as a column.

    python benchmarks/steps.py --rows mlp64,policy --peers eager,pytorch,jax

The floor is the larger of FLOPs / the best matrix-product rate seen in the run and bytes / the best copy rate, where the
bytes are those that must move at least once. With --clock cpu it is the process's own time on all processors that counts:
with one thread for everybody (OMP_NUM_THREADS=1) that is fair on a machine that does other work meanwhile. Claims, as
multiples of the floor or of JAX's time, are in docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import shutil
import time
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import steps_jax
import steps_models
import steps_tensorflow
from harness import Clock, Timing, gemm_peak, interleave

import wengert

Step = Callable[[], object]
PEERS = ("wengert", "eager", "pytorch", "torch.compile", "jax", "tf", "numpy")


class Row(NamedTuple):
    """One workload. build: the step for a PyTorch-like module and its `compile`; flops and bytes for the floor."""

    title: str
    build: Callable[[ModuleType, Callable[..., Any]], Step]
    flops: float
    bytes: float


def _dense(batch: int, sizes: tuple[int, ...]) -> float:
    """FLOPs of a step of an MLP: forward, weight gradients, and input gradients but for the first layer."""
    pairs = list(itertools.pairwise(sizes))
    return sum([2.0 * batch * a * b * (2 if number == 0 else 3) for number, (a, b) in enumerate(pairs)])


def _weights(sizes: tuple[int, ...], copies: int) -> float:
    """Bytes of an MLP's parameters, read and written in so many arrays (with the state of the optimizer)."""
    return 4.0 * 2 * copies * sum([a * b + b for a, b in itertools.pairwise(sizes)])


ARTICLE, WIDE, POLICY, PINN = (784, 128, 10), (784, 1024, 1024, 10), (8, 64, 64, 4), (2, 64, 64, 64, 1)
ROWS: dict[str, Row] = {
    "mlp64": Row("article MLP 784-128-10, SGD, batch 64", steps_models.mlp(ARTICLE, 64, "SGD"), _dense(64, ARTICLE), 0),
    "mlp1": Row("the same, batch 1", steps_models.mlp(ARTICLE, 1, "SGD"), _dense(1, ARTICLE), _weights(ARTICLE, 1)),
    "mlp512": Row("the same, batch 512", steps_models.mlp(ARTICLE, 512, "SGD"), _dense(512, ARTICLE), 0),
    "wide": Row(
        "MLP 784-1024-1024-10, Adam, batch 128", steps_models.mlp(WIDE, 128, "Adam"), _dense(128, WIDE), _weights(WIDE, 3)
    ),
    "cnn": Row("LeNet-style CNN 28x28, batch 64", steps_models.cnn, steps_models.CNN_FLOPS, 0),
    "resnet": Row("CIFAR ResNet-20, batch 32", steps_models.resnet, steps_models.RESNET_FLOPS, 0),
    "gpt": Row("GPT, 4 layers, d 128, T 128, batch 8, AdamW", steps_models.gpt, steps_models.GPT_FLOPS, 0),
    "lstm": Row("LSTM, hidden 128, T 64, batch 32", steps_models.lstm, steps_models.LSTM_FLOPS, 0),
    # Forward, u_x and u_xx by two passes of reverse mode, and the gradient of all that: about six products a layer more.
    "pinn": Row("physics-informed MLP 3x64, 2000 points, u_xx, Adam", steps_models.pinn, 3 * _dense(2000, PINN), 0),
    "policy": Row("policy MLP 8-64-64-4, batch 32, Adam", steps_models.policy, _dense(32, POLICY), _weights(POLICY, 3)),
    "softmax": Row("softmax(gelu(layernorm)) fwd+bwd, 4096x1024", steps_models.softmax, 0, 4.0 * 4 * 4096 * 1024),
    "hessian": Row("Hessian of a 30-parameter MLP loss", steps_models.hessian, 2.0 * 16 * 30 * 3 * 30, 0),
}  # fmt: skip


def contenders(name: str, row: Row, peers: list[str]) -> tuple[dict[str, Step], list[str]]:
    """The steps of the peers that are there, and notes on those that are not."""
    found: dict[str, Step] = {}
    notes = []

    def plain(function: Any) -> Any:
        return function

    for peer in peers:
        try:
            if peer == "wengert":
                found[peer] = row.build(wengert, lambda f: wengert.compile(f, fullgraph=True))
            elif peer == "eager":
                found[peer] = row.build(wengert, plain)
            elif peer in ("pytorch", "torch.compile"):
                torch = _module("torch")
                if peer == "torch.compile" and shutil.which("g++") is None:
                    raise LookupError("torch.compile needs a C++ compiler")
                found[peer] = row.build(torch, plain if peer == "pytorch" else torch.compile)
            elif peer in ("jax", "tf"):
                builders = steps_jax.BUILDERS if peer == "jax" else steps_tensorflow.BUILDERS
                _module("jax" if peer == "jax" else "tensorflow")
                if name not in builders:
                    raise LookupError(f"{peer} has no version of this row")
                found[peer] = builders[name]()
            elif name.startswith("mlp"):
                found[peer] = steps_models.numpy_mlp(ARTICLE, int(name[3:]))
        except LookupError as reason:
            notes.append(f"{peer}: {reason}")
    return found, notes


def _module(name: str) -> Any:
    if importlib.util.find_spec(name) is None:
        raise LookupError(f"{name} is not installed")
    return importlib.import_module(name)


def copy_rate(megabytes: int = 64, clock: Clock = time.perf_counter) -> float:
    """The best rate of copying memory, in bytes a microsecond, read and written bytes both counted."""
    source, target = np.ones(megabytes << 18, np.float32), np.zeros(megabytes << 18, np.float32)
    best = float("inf")
    for _ in range(10):
        start = clock()
        np.copyto(target, source)
        best = min(best, clock() - start)
    return 2 * source.nbytes / best / 1e6


def table(row: Row, timings: dict[str, Timing], floor: float) -> None:
    print(row.title)
    for peer, timing in timings.items():
        print(
            f"  {peer:14} least {timing.least:10.1f} us   median {timing.median:10.1f} us   x {timing.least / floor:6.2f} floor"
        )
    print(f"  {'floor':14}       {floor:10.1f} us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help="which workloads: " + ", ".join(ROWS))
    parser.add_argument("--peers", default=",".join(PEERS), help="who: " + ", ".join(PEERS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.05, help="of one block")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    arguments = parser.parse_args()
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    wengert.set_num_threads(arguments.threads)
    if importlib.util.find_spec("torch") and {"pytorch", "torch.compile"} & set(arguments.peers.split(",")):
        _module("torch").set_num_threads(arguments.threads)
    peak, rate = gemm_peak(clock=clock), copy_rate(clock=clock)
    print(f"peak {peak / 1e3:.0f} GFLOP/s, copy {rate / 1e3:.1f} GB/s, {arguments.threads} threads")
    for name in arguments.rows.split(","):
        row = ROWS[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            steps, notes = contenders(name, row, arguments.peers.split(","))
            for step in steps.values():
                for _ in range(4):
                    step()
            wengert.compiler.wait(120)
            timings = interleave(steps, arguments.seconds, arguments.rounds, clock, wengert.cpu.synchronize)
        table(row, timings, max(row.flops / peak, row.bytes / rate))
        for note in notes:
            print(f"  ({note})")


if __name__ == "__main__":
    main()
