"""The steps from a graph to its compiled executable. Where object code is kept between them is the caller's affair."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Optional

import llvmlite
import llvmlite.binding as llvm

from wengert.backends.llvm import jit, operations, pool, product, tapes
from wengert.backends.llvm.direct_plan import panel
from wengert.backends.llvm.program import Compiled, abi_is_known, program_text
from wengert.backends.llvm.target import host
from wengert.graph import show
from wengert.graph.graph import Graph
from wengert.loops.arena import latest_first
from wengert.loops.attention import is_fused
from wengert.loops.lower import lower
from wengert.loops.nest import Program
from wengert.loops.panels import in_panels
from wengert.loops.show import show as show_program
from wengert.loops.strips import in_strips
from wengert.rewrite.definitions import Plain
from wengert.rewrite.pipeline import prepare
from wengert.settings import settings

# Gives the object code of an LLVM IR text: from a cache, or by the function that is handed over.
Objects = Callable[[str, Callable[[str], bytes]], bytes]


def fingerprint() -> str:
    """What object code depends on besides its text."""
    target = host()
    return f"{llvmlite.__version__} {llvm.llvm_version_info} {target.triple} {target.cpu} {target.features} whole addresses"


def compile_graph(graph: Graph, objects: Objects) -> Optional[Compiled]:
    """The graph as machine code; None where the memory layout of this Python's objects is unknown."""
    if not abi_is_known():
        return None
    if not product.is_loaded():
        product.load(objects(product.library_text(), product.compile_library))
        tapes.install(objects)
    plain = prepare(graph, is_fused)
    lowered = latest_first(loops(plain))
    text = program_text(lowered)
    if settings.dump:
        _dump(plain.graph, lowered, text)
    return Compiled(lowered, objects(text, jit.compile_object), graph)


def loops(plain: Plain) -> Program:
    """The program of a graph, in the order in which it was recorded."""
    strips = in_strips(lower(plain, operations.supports), pool.get_num_threads())
    return in_panels(strips, lambda itemsize: panel(host().lanes(itemsize)))


def _dump(graph: Graph, program: Program, text: str) -> None:
    """Write what `settings.dump` names to the standard error stream."""
    written = {"graph": lambda: show.show(graph, lines=True), "loops": lambda: show_program(program), "llvm": lambda: text}
    for word in settings.dump.split(","):
        sys.stderr.write(f"--- {word} ---\n{written[word]()}\n")
