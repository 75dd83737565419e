"""Dynamic sizes. A model is traced at several sizes of its dynamic axes; what differs between the traces is a number that
the file computes when it runs, as a sum of products of those sizes.

Such a sum, with a whole coefficient for each subset of k sizes, is determined by the 2^k corners of a box; one more trace,
at sizes outside the box, must agree. A number that is no such sum (a size halved and rounded, say) is refused.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

Number = Union[int, "Extent"]


class UnsupportedOperatorError(RuntimeError):
    """An operation that ONNX has no operator for, or that is not translated here."""


class Extent:
    """A whole number that depends on dynamic sizes: the sum of coefficient * product of sizes.

    terms   the positions of the sizes in a product, in order -> its coefficient, never 0
    """

    __slots__ = ("terms",)

    def __init__(self, terms: dict[tuple[int, ...], int]) -> None:
        self.terms = terms

    def __add__(self, other: Number) -> Number:
        return _sum(self, other, 1)

    __radd__ = __add__

    def __sub__(self, other: Number) -> Number:
        return _sum(self, other, -1)

    def __rsub__(self, other: Number) -> Number:
        return _sum(_sum(0, self, -1), other, 1)

    def __mul__(self, other: int) -> Number:
        return settled({product: coefficient * other for product, coefficient in self.terms.items()})

    __rmul__ = __mul__

    def __lt__(self, other: Any) -> bool:
        raise UnsupportedOperatorError(f"onnx.export: a choice depends on a dynamic size ({self!r})")

    __gt__ = __le__ = __ge__ = __lt__

    def text(self, names: Sequence[str]) -> str:
        """By the names of the sizes: ``2*batch*time + 1``."""
        factors = [([str(c)] if c != 1 or not product else [], product) for product, c in self.terms.items()]
        return " + ".join(["*".join([*number, *[names[i] for i in product]]) for number, product in factors])

    def __repr__(self) -> str:
        return self.text([f"n{i}" for i in range(1 + max([i for product in self.terms for i in product]))])


def settled(terms: dict[tuple[int, ...], int]) -> Number:
    """An int where nothing depends on a size."""
    left = {product: coefficient for product, coefficient in terms.items() if coefficient}
    return Extent(left) if any(left) else left.get((), 0)


def _sum(a: Number, b: Number, sign: int) -> Number:
    terms = dict(_terms(a))
    for product, coefficient in _terms(b).items():
        terms[product] = terms.get(product, 0) + sign * coefficient
    return settled(terms)


def _terms(number: Number) -> dict[tuple[int, ...], int]:
    return number.terms if isinstance(number, Extent) else {(): number}


class Corners:
    """The sizes at which a model is traced: those of a box, then one outside it.

    names   of the dynamic sizes
    sizes   for each trace, the value of each size
    """

    def __init__(self, names: Sequence[str] = (), examples: Sequence[int] = ()) -> None:
        self.names = list(names)
        ranges = [_near(n) for n in examples]
        box = list(itertools.product(*[pair[:2] for pair in ranges]))
        self.sizes = box + ([tuple([outside for *_, outside in ranges])] if names else [])
        self._products = [c for r in range(len(self.names) + 1) for c in itertools.combinations(range(len(self.names)), r)]
        self._values = [[math.prod([size[i] for i in product]) for product in self._products] for size in self.sizes]
        self._inverse = np.linalg.inv(np.array(self._values[: len(box)], np.float64))

    def fit(self, values: Sequence[int]) -> Number:
        """The number that has these values in the traces.

        Raises: UnsupportedOperatorError when it is no sum of products of the sizes.
        """
        if len(set(values)) == 1:
            return values[0]
        found = np.rint(self._inverse @ np.array(values[:-1], np.float64)).astype(int).tolist()
        if any([sum([c * p for c, p in zip(found, row)]) != value for row, value in zip(self._values, values)]):
            raise UnsupportedOperatorError(
                f"onnx.export: a size or position in the model depends on {', '.join(self.names)} in a way that is no sum "
                f"of products: {list(values)} for {self.sizes}. Export it with a fixed size"
            )
        return settled(dict(zip(self._products, found)))

    def merge(self, values: Sequence[Any]) -> Any:
        """One parameter of a step out of its values in the traces; numbers in nested tuples may differ."""
        first = values[0]
        if all([type(value) is tuple and len(value) == len(first) for value in values]):
            return tuple([self.merge(each) for each in zip(*values)])
        if all([type(value) is int for value in values]):
            return self.fit(values)
        if any([value != first for value in values[1:]]):
            raise UnsupportedOperatorError(
                f"onnx.export: the model does something else at other sizes of {', '.join(self.names)}: {first} against "
                f"{next(value for value in values if value != first)}"
            )
        return first


def _near(example: int) -> tuple[int, int, int]:
    """Three sizes at and near an example; never 1, which broadcasts, nor 0."""
    first = max(example, 2)
    return (first, first - 1, first - 2) if first > 3 else (first, first + 1, first + 3)


def named_axes(given: Any, inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, dict[int, str]]:
    """What was asked for as dynamic: input or output -> axis -> name of its size.

    given   {"x": {0: "batch"}}, {"x": [0, 1]}, or for each input in order such a dict, list or None

    Raises: ValueError for a name that is neither an input nor an output.
    """
    if not isinstance(given, dict):
        given = dict(zip(inputs, given))
    unknown = [name for name in given if name not in (*inputs, *outputs) and not re.fullmatch(r"output_\d+", name)]
    if unknown:
        raise ValueError(f"onnx.export: no input or output is called {unknown[0]!r}; they are {[*inputs, *outputs]}")
    return {name: _names_of(name, axes) for name, axes in given.items() if axes}


def _names_of(name: str, axes: Any) -> dict[int, str]:
    if isinstance(axes, dict):
        return {axis: str(getattr(label, "__name__", label)) for axis, label in axes.items() if label is not None}
    return {axis: f"{name}_dynamic_axes_{k + 1}" for k, axis in enumerate(axes)}
