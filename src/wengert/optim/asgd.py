"""ASGD: stochastic gradient descent whose result is the average of the way.

B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
Optimization 30 (1992); the schedule is that of L. Bottou, "Large-scale machine learning with stochastic gradient
descent", COMPSTAT 2010.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.optim.method import Method, check_not_negative, check_rate
from wengert.optim.update import (
    Numbers,
    Scalars,
    Way,
    count_up,
    descent,
    filled_like,
    new_count,
    number_of,
    set_number,
    update,
)
from wengert.tensors.tensor import Tensor


class ASGD(Method):
    r"""At step t, with g the gradient plus `weight_decay` x:

        x <- (1 - lambd eta) x - eta g
        a <- a + mu (x - a)                               the average
        eta <- lr / (1 + lambd lr t)^alpha                from lr
        mu  <- 1 / max(1, t - t0)                         from 1

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        lambd, alpha, t0, weight_decay: as in the formula.
        maximize: go up the gradient instead of down.
        foreach, capturable: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step" (t), "eta", "mu", "ax" (a).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: Optional[bool] = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"], state["eta"], state["mu"] = new_count(), new_count(number_of(group["lr"])), new_count(1.0)
        state["ax"] = filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        lr, lambd = number_of(group["lr"]), group["lambd"]

        def formula(n: Scalars, g: Node, x: Node, a: Node) -> tuple[Node, ...]:
            g = descent(n, g, x, way)
            x = n.keep * x - n.eta * g
            return x, x - n.rest * (x - a)

        for param, grad, state in self._ready(group):
            t = count_up(state["step"])
            eta = number_of(state["eta"])
            rest = 1 - number_of(state["mu"])
            numbers = Numbers(eta=eta, keep=1 - lambd * eta, rest=rest, decay=group["weight_decay"])
            update(formula, numbers, grad, param, state["ax"])
            set_number(state["eta"], lr / (1 + lambd * lr * t) ** group["alpha"])
            set_number(state["mu"], 1 / max(1, t - group["t0"]))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for known in self.state.values():  # old states have plain numbers
            for name in ("eta", "mu"):
                if isinstance(known, dict) and isinstance(known.get(name), (int, float)):
                    known[name] = new_count(known[name])
