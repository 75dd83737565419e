"""A file is written as a whole or not at all."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
import textwrap
import time

import pytest

import wengert
from wengert.saving.files import written_at_once


def test_an_error_on_the_way_leaves_the_old_file_and_no_trace(tmp_path):
    path = tmp_path / "model.pt"
    wengert.save([1], path)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        wengert.save([wengert.ones(3), lambda: None], path)
    with pytest.raises(OSError, match="disk"), written_at_once(path) as file:
        file.write(b"part of it")
        raise OSError("disk full")
    assert wengert.load(path) == [1]
    assert os.listdir(tmp_path) == ["model.pt"]


def test_rights_links_and_folders(tmp_path):
    path, link = tmp_path / "model.pt", tmp_path / "latest.pt"
    wengert.save([1], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~_umask()
    path.chmod(0o640)
    link.symlink_to(path)
    wengert.save([2], link)
    assert link.is_symlink() and wengert.load(path) == [2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(RuntimeError, match="does not exist"):
        wengert.save([1], tmp_path / "none" / "model.pt")
    with pytest.raises(IsADirectoryError):
        wengert.save([1], tmp_path)
    wengert.save([1], os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_killed_process_leaves_one_of_the_two(tmp_path):
    """Killed again and again in the middle of writing, the file is always a whole one."""
    path = tmp_path / "model.pt"
    program = textwrap.dedent("""
        import sys, wengert
        step = int(sys.argv[2])
        while True:
            wengert.save({"step": step, "w": wengert.full((200_000,), float(step))}, sys.argv[1])
            print(step, flush=True)
            step += 1
    """)
    step = 0
    for pause in (0.0, 0.003, 0.007, 0.011, 0.02):
        command = [sys.executable, "-c", program, str(path), str(step)]
        where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=where) as p:
            assert p.stdout is not None and p.stdout.readline()
            time.sleep(pause)
            p.kill()
            p.stdout.read()
        found = wengert.load(path)
        assert found["step"] >= step and (found["w"] == float(found["step"])).all()
        step = found["step"] + 1
