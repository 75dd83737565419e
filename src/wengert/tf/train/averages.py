"""ExponentialMovingAverage: shadows of variables that follow them slowly."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.train.objects import value_of_leaf
from wengert.tf.values import fresh
from wengert.tf.variable import Variable


class ExponentialMovingAverage:
    """shadow = decay shadow + (1 - decay) variable, at each `apply`.

    num_updates: a counter t that makes the decay min(decay, (1 + t) / (10 + t)), so that averages follow fast at first.
    """

    def __init__(self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: Optional[str] = None) -> None:
        if zero_debias:
            raise ValueError("ExponentialMovingAverage: zero_debias is not there; averages begin with the variables' values")
        self._decay = decay
        self._num_updates = num_updates
        self._averages: dict[int, tuple[Any, Variable]] = {}
        self.name = name or "ExponentialMovingAverage"

    def apply(self, var_list: Any) -> None:
        """Let the averages of these variables follow them; they begin with the present values."""
        decay = self._decay
        if self._num_updates is not None:
            t = float(fresh(self._num_updates).item())
            decay = min(decay, (1.0 + t) / (10.0 + t))
        for variable in var_list:
            value = value_of_leaf(variable)
            known = self._averages.get(id(variable))
            if known is None:
                name = f"{str(variable.name).partition(':')[0]}/{self.name}"
                self._averages[id(variable)] = variable, Variable(value, trainable=False, name=name)
            else:
                known[1].assign_sub((1.0 - decay) * (known[1] - value))

    def average(self, var: Any) -> Optional[Variable]:
        """The average of a variable; None for one that `apply` was not told of."""
        known = self._averages.get(id(var))
        return None if known is None else known[1]
