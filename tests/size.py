"""Lines per layer, with the change since a commit: `make size` or `python -m tests.size [commit]`."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.layers import LAYERS, NUMBER, PACKAGE, ROOT, module_name, place


def lines_now() -> Counter[str]:
    """Lines per entry of `LAYERS` in the working tree."""
    count: Counter[str] = Counter()
    for path in PACKAGE.rglob("*.py"):
        count[place(module_name(path))] += path.read_text(encoding="utf-8").count("\n")
    return count


def lines_at(commit: str) -> Counter[str]:
    """The same in `commit`; empty where there is no such commit."""
    command = ["git", "grep", "-c", "", commit, "--", "src/wengert/*.py"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    count: Counter[str] = Counter()
    for row in run.stdout.splitlines():
        _, path, lines = row.rsplit(":", 2)
        count[place(module_name(ROOT / Path(path)))] += int(lines)
    return count


def main(commit: str = "HEAD") -> None:
    now, before = lines_now(), lines_at(commit)
    print(f"{'layer':<16}{'lines':>8}{'since ' + commit:>20}")
    for number, title, names in LAYERS:
        total = sum(now[name] for name in names)
        change = total - sum(before[name] for name in names)
        print(f"{number:>4g} {title:<11}{total:>8,}{change:>+20,}")
    strangers = sorted(set(now) - set(NUMBER))
    if strangers:
        print(f"without a layer: {', '.join(strangers)}")
    print(f"{'all':<16}{sum(now.values()):>8,}{sum(now.values()) - sum(before.values()):>+20,}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
