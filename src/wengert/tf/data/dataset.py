"""Dataset: TensorFlow's `tf.data.Dataset`, a description of a pipeline that can be gone through any number of times."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np

from wengert.tf.data.arranging import Cache, Concatenate, Enumerate, Hint, Numbers, Repeat, Shuffle, Slice, Zip
from wengert.tf.data.batching import Batch, GroupByWindow, PaddedBatch, Rebatch, Unbatch
from wengert.tf.data.choosing import Chosen, Sampled
from wengert.tf.data.iterator import NumpyIterator, OwnedIterator
from wengert.tf.data.lengths import bucketed
from wengert.tf.data.making import Generated, RandomNumbers, Range, Single, Slices, signature_of
from wengert.tf.data.mapping import Filter, FlatMap, Forgiving, Interleave, Map, Reduction, Scan, TakeWhile, Unique
from wengert.tf.data.options import Options
from wengert.tf.data.seeds import SeedSequence
from wengert.tf.data.stage import INFINITE, UNKNOWN, Stage, elements_of
from wengert.tf.data.structure import as_array, as_tensor, component, flatten, map_structure, nested
from wengert.tf.data.windows import Window
from wengert.tf.dtypes import as_dtype, int64
from wengert.tf.errors import invalid
from wengert.tf.seed import get_seed

AUTOTUNE = -1  # for numbers that TensorFlow chooses itself: parallel calls, buffers

Function = Callable[..., Any]


class Dataset:
    """A pipeline: where its elements come from and what is done to them. Nothing runs before it is iterated.

    An element is a tensor, or a structure of tensors (tuple, dict, named tuple). Pipelines that only pick rows of arrays
    (`from_tensor_slices`, `shuffle`, `repeat`, `take`, ...) and are then batched give each batch by one slice or gather; a
    function mapped over them is computed for whole batches where it can be.

    >>> import wengert.tf as tf
    >>> dataset = tf.data.Dataset.range(5).map(lambda x: x * x).batch(2)
    >>> [batch.tolist() for batch in dataset.as_numpy_iterator()]
    [[0, 1], [4, 9], [16]]
    """

    _stage: Stage

    @classmethod
    def _of(cls, stage: Stage) -> Dataset:
        dataset = object.__new__(Dataset)
        dataset._stage = stage
        return dataset

    # --- where it begins --------------------------------------------------------------------------------------------

    @staticmethod
    def from_tensor_slices(tensors: Any, name: Any = None) -> Dataset:
        """The slices of tensors along their first axis. Raises: ValueError for different lengths, and for scalars."""
        return Dataset._of(Slices(tensors))

    @staticmethod
    def from_tensors(tensors: Any, name: Any = None) -> Dataset:
        """One element."""
        return Dataset._of(Single(tensors))

    @staticmethod
    def from_generator(
        generator: Function, output_types: Any = None, output_shapes: Any = None, args: Any = None,
        output_signature: Any = None, name: Any = None,
    ) -> Dataset:  # fmt: skip
        """What ``generator(*args)`` yields, checked against a signature. Each pass calls it anew.

        Raises: TypeError for what can't be called, and without a signature; while iterating InvalidArgumentError for an
        element that does not fit it.
        """
        if not callable(generator):
            raise TypeError("`generator` must be a Python callable.")
        given = tuple([as_array(component(value)) for value in args or ()])
        return Dataset._of(Generated(generator, signature_of(output_signature, output_types, output_shapes), given))

    @staticmethod
    def range(*args: Any, output_type: Any = int64, name: Any = None) -> Dataset:
        """Numbers from start (0) to before stop, in steps: ``range(stop)``, ``range(start, stop, step)``."""
        return Dataset._of(Range(*args, output_type=output_type))

    @staticmethod
    def counter(start: Any = 0, step: Any = 1, dtype: Any = int64, name: Any = None) -> Dataset:
        """The numbers start, start + step, ... without end."""
        return Dataset._of(Numbers(start, step, as_dtype(dtype)))

    @staticmethod
    def random(seed: Optional[int] = None, rerandomize_each_iteration: Optional[bool] = None, name: Any = None) -> Dataset:
        """Integers from 0 to 2^32 - 1, drawn anew in each pass if `rerandomize_each_iteration`."""
        return Dataset._of(RandomNumbers(SeedSequence(get_seed(seed), bool(rerandomize_each_iteration))))

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: Any = None) -> Dataset:
        """An element has one element of each data set, in their structure; it ends with the shortest.

        Raises: TypeError for what is no data set, ValueError for none.
        """
        if not args and datasets is None:
            raise TypeError("Must pass at least one dataset to `zip`.")
        given: Any = datasets if datasets is not None else args[0] if len(args) == 1 else args
        for part in flatten(given):
            if not isinstance(part, Dataset):
                hint = " Please wrap the inputs in a tuple." if isinstance(part, list) else ""
                raise TypeError(
                    "Invalid input to `zip`. Inputs are expected to be (nested) structures of `tf.data.Dataset` objects but "
                    f"encountered object of type {type(part)}.{hint}"
                )
        return Dataset._of(Zip(map_structure(lambda dataset: dataset._stage, given)) if nested(given) else given._stage)

    @staticmethod
    def sample_from_datasets(
        datasets: Sequence[Dataset], weights: Any = None, seed: Optional[int] = None, stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: Optional[bool] = None,
    ) -> Dataset:  # fmt: skip
        """Each element from a data set drawn with these weights."""
        if isinstance(weights, Dataset):
            raise TypeError("sample_from_datasets: weights that change (a Dataset) are not there; give numbers")
        given = None if weights is None else as_array(component(weights))
        seeds = SeedSequence(get_seed(seed), bool(rerandomize_each_iteration))
        return Dataset._of(Sampled([dataset._stage for dataset in datasets], given, seeds, stop_on_empty_dataset))

    @staticmethod
    def choose_from_datasets(
        datasets: Sequence[Dataset], choice_dataset: Dataset, stop_on_empty_dataset: bool = True
    ) -> Dataset:
        """Each element from the data set whose number comes next in `choice_dataset`."""
        stages = [dataset._stage for dataset in datasets]
        return Dataset._of(Chosen(stages, choice_dataset._stage, stop_on_empty_dataset))

    # --- which elements, in which order -------------------------------------------------------------------------------

    def shuffle(
        self, buffer_size: Any, seed: Optional[int] = None, reshuffle_each_iteration: Optional[bool] = None, name: Any = None
    ) -> Dataset:
        """Each element is drawn from the next `buffer_size` ones; with as many as there are, any order is as likely.

        With the same seeds the order is TensorFlow's. Each pass has another one unless `reshuffle_each_iteration` is False.
        """
        seeds = SeedSequence(get_seed(seed), reshuffle_each_iteration is not False)
        return Dataset._of(Shuffle(self._stage, _integer(buffer_size), seeds))

    def repeat(self, count: Any = None, name: Any = None) -> Dataset:
        """Pass after pass, `count` of them; without end for None or -1."""
        return Dataset._of(Repeat(self._stage, -1 if count is None else max(-1, _integer(count))))

    def take(self, count: Any, name: Any = None) -> Dataset:
        """The first `count` elements; all of them for -1."""
        n = _integer(count)
        return Dataset._of(Slice(self._stage, 0, n if n >= 0 else None, 1, "_TakeDataset"))

    def skip(self, count: Any, name: Any = None) -> Dataset:
        """Without the first `count` elements; none of them for -1."""
        n = _integer(count)
        return Dataset._of(Slice(self._stage, max(n, 0), None if n >= 0 else 0, 1, "_SkipDataset"))

    def shard(self, num_shards: Any, index: Any, name: Any = None) -> Dataset:
        """Every `num_shards`-th element, from number `index` on. Raises: InvalidArgumentError."""
        shards, at = _integer(num_shards), _integer(index)
        if shards < 1:
            raise invalid(f"Number of shards must be greater than zero (currently num_shards = {shards}). [Op:ShardDataset]")
        if not 0 <= at < shards:
            raise invalid(f"Index must be between 0 and {shards - 1} (currently index = {at}). [Op:ShardDataset]")
        return Dataset._of(Slice(self._stage, at, None, shards, "_ShardDataset"))

    def take_while(self, predicate: Function, name: Any = None) -> Dataset:
        """The elements before the first one that the predicate is False for."""
        return Dataset._of(TakeWhile(self._stage, predicate))

    def filter(self, predicate: Function, name: Any = None) -> Dataset:
        """The elements that the predicate is True for."""
        return Dataset._of(Filter(self._stage, predicate))

    def unique(self, name: Any = None) -> Dataset:
        """Each scalar once."""
        return Dataset._of(Unique(self._stage))

    def concatenate(self, dataset: Dataset, name: Any = None) -> Dataset:
        """This data set, then the other. Raises: TypeError when their elements are not alike."""
        return Dataset._of(Concatenate(self._stage, dataset._stage))

    def enumerate(self, start: Any = 0, name: Any = None) -> Dataset:
        """Each element with its number."""
        return Dataset._of(Enumerate(self._stage, _integer(start)))

    def cache(self, filename: Any = "", name: Any = None) -> Dataset:
        """Keep elements, in memory, when they have been computed once. A file name is accepted and no file is written."""
        return Dataset._of(Cache(self._stage))

    def prefetch(self, buffer_size: Any, name: Any = None) -> Dataset:
        """A hint; elements are made when they are asked for."""
        return Dataset._of(Hint(self._stage, "_PrefetchDataset"))

    # --- what is made of them -----------------------------------------------------------------------------------------

    def map(
        self, map_func: Function, num_parallel_calls: Any = None, deterministic: Optional[bool] = None,
        synchronous: Optional[bool] = None, use_unbounded_threadpool: Optional[bool] = None, name: Any = None,
    ) -> Dataset:  # fmt: skip
        """``map_func(element)``; a tuple comes as several arguments. Parallel calls are a hint; the order always stays."""
        return Dataset._of(Map(self._stage, map_func, num_parallel_calls is not None))

    def flat_map(self, map_func: Function, name: Any = None) -> Dataset:
        """The elements of the data sets that `map_func` gives, one after the other."""
        return Dataset._of(FlatMap(self._stage, map_func))

    def interleave(
        self, map_func: Function, cycle_length: Any = None, block_length: Any = None, num_parallel_calls: Any = None,
        deterministic: Optional[bool] = None, name: Any = None,
    ) -> Dataset:  # fmt: skip
        """The elements of the data sets that `map_func` gives, of `cycle_length` ones in turn, `block_length` each time."""
        cycle = os.cpu_count() or 1 if cycle_length in (None, AUTOTUNE) else _integer(cycle_length)
        block = 1 if block_length is None else _integer(block_length)
        return Dataset._of(Interleave(self._stage, map_func, cycle, block, num_parallel_calls is not None))

    def scan(self, initial_state: Any, scan_func: Function, use_default_device: Any = None, name: Any = None) -> Dataset:
        """``state, output = scan_func(state, element)``; the elements are the outputs."""
        return Dataset._of(Scan(self._stage, initial_state, scan_func))

    def reduce(self, initial_state: Any, reduce_func: Function, name: Any = None) -> Any:
        """The last ``state = reduce_func(state, element)``. Raises: TypeError when the state's form or dtypes change."""
        return map_structure(as_tensor, Reduction(self._stage, initial_state, reduce_func).result())

    def ignore_errors(self, log_warning: bool = False, name: Any = None) -> Dataset:
        """Without the elements whose mapped function raises an error."""
        return Dataset._of(Forgiving(self._stage, log_warning))

    def apply(self, transformation_func: Function) -> Dataset:
        """``transformation_func(self)``. Raises: TypeError when that is no data set."""
        made = transformation_func(self)
        if not isinstance(made, Dataset):
            raise TypeError(f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(made)}.")
        return made

    # --- batches ------------------------------------------------------------------------------------------------------

    def batch(
        self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None,
        deterministic: Optional[bool] = None, name: Any = None,
    ) -> Dataset:  # fmt: skip
        """`batch_size` elements at a time, stacked; the last ones may be fewer unless `drop_remainder`.

        Raises: InvalidArgumentError for a size below 1, and when shapes differ.
        """
        return Dataset._of(Batch(self._stage, batch_size, drop_remainder, num_parallel_calls is not None))

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False,
        name: Any = None,
    ) -> Dataset:  # fmt: skip
        """`batch_size` elements at a time, each padded (with 0) to the largest of them or to `padded_shapes`."""
        return Dataset._of(PaddedBatch(self._stage, batch_size, padded_shapes, padding_values, drop_remainder))

    def unbatch(self, name: Any = None) -> Dataset:
        """The rows of the elements."""
        return Dataset._of(Unbatch(self._stage))

    def rebatch(self, batch_size: Any, drop_remainder: bool = False, name: Any = None) -> Dataset:
        """Batches of another size, or of several sizes in turn."""
        return Dataset._of(Rebatch(self._stage, batch_size, drop_remainder))

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False, name: Any = None) -> Dataset:
        """Data sets of `size` elements, `stride` apart, each `shift` (`size`) after the one before."""
        n = _integer(size)
        return Dataset._of(Window(self._stage, n, n if shift is None else _integer(shift), _integer(stride), drop_remainder))

    def group_by_window(
        self, key_func: Function, reduce_func: Function, window_size: Any = None, window_size_func: Optional[Function] = None,
        name: Any = None,
    ) -> Dataset:  # fmt: skip
        """Elements gathered by an int64 key; ``reduce_func(key, dataset)`` makes a data set of each group that is full.

        Raises: ValueError unless one of `window_size` and `window_size_func` is given.
        """
        if (window_size is None) == (window_size_func is None):
            raise ValueError("Either the `window_size` argument or the `window_size_func` argument must be specified.")
        size = window_size_func or (lambda key: window_size)
        measured = lambda key: int(as_array(component(size(as_tensor(np.asarray(key))))))
        return Dataset._of(GroupByWindow(self._stage, key_func, reduce_func, measured))

    def bucket_by_sequence_length(
        self, element_length_func: Function, bucket_boundaries: Sequence[int], bucket_batch_sizes: Sequence[int],
        padded_shapes: Any = None, padding_values: Any = None, pad_to_bucket_boundary: bool = False,
        no_padding: bool = False, drop_remainder: bool = False, name: Any = None,
    ) -> Dataset:  # fmt: skip
        """Batches of elements of similar length, padded. Raises: ValueError for sizes that do not fit the boundaries."""
        return bucketed(
            self, element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes, padding_values,
            pad_to_bucket_boundary, no_padding, drop_remainder,
        )  # fmt: skip

    # --- questions ----------------------------------------------------------------------------------------------------

    @property
    def element_spec(self) -> Any:
        """The specs of an element, in its structure."""
        return self._stage.spec

    def cardinality(self, name: Any = None) -> Any:
        """How many elements a pass has, or `INFINITE_CARDINALITY` (-1), `UNKNOWN_CARDINALITY` (-2), as a tensor."""
        return as_tensor(np.asarray(self._stage.count(), np.int64))

    def options(self) -> Options:
        """What `with_options` was told."""
        return self._stage.options or Options()

    def with_options(self, options: Options, name: Any = None) -> Dataset:
        """The same elements; options are kept."""
        return Dataset._of(Hint(self._stage, "_OptionsDataset", options))

    def get_single_element(self, name: Any = None) -> Any:
        """The only element. Raises: InvalidArgumentError when there are none, or several."""
        elements = elements_of(self._stage)
        for element in elements:
            for _ in elements:
                raise invalid("Dataset had more than one element. [Op:DatasetToSingleElement]")
            return map_structure(as_tensor, element)
        raise invalid("Dataset was empty. [Op:DatasetToSingleElement]")

    def as_numpy_iterator(self) -> NumpyIterator:
        """A pass whose elements are NumPy arrays."""
        return NumpyIterator(self._stage)

    def __iter__(self) -> OwnedIterator:
        return OwnedIterator(self._stage)

    def __len__(self) -> int:
        count = self._stage.count()
        if count == INFINITE:
            raise TypeError("The dataset is infinite.")
        if count == UNKNOWN:
            raise TypeError("The dataset length is unknown.")
        return count

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{self._stage.shown} element_spec={self.element_spec}>"


def _integer(value: Any) -> int:
    """Raises: TypeError for what is no integer."""
    if hasattr(value, "__index__"):
        return int(value.__index__())
    raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype int64")


Stage.shown_as = staticmethod(Dataset._of)
