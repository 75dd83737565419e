"""Stochastic gradient descent.

H. Robbins, S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22 (1951). Momentum: B. T.
Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational Mathematics 4 (1964).
Nesterov's form, as in I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum
in deep learning", ICML 2013.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.optim.method import Method, check_implementation, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, descent, filled_like, update


class SGD(Method):
    r"""x <- x - lr g, and with momentum mu:

        b <- mu b + (1 - dampening) g         (b <- g in the first step)
        x <- x - lr b                         Nesterov: x <- x - lr (g + mu b)

    where g is the gradient plus `weight_decay` x.

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        momentum, dampening, weight_decay: as in the formula.
        nesterov: look ahead; needs momentum and no dampening.
        maximize: go up the gradient instead of down.
        foreach, fused: accepted and without effect: a step is one graph in any case.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "momentum_buffer" (b), when momentum is not 0.
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: Optional[bool] = None,
        differentiable: bool = False,
        fused: Optional[bool] = None,
    ) -> None:
        check_rate(lr)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        momentum, dampening, nesterov = group["momentum"], group["dampening"], bool(group["nesterov"])
        dampened = dampening != 0
        numbers = Numbers(lr=group["lr"], momentum=momentum, decay=group["weight_decay"], share=1 - dampening)
        first = Numbers(**{**numbers.values, "share": 1.0}) if dampened else numbers

        def formula(n: Scalars, g: Node, x: Node, *buffer: Node) -> tuple[Node, ...]:
            g = descent(n, g, x, way)
            if not buffer:
                return (x - n.lr * g,)
            b = n.momentum * buffer[0] + (n.share * g if dampened else g)
            return x - n.lr * (g + n.momentum * b if nesterov else b), b

        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if momentum == 0:
                update(formula, numbers, grad, param)
                continue
            state = self.state[param]
            new = state.get("momentum_buffer") is None
            if new:  # from zeros and with the whole gradient, so that the first step is the same graph
                state["momentum_buffer"] = filled_like(param, 0)
            update(formula, first if new else numbers, grad, param, state["momentum_buffer"])
