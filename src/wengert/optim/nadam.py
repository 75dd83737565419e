"""NAdam: Adam with Nesterov's momentum.

T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016. Decoupled decay: as in AdamW.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_betas, check_not_negative, check_rate
from wengert.optim.update import (
    Numbers,
    Scalars,
    Way,
    count_up,
    descent,
    filled_like,
    multiply_number,
    new_count,
    update,
)
from wengert.tensors.tensor import Tensor


class NAdam(Method):
    r"""At step t, with g the gradient plus `weight_decay` x, and mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2):

        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        d  = sqrt(v / (1 - beta2^t)) + eps
        x <- x - lr ((1 - mu_t) / (1 - mu_1 ... mu_t) g + mu_{t+1} / (1 - mu_1 ... mu_{t+1}) m) / d

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        betas, eps, weight_decay, momentum_decay: as in the formula.
        decoupled_weight_decay: shrink x by the factor 1 - lr weight_decay instead of adding to the gradient.
        maximize: go up the gradient instead of down.
        foreach, capturable: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step" (t), "mu_product" (mu_1 ... mu_t), "exp_avg" (m), "exp_avg_sq" (v).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative("momentum_decay value", momentum_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"], state["mu_product"] = new_count(), new_count(1.0)
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
            scale = primitives.sqrt(v * n.correction) + n.eps
            return x - (n.rate_g * g + n.rate_m * m) / scale, m, v

        last: Any = None
        for param, grad, state in self._ready(group):
            t = count_up(state["step"])
            now, then = _momenta(group, t)
            product = multiply_number(state["mu_product"], now)
            if (t, product) != last:
                last, numbers = (t, product), _numbers(group, t, now, then, product)
            update(formula, numbers, grad, param, state["exp_avg"], state["exp_avg_sq"])

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for known in self.state.values():  # old states have plain numbers
            if isinstance(known, dict) and isinstance(known.get("mu_product"), (int, float)):
                known["mu_product"] = new_count(known["mu_product"])


def _momenta(group: dict[str, Any], t: float) -> tuple[float, float]:
    """mu of this step, and of the next."""
    beta1, decay = group["betas"][0], group["momentum_decay"]
    return beta1 * (1 - 0.5 * 0.96 ** (t * decay)), beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))


def _numbers(group: dict[str, Any], t: float, now: float, then: float, product: float) -> Numbers:
    lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
    return Numbers(
        rate_g=lr * (1 - now) / (1 - product),
        rate_m=lr * then / (1 - product * then),
        correction=1 / (1 - beta2**t),
        eps=group["eps"],
        share1=1 - beta1,
        beta2=beta2,
        share2=1 - beta2,
        decay=decay,
        keep=1 - lr * decay,
    )
