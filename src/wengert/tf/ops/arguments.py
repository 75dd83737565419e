"""What the chapters share: kinds of dtypes and how they are refused, arguments of one dtype, sizes and axes.

TensorFlow's rules for two arguments of one dtype: a tensor among them says which; without one, the first argument does;
the others follow if they can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import Parameter, Signature
from typing import Any, Optional

from wengert.dtypes import ALL, DType
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.core import fresh, w
from wengert.tf.values import common_dtype

Kind = frozenset[DType]

FLOATING: Kind = frozenset([dtype for dtype in ALL if dtype.is_floating_point])
COMPLEX: Kind = frozenset([dtype for dtype in ALL if dtype.is_complex])
INEXACT: Kind = FLOATING | COMPLEX
INTEGER: Kind = frozenset([dtype for dtype in ALL if dtype not in INEXACT and dtype is not w.bool])
REAL: Kind = FLOATING | INTEGER
NUMERIC: Kind = REAL | COMPLEX
BOOL: Kind = frozenset([w.bool])
SIGNED: Kind = frozenset([dtype for dtype in NUMERIC if dtype.is_signed])
LAPACK: Kind = frozenset([w.float32, w.float64, w.complex64, w.complex128])
INDEX: Kind = frozenset([w.int16, w.int32, w.int64])
LABEL: Kind = frozenset([w.int32, w.int64])
EVERY: Kind = frozenset(ALL)


def accept(operation: str, kind: Kind, *tensors: Any) -> None:
    """Raises: InvalidArgumentError for a tensor of another dtype than `kind` has."""
    for x in tensors:
        if x.dtype not in kind:
            allowed = ", ".join([dtype.name for dtype in ALL if dtype in kind])
            raise invalid(
                f"Value for attr 'T' of {x.dtype.name} is not in the list of allowed values: {allowed}. Convert the argument "
                f"with tf.cast [Op:{operation}]"
            )


def alike(operation: str, *values: Any) -> list[Any]:
    """The values as tensors of one dtype: that of the tensors among them, else of the first.

    Raises: InvalidArgumentError for tensors of two dtypes, TypeError for a number that does not fit the others.
    """
    hint = common_dtype(values, operation) or fresh(values[0], None, operation).dtype
    return [fresh(value, hint, operation) for value in values]


def led(operation: str, *values: Any) -> list[Any]:
    """The values as tensors of the first one's dtype.

    Raises: InvalidArgumentError for any that has, or needs, another.
    """
    first = fresh(values[0], None, operation)
    try:
        return [first, *[fresh(value, first.dtype, operation) for value in values[1:]]]
    except TypeError as error:
        raise invalid(
            f"cannot compute {operation} as an input was expected to be a {first.dtype.name} tensor. {error} [Op:{operation}]"
        ) from error


def like(operation: str, value: Any, x: Any) -> Any:
    """`value` as a tensor of x's dtype."""
    return fresh(value, x.dtype, operation)


def unary(function: Callable[..., Any], operation: str, kind: Kind, doc: str, argument: str = "x") -> Any:
    """The operation ``(x, name=None)`` of one tensor."""

    @face("x")
    def elementwise(x: Any, name: Optional[str] = None) -> Any:
        accept(operation, kind, x)
        return function(x)

    return _named(elementwise, operation, doc, (argument,))


def binary(
    function: Callable[..., Any], operation: str, kind: Kind, doc: str, arguments: tuple[str, str] = ("x", "y"),
    together: Callable[..., Any] = alike,
) -> Any:  # fmt: skip
    """The operation ``(x, y, name=None)`` of two tensors of one dtype, which broadcast; `together` makes them so."""
    only = next(iter(kind)) if len(kind) == 1 else None

    @face()
    def elementwise(x: Any, y: Any, name: Optional[str] = None) -> Any:
        x, y = together(operation, x, y) if only is None else (fresh(x, only, operation), fresh(y, only, operation))
        accept(operation, kind, x)
        return function(x, y)

    return _named(elementwise, operation, doc, arguments)


def _named(function: Any, operation: str, doc: str, arguments: tuple[str, ...]) -> Any:
    """The operation with its text, and with its arguments called as TensorFlow calls them."""
    theirs = dict(zip(arguments, ("x", "y")))

    def renamed(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{theirs.get(key, key): value for key, value in kwargs.items()})

    given: Any = function if all([key == value for key, value in theirs.items()]) else renamed
    given.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for dtypes or shapes that do not fit."
    given.__name__ = given.__qualname__ = operation
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in arguments]
    given.__signature__ = Signature([*parameters, Parameter("name", Parameter.POSITIONAL_OR_KEYWORD, default=None)])
    return given


def integer(value: Any) -> int:
    """A whole number; a tensor is asked for its value."""
    return int(value.item()) if isinstance(value, w.Tensor) else int(value)


def ints(values: Any) -> tuple[int, ...]:
    """Sizes or axes: a number, a sequence of numbers or of tensors, a tensor, a `TensorShape`."""
    if isinstance(values, w.Tensor) or hasattr(values, "tolist"):
        values = values.tolist()
    if values.__class__ is int or not isinstance(values, Iterable):
        return (integer(values),)
    return tuple([integer(value) for value in values])


def axis_in(axis: Any, ndim: int, operation: str) -> int:
    """An axis counted from 0. Raises: InvalidArgumentError for one that is not there."""
    number = integer(axis)
    if not -ndim <= number < ndim:
        raise invalid(f"Expected dimension in the range [{-ndim}, {ndim}), but got {number} [Op:{operation}]")
    return number % ndim


def axes_in(axis: Any, ndim: int, operation: str) -> tuple[int, ...]:
    """Axes counted from 0; None is all of them.

    Raises: InvalidArgumentError for an axis that is not there or comes twice.
    """
    if axis is None:
        return tuple(range(ndim))
    found = []
    for number in ints(axis):
        if not -ndim <= number < ndim:
            raise invalid(f"Invalid reduction dimension ({number} for input with {ndim} dimension(s) [Op:{operation}]")
        if number % ndim in found:
            raise invalid(f"Invalid reduction arguments: Axes contains duplicate dimension: {number} [Op:{operation}]")
        found.append(number % ndim)
    return tuple(found)


def shape_of(x: Any) -> tuple[int, ...]:
    """The sizes of anything that is, or could be, a tensor."""
    return tuple(x.shape)
