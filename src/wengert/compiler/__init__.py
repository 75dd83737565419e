"""compile: a function is traced once for each kind of call, and replayed as one program afterwards.

See docs/decisions/a-trace-is-an-ordinary-call.md for the idea, and `function.py` for what makes calls alike.
"""

from __future__ import annotations

from wengert.compiler.api import compile, disable, is_compiling, reset, wait

__all__ = ["compile", "disable", "is_compiling", "reset", "wait"]
