"""`save` and `load`: checkpoints that PyTorch reads and writes too."""

from __future__ import annotations

import io
import os
import pickle as standard
from contextlib import ExitStack
from typing import Any, Optional, Union

from wengert.saving import safe
from wengert.saving.allowed import build, find, find_also_modules, get_safe_globals
from wengert.saving.archive import Archive, name_of, write_archive
from wengert.saving.files import is_path, written_at_once
from wengert.saving.legacy import Legacy, write_legacy
from wengert.saving.machine import Machine, Scanner
from wengert.saving.pickler import pickled
from wengert.saving.storages import Storage, placed, storage_id

_SAVED_LIMIT = 100_000_000  # bytes of a safetensors header


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object to a file that PyTorch's ``torch.load(weights_only=True)`` reads as well.

    obj: tensors, numbers, text, and containers of them: a `state_dict`. Tensors that share memory share it in the file.
    f: a path (the file is there as a whole or not at all, also if the process is killed), or an open binary file.
    pickle_protocol: of the pickle inside; PyTorch's own reader knows 2.
    pickle_module: accepted for PyTorch's programs; only the standard one.

    Raises: RuntimeError when the folder does not exist, and for tensors that show one memory as different dtypes;
    TypeError when f is neither path nor file; PicklingError for what no file can hold (a lambda).
    """
    if pickle_module not in (None, standard):
        raise ValueError(f"save: only Python's own pickle is supported as pickle_module, not {pickle_module!r}")
    if not is_path(f) and not hasattr(f, "write"):
        raise TypeError(f"save: expected a path or a file to write to, but got {type(f).__name__}")
    data, pickler = pickled(obj, pickle_protocol, old=not _use_new_zipfile_serialization)
    with ExitStack() as stack:
        file = stack.enter_context(written_at_once(f)) if is_path(f) else f
        if _use_new_zipfile_serialization:
            write_archive(file, name_of(os.fspath(f)) if is_path(f) else "archive", data, pickler.storages)
        else:
            write_legacy(file, standard.dumps, data, pickler.storages, pickler.counts)


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: Optional[bool] = None,
    mmap: Optional[bool] = None,
    encoding: str = "utf-8",
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` wrote here or in PyTorch (any version since 0.2), or a safetensors file. Never runs code from it.

    f: a path, or an open binary file that can seek.
    map_location: where storages of other devices should go: "cpu", a device, a dict of locations, or a function of
        (storage, location).
    weights_only: False lets the file also name `nn.Module` classes that the program has imported. Whatever else it asks
        for must be allowed by `serialization.add_safe_globals`, whichever the choice.
    mmap: show the file's memory instead of reading it; f must be a path.
    encoding: of byte strings from Python 2.

    Raises: pickle.UnpicklingError for a file that asks for what is not allowed, or is damaged; RuntimeError for a damaged
    archive, and for storages on devices that are not here; EOFError for an empty file.
    """
    if pickle_module not in (None, standard):
        raise ValueError(f"load: only the restricted reader is used here, not pickle_module {pickle_module!r}")
    if pickle_load_args:
        raise TypeError(f"load: unknown arguments {', '.join(pickle_load_args)}")
    if mmap and not is_path(f):
        raise ValueError(f"f must be a file path in order to use the mmap argument, but got {type(f).__name__}")
    with ExitStack() as stack:
        file = stack.enter_context(open(f, "rb")) if is_path(f) else _seekable(f)
        if _is_safetensors(file):
            return safe.load_file(f) if is_path(f) else safe.load(file.read())
        source = _source(file, os.fspath(f) if is_path(f) else None, bool(mmap))
        return _read(source, map_location, find_also_modules if weights_only is False else find, encoding)


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The globals that a file asks for and `load` refuses, by their full paths."""
    with ExitStack() as stack:
        file = stack.enter_context(open(f, "rb")) if is_path(f) else _seekable(f)
        scanner = Scanner()
        scanner.load(_source(file, None, False).pickle())
        return [path for path in scanner.globals if not _is_allowed(path)]


def _is_allowed(path: str) -> bool:
    try:
        find(path)
    except standard.UnpicklingError:
        return False
    return True


def _seekable(f: Any) -> Any:
    if not (hasattr(f, "read") and hasattr(f, "seek") and hasattr(f, "tell")):
        raise AttributeError(
            f"load: expected a path or a file that can read, seek and tell, but got {type(f).__name__}. Read it into a "
            "buffer such as io.BytesIO first."
        )
    return f


def _is_safetensors(file: Any) -> bool:
    begin = file.tell()
    head = file.read(9)
    file.seek(begin)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") <= _SAVED_LIMIT


def _source(file: Any, path: Optional[str], mmap: bool) -> Union[Archive, Legacy]:
    begin = file.tell()
    head = file.read(4)
    file.seek(begin)
    if not head:
        raise EOFError("load: the file is empty")
    if head == b"PK\x03\x04":
        if begin:
            file = io.BytesIO(file.read())
        return Archive(file, path, mmap)
    if mmap:
        raise RuntimeError("mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True)`")
    return Legacy(file)


def _read(source: Union[Archive, Legacy], map_location: Any, finder: Any, encoding: str) -> Any:
    storages: dict[str, Storage] = {}

    def storage(pid: Any) -> Storage:
        described = storage_id(pid)
        found = storages.get(described.key)
        if found is None:
            found = Storage(described, source.storage(described))
            found = storages[described.key] = placed(found, described.location, map_location)
        elif found._described[:2] != described[:2] or found._described.numel != described.numel:
            raise standard.UnpicklingError(f"load: storage {described.key} is described in two ways; the file is damaged")
        return found

    return Machine(finder, storage, build, encoding).load(source.pickle())


__all__ = ["save", "load", "get_unsafe_globals_in_checkpoint", "get_safe_globals"]
