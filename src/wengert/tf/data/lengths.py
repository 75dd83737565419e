"""Batches of sequences of similar length."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.tf.data.functions import UserFunction
from wengert.tf.data.structure import as_array, flatten, pack
from wengert.tf.errors import invalid
from wengert.tf.shape import TensorShape


def bucketed(
    dataset: Any, length_of: Any, boundaries: Any, sizes: Any, padded_shapes: Any, padding_values: Any,
    to_boundary: bool, no_padding: bool, drop_remainder: bool,
) -> Any:  # fmt: skip
    """Elements gathered by the bucket that their length falls in (bucket i: boundaries[i-1] <= length < boundaries[i]); a
    full one becomes a padded batch.

    Raises: ValueError when there is not one size more than boundaries.
    """
    if len(sizes) != len(boundaries) + 1:
        raise ValueError(
            f"`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but `len(bucket_batch_sizes)={len(sizes)}` and "
            f"`len(bucket_boundaries)={len(boundaries)}`."
        )
    length = UserFunction(length_of, "element_length_func")
    limits = np.asarray(boundaries, np.int64)

    def bucket(*element: Any) -> Any:
        found = int(as_array(length(element[0] if len(element) == 1 else element)))
        return np.asarray(np.searchsorted(limits, found, side="right"), np.int64)

    def batch(number: Any, group: Any) -> Any:
        at = int(number)
        if no_padding:
            return group.batch(sizes[at], drop_remainder=drop_remainder)
        shapes = padded_shapes
        if to_boundary:
            if at >= len(limits):
                raise invalid("When pad_to_bucket_boundary=True, elements must have length < max(bucket_boundaries).")
            shapes = _filled(group.element_spec, padded_shapes, int(limits[at]) - 1)
        return group.padded_batch(sizes[at], shapes, padding_values, drop_remainder=drop_remainder)

    made = dataset.group_by_window(bucket, batch, window_size_func=lambda key: sizes[int(key)])
    if to_boundary:  # the size of a padded axis is another one in each bucket
        shown = dataset.padded_batch(1, padded_shapes, padding_values)
        made._stage._known_spec = shown.element_spec
    return made


def _filled(specs: Any, shapes: Any, size: int) -> Any:
    """Shapes with `size` in the place of unknown sizes."""
    given = [spec.shape for spec in flatten(specs)] if shapes is None else flatten(shapes)
    return pack(specs, [TensorShape([size if n is None else n for n in shape]) for shape in given])
