"""tf.data: pipelines of elements.

structure.py   elements and their components
order.py       in which order a pass goes through rows; TensorFlow's shuffling, number by number (seeds.py)
sources.py     rows by position: arrays, functions of rows, rows that are kept
stage.py       one step of a pipeline; making, arranging, mapping, batching, windows, choosing: the steps
dataset.py     `Dataset`, which wraps a stage and has all methods
"""

from wengert.absent import absent_from
from wengert.tf.data import experimental
from wengert.tf.data.dataset import AUTOTUNE, Dataset
from wengert.tf.data.iterator import NumpyIterator, OwnedIterator as Iterator
from wengert.tf.data.options import Options, ThreadingOptions
from wengert.tf.data.stage import INFINITE as INFINITE_CARDINALITY, UNKNOWN as UNKNOWN_CARDINALITY, DatasetSpec

__all__ = [
    "AUTOTUNE", "Dataset", "DatasetSpec", "INFINITE_CARDINALITY", "Iterator", "NumpyIterator", "Options",
    "ThreadingOptions", "UNKNOWN_CARDINALITY", "experimental",
]  # fmt: skip

__getattr__ = absent_from(__name__)
