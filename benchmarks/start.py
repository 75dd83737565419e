"""What `import wengert` costs on top of `import numpy`. Claim: at most 0.1 seconds."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

# With bytecode kept, as an installed package has it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    return time.perf_counter() - start


def main(rounds: int = 11) -> None:
    programs = {"python": "pass", "numpy": "import numpy", "wengert": "import wengert"}
    try:
        import torch  # noqa: F401

        programs["torch"] = "import torch"
    except ImportError:
        print("PyTorch is not installed")
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, code in programs.items():
            times[name].append(seconds(code))
    for name, found in times.items():
        print(f"  {name:<8} least {min(found):.3f} s   median {statistics.median(found):.3f} s")
    print(f"  wengert beyond numpy: {min(times['wengert']) - min(times['numpy']):.3f} s (least)")


if __name__ == "__main__":
    main()
