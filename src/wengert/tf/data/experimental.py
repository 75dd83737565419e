"""tf.data.experimental: older names of what `Dataset` has as methods, and a few of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

from wengert.tf.data.arranging import Counted
from wengert.tf.data.dataset import AUTOTUNE, Dataset
from wengert.tf.data.iterator import OptionalValue as Optional
from wengert.tf.data.options import (
    AutoShardPolicy,
    AutotuneOptions,
    DistributeOptions,
    OptimizationOptions,
    ThreadingOptions,
)
from wengert.tf.data.stage import INFINITE as INFINITE_CARDINALITY, UNKNOWN as UNKNOWN_CARDINALITY
from wengert.tf.dtypes import int64

Transformation = Callable[[Dataset], Dataset]


def _applied(method: str) -> Callable[..., Transformation]:
    def transformation(*args: Any, **kwargs: Any) -> Transformation:
        return lambda dataset: getattr(dataset, method)(*args, **kwargs)

    transformation.__name__ = method
    transformation.__doc__ = f"For `Dataset.apply`: `Dataset.{method}` with these arguments."
    return transformation


bucket_by_sequence_length = _applied("bucket_by_sequence_length")
enumerate_dataset = _applied("enumerate")
group_by_window = _applied("group_by_window")
ignore_errors = _applied("ignore_errors")
scan = _applied("scan")
take_while = _applied("take_while")
unbatch = _applied("unbatch")
unique = _applied("unique")

choose_from_datasets = Dataset.choose_from_datasets
sample_from_datasets = Dataset.sample_from_datasets


def assert_cardinality(expected_cardinality: Any) -> Transformation:
    """For `Dataset.apply`: the data set has so many elements; a pass checks it."""
    return lambda dataset: Dataset._of(Counted(dataset._stage, int(expected_cardinality)))


def cardinality(dataset: Dataset) -> Any:
    """`dataset.cardinality()`."""
    return dataset.cardinality()


def get_single_element(dataset: Dataset) -> Any:
    """`dataset.get_single_element()`."""
    return dataset.get_single_element()


def get_structure(dataset_or_iterator: Any) -> Any:
    """The specs of its elements."""
    return dataset_or_iterator.element_spec


def Counter(start: Any = 0, step: Any = 1, dtype: Any = int64) -> Dataset:
    """`Dataset.counter`."""
    return Dataset.counter(start, step, dtype)


def RandomDataset(seed: Union[int, None] = None) -> Dataset:
    """`Dataset.random`."""
    return Dataset.random(seed)


def shuffle_and_repeat(buffer_size: int, count: Union[int, None] = None, seed: Union[int, None] = None) -> Transformation:
    """For `Dataset.apply`: shuffle, then repeat."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(map_func: Any, batch_size: Any, drop_remainder: bool = False, **hints: Any) -> Transformation:
    """For `Dataset.apply`: map, then batch."""
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)


__all__ = [
    "AUTOTUNE", "AutoShardPolicy", "AutotuneOptions", "Counter", "DistributeOptions", "INFINITE_CARDINALITY",
    "OptimizationOptions", "Optional", "RandomDataset", "ThreadingOptions", "UNKNOWN_CARDINALITY", "assert_cardinality",
    "bucket_by_sequence_length", "cardinality", "choose_from_datasets", "enumerate_dataset", "get_single_element",
    "get_structure", "group_by_window", "ignore_errors", "map_and_batch", "sample_from_datasets", "scan",
    "shuffle_and_repeat", "take_while", "unbatch", "unique",
]  # fmt: skip
