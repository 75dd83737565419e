"""The closed forms of KL(p | q), by the type of p. Derivations: integrate log p - log q against p; M. Gil, F. Alajaji,
T. Linder, "Renyi divergence measures for commonly used univariate continuous distributions", Information Sciences 249 (2013).
"""

from __future__ import annotations

import math
from typing import Any

from wengert.autograd import grad
from wengert.distributions.bernoulli import Bernoulli
from wengert.distributions.beta import Beta
from wengert.distributions.binomial import Binomial
from wengert.distributions.categorical import Categorical
from wengert.distributions.cauchy import Cauchy
from wengert.distributions.continuous_bernoulli import ContinuousBernoulli
from wengert.distributions.dirichlet import Dirichlet
from wengert.distributions.exp_family import ExponentialFamily
from wengert.distributions.exponential import Exponential
from wengert.distributions.gamma import Gamma
from wengert.distributions.geometric import Geometric
from wengert.distributions.gumbel import Gumbel
from wengert.distributions.half_normal import HalfNormal
from wengert.distributions.independent import Independent
from wengert.distributions.kl import kl_divergence, register_kl
from wengert.distributions.laplace import Laplace
from wengert.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from wengert.distributions.multivariate_normal import MultivariateNormal, batch_mahalanobis, half_log_det
from wengert.distributions.normal import Normal
from wengert.distributions.one_hot_categorical import OneHotCategorical
from wengert.distributions.pareto import Pareto
from wengert.distributions.poisson import Poisson
from wengert.distributions.transformed_distribution import TransformedDistribution
from wengert.distributions.uniform import Uniform
from wengert.distributions.utils import euler_constant, sum_rightmost
from wengert.functions.create import full_like
from wengert.functions.elementwise import where
from wengert.functions.linalg import solve_triangular
from wengert.nn.functional import softplus
from wengert.tensors.tensor import Tensor


def _infinite_like(x: Tensor) -> Tensor:
    return full_like(x, math.inf)


def _xlogx(x: Tensor) -> Tensor:
    """x log x, 0 at 0"""
    return x.xlogy(x)


# --- one family ----------------------------------------------------------------------------------------------------


@register_kl(ExponentialFamily, ExponentialFamily)
def _family(p: Any, q: Any) -> Tensor:
    """The Bregman divergence of the log normalizer, between the natural parameters."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman divergences"
        )
    theirs = q._natural_params
    mine = [eta.detach().requires_grad_() for eta in p._natural_params]
    normalizer = p._log_normalizer(*mine)
    slopes = grad(normalizer.sum(), mine, create_graph=True)
    result = q._log_normalizer(*theirs) - normalizer
    for eta_p, eta_q, slope in zip(mine, theirs, slopes):
        result = result - sum_rightmost((eta_q - eta_p) * slope, len(q.event_shape))
    return result


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Tensor:
    certain_one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    certain_one = where(q.probs == 0, _infinite_like(certain_one), certain_one)
    certain_one = where(p.probs == 0, full_like(certain_one, 0.0), certain_one)
    certain_zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    certain_zero = where(q.probs == 1, _infinite_like(certain_zero), certain_zero)
    certain_zero = where(p.probs == 1, full_like(certain_zero, 0.0), certain_zero)
    return certain_one + certain_zero


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Tensor:
    total_p, total_q = p.concentration1 + p.concentration0, q.concentration1 + q.concentration0
    normalizers = q.concentration1.lgamma() + q.concentration0.lgamma() + total_p.lgamma()
    normalizers = normalizers - (p.concentration1.lgamma() + p.concentration0.lgamma() + total_q.lgamma())
    one = (p.concentration1 - q.concentration1) * p.concentration1.digamma()
    zero = (p.concentration0 - q.concentration0) * p.concentration0.digamma()
    return normalizers + one + zero + (total_q - total_p) * total_p.digamma()


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Tensor:
    if (p.total_count < q.total_count).any().item():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return where(p.total_count > q.total_count, _infinite_like(kl), kl)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    t = p.probs * (p.logits - q.logits)
    t = where(q.probs == 0, _infinite_like(t), t)
    t = where(p.probs == 0, full_like(t, 0.0), t)
    return t.sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: Any, q: Any) -> Tensor:
    t = p.mean * (p.logits - q.logits) + p._log_constant() + (-p.probs).log1p()
    return t - q._log_constant() - (-q.probs).log1p()


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    normalizers = a.sum(-1).lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return normalizers + ((a - b) * (a.digamma() - a.sum(-1, True).digamma())).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Tensor:
    t = q.concentration * (p.rate / q.rate).log() + q.concentration.lgamma() - p.concentration.lgamma()
    t = t + (p.concentration - q.concentration) * p.concentration.digamma()
    return t + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Tensor:
    ratio, shift = p.scale / q.scale, q.loc / q.scale
    t = -ratio.log() - shift + p.loc / q.scale
    return t + ratio * euler_constant + (shift + (1 + ratio).lgamma() - p.loc / q.scale).exp() - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Tensor:
    t = ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log()
    return t - (4 * p.scale * q.scale).log()


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Tensor:
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, _infinite_like(kl), kl)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Tensor:
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), _infinite_like(kl), kl)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# --- normal distributions of several numbers -----------------------------------------------------------------------


def _factor(distribution: Any) -> Tensor:
    own = getattr(distribution, "_unbroadcasted_scale_tril", None)
    return distribution.scale_tril if own is None else own


def _multivariate(p: Any, q: Any) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError("KL-divergence between two Multivariate Normals with different event shapes cannot be computed")
    n = p.event_shape[0]
    first, second = _factor(p), _factor(q)
    shape = (*(first[..., 0, 0] + second[..., 0, 0]).shape, n, n)
    trace = solve_triangular(second.expand(shape), first.expand(shape), upper=False).square().sum((-2, -1))
    log_dets = half_log_det(second) - half_log_det(first)
    return log_dets + 0.5 * (trace + batch_mahalanobis(second, q.loc - p.loc) - n)


for _p in (MultivariateNormal, LowRankMultivariateNormal):
    for _q in (MultivariateNormal, LowRankMultivariateNormal):
        register_kl(_p, _q)(_multivariate)


# --- two families --------------------------------------------------------------------------------------------------


def _out_of_reach(p: Any, q: Any) -> Tensor:
    """q gives no probability to much of what p gives some."""
    return _infinite_like(p.mean + q.mean)


for _p, _others in {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Laplace: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Normal: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}.items():
    for _q in _others:
        register_kl(_p, _q)(_out_of_reach)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _cross_exponential(p: Any, q: Any) -> Tensor:
    """-E_p[log q] for an exponential q and a p that is never negative"""
    return q.rate * p.mean - q.rate.log()


def _cross_normal(p: Any, q: Any) -> Tensor:
    """-E_p[log q] for a normal q"""
    square = p.variance + (p.mean - q.loc).pow(2)
    return 0.5 * (2 * math.pi * q.scale.pow(2)).log() + 0.5 * square / q.scale.pow(2)


def _cross_gamma(p: Any, q: Any, log_mean: Tensor) -> Tensor:
    """-E_p[log q] for a gamma q, given E_p[log x]"""
    a = q.concentration
    return a.lgamma() - a * q.rate.log() - (a - 1) * log_mean + q.rate * p.mean


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._log_constant()


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
def _to_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() + _cross_exponential(p, q)


@register_kl(Beta, Gamma)
def _beta_gamma(p: Any, q: Any) -> Tensor:
    total = p.concentration1 + p.concentration0
    return -p.entropy() + _cross_gamma(p, q, p.concentration1.digamma() - total.digamma())


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _to_normal(p: Any, q: Any) -> Tensor:
    return -p.entropy() + _cross_normal(p, q)


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _unit_uniform(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() + (q.high - q.low).log()
    return where((q.low > 0) | (q.high < 1), _infinite_like(kl), kl)


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Tensor:
    return -p.entropy() + _cross_gamma(p, q, -euler_constant - p.rate.log())


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Tensor:
    scaled = p.rate * q.scale
    moment = (q.loc / q.scale).exp() * scaled / (scaled + 1)  # E exp(-(x - loc) / scale)
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + moment


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() + _cross_exponential(p, q)


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Any, q: Any) -> Tensor:
    scaled = p.rate * q.scale
    moment = (q.loc / q.scale - p.concentration * (1 / scaled).log1p()).exp()
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + moment


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Tensor:
    shift, ratio = (p.loc - q.loc) / q.scale, (p.scale / q.scale).pow(2)
    return -p.entropy() + q.scale.log() + shift + (-shift + 0.5 * ratio).exp()


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Tensor:
    away = p.loc - q.loc
    scaled = away / p.scale
    folded = p.scale * math.sqrt(2 / math.pi) * (-0.5 * scaled.pow(2)).exp() + away * (scaled * math.sqrt(0.5)).erf()
    return -p.entropy() + (2 * q.scale).log() + folded / q.scale


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() - q.rate.log() + q.rate * p.alpha * p.scale / (p.alpha - 1)
    return where(p.alpha <= 1, _infinite_like(kl), kl)


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Any, q: Any) -> Tensor:
    log_mean = p.scale.log() + p.alpha.reciprocal()
    a = q.concentration
    cross = a.lgamma() - a * q.rate.log() - (a - 1) * log_mean + q.rate * p.alpha * p.scale / (p.alpha - 1)
    kl = -p.entropy() + cross
    return where(p.alpha <= 1, _infinite_like(kl), kl)


@register_kl(Pareto, Normal)
def _pareto_normal(p: Any, q: Any) -> Tensor:
    mean = p.alpha * p.scale / (p.alpha - 1)
    variance = p.scale.pow(2) * p.alpha / ((p.alpha - 1).pow(2) * (p.alpha - 2))
    square = variance + (mean - q.loc).pow(2)
    kl = -p.entropy() + 0.5 * (2 * math.pi * q.scale.pow(2)).log() + 0.5 * square / q.scale.pow(2)
    return where(p.alpha <= 2, _infinite_like(kl), kl)


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Tensor:
    a, b, width = q.concentration1, q.concentration0, p.high - p.low
    log_mean = (_xlogx(p.high) - _xlogx(p.low)) / width - 1
    other = (_xlogx(1 - p.low) - _xlogx(1 - p.high)) / width - 1
    normalizer = a.lgamma() + b.lgamma() - (a + b).lgamma()
    kl = -width.log() + normalizer - (a - 1) * log_mean - (b - 1) * other
    return where((p.high > 1) | (p.low < 0), _infinite_like(kl), kl)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._log_constant()
    return where((p.high > 1) | (p.low < 0), _infinite_like(kl), kl)


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Tensor:
    kl = -p.entropy() + _cross_exponential(p, q)
    return where(p.low < 0, _infinite_like(kl), kl)


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    log_mean = (_xlogx(p.high) - _xlogx(p.low)) / width - 1
    kl = -p.entropy() + _cross_gamma(p, q, log_mean)
    return where(p.low < 0, _infinite_like(kl), kl)


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Tensor:
    width = (p.high - p.low) / q.scale
    low, high = (p.low - q.loc) / q.scale, (p.high - q.loc) / q.scale
    moment = ((-low).exp() - (-high).exp()) / width
    return -p.entropy() + q.scale.log() + 0.5 * (low + high) + moment


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    log_mean = (_xlogx(p.high) - _xlogx(p.low)) / width - 1
    kl = -p.entropy() - q.alpha.log() - q.alpha * q.scale.log() + (q.alpha + 1) * log_mean
    return where(p.low < q.scale, _infinite_like(kl), kl)


