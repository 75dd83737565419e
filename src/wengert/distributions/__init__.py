"""Probability distributions: `torch.distributions` in full. Densities, samples (differentiable where that is possible),
entropies, divergences, and transforms between them."""

from wengert.distributions import constraints, divergences as _divergences, transforms
from wengert.distributions.bernoulli import Bernoulli
from wengert.distributions.beta import Beta
from wengert.distributions.binomial import Binomial
from wengert.distributions.categorical import Categorical
from wengert.distributions.cauchy import Cauchy
from wengert.distributions.chi2 import Chi2
from wengert.distributions.constraint_registry import biject_to, transform_to
from wengert.distributions.continuous_bernoulli import ContinuousBernoulli
from wengert.distributions.dirichlet import Dirichlet
from wengert.distributions.distribution import Distribution
from wengert.distributions.exp_family import ExponentialFamily
from wengert.distributions.exponential import Exponential
from wengert.distributions.fishersnedecor import FisherSnedecor
from wengert.distributions.gamma import Gamma
from wengert.distributions.generalized_pareto import GeneralizedPareto
from wengert.distributions.geometric import Geometric
from wengert.distributions.gumbel import Gumbel
from wengert.distributions.half_cauchy import HalfCauchy
from wengert.distributions.half_normal import HalfNormal
from wengert.distributions.independent import Independent
from wengert.distributions.inverse_gamma import InverseGamma
from wengert.distributions.kl import kl_divergence, register_kl
from wengert.distributions.kumaraswamy import Kumaraswamy
from wengert.distributions.laplace import Laplace
from wengert.distributions.lkj_cholesky import LKJCholesky
from wengert.distributions.log_normal import LogNormal
from wengert.distributions.logistic_normal import LogisticNormal
from wengert.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from wengert.distributions.mixture_same_family import MixtureSameFamily
from wengert.distributions.multinomial import Multinomial
from wengert.distributions.multivariate_normal import MultivariateNormal
from wengert.distributions.negative_binomial import NegativeBinomial
from wengert.distributions.normal import Normal
from wengert.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from wengert.distributions.pareto import Pareto
from wengert.distributions.poisson import Poisson
from wengert.distributions.relaxed_bernoulli import RelaxedBernoulli
from wengert.distributions.relaxed_categorical import RelaxedOneHotCategorical
from wengert.distributions.studentT import StudentT
from wengert.distributions.transformed_distribution import TransformedDistribution
from wengert.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from wengert.distributions.uniform import Uniform
from wengert.distributions.von_mises import VonMises
from wengert.distributions.weibull import Weibull
from wengert.distributions.wishart import Wishart

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ContinuousBernoulli", "Dirichlet",
    "Distribution", "ExponentialFamily", "Exponential", "FisherSnedecor", "Gamma", "GeneralizedPareto", "Geometric",
    "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "Kumaraswamy", "Laplace", "LKJCholesky",
    "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough",
    "Pareto", "Poisson", "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT", "TransformedDistribution",
    "Uniform", "VonMises", "Weibull", "Wishart", "biject_to", "kl_divergence", "register_kl", "transform_to",
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform", "LowerCholeskyTransform",
    "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform", "SoftplusTransform",
    "TanhTransform", "SoftmaxTransform", "StackTransform", "StickBreakingTransform", "Transform",
    "identity_transform",
]  # fmt: skip
