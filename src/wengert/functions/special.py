"""Special functions. This module is `wengert.special`; what `__all__` names is also `wengert.NAME`, as in PyTorch.

The functions of one or two numbers come from `elementwise.py`; here are those under other names, of other signatures,
and of several steps.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi
from typing import Any, Optional

from wengert.dtypes import get_default_dtype
from wengert.errors import dtype_error, runtime_error
from wengert.functions.elementwise import (
    binary,
    digamma as digamma,
    erf as erf,
    erfc as erfc,
    erfinv as erfinv,
    exp2 as exp2,
    expm1 as expm1,
    i0 as i0,
    lgamma,
    log1p as log1p,
    logit as logit,
    round as round,
    sigmoid,
    sinc as sinc,
    unary,
    xlog1py as xlog1py,
    xlogy as xlogy,
)
from wengert.functions.operands import deliver, floating, node_of, promote
from wengert.functions.reduce import log_softmax as log_softmax, logsumexp as logsumexp, softmax as softmax
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.tensors.tensor import Tensor

__all__ = ["polygamma", "mvlgamma", "igamma", "igammac"]

# --- under their names in `special` ----------------------------------------------------------------------------------

expit = sigmoid
gammaln = lgamma
psi = digamma

# --- of one or two numbers -------------------------------------------------------------------------------------------

erfcx = unary("erfcx", p.erfcx)
ndtr = unary("ndtr", p.ndtr)
ndtri = unary("ndtri", p.ndtri)
log_ndtr = unary("log_ndtr", p.log_ndtr)
entr = unary("entr", p.entr)
i0e = unary("i0e", p.i0e)
i1 = unary("i1", p.i1)
i1e = unary("i1e", p.i1e)
zeta = binary("zeta", p.zeta, floats=True)
airy_ai = unary("airy_ai", p.airy)
bessel_j0 = unary("bessel_j0", p.bessel_j0)
bessel_j1 = unary("bessel_j1", p.bessel_j1)
bessel_y0 = unary("bessel_y0", p.bessel_y0)
bessel_y1 = unary("bessel_y1", p.bessel_y1)
modified_bessel_i0 = unary("modified_bessel_i0", p.i0)
modified_bessel_i1 = unary("modified_bessel_i1", p.i1)
modified_bessel_k0 = unary("modified_bessel_k0", p.bessel_k0)
modified_bessel_k1 = unary("modified_bessel_k1", p.bessel_k1)
scaled_modified_bessel_k0 = unary("scaled_modified_bessel_k0", p.bessel_k0e)
scaled_modified_bessel_k1 = unary("scaled_modified_bessel_k1", p.bessel_k1e)
dawson = unary("dawson", p.dawson)
exponential_integral = unary("exponential_integral", p.exponential_integral)
fresnel_sine = unary("fresnel_sine", p.fresnel_sine)
fresnel_cosine = unary("fresnel_cosine", p.fresnel_cosine)
spence = unary("spence", p.spence)
chebyshev_polynomial_t = binary("chebyshev_polynomial_t", p.chebyshev_t, floats=True)
chebyshev_polynomial_u = binary("chebyshev_polynomial_u", p.chebyshev_u, floats=True)
chebyshev_polynomial_v = binary("chebyshev_polynomial_v", p.chebyshev_v, floats=True)
chebyshev_polynomial_w = binary("chebyshev_polynomial_w", p.chebyshev_w, floats=True)
hermite_polynomial_h = binary("hermite_polynomial_h", p.hermite_h, floats=True)
hermite_polynomial_he = binary("hermite_polynomial_he", p.hermite_he, floats=True)
laguerre_polynomial_l = binary("laguerre_polynomial_l", p.laguerre_l, floats=True)
legendre_polynomial_p = binary("legendre_polynomial_p", p.legendre_p, floats=True)


def spherical_bessel_j0(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """sin(x) / x, 1 at 0."""
    x = floating(node_of(input, "spherical_bessel_j0"))
    return deliver(p.sinc(x * (1 / pi), order=0), out)


def _shifted(name: str, primitive: Any) -> Callable[..., Tensor]:
    """The polynomial at 2 x - 1, for which [0, 1] is what [-1, 1] is for the other."""

    def function(input: Any, n: Any, *, out: Optional[Tensor] = None) -> Tensor:
        x, degree = promote(name, input, n, at_least=get_default_dtype())
        return deliver(primitive(x * 2 - 1, degree, order=0), out)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _shifted.__doc__
    return function


shifted_chebyshev_polynomial_t = _shifted("shifted_chebyshev_polynomial_t", p.chebyshev_t)
shifted_chebyshev_polynomial_u = _shifted("shifted_chebyshev_polynomial_u", p.chebyshev_u)
shifted_chebyshev_polynomial_v = _shifted("shifted_chebyshev_polynomial_v", p.chebyshev_v)
shifted_chebyshev_polynomial_w = _shifted("shifted_chebyshev_polynomial_w", p.chebyshev_w)


def _incomplete(name: str, other_name: str, doc: str) -> Callable[..., Tensor]:
    function = binary(name, p.gammainc if name == "gammainc" else p.gammaincc, doc=doc)

    def checked(input: Tensor, other: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
        if not node_of(input, name).type.inexact or not node_of(other, name, "other").type.inexact:
            raise dtype_error(name, "floating dtypes", f"{input.dtype} and {other.dtype}", "convert them first")
        return function(input, other, out=out)

    checked.__name__ = checked.__qualname__ = other_name
    checked.__doc__ = doc
    return checked


gammainc = _incomplete(
    "gammainc",
    "gammainc",
    """P(a, x), the part of the gamma integral of t^(a-1) e^-t from 0 to x. Differentiable in x only.

    Raises: RuntimeError for dtypes that are not floating; ImportError where SciPy is not installed.
    """,
)
gammaincc = _incomplete("gammaincc", "gammaincc", "Q(a, x) = 1 - P(a, x); see `gammainc`.")
igamma = _incomplete("gammainc", "igamma", "`special.gammainc` by its older name.")
igammac = _incomplete("gammaincc", "igammac", "`special.gammaincc` by its older name.")


def betainc(a: Tensor, b: Tensor, x: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """I(a, b, x), the part of the beta integral of t^(a-1) (1-t)^(b-1) from 0 to x. Differentiable in x only.

    Raises: RuntimeError for dtypes that are not floating; ImportError where SciPy is not installed.
    """
    first, second, third = promote("betainc", a, b, x)
    if not first.dtype.is_floating_point:
        raise dtype_error("betainc", "floating dtypes", first.dtype.name, "convert them first")
    return deliver(p.betainc(first, second, third), out)


# --- of several steps ------------------------------------------------------------------------------------------------


def polygamma(n: int, input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The n-th derivative of `digamma`.

    Raises: RuntimeError for a negative n.
    """
    n = n.__index__()
    if n < 0:
        raise runtime_error("polygamma", "polygamma(n, x) does not support negative n", n)
    return deliver(p.polygamma(floating(node_of(input, "polygamma")), order=n), out)


def mvlgamma(input: Tensor, p: int, *, out: Optional[Tensor] = None) -> Tensor:
    """The multivariate log-gamma function of dimension p: p (p - 1) / 4 log pi + sum_(i < p) lgamma(x - i / 2).

    Raises: RuntimeError for p below 1.
    """
    p = p.__index__()
    if p < 1:
        raise runtime_error("mvlgamma", "p has to be greater than or equal to 1", p)
    x = floating(node_of(input, "mvlgamma"))
    y = scalar(p * (p - 1) / 4 * log(pi), x.dtype)
    for i in range(p):
        y = y + _lgamma(x - i / 2)
    return deliver(y, out)


_lgamma = p.lgamma
multigammaln = mvlgamma


def _polygamma_of(self: Tensor, n: int) -> Tensor:
    """`polygamma` as a method, with the tensor first."""
    return polygamma(n, self)


_polygamma_of.__name__ = "polygamma"

METHODS: dict[str, Callable[..., Any]] = {
    "polygamma": _polygamma_of, "mvlgamma": mvlgamma, "igamma": igamma, "igammac": igammac,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ("polygamma", "mvlgamma", "igamma", "igammac")
