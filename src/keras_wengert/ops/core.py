"""Tensors, their dtypes, and shape inference: `keras.ops.core` on wengert."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
from keras.src import tree
from keras.src.backend.common import KerasVariable, standardize_dtype
from keras.src.backend.common.keras_tensor import KerasTensor
from keras.src.backend.common.stateless_scope import StatelessScope
from keras.src.backend.common.symbolic_scope import SymbolicScope
from keras.src.backend.config import floatx

import wengert
from keras_wengert.branches import both
from wengert import Tensor

SUPPORTS_SPARSE_TENSORS = False
SUPPORTS_RAGGED_TENSORS = False
SUPPORTS_COMPLEX_DTYPES = True
IS_THREAD_SAFE = True


def to_dtype(dtype: Any) -> wengert.dtype:
    """The wengert dtype of a Keras dtype.

    Raises: ValueError for one that wengert has not.
    """
    name = standardize_dtype(dtype)
    found = getattr(wengert, name, None)
    if not isinstance(found, wengert.dtype):
        raise ValueError(f"wengert has no dtype {name}")
    return found


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor of this backend."""
    return isinstance(x, Tensor)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Tensor:
    """x as a tensor; Python floats and NumPy's float64 of Python numbers take Keras's default float.

    Raises: ValueError for sparse or ragged tensors, which wengert has not.
    """
    if sparse or ragged:
        raise ValueError(f"{'`sparse=True`' if sparse else '`ragged=True`'} is not supported with the wengert backend")
    if isinstance(x, KerasVariable):
        x = x.value
    if isinstance(x, (list, tuple)) and any(isinstance(part, (Tensor, KerasVariable)) for part in tree.flatten(x)):
        x = _stacked(x)
    if isinstance(x, Tensor):
        return x if dtype is None or standardize_dtype(dtype) == x.dtype.name else x.to(to_dtype(dtype))
    if dtype is None:
        if isinstance(x, bool):
            dtype = "bool"
        elif isinstance(x, int):
            dtype = "int64" if not -(2**31) <= x < 2**31 else "int32"
        elif isinstance(x, float):
            dtype = floatx()
        elif not isinstance(x, (np.ndarray, np.generic)):
            x, dtype = _gathered(x)
    if isinstance(x, (bool, int, float, complex)):
        return wengert.tensor(x, dtype=to_dtype(dtype))
    array = np.asarray(x)
    if dtype is not None and standardize_dtype(dtype) == "bfloat16" and array.dtype.kind in "biuf":
        return wengert.tensor(array.astype(np.float32)).to(wengert.bfloat16)
    return wengert.tensor(array if dtype is None else _converted(array, dtype))


def _converted(array: Any, dtype: Any) -> Any:
    with np.errstate(invalid="ignore"):  # NaN to an integer: whatever the machine gives
        return array.astype(to_dtype(dtype).numpy, copy=False)


def _gathered(x: Any) -> tuple[Any, Any]:
    """A nested list of numbers as an array, and the dtype that Keras gives it."""
    parts = tree.flatten(x)
    array = np.asarray(x)
    if array.dtype.kind == "f" and not any(isinstance(part, (np.ndarray, np.generic)) for part in parts):
        return array, floatx()
    if array.dtype.kind in "iu" and not any(isinstance(part, (np.ndarray, np.generic)) for part in parts):
        return array, "int32" if array.size == 0 or np.abs(array).max() < 2**31 else "int64"
    return array, floatx() if array.dtype == object or (array.size == 0 and array.dtype.kind == "f") else None


def _stacked(x: Any) -> Tensor:
    if isinstance(x, (list, tuple)):
        from keras_wengert.ops.common import promoted  # above this module

        return wengert.stack(promoted(*[_stacked(part) for part in x]))
    return convert_to_tensor(x)


def convert_to_numpy(x: Any) -> Any:
    """x as a NumPy array of its own."""
    if isinstance(x, KerasVariable):
        x = x.value
    if isinstance(x, Tensor):
        return np.array((x.float() if x.dtype is wengert.bfloat16 else x).detach().numpy())
    if isinstance(x, (list, tuple)):
        return np.array([convert_to_numpy(part) for part in x])
    return np.array(x)


def shape(x: Any) -> tuple[Any, ...]:
    """The shape as a tuple; unknown sizes of a symbolic tensor are None."""
    return tuple(x.shape)


def cast(x: Any, dtype: Any) -> Tensor:
    """x with another dtype."""
    return convert_to_tensor(x).to(to_dtype(dtype))


def stop_gradient(variable: Any) -> Tensor:
    """The value, without the history that a derivative would go through."""
    return convert_to_tensor(variable).detach()


def random_seed_dtype() -> str:
    """The dtype of seeds. Keras thinks of them as uint32, which int64 holds."""
    return "int64"


@contextmanager
def device_scope(device_name: Any) -> Any:
    """Where tensors are made. There is one device, the CPU.

    Raises: ValueError for another one.
    """
    if device_name is not None and not str(device_name).lower().split(":")[0] == "cpu":
        raise ValueError(f"wengert computes on the CPU here; got the device {device_name!r}")
    yield


# --- shape inference --------------------------------------------------------------------------------------------------

# Sizes that stand for unknown ones; an output size that differs between the two runs is unknown.
_STAND_INS = (83, 89)


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes that `fn` gives for symbolic tensors, as symbolic tensors; nothing is computed."""
    with StatelessScope(), SymbolicScope():
        symbolic = [x for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor)]
        unknown = any(None in x.shape for x in symbolic)
        first = _shapes(fn, args, kwargs, _STAND_INS[0])
        second = _shapes(fn, args, kwargs, _STAND_INS[1]) if unknown else first
    return tree.map_structure(_spec, first, second)


def _shapes(fn: Callable[..., Any], args: Any, kwargs: Any, stand_in: int) -> Any:
    """`fn`'s outputs with tensors replaced by specs, every unknown size being `stand_in`."""

    def concrete(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        sizes = tuple([stand_in if n is None else n for n in x.shape])
        return wengert.func.ShapeDtype(sizes, to_dtype(x.dtype))

    args, kwargs = tree.map_structure(concrete, (args, kwargs))
    return wengert.func.eval_shape(fn, *args, **kwargs)


def _spec(first: Any, second: Any) -> Any:
    if isinstance(first, (bool, int, float, np.ndarray, np.generic)):
        first = second = wengert.func.ShapeDtype(np.shape(first), convert_to_tensor(first).dtype)
    if not isinstance(first, wengert.func.ShapeDtype):
        return first
    sizes = tuple([a if a == b else None for a, b in zip(first.shape, second.shape)])
    return KerasTensor(sizes, dtype=first.dtype.name)


# --- loops and branches -----------------------------------------------------------------------------------------------
# Values decide them, so each asks for its condition's value; what they compute is recorded like anything else.


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions gives. Inside shape inference, where there is no value, the first one's; in a step that
    is being traced, where no derivative is taken, both are called and the value chooses (`branches.py`)."""
    if isinstance(pred, KerasVariable):
        pred = pred.value
    if isinstance(pred, Tensor):
        if _is_symbolic(pred):
            return true_fn()
        if wengert.compiler.is_compiling() and not wengert.is_grad_enabled():
            return both(pred, true_fn, false_fn)
        pred = bool(pred.item())
    return true_fn() if pred else false_fn()


def _is_symbolic(x: Tensor) -> bool:
    """Whether a value depends on a stand-in of shape inference."""
    from keras.src.backend.common.symbolic_scope import in_symbolic_scope

    if not in_symbolic_scope():
        return False
    try:
        x.item()
    except RuntimeError:
        return True
    return False


def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """What the branch with this number, brought into range, gives for the operands."""
    index = convert_to_tensor(index, "int32")
    number = 0 if _is_symbolic(index) else int(index.item())
    return branches[min(max(number, 0), len(branches) - 1)](*operands)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: Any = None
) -> Any:
    """Repeat `body` on the loop variables while `cond` of them holds."""
    several = isinstance(loop_vars, (tuple, list))
    state = tuple(loop_vars) if several else (loop_vars,)
    state = tree.map_structure(convert_to_tensor, state)
    done = 0
    while (maximum_iterations is None or done < maximum_iterations) and _holds(cond(*state)):
        new = body(*state)
        state = tuple(new) if isinstance(new, (tuple, list)) and several else (new,)
        done += 1
    return type(loop_vars)(state) if several and not hasattr(loop_vars, "_fields") else state if several else state[0]


def _holds(condition: Any) -> bool:
    if isinstance(condition, Tensor):
        return not _is_symbolic(condition) and bool(condition.item())
    return bool(condition)


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """``value = body_fun(i, value)`` for i from lower to upper - 1."""
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def _rows(xs: Any, i: int) -> Any:
    return tree.map_structure(lambda x: x[i], xs)


def _stack_rows(rows: list[Any]) -> Any:
    return tree.map_structure(lambda *parts: wengert.stack([convert_to_tensor(part) for part in parts]), *rows)


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """f of each row, stacked."""
    xs = tree.map_structure(convert_to_tensor, xs)
    return _stack_rows([f(_rows(xs, i)) for i in range(tree.flatten(xs)[0].shape[0])])


def scan(
    f: Callable[[Any, Any], Any], init: Any, xs: Any = None, length: Any = None, reverse: bool = False, unroll: Any = 1
) -> Any:
    """``carry, y = f(carry, row)`` over the rows; the last carry and the stacked y.

    Raises: TypeError for an f that is no function, ValueError for bad lengths or `unroll`.
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"`unroll` must be an positive integer or boolean. Received: unroll={unroll}")
    if xs is None and length is None:
        raise ValueError("Got no `xs` to scan over and `length` not provided.")
    xs = None if xs is None else tree.map_structure(convert_to_tensor, xs)
    flat = [] if xs is None else tree.flatten(xs)
    n = int(length) if length is not None else int(flat[0].shape[0])
    for x in flat:
        if x.shape[0] != n:
            raise ValueError(f"Got length={n} but the leading axis of xs has size {x.shape[0]}")
    carry, ys = tree.map_structure(convert_to_tensor, init), []
    for i in reversed(range(n)) if reverse else range(n):
        carry, y = f(carry, None if xs is None else _rows(xs, i))
        ys.append(y)
    ys = ys[::-1] if reverse else ys
    return carry, None if not ys or ys[0] is None else _stack_rows(ys)


def associative_scan(f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All prefixes combined by an associative function, in a number of steps that grows with the logarithm.

    Source: W. D. Hillis, G. L. Steele, Data parallel algorithms (1986).
    Raises: TypeError for an f that is no function, ValueError for different sizes along the axis.
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    elems = tree.map_structure(convert_to_tensor, elems)
    flat = tree.flatten(elems)
    n = flat[0].shape[axis]
    if any(x.shape[axis] != n for x in flat):
        raise ValueError(f"Array inputs to associative_scan must have the same first dimension. (saw: {flat})")
    if reverse:
        elems = tree.map_structure(lambda x: wengert.flip(x, (axis,)), elems)
    step = 1
    while step < n:
        before = tree.map_structure(lambda x: x.narrow(axis, 0, n - step), elems)  # noqa: B023 - used at once
        after = tree.map_structure(lambda x: x.narrow(axis, step, n - step), elems)  # noqa: B023
        head = tree.map_structure(lambda x: x.narrow(axis, 0, step), elems)  # noqa: B023
        elems = tree.map_structure(lambda a, b: wengert.cat([a, b], axis), head, f(before, after))
        step *= 2
    return tree.map_structure(lambda x: wengert.flip(x, (axis,)), elems) if reverse else elems


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """f of each row, computed for all at once."""
    return wengert.vmap(function)(tree.map_structure(convert_to_tensor, elements))


# --- parts ------------------------------------------------------------------------------------------------------------


def unstack(x: Any, num: Any = None, axis: int = 0) -> list[Tensor]:
    """The slices along an axis."""
    return list(convert_to_tensor(x).unbind(axis))


def _starts(inputs: Tensor, start_indices: Any) -> list[Any]:
    """Where a slice starts, brought into range, as Python numbers or (pending) tensors."""
    if isinstance(start_indices, Tensor) and not _is_symbolic(start_indices):
        start_indices = start_indices.tolist()
    if isinstance(start_indices, Tensor):
        return [0] * inputs.ndim
    return [0 if isinstance(i, Tensor) and _is_symbolic(i) else int(i) for i in start_indices]


def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """The part of this shape that starts there, moved to lie inside."""
    inputs = convert_to_tensor(inputs)
    sizes = [int(n) for n in shape]
    for axis, (start, n) in enumerate(zip(_starts(inputs, start_indices), sizes)):
        inputs = inputs.narrow(axis, max(0, min(start, inputs.shape[axis] - n)), n)
    return inputs


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """`inputs` with `updates` at the place that starts there."""
    inputs = convert_to_tensor(inputs)
    updates = cast(updates, inputs.dtype.name)
    places = []
    for start, n, size in zip(_starts(inputs, start_indices), updates.shape, inputs.shape):
        start = max(0, min(start, size - n))
        places.append(builtin_slice(start, start + n))
    result = inputs.clone()
    result[tuple(places)] = updates
    return result


builtin_slice = type(np.s_[:])  # the name is taken above


def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros with `values` added at `indices`, whose last axis counts the leading axes of the shape."""
    values = convert_to_tensor(values)
    zeros = wengert.zeros(tuple([int(n) for n in shape]), dtype=values.dtype)
    return scatter_update(zeros, indices, values, "add")


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: Any = None) -> Tensor:
    """`inputs` with `updates` at `indices`: put, or combined by "add", "max", "min" or "mul".

    Raises: ValueError for another reduction.
    """
    inputs, indices = convert_to_tensor(inputs), convert_to_tensor(indices, "int64")
    updates = cast(updates, inputs.dtype.name)
    places = indices.unbind(-1)
    if reduction in (None, "add"):
        return inputs.index_put(places, updates, accumulate=reduction == "add")
    names = {"max": "amax", "min": "amin", "mul": "prod"}
    if reduction not in names:
        raise ValueError(f"Unsupported reduction: {reduction}. Supported values are None, 'add', 'max', 'min' and 'mul'.")
    rest = tuple(inputs.shape[len(places) :])
    flat = wengert.zeros_like(places[0])
    for place, n in zip(places, inputs.shape):
        flat = flat * n + wengert.where(place < 0, place + n, place)
    rows = inputs.reshape(-1, *rest)
    along = flat.reshape([-1] + [1] * len(rest)).expand(-1, *rest)
    y = rows.scatter_reduce(0, along, updates.reshape(-1, *rest), reduce=names[reduction], include_self=True)
    return y.reshape(inputs.shape)


# --- derivatives ------------------------------------------------------------------------------------------------------


def custom_gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose derivative is the one that it returns beside its result: ``(outputs, grad_fn)``.

    `grad_fn(*output_gradients)` (or with the gradients by the name ``upstream``) gives the gradients of the arguments.
    """

    class Custom(wengert.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            outputs, ctx.grad_fn = fun(*args)
            return outputs

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            return ctx.grad_fn(*gradients)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise TypeError(f"custom_gradient: positional arguments only, got {sorted(kwargs)}")
        return Custom.apply(*[x.value if isinstance(x, KerasVariable) else x for x in args])

    return wrapped


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose intermediate values are computed again for its derivative instead of being kept."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wengert.utils.checkpoint.checkpoint(f, *args, use_reentrant=False, **kwargs)

    return wrapped
