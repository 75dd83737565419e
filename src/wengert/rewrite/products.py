"""Products that are, but for a factor of each row, products that are there already.

A second derivative along one input, as in a physics-informed network, goes through the layers that the first one went
through. Its own derivative by the weights multiplies the same matrices once more, each row by a number of its own. With
e one number for each row:

    (e a) b = e (a b)                              where a b is known: no product at all
    a^T (e b) + c^T b = (e a + c)^T b              one product instead of two
    a b + c b = (a + c) b

Only of products whose rows are long: what is saved is a product, what is added an elementwise step or two. Where a row of
a b overflows, and its e is 0, the first gives NaN instead of 0; a b itself is infinite then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Optional, Union

from wengert.graph.graph import Graph, Step
from wengert.graph.rule import primitives
from wengert.rewrite.factors import WIDE, Factors, Form, Scaled
from wengert.rewrite.walk import Answer, New, Rewriting

# Terms of a sum that are looked at for products that go together.
_TERMS = 8


def has_shared_operand(graph: Graph) -> bool:
    """Whether two products of the graph have one right operand, without which nothing here applies."""
    seen = set()
    for step in graph.steps:
        if step.primitive.name == "dot":
            if step.args[1] in seen:
                return True
            seen.add(step.args[1])
    return False


def product_of_scaled_rows(r: Rewriting, step: Step) -> Answer:
    """(e a) b = e (a b)"""
    f = r.factors
    if f is None:
        return None
    scaled = f.scaled(step.args[0])
    before, product = f.products.get(f.product_key(scaled, step), (None, -1))
    if before is None or r.type_at(product) is not step.type or not scaled.core or not before.rows <= scaled.rows:
        return None
    return _times(f, product, scaled.rows - before.rows, scaled.number / before.number)


def _times(f: Factors, position: int, rows: Counter[int], number: float) -> Answer:
    """A value times factors of rows times 1, -1, 2 or -2."""
    if abs(number) not in (1, 2):
        return None
    found: Union[int, New] = position
    factors = f.positions(rows)
    if factors:
        own: Union[int, New] = factors[0]
        for further in factors[1:]:
            own = New(primitives.mul, (), (own, further))
        found = New(primitives.mul, (), (found, own))
    if abs(number) == 2:
        found = New(primitives.add, (), (found, found))
    return New(primitives.neg, (), (found,)) if number < 0 else found


def sum_of_products(r: Rewriting, step: Step) -> Answer:
    """a b + c b = (a + c) b;  a^T (e b) + c^T b = (e a + c)^T b"""
    if r.factors is None or step.array.ndim < 2 or step.array.dtype not in WIDE:
        return None
    left, right = (_terms(r, i) for i in step.args)
    for i, x in enumerate(left):
        for y in right:
            both = _together(r, x, y)
            if both is not None:
                terms: list[Union[int, New]] = [*left[:i], both, *left[i + 1 :], *[z for z in right if z != y]]
                return _sum(terms)
    return None


def _terms(r: Rewriting, position: int) -> list[int]:
    """The values of which this one is the sum, in order, as far as nobody else reads a part of it."""
    waiting = [position]
    found: list[int] = []
    while waiting:
        at = waiting.pop()
        inner = r.made_by(at, "add") if r.uses[at] <= 1 and len(waiting) + len(found) < _TERMS else None
        if inner is None or any(r.type_at(i) is not r.type_at(at) for i in inner.args):
            found.append(at)
        else:
            waiting += reversed(inner.args)
    return found


def _sum(terms: Sequence[Union[int, New]]) -> Union[int, New]:
    total = terms[0]
    for term in terms[1:]:
        total = New(primitives.add, (), (total, term))
    return total


def _together(r: Rewriting, x: int, y: int) -> Optional[New]:
    """One product for the sum of two that only the sum reads."""
    first, second = r.made_by(x, "dot"), r.made_by(y, "dot")
    if first is None or second is None or x == y or max(r.uses[x], r.uses[y]) > 1:
        return None
    (a, b), (c, d) = first.args, second.args
    if b == d:
        return New(primitives.dot, (), (New(primitives.add, (), (a, c)), b)) if r.type_at(a) is r.type_at(c) else None
    f = r.factors
    assert f is not None
    left, right = f.scaled(b), f.scaled(d)
    if left.core != right.core or not left.core or r.type_at(b) is not r.type_at(d):
        return None
    if left.rows < right.rows:
        (a, b, left), (c, d, right) = (c, d, right), (a, b, left)
    if not right.rows < left.rows:
        return None
    return _turned_together(r, a, c, left, right, d)


def _turned_together(r: Rewriting, a: int, c: int, left: Scaled, right: Scaled, d: int) -> Optional[New]:
    """a^T (e b) + c^T b, of a^T, c^T and b"""
    f = r.factors
    assert f is not None
    turned, other = r.made_by(a, "permute"), r.made_by(c, "permute")
    if turned is None or other is None or turned.params != other.params or r.type_at(a) is not r.type_at(c):
        return None
    if turned.params[0] != (*range(len(turned.params[0]) - 2), len(turned.params[0]) - 1, len(turned.params[0]) - 2):
        return None
    extra, number = left.rows - right.rows, left.number / right.number
    scaled = _times(f, turned.args[0], extra, number)
    if scaled is None:
        return None
    own, known = f.form(turned.args[0]), f.form(other.args[0])
    same = known == Form(own.number * number, tuple(sorted((*own.factors, *extra.elements()))))
    total = New(primitives.add, (), (scaled, scaled if same else other.args[0]))
    return New(primitives.dot, (), (New(primitives.permute, turned.params, (total,)), d))


def column_of_all(r: Rewriting, step: Step) -> Answer:
    """zeros with v for the column c = v (zeros with 1 for the column c)

    The step stays; only its form is noted.
    """
    column = column_update(r, step)
    f = r.factors
    if f is None or column is None:
        return None
    v, c = column
    shape = step.array.shape
    unit = f.unit(shape, c)
    at = r.append(step)
    if r.number_of(v) == 1:
        f.forms[at] = Form(1.0, (unit,))
    else:
        row = r.build(New(primitives.reshape, ((shape[0], 1),), (v,)), step.origin)
        f.forms[at] = f.times(f.form(row), unit)
    return at


def product_with_column(r: Rewriting, step: Step) -> Answer:
    """(zeros with v for the column c) b = v b[c], one number for each row and a row"""
    a, b = step.args
    update = r.made_by(a, "slice_update")
    column = None if update is None else column_update(r, update)
    if column is None:
        return None
    v, c = column
    m, n = step.array.shape
    own = New(primitives.reshape, ((m, 1),), (v,))
    return New(primitives.mul, (), (own, New(primitives.slice, (((c, c + 1, 1), (0, n, 1)),), (b,))))


def column_update(r: Rewriting, step: Step) -> Optional[tuple[int, int]]:
    """v and c, where the step gives zeros but for v in the column c of a matrix."""
    if step.array.ndim != 2 or r.number_of(step.args[0]) != 0:
        return None
    rows, columns = step.params[0]
    if rows != (0, step.array.shape[0], 1):
        return None
    if isinstance(columns, int):
        return step.args[1], columns
    return (step.args[1], columns[0]) if columns[1] == columns[0] + 1 and columns[2] == 1 else None


def times_one(r: Rewriting, step: Step) -> Answer:
    """x 1 = x, stretched if the ones are more; not of complex numbers, where infinity times 1 is not itself"""
    if step.array.dtype.is_complex:
        return None
    for x, ones in (step.args, step.args[::-1]):
        if r.number_of(ones) == 1 and r.type_at(x).dtype is step.array.dtype:
            return x if r.type_at(x).shape == step.array.shape else New(primitives.expand, (step.array.shape,), (x,))
    return None


def product_of_ones(r: Rewriting, step: Step) -> Answer:
    """a b = b for each row, where a is one column of ones"""
    a, b = step.args
    if r.type_at(a).shape[-1] != 1 or r.number_of(a) != 1:
        return None
    return New(primitives.expand, (step.array.shape,), (b,))
