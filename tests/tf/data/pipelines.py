"""Pipelines, written once for whatever module is handed in as `tf`, with what TensorFlow gives for them (stored.json).

Run ``python -m tests.tf.data.pipelines`` with TensorFlow installed to make that file anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from wengert.tf.seed import set_global_seed

STORED = Path(__file__).parent / "stored.json"


def seed(tf: Any, value: Any) -> None:
    """Set the global seed."""
    (set_global_seed if tf.__name__ == "wengert.tf" else tf.random.set_seed)(value)


def _ragged(tf: Any, n: int = 5) -> Any:
    lengths = [3, 1, 4, 1, 5, 9, 2][:n]
    return tf.data.Dataset.from_generator(
        lambda: (np.arange(k, dtype=np.int32) for k in lengths), output_signature=tf.TensorSpec([None], "int32")
    )


def _measured(tf: Any, n: int) -> Any:
    lengths = tf.data.Dataset.from_tensor_slices([3, 1, 4, 1, 5, 9, 2][:n])
    return tf.data.Dataset.zip((_ragged(tf, n), lengths))


def _table(tf: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices({"x": np.arange(12.0).reshape(6, 2), "y": ([1, 2, 3, 4, 5, 6], [0, 1] * 3)})


def _of_key(tf: Any) -> Any:
    dataset = tf.data.Dataset.range(9)
    return dataset.group_by_window(lambda x: x % 3, lambda key, group: group.batch(2), window_size=2)


def _seeded(tf: Any) -> Any:
    seed(tf, 11)
    return tf.data.Dataset.range(9).shuffle(4).batch(4)


PIPELINES = {
    "slices": lambda tf: tf.data.Dataset.from_tensor_slices(([1, 2, 3], [4.0, 5.0, 6.0])),
    "dict": lambda tf: _table(tf).batch(4),
    "tensors": lambda tf: tf.data.Dataset.from_tensors(([1, 2], 3)).repeat(2),
    "range": lambda tf: tf.data.Dataset.range(7, 1, -2, output_type="float32"),
    "counter": lambda tf: tf.data.Dataset.counter(3, 2).take(3),
    "random": lambda tf: tf.data.Dataset.random(seed=4).take(5),
    "random anew": lambda tf: tf.data.Dataset.random(seed=4, rerandomize_each_iteration=True).take(2),
    "shuffle": lambda tf: tf.data.Dataset.range(20).shuffle(20, seed=1).batch(7),
    "shuffle in a small buffer": lambda tf: tf.data.Dataset.range(20).shuffle(6, seed=1).batch(7),
    "shuffle and repeat": lambda tf: tf.data.Dataset.range(9).shuffle(4, seed=3).repeat(3).batch(5),
    "repeat and shuffle": lambda tf: tf.data.Dataset.range(5).repeat(2).shuffle(7, seed=3),
    "shuffle once": lambda tf: tf.data.Dataset.range(9).shuffle(9, seed=3, reshuffle_each_iteration=False).repeat(2),
    "shuffle by the global seed": _seeded,
    "shuffled batches": lambda tf: tf.data.Dataset.range(12).batch(3).shuffle(2, seed=5),
    "take and skip": lambda tf: tf.data.Dataset.range(9).skip(2).take(5).skip(1),
    "take none, skip all": lambda tf: tf.data.Dataset.range(3).take(0).concatenate(tf.data.Dataset.range(3).skip(9)),
    "shard": lambda tf: tf.data.Dataset.range(11).shuffle(3, seed=2).shard(3, 1),
    "batch": lambda tf: tf.data.Dataset.range(7).batch(3),
    "batch, whole ones": lambda tf: tf.data.Dataset.range(7).batch(3, drop_remainder=True),
    "batches of batches": lambda tf: tf.data.Dataset.range(8).batch(2).batch(3),
    "unbatch": lambda tf: _table(tf).batch(4).unbatch(),
    "rebatch": lambda tf: tf.data.Dataset.range(9).batch(4).rebatch([2, 1]),
    "padded": lambda tf: _ragged(tf).padded_batch(2),
    "padded to a size": lambda tf: _ragged(tf).padded_batch(2, padded_shapes=[6], padding_values=-1),
    "padded scalars": lambda tf: tf.data.Dataset.range(5).padded_batch(2, drop_remainder=True),
    "buckets": lambda tf: _measured(tf, 7).bucket_by_sequence_length(lambda x, n: n, [3, 6], [2, 2, 2]),
    "buckets to the boundary": lambda tf: _measured(tf, 5).bucket_by_sequence_length(
        lambda x, n: n, [3, 6], [2, 2, 2], pad_to_bucket_boundary=True
    ),
    "group by window": _of_key,
    "window": lambda tf: tf.data.Dataset.range(7).window(3, shift=2, stride=2).flat_map(lambda w: w.batch(3)),
    "whole windows": lambda tf: tf.data.Dataset.range(9).window(3, shift=4, drop_remainder=True).flat_map(lambda w: w.batch(3)),
    "windows of pairs": lambda tf: tf.data.Dataset.range(5)
    .map(lambda x: (x, -x))
    .window(2, shift=1, drop_remainder=True)
    .flat_map(lambda x, y: tf.data.Dataset.zip((x.batch(2), y.batch(2)))),
    "map": lambda tf: tf.data.Dataset.range(5).map(lambda x: x * x - 1).batch(2),
    "map to a dict": lambda tf: _table(tf).map(lambda row: {"z": row["x"] * 2.0, "w": row["y"][0]}).batch(4),
    "map to a list": lambda tf: tf.data.Dataset.range(3).map(lambda x: [x, x + 1]),
    "map that branches": lambda tf: tf.data.Dataset.range(6).map(lambda x: x if x % 2 == 0 else -x).batch(4),
    "map of shapes": lambda tf: tf.data.Dataset.from_tensor_slices(np.ones((4, 3)))
    .map(lambda x: x * float(x.shape[0]))
    .batch(3),
    "filter": lambda tf: tf.data.Dataset.range(20).filter(lambda x: x % 3 == 1).batch(4),
    "filter of a map": lambda tf: tf.data.Dataset.range(20).map(lambda x: x + 1).filter(lambda x: x % 5 == 0),
    "take while": lambda tf: tf.data.Dataset.range(9).take_while(lambda x: x < 4),
    "scan": lambda tf: tf.data.Dataset.range(6).scan(np.int64(0), lambda s, x: (s + x, s * 10)),
    "unique": lambda tf: tf.data.Dataset.from_tensor_slices([3, 1, 3, 2, 1]).unique(),
    "enumerate": lambda tf: tf.data.Dataset.from_tensor_slices([1.5, 2.5, 3.5]).enumerate(start=4).batch(2),
    "zip": lambda tf: tf.data.Dataset.zip({"a": tf.data.Dataset.range(3), "b": tf.data.Dataset.range(9).batch(2)}),
    "zip of arguments": lambda tf: tf.data.Dataset.zip(tf.data.Dataset.range(3), tf.data.Dataset.range(5, 9)).batch(2),
    "concatenate": lambda tf: tf.data.Dataset.range(5).concatenate(tf.data.Dataset.range(10, 13)).shuffle(8, seed=2).batch(3),
    "flat map": lambda tf: tf.data.Dataset.range(4).flat_map(lambda x: tf.data.Dataset.range(x)),
    "interleave": lambda tf: tf.data.Dataset.range(1, 6).interleave(
        lambda x: tf.data.Dataset.from_tensors(x).repeat(x), cycle_length=2, block_length=2
    ),
    "interleave one by one": lambda tf: tf.data.Dataset.range(5).interleave(
        lambda x: tf.data.Dataset.range(x, 2 * x), cycle_length=3
    ),
    "cache": lambda tf: tf.data.Dataset.range(5).map(lambda x: x * 2).cache().shuffle(5, seed=6).repeat(2).batch(4),
    "choose": lambda tf: tf.data.Dataset.choose_from_datasets(
        [tf.data.Dataset.range(3), tf.data.Dataset.range(10, 13)], tf.data.Dataset.range(2).repeat(4)
    ),
    "options and hints": lambda tf: tf.data.Dataset.range(4).prefetch(tf.data.AUTOTUNE).with_options(tf.data.Options()),
    "apply": lambda tf: tf.data.Dataset.range(6).apply(tf.data.experimental.assert_cardinality(6)),
}  # fmt: skip


def plain(element: Any) -> Any:
    """An element of NumPy arrays as lists, with its dtypes."""
    if isinstance(element, dict):
        return {key: plain(element[key]) for key in sorted(element)}
    if isinstance(element, tuple):
        return [plain(part) for part in element]
    return [str(element.dtype), element.tolist()]


def found(tf: Any, name: str) -> Any:
    """Elements of two passes, the specs, and how many elements there are."""
    seed(tf, None)
    dataset = PIPELINES[name](tf)
    passes = [[plain(element) for element in dataset.as_numpy_iterator()] for _ in range(2)]
    return {"passes": passes, "spec": repr(dataset.element_spec), "cardinality": int(dataset.cardinality().numpy())}


if __name__ == "__main__":
    import tensorflow

    tensorflow.autograph.set_verbosity(0)
    made = {name: found(tensorflow, name) for name in PIPELINES}
    STORED.write_text("{\n" + ",\n".join([f'"{name}": {json.dumps(value)}' for name, value in made.items()]) + "\n}\n")
