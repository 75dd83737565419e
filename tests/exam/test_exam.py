"""A sample of the exam over PyTorch's operator database, held to what the project promises. All of it:
``python -m tests.exam``."""

from __future__ import annotations

from zlib import crc32

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="PyTorch's testing tools need it")

from tests.exam.marks import SUBJECTS, examine, present
from tests.exam.scope import database, reason_out, title

SHARE = 5  # one entry in so many is asked here


def sampled():
    """Entries chosen by their names, so that a new one does not change which others are asked."""
    asked = [e for e in database() if reason_out(e.name) is None]
    return [e for e in asked if crc32(title(e).encode()) % SHARE == 0]


@pytest.mark.parametrize("layers", [False, True], ids=["operators", "nn.functional"])
def test_operators_are_there_and_right(layers):
    entries = [e for e in sampled() if e.name.startswith("nn.functional") is layers]
    missing = [title(e) for e in entries if not present(e)]
    assert len(missing) <= 0.05 * len(entries), missing
    wrong: dict[str, list[str]] = {}
    asked: dict[str, int] = {}
    promised = [subject for subject, share in SUBJECTS.items() if share is not None]
    for entry in entries:
        if present(entry):
            for subject, marks in examine(entry, promised, limit=3, seconds=20).items():
                asked[subject] = asked.get(subject, 0) + 1
                if marks.right < marks.asked:
                    wrong.setdefault(subject, []).append(f"{title(entry)}: {marks.reasons[0]}")
    for subject in promised:
        allowed = (1 - (SUBJECTS[subject] or 0)) * asked[subject]
        assert len(wrong.get(subject, [])) <= allowed, (subject, wrong[subject])
