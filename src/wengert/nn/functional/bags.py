"""Bags: rows of a table by number, reduced for each bag of numbers."""

from __future__ import annotations

import warnings
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p, zeros_of
from wengert.nn.functional.lookup import column, frequency, shorten
from wengert.primitives.casting import move
from wengert.runtime.flush import at_hand
from wengert.tensors.tensor import Tensor, wrap

_NAME = "embedding_bag"


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Optional[Tensor] = None,
    max_norm: Optional[float] = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Optional[Tensor] = None,
    include_last_offset: bool = False,
    padding_idx: Optional[int] = None,
) -> Tensor:
    """For each bag the sum, mean or largest of weight[i] over its numbers i, elementwise; 0 for an empty bag.

    offsets: where each bag begins in a one-dimensional input; with `include_last_offset` also where the last one ends.
    max_norm, norm_type, scale_grad_by_freq, sparse: as for `embedding`. per_sample_weights: factors, for a sum.
    padding_idx: a number that is left out, and gets no derivative.

    Shape: input (bags, numbers of each) or (numbers,) with offsets (bags,); weight (rows, size); the result (bags, size).

    Raises: ValueError for other ranks, for offsets that are missing or too many, for an unknown mode and what the mode
    does not go with; NotImplementedError for per_sample_weights with another mode than "sum"; RuntimeError for offsets
    that do not fit and for a row that is not there, which is an IndexError where it is found only when running.
    """
    if weight.dtype is dtypes.int64 and input.dtype.is_floating_point:
        warnings.warn("embedding_bag: the arguments are (input, weight, ...); the other order is deprecated")
        input, weight = weight, input
    _check(input, weight, offsets, mode, scale_grad_by_freq, sparse, per_sample_weights)
    index = move(node_of(input, _NAME), dtypes.int64)
    factors = None if per_sample_weights is None else node_of(per_sample_weights, _NAME, "per_sample_weights")
    bags = _Bags(index, offsets, include_last_offset)
    rows = weight.shape[0]
    _check_numbers(index, rows)
    index = p.reshape(index, shape=(index.size,))
    if padding_idx is not None:
        padding_idx = _within(padding_idx, rows)
    if max_norm is not None:
        shorten(weight, index, max_norm, norm_type)
    table = node_of(weight, _NAME, "weight")
    found = p.take(table, index, axis=0, wrap=False)
    if scale_grad_by_freq:
        constant = p.stop_gradient(found)
        found = constant + (found - constant) * column(1 / frequency(index, rows, found.dtype))
    present = None if padding_idx is None else p.ne(index, scalar(padding_idx, dtypes.int64))
    if factors is not None:
        found = found * column(p.reshape(factors, shape=(index.size,)))
    return wrap(bags.largest(found, present) if mode == "max" else bags.total(found, present, mode == "mean"))


def _check(
    input: Tensor, weight: Tensor, offsets: Any, mode: str, by_frequency: bool, sparse: bool, factors: Optional[Tensor]
) -> None:
    if factors is not None and input.shape != factors.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights ({tuple(factors.shape)}) must have the shape of the input "
            f"({tuple(input.shape)})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if input.ndim == 2 and offsets is not None:
        raise ValueError("embedding_bag: for a 2D input, whose rows are the bags, offsets has to be None")
    if input.ndim == 1 and (offsets is None or offsets.ndim != 1):
        raise ValueError("offsets has to be a 1D Tensor where the input is one")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_frequency:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if factors is not None and mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights is only supported for mode='sum' (got '{mode}')")
    for what, tensor in (("input", input), ("offsets", offsets)):
        if tensor is not None and tensor.dtype not in (dtypes.int64, dtypes.int32):
            raise dtype_error(_NAME, f"{what} of dtype int64 or int32", tensor.dtype)


def _within(padding_idx: int, rows: int) -> int:
    if not -rows <= padding_idx < rows:
        raise runtime_error(_NAME, f"padding_idx must be within the number of embeddings, {rows}", padding_idx)
    return padding_idx % rows


class _Bags:
    """Which bag each number is in, and sums and maxima over bags."""

    def __init__(self, index: Node, offsets: Optional[Tensor], include_last: bool) -> None:
        if offsets is None:
            self.count, length = index.shape
            number = p.reshape(p.iota(n=self.count, dtype=dtypes.int64), shape=(self.count, 1))
            self.bag = p.reshape(p.expand(number, shape=(self.count, length)), shape=(index.size,))
            return
        starts = move(node_of(offsets, _NAME, "offsets"), dtypes.int64)
        _check_offsets(starts, index.size)
        self.count = max(starts.size - include_last, 0)
        if include_last:
            starts = p.slice(starts, index=((0, self.count, 1),))
        # The number of a bag is how many begin up to here, less one; a bag may begin behind the last number.
        ones = p.full(scalar(1, dtypes.int64), shape=starts.shape)
        begun = p.put_add(zeros_of(array_type((index.size + 1,), dtypes.int64)), starts, ones, axis=0, wrap=False)
        self.bag = p.slice(p.cumsum(begun, axis=0, reverse=False), index=((0, index.size, 1),)) - 1

    def _sum(self, x: Node) -> Node:
        zeros = zeros_of(array_type((self.count, *x.shape[1:]), x.dtype))
        return p.put_add(zeros, self.bag, x, axis=0, wrap=False)

    def total(self, found: Node, present: Optional[Node], mean: bool) -> Node:
        zero = scalar(0, found.dtype)
        y = self._sum(found if present is None else p.where(column(present), found, zero))
        if not mean:
            return y
        one = p.full(scalar(1, found.dtype), shape=self.bag.shape)
        count = self._sum(one if present is None else p.where(present, one, zero))
        return y / column(p.clamp_min(count, scalar(1, found.dtype)))

    def largest(self, found: Node, present: Optional[Node]) -> Node:
        """The derivative goes to the first number of the bag that has the largest value."""
        low = scalar(float("-inf"), found.dtype)
        open = found if present is None else p.where(column(present), found, low)
        wide = p.expand(column(self.bag), shape=found.shape)
        start = p.full(low, shape=(self.count, found.shape[1]))
        fixed = p.stop_gradient(open)
        most = p.scatter_reduce(start, wide, fixed, axis=0, mode="amax", include_self=True)
        n = found.shape[0]
        place = p.expand(column(p.iota(n=n, dtype=dtypes.int64)), shape=found.shape)
        hits = p.where(p.eq(fixed, p.gather(most, wide, axis=0)), place, scalar(n, dtypes.int64))
        last = p.full(scalar(n, dtypes.int64), shape=most.shape)
        first = p.scatter_reduce(last, wide, hits, axis=0, mode="amin", include_self=True)
        empty = p.eq(most, low)
        safe = p.where(empty, scalar(0, dtypes.int64), first)
        if not n:
            return p.where(empty, scalar(0, found.dtype), most)
        return p.where(empty, scalar(0, found.dtype), p.gather(open, safe, axis=0))


def _check_numbers(index: Node, rows: int) -> None:
    """Where the numbers are known already the error comes at once, and is PyTorch's; else IndexError when used."""
    value = at_hand(index)
    if value is not None and value.size and (value.min() < 0 or value.max() >= rows):
        wrong = value[(value < 0) | (value >= rows)].flat[0]
        raise runtime_error(_NAME, f"numbers of rows from 0 to {rows - 1}", int(wrong))


def _check_offsets(starts: Node, numbers: int) -> None:
    """Where the offsets are known already the error comes at once; else one that is out of range fails when used."""
    value = at_hand(starts)
    if value is None or not value.size:
        return
    if value[0] != 0:
        raise runtime_error(_NAME, "offsets[0] has to be 0, that is, the first bag begins with the first number", int(value[0]))
    if value.max() > numbers:
        raise runtime_error(_NAME, f"offsets of at most the number of inputs, {numbers}", int(value.max()))


__all__ = ["embedding_bag"]
