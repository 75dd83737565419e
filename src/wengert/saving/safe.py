"""safetensors: a header of JSON that says where each tensor lies, then the tensors. No pickle, nothing to run.

    8 bytes   length n of the header, little-endian
    n bytes   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ..., "__metadata__": {...}}
    the rest  the tensors, row-major, little-endian, without gaps

Source: the format's description in the safetensors repository. Done here, because that package's NumPy side lacks bfloat16,
copies everything twice, and has changed its interface; errors are the package's own.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any, Optional

import numpy as np
from safetensors import SafetensorError

from wengert import dtypes
from wengert.dtypes import DType
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.runtime.flush import value_of
from wengert.saving.files import written_at_once
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Tensor, wrap

_CODES: dict[str, DType] = {
    "BOOL": dtypes.bool_, "U8": dtypes.uint8, "I8": dtypes.int8, "I16": dtypes.int16, "I32": dtypes.int32,
    "I64": dtypes.int64, "F16": dtypes.float16, "BF16": dtypes.bfloat16, "F32": dtypes.float32, "F64": dtypes.float64,
    "C64": dtypes.complex64, "U16": dtypes.uint16, "U32": dtypes.uint32, "U64": dtypes.uint64,
    "F8_E4M3": dtypes.float8_e4m3fn, "F8_E5M2": dtypes.float8_e5m2,
}  # fmt: skip
_NAMES = {dtype: code for code, dtype in _CODES.items()}
_HEADER_LIMIT = 100_000_000


def save_file(tensors: dict[str, Tensor], filename: Any, metadata: Optional[dict[str, str]] = None) -> None:
    """Write named tensors to a safetensors file: as a whole or not at all, also if the process is killed.

    metadata: text by name, kept in the header.

    Raises: ValueError for what is no dict of names and tensors, tensors of dtypes that the format lacks, and tensors that
    share memory (the format would forget that they do).
    """
    header, arrays = _laid_out(tensors, metadata)
    with written_at_once(filename) as file:
        file.write(header)
        for array in arrays:
            file.write(memoryview(array))


def save(tensors: dict[str, Tensor], metadata: Optional[dict[str, str]] = None) -> bytes:
    """As `save_file`, into memory."""
    header, arrays = _laid_out(tensors, metadata)
    return b"".join([header, *[memoryview(array) for array in arrays]])


def _laid_out(tensors: Any, metadata: Optional[dict[str, str]]) -> tuple[bytes, list[Any]]:
    """The header, and the bytes of the tensors in their order: the widest dtype first, so that each lies aligned."""
    _check(tensors, metadata)
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    arrays: list[Any] = []
    at = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        array = np.ascontiguousarray(value_of(tensor._current()))
        if sys.byteorder == "big" and tensor.dtype.itemsize > 1:
            array = array.byteswap()
        arrays.append(array.reshape(-1).view(np.uint8))
        end = at + array.nbytes
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, arrays


def _check(tensors: Any, metadata: Any) -> None:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, Tensor] but received {type(tensors).__name__}")
    if metadata is not None and not all([isinstance(part, str) for pair in metadata.items() for part in pair]):
        raise TypeError("save_file: metadata must be a dict of text by text")
    memories: dict[int, list[str]] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or not isinstance(name, str) or name == "__metadata__":
            raise ValueError(f"Key `{name}` is invalid, expected a Tensor but received {type(tensor).__name__}")
        if tensor.dtype not in _NAMES:
            raise ValueError(f"Key `{name}` has dtype {tensor.dtype}, which safetensors does not have")
        if tensor.numel():
            memory = tensor if tensor._link is None else tensor._link.cell
            memories.setdefault(id(memory), []).append(name)
    shared = [names for names in memories.values() if len(names) > 1]
    if shared:
        raise ValueError(
            f"Some tensors share memory, which safetensors cannot say: {shared}. Save one of each, or clones of them."
        )


def load_file(filename: Any, device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name.

    Raises: SafetensorError for a file that is damaged or lies about its content; RuntimeError for another device.
    """
    check_device(device)
    return _tensors(np.fromfile(filename, np.uint8))


def load(data: bytes) -> dict[str, Tensor]:
    """As `load_file`, from memory."""
    return _tensors(np.frombuffer(bytearray(data), np.uint8))


def load_metadata(filename: Any) -> dict[str, str]:
    """The text that `save_file` was given as metadata."""
    found, _ = _header(np.fromfile(filename, np.uint8))
    return dict(found.get("__metadata__", {}))


def _header(data: Any) -> tuple[dict[str, Any], Any]:
    """The header, and the bytes after it."""
    if data.nbytes < 8:
        raise SafetensorError("load_file: the file is too short for a safetensors header")
    length = int.from_bytes(bytes(data[:8]), "little")
    if length > _HEADER_LIMIT or 8 + length > data.nbytes:
        raise SafetensorError(f"load_file: the header should have {length} bytes, more than there are; the file is damaged")
    try:
        header = json.loads(bytes(data[8 : 8 + length]).decode("utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise SafetensorError(f"load_file: the header is damaged ({error})") from error
    if not isinstance(header, dict):
        raise SafetensorError("load_file: the header is damaged: it is no JSON object")
    return header, data[8 + length :]


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name occurs twice")
    return made


def _tensors(data: Any) -> dict[str, Tensor]:
    header, rest = _header(data)
    entries = {name: _checked(name, entry) for name, entry in header.items() if name != "__metadata__"}
    at = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != at:
            raise SafetensorError(f"load_file: tensor {name!r} should begin at byte {at} of the data, not {begin}")
        at = end
    if at != rest.nbytes:
        raise SafetensorError(f"load_file: the header describes {at} bytes, but the file has {rest.nbytes}; it is damaged")
    return {name: _tensor(rest[begin:end], shape, dtype) for name, (shape, dtype, begin, end) in entries.items()}


def _checked(name: str, entry: Any) -> tuple[tuple[int, ...], DType, int, int]:
    """Shape, dtype and place of one tensor, which agree with one another."""
    good = isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"}
    good = good and isinstance(entry["shape"], list) and isinstance(entry["data_offsets"], list)
    if not good or str(entry["dtype"]) not in _CODES or len(entry["data_offsets"]) != 2:
        raise SafetensorError(f"load_file: tensor {name!r} is described as {entry!r}, which wengert can't read")
    shape, (begin, end), dtype = tuple(entry["shape"]), entry["data_offsets"], _CODES[entry["dtype"]]
    if not all([type(n) is int and n >= 0 for n in (*shape, begin, end)]) or len(shape) > 64:
        raise SafetensorError(f"load_file: tensor {name!r} has an impossible shape or place: {entry!r}")
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise SafetensorError(f"load_file: tensor {name!r} of shape {list(shape)} and {dtype} can't have {end - begin} bytes")
    return shape, dtype, begin, end


def _tensor(part: Any, shape: tuple[int, ...], dtype: DType) -> Tensor:
    """A tensor in memory of its own, aligned and in this machine's byte order."""
    array = np.empty(shape, dtype.numpy)
    array.reshape(-1).view(np.uint8)[...] = part
    if sys.byteorder == "big" and dtype.itemsize > 1:
        array = array.byteswap()
    return wrap(literal(array, array_type(shape, dtype)))
