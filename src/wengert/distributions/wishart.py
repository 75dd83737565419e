"""The Wishart distribution over positive definite matrices.

Samples: M. S. Bartlett, "On the theory of statistical regression", Proceedings of the Royal Society of Edinburgh 53 (1933)."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import constant, is_number, lazy_property, normal_like, standard_gamma
from wengert.functions import special
from wengert.functions.data import tensor
from wengert.functions.elementwise import where
from wengert.functions.linalg import cholesky, solve_triangular
from wengert.functions.patterns import diag_embed, tril
from wengert.functions.ranges import arange, eye
from wengert.functions.shape import broadcast_shapes
from wengert.tensors.tensor import Tensor

__all__ = ["Wishart"]

from wengert.distributions.multivariate_normal import factor_of_inverse, half_log_det


def mvdigamma(x: Tensor, p: int) -> Tensor:
    """The derivative of the logarithm of the multivariate gamma function."""
    return (x.unsqueeze(-1) - arange(p, dtype=x.dtype) / 2).digamma().sum(-1)


class Wishart(Distribution):
    r"""p(X) = det(X)^((df - n - 1) / 2) exp(-tr(S^-1 X) / 2) / (2^(df n / 2) det(S)^(df / 2) Gamma_n(df / 2))

    Give one of covariance_matrix S, precision_matrix S^-1 and scale_tril L with S = L L^T; df > n - 1.
    """

    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: Optional[bool] = None,
    ) -> None:
        given = {"covariance_matrix": covariance_matrix, "scale_tril": scale_tril, "precision_matrix": precision_matrix}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df = tensor(df, dtype=matrix.dtype) if is_number(df) else df
        batch = broadcast_shapes(tuple(matrix.shape[:-2]), tuple(df.shape))
        n = matrix.shape[-1]
        self.df = df.expand(batch)
        self.__dict__[name] = matrix.expand((*batch, n, n))
        if (self.df <= n - 1).any().item():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = factor_of_inverse(matrix)
        super().__init__(batch, (n, n), validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, Any]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._unbroadcasted_scale_tril.shape[-1] - 1),
        }

    def _event_dims(self, name: str, value: Tensor) -> int:
        return 0 if name == "df" else 2

    @lazy_property
    def scale_tril(self) -> Any:
        return self._unbroadcasted_scale_tril.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def covariance_matrix(self) -> Any:
        factor = self._unbroadcasted_scale_tril
        return (factor @ factor.mT).expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def precision_matrix(self) -> Any:
        factor = self._unbroadcasted_scale_tril
        inverse = solve_triangular(factor, eye(factor.shape[-1], dtype=factor.dtype).expand(factor.shape), upper=False)
        return (inverse.mT @ inverse).expand((*self._batch_shape, *self._event_shape))

    @property
    def mean(self) -> Any:
        return self.df.reshape((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def mode(self) -> Any:
        n = self._event_shape[-1]
        factor = self.df - n - 1
        factor = where(factor <= 0, constant(math.nan, factor), factor)
        return factor.reshape((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def variance(self) -> Any:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        outer = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df.reshape((*self._batch_shape, 1, 1)) * (v.pow(2) + outer)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """L A A^T L^T, where A is triangular with roots of chi-squared numbers on its diagonal, normal ones below."""
        n = self._event_shape[-1]
        shape = (*sample_shape, *self._batch_shape)
        df = self.df.unsqueeze(-1) - arange(n, dtype=self.df.dtype)
        roots = (2 * standard_gamma((df / 2).expand((*shape, n)))).sqrt()
        a = tril(normal_like((*shape, n, n), self.df), -1) + diag_embed(roots)
        chol = self._unbroadcasted_scale_tril @ a
        return chol @ chol.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        nu, p, factor = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        solved = solve_triangular(factor, solve_triangular(factor, value, upper=False).mT, upper=False)
        trace = solved.diagonal(dim1=-2, dim2=-1).sum(-1)
        normalizer = nu * (p * math.log(2) / 2 + half_log_det(factor)) + special.multigammaln(nu / 2, p)
        return -normalizer + (nu - p - 1) / 2 * 2 * half_log_det(cholesky(value)) - trace / 2

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        return (
            (p + 1) * (p * math.log(2) / 2 + half_log_det(self._unbroadcasted_scale_tril))
            + special.multigammaln(nu / 2, p)
            - (nu - p - 1) / 2 * mvdigamma(nu / 2, p)
            + nu * p / 2
        )
