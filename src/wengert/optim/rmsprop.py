"""RMSprop: steps scaled by a running mean of the squared gradient.

T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", COURSERA: Neural Networks for Machine Learning, 2012. Centered form:
A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, 2013.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, descent, filled_like, new_count, update


class RMSprop(Method):
    r"""With g the gradient plus `weight_decay` x:

        v <- alpha v + (1 - alpha) g^2
        d  = sqrt(v) + eps                    centered: a <- alpha a + (1 - alpha) g,  d = sqrt(v - a^2) + eps
        x <- x - lr g / d                     with momentum mu: b <- mu b + g / d,  x <- x - lr b

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        alpha, eps, weight_decay, momentum, centered: as in the formula.
        maximize: go up the gradient instead of down.
        capturable, foreach: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step", "square_avg" (v), "momentum_buffer" (b) with momentum, "grad_avg" (a) when centered.
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: Optional[bool] = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("epsilon value", eps)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("alpha value", alpha)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        alpha, momentum, centered = group["alpha"], group["momentum"], bool(group["centered"])
        lr, eps, decay = group["lr"], group["eps"], group["weight_decay"]
        numbers = Numbers(lr=lr, alpha=alpha, share=1 - alpha, eps=eps, decay=decay, momentum=momentum)
        moves = momentum != 0

        def formula(n: Scalars, g: Node, x: Node, v: Node, *others: Node) -> tuple[Node, ...]:
            g = descent(n, g, x, way)
            v = variance = n.alpha * v + n.share * primitives.square(g)
            a: tuple[Node, ...] = ()
            if centered:
                a = (others[0] + n.share * (g - others[0]),)
                variance = v - primitives.square(a[0])
            scale = primitives.sqrt(variance) + n.eps
            if not moves:
                return x - n.lr * g / scale, v, *a
            b = n.momentum * others[-1] + g / scale
            return x - n.lr * b, v, *a, b

        names = ["square_avg", *["grad_avg"] * bool(centered), *["momentum_buffer"] * bool(momentum)]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                state["step"] = new_count()
            for name in names:
                if state.get(name) is None:
                    state[name] = filled_like(param, 0)
            count_up(state["step"])
            update(formula, numbers, grad, param, *[state[name] for name in names])
