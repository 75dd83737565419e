"""jacrev, jacfwd, hessian: whole matrices of derivatives. The function runs once; the walk through what it recorded is
traced for one unit vector and mapped over all of them.

Cost: a walk's recording once, and its work for n unit vectors at a time: n outputs for jacrev, n inputs for jacfwd.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Optional

from wengert import trees
from wengert.derive.jacobian import jacobian_by_columns, jacobian_by_rows
from wengert.func.arguments import Argnums, Chosen, Entered, only_tensors, split_aux
from wengert.func.level import forward_level, reverse_level, write_back
from wengert.graph.record import tracking
from wengert.tensors.tensor import wrap


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: Optional[int] = None
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func` by reverse mode: best when outputs are fewer than inputs.

    Result: for each output the structure of the chosen arguments, each of shape (*output.shape, *input.shape).
    chunk_size: at most so many rows at a time, to bound memory.

    Raises (when called): as `vjp` and `grad` do.
    """
    operation = "jacrev(f)(*args)"
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"jacrev: `chunk_size` should be greater than 0, got {chunk_size}")

    @functools.wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(operation, args, argnums)
        with reverse_level() as here:
            entered = Entered([here.enter_tracked(x, operation) for x in chosen.tensors])
            output, aux = split_aux(operation, chosen.call(func, entered.arguments, kwargs), has_aux)
            leaves, structure = only_tensors(operation, func, output)
            ys = [y._read() for y in leaves]
            with tracking(any(here.outside(ys))):
                blocks = jacobian_by_rows(lambda y, y_bar: entered.pull([y], [y_bar]), entered.nodes, ys, chunk_size)
            jacobians = [chosen.fold([wrap(x) for x in here.leave(row)]) for row in blocks]
            result = trees.unflatten(jacobians, structure)
            return (result, here.leave_tree(aux)) if has_aux else result

    return wrapper


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func` by forward mode: best when inputs are fewer than outputs.

    Result: as `jacrev`. randomness: accepted for PyTorch's sake; func runs once, so all columns see the same numbers.

    Raises (when called): as `jvp` and `grad` do.
    """
    operation = "jacfwd(f)(*args)"
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")

    @functools.wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(operation, args, argnums)
        with forward_level() as here:
            arguments = [here.enter(x, operation) for x in chosen.tensors]
            output, aux = split_aux(operation, chosen.call(func, arguments, kwargs), has_aux)
            leaves, structure = only_tensors(operation, func, output)
            ys = [y._read() for y in leaves]
            blocks = jacobian_by_columns([x._node for x in arguments], ys)
            jacobians = [chosen.fold([wrap(x) for x in here.leave(row)]) for row in blocks]
            write_back(chosen.tensors, arguments)
            result = trees.unflatten(jacobians, structure)
            return (result, aux) if has_aux else result

    return wrapper


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the second derivatives of `func`: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)
