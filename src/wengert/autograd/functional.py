"""Jacobians, Hessians and their products with vectors, as functions of (function, inputs)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

from wengert.autograd import forward_ad
from wengert.autograd.backward import grad
from wengert.derive.batch import row, stack
from wengert.derive.forward import push_forward
from wengert.derive.jacobian import over_unit_vectors, unit_vectors
from wengert.graph.node import Node, array_type
from wengert.graph.record import retaining, scalar, tracking
from wengert.graph.rule import primitives, zeros_of
from wengert.primitives.control import identity
from wengert.tensors.tensor import Tensor, wrap

Tensors = Union[Tensor, tuple[Tensor, ...]]


# --- what they share -------------------------------------------------------------------------------------------------


def _as_tuple(values: Any, what: str, operation: str) -> tuple[bool, tuple[Tensor, ...]]:
    """(whether it was a tuple, the tensors).

    Raises: TypeError for anything but a tensor or a tuple of tensors.
    """
    is_tuple = isinstance(values, tuple)
    every = values if is_tuple else (values,)
    for number, value in enumerate(every):
        if not isinstance(value, Tensor):
            place = f"; element {number} has type {type(value)}" if is_tuple else f" has type {type(values)}"
            raise TypeError(f"The {what} given to {operation} must be either a Tensor or a tuple of Tensors{place}.")
    return is_tuple, every


def _fold(is_tuple: bool, values: Sequence[Any]) -> Any:
    return tuple(values) if is_tuple else values[0]


def _arguments(inputs: tuple[Tensor, ...], create_graph: bool) -> list[Tensor]:
    """The function's arguments: fresh tensors that require grad, tied to the inputs' history with `create_graph`."""
    made = []
    for x in inputs:
        if create_graph and x.requires_grad:
            made.append(wrap(identity(x._read())))
        else:
            made.append(x.detach().requires_grad_())
    return made


def _call(func: Callable[..., Any], arguments: list[Tensor], operation: str, strict: bool) -> tuple[bool, tuple[Tensor, ...]]:
    output = func(*arguments)
    is_tuple, outputs = _as_tuple(output, "outputs of the user-provided function", operation)
    if strict:
        for i, y in enumerate(outputs):
            if not y.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in "
                    "a differentiable manner from the input when running in strict mode."
                )
    return is_tuple, outputs


def _one_scalar(outputs: tuple[Tensor, ...], is_tuple: bool, operation: str) -> None:
    if is_tuple or len(outputs) != 1:
        raise RuntimeError(f"The function given to {operation} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {operation} should contain a single element")


def _vectors(v: Any, like: Sequence[Tensor], is_tuple: bool, operation: str, side: str) -> list[Tensor]:
    """v, checked against the tensors that it must fit; ones when it is None and there is one number.

    Raises: RuntimeError when it does not fit.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"{operation}: The vector v can only be None if the {side} is a single Tensor with a single element."
            )
        one = primitives.expand(scalar(1, like[0].dtype), shape=tuple(like[0].shape))
        return [wrap(one)]
    _, vectors = _as_tuple(v, "v", operation)
    if len(vectors) != len(like):
        raise RuntimeError(f"{operation}: v should have {len(like)} Tensors, as the {side}; got {len(vectors)}")
    for number, (x, y) in enumerate(zip(vectors, like)):
        if x.shape != y.shape:
            raise RuntimeError(
                f"{operation}: v has invalid size: entry {number} should be {list(y.shape)} but got {list(x.shape)}."
            )
    return list(vectors)


def _gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], bars: Sequence[Tensor], create_graph: bool
) -> list[Optional[Tensor]]:
    """Cotangents of the inputs; None where no output depends on one."""
    pairs = [(y, bar) for y, bar in zip(outputs, bars) if y.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    ys, given = zip(*pairs)
    return list(grad(ys, inputs, given, retain_graph=True, create_graph=create_graph, allow_unused=True))


def _filled(
    found: Sequence[Optional[Tensor]], like: Sequence[Tensor], operation: str, strict: bool, create_graph: bool
) -> list[Tensor]:
    """Zeros for None; with strict, an error instead."""
    filled = []
    for i, (bar, x) in enumerate(zip(found, like)):
        if strict and (bar is None or (create_graph and not bar.requires_grad)):
            what = "is independent of" if bar is None else "has a derivative that is independent of"
            raise RuntimeError(
                f"{operation}: the output of the user-provided function {what} input {i}. This is not allowed in strict mode."
            )
        filled.append(wrap(zeros_of(x._node.type)) if bar is None else bar)
    return filled


def _released(values: Sequence[Tensor], create_graph: bool) -> list[Tensor]:
    return list(values) if create_graph else [v.detach() if v.requires_grad else v for v in values]


# --- products --------------------------------------------------------------------------------------------------------


def vjp(
    func: Callable[..., Any], inputs: Tensors, v: Optional[Tensors] = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), v^T J): the product of a vector with the Jacobian, by reverse mode.

    v: of the output's shapes; may be None for an output of one number.

    Raises: RuntimeError when v does not fit, and with strict when an output does not depend on an input.
    """
    with tracking(True):
        many, xs = _as_tuple(inputs, "inputs", "vjp")
        arguments = _arguments(xs, create_graph)
        several, outputs = _call(func, arguments, "vjp", strict)
        vectors = _vectors(v, outputs, several, "vjp", "output of the user-provided function")
        found = _gradients(outputs, arguments, vectors, create_graph)
        products = _filled(found, arguments, "vjp", strict, create_graph)
    return _fold(several, _released(outputs, create_graph)), _fold(many, _released(products, create_graph))


def jvp(
    func: Callable[..., Any], inputs: Tensors, v: Optional[Tensors] = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), J v): the product of the Jacobian with a vector, by forward mode.

    v: of the inputs' shapes; may be None for an input of one number.

    Raises: RuntimeError when v does not fit, and with strict when an output does not depend on an input.
    """
    with tracking(True):
        many, xs = _as_tuple(inputs, "inputs", "jvp")
        vectors = _vectors(v, xs, many, "jvp", "input to the user-provided function")
        arguments = _arguments(xs, create_graph)
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(x, x_dot) for x, x_dot in zip(arguments, vectors)]
            several, outputs = _call(func, duals, "jvp", strict)
            unpacked = [forward_ad.unpack_dual(y) for y in outputs]
        tangents = [part.tangent for part in unpacked]
        products = _filled(tangents, outputs, "jvp", strict, create_graph)
        values = [part.primal for part in unpacked]
    return _fold(several, _released(values, create_graph)), _fold(several, _released(products, create_graph))


def vhp(
    func: Callable[..., Any], inputs: Tensors, v: Optional[Tensors] = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), v^T H): the product of a vector with the Hessian of a function that returns a scalar.

    v: of the inputs' shapes; may be None for an input of one number.

    Raises: RuntimeError when func does not return one number, when v does not fit, and with strict when the derivative
    does not depend on an input.
    """
    with tracking(True):
        many, xs = _as_tuple(inputs, "inputs", "vhp")
        vectors = _vectors(v, xs, many, "vhp", "input to the user-provided function")
        arguments = _arguments(xs, create_graph)
        several, outputs = _call(func, arguments, "vhp", strict)
        _one_scalar(outputs, several, "vhp")
        ones = [wrap(primitives.expand(scalar(1, y.dtype), shape=tuple(y.shape))) for y in outputs]
        first = _filled(_gradients(outputs, arguments, ones, True), arguments, "vhp", strict, True)
        found = _gradients(first, arguments, vectors, create_graph)
        products = _filled(found, arguments, "vhp", strict, create_graph)
    return _released(outputs, create_graph)[0], _fold(many, _released(products, create_graph))


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
        many, xs = _as_tuple(inputs, "inputs", "jacobian")
        if strategy == "forward-mode":
            return _forward_jacobian(func, xs, many)
        arguments = _arguments(xs, create_graph)
        several, outputs = _call(func, arguments, "jacobian", strict)
        blocks = _blocks_at_once if vectorize else _blocks_in_turn
        rows = []
        for i, y in enumerate(outputs):
            found = blocks(y, arguments, create_graph)
            if strict:
                _check_blocks(found, i, create_graph)
            shaped = [_block((*y.shape, *x.shape), block, x) for block, x in zip(found, arguments)]
            rows.append(_fold(many, _released(shaped, create_graph)))
    return _fold(several, rows)


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
    rows = [_gradients([y], arguments, [wrap(row(units, i))], create_graph) for i in range(y.numel())]
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
        arguments = _arguments(inputs, False)
        several, outputs = _call(func, arguments, "jacobian", False)
        xs, ys = [x._read() for x in arguments], [y._read() for y in outputs]
        with tracking(False):
            columns = [over_unit_vectors(lambda dot, x=x: push_forward([x], [dot], ys), x.type, ys) for x in xs]
            rows = []
            for k, y in enumerate(ys):
                turned = [primitives.permute(part[k], order=(*range(1, y.ndim + 1), 0)) for part in columns]
                blocks = [primitives.reshape(part, shape=(*y.shape, *x.shape)) for part, x in zip(turned, xs)]
                rows.append(_fold(many, [wrap(block) for block in blocks]))
    return _fold(several, rows)


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
    many, _ = _as_tuple(inputs, "inputs", "hessian")

    def gradient(*arguments: Tensor) -> Any:
        several, outputs = _call(func, list(arguments), "hessian", strict)
        _one_scalar(outputs, several, "hessian")
        one = wrap(primitives.expand(scalar(1, outputs[0].dtype), shape=tuple(outputs[0].shape)))
        found = _gradients(outputs, arguments, [one], True)
        return _fold(many, _filled(found, arguments, "hessian", strict, True))

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
