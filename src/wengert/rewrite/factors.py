"""Values as a number times factors, so that two which differ by a factor of each row are known to.

    form of x             1 {x}
    form of a b           the product of the numbers, the factors of both
    form of -a, a^2       likewise; that of a stretched along further axes is that of a
    form of a + b         the factors that both have, and the sum of what is left as one more factor; for equal factors the
                          sum of the numbers

A factor is a value, a sum of two products of factors, or "the column c of all": zeros but for ones in one column, which is
what the derivative of x[:, c] begins with. What multiplies all of a row has 1 for its last axis, or none.

Products of numbers are exact here while they are powers of two, of either sign; others are factors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

from wengert.dtypes import float32, float64
from wengert.graph.graph import Step
from wengert.graph.node import ArrayType
from wengert.shapes import Shape

# Narrower floats round too much for their products to be taken in another order.
WIDE = (float32, float64)
# Factors from which on a product is a factor of its own.
_MOST = 16


class Form(NamedTuple):
    """number x the factors, by their own numbers, in order."""

    number: float
    factors: tuple[int, ...]


class Scaled(NamedTuple):
    """A form taken apart: number x what each row is multiplied by x the rest."""

    number: float
    rows: Counter[int]
    core: tuple[int, ...]


class Factor(NamedTuple):
    shape: Shape
    position: Optional[int]  # of a value that is this factor


class Factors:
    """The forms of a graph's values, by position, as they come."""

    def __init__(self, type_at: Callable[[int], Any]) -> None:
        self.type_at = type_at
        self.known: dict[Any, int] = {}
        self.factors: list[Factor] = []
        self.forms: dict[int, Form] = {}
        self.products: dict[Any, tuple[Scaled, int]] = {}  # of a core with a right operand: the first one, and its position

    def form(self, position: int) -> Form:
        found = self.forms.get(position)
        if found is None:
            found = self.forms[position] = Form(1.0, (self._factor(position, self._shape(position), position),))
        return found

    def scaled(self, position: int) -> Scaled:
        """The value's form, with the factors of rows apart."""
        form = self.form(position)
        rows = [i for i in form.factors if self._is_of_rows(i)]
        return Scaled(form.number, Counter(rows), tuple([i for i in form.factors if not self._is_of_rows(i)]))

    def note(self, position: int, step: Step) -> None:
        """A new value."""
        if step.type.__class__ is not ArrayType or step.array.dtype not in WIDE:
            return
        name = step.primitive.name
        if name == "dot":
            scaled = self.scaled(step.args[0])
            self.products.setdefault(self.product_key(scaled, step), (scaled, position))
        rule = _FORMS.get(name)
        form = None if rule is None else rule(self, step)
        if form is not None and len(form.factors) <= _MOST:
            self.forms[position] = form

    def product_key(self, left: Scaled, step: Step) -> Any:
        """What products have in common that are the same but for factors of rows."""
        return left.core, self._shape(step.args[0]), step.args[1]

    def positions(self, rows: Counter[int]) -> list[int]:
        """Values that are these factors of rows."""
        found = [self.factors[i].position for i in rows.elements()]
        return [position for position in found if position is not None]

    def unit(self, shape: Shape, column: int) -> int:
        """The factor that is zeros of this shape but for ones in a column."""
        return self._factor(("unit", shape, column), shape, None)

    def times(self, form: Form, factor: int) -> Form:
        return Form(form.number, tuple(sorted((*form.factors, factor))))

    # --- forms -----------------------------------------------------------------------------------------------------

    def _shape(self, position: int) -> Shape:
        return self.type_at(position).shape  # type: ignore[no-any-return]

    def _factor(self, key: Any, shape: Shape, position: Optional[int]) -> int:
        number = self.known.setdefault(key, len(self.factors))
        if number == len(self.factors):
            self.factors.append(Factor(shape, position))
        return number

    def _is_of_rows(self, number: int) -> bool:
        shape, position = self.factors[number]
        return position is not None and (not shape or shape[-1] == 1)

    def of_sum(self, a: Form, b: Form, step: Step) -> Optional[Form]:
        if a.factors == b.factors:
            total = a.number + b.number
            return Form(total, a.factors) if total else None
        common = Counter(a.factors) & Counter(b.factors)
        left = sorted([(_rest(x.factors, common), x.number) for x in (a, b)])
        number = left[0][1]
        shape = step.array.shape
        if not shape or shape[-1] == 1:  # it may multiply rows: a value, then
            return None
        key = ("sum", *[(factors, own / number) for factors, own in left])
        return Form(number, tuple(sorted([*common.elements(), self._factor(key, shape, None)])))


def _rest(factors: tuple[int, ...], common: Counter[int]) -> tuple[int, ...]:
    return tuple(sorted((Counter(factors) - common).elements()))


def _of_product(f: Factors, step: Step) -> Form:
    a, b = (f.form(i) for i in step.args)
    return Form(a.number * b.number, tuple(sorted((*a.factors, *b.factors))))


def _of_square(f: Factors, step: Step) -> Form:
    number, factors = f.form(step.args[0])
    return Form(number * number, tuple(sorted(2 * factors)))


def _of_negative(f: Factors, step: Step) -> Form:
    number, factors = f.form(step.args[0])
    return Form(-number, factors)


def _of_sum(f: Factors, step: Step) -> Optional[Form]:
    return f.of_sum(f.form(step.args[0]), f.form(step.args[1]), step)


def _of_difference(f: Factors, step: Step) -> Optional[Form]:
    number, factors = f.form(step.args[1])
    return f.of_sum(f.form(step.args[0]), Form(-number, factors), step)


def _of_stretched(f: Factors, step: Step) -> Form:
    return f.form(step.args[0])


_FORMS: dict[str, Callable[[Factors, Step], Optional[Form]]] = {
    "mul": _of_product,
    "square": _of_square,
    "neg": _of_negative,
    "add": _of_sum,
    "sub": _of_difference,
    "expand": _of_stretched,
}
