"""Compiled code on disk, so that the second run of a program starts warm.

An entry is named by the SHA-256 of what it was compiled from (the LLVM IR, the CPU and its features, the versions), so
a hit can only be the same code. An entry carries a checksum of its content; one that is short, corrupt or foreign is
ignored and replaced. Writing goes through a temporary file and a rename, so several processes and a kill at any moment
leave either the old entry or the new one. The folder is private to the user: where others could write to it, it is not
used. Before it grows over `LIMIT`, the entries not used for longest go.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import Optional

from wengert.settings import settings

LIMIT = 256 * 2**20
# Seconds after which a temporary file has no writer any more: it was killed.
_STALE = 3600.0
_MAGIC = b"wengert object 1\n"


def folder() -> Optional[Path]:
    """The cache folder, made if it is missing; None where it cannot be used."""
    if settings.cache_folder:
        base = Path(settings.cache_folder)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches" / "wengert"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "wengert" / "cache"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wengert"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = base.stat()
    except OSError:
        return None
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        return None
    return base


def digest(*parts: str) -> str:
    """The name of what these texts make."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def read(name: str) -> Optional[bytes]:
    """The entry's code, or None when there is no sound one."""
    base = folder()
    if base is None:
        return None
    path = base / f"{name}.o"
    try:
        data = path.read_bytes()
    except OSError:
        return None
    with contextlib.suppress(OSError):  # on a disk that is read-only
        os.utime(path)
    head = len(_MAGIC) + 32
    if len(data) < head or not data.startswith(_MAGIC) or hashlib.sha256(data[head:]).digest() != data[len(_MAGIC) : head]:
        return None
    return data[head:]


def write(name: str, code: bytes) -> None:
    """Keep an entry. A full or read-only disk is no error: the code was only going to be kept."""
    base = folder()
    if base is None:
        return
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=base, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(code).digest() + code)
        os.replace(temporary, base / f"{name}.o")
        if _has_grown(base, len(code)):
            _shrink(base)
    except OSError:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


# Bytes that this process has written to a folder since it looked at all that is in it.
_written: dict[Path, int] = {}


def _has_grown(base: Path, size: int) -> bool:
    """Whether it is time to look at a folder again: at the first entry that a process writes, and then after every sixteenth
    of `LIMIT`. A look at thousands of entries takes longer than most compilations."""
    written = _written.get(base, LIMIT) + size
    grown = written > LIMIT // 16
    _written[base] = 0 if grown else written
    return grown


def _shrink(base: Path) -> None:
    """Where the folder is over `LIMIT`, remove the entries not used for longest until there is room for what may come before
    the next look; and remove what killed writers left."""
    entries = []
    with os.scandir(base) as found:
        for entry in found:
            with contextlib.suppress(OSError):
                status = entry.stat()
                if entry.name.endswith(".o"):
                    entries.append((status.st_mtime, status.st_size, entry.path))
                elif entry.name.endswith(".part") and time.time() - status.st_mtime > _STALE:
                    os.unlink(entry.path)
    total = sum([size for _, size, _ in entries])
    if total <= LIMIT - LIMIT // 16:
        return
    for _, size, path in sorted(entries):
        if total <= LIMIT - LIMIT // 8:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
            total -= size
