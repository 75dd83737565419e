"""The exam over PyTorch's operator database: ``python -m tests.exam [names] [--shard 1/4] [--json FILE] [--merge FILES]``.

For each operator: is it there, is it right in forward, in its gradient, in its second gradient, in its other forms
(method, in-place, aliases, out=), for complex and integer dtypes, and does it refuse what PyTorch refuses. An operator
is right in a subject when it is right on every sample asked.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.exam.compare import Strictness
from tests.exam.marks import SUBJECTS, examine, present
from tests.exam.scope import database, reason_out, title


def chosen(patterns: list[str], shard: str, others: bool) -> list[Any]:
    """The entries in scope whose name matches a pattern, of one shard "k/n"; `others`: without nn.functional's."""
    k, n = (int(part) for part in shard.split("/"))
    entries = [e for e in database() if reason_out(e.name) is None]
    if others:
        entries = [e for e in entries if not e.name.startswith("nn.functional.")]
    if patterns:
        entries = [e for e in entries if any(fnmatch.fnmatch(e.name, p) for p in patterns)]
    return entries[k - 1 :: n]


def answers(entries: list[Any], subjects: list[str], limit: int, verbose: bool) -> dict[str, Any]:
    """Title -> its marks as plain data."""
    found: dict[str, Any] = {}
    for entry in entries:
        there = present(entry)
        marks = examine(entry, subjects, limit) if there else {}
        found[title(entry)] = {"present": there, **{subject: list(m) for subject, m in marks.items()}}
        if verbose:
            show(title(entry), found[title(entry)])
    return found


def show(name: str, marks: dict[str, Any]) -> None:
    """One line for an entry with nothing wrong, else one more for each reason."""
    if not marks["present"]:
        print(f"{name:44} missing", flush=True)
        return
    scores = {subject: m for subject, m in marks.items() if subject != "present"}
    wrong = {subject: m for subject, m in scores.items() if m[1] < m[0]}
    line = "  ".join(f"{subject} {m[1]}/{m[0]}" for subject, m in (wrong or {}).items())
    print(f"{name:44} {line or 'right'}", flush=True)
    for subject, m in wrong.items():
        for reason in m[2]:
            print(f"      {subject}: {reason}", flush=True)


def summary(found: dict[str, Any]) -> str:
    """The counts by subject."""
    there = [marks for marks in found.values() if marks["present"]]
    lines = [f"| present | {len(there)} of {len(found)} | {_share(len(there), len(found))} |"]
    for subject in SUBJECTS:
        asked = [marks[subject] for marks in there if subject in marks]
        right = sum(m[1] == m[0] for m in asked)
        lines.append(f"| {subject} | {right} of {len(asked)} | {_share(right, len(asked))} |")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.exam", description=__doc__)
    parser.add_argument("names", nargs="*", help="patterns of names, such as 'linalg.*'; all by default")
    parser.add_argument("--subjects", default=",".join(SUBJECTS))
    parser.add_argument("--limit", type=int, default=30, help="samples for each subject of an entry")
    parser.add_argument("--shard", default="1/1")
    parser.add_argument("--others", action="store_true", help="all but nn.functional")
    parser.add_argument("--strict", action="store_true", help="hold each element to assert_close's tolerance")
    parser.add_argument("--json", type=Path, help="where to write the marks")
    parser.add_argument("--merge", type=Path, nargs="*", help="files of marks to summarise instead of asking")
    parser.add_argument("--scope", action="store_true", help="say what is out of scope, and why")
    given = parser.parse_args()
    Strictness.strict = given.strict
    if given.scope:
        reasons = Counter(reason_out(e.name) or "asked" for e in database())
        print("\n".join(f"{count:4} {reason}" for reason, count in reasons.most_common()))
        return
    if given.merge:
        found = {name: marks for path in given.merge for name, marks in json.loads(path.read_text()).items()}
        for name, marks in found.items():
            show(name, marks)
    else:
        found = answers(chosen(given.names, given.shard, given.others), given.subjects.split(","), given.limit, True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=0))
    print(summary(found))


if __name__ == "__main__":
    main()
