"""A program of a few lines, run by the command in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture
def wengert(tmp_path):
    """wengert("run", "a.py", files={"a.py": source}) -> the finished process, started in the folder of the files."""

    def run(*arguments, files=None, **options):
        for name, source in (files or {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "wengert", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False, **options
        )

    return run
