"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions.cauchy import Cauchy
from wengert.distributions.folded import Folded
from wengert.distributions.utils import constant

__all__ = ["HalfCauchy"]


class HalfCauchy(Folded):
    r"""|x| of x from Cauchy(0, scale)"""

    def __init__(self, scale: Any, validate_args: Optional[bool] = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(HalfCauchy, _instance))

    @property
    def mean(self) -> Any:
        return constant(math.inf, self.scale)

    @property
    def variance(self) -> Any:
        return self.base_dist.variance
