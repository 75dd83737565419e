"""What ``import torchvision`` gives under ``wengert run``."""

from wengert import __version__, datasets
from wengert.datasets import transforms

__path__: list[str] = []  # a package to the import system; the modules in it are found by alias.py
__all__ = ["__version__", "datasets", "transforms"]
