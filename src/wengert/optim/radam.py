"""RAdam: Adam that waits with the adaptive scale until its variance is bounded.

L. Liu, H. Jiang, P. He, W. Chen, X. Liu, J. Gao, J. Han, "On the variance of the adaptive learning rate and beyond",
ICLR 2020.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_betas, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, descent, filled_like, new_count, update
from wengert.tensors.tensor import Tensor


class RAdam(Method):
    r"""At step t, with g the gradient plus `weight_decay` x:

        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        rho_t = rho - 2 t beta2^t / (1 - beta2^t)               rho = 2 / (1 - beta2) - 1
        x <- x - lr m / (1 - beta1^t) r sqrt(1 - beta2^t) / (sqrt(v) + eps)        when rho_t > 5
        x <- x - lr m / (1 - beta1^t)                                              otherwise

    with r^2 = (rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t).

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        betas, eps, weight_decay: as in the formula.
        decoupled_weight_decay: shrink x by the factor 1 - lr weight_decay instead of adding to the gradient.
        maximize: go up the gradient instead of down.
        foreach, capturable: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step" (t), "exp_avg" (m), "exp_avg_sq" (v).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: Optional[bool] = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_count()
        state["exp_avg"], state["exp_avg_sq"] = filled_like(param, 0), filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        shrinks = bool(group["decoupled_weight_decay"]) and way.decays

        def formula(n: Scalars, g: Node, x: Node, m: Node, v: Node) -> tuple[Node, ...]:
            if shrinks:
                g, x = (-g if way.rises else g), n.keep * x
            else:
                g = descent(n, g, x, way)
            m = m + n.share1 * (g - m)
            v = n.beta2 * v + n.share2 * primitives.square(g)
            return x - m * (n.adaptive / (primitives.sqrt(v) + n.eps) + n.plain), m, v

        last: Optional[float] = None
        for param, grad, state in self._ready(group):
            t = count_up(state["step"])
            if t != last:
                last, numbers = t, _numbers(group, t)
            update(formula, numbers, grad, param, state["exp_avg"], state["exp_avg_sq"])


def _numbers(group: dict[str, Any], t: float) -> Numbers:
    """One of `adaptive` and `plain` is 0, so that the change from the one to the other makes no new graph."""
    lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
    rate, left = lr / (1 - beta1**t), 1 - beta2**t
    most = 2 / (1 - beta2) - 1
    rho = most - 2 * t * beta2**t / left
    adapts = rho > 5
    factor = ((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho) * left) ** 0.5 if adapts else 0.0
    return Numbers(
        adaptive=rate * factor,
        plain=rate * (not adapts),
        eps=group["eps"] if adapts else 1.0,  # 0 / (0 + 0) is to be 0
        share1=1 - beta1,
        beta2=beta2,
        share2=1 - beta2,
        decay=decay,
        keep=1 - lr * decay,
    )
