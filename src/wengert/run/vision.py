"""What ``import torchvision`` gives under ``wengert run``."""

from wengert import datasets
from wengert.datasets import transforms
from wengert.run.torch_version import vision as __version__

__path__: list[str] = []  # a package to the import system; the modules in it are found by alias.py
__all__ = ["__version__", "datasets", "transforms"]
