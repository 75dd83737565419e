"""The checkpoint files of PyTorch before 1.6: pickles one after another, then the storages.

    magic number, protocol version, facts about the machine, the object, the list of storage keys: five pickles
    for each key: the number of elements as a 64-bit integer, and the elements
"""

from __future__ import annotations

import io
import struct
import sys
from pickle import UnpicklingError
from typing import Any

import numpy as np

from wengert.saving.machine import Machine, Scanner
from wengert.saving.storages import STORAGE_TYPES, StorageId, native, storage_id

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


class Legacy:
    """A file to read from, standing at its beginning.

    Raises: UnpicklingError when it is no checkpoint, or damaged.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        begin = file.tell()
        self._size = file.seek(0, io.SEEK_END)
        file.seek(begin)
        if self._plain() != MAGIC:
            raise UnpicklingError(
                "load: this file is no checkpoint: neither PyTorch's zip archive, nor its old format, nor safetensors"
            )
        if self._plain() != PROTOCOL:
            raise UnpicklingError("load: this checkpoint has a protocol version that is not known")
        facts = self._plain()
        self._little = not isinstance(facts, dict) or facts.get("little_endian") is not False
        self.begin = file.tell()
        scanner = Scanner()
        scanner.load(file)
        self._globals = scanner.globals
        self._places = self._find_places(self._plain(), scanner.storages)

    def _plain(self) -> Any:
        """A pickle of numbers, text and containers."""

        def refuse(name: Any) -> Any:
            raise UnpicklingError(f"load: this file is no checkpoint: it begins with a pickle that asks for {name}")

        return Machine(refuse, refuse, lambda target, state: refuse(type(target).__name__)).load(self._file)

    def _find_places(self, keys: Any, mentioned: list[Any]) -> dict[str, tuple[int, int]]:
        """Where the bytes of each storage begin, and how many there are."""
        if not (isinstance(keys, list) and all([isinstance(key, str) for key in keys])):
            raise UnpicklingError("load: this checkpoint's list of storages is damaged")
        sizes: dict[str, int] = {}
        for pid in mentioned:
            if isinstance(pid, tuple) and len(pid) == 6 and pid[0] in ("storage", b"storage"):
                named = storage_id((pid[0], STORAGE_TYPES.get(pid[1]), *pid[2:5]))
                sizes[named.key] = named.nbytes
        at, places = self._file.tell(), {}
        for key in keys:
            if key not in sizes or at + 8 + sizes[key] > self._size:
                raise UnpicklingError(f"load: storage {key} reaches beyond the end of the file; it is truncated or damaged")
            places[key] = (at + 8, sizes[key])
            at += 8 + sizes[key]
        return places

    def pickle(self) -> Any:
        """The file, standing where the pickle of the object begins."""
        self._file.seek(self.begin)
        return self._file

    def storage(self, wanted: StorageId) -> Any:
        """The bytes of a storage, as an array of uint8 in memory of its own.

        Raises: UnpicklingError when it is missing or has another length.
        """
        at, nbytes = self._places.get(wanted.key, (0, -1))
        dtype = wanted.type.dtype
        if nbytes != wanted.nbytes or dtype is None:
            raise UnpicklingError(f"load: storage {wanted.key} is missing in the checkpoint, or has another length there")
        here = self._file.tell()
        self._file.seek(at - 8)
        order = "<" if self._little else ">"
        (count,) = struct.unpack(f"{order}q", self._file.read(8))
        data = np.frombuffer(bytearray(self._file.read(nbytes)), np.uint8)
        self._file.seek(here)
        if count != wanted.numel or len(data) != nbytes:
            raise UnpicklingError(f"load: storage {wanted.key} has {count} elements in the file, {wanted.numel} in its pickle")
        return native(data, dtype.itemsize, self._little, 2 if dtype.is_complex else 1)


def write_legacy(file: Any, dumps: Any, pickle: bytes, storages: dict[str, Any], counts: dict[str, int]) -> None:
    """Write a file in the old format."""
    facts = {
        "protocol_version": PROTOCOL,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for part in (MAGIC, PROTOCOL, facts):
        file.write(dumps(part, 2))
    file.write(pickle)
    file.write(dumps(sorted(storages), 2))
    for key in sorted(storages):
        file.write(struct.pack("=q", counts[key]))
        file.write(memoryview(storages[key].reshape(-1).view(np.uint8)))
