"""Views of a tensor with its dimensions in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

from wengert.functions.axes import axis_of
from wengert.functions.operands import shape_of, sizes
from wengert.primitives import views
from wengert.primitives.complexes import conj
from wengert.shapes import Shape
from wengert.tensors.tensor import Tensor, view as view_through, view_in_place, wrap

__all__ = ["permute", "transpose", "swapaxes", "swapdims", "t", "adjoint", "movedim", "moveaxis"]


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order: dimension k of the result is dimension dims[k] of the input.

    Raises: RuntimeError unless each dimension appears exactly once; IndexError for one that is not there.
    """
    ndim = len(shape_of(input, "permute"))
    order = sizes("permute", dims)
    if len(order) != ndim:
        raise RuntimeError(
            "permute: number of dimensions in the tensor input does not match the length of the desired ordering of "
            f"dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(order)}"
        )
    axes = tuple([axis_of(axis, ndim, "permute") for axis in order])
    if len(set(axes)) != ndim:
        raise RuntimeError(f"permute: duplicate dims are not allowed; got {list(order)}")
    return view_through(input, views.permute, (axes,))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged.

    Raises: IndexError for a dimension that is not there.
    """
    return view_through(input, views.permute, (_exchanged(input, dim0, dim1),))


def _exchanged(input: Tensor, dim0: Any, dim1: Any) -> Shape:
    ndim = len(shape_of(input, "transpose"))
    order = list(range(ndim))
    first, second = axis_of(dim0, ndim, "transpose"), axis_of(dim1, ndim, "transpose")
    if ndim:
        order[first], order[second] = second, first
    return tuple(order)


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` by NumPy's name."""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` by another name."""
    return transpose(input, dim0, dim1)


def t(input: Tensor) -> Tensor:
    """A matrix transposed; vectors and numbers as they are.

    Raises: RuntimeError for more than two dimensions.
    """
    return view_through(input, views.permute, (_turned(input),))


def _turned(input: Tensor) -> Shape:
    ndim = len(shape_of(input, "t"))
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return tuple(range(ndim))[::-1]


def _reversed(self: Tensor) -> Tensor:
    """All dimensions in the opposite order."""
    return view_through(self, views.permute, (tuple(range(self.ndim))[::-1],))


def _matrix_transpose(self: Tensor) -> Tensor:
    """The last two dimensions exchanged. Raises: RuntimeError for fewer than two dimensions."""
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return transpose(self, -2, -1)


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged, and the complex conjugate.

    Raises: RuntimeError for fewer than two dimensions.
    """
    if input.ndim < 2:
        raise RuntimeError(f"adjoint() is only supported on matrices or batches of matrices. Got {input.ndim}-D tensor.")
    turned = transpose(input, -2, -1)
    return wrap(conj(turned._read())) if input.is_complex() else turned


def _hermitian(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix. Raises: RuntimeError for other ranks."""
    if self.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.")
    return adjoint(self) if self.ndim else self


def movedim(input: Tensor, source: Union[int, Sequence[int]], destination: Union[int, Sequence[int]]) -> Tensor:
    """Dimensions `source` moved to positions `destination`; the others keep their order.

    Raises: RuntimeError when the two do not pair up or repeat a dimension; IndexError for one that is not there.
    """
    ndim = len(shape_of(input, "movedim"))
    sources = source if isinstance(source, (tuple, list)) else (source,)
    targets = destination if isinstance(destination, (tuple, list)) else (destination,)
    if len(sources) != len(targets):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should contain the same number "
            f"of dims as destination ({list(targets)} dims)"
        )
    start = [axis_of(axis, ndim, "movedim") for axis in sources]
    end = [axis_of(axis, ndim, "movedim") for axis in targets]
    if len(set(start)) != len(start) or len(set(end)) != len(end):
        raise RuntimeError(f"movedim: repeated dim in {list(sources)} or {list(targets)}")
    if not ndim:
        return view_through(input, views.permute, ((),))
    rest = iter([axis for axis in range(ndim) if axis not in start])
    moved = dict(zip(end, start))
    return view_through(input, views.permute, (tuple([moved[i] if i in moved else next(rest) for i in range(ndim)]),))


def moveaxis(input: Tensor, source: Union[int, Sequence[int]], destination: Union[int, Sequence[int]]) -> Tensor:
    """`movedim` by NumPy's name."""
    return movedim(input, source, destination)


# --- as methods --------------------------------------------------------------------------------------------------------


def in_place_view(primitive: Any, params: Callable[..., Shape], name: str) -> Callable[..., Tensor]:
    """The ``name_`` twin of a view: the tensor itself becomes the view."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return view_in_place(self, primitive, (params(self, *args, **kwargs),))

    method.__name__ = name
    method.__doc__ = f"In place `{name[:-1]}`: this tensor looks at its memory in the other way from now on."
    return method


_turn = in_place_view(views.permute, _exchanged, "transpose_")

METHODS: dict[str, Any] = {
    "permute": permute, "transpose": transpose, "swapaxes": swapaxes, "swapdims": swapdims, "t": t, "adjoint": adjoint,
    "movedim": movedim, "moveaxis": moveaxis,
    "T": property(_reversed), "mT": property(_matrix_transpose), "H": property(_hermitian), "mH": property(adjoint),
    "transpose_": _turn, "swapaxes_": _turn, "swapdims_": _turn, "t_": in_place_view(views.permute, _turned, "t_"),
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
