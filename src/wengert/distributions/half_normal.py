"""The half-normal distribution."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.distributions.folded import Folded
from wengert.distributions.normal import Normal

__all__ = ["HalfNormal"]


class HalfNormal(Folded):
    r"""|x| of x from Normal(0, scale)"""

    def __init__(self, scale: Any, validate_args: Optional[bool] = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(HalfNormal, _instance))

    @property
    def mean(self) -> Any:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Any:
        return self.scale.pow(2) * (1 - 2 / math.pi)
