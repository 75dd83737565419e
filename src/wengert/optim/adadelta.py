"""Adadelta: steps in the units of the parameter, without a rate of their own.

M. D. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, 2012.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, descent, filled_like, new_count, update
from wengert.tensors.tensor import Tensor


class Adadelta(Method):
    r"""With g the gradient plus `weight_decay` x:

        v <- rho v + (1 - rho) g^2
        d  = sqrt(u + eps) / sqrt(v + eps) g
        u <- rho u + (1 - rho) d^2
        x <- x - lr d

    Args:
        params: parameters or groups of them.
        lr: a factor of the step; a number, or a tensor of one element.
        rho, eps, weight_decay: as in the formula.
        maximize: go up the gradient instead of down.
        foreach, capturable: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step", "square_avg" (v), "acc_delta" (u).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: Optional[bool] = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_count()
        state["square_avg"], state["acc_delta"] = filled_like(param, 0), filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        rho = group["rho"]
        numbers = Numbers(lr=group["lr"], rho=rho, share=1 - rho, eps=group["eps"], decay=group["weight_decay"])

        def formula(n: Scalars, g: Node, x: Node, v: Node, u: Node) -> tuple[Node, ...]:
            g = descent(n, g, x, way)
            v = n.rho * v + n.share * primitives.square(g)
            d = primitives.sqrt(u + n.eps) / primitives.sqrt(v + n.eps) * g
            return x - n.lr * d, v, n.rho * u + n.share * primitives.square(d)

        for param, grad, state in self._ready(group):
            count_up(state["step"])
            update(formula, numbers, grad, param, state["square_avg"], state["acc_delta"])
