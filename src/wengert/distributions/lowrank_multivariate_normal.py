"""A normal distribution whose covariance is of low rank plus a diagonal."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import lazy_property, normal_like
from wengert.functions.linalg import cholesky, solve_triangular
from wengert.functions.patterns import diag_embed
from wengert.functions.ranges import eye
from wengert.functions.shape import broadcast_shapes
from wengert.tensors.tensor import Tensor

__all__ = ["LowRankMultivariateNormal"]

from wengert.distributions.multivariate_normal import batch_mahalanobis, half_log_det


def capacitance(factor: Tensor, diagonal: Tensor) -> Tensor:
    """The Cholesky factor of I + W^T D^-1 W."""
    small = factor.mT / diagonal.unsqueeze(-2) @ factor
    return cholesky(small + eye(factor.shape[-1], dtype=factor.dtype))


def low_rank_log_det(factor: Tensor, diagonal: Tensor, tril: Tensor) -> Tensor:
    """log det(W W^T + D), by the matrix determinant lemma"""
    return 2 * half_log_det(tril) + diagonal.log().sum(-1)


def low_rank_mahalanobis(factor: Tensor, diagonal: Tensor, x: Tensor, tril: Tensor) -> Tensor:
    """x^T (W W^T + D)^-1 x, by Woodbury's identity"""
    turned = (factor.mT / diagonal.unsqueeze(-2) @ x.unsqueeze(-1)).squeeze(-1)
    return (x.square() / diagonal).sum(-1) - batch_mahalanobis(tril, turned)


class LowRankMultivariateNormal(Distribution):
    r"""Normal with covariance cov_factor cov_factor^T + diag(cov_diag); everything in the small dimension of the factor."""

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: Optional[bool] = None) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        n = loc.shape[-1]
        if cov_factor.ndim < 2 or cov_factor.shape[-2] != n:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {n} x m")
        if cov_diag.shape[-1:] != (n,):
            raise ValueError(f"cov_diag must be a batch of vectors with shape ({n},)")
        batch = broadcast_shapes(tuple(loc.shape[:-1]), tuple(cov_factor.shape[:-2]), tuple(cov_diag.shape[:-1]))
        self.loc, self.cov_diag = loc.expand((*batch, n)), cov_diag.expand((*batch, n))
        self.cov_factor = cov_factor.expand((*batch, *cov_factor.shape[-2:]))
        self._capacitance_tril = capacitance(self.cov_factor, self.cov_diag)
        super().__init__(batch, (n,), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = super().expand(batch_shape, _instance)
        made._capacitance_tril = self._capacitance_tril.expand((*batch_shape, *self._capacitance_tril.shape[-2:]))
        for name in ("covariance_matrix", "precision_matrix", "scale_tril"):
            made.__dict__.pop(name, None)
        return made

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        return self.cov_factor.square().sum(-1) + self.cov_diag

    @lazy_property
    def covariance_matrix(self) -> Any:
        return self.cov_factor @ self.cov_factor.mT + diag_embed(self.cov_diag)

    @lazy_property
    def scale_tril(self) -> Any:
        return cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Any:
        solved = solve_triangular(self._capacitance_tril, self.cov_factor.mT / self.cov_diag.unsqueeze(-2), upper=False)
        return diag_embed(self.cov_diag.reciprocal()) - solved.mT @ solved

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        low = normal_like((*shape[:-1], self.cov_factor.shape[-1]), self.loc)
        own = normal_like(shape, self.loc)
        return self.loc + (self.cov_factor @ low.unsqueeze(-1)).squeeze(-1) + self.cov_diag.sqrt() * own

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        square = low_rank_mahalanobis(self.cov_factor, self.cov_diag, value - self.loc, self._capacitance_tril)
        log_det = low_rank_log_det(self.cov_factor, self.cov_diag, self._capacitance_tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + log_det + square)

    def entropy(self) -> Tensor:
        log_det = low_rank_log_det(self.cov_factor, self.cov_diag, self._capacitance_tril)
        return (0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_det)).expand(self._batch_shape)
