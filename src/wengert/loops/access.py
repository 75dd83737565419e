"""Affine index maps: where a value is read, as a function of the axes of a nest; and views as maps of maps.

A `Form` is offset + sum(coefficients[k] * axis[k]). Reading a value of rank r takes r forms, one an axis. A view turns
the forms at which its result is read into the forms at which its input is read; nothing moves.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from wengert.errors import unreachable
from wengert.shapes import Shape, contiguous_strides, inverse_permutation


class Form(NamedTuple):
    """offset + sum of coefficients . axes of the nest"""

    offset: int
    coefficients: tuple[int, ...]

    def plus(self, other: Form) -> Form:
        return Form(
            self.offset + other.offset, tuple([a + b for a, b in zip(self.coefficients, other.coefficients)])
        )

    def times(self, factor: int) -> Form:
        return Form(self.offset * factor, tuple([a * factor for a in self.coefficients]))

    def moved(self, by: int) -> Form:
        return Form(self.offset + by, self.coefficients)


Forms = tuple[Form, ...]

# The primitives that are index maps, by name.
VIEWS = ("reshape", "barrier", "permute", "slice", "expand", "full", "flip", "diagonal")
# Those whose row-major elements are their input's.
SAME_ORDER = ("reshape", "barrier")


def zero(rank: int) -> Form:
    """The form that is always 0, in a nest with `rank` axes."""
    return Form(0, (0,) * rank)


def axis(number: int, rank: int) -> Form:
    """The form that is one axis of the nest."""
    return Form(0, tuple([int(k == number) for k in range(rank)]))


def flat(forms: Forms, shape: Shape, rank: int) -> Form:
    """The row-major element number at which a value of `shape` is read."""
    total = zero(rank)
    for form, stride in zip(forms, contiguous_strides(shape)):
        total = total.plus(form.times(stride))
    return total


def broadcast_forms(forms: Forms, shape: Shape, rank: int) -> Forms:
    """Where an operand of `shape` is read when the result of the broadcast is read at `forms`."""
    aligned = forms[len(forms) - len(shape) :] if shape else ()
    return tuple([zero(rank) if n == 1 else form for form, n in zip(aligned, shape)])


def through_reshape(forms: Forms, result: Shape, source: Shape, rank: int) -> Optional[Forms]:
    """Where the input of a reshape is read; None when an axis of the result is split into several of the source, which
    is no affine map."""
    found: list[Form] = []
    i = j = 0
    while i < len(source) or j < len(result):
        if i < len(source) and source[i] == 1:
            found.append(zero(rank))
            i += 1
            continue
        if j < len(result) and result[j] == 1:
            j += 1
            continue
        if i == len(source) or j == len(result):
            return None
        size, total, form = source[i], result[j], forms[j]
        j += 1
        while total < size and j < len(result):  # several axes of the result make one of the source
            total *= result[j]
            form = form.times(result[j]).plus(forms[j])
            j += 1
        if total != size:
            return None
        found.append(form)
        i += 1
    return tuple(found)


def through_view(
    name: str, params: dict[str, Any], forms: Forms, result: Shape, source: Shape, rank: int
) -> Optional[Forms]:
    """Where the input of a view is read, for `VIEWS`; None where the map is not affine."""
    if name == "barrier":
        return forms
    if name == "full":
        return ()
    if name == "reshape":
        return through_reshape(forms, result, source, rank)
    if name == "permute":
        return tuple([forms[k] for k in inverse_permutation(params["order"])])
    if name == "expand":
        return broadcast_forms(forms, source, rank)
    if name == "flip":
        return tuple(
            [form.times(-1).moved(source[k] - 1) if k in params["axes"] else form for k, form in enumerate(forms)]
        )
    if name == "slice":
        rest = iter(forms)
        found = []
        for entry in params["index"]:
            if isinstance(entry, int):
                found.append(Form(entry, (0,) * rank))
            else:
                start, _, step = entry
                found.append(next(rest).times(step).moved(start))
        return tuple(found)
    if name != "diagonal":
        unreachable(f"{name} among the views")
    first, second, offset = params["axis1"], params["axis2"], params["offset"]
    along = forms[-1]
    rest = iter(forms[:-1])
    places = {first: along.moved(max(-offset, 0)), second: along.moved(max(offset, 0))}
    return tuple([places[k] if k in places else next(rest) for k in range(len(source))])
