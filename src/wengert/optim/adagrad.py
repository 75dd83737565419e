"""Adagrad: steps scaled by the sum of all squared gradients so far.

J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization", Journal
of Machine Learning Research 12 (2011).
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_implementation, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, descent, filled_like, new_count, update
from wengert.tensors.tensor import Tensor


class Adagrad(Method):
    r"""At step t, with g the gradient plus `weight_decay` x:

        s <- s + g^2                          from `initial_accumulator_value`
        x <- x - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        lr_decay, weight_decay, initial_accumulator_value, eps: as in the formula.
        maximize: go up the gradient instead of down.
        foreach, fused: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State, from the beginning: "step" (t), "sum" (s).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: Optional[bool] = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: Optional[bool] = None,
    ) -> None:
        check_rate(lr)
        check_not_negative("lr_decay value", lr_decay)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("initial_accumulator_value value", initial_accumulator_value)
        check_not_negative("epsilon value", eps)
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self._begin(param, self.state[param], group)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        start = group["initial_accumulator_value"]
        state["step"] = new_count()
        state["sum"] = filled_like(param, complex(start, start) if param.is_complex() else start)

    def share_memory(self) -> None:
        """Nothing to do: state is never changed in place, so processes can't share it. Kept for PyTorch's programs."""

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)

        def formula(n: Scalars, g: Node, x: Node, s: Node) -> tuple[Node, ...]:
            g = descent(n, g, x, way)
            s = s + primitives.square(g)
            return x - n.rate * g / (primitives.sqrt(s) + n.eps), s

        last: Optional[float] = None
        for param, grad, state in self._ready(group):
            t = count_up(state["step"])
            if t != last:
                rate = group["lr"] / (1 + (t - 1) * group["lr_decay"])
                last, numbers = t, Numbers(rate=rate, eps=group["eps"], decay=group["weight_decay"])
            update(formula, numbers, grad, param, state["sum"])
