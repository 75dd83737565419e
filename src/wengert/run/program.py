"""Running a program the way Python does: as ``__main__``, with its own arguments, path, tracebacks and exit code."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType, TracebackType

INTERRUPTED = 130  # the shell's code for a program that Ctrl-C has ended

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class CannotRun(Exception):
    """There is no such program; the message says why."""


def run_file(path: str, arguments: list[str]) -> int:
    """Run the Python file at `path` as ``python path arguments`` would, and return its exit code.

    Raises: CannotRun when the file can't be read; SystemExit when the program exits by itself.
    """
    file_name = os.path.abspath(path)
    try:
        with io.open_code(file_name) as file:
            source = file.read()
    except OSError as error:
        raise CannotRun(f"can't open {path!r}: {error.strerror}") from None
    sys.argv[:] = [path, *arguments]
    set_first_path(os.path.dirname(os.path.realpath(path)))
    main = new_main(file_name, None)
    try:
        code = compile(source, file_name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, before Python 3.12
        return report(error)
    return execute(code, main)


def run_module(name: str, arguments: list[str]) -> int:
    """Run the module `name` as ``python -m name arguments`` would, and return its exit code.

    Raises: CannotRun when there is no such module; SystemExit when the program exits by itself.
    """
    sys.argv[:] = ["-m", *arguments]
    set_first_path(os.getcwd())
    try:
        spec, code = find_code(name)
    except CannotRun:
        raise
    except BaseException as error:  # noqa: BLE001 - the program's own package failed to import
        return report(error)
    sys.argv[0] = str(spec.origin)
    return execute(code, new_main(str(spec.origin), spec))


def find_code(name: str) -> tuple[ModuleSpec, CodeType]:
    """The spec and code of a module; of a package, those of its ``__main__``."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):
            raise CannotRun(f"can't find module {name!r}: {error}") from None
        raise
    code = getattr(spec.loader, "get_code", lambda _: None)(name) if spec is not None else None
    if spec is None or code is None:
        raise CannotRun(f"can't find Python code of a module named {name!r}")
    return spec, code


def set_first_path(folder: str) -> None:
    """Put the program's folder where Python has put that of this command (nowhere, in safe-path mode)."""
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]
    sys.path.insert(0, folder)


def new_main(path: str, spec: ModuleSpec | None) -> ModuleType:
    """A fresh ``__main__``, where pickle and multiprocessing will look for it too."""
    main = ModuleType("__main__")
    main.__file__ = path
    main.__spec__ = spec
    main.__loader__ = spec.loader if spec else None
    main.__package__ = spec.parent if spec else None
    vars(main)["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    return main


def execute(code: CodeType, main: ModuleType) -> int:
    """Run `code` as the module `main`: 0, 1 after an uncaught error (which is printed), 130 after Ctrl-C."""
    try:
        exec(code, vars(main))
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the program let through is reported as Python reports it
        return report(error)
    return 0


def report(error: BaseException) -> int:
    """Print the program's traceback, without the frames of the command that runs it, and return the exit code."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link.__traceback__ = program_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
    sys.excepthook(type(error), error, error.__traceback__)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def program_frames(trace: TracebackType | None) -> TracebackType | None:
    """The same traceback without frames of this folder and of the import machinery."""
    kept: list[TracebackType] = []
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith((_HERE, "<frozen importlib")):
            kept.append(trace)
        trace = trace.tb_next
    for here, below in zip(kept, [*kept[1:], None]):
        here.tb_next = below
    return kept[0] if kept else None
