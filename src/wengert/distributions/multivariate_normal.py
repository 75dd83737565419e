"""The normal distribution of several numbers."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import lazy_property, normal_like
from wengert.functions.linalg import cholesky, solve_triangular
from wengert.functions.ranges import eye
from wengert.functions.shape import broadcast_shapes
from wengert.tensors.tensor import Tensor

__all__ = ["MultivariateNormal"]

def batch_mahalanobis(factor: Tensor, x: Tensor) -> Tensor:
    """x^T (L L^T)^-1 x for the lower triangular factor L."""
    shape = broadcast_shapes(tuple(factor.shape[:-2]), tuple(x.shape[:-1]))
    n = x.shape[-1]
    solved = solve_triangular(factor.expand((*shape, n, n)), x.expand((*shape, n)).unsqueeze(-1), upper=False)
    return solved.squeeze(-1).square().sum(-1)


def factor_of_inverse(precision: Tensor) -> Tensor:
    """The lower Cholesky factor of the inverse of a positive definite matrix."""
    n = precision.shape[-1]
    turned = cholesky(precision.flip((-2, -1)))
    root = turned.flip((-2, -1)).mT  # lower triangular, with precision = root^T root
    return solve_triangular(root, eye(n, dtype=precision.dtype).expand(precision.shape), upper=False)


def half_log_det(factor: Tensor) -> Tensor:
    """log det L"""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class MultivariateNormal(Distribution):
    r"""p(x) = exp(-(x - loc)^T S^-1 (x - loc) / 2) / sqrt((2 pi)^n det S)

    Give one of covariance_matrix S, precision_matrix S^-1 and scale_tril L with S = L L^T; the last is the fastest.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: Optional[bool] = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {"covariance_matrix": covariance_matrix, "scale_tril": scale_tril, "precision_matrix": precision_matrix}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = broadcast_shapes(tuple(matrix.shape[:-2]), tuple(loc.shape[:-1]))
        self.__dict__[name] = matrix.expand((*batch, *matrix.shape[-2:]))
        self.loc = loc.expand((*batch, loc.shape[-1]))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = factor_of_inverse(matrix)

    def _event_dims(self, name: str, value: Tensor) -> int:
        return 1 if name == "loc" else 2

    @lazy_property
    def scale_tril(self) -> Any:
        n = self._event_shape[0]
        return self._unbroadcasted_scale_tril.expand((*self._batch_shape, n, n))

    @lazy_property
    def covariance_matrix(self) -> Any:
        n, factor = self._event_shape[0], self._unbroadcasted_scale_tril
        return (factor @ factor.mT).expand((*self._batch_shape, n, n))

    @lazy_property
    def precision_matrix(self) -> Any:
        n, factor = self._event_shape[0], self._unbroadcasted_scale_tril
        inverse = solve_triangular(factor, eye(n, dtype=factor.dtype).expand(factor.shape), upper=False)
        return (inverse.mT @ inverse).expand((*self._batch_shape, n, n))

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = normal_like(self._extended_shape(sample_shape), self.loc)
        return self.loc + (self._unbroadcasted_scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        square = batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + square) - half_log_det(self._unbroadcasted_scale_tril)

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        entropy = 0.5 * n * (1.0 + math.log(2 * math.pi)) + half_log_det(self._unbroadcasted_scale_tril)
        return entropy.expand(self._batch_shape)
