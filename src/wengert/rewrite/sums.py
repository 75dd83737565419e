"""Sums that are, but for a factor, sums that are there already.

The derivative of batch normalisation needs, of a cotangent g and the normalised y, the sums over each channel of w g and of
w g y, with one w for the channel. Those of g and of g y are the derivatives by its bias and its weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional, Union

from wengert.graph.graph import Step
from wengert.graph.rule import primitives
from wengert.rewrite.factors import WIDE
from wengert.rewrite.walk import Answer, New, Rewriting
from wengert.shapes import Shape

# Factors of a product that are looked at.
_FACTORS = 4


def sum_of_scaled(r: Rewriting, step: Step) -> Answer:
    """sum(c x) = c sum(x), where c is the same along the summed axes and sum(x) is there already"""
    (axes,), (product,) = step.params, step.args
    if step.array.dtype not in WIDE or r.made_by(product, "mul") is None:
        return None
    for factors in _factorings(r, product):
        kept = [(i, _kept_shape(r.type_at(i).shape, r.type_at(product).ndim, axes)) for i in factors]
        rest = _known_product(r, [i for i, shape in kept if shape is None])
        total = None if rest is None else r.numbers.get((primitives.reduce_sum, step.params, (rest,)))
        if total is not None and rest != product and r.type_at(total) is step.type and _is_whole(r, rest, product):
            return _scaled(total, [(i, shape) for i, shape in kept if shape is not None])
    return None


def _is_whole(r: Rewriting, rest: Optional[int], product: int) -> bool:
    """Whether a value is as large as the product, and not stretched to it."""
    return rest is not None and r.type_at(rest) is r.type_at(product)


def _scaled(total: int, factors: list[tuple[int, Shape]]) -> New:
    """The sum times these values in these shapes."""
    found: Union[int, New] = total
    for i, shape in factors:
        found = New(primitives.mul, (), (found, New(primitives.reshape, (shape,), (i,))))
    assert isinstance(found, New)
    return found


def _factorings(r: Rewriting, product: int) -> Iterator[list[int]]:
    """Values of which this one is the product, fewer ones first; of stretched ones what is stretched."""
    waiting = [[product]]
    while waiting:
        factors = waiting.pop(0)
        if len(factors) > 1:
            yield factors
        for place, at in enumerate(factors if len(factors) < _FACTORS else ()):
            inner = r.made_by(at, "mul")
            if inner is not None:
                waiting.append([*factors[:place], *[_unstretched(r, i) for i in inner.args], *factors[place + 1 :]])


def _unstretched(r: Rewriting, at: int) -> int:
    stretched = r.made_by(at, "expand")
    while stretched is not None:
        (at,) = stretched.args
        stretched = r.made_by(at, "expand")
    return at


def _kept_shape(shape: Shape, rank: int, axes: Shape) -> Optional[Shape]:
    """The shape without the summed axes of a value that is the same along them; None of any other."""
    full = (*[1] * (rank - len(shape)), *shape)
    if any(full[k] != 1 for k in axes):
        return None
    return tuple([n for k, n in enumerate(full) if k not in axes]) if shape else ()


def _known_product(r: Rewriting, factors: list[int]) -> Optional[int]:
    """The product of these values, if it has been computed."""
    at: Optional[int] = factors[0] if factors else None
    for i in factors[1:]:
        at = r.numbers.get((primitives.mul, (), (at, i)), r.numbers.get((primitives.mul, (), (i, at))))
        if at is None:
            return None
    return at
