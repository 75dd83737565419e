"""Layers import downwards only: every import in src/wengert is read, also those inside functions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.layers import NUMBER, ON_DEMAND, PACKAGE, ROOT, THIRD_PARTY, module_name, place


class Import(NamedTuple):
    """One import: who, whom, on which line, whether it waits inside a function, whether it is for annotations only."""

    path: Path
    importer: str
    target: str
    line: int
    inside_function: bool
    for_types: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = {module_name(path) for path in SOURCES}


def imports_of(path: Path, source: str | None = None) -> Iterator[Import]:
    """Every import statement of a file, relative ones resolved, ``from a import b`` as a.b where that is a module."""
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8") if source is None else source)
    deferred = inner_nodes(tree, lambda node: isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    for_types = inner_nodes(tree, lambda node: isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
                base = f"{above}.{base}" if base else above
            targets = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names
            ]
        else:
            continue
        for target in dict.fromkeys(targets):
            yield Import(path, name, target, node.lineno, node in deferred, node in for_types)


def inner_nodes(tree: ast.AST, chosen: Callable[[ast.AST], bool]) -> set[ast.AST]:
    """Everything inside the statements that `chosen` picks."""
    return {inner for outer in ast.walk(tree) if chosen(outer) for inner in ast.walk(outer)}


def breach(found: Import) -> str | None:
    """What is wrong with one import, or None."""
    own, (root, *_) = place(found.importer), found.target.split(".")
    if own not in NUMBER:
        return f"{found}: wengert.{own} has no layer yet; give it one in tests/layers.py"
    if root != "wengert":
        return third_party_breach(found, root)
    if found.inside_function and not on_demand(found):
        return f"{found}: imports {found.target} inside a function; that hides a cycle, mend the layers instead"
    other = place(found.target)
    if other not in NUMBER:
        return f"{found}: {found.target} has no layer; does it exist?"
    if NUMBER[other] > NUMBER[own] or (NUMBER[other] == NUMBER[own] > 0 and other != own):
        return (
            f"{found}: {found.importer} (layer {NUMBER[own]:g}) imports {found.target} (layer {NUMBER[other]:g}); only "
            f"layers below its own and its own folder are open to it"
        )
    return None


def on_demand(found: Import) -> bool:
    """Whether the import waits because what it brings is heavy, not because it would go round in a circle."""
    return any(found.target.startswith(name) and not found.importer.startswith(name) for name in ON_DEMAND)


def third_party_breach(found: Import, root: str) -> str | None:
    if root in sys.stdlib_module_names or root == "__future__":
        return None
    allowed = THIRD_PARTY.get(root)
    if allowed is None:
        return f"{found}: {root} is not among the packages that wengert may import"
    within = found.importer.removeprefix("wengert").removeprefix(".") or "__init__"
    if not any(within == name or within.startswith(f"{name}.") for name in allowed):
        return f"{found}: {root} may be imported only in {', '.join(sorted(allowed))}"
    return None


def first_cycle(edges: dict[str, set[str]]) -> list[str] | None:
    """One cycle of a directed graph as a list of its members, or None. Depth first, without recursion."""
    finished: set[str] = set()
    for start in edges:
        trail: list[str] = []
        stack = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                finished.add(trail.pop())
            elif name in trail:
                return [*trail[trail.index(name) :], name]
            elif name not in finished:
                trail.append(name)
                stack.append((name, True))
                stack.extend((following, False) for following in sorted(edges.get(name, ())))
    return None


def test_every_import_goes_down_the_layers():
    breaches = [text for path in SOURCES for found in imports_of(path) if (text := breach(found))]
    assert not breaches, "\n" + "\n".join(breaches)


def test_no_modules_import_each_other_in_a_circle():
    edges: dict[str, set[str]] = {}
    for path in SOURCES:
        for found in imports_of(path):
            if found.target in MODULES and not found.for_types:
                edges.setdefault(found.importer, set()).add(found.target)
    cycle = first_cycle(edges)
    assert cycle is None, "imports in a circle: " + " -> ".join(cycle or [])


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("graph/node.py", "from wengert.primitives import arithmetic"),
        ("graph/node.py", "import wengert.runtime.flush"),
        ("graph/node.py", "from ..runtime.flush import flush"),
        ("graph/node.py", "def f():\n    from wengert.tensors.tensor import Tensor"),
        ("graph/node.py", "def f():\n    from wengert.errors import ShapeError"),
        ("graph/node.py", "import numpy"),
        ("errors.py", "import numpy as np"),
        ("autograd/backward.py", "from wengert.func import vjp"),
        ("backends/interpreter.py", "import llvmlite"),
        ("nn/module.py", "import rich"),
        ("nn/module.py", "import torch"),
        ("novelty/module.py", "import os"),
        ("nn/module.py", "import wengert"),
    ],
)
def test_a_breach_is_seen(file, source):
    (found,) = imports_of(PACKAGE / file, source)
    assert breach(found)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("graph/node.py", "from __future__ import annotations"),
        ("graph/node.py", "from wengert.errors import ShapeError"),
        ("graph/node.py", "from .rule import Primitive"),
        ("dtypes.py", "import numpy as np"),
        ("dtypes.py", "def f():\n    import ml_dtypes"),
        ("dtypes.py", "from wengert.settings import settings"),
        ("backends/llvm/emit.py", "from llvmlite import ir"),
        ("tensors/tensor.py", "import numpy.typing"),
        ("datasets/mnist.py", "from wengert.utils.data import Dataset"),
        ("run/progress.py", "from rich.progress import Progress"),
        ("run/alias.py", "import wengert"),
        ("runtime/tiers.py", "def f():\n    from wengert.backends.llvm import jit"),
        ("__init__.py", "from wengert.nn import functional"),
    ],
)
def test_a_legal_import_is_let_through(file, source):
    (found,) = imports_of(PACKAGE / file, source)
    assert breach(found) is None


def test_a_circle_is_seen():
    assert first_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert first_cycle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) is None
