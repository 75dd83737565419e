"""Adamax: Adam with the maximum norm in place of the second moment.

D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.1.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_betas, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, descent, filled_like, new_count, update
from wengert.tensors.tensor import Tensor


class Adamax(Method):
    r"""At step t, with g the gradient plus `weight_decay` x:

        m <- beta1 m + (1 - beta1) g
        u <- max(beta2 u, |g| + eps)
        x <- x - lr / (1 - beta1^t) m / u

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        betas, eps, weight_decay: as in the formula.
        maximize: go up the gradient instead of down.
        foreach, capturable: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step" (t), "exp_avg" (m), "exp_inf" (u).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: Optional[bool] = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_count()
        state["exp_avg"], state["exp_inf"] = filled_like(param, 0), filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        beta1, beta2 = group["betas"]

        def formula(n: Scalars, g: Node, x: Node, m: Node, u: Node) -> tuple[Node, ...]:
            g = descent(n, g, x, way)
            m = m + n.share1 * (g - m)
            u = primitives.maximum(n.beta2 * u, primitives.abs(g) + n.eps)
            return x - n.rate * m / u, m, u

        last: Optional[float] = None
        for param, grad, state in self._ready(group):
            t = count_up(state["step"])
            if t != last:
                rate = group["lr"] / (1 - beta1**t)
                decay, eps = group["weight_decay"], group["eps"]
                last, numbers = t, Numbers(rate=rate, share1=1 - beta1, beta2=beta2, eps=eps, decay=decay)
            update(formula, numbers, grad, param, state["exp_avg"], state["exp_inf"])
