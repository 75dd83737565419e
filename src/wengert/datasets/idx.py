"""The IDX file format: one array of numbers with its shape, plain or compressed with gzip.

    offset 0   two zero bytes, a code of the element type, the number of dimensions n
    offset 4   n sizes, each an unsigned 32-bit integer
    then       the elements, last axis fastest

All numbers are big-endian. The format is the one that MNIST is distributed in.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

ELEMENT = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

Array = np.ndarray[Any, Any]


def read_idx(path: str | os.PathLike[str], sha256: str | None = None) -> Array:
    """The array in the IDX file at `path`, in the machine's byte order; its memory is its own and writable.

    `sha256` is the hexadecimal checksum of the uncompressed content; None skips that check.

    Raises: FileNotFoundError; RuntimeError when the file is truncated, too long, damaged, of another format, or has
    another checksum.
    """
    path = Path(path)
    content = uncompressed(path)
    array = parse_idx(content, str(path))
    found = hashlib.sha256(content).hexdigest() if sha256 else None
    if found != sha256:
        raise RuntimeError(
            f"{path} is an IDX file of shape {list(array.shape)}, but not the one that is expected here: its "
            f"content has the SHA-256 checksum {found}, wanted {sha256}. Delete it and fetch it again"
        )
    return array


def uncompressed(path: Path) -> bytes:
    """The content of the file at `path`, through gzip where it begins like a gzip file."""
    content = path.read_bytes()
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except EOFError:
        raise RuntimeError(f"{path} is truncated: the compressed data stop before their end") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise RuntimeError(f"{path} is damaged: {error}") from None


def parse_idx(content: bytes, name: str) -> Array:
    """The array that `content` describes; `name` is what error messages call it."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in ELEMENT:
        raise RuntimeError(
            f"{name} is not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'}, wanted 00 00, one of "
            f"{', '.join(f'{code:02x}' for code in ELEMENT)}, and the number of dimensions"
        )
    dtype, dimensions = np.dtype(ELEMENT[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise RuntimeError(f"{name} is truncated: it ends within the sizes of its {dimensions} dimensions")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    wanted = start + math.prod(shape) * dtype.itemsize
    if len(content) != wanted:
        what = "truncated" if len(content) < wanted else "too long"
        raise RuntimeError(
            f"{name} is {what}: its header promises {list(shape)} elements of {dtype.itemsize} bytes, {wanted:,} bytes "
            f"in all, and it has {len(content):,}"
        )
    try:
        array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    except ValueError as error:  # an empty array may still claim sizes, or so many of them, that NumPy can't hold
        raise RuntimeError(f"{name} has a shape that can't be read, {list(shape)}: {error}") from None
    return array.astype(dtype.newbyteorder("="))
