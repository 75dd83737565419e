"""What it costs to record one operation, against doing it in PyTorch eagerly.

Claim: recording one elementwise operation on tracked tensors, handle included, takes at most 2.5 microseconds.
"""

from __future__ import annotations

from harness import interleave, report

import wengert
from wengert.graph.record import record, recorder
from wengert.graph.rule import primitives


def main() -> None:
    x, y = wengert.ones(8, requires_grad=True), wengert.ones(8, requires_grad=True)
    node, other = x._read(), y._read()

    def bare() -> None:
        tape = recorder.tape
        for _ in range(1000):
            record(primitives.mul, (node, other))
        tape.clear()

    def with_handle() -> None:
        tape = recorder.tape
        for _ in range(1000):
            x * y
        tape.clear()

    def with_number() -> None:
        tape = recorder.tape
        for _ in range(1000):
            x * 2.5
        tape.clear()

    contenders = {"wengert": with_handle, "wengert, a number": with_number, "bare record": bare}
    try:
        import torch

        a, b = torch.ones(8, requires_grad=True), torch.ones(8, requires_grad=True)

        def eager() -> None:
            for _ in range(1000):
                a * b

        contenders["PyTorch eager (computes too)"] = eager
    except ImportError:
        print("PyTorch is not installed; measuring wengert alone")
    timings = {name: type(t)(t.least / 1000, t.median / 1000) for name, t in interleave(contenders).items()}
    report("recording one elementwise operation on tracked tensors of 8 elements", timings)


if __name__ == "__main__":
    main()
