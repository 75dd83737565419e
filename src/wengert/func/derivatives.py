"""grad, vjp, jvp, linearize: derivatives as functions of functions. They nest in any order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

from wengert import trees
from wengert.derive.forward import push_forward
from wengert.derive.reverse import pull_back
from wengert.derive.trace import record_again, trace
from wengert.errors import GradientError
from wengert.func.level import Level, freeze, level, name_of, write_back
from wengert.graph.node import Node
from wengert.graph.record import scalar, tracking
from wengert.graph.rule import primitives, zeros_of
from wengert.tensors.hooks import backward_pass, run_hooks
from wengert.tensors.tensor import Tensor, wrap

Argnums = Union[int, tuple[int, ...]]


# --- arguments and results -------------------------------------------------------------------------------------------


class Chosen:
    """The arguments that `argnums` picks, as a flat list of tensors, and the call with them replaced."""

    def __init__(self, operation: str, args: tuple[Any, ...], argnums: Argnums) -> None:
        self.operation = operation
        self.args = args
        self.single = isinstance(argnums, int) and not isinstance(argnums, bool)
        numbers: Any = (argnums,) if self.single else argnums
        if not isinstance(numbers, tuple) or not all(isinstance(i, int) for i in numbers):
            raise RuntimeError(f"{operation}: argnums must be int or Tuple[int, ...], got: {type(argnums)}")
        if not numbers:
            raise RuntimeError(f"{operation}: argnums must be non-empty")
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise RuntimeError(f"{operation}: Got argnum={i}, but only {len(args)} positional inputs")
        self.numbers = tuple([i % len(args) for i in numbers])
        if len(set(self.numbers)) != len(self.numbers):
            raise RuntimeError(f"{operation}: argnums elements must be unique, got {argnums}")
        self.tensors, self.structure = trees.flatten(tuple([args[i] for i in self.numbers]))

    def call(self, function: Callable[..., Any], tensors: list[Tensor], kwargs: dict[str, Any]) -> Any:
        args = list(self.args)
        for i, value in zip(self.numbers, trees.unflatten(list(tensors), self.structure)):
            args[i] = value
        return function(*args, **kwargs)

    def fold(self, values: Sequence[Any]) -> Any:
        """One value for each tensor, in the structure of the chosen arguments."""
        folded = trees.unflatten(list(values), self.structure)
        return folded[0] if self.single else folded


def split_aux(operation: str, output: Any, has_aux: bool) -> tuple[Any, Any]:
    """(output, aux) of a function that returns both when `has_aux`."""
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(f"{operation}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return output


def only_tensors(operation: str, function: Callable[..., Any], output: Any) -> tuple[list[Tensor], Any]:
    """The tensors of an output, and its structure.

    Raises: RuntimeError for anything else in it.
    """
    leaves, structure = trees.flatten(output)
    for value in leaves:
        if not isinstance(value, Tensor):
            raise RuntimeError(
                f"{operation}: expected {name_of(function)} to return only tensors, got unsupported type {type(value)}"
            )
    return leaves, structure


def pull(
    outputs: Sequence[Node], bars: Sequence[Node], arguments: Sequence[Tensor], entered: Sequence[Node]
) -> list[Optional[Node]]:
    """Cotangents of a level's arguments; None where an output does not depend on one."""
    with backward_pass():
        found = pull_back(outputs, bars, entered, run_hooks)
    results = []
    for tensor, node in zip(arguments, entered):
        bar, now = found.get(node), tensor._current()
        if now is not node and now in found:  # written to inside no_grad: what followed belongs to a newer leaf
            bar = found[now] if bar is None else bar + found[now]
        results.append(bar)
    return results


def or_zeros(found: Sequence[Optional[Node]], like: Sequence[Node]) -> list[Node]:
    """Zeros in the place of None."""
    return [zeros_of(x.type) if bar is None else bar for bar, x in zip(found, like)]


# --- reverse mode ----------------------------------------------------------------------------------------------------


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, which returns a scalar, with respect to its `argnums`.

    With `has_aux`, `func` returns (scalar, aux) and the gradient comes as (gradient, aux).

    Raises (when called): RuntimeError when the result is no scalar, or argnums do not fit; ValueError when a chosen
    argument holds something else than tensors.

    >>> import wengert
    >>> wengert.func.grad(wengert.sin)(wengert.tensor(0.0))
    tensor(1.)
    """
    with_value = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = with_value(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`; gives (gradient, value), or (gradient, (value, aux))."""
    operation = "grad_and_value(f)(*args)"

    @functools.wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(operation, args, argnums)
        with level() as here:
            arguments = [freeze(here.enter(x, operation)) for x in chosen.tensors]
            entered = [x._current() for x in arguments]
            output, aux = split_aux(operation, chosen.call(func, arguments, kwargs), has_aux)
            y = _scalar_node(operation, output)
            with tracking(here.outside([y])[0]):
                found = pull([y], [scalar(1, y.dtype)], arguments, entered) if y.tracked else [None] * len(entered)
                bars = or_zeros(found, entered)
            gradient = chosen.fold([wrap(bar) for bar in here.leave(bars)])
            value = here.leave_tree(output)
            return gradient, (value, here.leave_tree(aux)) if has_aux else value

    return wrapper


def _scalar_node(operation: str, output: Any) -> Node:
    if not isinstance(output, Tensor):
        raise RuntimeError(f"{operation}: Expected f(*args) to return a Tensor, got {type(output)}")
    if output.ndim:
        raise RuntimeError(
            f"{operation}: Expected f(*args) to return a scalar Tensor, got tensor with {output.ndim} dims. Did you mean "
            "vjp or jacrev?"
        )
    if output.is_complex():
        raise GradientError(f"{operation}: a gradient is that of a real scalar, but the result is {output.dtype}")
    return output._read()


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), vjp_fn), where ``vjp_fn(cotangents)`` gives the cotangents of the primals as a tuple; with
    `has_aux`, (output, vjp_fn, aux).

    The cotangents have the structure of the output. vjp_fn can be called again and again.

    Raises: RuntimeError when the output holds something else than tensors, and for cotangents that do not fit it.
    """
    operation = "vjp(f, *primals)"
    with level() as here:
        tensors, structure = trees.flatten(primals)
        arguments = [freeze(here.enter(x, operation)) for x in tensors]
        entered = [x._current() for x in arguments]
        output, aux = split_aux(operation, func(*trees.unflatten(list(arguments), structure)), has_aux)
        leaves, shape = only_tensors(operation, func, output)
        ys = [y._read() for y in leaves]
        result = here.leave_tree(output)
        aux = here.leave_tree(aux)

    def vjp_fn(*cotangents: Any) -> tuple[Any, ...]:
        bars = _matching_bars(cotangents, ys, shape)
        now = Level(here.first)
        needed = now.tracking and (any(now.outside(ys)) or any([bar.tracked for bar in bars]))
        pairs = [(y, bar) for y, bar in zip(ys, bars) if y.tracked]
        with tracking(needed):
            found = pull([y for y, _ in pairs], [bar for _, bar in pairs], arguments, entered)
            x_bars = or_zeros(found, entered)
        folded: tuple[Any, ...] = trees.unflatten([wrap(bar) for bar in now.leave(x_bars, bars)], structure)
        return folded

    return (result, vjp_fn, aux) if has_aux else (result, vjp_fn)


def _matching_bars(cotangents: tuple[Any, ...], ys: Sequence[Node], shape: Any) -> list[Node]:
    """vjp_fn's arguments as nodes that fit the outputs. Several cotangents may come as one tuple or one by one."""
    given = cotangents[0] if len(cotangents) == 1 else cotangents
    bars, found = trees.flatten(given)
    if found != shape:
        raise RuntimeError(
            "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function: "
            f"{len(ys)} tensors, got {len(bars)}, or in other containers"
        )
    nodes = []
    for number, (bar, y) in enumerate(zip(bars, ys)):
        if not isinstance(bar, Tensor):
            raise RuntimeError(f"vjp_fn: cotangent {number} must be a Tensor, got {type(bar).__name__}")
        node = bar._read()
        if node.shape != y.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{number}] has a shape of {list(node.shape)} and output[{number}] has a "
                f"shape of {list(y.shape)}."
            )
        nodes.append(in_dtype(node, y))
    return nodes


def in_dtype(x: Node, like: Node) -> Node:
    """x in the dtype of `like`; a complex number loses its imaginary part where `like` is real."""
    if x.dtype is like.dtype:
        return x
    if x.dtype.is_complex and not like.dtype.is_complex:
        x = primitives.real(x)
    return x if x.dtype is like.dtype else primitives.convert(x, dtype=like.dtype)  # type: ignore[no-any-return]


# --- forward mode ----------------------------------------------------------------------------------------------------


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """(func(*primals), its tangent when the primals move by `tangents`); with `has_aux`, (output, tangent, aux).

    strict: an output that does not depend on the primals is an error; otherwise its tangent is zeros.

    Raises: RuntimeError when primals and tangents are no tuples of one structure and shapes, or when the output holds
    something else than tensors.
    """
    operation = "jvp(f, primals, tangents)"
    with level() as here:
        tensors, dots, structure = _primals_and_tangents(operation, primals, tangents)
        arguments = [here.enter(x, operation) for x in tensors]
        entered = [x._node for x in arguments]
        moved = [_tangent_node(x_dot, x, number) for number, (x_dot, x) in enumerate(zip(dots, entered))]
        output, aux = split_aux(operation, func(*trees.unflatten(list(arguments), structure)), has_aux)
        leaves, shape = only_tensors(operation, func, output)
        ys = [y._read() for y in leaves]
        found = push(entered, moved, ys, here)
        if strict and any([y_dot is None for y_dot in found]):
            raise RuntimeError(f"{operation[:-1]}, strict=True): The output of f is independent of the inputs.")
        y_dots = here.leave(or_zeros(found, ys))
        result = here.leave_tree(output)
        write_back(tensors, arguments, here)
        tangent = trees.unflatten([wrap(y_dot) for y_dot in y_dots], shape)
        return (result, tangent, here.leave_tree(aux)) if has_aux else (result, tangent)


def push(
    sources: Sequence[Node], tangents: Sequence[Node], outputs: Sequence[Node], here: Level
) -> list[Optional[Node]]:
    """Tangents of a level's outputs. What was computed inside no_grad stands still, as in PyTorch."""
    needed = any(here.outside(outputs, tangents)) or (here.tracking and any([x_dot.tracked for x_dot in tangents]))
    with tracking(needed):
        return push_forward(sources, tangents, outputs, tracked_only=True)


def _primals_and_tangents(operation: str, primals: Any, tangents: Any) -> tuple[list[Any], list[Any], Any]:
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{operation}: Expected primals to be a tuple, so that f(*primals) is a call; got {type(primals)}")
    tensors, structure = trees.flatten(primals)
    dots, found = trees.flatten(tangents)
    if found != structure:
        raise RuntimeError(
            f"{operation}: Expected primals and tangents to have the same python structure: {len(tensors)} primals, "
            f"{len(dots)} tangents"
        )
    if not tensors:
        raise RuntimeError(f"{operation}: Expected at least one Tensor in primals")
    return tensors, dots, structure


def _tangent_node(x_dot: Any, x: Node, number: int) -> Node:
    if not isinstance(x_dot, Tensor):
        raise RuntimeError(f"jvp: tangent {number} must be a Tensor, got {type(x_dot).__name__}")
    node = x_dot._read()
    if node.shape != x.shape:
        raise RuntimeError(
            f"jvp: tangent {number} must have the size of its primal: Tensor is of size {list(x.shape)} while the given "
            f"tangent is of size {list(node.shape)}"
        )
    return in_dtype(node, x)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(func(*primals), jvp_fn), where ``jvp_fn(*tangents)`` is the linear map that `jvp` applies at these primals.

    func runs once; jvp_fn only repeats the derivative's own graph.

    Raises: RuntimeError when the output holds something else than tensors; jvp_fn, when tangents do not fit the primals.
    """
    operation = "linearize(f, *primals)"
    with level() as here:
        tensors, structure = trees.flatten(primals)
        arguments = [here.enter(x, operation) for x in tensors]
        entered = [x._node for x in arguments]
        output = func(*trees.unflatten(list(arguments), structure))
        leaves, shape = only_tensors(operation, func, output)
        ys = [y._read() for y in leaves]
        answered: list[bool] = []

        def derivative(*x_dots: Node) -> list[Node]:
            found = push_forward(entered, x_dots, ys, tracked_only=True)
            answered.extend([y_dot is not None for y_dot in found])
            return [y_dot for y_dot in found if y_dot is not None]

        recording = trace(derivative, [x.type for x in entered], [True] * len(entered))
        residuals = here.leave(recording.captured)
        result = here.leave_tree(output)
        write_back(tensors, arguments, here)

    def jvp_fn(*tangents: Any) -> Any:
        _, dots, _ = _primals_and_tangents("jvp_fn", primals, tangents)
        moved = [_tangent_node(x_dot, x, number) for number, (x_dot, x) in enumerate(zip(dots, entered))]
        values = [*moved, *residuals, *record_again(recording, [*moved, *residuals])]
        found = iter([values[i] for i in recording.graph.outputs])
        y_dots = [next(found) if yes else zeros_of(y.type) for y, yes in zip(ys, answered)]
        return trees.unflatten([wrap(y_dot) for y_dot in y_dots], shape)

    return result, jvp_fn
