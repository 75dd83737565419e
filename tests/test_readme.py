"""What the READMEs show runs, and both show the same."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import pytest

import wengert as torch
import wengert.utils.data as data
from wengert.primitives import arithmetic

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]


def blocks(readme):
    """The code blocks: (language, code)."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_comments(code):
    return [re.sub(r"\s+#.*", "", line) for line in code.splitlines()]


def programs(readme):
    """The python blocks that are programs: all but the one that quotes a primitive."""
    return [code for language, code in blocks(readme) if language == "python" and "import" in code]


def test_both_show_the_same_code():
    ours, theirs = [blocks(readme) for readme in READMES]
    assert [language for language, _ in ours] == [language for language, _ in theirs]
    for (_, a), (_, b) in zip(ours, theirs):
        assert without_comments(a) == without_comments(b)


def test_both_have_the_same_parts():
    parts = [re.findall(r"^#+ ", (ROOT / readme).read_text(encoding="utf-8"), re.MULTILINE) for readme in READMES]
    assert parts[0] == parts[1]


def test_both_name_the_same_files():
    ours, theirs = [
        set(re.findall(r"\]\(([^)]+)\)", (ROOT / readme).read_text(encoding="utf-8"))) - set(READMES) for readme in READMES
    ]
    assert ours == theirs
    assert [name for name in ours if not (ROOT / name).exists() and "://" not in name] == []


@pytest.mark.parametrize("readme", READMES)
def test_programs_run(readme, monkeypatch, capsys):
    """In order and in one namespace, as a reader would type them; training stops after 30 batches."""
    monkeypatch.chdir(ROOT)
    whole = data.DataLoader.__iter__
    monkeypatch.setattr(data.DataLoader, "__iter__", lambda self: islice(whole(self), 30))
    names = {"__name__": "__main__"}
    found = programs(readme)
    assert len(found) == 3
    for code in found:
        exec(compile(code, readme, "exec"), names)
    assert "tensor([2., 4., 6.])" in capsys.readouterr().out
    assert names["loss"].item() < 2.4
    assert names["per_row"].shape == (8, 3)
    assert names["curvature"].shape == (3, 3)


def test_the_quoted_primitive_is_the_one_in_the_source():
    (quoted,) = [code for language, code in blocks("README.md") if language == "python" and "import" not in code]
    source = Path(arithmetic.__file__).read_text(encoding="utf-8")
    names = {"Elementwise": object, "np": __import__("numpy")}
    exec(compile(quoted, "README.md", "exec"), names)
    formula = next(line.strip() for line in quoted.splitlines() if "return" in line)
    assert formula in source
    assert torch.sqrt(torch.tensor(4.0)).item() == 2
