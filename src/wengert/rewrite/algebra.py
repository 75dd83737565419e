"""Identities that save work and change no result. Each is a function of one step with its equation; it gives the steps
that take its place (`walk.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert.graph.graph import Graph, Step
from wengert.graph.rule import primitives
from wengert.rewrite.products import (
    column_of_all,
    has_shared_operand,
    product_of_ones,
    product_of_scaled_rows,
    product_with_column,
    sum_of_products,
    times_one,
)
from wengert.rewrite.sums import sum_of_scaled
from wengert.rewrite.walk import Answer, New, Rewriting, Rules, remove_dead
from wengert.shapes import Shape


def simplify(graph: Graph, constants: Sequence[Any] = ()) -> Graph:
    """The same graph after the identities of this page, each step once, without what they leave unused. One walk:
    a step sees its inputs already rewritten. constants: the values of the last inputs."""
    first = len(graph.inputs) - len(constants)
    known = {first + number: value.item() for number, value in enumerate(constants) if value.ndim == 0}
    return remove_dead(Rewriting(graph, RULES, known, has_shared_operand(graph)).run())


def permute_of_permute(r: Rewriting, step: Step) -> Answer:
    """permute(permute(x, p), q) = permute(x, p[q]);  permute(x, identity) = x"""
    (order,) = step.params
    inner = r.made_by(step.args[0], "permute")
    source = step.args[0]
    if inner is not None:
        source, order = inner.args[0], tuple([inner.params[0][axis] for axis in order])
    if order == tuple(range(len(order))):
        return source
    return None if inner is None else New(primitives.permute, (order,), (source,))


def transpose_of_product(r: Rewriting, step: Step) -> Answer:
    """(A B)^T = B^T A^T, so that the gradient of a transposed weight comes out in the weight's own layout

    Only where nobody else reads A B, which would be computed twice; and not on into the factors, which may be products.
    """
    (order,) = step.params
    product = r.made_by(step.args[0], "dot")
    if product is None or order != _swap(len(order)) or r.turning or r.uses[step.args[0]] > 1:
        return None
    a, b = product.args
    r.turning = True
    transposed = [r.build(New(primitives.permute, (order,), (x,)), step.origin) for x in (b, a)]
    r.turning = False
    return New(primitives.dot, (), tuple(transposed))


def _swap(n: int) -> Shape:
    return (*range(n - 2), n - 1, n - 2)


def reshape_of_reshape(r: Rewriting, step: Step) -> Answer:
    """reshape(reshape(x, s), t) = reshape(x, t);  reshape(x, shape of x) = x"""
    (shape,) = step.params
    inner = r.made_by(step.args[0], "reshape")
    source = step.args[0] if inner is None else inner.args[0]
    if r.type_at(source).shape == shape:
        return source
    return None if inner is None else New(primitives.reshape, (shape,), (source,))


def expand_to_itself(r: Rewriting, step: Step) -> Answer:
    """expand(x, shape of x) = x"""
    return step.args[0] if r.type_at(step.args[0]).shape == step.params[0] else None


def convert_to_itself(r: Rewriting, step: Step) -> Answer:
    """convert(x, dtype of x) = x"""
    return step.args[0] if r.type_at(step.args[0]).dtype is step.params[0] else None


def passed_on(r: Rewriting, step: Step) -> Answer:
    """identity(x) = leaf(x) = stop_gradient(x) = x: marks for derivatives mean nothing when running"""
    return step.args[0]


def element_of_several(r: Rewriting, step: Step) -> Answer:
    """element(pack(x_1, ..., x_n), i) = x_i, and so for custom, whose values are its first inputs;
    element(split(x), i) = slice(x)"""
    (index,) = step.params
    cut = r.made_by(step.args[0], "split")
    if cut is not None:
        along, sizes = cut.params
        start = sum(sizes[:index])
        places = [(0, n, 1) for n in r.type_at(cut.args[0]).shape]
        places[along] = (start, start + sizes[index], 1)
        return New(primitives.slice, (tuple(places),), (cut.args[0],))
    whole = r.made_by(step.args[0], "pack") or r.made_by(step.args[0], "custom")
    return None if whole is None else whole.args[index]


def gelu_by_its_factor(r: Rewriting, step: Step) -> Answer:
    """gelu(x) = x ndtr(x), whose second factor is also a term of the derivative; not where it would be rounded twice"""
    (x,) = step.args
    if step.array.dtype.itemsize == 2:
        return None
    return New(primitives.mul, (), (x, New(primitives.ndtr, (), (x,))))


RULES: Rules = {
    "dot": (product_with_column, product_of_ones, product_of_scaled_rows),
    "add": (sum_of_products,),
    "mul": (times_one,),
    "reduce_sum": (sum_of_scaled,),
    "slice_update": (column_of_all,),
    "permute": (permute_of_permute, transpose_of_product),
    "reshape": (reshape_of_reshape,),
    "expand": (expand_to_itself,),
    "convert": (convert_to_itself,),
    "gelu": (gelu_by_its_factor,),
    "identity": (passed_on,),
    "leaf": (passed_on,),
    "stop_gradient": (passed_on,),
    "with_history": (passed_on,),
    "element": (element_of_several,),
}
