"""The chi-squared distribution."""

from __future__ import annotations

from typing import Any, Optional

from wengert.distributions import constraints
from wengert.distributions.gamma import Gamma
from wengert.tensors.tensor import Size

__all__ = ["Chi2"]

class Chi2(Gamma):
    r"""The sum of df squares of standard normal numbers: Gamma(df / 2, 1 / 2)."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: Optional[bool] = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._get_checked_instance(Chi2, _instance)
        made.__dict__.update(self.__dict__)
        made._batch_shape = Size(batch_shape)
        made.concentration, made.rate = self.concentration.expand(batch_shape), self.rate.expand(batch_shape)
        return made

    @property
    def df(self) -> Any:
        """The degrees of freedom."""
        return self.concentration * 2
