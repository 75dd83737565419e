"""Sequences of different lengths in one tensor: padded, or packed time by time without padding.

A packed batch has the first elements of all sequences, then the second ones of those that have one, and so on; the
sequences stand in order of falling length, so that each time's rows are the first of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from wengert.errors import runtime_error
from wengert.functions.data import as_tensor, tensor
from wengert.functions.join import stack
from wengert.functions.masks import masked_fill
from wengert.functions.sort import sort
from wengert.nn.functional.padding import pad
from wengert.tensors.tensor import Tensor


class _Parts(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Optional[Tensor]
    unsorted_indices: Optional[Tensor]


class PackedSequence(_Parts):
    """A packed batch of sequences, as `pack_padded_sequence` and `pack_sequence` make it.

    data: (all elements, *); batch_sizes: how many of them belong to each time; sorted_indices: the place in the batch
    from which each sequence came; unsorted_indices: the inverse.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Optional[Tensor] = None,
        sorted_indices: Optional[Tensor] = None,
        unsorted_indices: Optional[Tensor] = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            if not (isinstance(data, (tuple, list)) and len(data) == 2):
                raise AssertionError("PackedSequence: wanted data and batch_sizes, or a pair of both")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __repr__(self) -> str:
        return "PackedSequence(" + ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self)) + ")"

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With the data in another dtype; itself where it has that already."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Itself: everything is on the CPU."""
        return self

    def pin_memory(self) -> PackedSequence:
        """Itself: no device needs pinned memory."""
        return self

    def double(self) -> PackedSequence:
        """In float64."""
        return self._mapped("double")

    def float(self) -> PackedSequence:
        """In float32."""
        return self._mapped("float")

    def half(self) -> PackedSequence:
        """In float16."""
        return self._mapped("half")

    def long(self) -> PackedSequence:
        """In int64."""
        return self._mapped("long")

    def int(self) -> PackedSequence:
        """In int32."""
        return self._mapped("int")

    def short(self) -> PackedSequence:
        """In int16."""
        return self._mapped("short")

    def char(self) -> PackedSequence:
        """In int8."""
        return self._mapped("char")

    def byte(self) -> PackedSequence:
        """In uint8."""
        return self._mapped("byte")

    def _mapped(self, method: str) -> PackedSequence:
        return type(self)(getattr(self.data, method)(), *self[1:])

    @property
    def is_cuda(self) -> bool:
        """False: there is no such device."""
        return False

    def is_pinned(self) -> bool:
        """False: memory is not pinned."""
        return False


def invert_permutation(permutation: Optional[Tensor]) -> Optional[Tensor]:
    """q with q[p[i]] = i, for a permutation p; None for None."""
    if permutation is None:
        return None
    order = permutation.numpy()
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order))
    return tensor(inverse)


# --- rows of a packed batch, for recurrent layers ---------------------------------------------------------------------


def mask_of(sizes: Sequence[int]) -> Tensor:
    """(time, batch, 1): which sequences have an element at each time."""
    present = np.arange(sizes[0])[None, :] < np.asarray(sizes)[:, None]
    return tensor(present[:, :, None])


def padded_rows(data: Tensor, sizes: Sequence[int]) -> Tensor:
    """Packed data as (time, batch, *); where a sequence has no element, some other row stands."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rows = starts[:, None] + np.arange(sizes[0])[None, :]
    present = np.arange(sizes[0])[None, :] < np.asarray(sizes)[:, None]
    index = tensor(np.where(present, rows, 0).reshape(-1))
    return data.index_select(0, index).reshape(len(sizes), sizes[0], *data.shape[1:])


def packed_rows(padded: Tensor, sizes: Sequence[int]) -> Tensor:
    """The rows of (time, batch, *) that `sizes` says are there, packed."""
    time, batch = padded.shape[:2]
    index = np.concatenate([t * batch + np.arange(n) for t, n in enumerate(sizes)])
    return padded.reshape(time * batch, *padded.shape[2:]).index_select(0, tensor(index))


# --- public -----------------------------------------------------------------------------------------------------------


def pack_padded_sequence(
    input: Tensor, lengths: Union[Tensor, Sequence[int]], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Padded sequences packed.

    lengths: of each sequence, at least 1. enforce_sorted: they fall along the batch; otherwise the sequences are sorted.

    Shape: input (time, batch, *), or (batch, time, *) with `batch_first`.

    Raises: RuntimeError for lengths that do not fit the input, are not positive, or do not fall although they should.
    """
    counts = as_tensor(lengths).long()
    batch_axis = 0 if batch_first else 1
    order = None
    if not enforce_sorted:
        counts, order = sort(counts, descending=True)
        input = input.index_select(batch_axis, order)
    given = counts.tolist()
    _check_lengths(input, given, batch_axis)
    sizes = [sum(n > t for n in given) for t in range(given[0])]
    rows = input.transpose(0, 1) if batch_first else input
    data = packed_rows(rows, sizes)
    return PackedSequence(data, tensor(np.array(sizes, np.int64)), order, None)


def _check_lengths(input: Tensor, lengths: list[int], batch_axis: int) -> None:
    name = "pack_padded_sequence"
    if input.ndim < 2:
        raise runtime_error(name, "input of at least 2 dimensions", input.ndim)
    batch, time = input.shape[batch_axis], input.shape[1 - batch_axis]
    if len(lengths) != batch:
        raise runtime_error(name, f"a length for each of the {batch} sequences", len(lengths))
    if not lengths:
        raise runtime_error(name, "at least one sequence", 0)
    if min(lengths) <= 0:
        raise runtime_error(name, "length of all samples has to be greater than 0", min(lengths))
    if any([a < b for a, b in pairwise(lengths)]):
        raise runtime_error(name, "lengths in decreasing order", lengths, "pass enforce_sorted=False to have them sorted")
    if lengths[0] > time:
        raise runtime_error(name, f"lengths of at most the input's {time}", lengths[0])


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: Optional[int] = None
) -> tuple[Tensor, Tensor]:
    """A packed batch padded again, in the order in which its sequences came; and their lengths.

    total_length: the length to pad to, the longest sequence's by default.

    Shape: (time, batch, *), or (batch, time, *) with `batch_first`; lengths (batch,).

    Raises: ValueError for a total_length below the longest sequence's.
    """
    sizes = sequence.batch_sizes.tolist()
    if total_length is not None and total_length < len(sizes):
        raise ValueError(
            f"pad_packed_sequence: total_length={total_length} is less than the longest sequence's, {len(sizes)}"
        )
    sizes_with_rest = [*sizes, *[0] * ((total_length or len(sizes)) - len(sizes))]
    rows = padded_rows(sequence.data, sizes_with_rest)
    absent = ~mask_of(sizes_with_rest).reshape(len(sizes_with_rest), sizes[0], *[1] * (rows.ndim - 2))
    rows = masked_fill(rows, absent, padding_value)
    lengths = tensor(np.array([sum(n > b for n in sizes) for b in range(sizes[0])], np.int64))
    if sequence.unsorted_indices is not None:
        rows = rows.index_select(1, sequence.unsorted_indices)
        lengths = lengths.index_select(0, sequence.unsorted_indices)
    return (rows.transpose(0, 1) if batch_first else rows), lengths


def pad_sequence(
    sequences: Union[Tensor, Iterable[Tensor]],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (length, *) side by side, each filled up to the longest.

    Shape: (time, batch, *), or (batch, time, *) with `batch_first`.

    Raises: RuntimeError for what is no iterable of tensors, for none, for other dimensions that differ, and for a
    padding_side that is neither "left" nor "right".
    """
    if not isinstance(sequences, Iterable):
        raise runtime_error("pad_sequence", "an iterable of tensors", type(sequences).__name__)
    given = list(sequences)
    if padding_side not in ("left", "right"):
        raise runtime_error("pad_sequence", "padding_side 'left' or 'right'", padding_side)
    if not given:
        raise runtime_error("pad_sequence", "received an empty list of sequences", None)
    longest = max([x.shape[0] for x in given])
    filled = []
    for x in given:
        if x.shape[1:] != given[0].shape[1:]:
            wanted = f"sequences (length, {', '.join(map(str, given[0].shape[1:]))})"
            raise runtime_error("pad_sequence", wanted, list(x.shape))
        missing = longest - x.shape[0]
        ends = (missing, 0) if padding_side == "left" else (0, missing)
        filled.append(pad(x, (*[0, 0] * (x.ndim - 1), *ends), value=padding_value) if missing else x)
    return stack(filled, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each of its own length.

    Shape: padded_sequences (time, batch, *), or (batch, time, *) with `batch_first`; lengths (batch,).

    Raises: ValueError unless there is a length for each sequence.
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    sizes = as_tensor(lengths).tolist()
    if len(sizes) != rows.shape[0]:
        raise ValueError(f"unpad_sequence: wanted a length for each of the {rows.shape[0]} sequences; got {len(sizes)}")
    return [row[:n] for row, n in zip(rows, sizes)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (length, *) packed.

    Raises: RuntimeError unless their lengths fall, or enforce_sorted is False.
    """
    lengths = [x.shape[0] for x in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch, in the order in which they came."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
