"""Derivatives that a program writes itself, or forgoes: custom_gradient, stop_gradient, recompute_grad; IndexedSlices."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import wengert
from wengert.graph.record import recorder, tracking
from wengert.primitives import control
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf import nest
from wengert.tf.face import convert, face
from wengert.tf.recording import as_tapes_say, recording
from wengert.tf.tensor import Tensor, shown
from wengert.tf.values import conversions, fresh
from wengert.utils.checkpoint import checkpoint


@face("input")
def stop_gradient(input: Any, name: Any = None) -> Any:
    """The value, through which no derivative flows."""
    return wrap(control.stop_gradient(input._node))


class _Watcher:
    """Stands among the tapes to see which variables a function reads."""

    moves = False
    _alone = False

    def __init__(self) -> None:
        self.variables: dict[int, Any] = {}

    def accessed(self, variable: Any) -> bool:
        if variable.trainable:
            self.variables[id(variable)] = variable
        return False

    def __enter__(self) -> _Watcher:
        recording.tapes = (*recording.tapes, self)
        return self

    def __exit__(self, *exception: Any) -> None:
        recording.tapes = tuple([tape for tape in recording.tapes if tape is not self])


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose derivative is the one that it returns beside its result: ``return y, grad``.

    ``grad(*upstream)`` takes the gradient of every result and gives one for every argument that is a tensor. If the
    function reads variables, it is called as ``grad(*upstream, variables=...)`` and gives two lists: the gradients of the
    arguments, and of these variables. To be differentiated again, it must itself be made of differentiable operations.

    Raises: TypeError when variables are read and `grad` does not take them; ValueError when it gives another number of
    gradients.

    >>> import wengert.tf as tf
    >>> @tf.custom_gradient
    ... def log1pexp(x):
    ...     e = tf.exp(x)
    ...     return tf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
    """

    @wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        flat = [convert(x) if _is_number(x) else x for x in nest.flatten(args)]
        places = [i for i, x in enumerate(flat) if isinstance(x, Core)]
        for i in places:
            flat[i] = shown(wrap(flat[i]._read()))
        with tracking(False), _Watcher() as watcher:
            result, grad = f(*nest.pack_sequence_as(args, flat), **kwargs)
        outputs = [convert(y) for y in nest.flatten(result)]
        if not (recording.tapes or recorder.tracking):
            return nest.pack_sequence_as(result, outputs)
        variables = list(watcher.variables.values())
        rule = _rule(f, grad, outputs, len(places), variables)
        with as_tapes_say():
            made = rule.apply(*[wrap(flat[i]._node) for i in places], *[wrap(v._read()) for v in variables])
        return nest.pack_sequence_as(result, [shown(y) for y in (made if isinstance(made, tuple) else (made,))])

    return decorated


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) or (hasattr(value, "__array__") and not isinstance(value, Core))


def _rule(f: Any, grad: Any, outputs: list[Any], count: int, variables: list[Any]) -> Any:
    """The core's Function for one call."""
    if variables and not _takes_variables(grad):
        raise TypeError(
            "If using @custom_gradient with a function that uses variables, then grad_fn must accept a 'variables' keyword "
            f"argument: {getattr(f, '__qualname__', f)} reads {[v.name for v in variables]}"
        )

    def gradients(bars: Any) -> list[Any]:
        upstream = [shown(bar) for bar in bars]
        if not variables:
            return _as_list(grad(*upstream), count, "arguments")
        of_arguments, of_variables = grad(*upstream, variables=variables)
        return _as_list(of_arguments, count, "arguments") + _as_list(of_variables, len(variables), "variables")

    class Custom(wengert.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            values = tuple([wrap(control.identity(y._read())) for y in outputs])
            return values if len(values) > 1 else values[0]

        @staticmethod
        def backward(ctx: Any, *bars: Any) -> Any:
            return tuple([None if g is None else fresh(g) for g in gradients(bars)])

    return Custom


def _takes_variables(grad: Any) -> bool:
    parameters = inspect.signature(grad).parameters.values()
    return any([p.name == "variables" or p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters])


def _as_list(given: Any, count: int, of: str) -> list[Any]:
    found = nest.flatten(given) if count else []
    if len(found) != count:
        raise ValueError(
            f"custom_gradient function expected to return {count} gradients of {of}, but returned {len(found)} instead."
        )
    return found


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose intermediate values are computed again for its derivative instead of being kept."""

    @wraps(f)
    def recomputing(*args: Any, **kwargs: Any) -> Any:
        if not recording.tapes:
            return f(*args, **kwargs)
        return shown(checkpoint(f, *args, use_reentrant=False, **kwargs))

    return recomputing


class IndexedSlices:
    """Rows of a tensor: ``dense[indices[i]]`` gets ``values[i]``, and rows with the same index add up.

    Derivatives here are dense tensors, also those of `gather`, whose rows the compiled program adds where they belong.
    This class is for programs that make such rows themselves; it is a tensor wherever one is wanted.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values, self._indices = convert(values), convert(indices)
        self._dense_shape = None if dense_shape is None else convert(dense_shape)

    values = property(lambda self: self._values, doc="The rows.")
    indices = property(lambda self: self._indices, doc="Where they belong.")
    dense_shape = property(lambda self: self._dense_shape, doc="The shape of the whole, or None.")
    dtype = property(lambda self: self._values.dtype, doc="The rows' dtype.")
    name = device = op = graph = None

    @property
    def shape(self) -> Any:
        """The shape of the whole. Raises: ValueError when it is not known."""
        if self._dense_shape is None:
            raise ValueError("IndexedSlices without a dense_shape have no shape")
        return tuple(self._dense_shape.numpy().tolist())

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self._indices!r}, values={self._values!r}, dense_shape={self._dense_shape!r})"


def _dense(slices: IndexedSlices, dtype: Any = None) -> Tensor:
    whole = wengert.zeros(*slices.shape, dtype=slices.dtype)
    return shown(whole.index_add(0, fresh(slices.indices).long(), fresh(slices.values)))


conversions.append((IndexedSlices, _dense))
