"""The order of layers, as a table, and how to find a module's place in it.

A module may import from layers with a smaller number and from its own folder. `tests/test_layers.py` holds the sources
to this; `tests/size.py` counts lines by it.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "wengert"

# Number, title, and what stands there: modules and folders directly under src/wengert.
LAYERS: list[tuple[float, str, set[str]]] = [
    (0, "ground", {"absent", "errors", "settings", "dtypes", "shapes", "trees", "origin", "version"}),
    (1, "graph", {"graph"}),
    (2, "primitives", {"primitives"}),
    (3, "derive", {"derive"}),
    (4, "rewrite", {"rewrite"}),
    (5, "loops", {"loops"}),
    (6, "backends", {"backends"}),
    (7, "runtime", {"runtime"}),
    (8, "tensors", {"tensors"}),
    (9, "functions", {"functions", "profiler"}),
    (9.4, "waiting for the device", {"cpu"}),
    (9.5, "mixed precision", {"amp"}),
    (9.5, "names of devices and processes", {"accelerator", "distributed", "multiprocessing", "types"}),
    (9.5, "points that are spread evenly", {"quasirandom"}),
    (9.6, "names of devices", {"cuda", "mps", "xpu"}),
    (10, "calculus", {"autograd"}),
    (10.5, "transforms", {"func", "compiler"}),  # transformations of functions stand on autograd's hooks
    (11, "learning", {"nn", "utils", "testing"}),
    (11.2, "around modules", {"optim", "saving", "distributions", "onnx"}),  # they know what a Module or a Parameter is
    (11.3, "PyTorch's names for them", {"serialization"}),
    (11.5, "datasets", {"datasets"}),  # a data set is one of utils.data's, so it stands on that shelf
    (11.9, "names", {"__init__"}),  # the public names: above what they name, below the tools that use them
    (12, "faces", {"tf", "run", "privacy", "insight", "health"}),
    (13, "command", {"__main__"}),
]

NUMBER = {name: number for number, _, names in LAYERS for name in names}

# Third-party packages, and who may import them (files and folders under src/wengert; the ground and the graph are
# made of the standard library alone, but for dtypes.py).
THIRD_PARTY: dict[str, set[str]] = {
    "numpy": {name for name, number in NUMBER.items() if number >= 2} | {"dtypes"},
    "ml_dtypes": {"dtypes"},
    "scipy": {"primitives", "backends", "quasirandom"},
    "llvmlite": {"backends.llvm"},
    "safetensors": {"saving"},
    "rich": {"run"},
    "onnx": {"onnx"},
    "tensorboard": {"utils.tensorboard"},
    "matplotlib": {"utils.tensorboard"},
    "keras": {"tf"},
    "keras_wengert": {"run", "tf"},  # this repository's other package: the command tells it when a program imports keras
}


# Modules that bring a heavy package, or that few programs need, and so may be imported inside a function, by the first
# call that needs them.
ON_DEMAND = {
    "wengert.backends.llvm", "wengert.runtime.disk", "wengert.compiler", "wengert.compiler.fast",
    "wengert.compiler.explanation", "wengert.utils.tensorboard", "wengert.utils.tensorboard.summary",
}  # fmt: skip


def module_name(path: Path) -> str:
    """``src/wengert/graph/node.py`` -> ``wengert.graph.node``; a folder's ``__init__.py`` is the folder."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place(module: str) -> str:
    """The entry of `LAYERS` that holds `module`: ``wengert.graph.node`` -> ``graph``, ``wengert`` -> ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"
