"""tf.debugging: assertions about values, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Optional

import numpy as np

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import InvalidArgumentError, invalid
from wengert.tf.face import convert
from wengert.tf.values import common_dtype, fresh


def _pair(holds: Callable[[Any, Any], Any], words: str, operation: str) -> Callable[..., None]:
    def check(
        x: Any, y: Any, message: Optional[str] = None, summarize: Optional[int] = None, name: Optional[str] = None
    ) -> None:
        dtype = common_dtype([x, y], operation)
        a, b = fresh(x, dtype)._array(), fresh(y, dtype)._array()
        if not np.all(holds(a, b)):
            said = f"{message}\n" if message else ""
            raise invalid(f"{said}Condition x {words} y did not hold element-wise:\nx = {a}\ny = {b}")

    check.__name__ = check.__qualname__ = operation
    check.__doc__ = f"Raises: InvalidArgumentError unless x {words} y for every element."
    return check


assert_equal = _pair(np.equal, "==", "assert_equal")
_none_equal = _pair(np.not_equal, "!=", "assert_none_equal")
assert_less = _pair(np.less, "<", "assert_less")
assert_less_equal = _pair(np.less_equal, "<=", "assert_less_equal")
assert_greater = _pair(np.greater, ">", "assert_greater")
assert_greater_equal = _pair(np.greater_equal, ">=", "assert_greater_equal")


def _one(holds: Callable[[Any], Any], words: str, operation: str) -> Callable[..., None]:
    def check(x: Any, message: Optional[str] = None, summarize: Optional[int] = None, name: Optional[str] = None) -> None:
        a = fresh(x)._array()
        if not np.all(holds(a)):
            said = f"{message}\n" if message else ""
            raise invalid(f"{said}Condition {words} did not hold element-wise:\nx = {a}")

    check.__name__ = check.__qualname__ = operation
    check.__doc__ = f"Raises: InvalidArgumentError unless {words} for every element."
    return check


assert_positive = _one(lambda x: x > 0, "x > 0", "assert_positive")
assert_negative = _one(lambda x: x < 0, "x < 0", "assert_negative")
assert_non_negative = _one(lambda x: x >= 0, "x >= 0", "assert_non_negative")
assert_non_positive = _one(lambda x: x <= 0, "x <= 0", "assert_non_positive")


def assert_none_equal(
    x: Any, y: Any, summarize: Optional[int] = None, message: Optional[str] = None, name: Optional[str] = None
) -> None:
    """Raises: InvalidArgumentError unless x != y for every element."""
    _none_equal(x, y, message)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: Optional[str] = None, summarize: Optional[int] = None,
    name: Optional[str] = None,
) -> None:  # fmt: skip
    """Raises: InvalidArgumentError unless |x - y| <= atol + rtol |y| for every element; both default to ten times the
    dtype's rounding."""
    dtype = common_dtype([x, y], "assert_near")
    a, b = fresh(x, dtype)._array(), fresh(y, dtype)._array()
    eps = 10 * np.finfo(a.dtype).eps
    bound = (eps if atol is None else atol) + (eps if rtol is None else rtol) * np.abs(b)
    if not np.all(np.abs(a - b) <= bound):
        raise invalid(f"{message or ''}\nx and y not equal to tolerance rtol = {rtol}, atol = {atol}\nx = {a}\ny = {b}")


def assert_all_finite(x: Any, message: str, name: Optional[str] = None) -> Any:
    """x. Raises: InvalidArgumentError where it is NaN or infinite."""
    if not np.all(np.isfinite(fresh(x)._array())):
        raise invalid(f"{message} : Tensor had NaN or Inf values")
    return convert(x)


def check_numerics(tensor: Any, message: str, name: Optional[str] = None) -> Any:
    """As `assert_all_finite`."""
    return assert_all_finite(tensor, message)


def assert_rank(x: Any, rank: Any, message: Optional[str] = None, name: Optional[str] = None) -> None:
    """Raises: ValueError unless x has this rank."""
    found = convert(x).ndim
    if found != int(rank):
        raise ValueError(f"{message or ''} Tensor must have rank {int(rank)}. Received rank {found}, shape {convert(x).shape}")


def assert_rank_at_least(x: Any, rank: Any, message: Optional[str] = None, name: Optional[str] = None) -> None:
    """Raises: ValueError unless x has this rank or a higher one."""
    found = convert(x).ndim
    if found < int(rank):
        raise ValueError(
            f"{message or ''} Tensor must have rank at least {int(rank)}. Received rank {found}, shape {convert(x).shape}"
        )


def assert_rank_in(x: Any, ranks: Any, message: Optional[str] = None, name: Optional[str] = None) -> None:
    """Raises: ValueError unless x has one of these ranks."""
    found = convert(x).ndim
    if found not in [int(rank) for rank in ranks]:
        raise ValueError(
            f"{message or ''} Tensor must have rank in {tuple(ranks)}. Received rank {found}, shape {convert(x).shape}"
        )


def assert_scalar(tensor: Any, message: Optional[str] = None, name: Optional[str] = None) -> Any:
    """The tensor. Raises: ValueError unless it has no dimensions."""
    x = convert(tensor)
    if x.ndim:
        raise ValueError(f"{message or ''}Expected scalar shape, saw shape: {x.shape}.")
    return x


def assert_type(tensor: Any, tf_type: Any, message: Optional[str] = None, name: Optional[str] = None) -> None:
    """Raises: TypeError unless the tensor has this dtype."""
    if convert(tensor).dtype is not as_dtype(tf_type):
        raise TypeError(f"{message or ''} tensor must be of type {as_dtype(tf_type)!r}; got {convert(tensor).dtype!r}")


def assert_integer(x: Any, message: Optional[str] = None, name: Optional[str] = None) -> None:
    """Raises: TypeError unless the dtype is an integer one."""
    if not convert(x).dtype.is_integer:
        raise TypeError(f"{message or ''} Expected x to be integer type, got {convert(x).dtype!r}")


def assert_proper_iterable(values: Any) -> None:
    """Raises: TypeError for a tensor, an array, a text, and what cannot be gone through."""
    if isinstance(values, (str, bytes)) or hasattr(values, "dtype") or not isinstance(values, Iterable):
        raise TypeError(f"Expected argument 'values' to be a 'proper' iterable. Found: {type(values)}")


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers."""
    return hasattr(tensor, "dtype") and not as_dtype(tensor.dtype).is_bool


def assert_shapes(
    shapes: Any, data: Any = None, summarize: Any = None, message: Optional[str] = None, name: Optional[str] = None
) -> None:
    """Raises: ValueError unless every tensor has its shape, where a name stands for one size throughout, None for
    any, and "..." at the start for any axes."""
    sizes: dict[Any, int] = {}
    for x, shape in shapes.items() if hasattr(shapes, "items") else shapes:
        x = x.deref() if hasattr(x, "deref") else x
        found = convert(x).shape
        wanted = (shape,) if isinstance(shape, (int, str)) else tuple(shape)
        if wanted and wanted[0] in ("...", "*", ...):
            wanted = wanted[1:]
            found = found[max(len(found) - len(wanted), 0) :]
        if len(found) != len(wanted):
            raise ValueError(f"{message or ''} Specified shape {wanted} has rank {len(wanted)}, the tensor has shape {found}")
        for n, size in zip(wanted, found):
            if n is None or n == ".":
                continue
            if (sizes.setdefault(n, size) if isinstance(n, str) else n) != size:
                raise ValueError(
                    f"{message or ''} Specified by {wanted}: dimension {n!r} must be {sizes.get(n, n)}, got shape {found}"
                )


def Assert(condition: Any, data: Any, summarize: Any = None, name: Optional[str] = None) -> None:
    """Raises: InvalidArgumentError, with `data`, unless the condition holds."""
    if not np.all(fresh(condition)._array()):
        values = [fresh(one)._array() if not isinstance(one, str) else one for one in data]
        raise InvalidArgumentError(None, None, f"Expected 'tf.Tensor({condition})' to be true. Summarized data: {values}")


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The one floating dtype of the tensors. Raises: ValueError when there are several, or another kind."""
    found = {convert(x).dtype.name for x in tensors or ()} | ({as_dtype(dtype).name} if dtype is not None else set())
    if len(found) > 1 or not all([as_dtype(one).is_floating for one in found]):
        raise ValueError(f"Expected one floating dtype, got {sorted(found)}")
    return as_dtype(found.pop() if found else "float32")


class _Switches:
    """What is only remembered: errors are never filtered, and there is one device."""

    filtering = False
    placement = False


def enable_traceback_filtering() -> None:
    """Remembered: errors show the program's own line in any case."""
    _Switches.filtering = True


def disable_traceback_filtering() -> None:
    """Undo `enable_traceback_filtering`."""
    _Switches.filtering = False


def is_traceback_filtering_enabled() -> bool:
    """What was chosen last."""
    return _Switches.filtering


def set_log_device_placement(enabled: bool) -> None:
    """Remembered: there is one device."""
    _Switches.placement = bool(enabled)


def get_log_device_placement() -> bool:
    """What was chosen last."""
    return _Switches.placement
