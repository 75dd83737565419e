"""The same elements, or the same bits, in another dtype."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import UnimplementedError, invalid
from wengert.tf.face import face
from wengert.tf.ops.core import fresh, w


@face()
def cast(x: Any, dtype: Any, name: Optional[str] = None) -> Any:
    """The numbers in another dtype; a fraction is cut off, a complex number's real part taken. Raises: UnimplementedError
    for strings."""
    if isinstance(x, (str, bytes)):
        raise UnimplementedError(None, None, f"Cast string to {as_dtype(dtype).name} is not supported [Op:Cast]")
    x, kind = fresh(x), as_dtype(dtype)
    if x.dtype.is_complex and not kind.is_complex:
        x = x.real
    return x.to(kind)


@face("value")
def saturate_cast(value: Any, dtype: Any, name: Optional[str] = None) -> Any:
    """As `cast`, numbers outside the new range brought to its ends."""
    kind = as_dtype(dtype)
    if value.dtype.is_complex and not kind.is_complex:
        value = value.real
    if kind.is_complex or kind is w.bool or value.dtype is w.bool or value.dtype is kind:
        return value.to(kind)
    low, high = [float(limit) if kind.is_floating_point else int(limit) for limit in _limits(kind)]
    if value.dtype.is_floating_point:
        return _into(value, low, high, kind)
    least, most = _limits(value.dtype)
    return value.clamp(max(low, least), min(high, most)).to(kind) if not kind.is_floating_point else value.to(kind)


def _into(x: Any, low: Any, high: Any, kind: Any) -> Any:
    """Floats clamped to a range; an end that floats do not reach exactly is set after the conversion."""
    if kind.is_floating_point:
        return x.clamp(low, high).to(kind)
    y = w.where((x < float(high)) & (x > float(low)), x, w.zeros_like(x)).to(kind)
    ends = [w.full_like(y, end) for end in (low, high)]
    return w.where(x <= float(low), ends[0], w.where(x >= float(high), ends[1], y))


def _limits(kind: Any) -> tuple[Any, Any]:
    about = w.finfo(kind) if kind.is_floating_point else w.iinfo(kind)
    return about.min, about.max


@face("input")
def bitcast(input: Any, type: Any, name: Optional[str] = None) -> Any:
    """The same bits read as another dtype; where sizes differ, a last axis comes or goes.

    Raises: InvalidArgumentError for a last axis that does not make whole elements.
    """
    kind = as_dtype(type)
    old, new = input.dtype.itemsize, kind.itemsize
    if old == new:
        return input.view(kind)
    if old > new:
        return input.unsqueeze(-1).view(kind)
    if not input.ndim or input.shape[-1] * old != new:
        raise invalid(f"Cannot bitcast from {input.dtype.name} to {kind.name}: shape {list(input.shape)} [Op:Bitcast]")
    return input.view(kind).squeeze(-1)


__all__ = [
    "bitcast", "cast", "saturate_cast",
]  # fmt: skip
