"""What is done to images between a data set and a network, by torchvision's names.

The images of a data set are *pictures*, NumPy arrays (rows, columns[, channels]) in the place of PIL images; `ToTensor`
makes tensors of them. Every transform but `Lambda` and `Grayscale` also takes a whole batch at once, which is how
`DataLoader` reads an array-backed data set.
"""

from wengert.datasets.transforms import functional
from wengert.datasets.transforms.compose import Compose, Lambda, batch_form
from wengert.datasets.transforms.geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    Resize,
)
from wengert.datasets.transforms.resampling import InterpolationMode
from wengert.datasets.transforms.values import ConvertImageDtype, Grayscale, Normalize, PILToTensor, ToTensor

__all__ = [
    "Compose", "ToTensor", "PILToTensor", "Normalize", "ConvertImageDtype", "Grayscale", "Lambda",
    "CenterCrop", "Pad", "RandomCrop", "RandomHorizontalFlip", "RandomVerticalFlip", "Resize",
    "InterpolationMode", "functional", "batch_form",
]  # fmt: skip
