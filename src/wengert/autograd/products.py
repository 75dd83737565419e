"""What the functions of `autograd.functional` do with their inputs, outputs and vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert.autograd.backward import grad
from wengert.graph.rule import ones_of, zeros_of
from wengert.primitives.control import identity
from wengert.tensors.tensor import Tensor, wrap


def as_tuple(values: Any, what: str, operation: str) -> tuple[bool, tuple[Tensor, ...]]:
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


def fold(is_tuple: bool, values: Sequence[Any]) -> Any:
    return tuple(values) if is_tuple else values[0]


def fresh_arguments(inputs: tuple[Tensor, ...], create_graph: bool) -> list[Tensor]:
    """The function's arguments: fresh tensors that require grad, tied to the inputs' history with `create_graph`."""
    made = []
    for x in inputs:
        if create_graph and x.requires_grad:
            made.append(wrap(identity(x._read())))
        else:
            made.append(x.detach().requires_grad_())
    return made


def call(func: Callable[..., Any], arguments: list[Tensor], operation: str, strict: bool) -> tuple[bool, tuple[Tensor, ...]]:
    output = func(*arguments)
    is_tuple, outputs = as_tuple(output, "outputs of the user-provided function", operation)
    if strict:
        for i, y in enumerate(outputs):
            if not y.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in "
                    "a differentiable manner from the input when running in strict mode."
                )
    return is_tuple, outputs


def check_one_scalar(outputs: tuple[Tensor, ...], is_tuple: bool, operation: str) -> None:
    if is_tuple or len(outputs) != 1:
        raise RuntimeError(f"The function given to {operation} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {operation} should contain a single element")


def vectors_like(v: Any, like: Sequence[Tensor], is_tuple: bool, operation: str, side: str) -> list[Tensor]:
    """v, checked against the tensors that it must fit; ones when it is None and there is one number.

    Raises: RuntimeError when it does not fit.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"{operation}: The vector v can only be None if the {side} is a single Tensor with a single element."
            )
        return [wrap(ones_of(like[0]._node.type))]
    _, vectors = as_tuple(v, "v", operation)
    if len(vectors) != len(like):
        raise RuntimeError(f"{operation}: v should have {len(like)} Tensors, as the {side}; got {len(vectors)}")
    for number, (x, y) in enumerate(zip(vectors, like)):
        if x.shape != y.shape:
            raise RuntimeError(
                f"{operation}: v has invalid size: entry {number} should be {list(y.shape)} but got {list(x.shape)}."
            )
    return list(vectors)


def gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], bars: Sequence[Tensor], create_graph: bool
) -> list[Optional[Tensor]]:
    """Cotangents of the inputs; None where no output depends on one."""
    pairs = [(y, bar) for y, bar in zip(outputs, bars) if y.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    ys, given = zip(*pairs)
    return list(grad(ys, inputs, given, retain_graph=True, create_graph=create_graph, allow_unused=True))


def filled(
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


def released(values: Sequence[Tensor], create_graph: bool) -> list[Tensor]:
    return list(values) if create_graph else [v.detach() if v.requires_grad else v for v in values]
