"""PyTorch's checkpoint file: a zip archive with a pickle and one uncompressed record for each storage.

    <name>/data.pkl      the object; its storages are persistent ids ("storage", type, key, location, numel)
    <name>/byteorder     "little" or "big"
    <name>/data/<key>    a storage, beginning at a multiple of 64 bytes
    <name>/version       "3"
"""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import zipfile
from pickle import UnpicklingError
from typing import Any, Optional

import numpy as np

from wengert.saving.storages import StorageId, native

ALIGNMENT = 64
_LOCAL_HEADER = 30  # bytes, before the name and the extra field
_PADDING = 0x4246  # "FB": the extra field that PyTorch pads with


class Archive:
    """An archive to read from. `path` is needed for `mmap` only.

    Raises: RuntimeError when the file is no proper zip archive; UnpicklingError when it is none of PyTorch's.
    """

    def __init__(self, file: Any, path: Optional[str] = None, mmap: bool = False) -> None:
        self._size = file.seek(0, io.SEEK_END)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, struct.error) as error:
            raise RuntimeError(
                f"load: failed reading the zip archive ({error}). The file is truncated or damaged; copy it anew."
            ) from error
        self._records = {info.filename: info for info in self._zip.infolist()}
        self._check_sizes()
        pickles = [name for name in self._records if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise UnpicklingError("load: this zip archive is no checkpoint of PyTorch's: it has no data.pkl")
        self._root = pickles[0].partition("/")[0]
        if f"{self._root}/constants.pkl" in self._records:
            raise UnpicklingError("load: this is a TorchScript archive; load its state_dict in PyTorch, and save that")
        order = self._optional("byteorder")
        if order not in (None, b"little", b"big"):
            raise UnpicklingError(f"load: the checkpoint has the unknown byte order {order!r}")
        self._little = order != b"big"
        self._map = np.memmap(path, np.uint8, "c") if mmap and path is not None and self._size else None

    def _check_sizes(self) -> None:
        """No record is compressed, and together they are no larger than the file: nothing unpacks to more than it is."""
        for info in self._records.values():
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
                raise UnpicklingError(
                    f"load: record {info.filename} is compressed or encrypted, which PyTorch never does; unpack the archive "
                    "and pack it without compression (zip -0) if you trust it"
                )
        if sum([info.file_size for info in self._zip.infolist()]) > self._size:
            raise UnpicklingError("load: the records of this archive overlap; it is damaged or made to do harm")

    def pickle(self) -> bytes:
        """The pickle of the object."""
        return bytes(self._read(self._records[f"{self._root}/data.pkl"]))

    def _optional(self, name: str) -> Optional[bytes]:
        info = self._records.get(f"{self._root}/{name}")
        return None if info is None else bytes(self._read(info)).strip()

    def storage(self, wanted: StorageId) -> Any:
        """The bytes of a storage: an array of uint8 in memory of its own, or of a private map of the file.

        Raises: UnpicklingError when the record is missing or has another length; RuntimeError when it is damaged.
        """
        info = self._records.get(f"{self._root}/data/{wanted.key}")
        if info is None:
            raise UnpicklingError(f"load: the checkpoint has no record for storage {wanted.key}; it is damaged")
        if info.file_size != wanted.nbytes:
            raise UnpicklingError(
                f"load: storage {wanted.key} should have {wanted.nbytes} bytes ({wanted.numel} elements of "
                f"{wanted.type.name}), but its record has {info.file_size}; the file is damaged or made to do harm"
            )
        data = None if self._map is None else self._mapped(info)
        if data is None:
            data = self._read(info)
        dtype = wanted.type.dtype
        return native(data, 1 if dtype is None else dtype.itemsize, self._little, 2 if dtype and dtype.is_complex else 1)

    def _mapped(self, info: zipfile.ZipInfo) -> Any:
        """A view of the mapped file; None where it does not lie as an array has to."""
        assert self._map is not None
        begin = info.header_offset
        header = bytes(self._map[begin : begin + _LOCAL_HEADER])
        if len(header) != _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
            raise RuntimeError(f"load: record {info.filename} is damaged: it does not begin where the archive says")
        begin += _LOCAL_HEADER + sum(struct.unpack("<HH", header[26:30]))
        if begin + info.file_size > self._size:
            raise RuntimeError(f"load: record {info.filename} reaches beyond the end of the file; it is truncated")
        return None if begin % 16 else self._map[begin : begin + info.file_size]

    def _read(self, info: zipfile.ZipInfo) -> Any:
        """A record in memory of its own; its checksum is compared."""
        data = np.empty(info.file_size, np.uint8)
        into, done = memoryview(data), 0  # type: ignore[arg-type]
        try:
            with self._zip.open(info) as record:
                while done < len(into):
                    count = record.readinto(into[done:])
                    if not count:
                        break
                    done += count
                record.read(1)  # at the end the checksum is compared
        except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
            raise RuntimeError(f"load: record {info.filename} is damaged ({error}); copy the file anew") from error
        if done != len(into):
            raise RuntimeError(f"load: record {info.filename} is truncated; copy the file anew")
        return data


def write_archive(file: Any, name: str, pickle: bytes, storages: dict[str, Any]) -> None:
    """Write a checkpoint: the pickle, and each storage (a C-contiguous array) under its key."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        _write(archive, f"{name}/data.pkl", pickle)
        _write(archive, f"{name}/.format_version", b"1")
        _write(archive, f"{name}/.storage_alignment", str(ALIGNMENT).encode())
        _write(archive, f"{name}/byteorder", sys.byteorder.encode())
        for key, array in storages.items():
            _write(archive, f"{name}/data/{key}", memoryview(array.reshape(-1).view(np.uint8)))
        _write(archive, f"{name}/version", b"3\n")


_LARGE = 0x7FFFFFFF  # above it zipfile puts a field of 20 bytes with 64-bit sizes before ours
_CHUNK = 1 << 24


def _write(archive: zipfile.ZipFile, name: str, data: Any) -> None:
    """One record, whose bytes begin at a multiple of 64."""
    info = zipfile.ZipInfo(name)
    info.file_size = len(data)
    large = math.ceil(len(data) * 1.05) > _LARGE
    begin = archive.fp.tell() + _LOCAL_HEADER + len(name.encode()) + 4 + 20 * large
    padding = -begin % ALIGNMENT
    info.extra = struct.pack("<HH", _PADDING, padding) + b"Z" * padding
    with archive.open(info, "w", force_zip64=large) as record:
        for start in range(0, len(data), _CHUNK):
            record.write(data[start : start + _CHUNK])


def name_of(path: str) -> str:
    """The folder inside the archive: the file's name without its ending, as PyTorch calls it."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return stem if stem.isprintable() and stem and "/" not in stem else "archive"
