"""Lion: the sign of momentum.

X. Chen, C. Liang, D. Huang, E. Real, K. Wang, H. Pham, X. Dong, T. Luong, C.-J. Hsieh, Y. Lu, Q. V. Le, "Symbolic discovery
of optimization algorithms", NeurIPS 2023.
"""

from __future__ import annotations

from typing import Any

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_betas, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, filled_like, update
from wengert.tensors.tensor import Tensor


class Lion(Method):
    r"""The paper's program 1:

        x <- x - lr (sign(beta1 m + (1 - beta1) g) + weight_decay x)
        m <- beta2 m + (1 - beta2) g

    Every element moves by lr, so lr is three to ten times smaller than AdamW's, and weight_decay as much larger.

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        betas, weight_decay: as in the formula.
        maximize: go up the gradient instead of down.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "exp_avg" (m).
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["exp_avg"] = filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        lr, (beta1, beta2) = group["lr"], group["betas"]
        numbers = Numbers(lr=lr, keep=1 - lr * group["weight_decay"], share1=1 - beta1, share2=1 - beta2)

        def formula(n: Scalars, g: Node, x: Node, m: Node) -> tuple[Node, ...]:
            g = -g if way.rises else g
            direction = primitives.sign(m + n.share1 * (g - m))
            return n.keep * x - n.lr * direction, m + n.share2 * (g - m)

        for param, grad, state in self._ready(group):
            update(formula, numbers, grad, param, state["exp_avg"])
