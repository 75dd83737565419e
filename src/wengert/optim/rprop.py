"""Rprop: steps whose sizes grow while the gradient keeps its sign, and shrink when it turns. For whole data sets.

M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", IEEE
International Conference on Neural Networks 1993; the variant without taking back a step: C. Igel, M. Husken, "Improving
the Rprop learning algorithm", NC 2000 (iRprop-).
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, filled_like, new_count, number_of, update
from wengert.tensors.tensor import Tensor


class Rprop(Method):
    r"""With p the product of the gradient g and the one before:

        s <- min(max(s f, smallest), largest)        f = etas[1] where p > 0, etas[0] where p < 0, else 1
        g <- 0 where p < 0
        x <- x - sign(g) s

    Args:
        params: parameters or groups of them.
        lr: the first step size s; a number, or a tensor of one element.
        etas: the factors of shrinking and growing, 0 < etas[0] < 1 < etas[1].
        step_sizes: the smallest and the largest step.
        maximize: go up the gradient instead of down.
        foreach, capturable: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step", "prev" (g), "step_size" (s).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: Optional[bool] = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr = float(number_of(group["lr"]))
        state["step"], state["prev"] = new_count(), filled_like(param, 0)
        state["step_size"] = filled_like(param, complex(lr, lr) if param.is_complex() else lr)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        shrink, grow = group["etas"]
        smallest, largest = group["step_sizes"]
        numbers = Numbers(shrink=shrink, grow=grow, smallest=smallest, largest=largest, zero=0.0, one=1.0)

        def formula(n: Scalars, g: Node, x: Node, before: Node, size: Node) -> tuple[Node, ...]:
            g = -g if way.rises else g
            product = g * before
            turned = product < n.zero
            same = n.one + n.zero * product  # 1, but NaN where the gradient is
            factor = primitives.where(product > n.zero, n.grow, primitives.where(turned, n.shrink, same))
            size = primitives.clamp(size * factor, n.smallest, n.largest)
            g = primitives.where(turned, n.zero, g)
            return x - primitives.sign(g) * size, g, size

        for param, grad, state in self._ready(group):
            count_up(state["step"])
            update(formula, numbers, grad, param, state["prev"], state["step_size"])
