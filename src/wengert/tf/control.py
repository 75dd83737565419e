"""Control flow by functions: cond, case, switch_case, while_loop, map_fn, scan, folds, vectorized_map.

Values decide, so each asks for the value of its condition; what the branches and bodies compute is recorded like anything
else, and derivatives go through whatever ran. Over the rows of tensors, a `tf.function` that is being recorded makes one
operation of the loop (`looping.py`) where the body allows it; elsewhere the body runs for each row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import wengert
from wengert.tensors.tensor import Tensor as Core
from wengert.tf import nest
from wengert.tf.errors import invalid
from wengert.tf.face import convert
from wengert.tf.list import TensorArray
from wengert.tf.looping import FEWEST, looped_over
from wengert.tf.tensor import shown
from wengert.tf.values import fresh


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: Optional[str] = None) -> Any:
    """``true_fn()`` if `pred` holds, else ``false_fn()``.

    Raises: TypeError when a branch is no function or `pred` no scalar bool.
    """
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError("cond: 'true_fn' and 'false_fn' must be callable")
    return true_fn() if _holds(pred, "cond") else false_fn()


def _holds(pred: Any, operation: str) -> bool:
    if isinstance(pred, bool):
        return pred
    value = fresh(pred)
    if value.dtype is not wengert.bool or value.numel() != 1:
        raise TypeError(
            f"{operation}: the condition must be a scalar of dtype bool, got shape {tuple(value.shape)} of {value.dtype!r}"
        )
    return bool(value.item())


def case(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case") -> Any:
    """What the first function gives whose condition holds; else what `default` gives, or the last function.

    exclusive: no more than one may hold. Raises: InvalidArgumentError when more do.
    """
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, dict) else list(pred_fn_pairs)
    if exclusive and sum([_holds(pred, "case") for pred, _ in pairs]) > 1:
        raise invalid("case: more than one condition holds, and exclusive=True")
    for pred, fn in pairs:
        if _holds(pred, "case"):
            return fn()
    if default is None and not pairs:
        raise ValueError("case: there is no branch")
    return pairs[-1][1]() if default is None else default()


def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case") -> Any:
    """What the branch with this number gives; for a number without a branch, `default`, or the branch of the highest.

    Raises: TypeError for a branch that is no function.
    """
    if isinstance(branch_fns, dict) or (branch_fns and isinstance(branch_fns[0], tuple)):
        branches = dict(branch_fns)
    else:
        branches = dict(enumerate(branch_fns))
    for fn in branches.values():
        if not callable(fn):
            raise TypeError(f"switch_case: branches must be callable, got {fn!r}")
    number = int(fresh(branch_index).item())
    if number in branches:
        return branches[number]()
    return branches[max(branches)]() if default is None else default()


def while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: Any = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: Optional[str] = None,
) -> Any:
    """Repeat ``loop_vars = body(*loop_vars)`` while ``cond(*loop_vars)`` holds, at most `maximum_iterations` times.

    Raises: TypeError when `cond` or `body` is no function; ValueError when the body gives another structure.
    """
    if not callable(cond) or not callable(body):
        raise TypeError("while_loop: 'cond' and 'body' must be callable")
    several = isinstance(loop_vars, (list, tuple))
    state = nest.map_structure(_as_tensor, list(loop_vars) if several else [loop_vars])
    most = None if maximum_iterations is None else int(fresh(maximum_iterations).item())
    done = 0
    while (most is None or done < most) and _holds(cond(*state), "while_loop"):
        new = body(*state)
        new = list(new) if isinstance(new, (list, tuple)) and (several or len(state) == 1) else [new]
        nest.assert_same_structure(state, new, check_types=False)
        state = nest.map_structure(_as_tensor, new)
        done += 1
    if not several:
        return state[0]
    return type(loop_vars)(*state) if hasattr(loop_vars, "_fields") else type(loop_vars)(state)


def _as_tensor(value: Any) -> Any:
    return value if isinstance(value, (Core, TensorArray)) else convert(value)


# --- over the rows ------------------------------------------------------------------------------------------------------


def _rows(elems: Any, operation: str) -> list[Any]:
    """The structures of the rows of `elems`. Raises: ValueError without a leading axis, or for different sizes of it."""
    leaves = [convert(leaf) for leaf in nest.flatten(elems)]
    if not leaves or any([x._node.type.ndim == 0 for x in leaves]):
        raise ValueError(f"{operation}: elements in elems must be 1+ dimensional tensors, not scalars")
    sizes = {x.shape[0] for x in leaves}
    if len(sizes) != 1:
        raise ValueError(f"{operation}: elements in elems must have the same first dimension, got {sorted(sizes)}")
    return [nest.pack_sequence_as(elems, [x[i] for x in leaves]) for i in range(sizes.pop())]


def _stacked(parts: list[Any]) -> Any:
    """Structures of tensors as one structure of stacked tensors."""
    columns = zip(*[nest.flatten(part) for part in parts])
    flat = [shown(wengert.stack([fresh(one) for one in column])) for column in columns]
    return nest.pack_sequence_as(parts[0], flat)


def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: Any = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: Optional[str] = None,
    fn_output_signature: Any = None,
) -> Any:
    """fn of each row of `elems`, stacked."""
    rows = _rows(elems, "map_fn")
    if not rows:
        return nest.map_structure(convert, elems)
    looped = looped_over(lambda _, row: fn(row), None, elems, False) if len(rows) >= FEWEST else None
    if looped is not None:
        return looped.results
    return _stacked([nest.map_structure(_as_tensor, fn(row)) for row in rows])


def vectorized_map(fn: Callable[..., Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """fn of each row of `elems`, computed for all at once."""
    leaves = [fresh(leaf) for leaf in nest.flatten(elems)]

    def one(*row: Any) -> Any:
        return nest.map_structure(fresh, fn(nest.pack_sequence_as(elems, [shown(x) for x in row])))

    return shown(wengert.vmap(one)(*leaves))


def scan(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: Any = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: Optional[str] = None,
) -> Any:
    """Every ``state = fn(state, row)``, stacked. Without `initializer` the first row is the first state."""
    looped = _looped(fn, elems, initializer, reverse)
    if looped is not None:
        return looped.results
    states = _states(fn, elems, initializer, reverse, "scan")
    return _stacked(states[::-1] if reverse else states)


def foldl(
    fn: Callable[..., Any], elems: Any, initializer: Any = None, parallel_iterations: Any = 10, back_prop: bool = True,
    swap_memory: bool = False, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The last ``state = fn(state, row)``, from the first row on."""
    looped = _looped(fn, elems, initializer, False)
    return _states(fn, elems, initializer, False, "foldl")[-1] if looped is None else looped.last


def foldr(
    fn: Callable[..., Any], elems: Any, initializer: Any = None, parallel_iterations: Any = 10, back_prop: bool = True,
    swap_memory: bool = False, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The last ``state = fn(state, row)``, from the last row on."""
    looped = _looped(fn, elems, initializer, True)
    return _states(fn, elems, initializer, True, "foldr")[-1] if looped is None else looped.last


def _looped(fn: Callable[..., Any], elems: Any, initializer: Any, backwards: bool) -> Any:
    """The states as one operation, or None."""
    leaves = nest.flatten(elems)
    sizes = [x.shape[0] if getattr(x, "shape", ()) else 0 for x in leaves]
    if not callable(fn) or not sizes or len(set(sizes)) > 1 or sizes[0] < FEWEST:
        return None
    return looped_over(fn, elems if initializer is None else initializer, elems, backwards, from_first=initializer is None)


def _states(fn: Callable[..., Any], elems: Any, initializer: Any, backwards: bool, operation: str) -> list[Any]:
    if not callable(fn):
        raise TypeError(f"{operation}: {fn!r} is not callable")
    rows = _rows(elems, operation)
    if backwards:
        rows.reverse()
    if initializer is None:
        if not rows:
            raise ValueError(f"{operation}: no element and no initializer")
        states, rows = [rows[0]], rows[1:]
    else:
        states = [nest.map_structure(_as_tensor, initializer)]
    for row in rows:
        states.append(nest.map_structure(_as_tensor, fn(states[-1], row)))
    return states if initializer is None or operation != "scan" else states[1:]
