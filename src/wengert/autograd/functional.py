"""Jacobians, Hessians and their products with vectors, as functions of (function, inputs)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

from wengert.autograd.backward import grad
from wengert.autograd.products import (
    as_tuple,
    call,
    check_one_scalar,
    filled,
    fold,
    fresh_arguments,
    gradients,
    released,
    vectors_like,
)
from wengert.derive.batch import row, stack
from wengert.derive.forward import push_forward
from wengert.derive.jacobian import jacobian_by_columns, unit_vectors
from wengert.graph.node import Node, array_type
from wengert.graph.record import retaining, scalar, tracking
from wengert.graph.rule import primitives, zeros_of
from wengert.tensors.tensor import Tensor, wrap

Tensors = Union[Tensor, tuple[Tensor, ...]]


# --- products --------------------------------------------------------------------------------------------------------


def vjp(
    func: Callable[..., Any], inputs: Tensors, v: Optional[Tensors] = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), v^T J): the product of a vector with the Jacobian, by reverse mode.

    v: of the output's shapes; may be None for an output of one number.

    Raises: RuntimeError when v does not fit, and with strict when an output does not depend on an input.
    """
    with tracking(True):
        many, xs = as_tuple(inputs, "inputs", "vjp")
        arguments = fresh_arguments(xs, create_graph)
        several, outputs = call(func, arguments, "vjp", strict)
        vectors = vectors_like(v, outputs, several, "vjp", "output of the user-provided function")
        found = gradients(outputs, arguments, vectors, create_graph)
        products = filled(found, arguments, "vjp", strict, create_graph)
    return fold(several, released(outputs, create_graph)), fold(many, released(products, create_graph))


def jvp(
    func: Callable[..., Any], inputs: Tensors, v: Optional[Tensors] = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), J v): the product of the Jacobian with a vector, by forward mode.

    v: of the inputs' shapes; may be None for an input of one number.

    Raises: RuntimeError when v does not fit, and with strict when an output does not depend on an input.
    """
    with tracking(True):
        many, xs = as_tuple(inputs, "inputs", "jvp")
        vectors = vectors_like(v, xs, many, "jvp", "input to the user-provided function")
        arguments = fresh_arguments(xs, create_graph)
        several, outputs, tangents = _pushed(func, arguments, vectors, strict, create_graph)
        products = filled(tangents, outputs, "jvp", strict, create_graph)
    return fold(several, released(outputs, create_graph)), fold(several, released(products, create_graph))


def _pushed(
    func: Callable[..., Any], arguments: list[Tensor], vectors: list[Tensor], strict: bool, create_graph: bool
) -> tuple[bool, tuple[Tensor, ...], list[Optional[Tensor]]]:
    """(whether func gave a tuple, its outputs, their tangents). A Function that has no jvp goes through reverse mode
    twice: J v is the derivative with respect to u of u^T J v."""
    with retaining():
        several, outputs = call(func, arguments, "jvp", strict)
        xs, x_dots, ys = ([t._read() for t in group] for group in (arguments, vectors, outputs))
        try:
            with tracking(create_graph):
                pushed = push_forward(xs, x_dots, ys)
            return several, outputs, [None if y_dot is None else wrap(y_dot) for y_dot in pushed]
        except NotImplementedError:
            zeros = [wrap(zeros_of(y.type)).requires_grad_() for y in ys]
            pulled = gradients(outputs, arguments, zeros, True)
            pairs = [(bar, v) for bar, v in zip(pulled, vectors) if bar is not None]
            return several, outputs, gradients([bar for bar, _ in pairs], zeros, [v for _, v in pairs], create_graph)


def vhp(
    func: Callable[..., Any], inputs: Tensors, v: Optional[Tensors] = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), v^T H): the product of a vector with the Hessian of a function that returns a scalar.

    v: of the inputs' shapes; may be None for an input of one number.

    Raises: RuntimeError when func does not return one number, when v does not fit, and with strict when the derivative
    does not depend on an input.
    """
    with tracking(True):
        many, xs = as_tuple(inputs, "inputs", "vhp")
        vectors = vectors_like(v, xs, many, "vhp", "input to the user-provided function")
        arguments = fresh_arguments(xs, create_graph)
        several, outputs = call(func, arguments, "vhp", strict)
        check_one_scalar(outputs, several, "vhp")
        ones = [wrap(primitives.expand(scalar(1, y.dtype), shape=tuple(y.shape))) for y in outputs]
        first = filled(gradients(outputs, arguments, ones, True), arguments, "vhp", strict, True)
        found = gradients(first, arguments, vectors, create_graph)
        products = filled(found, arguments, "vhp", strict, create_graph)
    return released(outputs, create_graph)[0], fold(many, released(products, create_graph))


def hvp(
    func: Callable[..., Any], inputs: Tensors, v: Optional[Tensors] = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), H v). The Hessian is symmetric, so this is `vhp`: reverse mode over reverse mode, each of the cost of
    one gradient."""
    return vhp(func, inputs, v, create_graph, strict)


# --- whole matrices --------------------------------------------------------------------------------------------------


def jacobian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func` at `inputs`: for each output and input a tensor of shape (*output.shape, *input.shape),
    without the level of tuples for a single output or input.

    vectorize: all rows at once by vmap, instead of one after the other.
    strategy: "reverse-mode", or "forward-mode" (which wants vectorize=True).

    Raises: RuntimeError with strict when an output does not depend on an input.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f'jacobian: Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy!r}')
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError("jacobian: create_graph=True and strategy='forward-mode' do not go together")
        if not vectorize:
            raise NotImplementedError("jacobian: strategy='forward-mode' is there for vectorize=True only")
    if strict and vectorize:
        raise RuntimeError("jacobian: strict=True and vectorize=True do not go together")
    with tracking(True):
        many, xs = as_tuple(inputs, "inputs", "jacobian")
        if strategy == "forward-mode":
            return _forward_jacobian(func, xs, many)
        arguments = fresh_arguments(xs, create_graph)
        several, outputs = call(func, arguments, "jacobian", strict)
        blocks = _blocks_at_once if vectorize else _blocks_in_turn
        rows = []
        for i, y in enumerate(outputs):
            found = blocks(y, arguments, create_graph)
            if strict:
                _check_blocks(found, i, create_graph)
            shaped = [_block((*y.shape, *x.shape), block, x) for block, x in zip(found, arguments)]
            rows.append(fold(many, released(shaped, create_graph)))
    return fold(several, rows)


def _block(shape: tuple[int, ...], rows: Optional[Node], x: Tensor) -> Tensor:
    """One block of a Jacobian: its rows in shape; zeros for None."""
    if rows is None:
        return wrap(zeros_of(array_type(shape, x.dtype)))
    return wrap(primitives.reshape(rows, shape=shape))


def _blocks_in_turn(y: Tensor, arguments: list[Tensor], create_graph: bool) -> list[Optional[Node]]:
    """For each argument the rows of one output, from one backward pass for each."""
    if not y.requires_grad or not y.numel():
        return [None] * len(arguments)
    units = unit_vectors(y._node.type)
    rows = [gradients([y], arguments, [wrap(row(units, i))], create_graph) for i in range(y.numel())]
    found: list[Optional[Node]] = []
    for x, column in zip(arguments, zip(*rows)):
        if all([bar is None for bar in column]):
            found.append(None)
        else:
            found.append(stack([zeros_of(x._node.type) if bar is None else bar._read() for bar in column]))
    return found


def _blocks_at_once(y: Tensor, arguments: list[Tensor], create_graph: bool) -> list[Optional[Node]]:
    """The same from one backward pass, mapped over all unit vectors."""
    if not y.requires_grad:
        return [None] * len(arguments)
    units = wrap(unit_vectors(y._node.type))
    found = grad(y, arguments, units, True, create_graph, allow_unused=True, is_grads_batched=True)
    return [None if bar is None else bar._read() for bar in found]


def _check_blocks(blocks: Sequence[Optional[Node]], output: int, create_graph: bool) -> None:
    for i, block in enumerate(blocks):
        if block is None:
            raise RuntimeError(
                f"Output {output} of the user-provided function is independent of input {i}. This is not allowed in strict "
                "mode."
            )
        if create_graph and not block.tracked:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict "
                "mode when create_graph=True."
            )


def _forward_jacobian(func: Callable[..., Any], inputs: tuple[Tensor, ...], many: bool) -> Any:
    """Columns by forward mode, mapped over the unit vectors of each input."""
    with retaining():
        arguments = fresh_arguments(inputs, False)
        several, outputs = call(func, arguments, "jacobian", False)
        xs, ys = [x._read() for x in arguments], [y._read() for y in outputs]
        with tracking(False):
            blocks = jacobian_by_columns(xs, ys)
    return fold(several, [fold(many, [wrap(block) for block in row]) for row in blocks])


def hessian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that returns a scalar: for each pair of inputs a tensor of shape
    (*input_i.shape, *input_j.shape), without tuples for a single input.

    outer_jacobian_strategy: how the Jacobian of the gradient is computed; see `jacobian`.

    Raises: RuntimeError when func does not return one number, and with strict when the gradient does not depend on an
    input.
    """
    many, _ = as_tuple(inputs, "inputs", "hessian")

    def gradient(*arguments: Tensor) -> Any:
        several, outputs = call(func, list(arguments), "hessian", strict)
        check_one_scalar(outputs, several, "hessian")
        one = wrap(primitives.expand(scalar(1, outputs[0].dtype), shape=tuple(outputs[0].shape)))
        found = gradients(outputs, arguments, [one], True)
        return fold(many, filled(found, arguments, "hessian", strict, True))

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
