"""What a sample is, and how one is run: the same call on either library, its results and its gradients as arrays.

A sample names a public function, ``S("math.erf", x(LINE))``. `x` marks an argument that is a tensor and is differentiated,
`t` one that is a tensor only; everything else is given as it stands. `pick` takes what is compared from the result, where
not all of it is determined (the sign of a singular vector).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import numpy as np


class Argument(NamedTuple):
    """An array that becomes a tensor."""

    value: Any
    moves: bool
    dtype: Optional[str] = None


def x(value: Any, dtype: Optional[str] = None) -> Argument:
    """A tensor that is differentiated; Python numbers are float32."""
    return Argument(value, True, dtype)


def t(value: Any, dtype: Optional[str] = None) -> Argument:
    """A tensor without a derivative."""
    return Argument(value, False, dtype)


class D(NamedTuple):
    """A dtype, where a name alone would not do."""

    name: str


class Sample(NamedTuple):
    """One call."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    rtol: float
    pick: Optional[Callable[..., Any]]


def S(name: str, *args: Any, rtol: float = 2e-5, pick: Optional[Callable[..., Any]] = None, **kwargs: Any) -> Sample:
    """A sample. `pick` takes (tf, result)."""
    return Sample(name, args, kwargs, rtol, pick)


class Outcome(NamedTuple):
    """What a sample gave: arrays with TensorFlow's names of their dtypes; None for a gradient that is not there."""

    values: list[Any]
    dtypes: list[str]
    gradients: list[Any]


def function_of(tf: Any, name: str) -> Any:
    """The public function called ``math.erf`` of a library."""
    found = tf
    for part in name.split("."):
        found = getattr(found, part)
    return found


def leaves(result: Any) -> list[Any]:
    """The tensors in a result, in order."""
    if isinstance(result, (list, tuple)) and not hasattr(result, "as_list"):
        return [leaf for part in result for leaf in leaves(part)]
    return [] if result is None else [result]


def weights_of(shape: Any) -> Any:
    """Fixed numbers, no two alike, that make one number of a result."""
    n = int(np.prod(shape))
    return (np.cos(np.arange(n) * 1.7 + 0.3) + 0.2).reshape(shape)


def run(tf: Any, sample: Sample) -> Outcome:
    """The sample on `tf`, TensorFlow or wengert's."""
    moving: list[Any] = []

    def given(argument: Any) -> Any:
        if isinstance(argument, list):
            return [given(part) for part in argument]
        if isinstance(argument, D):
            return tf.as_dtype(argument.name)
        if not isinstance(argument, Argument):
            return argument
        tensor = tf.constant(argument.value) if argument.dtype is None else tf.constant(argument.value, argument.dtype)
        if argument.moves:
            moving.append(tensor)
        return tensor

    args = [given(a) for a in sample.args]
    kwargs = {key: given(value) for key, value in sample.kwargs.items()}
    with tf.GradientTape() as tape:
        for tensor in moving:
            tape.watch(tensor)
        result = function_of(tf, sample.name)(*args, **kwargs)
        results = leaves(result if sample.pick is None else sample.pick(tf, result))
        total = [summed(tf, y) for y in results if moving and np.asarray(y).dtype.kind in "fc"]
        loss = tf.add_n(total) if total else None
    gradients = tape.gradient(loss, moving) if loss is not None else [None] * len(moving)
    return Outcome([np.asarray(y) for y in results], [tf.convert_to_tensor(y).dtype.name for y in results],
                   [None if g is None else np.asarray(tf.convert_to_tensor(g)) for g in gradients])  # fmt: skip


def summed(tf: Any, y: Any) -> Any:
    """One float64 of a result; of a complex one, of its two parts."""
    y = tf.convert_to_tensor(y)
    weights = weights_of(tuple(y.shape))
    if y.dtype.name.startswith("complex"):
        return summed(tf, tf.math.real(y)) + 0.7 * summed(tf, tf.math.imag(y))
    return tf.reduce_sum(tf.cast(y, "float64") * weights)
