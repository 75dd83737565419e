"""Special functions. This module is `wengert.special`; what `__all__` names is also `wengert.NAME`, as in PyTorch.

The functions of one or two numbers come from `elementwise.py`; here are those under other names, of other signatures,
and of several steps.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi
from typing import Any, Optional

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
from wengert.functions.operands import deliver, floating, node_of
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
