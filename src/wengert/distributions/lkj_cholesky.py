"""The LKJ distribution over correlation matrices, by their Cholesky factors.

D. Lewandowski, D. Kurowicka, H. Joe, "Generating random correlation matrices based on vines and extended onion method",
Journal of Multivariate Analysis 100 (2009)."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.beta import Beta
from wengert.distributions.distribution import Distribution
from wengert.distributions.utils import broadcast_all, constant, is_number, normal_like
from wengert.functions import special
from wengert.functions.create import zeros
from wengert.functions.elementwise import where
from wengert.functions.join import cat
from wengert.functions.patterns import diag_embed, tril
from wengert.functions.ranges import arange
from wengert.functions.types import finfo
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Size, Tensor

__all__ = ["LKJCholesky"]

class LKJCholesky(Distribution):
    r"""p(L) is proportional to prod_k L_kk^(n - k + 2 (concentration - 1)), k = 2 ... n"""

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: Optional[bool] = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        eta = self.concentration
        marginal = eta + 0.5 * (dim - 2)
        offset = cat([zeros((1,), dtype=eta.dtype), arange(dim - 1, dtype=eta.dtype)])
        self._beta = Beta(offset + 0.5, marginal.unsqueeze(-1) - 0.5 * offset)
        super().__init__(() if is_number(concentration) else eta.shape, (dim, dim), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._get_checked_instance(LKJCholesky, _instance)
        made.__dict__.update(self.__dict__)
        made._batch_shape = Size(batch_shape)
        made.concentration = self.concentration.expand(batch_shape)
        made._beta = self._beta.expand((*batch_shape, self.dim))
        return made

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """The onion method: each row is a direction times the root of a beta number."""
        with no_grad():
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            noise = tril(normal_like(shape, self.concentration), -1)
            direction = noise / noise.norm(dim=-1, keepdim=True).clamp(min=finfo(noise.dtype).tiny)
            first = (arange(self.dim) == 0).unsqueeze(-1)
            w = where(first, constant(0.0, y), y.sqrt()) * direction
            rest = (1 - w.square().sum(-1)).clamp(min=finfo(w.dtype).tiny).sqrt()
            return w + diag_embed(rest)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, eta = self.dim, self.concentration
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = 2 * (eta - 1).unsqueeze(-1) + n - arange(2, n + 1, dtype=eta.dtype)
        unnormalized = (order * diagonal.log()).sum(-1)
        less = n - 1
        alpha = eta + 0.5 * less
        normalizer = 0.5 * less * math.log(math.pi) + special.multigammaln(alpha - 0.5, less) - alpha.lgamma() * less
        return unnormalized - normalizer
