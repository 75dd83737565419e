"""Strides, as a program sees them: where each element of a tensor lies in the memory that it shares.

Values are stored as the executables like. What `stride()`, `is_contiguous()` and the rule for `view` are about is the
way a tensor was taken from its memory, which its chain of views says.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Optional

from wengert.primitives.control import stop_gradient
from wengert.primitives.strided import as_complex, as_real, as_strided, reinterpret, windows
from wengert.primitives.views import diagonal, expand, permute, reshape, slice
from wengert.shapes import Shape, contiguous_strides
from wengert.tensors.cell import Link
from wengert.tensors.tensor import Tensor

Layout = tuple[Shape, int]  # strides and offset, in elements


def layout_of(tensor: Tensor) -> Layout:
    """The strides and the offset of a tensor in its memory."""
    link = tensor._link
    return (contiguous_strides(tensor._node.shape), 0) if link is None else layout_of_link(link)


def layout_of_link(link: Link) -> Layout:
    """The strides and the offset of what a link shows. Kept in the link, so that a view of a view of a view is cheap."""
    whole = link.cell.strides
    views = []
    while link.view is not None and (link.layout is None or link.layout[0] is not whole):
        views.append((link, link.view))
        link = link.view.parent
    shape = link.node.shape
    layout = (whole or contiguous_strides(shape), 0) if link.view is None else link.layout[1]
    for below, view in reversed(views):
        strides, offset = layout
        layout = _RULES[view.primitive](shape, strides, offset, view.params, below)
        below.layout = whole, layout
        shape = below.node.shape
    return layout


def is_plain(tensor: Tensor) -> bool:
    """Whether the tensor obviously is the whole of row-major memory. Hot: spares most tensors the walk."""
    link = tensor._link
    return link is None or (link.view is None and link.cell.strides is None)


def is_row_major(shape: Shape, strides: Shape) -> bool:
    """Whether elements lie one after another; sizes of 1 do not matter, nor do those of an empty tensor."""
    if 0 in shape:
        return True
    step = 1
    for n, stride in zip(reversed(shape), reversed(strides)):
        if n != 1:
            if stride != step:
                return False
            step *= n
    return True


def is_repeated(tensor: Tensor) -> bool:
    """Whether a tensor certainly shows one place of its memory several times, as an expanded one does."""
    if tensor._link is None or not prod(tensor._node.shape):
        return False
    return any([n > 1 and step == 0 for n, step in zip(tensor._node.shape, layout_of(tensor)[0])])


def have_common_places(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors certainly show a common place: those of one memory, without gaps, whose stretches meet."""
    if a is b:
        return prod(a._node.shape) > 0
    if a._link is None or b._link is None or a._link.cell is not b._link.cell:
        return False
    first, second = _stretch(a), _stretch(b)
    return first is not None and second is not None and first[0] < second[1] and second[0] < first[1]


def _stretch(tensor: Tensor) -> Optional[tuple[int, int]]:
    """The bytes (start, end) of its memory that a tensor shows; None when there are gaps or repetitions between."""
    shape, (strides, offset) = tensor._node.shape, layout_of(tensor)
    count, each = prod(shape), tensor._node.dtype.itemsize
    if not count or 1 + sum([(n - 1) * step for n, step in zip(shape, strides)]) != count:
        return None
    return offset * each, (offset + count) * each


def viewed_strides(shape: Shape, strides: Shape, wanted: Shape) -> Optional[Shape]:
    """The strides that show memory laid out as `shape`, `strides` in the shape `wanted` without a copy; None when a
    dimension would span places that do not follow one another. Both shapes have the same number of elements.
    """
    if shape == wanted:
        return strides
    if prod(shape) == 0:
        return contiguous_strides(wanted)
    blocks = _blocks(shape, strides)
    found = []
    size, step = blocks.pop() if blocks else (1, 1)
    for n in reversed(wanted):
        if n != 1 and size == 1 and blocks:
            size, step = blocks.pop()
        if size % n:
            return None
        found.append(step)
        size //= n
        step *= n
    return tuple(reversed(found))


def _blocks(shape: Shape, strides: Shape) -> list[tuple[int, int]]:
    """Neighbouring dimensions that follow one another in memory as one: (size, stride of its last element)."""
    blocks: list[tuple[int, int]] = []
    for n, stride in zip(shape, strides):
        if n == 1:
            continue
        if blocks and blocks[-1][1] == n * stride:
            blocks[-1] = (blocks[-1][0] * n, stride)
        else:
            blocks.append((n, stride))
    return blocks


# --- how each view lies in its parent: (parent's shape, strides, offset, params, link of the view) -> layout -----------


def _same(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    return strides, offset


def _slice(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    kept = []
    for entry, stride in zip(params[0], strides):
        if isinstance(entry, int):
            offset += entry * stride
        else:
            offset += entry[0] * stride
            kept.append(entry[2] * stride)
    return tuple(kept), offset


def _permute(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    return tuple([strides[axis] for axis in params[0]]), offset


def _expand(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    added = len(params[0]) - len(shape)
    kept = [stride if n == m else 0 for n, m, stride in zip(shape, params[0][added:], strides)]
    return (0,) * added + tuple(kept), offset


def _reshape(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    found = _unsqueezed(shape, strides, params[0]) or viewed_strides(shape, strides, params[0])
    assert found is not None  # a view that does not fit was refused when it was asked for
    return found, offset


def _unsqueezed(shape: Shape, strides: Shape, wanted: Shape) -> Optional[Shape]:
    """Strides where only sizes of 1 come and go; None otherwise."""
    if [n for n in shape if n != 1] != [n for n in wanted if n != 1] or 0 in shape:
        return None
    rest = [(n, stride) for n, stride in zip(shape, strides) if n != 1]
    found = []
    step = 1
    for n in reversed(wanted):
        if n != 1:
            size, stride = rest.pop()
            found.append(stride)
            step = size * stride
        else:
            found.append(step)
    return tuple(reversed(found))


def _diagonal(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    shift, axis1, axis2 = params
    if prod(link.node.shape):
        offset += max(shift, 0) * strides[axis2] + max(-shift, 0) * strides[axis1]
    kept = [stride for axis, stride in enumerate(strides) if axis not in (axis1, axis2)]
    return (*kept, strides[axis1] + strides[axis2]), offset


def _as_strided(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    return params[1], offset + params[2]  # taken of row-major memory only


def _windows(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    axis, _, step = params
    return (*strides[:axis], strides[axis] * step, *strides[axis + 1 :], strides[axis]), offset


def _reinterpret(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    assert link.view is not None
    before, after = link.view.parent.node.dtype.itemsize, params[0].itemsize
    if before == after:
        return strides, offset
    return (*[stride * before // after for stride in strides[:-1]], 1), offset * before // after


def _as_real(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    return (*[2 * stride for stride in strides], 1), 2 * offset


def _as_complex(shape: Shape, strides: Shape, offset: int, params: Any, link: Link) -> Layout:
    return tuple([stride // 2 for stride in strides[:-1]]), offset // 2


_RULES: dict[Any, Callable[[Shape, Shape, int, Any, Link], Layout]] = {
    stop_gradient: _same, slice: _slice, permute: _permute, expand: _expand, reshape: _reshape, diagonal: _diagonal,
    as_strided: _as_strided, windows: _windows, as_real: _as_real, as_complex: _as_complex, reinterpret: _reinterpret,
}  # fmt: skip
