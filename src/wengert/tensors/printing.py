"""How tensors print: ``tensor([1., 2.], requires_grad=True)``, by PyTorch's rules.

All numbers of a tensor share one form: whole numbers with a bare point, fixed point, or scientific, whichever the range
of the values that are shown asks for; and one width. A tensor above the threshold shows the edges of its dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import value_error
from wengert.graph.walk import ancestors
from wengert.primitives.control import placeholder
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor

__all__ = ["set_printoptions"]


class PrintOptions(NamedTuple):
    """precision: digits after the point; threshold: elements above which the middle is left out; edgeitems: what is
    shown at each end then; linewidth: characters; sci_mode: scientific form always, never, or (None) as needed."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: Optional[bool] = None


_PROFILES = {
    "default": PrintOptions(), "short": PrintOptions(precision=2, edgeitems=2), "full": PrintOptions(threshold=inf)
}  # fmt: skip


class _Current:
    options = PrintOptions()


def set_printoptions(
    precision: Optional[int] = None,
    threshold: Optional[float] = None,
    edgeitems: Optional[int] = None,
    linewidth: Optional[int] = None,
    profile: Optional[str] = None,
    sci_mode: Optional[bool] = None,
) -> None:
    """Choose how tensors print. What is None stays as it is, but for `sci_mode`, which then decides by itself.

    profile: "default", "short" or "full" sets all of them; the other arguments then change single ones.

    Raises: ValueError for another profile.
    """
    options = _Current.options
    if profile is not None:
        if profile not in _PROFILES:
            raise value_error("set_printoptions", f"a profile among {', '.join(_PROFILES)}", repr(profile))
        options = _PROFILES[profile]
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changed = {name: value for name, value in given.items() if value is not None}
    _Current.options = options._replace(sci_mode=sci_mode, **changed)  # type: ignore[arg-type]


# --- numbers -----------------------------------------------------------------------------------------------------------


class _Form:
    """The common form of the numbers that are shown."""

    def __init__(self, values: Any, options: PrintOptions) -> None:
        self.options = options
        self.floating = values.dtype.kind == "f"
        self.scientific, self.whole, self.width = False, True, 1
        if not self.floating:
            self.width = max([1, *[len(str(value)) for value in values.tolist()]])
            return
        shown = values[np.isfinite(values) & (values != 0)].astype(np.float64)
        if not shown.size:
            return
        self.whole = bool((shown == np.ceil(shown)).all())
        self.scientific = self._needs_exponent(np.abs(shown))
        self.width = max([len(self._digits(value)) for value in shown.tolist()])

    def _needs_exponent(self, sizes: Any) -> bool:
        if self.options.sci_mode is not None:
            return self.options.sci_mode
        low, high = sizes.min(), sizes.max()
        return bool(high / low > 1000 or high > 1e8 or (low < 1e-4 and not self.whole))

    def _digits(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{self.options.precision}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if isfinite(value) else "")
        return f"{value:.{self.options.precision}f}"

    def __call__(self, value: Any) -> str:
        return self._digits(value).rjust(self.width)


class _ComplexForm:
    """Real and imaginary part, each in a form of its own."""

    def __init__(self, values: Any, options: PrintOptions) -> None:
        self.real, self.imag = _Form(values.real, options), _Form(values.imag, options)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: Any) -> str:
        imag = self.imag(value.imag).lstrip() + "j"
        return self.real(value.real) + ("" if imag[0] in "+-" else "+") + imag


# --- layout ------------------------------------------------------------------------------------------------------------


def _edges(array: Any, count: int) -> Any:
    """The corners that are shown of an array whose middle is left out."""
    for axis, n in enumerate(array.shape):
        if n > 2 * count:
            array = array.take([*range(count), *range(n - count, n)], axis)
    return array


def _contents(array: Any, options: PrintOptions, indent: int) -> str:
    summarized = array.size > options.threshold
    shown = (_edges(array, options.edgeitems) if summarized else array).reshape(-1)
    form: Callable[[Any], str] = (_ComplexForm if array.dtype.kind == "c" else _Form)(shown, options)
    if not array.ndim:
        return form(array.item())
    return _rows(array, options, indent, summarized, form)


def _rows(array: Any, options: PrintOptions, indent: int, summarized: bool, form: Callable[[Any], str]) -> str:
    """Nested brackets; inner dimensions are indented by one more."""
    n, edge = array.shape[0], options.edgeitems
    cut = summarized and n > 2 * edge
    positions = [*range(edge), *range(n - edge, n)] if cut else range(n)
    if array.ndim == 1:
        return _row([form(array[i].item()) for i in positions], edge if cut else None, options, indent, form)
    parts = [_rows(array[i], options, indent + 1, summarized, form) for i in positions]
    if cut:
        parts.insert(edge, "...")
    between: str = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + between.join(parts) + "]"


def _row(texts: list[str], gap: Optional[int], options: PrintOptions, indent: int, form: Any) -> str:
    """One dimension, broken into lines."""
    if gap is not None:
        texts.insert(gap, " ...")
    fit = max(1, (options.linewidth - indent) // (form.width + 2))
    lines = [", ".join(texts[i : i + fit]) for i in range(0, len(texts), fit)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _is_traced(tensor: Tensor) -> bool:
    """Whether the value depends on the input of a function that is being traced."""
    pending = ancestors([tensor._current()], lambda node: node.value is None)
    return any([node.primitive is placeholder for node in pending])


def _about(tensor: Tensor, empty: bool) -> list[str]:
    """What is said behind the contents."""
    said = []
    if empty and tensor.ndim != 1:
        said.append(f"size={tuple(tensor.shape)}")
    default = dtypes.get_default_dtype()
    expected = (default,) if empty else (default, default.to_complex, dtypes.int64, dtypes.bool_)
    if tensor.dtype not in expected:
        said.append(f"dtype={tensor.dtype}")
    history = getattr(tensor, "grad_fn", None)  # there once layer 10 is loaded
    if history is not None:
        said.append(f"grad_fn=<{history.name()}>")
    elif tensor.requires_grad:
        said.append("requires_grad=True")
    return said


def text_of(tensor: Tensor) -> str:
    """The tensor as it prints."""
    options, prefix = _Current.options, "tensor("
    traced = _is_traced(tensor)
    if traced:
        text, said = prefix + "...", ["traced", f"size={tuple(tensor.shape)}", *_about(tensor, False)]
    elif tensor.numel() == 0:
        text, said = prefix + "[]", _about(tensor, True)
    else:
        array = value_of(tensor._current())
        if tensor.dtype in (*dtypes.FOREIGN, dtypes.float16):
            array = array.astype(np.float32)
        text, said = prefix + _contents(array, options, len(prefix)), _about(tensor, False)
    width = len(text) - text.rfind("\n") + 1
    for part in said:
        if width + len(part) + 2 > options.linewidth:
            text += ",\n" + " " * len(prefix) + part
            width = len(prefix) + len(part)
        else:
            text += ", " + part
            width += len(part) + 2
    return text + ")"


def _repr(self: Tensor, *, tensor_contents: Any = None) -> str:
    """The tensor as it prints."""
    return text_of(self)


def _format(self: Tensor, spec: str) -> str:
    """A zero-dimensional tensor formats as its number.

    Raises: TypeError for a format specification on one with dimensions.
    """
    if self.ndim == 0 and type(self) is Tensor and not _is_traced(self):
        return self.item().__format__(spec)  # type: ignore[no-any-return]
    return object.__format__(self, spec)


METHODS: dict[str, Callable[..., Any]] = {"__repr__": _repr, "__format__": _format}
IN_PLACE: tuple[str, ...] = ()
