"""TensorFlow's exceptions, and what the core's become here.

OpError
├── InvalidArgumentError      shapes, dtypes, positions and values that do not fit an operation
├── FailedPreconditionError   a state in which it cannot be done
├── OutOfRangeError           an iterator that has ended
├── UnimplementedError        what is not there
├── ResourceExhaustedError    memory
└── ...                       the other kinds, which programs name in ``except``
"""

from __future__ import annotations

from typing import Any, NoReturn

from wengert.errors import ArgumentError, AxisError, DtypeError, LinAlgError, PositionError, ShapeError


class OpError(Exception):
    """An operation that failed. `message` says why; `op` and `node_def`, of TensorFlow's graphs, are None."""

    error_code = 2

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(message)
        self.node_def, self.op, self.message = node_def, op, message

    def __reduce__(self) -> Any:
        return type(self), (self.node_def, self.op, self.message)

    def __str__(self) -> str:
        return str(self.message)


def _kind(name: str, code: int, doc: str) -> Any:
    return type(name, (OpError,), {"error_code": code, "__doc__": doc, "__module__": __name__})


CancelledError = _kind("CancelledError", 1, "It was cancelled.")
UnknownError = _kind("UnknownError", 2, "Of no other kind.")
InvalidArgumentError = _kind("InvalidArgumentError", 3, "Arguments that do not fit the operation.")
DeadlineExceededError = _kind("DeadlineExceededError", 4, "It took too long.")
NotFoundError = _kind("NotFoundError", 5, "What was asked for is not there.")
AlreadyExistsError = _kind("AlreadyExistsError", 6, "It is there already.")
PermissionDeniedError = _kind("PermissionDeniedError", 7, "It is not allowed.")
ResourceExhaustedError = _kind("ResourceExhaustedError", 8, "Memory, or something else, has run out.")
FailedPreconditionError = _kind("FailedPreconditionError", 9, "The state does not allow it.")
AbortedError = _kind("AbortedError", 10, "It was given up.")
OutOfRangeError = _kind("OutOfRangeError", 11, "Beyond the end.")
UnimplementedError = _kind("UnimplementedError", 12, "Not there.")
InternalError = _kind("InternalError", 13, "An invariant does not hold.")
UnavailableError = _kind("UnavailableError", 14, "Not there now.")
DataLossError = _kind("DataLossError", 15, "Data that cannot be read again.")
UnauthenticatedError = _kind("UnauthenticatedError", 16, "Nobody says who asks.")

# Numbers of the kinds.
OK = 0
(
    CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED,
    RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS,
    UNAUTHENTICATED,
) = range(1, 17)  # fmt: skip

KINDS = {kind.error_code: kind for kind in list(globals().values()) if isinstance(kind, type) and issubclass(kind, OpError)}

# The core's errors about arguments of an operation.
OF_ARGUMENTS = (ShapeError, DtypeError, ArgumentError, PositionError, AxisError, LinAlgError)


def _also(kind: Any) -> Any:
    """An InvalidArgumentError that is an error of Python's as well."""

    def reduced(self: Any) -> Any:
        return InvalidArgumentError, (self.node_def, self.op, self.message)

    base: Any = InvalidArgumentError
    return type("InvalidArgumentError", (base, kind), {"__module__": __name__, "__reduce__": reduced, "__doc__": base.__doc__})


# Inside `tf.function` TensorFlow finds shapes that do not fit while it traces, and raises ValueError, and TypeError for
# dtypes. Here one error serves both places: it is of both kinds.
_OF_SHAPES, _OF_DTYPES = _also(ValueError), _also(TypeError)


def invalid(message: str) -> Any:
    """An InvalidArgumentError about values or shapes."""
    return _OF_SHAPES(None, None, message)


def invalid_dtype(message: str) -> Any:
    """An InvalidArgumentError about dtypes."""
    return _OF_DTYPES(None, None, message)


def translate(error: Exception) -> NoReturn:
    """Raise what TensorFlow raises where the core raised `error`."""
    raise (invalid_dtype if isinstance(error, DtypeError) else invalid)(str(error)) from error
