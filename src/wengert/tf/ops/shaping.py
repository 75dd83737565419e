"""The same elements in another shape, order or dtype."""

from __future__ import annotations

from math import prod
from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import INDEX, accept, axes_in, axis_in, integer, ints, like
from wengert.tf.ops.core import fresh, w

# --- what a tensor is -------------------------------------------------------------------------------------------------


@face("input")
def shape(input: Any, out_type: Any = None, name: Optional[str] = None) -> Any:
    """The sizes, as a tensor."""
    return w.tensor(list(input.shape), dtype=w.int32 if out_type is None else as_dtype(out_type))


@face()
def shape_n(input: Any, out_type: Any = w.int32, name: Optional[str] = None) -> Any:
    """The sizes of several tensors."""
    return [w.tensor(list(fresh(x).shape), dtype=as_dtype(out_type)) for x in input]


@face("input")
def size(input: Any, out_type: Any = None, name: Optional[str] = None) -> Any:
    """How many elements there are, as a tensor."""
    return w.tensor(input.numel(), dtype=w.int32 if out_type is None else as_dtype(out_type))


@face("input")
def rank(input: Any, name: Optional[str] = None) -> Any:
    """How many axes there are, as a tensor."""
    return w.tensor(input.ndim, dtype=w.int32)


@face("input")
def identity(input: Any, name: Optional[str] = None) -> Any:
    """The same value."""
    return input


@face()
def identity_n(input: Any, name: Optional[str] = None) -> Any:
    """The same values."""
    return [fresh(x) for x in input]


@face("x")
def ensure_shape(x: Any, shape: Any, name: Optional[str] = None) -> Any:
    """x, if it has that shape; None stands for any size. Raises: InvalidArgumentError when it has not."""
    wanted = [None if n is None or n == -1 else integer(n) for n in shape] if shape is not None else None
    fits = wanted is None or (len(wanted) == x.ndim and all(n is None or n == m for n, m in zip(wanted, x.shape)))
    if not fits:
        raise invalid(f"Shape of tensor {list(x.shape)} is not compatible with expected shape {wanted} [Op:EnsureShape]")
    return x


# --- another shape ----------------------------------------------------------------------------------------------------


@face("tensor")
def reshape(tensor: Any, shape: Any, name: Optional[str] = None) -> Any:
    """The elements, row by row, in another shape; one size may be -1.

    Raises: InvalidArgumentError for a shape of another number of elements.
    """
    sizes = ints(shape)
    known = prod([n for n in sizes if n != -1])
    fits = known == tensor.numel() if -1 not in sizes else known > 0 and tensor.numel() % known == 0
    if not fits or sizes.count(-1) > 1:
        raise invalid(
            f"Input to reshape is a tensor with {tensor.numel()} values, but the requested shape {list(sizes)} has "
            f"{known} [Op:Reshape]"
        )
    return tensor.reshape(sizes)


@face("input")
def expand_dims(input: Any, axis: Any, name: Optional[str] = None) -> Any:
    """A new axis of size 1. Raises: InvalidArgumentError for a place beyond the axes."""
    place = ints(axis)[0]
    if not -input.ndim - 1 <= place <= input.ndim:
        raise invalid(f"Tried to expand dim index {place} for tensor with {input.ndim} dimensions. [Op:ExpandDims]")
    return input.unsqueeze(place)


@face("input")
def squeeze(input: Any, axis: Any = None, name: Optional[str] = None) -> Any:
    """Without axes of size 1: all of them, or those named.

    Raises: InvalidArgumentError for an axis of another size.
    """
    if axis is None or not len(ints(axis)):
        return input.squeeze()
    axes = axes_in(axis, input.ndim, "Squeeze")
    for place in axes:
        if input.shape[place] != 1:
            raise invalid(f"Can not squeeze dim[{place}], expected a dimension of 1, got {input.shape[place]} [Op:Squeeze]")
    return input.reshape([n for i, n in enumerate(input.shape) if i not in axes])


@face("a")
def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: Optional[str] = "transpose") -> Any:
    """The axes in another order, reversed when none is given.

    Raises: InvalidArgumentError for what is no order of the axes.
    """
    order = ints(perm) if perm is not None else tuple(range(a.ndim))[::-1]
    if len(order) != a.ndim:
        raise invalid(
            f"transpose expects a vector of size {a.ndim}. But input(1) is a vector of size {len(order)} [Op:Transpose]"
        )
    places = [place % a.ndim if -a.ndim <= place < a.ndim else place for place in order]
    for place in range(a.ndim):
        if place not in places:
            raise invalid(f"{place} is missing from {{{','.join(map(str, order))}}}. [Op:Transpose]")
    a = w.conj(a) if conjugate and a.dtype.is_complex else a
    return a.permute(places) if a.ndim else a


@face("input")
def broadcast_to(input: Any, shape: Any, name: Optional[str] = None) -> Any:
    """Axes of size 1 repeated. Raises: InvalidArgumentError for a shape that does not fit."""
    return w.broadcast_to(input, ints(shape))


@face("tensor")
def reverse(tensor: Any, axis: Any, name: Optional[str] = None) -> Any:
    """The elements along axes from last to first. Raises: InvalidArgumentError for an axis that is not there."""
    return w.flip(tensor, axes_in(axis, tensor.ndim, "ReverseV2"))


@face("input", "seq_lengths")
def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None, name: Optional[str] = None
) -> Any:
    """For each entry of the batch axis, its first so many elements along `seq_axis` from last to first.

    Raises: InvalidArgumentError for lengths that do not fit.
    """
    along, batch = [axis_in(axis or 0, input.ndim, "ReverseSequence") for axis in (seq_axis, batch_axis)]
    accept("ReverseSequence", frozenset([w.int32, w.int64]), seq_lengths)
    if seq_lengths.ndim != 1 or seq_lengths.shape[0] != input.shape[batch]:
        raise invalid(
            f"Length of seq_lengths != input.dims({batch}), ({list(seq_lengths.shape)} vs. {input.shape[batch]}) "
            "[Op:ReverseSequence]"
        )
    if along == batch:
        raise invalid(f"batch_dim == seq_dim == {along} [Op:ReverseSequence]")
    n = input.shape[along]
    if seq_lengths.numel() and bool(((seq_lengths < 0) | (seq_lengths > n)).any()):
        raise invalid(f"seq_lens must lie between 0 and input.dims({along}) = {n} [Op:ReverseSequence]")
    lengths = seq_lengths.to(w.int64).reshape([-1 if i == batch else 1 for i in range(input.ndim)])
    places = w.arange(n).reshape([-1 if i == along else 1 for i in range(input.ndim)])
    source = w.where(places < lengths, lengths - 1 - places, places)
    return w.take_along_dim(input, w.broadcast_to(source, tuple(input.shape)), along)


@face("input")
def roll(input: Any, shift: Any, axis: Any, name: Optional[str] = None) -> Any:
    """The elements moved on along axes; those that leave come in again. Raises: InvalidArgumentError for other axes."""
    steps, axes = ints(shift), ints(axis)
    if len(steps) != len(axes):
        raise invalid(f"shift and axis must have the same size, got {len(steps)} and {len(axes)} [Op:Roll]")
    return w.roll(input, steps, tuple([axis_in(a, input.ndim, "Roll") for a in axes]))


@face("input")
def repeat(input: Any, repeats: Any, axis: Any = None, name: Optional[str] = None) -> Any:
    """Each element (or slice along the axis) repeated; without an axis, of the flat tensor.

    Raises: InvalidArgumentError for repeats that do not fit.
    """
    x, axis = (input.reshape(-1), 0) if axis is None else (input, axis_in(axis, input.ndim, "repeat"))
    counts = ints(repeats)
    if len(counts) == 1:
        return w.repeat_interleave(x, counts[0], axis)
    if len(counts) != x.shape[axis]:
        raise invalid(f"Repeats must be of length 1 or {x.shape[axis]}, got {len(counts)} [Op:repeat]")
    return w.repeat_interleave(x, w.tensor(list(counts)), axis)


@face("input")
def tile(input: Any, multiples: Any, name: Optional[str] = None) -> Any:
    """The whole tensor repeated along each axis. Raises: InvalidArgumentError unless there is one number for each."""
    counts = ints(multiples)
    if len(counts) != input.ndim:
        raise invalid(
            f"Expected multiples argument to be a vector of length {input.ndim} but got length {len(counts)} [Op:Tile]"
        )
    if any([n < 0 for n in counts]):
        raise invalid(f"Expected multiples >= 0, got {list(counts)} [Op:Tile]")
    return w.tile(input, counts) if counts else input


_MODES = {"CONSTANT": "constant", "REFLECT": "reflect", "SYMMETRIC": "symmetric"}


@face("tensor")
def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: Optional[str] = None) -> Any:
    """Elements put before and after each axis: a constant, or the tensor mirrored without (REFLECT) or with (SYMMETRIC)
    its edge.

    Raises: ValueError for another mode, InvalidArgumentError for paddings that do not fit.
    """
    if mode.upper() not in _MODES:
        raise ValueError(
            f"Value of argument `mode` expected to be one of 'CONSTANT', 'REFLECT', or 'SYMMETRIC'. Received `mode` = {mode}"
        )
    widths = [ints(pair) for pair in (paddings.tolist() if hasattr(paddings, "tolist") else paddings)]
    if len(widths) != tensor.ndim or any([len(pair) != 2 for pair in widths]):
        raise invalid(f"The first dimension of paddings must be the rank of inputs {list(tensor.shape)}, got {widths} [Op:Pad]")
    if any([n < 0 for pair in widths for n in pair]):
        raise invalid(f"Paddings must be non-negative, got {widths} [Op:Pad]")
    if mode.upper() == "CONSTANT":
        return _bordered(tensor, widths, constant_values)
    edge = 0 if mode.upper() == "SYMMETRIC" else 1
    for axis, (before, after) in enumerate(widths):
        n = tensor.shape[axis]
        if max(before, after) > n - edge:
            raise invalid(
                f"paddings must be no greater than the dimension size: {before}, {after} greater than {n - edge} [Op:MirrorPad]"
            )
        if before or after:
            around = [*range(before - 1 + edge, -1 + edge, -1), *range(n), *range(n - 1 - edge, n - 1 - edge - after, -1)]
            tensor = w.index_select(tensor, axis, w.tensor(around))
    return tensor


def _bordered(x: Any, widths: Any, value: Any) -> Any:
    """x within a border of one value, which may be a tensor."""
    value = like("PadV2", value, x)
    for axis, (before, after) in enumerate(widths):
        sides = [w.broadcast_to(value, [n if i == axis else m for i, m in enumerate(x.shape)]) for n in (before, after)]
        if before or after:
            x = w.cat([sides[0], x, sides[1]], axis)
    return x


@face("indices")
def unravel_index(indices: Any, dims: Any, name: Optional[str] = None) -> Any:
    """Places of a flat tensor as places of the shape: one row for each axis.

    Raises: InvalidArgumentError for a place outside.
    """
    accept("UnravelIndex", INDEX, indices)
    sizes = ints(dims)
    if indices.numel() and bool(((indices < 0) | (indices >= prod(sizes))).any()):
        raise invalid(f"index is out of bound as with dims {list(sizes)} [Op:UnravelIndex]")
    parts = w.unravel_index(indices.to(w.int64), sizes)
    return w.stack(list(parts)).to(indices.dtype)


__all__ = [
    "broadcast_to", "ensure_shape", "expand_dims", "identity", "identity_n", "pad", "rank", "repeat", "reshape",
    "reverse", "reverse_sequence", "roll", "shape", "shape_n", "size", "squeeze", "tile", "transpose", "unravel_index",
]  # fmt: skip
