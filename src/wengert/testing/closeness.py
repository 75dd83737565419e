"""assert_close: |actual - expected| <= atol + rtol |expected|, element by element, through structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Optional, Union

import numpy as np

from wengert import dtypes
from wengert.tensors.tensor import Tensor

Message = Union[str, Callable[[str], str], None]

_TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip


class _Rules(NamedTuple):
    rtol: Optional[float]
    atol: Optional[float]
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool
    allow_subclasses: bool

    def tolerances(self, *names: str) -> tuple[float, float]:
        """Those that were given, or the larger of the dtypes' own."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        each = [_TOLERANCES.get(name, (0.0, 0.0)) for name in names]
        return max([r for r, _ in each]), max([a for _, a in each])


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: Optional[float] = None,
    atol: Optional[float] = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Message = None,
) -> None:
    """Raise AssertionError, with what differs and where, unless |actual - expected| <= atol + rtol |expected|.

    actual, expected: tensors, numbers, bools, None, or sequences and mappings of such.
    rtol, atol: both or neither; by default 1.3e-6 and 1e-5 for float32, 1e-7 and 1e-7 for float64 and Python floats, 1e-3
        and 1e-5 for float16, 1.6e-2 and 1e-5 for bfloat16, 0 for whole numbers.
    equal_nan: whether two NaN are equal.
    check_dtype, check_device, check_layout, check_stride: whether these must be the same too.
    allow_subclasses: whether a subclass of the other's type will do.
    msg: an error message instead, or a function that makes one of what would be said.

    Raises: ValueError for one tolerance without the other; TypeError for what cannot be compared.
    """
    if (rtol is None) != (atol is None):
        missing = "atol" if atol is None else "rtol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    rules = _Rules(rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride, allow_subclasses)
    try:
        _compare(actual, expected, rules, "")
    except AssertionError as error:
        if msg is None:
            raise
        raise AssertionError(msg(str(error)) if callable(msg) else msg) from None


def _compare(actual: Any, expected: Any, rules: _Rules, where: str) -> None:
    """Through structures; `where` is the way to this item."""
    lists = [isinstance(x, Sequence) and not isinstance(x, (str, bytes)) for x in (actual, expected)]
    if all(lists):
        if len(actual) != len(expected):
            _fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", where)
        for i, (a, b) in enumerate(zip(actual, expected)):
            _compare(a, b, rules, f"{where}[{i}]")
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        _check_keys(actual, expected, where)
        for key in actual:
            _compare(actual[key], expected[key], rules, f"{where}[{key!r}]")
    elif actual is None or expected is None:
        if actual is not expected:
            _fail(f"None mismatch: {actual} is not {expected}", where)
    elif isinstance(actual, (bool, np.bool_)) and isinstance(expected, (bool, np.bool_)):
        if bool(actual) is not bool(expected):
            _fail(f"Booleans mismatch: {actual} is not {expected}", where)
    elif _is_number(actual) and _is_number(expected):
        _compare_numbers(actual, expected, rules, where)
    elif isinstance(actual, Tensor) and isinstance(expected, Tensor) and _related(actual, expected, rules):
        _compare_tensors(actual, expected, rules, where)
    else:
        raise TypeError(
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
            + (f"\n\nThe failure occurred for item {where}" if where else "")
        )


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, complex, np.number)) and not isinstance(x, bool)


def _related(actual: Any, expected: Any, rules: _Rules) -> bool:
    if rules.allow_subclasses:
        return issubclass(type(actual), type(expected)) or issubclass(type(expected), type(actual))
    return type(actual) is type(expected)


def _fail(text: str, where: str) -> NoReturn:
    raise AssertionError(text + (f"\n\nThe failure occurred for item {where}" if where else ""))


def _check_keys(actual: Mapping[Any, Any], expected: Mapping[Any, Any], where: str) -> None:
    missing, additional = set(expected) - set(actual), set(actual) - set(expected)
    if missing or additional:
        missing_keys, additional_keys = (sorted(keys, key=str) for keys in (missing, additional))
        _fail(
            f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing_keys}\nAdditional keys "
            f"in the actual mapping: {additional_keys}",
            where,
        )


def _compare_numbers(actual: Any, expected: Any, rules: _Rules, where: str) -> None:
    if rules.check_dtype and type(actual) is not type(expected):
        _fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", where)
    names = ["float64" if isinstance(x, (float, complex, np.inexact)) else "int64" for x in (actual, expected)]
    _judge(np.asarray(actual), np.asarray(expected), rules.tolerances(*names), rules.equal_nan, where)


def _compare_tensors(actual: Any, expected: Any, rules: _Rules, where: str) -> None:
    checks = [
        ("shape", True), ("device", rules.check_device), ("dtype", rules.check_dtype), ("layout", rules.check_layout),
    ]  # fmt: skip
    for name, checked in checks:
        a, b = getattr(actual, name), getattr(expected, name)
        if checked and a != b:
            _fail(f"The values for attribute '{name}' do not match: {a} != {b}.", where)
    if rules.check_stride and actual.stride() != expected.stride():
        _fail(f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}.", where)
    tolerances = rules.tolerances(actual.dtype.name, expected.dtype.name)
    dtype = dtypes.promote_types(actual.dtype, expected.dtype)
    _judge(_array(actual, dtype), _array(expected, dtype), tolerances, rules.equal_nan, where)


def _array(tensor: Any, dtype: Any) -> Any:
    """The values in the common dtype, or float32 for a 16-bit one."""
    found = np.asarray(tensor.detach()._array())
    if dtype in (dtypes.bfloat16, dtypes.float16):
        return found.astype(np.float32)
    return found.astype(dtype.numpy)


def _judge(actual: Any, expected: Any, tolerances: tuple[float, float], equal_nan: bool, where: str) -> None:
    rtol, atol = tolerances
    with np.errstate(all="ignore"):
        if actual.dtype.kind in "bui":
            actual, expected = actual.astype(np.int64), expected.astype(np.int64)
        matches = actual == expected
        difference = np.abs(actual - expected)
        size = np.abs(expected)
        if rtol or atol:
            matches = matches | (np.isfinite(difference) & (difference <= atol + rtol * size))
        if equal_nan:
            matches = matches | (np.isnan(actual) & np.isnan(expected))
        if bool(np.all(matches)):
            return
        relative = difference / size
        if actual.dtype.kind == "i" and actual.ndim:
            relative = relative.astype(np.float32)
    _fail(_description(actual, expected, matches, difference, relative, tolerances), where)


def _description(
    actual: Any, expected: Any, matches: Any, difference: Any, relative: Any, tolerances: tuple[float, float]
) -> str:
    rtol, atol = tolerances
    kind = "close" if rtol or atol else "equal"
    allowed = [f" (up to {t} allowed)" if rtol or atol else "" for t in (atol, rtol)]
    if not actual.ndim:
        return (
            f"Scalars are not {kind}!\n\nExpected {expected.item()} but got {actual.item()}.\nAbsolute difference: "
            f"{difference.item()}{allowed[0]}\nRelative difference: {relative.item()}{allowed[1]}"
        )
    count = int((~matches).sum())
    lines = [
        f"Tensor-likes are not {kind}!\n",
        f"Mismatched elements: {count} / {matches.size} ({count / matches.size:.1%})",
    ]
    for name, values, limit in (("absolute", difference, allowed[0]), ("relative", relative, allowed[1])):
        at = np.unravel_index(int(np.argmax(np.where(matches, 0, values))), values.shape)
        index = tuple([int(i) for i in at])
        lines.append(f"Greatest {name} difference: {values[at].item()} at index {index}{limit}")
    return "\n".join(lines)
