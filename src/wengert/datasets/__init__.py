"""Data sets by torchvision's names, and the transforms of their images."""

from wengert.datasets import transforms
from wengert.datasets.mnist import MNIST

__all__ = ["MNIST", "transforms"]
