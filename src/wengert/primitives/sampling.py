"""Draws from distributions whose parameters are arrays and whose samples need more than one uniform number. NumPy's
generator computes them from the same Philox stream as the draws of `random.py`; they are functions of (key, counter,
parameters)."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import dtype_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import General, align_ranks
from wengert.primitives import approximations
from wengert.primitives.numerics import scipy_or_own
from wengert.shapes import broadcast


def _generator(key: Any, counter: Any) -> np.random.Generator:
    keys, counters = np.array([key, 0], np.int64), np.array([0, counter, 0, 0], np.int64)
    return np.random.Generator(np.random.Philox(key=keys.view(np.uint64), counter=counters.view(np.uint64)))


class _Counted(General):
    """What the draws of counts share. The result has the parameters' floating dtype; no derivative flows."""

    differentiable = False

    def infer(self, key: ArrayType, counter: ArrayType, *parameters: ArrayType) -> ArrayType:
        dtype = parameters[0].dtype
        if not dtype.is_floating_point or any(given.dtype is not dtype for given in parameters):
            given = ", ".join(t.dtype.name for t in parameters)
            raise dtype_error(self.name, "parameters of one floating dtype", given)
        return array_type(broadcast(self.name, *[given.shape for given in parameters]), dtype)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        if batched[0] or batched[1]:
            raise NotImplementedError(f"vmap over the seed of {self.name}")
        return self(*inputs[:2], *align_ranks(inputs[2:], batched[2:]))


class Poisson(_Counted):
    """y = a Poisson number of mean `rate`     Domain  rate >= 0 (RuntimeError otherwise)"""

    name = "poisson"

    def evaluate(self, key: Any, counter: Any, rate: Any) -> Any:
        if not np.all(np.greater_equal(rate, 0)):
            raise RuntimeError("poisson: invalid Poisson rate, expected rate to be non-negative")
        return np.asarray(_generator(key, counter).poisson(rate.astype(np.float64))).astype(rate.dtype)


class Binomial(_Counted):
    """y = the number of successes in `count` trials of probability `prob`

    Domain     count a whole number >= 0, prob in [0, 1] (RuntimeError otherwise)
    """

    name = "binomial"

    def evaluate(self, key: Any, counter: Any, count: Any, prob: Any) -> Any:
        trials, chance = count.astype(np.float64), prob.astype(np.float64)
        if not (np.all(trials >= 0) and np.all(trials == np.floor(trials)) and np.all((chance >= 0) & (chance <= 1))):
            raise RuntimeError("binomial: expected whole counts that are not negative and probabilities in [0, 1]")
        return np.asarray(_generator(key, counter).binomial(trials.astype(np.int64), chance)).astype(count.dtype)


class StandardGamma(_Counted):
    """y = a gamma number of shape `concentration` and rate 1

    Derivative  not of its own; `gamma_slope` says how the sample moves with the concentration
    Domain      concentration > 0 (RuntimeError otherwise)
    """

    name = "standard_gamma"

    def evaluate(self, key: Any, counter: Any, concentration: Any) -> Any:
        shape = concentration.astype(np.float64)
        if not np.all(shape > 0):
            raise RuntimeError("standard_gamma: expected a concentration above 0")
        return np.asarray(_generator(key, counter).standard_gamma(shape)).astype(concentration.dtype)


class VonMises(_Counted):
    """y = an angle in [-pi, pi] from the von Mises distribution around `loc`     Domain  concentration >= 0"""

    name = "von_mises"

    def evaluate(self, key: Any, counter: Any, loc: Any, concentration: Any) -> Any:
        kappa = concentration.astype(np.float64)
        if not np.all(kappa >= 0):
            raise RuntimeError("von_mises: expected a concentration that is not negative")
        return np.asarray(_generator(key, counter).vonmises(loc.astype(np.float64), kappa)).astype(loc.dtype)


class GammaSlope(General):
    r"""dx/da of a gamma number x of shape a, at a fixed value of the distribution function P(a, x)

    dx/da = -(dP/da) / (dP/dx). With p(t) = t^(a-1) e^-t / Gamma(a) and E[log t] = digamma(a), dP/da is the integral of
    p(t) (log t - digamma(a)) up to x, or minus that from x on; in w = log(t / x) both are smooth, and on the side where
    log t - digamma(a) keeps its sign nothing cancels:

        dx/da = x int_0^inf exp(a w - x (e^w - 1)) (log x + w - digamma(a)) dw         x >= a
        dx/da = x int_0^inf exp(-a v + x (1 - e^-v)) (digamma(a) - log x + v) dv       x < a

    Domain  a > 0, x > 0      Derivative  none
    Source  M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients", NeurIPS 2018; the integrals are ours,
            by Gauss and Legendre's rule in two panels
    """

    name = "gamma_slope"
    differentiable = False

    def infer(self, a: ArrayType, x: ArrayType) -> ArrayType:
        if not a.dtype.is_floating_point or a.dtype is not x.dtype:
            raise dtype_error(self.name, "two of one floating dtype", f"{a.dtype.name}, {x.dtype.name}")
        return array_type(broadcast(self.name, a.shape, x.shape), a.dtype)

    def evaluate(self, a: Any, x: Any) -> Any:
        shape, value = np.broadcast_arrays(a.astype(np.float64), x.astype(np.float64))
        slope = np.empty(shape.shape)
        for chunk in range(0, max(1, shape.size), 4096):
            part = np.s_[chunk : chunk + 4096]
            slope.reshape(-1)[part] = _gamma_slope(shape.reshape(-1)[part], value.reshape(-1)[part])
        return slope.astype(a.dtype)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        return self(*align_ranks(inputs, batched))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def _gamma_slope(a: Any, x: Any) -> Any:
    away = np.log(x) - np.asarray(scipy_or_own("psi", approximations.digamma)(a))
    side = np.where(x >= a, 1.0, -1.0)  # up or down from log x
    end = _end(a, x, side)
    middle = np.minimum(end, 6.0)
    total = np.zeros_like(x)
    for low, high in ((np.zeros_like(end), middle), (middle, end)):
        w = (low + high)[:, None] / 2 + (high - low)[:, None] / 2 * _NODES
        log = side[:, None] * a[:, None] * w - x[:, None] * np.expm1(side[:, None] * w)
        total += (high - low) / 2 * np.sum(_WEIGHTS * np.exp(log) * (side * away)[:, None], axis=1)
        total += (high - low) / 2 * np.sum(_WEIGHTS * np.exp(log) * w, axis=1)
    return x * total


def _end(a: Any, x: Any, side: Any) -> Any:
    """Where the integrand has fallen to e^-40, by Newton's method from beyond it (its logarithm is concave)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        up = np.log1p((40 + a * 5) / x) + 5
        down = (40 + x) / a
        w = np.where(side > 0, up, down)
        for _ in range(60):
            value = side * a * w - x * np.expm1(side * w) + 40
            slope = side * a - side * x * np.exp(side * w)
            w = np.where(value < 0, w - value / slope, w)
    return w


poisson = Poisson()
binomial = Binomial()
standard_gamma = StandardGamma()
von_mises = VonMises()
gamma_slope = GammaSlope()
