"""Samples of the elementwise primitives. Most need no line here: domain, kinks and dtypes are said by the primitive."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np

import wengert.primitives  # noqa: F401  defines every primitive
from tests.rules.harness import BOOLS, COMPLEXES, FLOATS, INTEGERS, Case, Draw, Sample
from wengert import dtypes
from wengert.graph.rule import Elementwise, primitives

# Inputs of these are compared with one another: they are drawn from grids that never meet.
COMPARED = {"maximum", "minimum", "fmax", "fmin", "clamp", "clamp_min", "clamp_max", "nextafter"}

# Domains narrower than the primitive's: rounded to integers, a divisor must not be 0.
DOMAINS = {"floor_divide": ((-3.0, 3.0), (1.0, 3.0))}

# Not the same function in every dtype.
DTYPE_MATTERS = {"nextafter"}

# A partial that no closed form gives: the input does not move.
POLYNOMIALS = (
    "chebyshev_t", "chebyshev_u", "chebyshev_v", "chebyshev_w", "hermite_h", "hermite_he", "laguerre_l", "legendre_p",
)  # fmt: skip
CONSTANT = {"zeta": "cx", "gammainc": "cx", "gammaincc": "cx", "betainc": "ccx"} | dict.fromkeys(POLYNOMIALS, "xc")

PARAMS = {"polygamma": ("order", (0, 1, 2, 3)), "sinc": ("order", (0, 1, 2, 3)), "airy": ("order", (0, 1))}
PARAMS |= dict.fromkeys(POLYNOMIALS, ("order", (0, 1, 2)))

# Allowed errors in ulp above the usual 4.
SQUARED = 16.0  # a square stands in an exponent, and its rounding is magnified
ULPS = dict.fromkeys(("erfcx", "gaussian", "ndtr", "log_ndtr", "gelu", "gelu_tanh"), SQUARED) | {"pow": 8.0}

# Size of terms that may cancel in the value.
TERMS = {"logaddexp": 1.0, "logaddexp2": 1.0}


def domain_of(primitive: Elementwise, position: int) -> tuple[float, float]:
    domain = DOMAINS.get(primitive.name, primitive.domain)
    return domain[position] if isinstance(domain[0], tuple) else domain


def arity(primitive: Elementwise) -> int:
    """The number of inputs: what `evaluate` takes by position."""
    if isinstance(primitive.evaluate, np.ufunc):
        return primitive.evaluate.nin
    parameters = inspect.signature(primitive.evaluate).parameters.values()
    return sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


def smooth(primitive: Elementwise, draw: Draw) -> Sample:
    """Inputs inside the domain and away from kinks, broadcast against each other."""
    n = arity(primitive)
    draw.complex = draw.complex or primitive.accepts == ("complex",)
    inputs = []
    for position, shape in enumerate(draw.broadcastable(n)):
        low, high = domain_of(primitive, position)
        x = draw.values(shape, low, high, primitive.kinks)
        if primitive.name in COMPARED:
            x = draw.layout(np.round(x * 4) / 4 + 0.1 * position)
        inputs.append(x)
    params = {}
    if primitive.name in PARAMS:
        name, options = PARAMS[primitive.name]
        params = {name: draw.choice(options)}
    return Sample(tuple(inputs), params, CONSTANT.get(primitive.name, "x" * n))


def whole(primitive: Elementwise, draw: Draw) -> Sample:
    """Integers, for primitives that take no floats."""
    n = arity(primitive)
    inputs = tuple(draw.integers(shape, -4, 5) for shape in draw.broadcastable(n))
    return Sample(inputs, {}, "x" * n)


def choosing(draw: Draw) -> Sample:
    c, x, w = draw.broadcastable(3)
    return Sample((draw.bools(c), draw.values(x), draw.values(w)), {}, "ixx")


def accepted(primitive: Elementwise) -> tuple[dtypes.DType, ...]:
    kinds = {"bool": BOOLS, "integer": INTEGERS, "floating": FLOATS, "complex": COMPLEXES}
    return tuple(dtype for kind in primitive.accepts for dtype in kinds[kind])


def case_of(primitive: Elementwise) -> Case:
    make = smooth if "floating" in primitive.accepts or "complex" in primitive.accepts else whole
    return Case(
        partial(make, primitive),
        complex="complex" in primitive.accepts,
        dtypes=accepted(primitive),
        same_value=primitive.name not in DTYPE_MATTERS,
        ulps=ULPS.get(primitive.name, 4.0),
        terms=TERMS.get(primitive.name, 0.0),
    )


CASES: dict[str, Case] = {
    name: case_of(primitive) for name, primitive in primitives.table.items() if isinstance(primitive, Elementwise)
}
CASES["where"] = Case(choosing, complex=True, same_value=True)
CASES["complex"] = CASES["complex"]._replace(dtypes=(dtypes.float32, dtypes.float64))
