"""compile: a function is traced once for each kind of call, and replayed as one program afterwards.

See docs/decisions/a-trace-is-an-ordinary-call.md for the idea, and `function.py` for what makes calls alike.
"""

from __future__ import annotations

from typing import Any

from wengert.compiler.api import (
    allow_in_graph,
    compile,
    config,
    cudagraph_mark_step_begin,
    disable,
    is_compiling,
    is_dynamo_compiling,
    is_exporting,
    list_backends,
    reset,
    wait,
)

__all__ = [
    "allow_in_graph", "compile", "config", "cudagraph_mark_step_begin", "disable", "explain", "is_compiling",
    "is_dynamo_compiling", "is_exporting", "list_backends", "reset", "wait",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "explain":
        from wengert.compiler.explanation import explain  # brings LLVM

        return explain
    raise AttributeError(f"module 'wengert.compiler' has no attribute {name!r}")
