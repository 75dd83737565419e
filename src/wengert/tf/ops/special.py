"""Special functions: `tf.math.special`, and those of `tf.math` that have arguments of their own."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, accept, alike, axes_in, unary
from wengert.tf.ops.core import w

s = w.special

bessel_i0 = unary(s.i0, "BesselI0", FLOATING, "The modified Bessel function I_0.")
bessel_i0e = unary(s.i0e, "BesselI0e", FLOATING, "e^-|x| I_0(x)")
bessel_i1 = unary(s.i1, "BesselI1", FLOATING, "The modified Bessel function I_1.")
bessel_i1e = unary(s.i1e, "BesselI1e", FLOATING, "e^-|x| I_1(x)")
bessel_j0 = unary(s.bessel_j0, "BesselJ0", FLOATING, "The Bessel function J_0.")
bessel_j1 = unary(s.bessel_j1, "BesselJ1", FLOATING, "The Bessel function J_1.")
bessel_k0 = unary(s.modified_bessel_k0, "BesselK0", FLOATING, "The modified Bessel function K_0.")
bessel_k0e = unary(s.scaled_modified_bessel_k0, "BesselK0e", FLOATING, "e^x K_0(x)")
bessel_k1 = unary(s.modified_bessel_k1, "BesselK1", FLOATING, "The modified Bessel function K_1.")
bessel_k1e = unary(s.scaled_modified_bessel_k1, "BesselK1e", FLOATING, "e^x K_1(x)")
bessel_y0 = unary(s.bessel_y0, "BesselY0", FLOATING, "The Bessel function Y_0.")
bessel_y1 = unary(s.bessel_y1, "BesselY1", FLOATING, "The Bessel function Y_1.")
dawsn = unary(s.dawson, "Dawsn", FLOATING, "Dawson's integral.")
expint = unary(s.exponential_integral, "Expint", FLOATING, "The exponential integral Ei.")
fresnel_cos = unary(s.fresnel_cosine, "FresnelCos", FLOATING, "The integral of cos(pi t^2 / 2) from 0 to x.")
fresnel_sin = unary(s.fresnel_sine, "FresnelSin", FLOATING, "The integral of sin(pi t^2 / 2) from 0 to x.")
spence = unary(s.spence, "Spence", FLOATING, "Spence's integral, the dilogarithm of 1 - x.")


@face()
def betainc(a: Any, b: Any, x: Any, name: Optional[str] = None) -> Any:
    """The part of the beta integral of t^(a-1) (1-t)^(b-1) from 0 to x. No derivative flows to a and b.

    Raises: InvalidArgumentError for dtypes or shapes that do not fit.
    """
    a, b, x = alike("Betainc", a, b, x)
    accept("Betainc", FLOATING, a)
    return s.betainc(a.detach(), b.detach(), x)


@face("x")
def lbeta(x: Any, name: Optional[str] = None) -> Any:
    """ln |Beta(x)|, the last axis being the arguments: the sum of ln Gamma(x) less ln Gamma of the sum."""
    accept("Lbeta", FLOATING, x)
    return w.lgamma(x).sum(-1) - w.lgamma(x.sum(-1))


@face()
def polygamma(a: Any, x: Any, name: Optional[str] = None) -> Any:
    """The derivative of order a of digamma at x; a is a whole number. No derivative flows to a.

    Raises: InvalidArgumentError for dtypes or shapes that do not fit.
    """
    a, x = alike("Polygamma", a, x)
    accept("Polygamma", FLOATING, a)
    a, x = w.broadcast_tensors(a.detach(), x)
    y = w.full_like(x, w.nan)
    for order in sorted(set(a.reshape(-1).tolist())):
        if order == int(order) and order >= 0:
            y = w.where(a == order, w.polygamma(int(order), x), y)
    return y


@face("x")
def polyval(coeffs: Any, x: Any, name: Optional[str] = None) -> Any:
    """The polynomial with these coefficients, the highest power first, at x. Raises: ValueError for no list of them."""
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    if not coeffs:
        return w.zeros_like(x)
    first, *rest = alike("polyval", *coeffs)
    accept("polyval", frozenset([x.dtype]), first)
    y = first
    for coefficient in rest:
        y = coefficient + y * x
    return y


@face("x")
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: Optional[str] = None, dim: Any = None) -> Any:
    """x / sqrt(max(sum |x|^2, epsilon)) along axes."""
    axes = axes_in(axis if axis is not None else dim, x.ndim, "l2_normalize")
    squares = w.square(w.abs(x)) if x.dtype.is_complex else w.square(x)
    total = squares.sum(axes, keepdim=True) if axes else squares
    return x * w.rsqrt(total.clamp(min=epsilon)).to(x.dtype)


@face("x")
def invert_permutation(x: Any, name: Optional[str] = None) -> Any:
    """The permutation that undoes x.

    Raises: InvalidArgumentError for what is no permutation of 0 .. n - 1.
    """
    accept("InvertPermutation", frozenset([w.int32, w.int64]), x)
    if x.ndim != 1:
        raise invalid(f"invert_permutation expects a 1D vector, got shape {list(x.shape)} [Op:InvertPermutation]")
    order = w.argsort(x)
    if not bool((w.sort(x)[0] == w.arange(x.shape[0])).all()):
        raise invalid("invert_permutation: the numbers must be those from 0 to n - 1, each once [Op:InvertPermutation]")
    return order.to(x.dtype)


__all__ = [
    "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e", "bessel_j0", "bessel_j1", "bessel_k0", "bessel_k0e",
    "bessel_k1", "bessel_k1e", "bessel_y0", "bessel_y1", "betainc", "dawsn", "expint", "fresnel_cos", "fresnel_sin",
    "invert_permutation", "l2_normalize", "lbeta", "polygamma", "polyval", "spence",
]  # fmt: skip
