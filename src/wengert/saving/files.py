"""Files that are either there or not: written beside their place, synced, and renamed into it. A process that is killed
on the way leaves the file that was there before, or the new one, never a part.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO


def is_path(f: Any) -> bool:
    """Whether `f` names a file, rather than being one."""
    return isinstance(f, (str, os.PathLike))


@contextmanager
def written_at_once(path: Any) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place at `path` when the block ends well, and leaves no trace otherwise.

    Links are followed; what is no ordinary file (a pipe, a device) is written to directly.
    """
    target = os.path.realpath(os.fspath(path))
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(target).st_mode):
            if os.path.isdir(target):
                raise IsADirectoryError(f"save: {os.fspath(path)} is a folder; give the name of a file in it")
            with open(target, "wb") as file:
                yield file
            return
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist; make it with os.makedirs first.")
    beside = os.path.join(folder, f".{name}.{secrets.token_hex(6)}.part")
    try:
        with open(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """The new name itself is on disk."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
