"""MNIST: 70,000 handwritten digits, 28 x 28 pixels.

Y. LeCun, C. Cortes, C. J. C. Burges; described in LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86 (11), 1998. Licence: CC BY-SA 3.0.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wengert.datasets.download import fetch
from wengert.datasets.idx import read_idx
from wengert.datasets.transforms import batch_form
from wengert.tensors.tensor import Tensor
from wengert.utils.data import Dataset
from wengert.utils.data.rows import of_array, rows

Array = np.ndarray[Any, Any]

# SHA-256 of each file's uncompressed content, the same however a copy was compressed.
CHECKSUM = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class MNIST(Dataset):
    """Handwritten digits and what they say.

    Args:
        root: where the files are: this folder, or ``mnist`` or ``MNIST/raw`` in it; compressed (``.gz``) or not.
        train: the 60,000 images to learn from, or the 10,000 to test with.
        transform: what to make of an image, a NumPy array (28, 28) of 8-bit grey in the place of a PIL image.
        target_transform: what to make of a label, an int from 0 to 9.
        download: fetch missing files into ``root/MNIST/raw`` (about 12 MB in all).

    Attributes: `data`, uint8 (n, 28, 28), and `targets`, int64 (n,), which may be changed or replaced; `classes`;
    `class_to_idx`.

    Raises: RuntimeError when a file is missing, truncated, damaged or another one, or can't be fetched.

    Where every transform can take a batch at once, a `DataLoader` reads whole batches (`__getbatch__`).
    """

    mirrors = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    classes = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
    ]  # fmt: skip

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        for name, function in (("transform", transform), ("target_transform", target_transform)):
            if function is not None and not callable(function):
                raise TypeError(f"MNIST: {name} should be a function of one argument; got {type(function).__name__}")
        self.root = Path(root).expanduser()
        self.train = bool(train)
        self.transform, self.target_transform = transform, target_transform
        if download:
            self.download()
        part = "train" if self.train else "t10k"
        self.data = of_array(self._read(f"{part}-images-idx3-ubyte"))
        self.targets = of_array(self._read(f"{part}-labels-idx1-ubyte").astype(np.int64))

    @property
    def raw_folder(self) -> Path:
        """Where `download` puts the files."""
        return self.root / "MNIST" / "raw"

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class."""
        return {name: label for label, name in enumerate(self.classes)}

    def download(self) -> None:
        """Fetch the files that are not there. Raises: RuntimeError when no mirror gives one."""
        for name, checksum in CHECKSUM.items():
            if self._find(name) is None:
                fetch(f"{name}.gz", self.mirrors, self.raw_folder, partial(read_idx, sha256=checksum))

    @classmethod
    def there(cls, root: str | os.PathLike[str]) -> bool:
        """Whether all files are at a root."""
        found = cls.__new__(cls)
        found.root = Path(root).expanduser()
        return all([found._find(name) is not None for name in CHECKSUM])

    def _find(self, name: str) -> Path | None:
        """The file `name`, plain or compressed, in one of the folders where it may be."""
        folders = (self.raw_folder, self.root / "mnist", self.root)
        paths = (folder / f"{name}{end}" for folder in folders for end in ("", ".gz"))
        return next((path for path in paths if path.is_file()), None)

    def _read(self, name: str) -> Array:
        path = self._find(name)
        if path is None:
            raise RuntimeError(
                f"MNIST: Dataset not found: there is no {name} or {name}.gz in {self.root}, {self.root / 'mnist'} or "
                f"{self.raw_folder}. You can use download=True to download it"
            )
        return read_idx(path, CHECKSUM[name])

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """The image and label at `index`, transformed. Raises: IndexError, TypeError."""
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"MNIST: index {position} is out of range; there are {len(self)} images")
        img: Any = np.array(self.data._array()[position])  # the transform's own, to change as it likes
        target: Any = int(self.targets._array()[position])
        if self.transform is not None:
            img = self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target

    def __getbatch__(self, indices: Array) -> Any:
        """The samples at `indices`, transformed and stacked: images and labels, as the default collation gives them.
        NotImplemented when a transform takes single samples only.

        Raises: IndexError, when one of the indices is out of range.
        """
        whole = batch_form(self.transform)
        if whole is None or self.target_transform is not None:
            return NotImplemented
        images, labels = rows(self.data, indices), rows(self.targets, indices)
        if self.transform is not None:
            images = whole(images._array())
        return images if isinstance(images, Tensor) else of_array(np.ascontiguousarray(images)), labels

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"Number of datapoints: {len(self)}",
            f"Root location: {self.root}",
            f"Split: {'Train' if self.train else 'Test'}",
        ]
        if self.transform is not None:
            lines.append("Transform: " + f"{self.transform!r}".replace("\n", "\n    "))
        if self.target_transform is not None:
            lines.append(f"Target transform: {self.target_transform!r}")
        return "\n    ".join(lines)
