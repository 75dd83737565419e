"""How Keras takes data sets of `wengert.tf.data`: as it takes TensorFlow's."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any, Optional

import numpy as np
from keras.src import tree
from keras.src.trainers.data_adapters import data_adapter_utils
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from wengert.tf.data import Dataset


def know_datasets(module: ModuleType) -> None:
    """Let `get_data_adapter`, of Keras's module of data adapters, know our data sets."""
    find = module.get_data_adapter

    def get_data_adapter(
        x: Any, y: Any = None, sample_weight: Any = None, batch_size: Any = None, steps_per_epoch: Any = None,
        shuffle: Any = False, class_weight: Any = None,
    ) -> Any:  # fmt: skip
        if not isinstance(x, Dataset):
            return find(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
        if y is not None:
            module.raise_unsupported_arg("y", "the targets", "tf.data.Dataset")
        if sample_weight is not None:
            module.raise_unsupported_arg("sample_weights", "the sample weights", "tf.data.Dataset")
        return DatasetAdapter(x, class_weight)

    module.get_data_adapter = get_data_adapter


class DatasetAdapter(DataAdapter):
    """Batches of a data set."""

    def __init__(self, dataset: Dataset, class_weight: Optional[dict[int, float]] = None) -> None:
        self.dataset, self.class_weight = dataset, class_weight

    def get_numpy_iterator(self) -> Iterator[Any]:
        """The batches of one pass."""
        batches: Iterator[Any] = iter(self.dataset)
        return batches if self.class_weight is None else map(self._weighed, batches)

    get_jax_iterator = get_numpy_iterator

    def _weighed(self, batch: Any) -> Any:
        """The batch with the weight of each sample's class."""
        x, y, weight = data_adapter_utils.unpack_x_y_sample_weight(batch)
        if weight is not None:
            raise ValueError("You cannot `class_weight` and `sample_weight` at the same time.")
        if tree.is_nested(y):
            raise ValueError("`class_weight` is only supported for Models with a single output.")
        return x, y, data_adapter_utils.class_weight_to_sample_weights(np.asarray(y), self.class_weight)

    @property
    def num_batches(self) -> Optional[int]:
        """How many there are, if that is known."""
        count = int(self.dataset.cardinality())
        return count if count >= 0 else None

    @property
    def batch_size(self) -> Optional[int]:
        """Samples in a batch, if that is known."""
        shape = tree.flatten(self.dataset.element_spec)[0].shape
        return shape[0] if len(shape) else None

    has_partial_batch = partial_batch_size = None
