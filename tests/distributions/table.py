"""Every distribution, made on either side from the same arrays, with points at which to compare."""

from __future__ import annotations

from typing import Any

import numpy as np


class Maker:
    """Makes tensors of one library, float64."""

    def __init__(self, library: Any) -> None:
        self.library, self.d = library, library.distributions

    def t(self, data: Any) -> Any:
        return self.library.tensor(np.array(data, np.float64))


SPD = [[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.2]]
TRIL = [[1.2, 0.0, 0.0], [0.3, 0.9, 0.0], [-0.2, 0.4, 1.5]]
ABOVE, UNIT, REAL, COUNT = [0.3, 1.0, 2.7], [0.1, 0.5, 0.93], [-1.3, 0.2, 2.5], [0.0, 1.0, 4.0]
SIMPLEX = [[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]]
LOGITS = [[0.2, -0.3, 1.5], [0.7, 0.1, -2.0]]
CORR = [[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.6, 0.8]]

# name -> (how to make it, points inside the support)
CASES: dict[str, tuple[Any, Any]] = {
    "Normal": (lambda m: m.d.Normal(m.t([0.0, 1.0, -2.0]), m.t([1.0, 0.5, 2.0])), REAL),
    "Normal of numbers": (lambda m: m.d.Normal(m.t(0.5), 2.0), REAL),
    "Laplace": (lambda m: m.d.Laplace(m.t([0.0, 1.0, -2.0]), m.t([1.0, 0.5, 2.0])), REAL),
    "Cauchy": (lambda m: m.d.Cauchy(m.t([0.0, 1.0, -2.0]), m.t([1.0, 0.5, 2.0])), REAL),
    "Uniform": (lambda m: m.d.Uniform(m.t([-2.0, 0.0, 1.0]), m.t([1.0, 2.5, 3.0])), REAL),
    "Exponential": (lambda m: m.d.Exponential(m.t([0.5, 1.0, 3.0])), ABOVE),
    "Gamma": (lambda m: m.d.Gamma(m.t([0.5, 1.0, 7.0]), m.t([1.0, 0.5, 2.0])), ABOVE),
    "Chi2": (lambda m: m.d.Chi2(m.t([0.5, 1.0, 7.0])), ABOVE),
    "Beta": (lambda m: m.d.Beta(m.t([0.5, 1.5, 7.0]), m.t([1.2, 0.5, 2.0])), UNIT),
    "Dirichlet": (lambda m: m.d.Dirichlet(m.t([[0.5, 1.5, 7.0], [2.0, 2.0, 1.5]])), SIMPLEX),
    "StudentT": (lambda m: m.d.StudentT(m.t([0.7, 1.5, 7.0]), m.t([0.0, 1.0, -2.0]), m.t([1.0, 0.5, 2.0])), REAL),
    "FisherSnedecor": (lambda m: m.d.FisherSnedecor(m.t([0.7, 1.5, 7.0]), m.t([1.0, 3.0, 5.0])), ABOVE),
    "Poisson": (lambda m: m.d.Poisson(m.t([0.5, 1.5, 7.0])), COUNT),
    "Bernoulli": (lambda m: m.d.Bernoulli(m.t([0.2, 0.5, 0.9])), [0.0, 1.0, 1.0]),
    "Bernoulli of logits": (lambda m: m.d.Bernoulli(logits=m.t([0.2, -3.0, 30.0])), [0.0, 1.0, 1.0]),
    "Categorical": (lambda m: m.d.Categorical(m.t(SIMPLEX)), [0.0, 2.0]),
    "Categorical of logits": (lambda m: m.d.Categorical(logits=m.t(LOGITS)), [1.0, 2.0]),
    "OneHotCategorical": (lambda m: m.d.OneHotCategorical(m.t(SIMPLEX)), [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    "Binomial": (lambda m: m.d.Binomial(5, m.t([0.2, 0.5, 0.9])), COUNT),
    "Binomial of logits": (lambda m: m.d.Binomial(5, logits=m.t([0.2, -3.0, 2.0])), COUNT),
    "NegativeBinomial": (lambda m: m.d.NegativeBinomial(m.t([5.0, 2.5, 1.0]), m.t([0.2, 0.5, 0.9])), COUNT),
    "Geometric": (lambda m: m.d.Geometric(m.t([0.2, 0.5, 0.9])), COUNT),
    "Geometric of logits": (lambda m: m.d.Geometric(logits=m.t([0.2, -1.0, 2.0])), COUNT),
    "Multinomial": (lambda m: m.d.Multinomial(4, m.t(SIMPLEX)), [[1.0, 1.0, 2.0], [0.0, 4.0, 0.0]]),
    "LogNormal": (lambda m: m.d.LogNormal(m.t([0.0, 1.0, -2.0]), m.t([1.0, 0.5, 2.0])), ABOVE),
    "LogisticNormal": (lambda m: m.d.LogisticNormal(m.t([0.1, -0.3]), m.t([1.0, 0.5])), [*SIMPLEX, [0.1, 0.1, 0.8]]),
    "HalfNormal": (lambda m: m.d.HalfNormal(m.t([1.0, 0.5, 2.0])), ABOVE),
    "HalfCauchy": (lambda m: m.d.HalfCauchy(m.t([1.0, 0.5, 2.0])), ABOVE),
    "Gumbel": (lambda m: m.d.Gumbel(m.t([0.0, 1.0, -2.0]), m.t([1.0, 0.5, 2.0])), REAL),
    "Pareto": (lambda m: m.d.Pareto(m.t([0.1, 0.5, 2.0]), m.t([0.5, 1.5, 3.0])), ABOVE),
    "Weibull": (lambda m: m.d.Weibull(m.t([0.1, 0.5, 2.0]), m.t([0.5, 1.5, 3.0])), ABOVE),
    "Kumaraswamy": (lambda m: m.d.Kumaraswamy(m.t([0.5, 1.5, 3.0]), m.t([1.5, 2.5, 2.0])), UNIT),
    "InverseGamma": (lambda m: m.d.InverseGamma(m.t([0.5, 1.5, 3.0]), m.t([1.0, 0.5, 2.0])), ABOVE),
    "GeneralizedPareto": (
        lambda m: m.d.GeneralizedPareto(m.t([0.0, 0.5, 1.0]), m.t([1.0, 0.5, 2.0]), m.t([0.3, 0.0, -0.2])), [0.3, 1.0, 2.7],
    ),
    "RelaxedBernoulli": (lambda m: m.d.RelaxedBernoulli(m.t(0.7), m.t([0.2, 0.5, 0.9])), UNIT),
    "RelaxedOneHotCategorical": (lambda m: m.d.RelaxedOneHotCategorical(m.t(0.7), m.t(SIMPLEX)), SIMPLEX),
    "ContinuousBernoulli": (lambda m: m.d.ContinuousBernoulli(m.t([0.2, 0.5, 0.9])), UNIT),
    "VonMises": (lambda m: m.d.VonMises(m.t([0.0, 1.0, -2.0]), m.t([0.1, 1.5, 30.0])), REAL),
    "MultivariateNormal": (lambda m: m.d.MultivariateNormal(m.t([0.0, 1.0, -2.0]), m.t(SPD)), [REAL, UNIT, ABOVE]),
    "MultivariateNormal of precision": (
        lambda m: m.d.MultivariateNormal(m.t([[0.0, 1.0, -2.0], [1.0, 1.0, 1.0]]), precision_matrix=m.t(SPD)), [REAL, ABOVE],
    ),
    "MultivariateNormal of a factor": (
        lambda m: m.d.MultivariateNormal(m.t([0.0, 1.0, -2.0]), scale_tril=m.t(TRIL)), [REAL, UNIT, ABOVE],
    ),
    "LowRankMultivariateNormal": (
        lambda m: m.d.LowRankMultivariateNormal(m.t([0.0, 1.0, -2.0]), m.t([[1.0], [0.5], [-0.3]]), m.t(ABOVE)),
        [REAL, UNIT, ABOVE],
    ),
    "Wishart": (lambda m: m.d.Wishart(m.t(4.5), m.t(SPD)), [SPD]),
    "Wishart of precision": (lambda m: m.d.Wishart(m.t([4.5, 3.0]), precision_matrix=m.t(SPD)), [SPD, SPD]),
    "LKJCholesky": (lambda m: m.d.LKJCholesky(3, m.t([0.7, 2.0])), [CORR, CORR]),
    "Independent": (lambda m: m.d.Independent(m.d.Normal(m.t([[0.0, 1.0, -2.0]]), m.t(ABOVE)), 1), [REAL]),
    "MixtureSameFamily": (
        lambda m: m.d.MixtureSameFamily(
            m.d.Categorical(m.t([0.2, 0.3, 0.5])), m.d.Normal(m.t([0.0, 1.0, -2.0]), m.t([1.0, 0.5, 2.0]))
        ),
        REAL,
    ),
    "Mixture of vectors": (
        lambda m: m.d.MixtureSameFamily(
            m.d.Categorical(m.t([0.4, 0.6])),
            m.d.Independent(m.d.Normal(m.t([[0.0, 1.0, -2.0], [1.0, 1.0, 0.0]]), m.t([[1.0, 0.5, 2.0], ABOVE])), 1),
        ),
        [REAL, UNIT, ABOVE],
    ),
    "Transformed": (
        lambda m: m.d.TransformedDistribution(
            m.d.Normal(m.t([0.0, 1.0, -2.0]), m.t(ABOVE)),
            [m.d.AffineTransform(m.t(0.5), m.t([-2.0, 1.0, 0.5])), m.d.SigmoidTransform()],
        ),
        UNIT,
    ),
}  # fmt: skip
