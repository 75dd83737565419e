"""Fetching a file from the first mirror that has it: checked before it is kept, and kept whole or not at all."""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

SECONDS = 30.0  # without a byte from a mirror before the next one is tried
MOST = 1 << 28  # bytes; no file of a data set here comes near


def fetch(name: str, mirrors: Sequence[str], folder: Path, check: Callable[[Path], object]) -> Path:
    """Put the file `name` into `folder`, from the first of `mirrors` whose copy passes `check`; the path to it.

    `check` takes the path of the fetched copy and raises RuntimeError when that is not the right file. The copy has
    another name until then, so that neither a killed process nor a second one leaves half a file behind.

    Raises: RuntimeError with every mirror's reason when none of them could give the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for mirror in mirrors:
        handle, path = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
        partial = Path(path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(read(mirror + name))
                file.flush()
                os.fsync(file.fileno())
            check(partial)
            os.replace(partial, folder / name)
            return folder / name
        except (OSError, RuntimeError, ValueError) as error:  # urllib's are OSErrors; for a bad address, ValueError
            reasons.append(f"{mirror}{name}: {error}")
        finally:
            partial.unlink(missing_ok=True)
    raise RuntimeError(f"{name} could not be fetched.\n  " + "\n  ".join(reasons))


def read(address: str) -> bytes:
    """The bytes at an address. Raises: OSError; RuntimeError when they are too many to be one of our files."""
    request = urllib.request.Request(address, headers={"User-Agent": "wengert"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        content: bytes = answer.read(MOST + 1)
    if len(content) > MOST:
        raise RuntimeError(f"more than {MOST:,} bytes")
    return content
