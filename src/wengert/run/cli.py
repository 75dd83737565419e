"""The command line: ``wengert run program.py``, ``wengert run -m module``, ``wengert info``, ``wengert --version``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from wengert import __version__
from wengert.run import alias, info, program
from wengert.run.progress import ProgressDisplay


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code. SystemExit from a program passes through."""
    parser, run_parser = parsers()
    options = parser.parse_args(arguments)
    if options.command == "info":
        print(info.report())
        return 0
    if not options.program:
        run_parser.error("which program? Give a Python file, or -m and a module")
    if options.program[0].startswith("-"):
        run_parser.error(f"unknown option {options.program[0]}; options of the program come after its name")
    return run(options.program[0], options.program[1:], as_module=options.module, progress=options.progress)


def parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The parser of the whole command, and that of ``run``."""
    parser = argparse.ArgumentParser(prog="wengert", description="A deep-learning framework; see `wengert run --help`.")
    parser.add_argument("--version", action="version", version=f"wengert {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    run_parser = commands.add_parser(
        "run",
        help="run a PyTorch program on wengert",
        description="Run an unmodified PyTorch program: its `import torch` and `import torchvision` give wengert.",
        usage="wengert run [-h] [--progress] (program.py | -m module) [arguments of the program ...]",
    )
    run_parser.add_argument("--progress", action="store_true", help="show a bar and the speed of each DataLoader")
    run_parser.add_argument("-m", dest="module", action="store_true", help="the program is a module, as in python -m")
    run_parser.add_argument("program", nargs=argparse.REMAINDER, help="the program and its arguments")
    commands.add_parser("info", help="print what this machine and this installation offer")
    return parser, run_parser


def run(name: str, arguments: list[str], *, as_module: bool, progress: bool) -> int:
    """Run one program under the alias."""
    alias.install()
    display = ProgressDisplay() if progress else None
    if display:
        display.start()
    try:
        return program.run_module(name, arguments) if as_module else program.run_file(name, arguments)
    except program.CannotRun as error:
        print(f"wengert run: {error}", file=sys.stderr)
        return 2
    finally:
        if display:
            display.stop(to=sys.stdout)
