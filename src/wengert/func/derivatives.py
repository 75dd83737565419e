"""grad, vjp, jvp, linearize: derivatives as functions of functions. They nest in any order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from wengert import trees
from wengert.derive.forward import push_forward
from wengert.derive.trace import record_again, trace
from wengert.errors import GradientError
from wengert.func.arguments import Argnums, Chosen, Entered, only_tensors, or_zeros, split_aux
from wengert.func.level import Level, forward_level, reverse_level, write_back
from wengert.graph.node import Node
from wengert.graph.record import tracking
from wengert.graph.rule import ones_of
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap

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
        with reverse_level() as here:
            entered = Entered([here.enter_tracked(x, operation) for x in chosen.tensors])
            output, aux = split_aux(operation, chosen.call(func, entered.arguments, kwargs), has_aux)
            y = _scalar_node(operation, output)
            with tracking(here.outside([y])[0]):
                found = entered.pull([y], [ones_of(y.type)])
                bars = or_zeros(found, entered.nodes)
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
    with reverse_level() as here:
        tensors, structure = trees.flatten(primals)
        entered = Entered([here.enter_tracked(x, operation) for x in tensors])
        output, aux = split_aux(operation, func(*trees.unflatten(list(entered.arguments), structure)), has_aux)
        leaves, shape = only_tensors(operation, func, output)
        ys = [y._read() for y in leaves]
        pull = _pulled(here, entered, ys)
        result, aux = here.leave_tree(output), here.leave_tree(aux)
    types = [y.type for y in ys]

    def vjp_fn(*cotangents: Any) -> tuple[Any, ...]:
        folded: tuple[Any, ...] = trees.unflatten([wrap(bar) for bar in pull(_bars(cotangents, types, shape))], structure)
        return folded

    return (result, vjp_fn, aux) if has_aux else (result, vjp_fn)


def _pulled(here: Level, entered: Entered, ys: list[Node]) -> Callable[[list[Node]], list[Node]]:
    """The map from cotangents of the outputs to those of the arguments: a graph, if the walk can be traced. Otherwise (a
    user's backward asks for values) each call walks, and raises what is really wrong."""

    def walk(*bars: Node) -> list[Node]:
        return or_zeros(entered.pull(ys, bars), entered.nodes)

    try:
        return replayed(here, walk, [y.type for y in ys])
    except RuntimeError:
        return lambda bars: here.again().leave(walk(*bars), bars)


def replayed(here: Level, walk: Callable[..., list[Node]], types: list[Any]) -> Callable[[list[Node]], list[Node]]:
    """`walk`, traced once; what it reads leaves the level."""
    recording = trace(walk, types, [True] * len(types))
    residuals = here.leave(recording.captured)
    recording = recording._replace(captured=())  # what they were computed from may go

    def again(given: list[Node]) -> list[Node]:
        values = [*given, *residuals]
        values += record_again(recording, values)
        return [values[i] for i in recording.graph.outputs]

    return again


def _bars(cotangents: tuple[Any, ...], types: Sequence[Any], shape: Any) -> list[Node]:
    """vjp_fn's arguments as nodes that fit the outputs. Several cotangents may come as one tuple or one by one."""
    given = cotangents[0] if len(cotangents) == 1 else cotangents
    bars, found = trees.flatten(given)
    if found != shape:
        raise RuntimeError(
            "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function: "
            f"{len(types)} tensors, got {len(bars)}, or in other containers"
        )
    nodes = []
    for number, (bar, y) in enumerate(zip(bars, types)):
        if not isinstance(bar, Tensor):
            raise RuntimeError(f"vjp_fn: cotangent {number} must be a Tensor, got {type(bar).__name__}")
        node = bar._read()
        if node.shape != y.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{number}] has a shape of {list(node.shape)} and output[{number}] has a "
                f"shape of {list(y.shape)}."
            )
        nodes.append(move(node, y.dtype))
    return nodes


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
    with forward_level() as here:
        tensors, dots, structure = _primals_and_tangents(operation, primals, tangents)
        arguments = [here.enter(x, operation) for x in tensors]
        xs = [x._node for x in arguments]
        moved = [_tangent_node(x_dot, x, number) for number, (x_dot, x) in enumerate(zip(dots, xs))]
        output, aux = split_aux(operation, func(*trees.unflatten(list(arguments), structure)), has_aux)
        leaves, shape = only_tensors(operation, func, output)
        ys = [y._read() for y in leaves]
        found = push_forward(xs, moved, ys)
        # A derivative taken inside has tracked nodes of its own; the tangents that went through them leave them behind.
        y_dots = here.leave(or_zeros(found, ys))
        if strict and any([y_dot is None for y_dot in found]):
            raise RuntimeError(f"{operation[:-1]}, strict=True): The output of f is independent of the inputs.")
        write_back(tensors, arguments)
        tangent = trees.unflatten([wrap(y_dot) for y_dot in y_dots], shape)
        return (output, tangent, aux) if has_aux else (output, tangent)


def _primals_and_tangents(operation: str, primals: Any, tangents: Any) -> tuple[list[Any], list[Any], Any]:
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{operation}: Expected primals to be a tuple, so that f(*primals) is a call; got {type(primals)}")
    tensors, structure = trees.flatten(primals)
    dots = _same_structure(operation, structure, len(tensors), tangents)
    if not tensors:
        raise RuntimeError(f"{operation}: Expected at least one Tensor in primals")
    return tensors, dots, structure


def _same_structure(operation: str, structure: Any, count: int, tangents: Any) -> list[Any]:
    dots, found = trees.flatten(tangents)
    if found != structure:
        raise RuntimeError(
            f"{operation}: Expected primals and tangents to have the same python structure: {count} primals, {len(dots)} "
            "tangents"
        )
    return dots


def _tangent_node(x_dot: Any, x: Any, number: int) -> Node:
    if not isinstance(x_dot, Tensor):
        raise RuntimeError(f"jvp: tangent {number} must be a Tensor, got {type(x_dot).__name__}")
    node = x_dot._read()
    if node.shape != x.shape:
        raise RuntimeError(
            f"jvp: tangent {number} must have the size of its primal: Tensor is of size {list(x.shape)} while the given "
            f"tangent is of size {list(node.shape)}"
        )
    return move(node, x.dtype)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(func(*primals), jvp_fn), where ``jvp_fn(*tangents)`` is the linear map that `jvp` applies at these primals.

    func runs once; jvp_fn only repeats the derivative's own graph.

    Raises: RuntimeError when the output holds something else than tensors; jvp_fn, when tangents do not fit the primals.
    """
    operation = "linearize(f, *primals)"
    with forward_level() as here:
        tensors, structure = trees.flatten(primals)
        arguments = [here.enter(x, operation) for x in tensors]
        xs = [x._node for x in arguments]
        output = func(*trees.unflatten(list(arguments), structure))
        leaves, shape = only_tensors(operation, func, output)
        ys = [y._read() for y in leaves]
        push = replayed(here, lambda *dots: or_zeros(push_forward(xs, dots, ys), ys), [x.type for x in xs])
        write_back(tensors, arguments)
    types = [x.type for x in xs]

    def jvp_fn(*tangents: Any) -> Any:
        dots = _same_structure("jvp_fn", structure, len(types), tangents)
        moved = [_tangent_node(x_dot, type, number) for number, (x_dot, type) in enumerate(zip(dots, types))]
        return trees.unflatten([wrap(y_dot) for y_dot in push(moved)], shape)

    return output, jvp_fn
