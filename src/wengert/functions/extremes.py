"""The largest and the smallest: of all elements, along dimensions, of two tensors, and where they stand.

Hot path: `max` and `argmax` with plain arguments add a microsecond or two to what `record` costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import dtype_error, index_error, runtime_error, type_error
from wengert.functions import return_types
from wengert.functions.axes import Dims, at_least_1d, axes_of, axis_of, count, flat, kept, numpy_names, one_axis
from wengert.functions.elementwise import maximum, minimum
from wengert.functions.operands import deliver, node_of
from wengert.graph.node import Node
from wengert.graph.record import record
from wengert.graph.rule import Primitive, primitives as p
from wengert.primitives.indexing import gather
from wengert.primitives.views import reshape
from wengert.tensors.tensor import Tensor

__all__ = ["max", "min", "amax", "amin", "aminmax", "argmax", "argmin"]


# --- one element chosen along a dimension ---------------------------------------------------------------------------


def pick(x: Node, index: Node, axis: int) -> tuple[Node, Node]:
    """(values, index): what stands in x at `index` along `axis`, where `index` has the shape of x without it."""
    column = kept(index, x.type.shape, (axis,))
    return record(reshape, (record(gather, (x, column), (axis,)),), (index.type.shape,)), index


def along(
    name: str,
    input: Tensor,
    dim: Any,
    keepdim: bool,
    out: Any,
    position: Callable[[Node, int], Node],
) -> Any:
    """The named pair (values, indices) of an operation that chooses one element along `dim`. `position(x, axis)` gives
    the index, and the value's derivative goes to it."""
    x = node_of(input, name)
    axis = axis_of(dim, x.ndim, name)
    if x.ndim and x.shape[axis] == 0:
        raise index_error(name, f"Expected reduction dim {axis} to have non-zero size", list(x.shape))
    rows = at_least_1d(x)
    pair = pick(rows, position(rows, axis), axis)
    if keepdim and x.ndim:
        pair = kept(pair[0], x.shape, (axis,)), kept(pair[1], x.shape, (axis,))
    return deliver_pair(name, pair, out)


def deliver_pair(name: str, pair: tuple[Node, Node], out: Any) -> Any:
    """Two results under `name`'s names, written into the two tensors of `out` when they are given.

    Raises: TypeError unless `out` is a pair.
    """
    if out is None:
        targets: Any = (None, None)
    elif isinstance(out, (tuple, list)) and len(out) == 2:
        targets = out
    else:
        raise type_error(name, "argument 'out' must be a tuple of two Tensors", type(out).__name__)
    values = [deliver(node, target) for node, target in zip(pair, targets)]
    return getattr(return_types, name)(*values)


def _extreme(name: str, reduction: Primitive, position: Primitive, pairwise: Callable[..., Tensor], word: str) -> Any:
    """`max` or `min` in all three forms."""

    def extreme(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None) -> Any:
        if isinstance(dim, Tensor):
            other, dim = dim, None
        if other is not None:
            return pairwise(input, other, out=out)
        if dim is not None:
            return along(name, input, dim, keepdim, out, lambda x, axis: record(position, (x,), (axis,)))
        x = node_of(input, name)
        if keepdim is not False:
            raise type_error(name, "a 'dim' together with 'keepdim'", f"keepdim={keepdim}", f"use a{name} for all of them")
        if x.type.size == 0:
            raise _of_nothing(name, runtime_error)
        return deliver(record(reduction, (x,), (axes_of(None, x.type.ndim, name),)), out)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = f"""The {word} element, in three forms.

    {name}(input)                  of all elements; equal ones share the derivative evenly
    {name}(input, dim, keepdim)    along `dim`: the pair (values, indices); the derivative goes to the index
    {name}(input, other)           the {word} of the two, elementwise (`{pairwise.__name__}`)

    A NaN is taken for the {word}. Raises: RuntimeError for no elements, IndexError for none along `dim`.
    """
    return numpy_names(extreme)


def _of_nothing(name: str, error: Callable[..., Exception]) -> Exception:
    return error(
        name,
        "Expected reduction dim to be specified for input.numel() == 0",
        None,
        "Specify the reduction dim with the 'dim' argument",
    )


max = _extreme("max", p.reduce_max, p.argmax, maximum, "largest")
min = _extreme("min", p.reduce_min, p.argmin, minimum, "smallest")


def _extremes_shared(name: str, reduction: Primitive, word: str) -> Callable[..., Tensor]:
    def extreme(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Optional[Tensor] = None) -> Tensor:
        x = node_of(input, name)
        axes = axes_of(dim, x.ndim, name)
        if x.size == 0 and (dim is None or dim == () or dim == []):
            raise _of_nothing(name, runtime_error)
        for axis in axes:
            if x.shape[axis] == 0:
                raise index_error(name, f"Expected reduction dim {axis} to have non-zero size", list(x.shape))
        y = record(reduction, (x,), (axes,))
        return deliver(kept(y, x.shape, axes) if keepdim else y, out)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = f"""The {word} element over `dim` (one, several, or all). Equal ones share the derivative evenly.

    Raises: IndexError for no elements along a dimension; RuntimeError for complex tensors.
    """
    return numpy_names(extreme)


amax = _extremes_shared("amax", p.reduce_max, "largest")
amin = _extremes_shared("amin", p.reduce_min, "smallest")


@numpy_names
def aminmax(input: Tensor, *, dim: Optional[int] = None, keepdim: bool = False, out: Any = None) -> Any:
    """The named pair (min, max) over `dim`, or over everything. Equal ones share the derivative evenly.

    Raises: RuntimeError for no elements, IndexError for none along `dim`.
    """
    x = node_of(input, "aminmax")
    axes = axes_of(None, x.ndim, "aminmax") if dim is None else one_axis(dim, x.ndim, "aminmax")
    if count(x.shape, axes) == 0:
        if dim is not None:
            raise index_error("aminmax", f"Expected reduction dim {axes[0]} to have non-zero size", list(x.shape))
        raise runtime_error("aminmax", "cannot compute aminmax of no elements, which have no identity", list(x.shape))
    low, high = p.reduce_min(x, axes=axes), p.reduce_max(x, axes=axes)
    if keepdim:
        low, high = kept(low, x.shape, axes), kept(high, x.shape, axes)
    return deliver_pair("aminmax", (low, high), out)


def _argument(name: str, position: Primitive, word: str) -> Callable[..., Tensor]:
    def argument(input: Tensor, dim: Optional[int] = None, keepdim: bool = False, *, out: Optional[Tensor] = None) -> Tensor:
        x = node_of(input, name)
        if x.type.dtype is dtypes.bool_:
            raise dtype_error(name, "does not support bool input", None, "convert it first, for example with .int()")
        if dim is None:
            if x.type.size == 0:
                raise _of_nothing(name, index_error)
            y = record(position, (flat(x),), (0,))
            return deliver(p.reshape(y, shape=(1,) * x.ndim) if keepdim else y, out)
        axis = axis_of(dim, x.type.ndim, name)
        y = record(position, (at_least_1d(x),), (axis,))
        return deliver(kept(y, x.shape, (axis,)) if keepdim and x.ndim else y, out)

    argument.__name__ = argument.__qualname__ = name
    argument.__doc__ = f"""The position of the {word} element along `dim`, or among all in row-major order; int64.

    The first of equals; a NaN is taken for the {word}. Raises: IndexError for no elements.
    """
    return numpy_names(argument)


argmax = _argument("argmax", p.argmax, "largest")
argmin = _argument("argmin", p.argmin, "smallest")


METHODS: dict[str, Callable[..., Any]] = {
    "max": max, "min": min, "amax": amax, "amin": amin, "aminmax": aminmax, "argmax": argmax, "argmin": argmin,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
