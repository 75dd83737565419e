"""`keras.datasets.mnist` without a network: from the IDX files that MNIST is distributed in, where a program has them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from keras.src.backend import config

from wengert.datasets import MNIST


def load_offline(module: ModuleType) -> None:
    """Let `load_data`, of Keras's module of MNIST, look for IDX files before it downloads anything."""
    download = module.load_data

    @wraps(download)
    def load_data(path: str = "mnist.npz") -> Any:
        kept = Path(config.keras_home()) / "datasets" / path
        found = None if kept.exists() else from_idx()
        if found is not None:
            return found
        try:
            return download(path)
        except Exception as error:  # what `get_file` raises is no narrower
            places = ", ".join([str(folder / "mnist") for folder in folders()])
            raise RuntimeError(
                f"MNIST can't be loaded: {error}. Without a network, put its four IDX files into one of {places}, or "
                f"mnist.npz at {kept}"
            ) from error

    module.load_data = load_data


def from_idx() -> Any:
    """Training and test images and labels, as uint8 arrays; None where there are no files.

    Raises: RuntimeError when a file is damaged, or is another one.
    """
    for folder in folders():
        if MNIST.there(folder):
            parts = [MNIST(folder, train=train) for train in (True, False)]
            return tuple([(part.data.numpy(), part.targets.numpy().astype("uint8")) for part in parts])
    return None


def folders() -> Iterator[Path]:
    """Where a program may have its data: in a folder ``data`` beside it or where it runs, or right there."""
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    beside = [Path(program).resolve().parent] if program else []
    for place in (*beside, Path(os.getcwd())):
        yield from (place / "data", place)
