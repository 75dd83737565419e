"""Views by name, as copies: ``expand_copy(x, size)`` is ``x.expand(size).clone()``, and so on. And what a tensor here
never has to do, because conjugates are values: `resolve_conj`, `resolve_neg`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert.functions import data, layout, order, parts, pieces, shape
from wengert.functions.operands import deliver
from wengert.tensors.tensor import Tensor

__all__ = [
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "permute_copy", "select_copy",
    "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy", "transpose_copy", "unbind_copy", "unfold_copy",
    "unsqueeze_copy", "view_as_complex_copy", "view_as_real_copy", "view_copy", "resolve_conj", "resolve_neg",
    "resize_as_",
]  # fmt: skip


def _copy_of(name: str, taken: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def copied(input: Tensor, *args: Any, out: Optional[Tensor] = None, **kwargs: Any) -> Tensor:
        return deliver(data.clone(taken(input, *args, **kwargs))._read(), out)

    return _named(copied, name)


def _copies_of(name: str, taken: Callable[..., Any]) -> Callable[..., Any]:
    """The same for what gives several views."""

    def copied(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        found = [data.clone(piece)._read() for piece in taken(input, *args, **kwargs)]
        if out is None:
            return tuple([deliver(y) for y in found])
        for y, to in zip(found, out):
            deliver(y, to)
        return None

    return _named(copied, name)


def _named(function: Any, name: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name.removesuffix('_copy')}` as a copy."
    return function


def _alias(input: Tensor) -> Tensor:
    return input


alias_copy = _copy_of("alias_copy", _alias)
detach_copy = _copy_of("detach_copy", Tensor.detach)
as_strided_copy = _copy_of("as_strided_copy", parts.as_strided)
diagonal_copy = _copy_of("diagonal_copy", parts.diagonal)
expand_copy = _copy_of("expand_copy", shape.METHODS["expand"])
permute_copy = _copy_of("permute_copy", order.permute)
select_copy = _copy_of("select_copy", parts.select)
squeeze_copy = _copy_of("squeeze_copy", shape.squeeze)
t_copy = _copy_of("t_copy", order.t)
transpose_copy = _copy_of("transpose_copy", order.transpose)
unfold_copy = _copy_of("unfold_copy", parts.unfold)
unsqueeze_copy = _copy_of("unsqueeze_copy", shape.unsqueeze)
view_copy = _copy_of("view_copy", shape.METHODS["view"])
view_as_real_copy = _copy_of("view_as_real_copy", parts.view_as_real)
view_as_complex_copy = _copy_of("view_as_complex_copy", parts.view_as_complex)
split_copy = _copies_of("split_copy", pieces.split)
split_with_sizes_copy = _copies_of("split_with_sizes_copy", pieces.split_with_sizes)
unbind_copy = _copies_of("unbind_copy", pieces.unbind)


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: a conjugate is computed, never only marked."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: a negative is computed, never only marked."""
    return input


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`Tensor.resize_` to the shape of another tensor."""
    return layout.resize_as_(input, the_template)


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
