"""What a program waits for at its start: importing, the first finished step, and the speed at which it then stays.

Claims: `import wengert` takes at most 0.1 seconds beyond `import numpy`. The article's program (784-128-10, batch 64, SGD)
has finished its first step 0.6 seconds after its process began; steady speed is there after 3 seconds where nothing was
compiled before, and after 1 second where it was. The program itself times its steps, from the moment before its process
was started; it is at its speed from the first step on of which the next twenty have a median within a quarter of that of
the last thousand.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec

# With bytecode kept, as an installed package has it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

STEPS = """
import json, sys, time
began, name = float(sys.argv[1]), sys.argv[2]
import numpy as np
torch = __import__(name)
nn = torch.nn
random = np.random.default_rng(0)
x, t = torch.tensor(random.random((64, 784), np.float32)), torch.tensor(random.integers(0, 10, 64))
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01)
ends = []
while len(ends) < 3000 or time.time() - began < 5:
    optimizer.zero_grad()
    loss = criterion(model(x), t)
    loss.backward()
    optimizer.step()
    loss.item()
    ends.append(time.time() - began)
print(json.dumps(ends))
"""


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    return time.perf_counter() - start


def imports(rounds: int) -> None:
    programs = {"python": "pass", "numpy": "import numpy", "wengert": "import wengert"}
    if find_spec("torch"):
        programs["torch"] = "import torch"
    else:
        print("PyTorch is not installed")
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, code in programs.items():
            times[name].append(seconds(code))
    for name, found in times.items():
        print(f"  {name:<8} least {min(found):.3f} s   median {statistics.median(found):.3f} s")
    print(f"  wengert beyond numpy: {min(times['wengert']) - min(times['numpy']):.3f} s (least)")


def first_and_steady(name: str, cache: str) -> tuple[float, float]:
    """Seconds from the start of a process to the end of its first step, and to its steady speed."""
    environment = {**ENVIRONMENT, "WENGERT_CACHE": cache}
    done = subprocess.run(
        [sys.executable, "-c", STEPS, repr(time.time()), name], check=True, env=environment, capture_output=True, text=True
    )
    ends = json.loads(done.stdout)
    took = [later - end for end, later in itertools.pairwise(ends)]
    wanted = 1.25 * statistics.median(took[-1000:])
    steady = next(i for i in range(len(took)) if statistics.median(took[i : i + 20]) <= wanted)
    return ends[0], ends[steady]


def waiting(rounds: int) -> None:
    names = ["wengert", "wengert, compiled before"] + (["torch"] if find_spec("torch") else [])
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            for name in names:
                found[name].append(first_and_steady(name.split(",")[0], cache))
    for name, pairs in found.items():
        first, steady = zip(*pairs)
        print(
            f"  {name:<24}  first step least {min(first):.3f} s, median {statistics.median(first):.3f} s"
            f"   steady least {min(steady):.3f} s, median {statistics.median(steady):.3f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=["import", "steps"], help="one of the two")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    if arguments.what != "steps":
        print("importing")
        imports(arguments.rounds)
    if arguments.what != "import":
        print("the article's program")
        waiting(arguments.rounds)


if __name__ == "__main__":
    main()
