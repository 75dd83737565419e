"""The cache on disk: what is not sound is ignored, what is interrupted leaves nothing broken, and it stays within bounds."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as torch
from wengert.runtime import disk, tiers
from wengert.settings import settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def base(tmp_path):
    """A cache folder of its own."""
    folder = tmp_path / "cache"
    with settings.scope(cache_folder=str(folder)):
        yield folder


def files(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


def test_what_was_written_is_read(base):
    assert disk.read("a") is None
    disk.write("a", b"code")
    disk.write("empty", b"")
    assert disk.read("a") == b"code" and disk.read("empty") == b""
    assert files(base) == ["a.o", "empty.o"]
    disk.write("a", b"other")
    assert disk.read("a") == b"other"


def test_names_depend_on_every_part_and_on_where_it_ends():
    names = {disk.digest("a", "bc"), disk.digest("ab", "c"), disk.digest("abc"), disk.digest("a", "bc", ""), disk.digest()}
    assert len(names) == 5 and all(len(name) == 64 for name in names)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:30] + bytes([data[30] ^ 128]) + data[31:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"\x7fELF" + data[4:],
        lambda data: os.urandom(len(data)),
        lambda data: b"\0" * len(data),
    ],
)
def test_a_damaged_entry_is_none(base, damage):
    disk.write("a", bytes(range(200)))
    path = base / "a.o"
    path.write_bytes(damage(path.read_bytes()))
    assert disk.read("a") is None
    disk.write("a", b"new")
    assert disk.read("a") == b"new"


def test_a_folder_or_a_dead_link_in_the_place_of_an_entry_is_none(base):
    disk.write("a", b"code")
    (base / "b.o").mkdir()
    (base / "c.o").symlink_to(base / "nowhere")
    assert disk.read("b") is None and disk.read("c") is None
    disk.write("b", b"code")  # cannot replace a folder: no error, and nothing left behind
    disk.write("c", b"code")
    assert disk.read("c") == b"code"
    assert not [name for name in files(base) if name.endswith(".part")]


def test_without_a_usable_folder_nothing_is_kept_and_nothing_fails(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with settings.scope(cache_folder=str(folder)):
            disk.write("a", b"code")
            assert disk.folder() is None and disk.read("a") is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners and modes here")
def test_a_folder_that_others_can_write_to_is_not_used(base):
    disk.write("a", b"code")
    for mode in (0o777, 0o770, 0o702):
        base.chmod(mode)
        assert disk.folder() is None and disk.read("a") is None
    base.chmod(0o700)
    assert disk.read("a") == b"code"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners and modes here")
def test_a_new_folder_is_the_users_own(base):
    disk.write("a", b"code")
    assert stat.S_IMODE(base.stat().st_mode) == 0o700
    assert stat.S_IMODE((base / "a.o").stat().st_mode) == 0o600


@pytest.mark.skipif(hasattr(os, "getuid") and os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_read(base):
    disk.write("a", b"code")
    base.chmod(0o500)
    try:
        disk.write("b", b"code")
        assert disk.read("a") == b"code" and disk.read("b") is None
    finally:
        base.chmod(0o700)


def test_the_folder_stays_within_its_limit_by_what_was_used_last(base, monkeypatch):
    monkeypatch.setattr(disk, "LIMIT", 1000)
    for k in range(5):
        disk.write(f"{k}", bytes(120))
        os.utime(base / f"{k}.o", (1000 + k, 1000 + k))
    disk.read("0")  # used now
    disk.write("5", bytes(120))
    kept = files(base)
    assert "0.o" in kept and "5.o" in kept and "1.o" not in kept
    assert sum((base / name).stat().st_size for name in kept) <= 1000


def test_what_killed_writers_left_goes_after_a_while(base):
    assert disk.folder() == base
    old, new = base / "old.part", base / "new.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    disk.write("a", b"code")
    assert files(base) == ["a.o", "new.part"]


def test_the_folder_is_looked_at_only_now_and_then(base, monkeypatch):
    looks, shrink = [], disk._shrink
    monkeypatch.setattr(disk, "_shrink", lambda base: (looks.append(1), shrink(base)))
    monkeypatch.setattr(disk, "LIMIT", 16_000)
    for k in range(30):
        disk.write(f"{k}", bytes(100))
    assert len(looks) == 1 + 29 // 11  # at the first, and whenever more than a sixteenth was written


# --- through the compiler ---------------------------------------------------------------------------------------------


def total(n: int) -> float:
    x = torch.linspace(0, 1, n)
    return float((x * x + 1).log().sum())


@pytest.fixture
def compiling():
    assert tiers.wait_for_compilation(120)
    tiers.clear()
    with settings.scope(tier="compile"):
        yield
    tiers.clear()


@pytest.mark.parametrize("content", [b"", b"no object code at all", b"\x7fELF" + bytes(500)])
def test_a_foreign_entry_is_compiled_anew(base, compiling, content):
    want = total(100)
    for path in base.glob("*.o"):
        path.write_bytes(content)
    tiers.clear()
    assert total(100) == want
    sound = [path for path in base.glob("*.o") if disk.read(path.stem) is not None]
    assert sound  # what was compiled anew is kept
    tiers.clear()
    assert total(100) == want


def test_a_second_run_compiles_nothing(base, compiling, monkeypatch):
    want = total(100)
    tiers.clear()
    from wengert.backends.llvm import jit

    monkeypatch.setattr(jit, "compile_object", lambda *_: pytest.fail("compiled although the code is on disk"))
    assert total(100) == want


def test_an_unwritable_cache_changes_no_result(tmp_path, compiling):
    (tmp_path / "file").write_bytes(b"")
    with settings.scope(cache_folder=str(tmp_path / "file" / "below")):
        np.testing.assert_allclose(total(100), np.log(np.linspace(0, 1, 100) ** 2 + 1).sum(), rtol=1e-5)


# --- processes --------------------------------------------------------------------------------------------------------

WRITER = """
    import sys
    from wengert.runtime import disk
    name, value = sys.argv[1], int(sys.argv[2])
    for k in range(int(sys.argv[3])):
        disk.write(name, bytes([value]) * 20_000)
        found = disk.read(name)
        assert found is not None and len(set(found)) == 1 and len(found) == 20_000
"""


def start(base: Path, program: str, *arguments: str, **environment: str) -> Any:
    given = {"PYTHONPATH": f"{ROOT / 'src'}", "WENGERT_CACHE": str(base), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    return subprocess.Popen(command, env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_may_write_one_entry_at_once(base):
    writers = [start(base, WRITER, "same", str(k), "300") for k in range(2)]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors
    found = disk.read("same")
    assert found is not None and found[:1] in (b"\0", b"\1") and files(base) == ["same.o"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no signals here")
def test_a_killed_writer_leaves_the_old_entry_or_the_new_one(base):
    for k in range(4):
        writer = start(base, WRITER, "same", str(k), "1000000")
        while not (base / "same.o").exists() and writer.poll() is None:
            time.sleep(0.01)
        time.sleep(0.02 + 0.013 * k)
        writer.kill()
        writer.communicate(timeout=60)
        found = disk.read("same")
        assert found is not None and len(set(found)) == 1 and len(found) == 20_000


PROGRAM = """
    import wengert as torch
    for k in range(3):
        x = torch.linspace(0, 1, 1000)
        print(float(((x * x).exp() / (1 + x)).sum()))
"""


def test_processes_that_compile_the_same_at_once_agree(base):
    for _ in range(2):  # cold, then warm
        running = [start(base, PROGRAM, WENGERT_TIER="compile") for _ in range(2)]
        results = [process.communicate(timeout=120) for process in running]
        assert all(process.returncode == 0 for process in running), results
        assert len({text for text, _ in results}) == 1
    assert files(base) and all(name.endswith(".o") for name in files(base))
