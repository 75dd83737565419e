"""Every error that wengert raises on purpose, and the few builders that word them.

    Exception
    ├── RuntimeError
    │   ├── ShapeError       shapes that do not fit an operation
    │   ├── DtypeError       dtypes that do not fit an operation
    │   ├── ArgumentError    values of arguments that an operation does not take
    │   ├── GradientError    a derivative that cannot be taken
    │   ├── CompileError     what `compile(fullgraph=True)` can't replay
    │   ├── TracedValue      a value that a function asks for while it is traced on placeholders
    │   └── LinAlgError      a matrix that has not what was asked for: singular, not positive definite
    ├── IndexError
    │   ├── PositionError    a position that is not there (a RuntimeError too)
    │   └── AxisError        a dimension that the tensor does not have
    └── NotImplementedError
        └── MissingRule      a primitive without the rule that a transformation asked for

The bases are the types that PyTorch raises, so ``except RuntimeError`` means the same here. A message says who, what
was wanted, what came, what to do, and ends with the user's own line.
"""

from __future__ import annotations

from typing import NoReturn

from wengert.origin import user_line


class ShapeError(RuntimeError):
    """Shapes that do not fit an operation."""


class DtypeError(RuntimeError):
    """Dtypes that do not fit an operation."""


class ArgumentError(RuntimeError):
    """Values of arguments that an operation does not take."""


class GradientError(RuntimeError):
    """A derivative that cannot be taken."""


class LinAlgError(RuntimeError):
    """A matrix that has not what was asked for: singular, not positive definite."""


class TracedValue(RuntimeError):
    """A value that a function asks for while it is traced, when only shapes and dtypes are known."""


class CompileError(RuntimeError):
    """A function that `compile(fullgraph=True)` can't replay."""


class PositionError(IndexError, RuntimeError):
    """A position that is not there. PyTorch raises IndexError for some operations, RuntimeError for others."""


class AxisError(IndexError):
    """A dimension that the tensor does not have."""


class MissingRule(NotImplementedError):
    """A primitive lacks the rule that a transformation asked for."""


def _sentence(operation: str, wanted: str, got: object, hint: str) -> str:
    text = f"{operation}: {wanted}"
    if got is not None:
        text += f"; got {_join(got)}"
    text += "."
    if hint:
        text += f" {hint[0].upper()}{hint[1:]}"
        if text[-1] not in ".?!":
            text += "."
    where = user_line()
    return f"{text}  ({where})" if where else text


def _join(got: object) -> str:
    if isinstance(got, tuple) and got and isinstance(got[0], tuple):
        return " and ".join(str(list(shape)) for shape in got)
    return str(got)


def shape_error(operation: str, wanted: str, got: object = None, hint: str = "") -> ShapeError:
    """A ShapeError that says who, wanted, got and what to do. `got` is a tuple of shapes, or any value."""
    return ShapeError(_sentence(operation, wanted, got, hint))


def dtype_error(operation: str, wanted: str, got: object = None, hint: str = "") -> DtypeError:
    """A DtypeError in the same form."""
    return DtypeError(_sentence(operation, wanted, got, hint))


def index_error(operation: str, wanted: str, got: object = None, hint: str = "") -> IndexError:
    """An IndexError in the same form."""
    return PositionError(_sentence(operation, wanted, got, hint))


def type_error(operation: str, wanted: str, got: object = None, hint: str = "") -> TypeError:
    """A TypeError in the same form."""
    return TypeError(_sentence(operation, wanted, got, hint))


def value_error(operation: str, wanted: str, got: object = None, hint: str = "") -> ValueError:
    """A ValueError in the same form."""
    return ValueError(_sentence(operation, wanted, got, hint))


def runtime_error(operation: str, wanted: str, got: object = None, hint: str = "") -> ArgumentError:
    """An ArgumentError in the same form."""
    return ArgumentError(_sentence(operation, wanted, got, hint))


def unreachable(what: str) -> NoReturn:
    """An internal state that cannot be: a defect of wengert, not of the user's program."""
    raise SystemError(f"wengert reached a state that should be impossible: {what}. Please report this.")
