"""Adam: steps scaled by running estimates of the gradient's first and second moments.

D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015. AMSGrad: S. J. Reddi, S. Kale, S. Kumar,
"On the convergence of Adam and beyond", ICLR 2018.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_implementation, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, descent, filled_like, new_count, update
from wengert.tensors.tensor import Tensor


class Adam(Method):
    r"""At step t, with g the gradient plus `weight_decay` x:

        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2                     AMSGrad: the largest v so far takes its place below
        x <- x - lr m' / (sqrt(v') + eps)                  m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)

    The corrections for t are one factor: with c = sqrt(1 - beta2^t) the last line is
    x - lr c / (1 - beta1^t) m / (sqrt(v) + c eps), as the paper notes at the end of its section 2.

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        betas, eps, weight_decay, amsgrad: as in the formula.
        maximize: go up the gradient instead of down.
        decoupled_weight_decay: shrink x by the factor 1 - lr weight_decay instead of adding to the gradient (AdamW).
        foreach, capturable, fused: accepted and without effect.
        differentiable: track the update, so that a derivative can be taken through it.

    State: "step" (t), "exp_avg" (m), "exp_avg_sq" (v), and "max_exp_avg_sq" with AMSGrad.
    Raises: ValueError for numbers outside their range.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: Optional[bool] = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: Optional[bool] = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_rate(lr)
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        _check_betas(betas)
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        amsgrad = group["amsgrad"]
        shrinks = bool(group["decoupled_weight_decay"]) and way.decays

        def formula(n: Scalars, g: Node, x: Node, m: Node, v: Node, *largest: Node) -> tuple[Node, ...]:
            if shrinks:
                g, x = (-g if way.rises else g), n.keep * x
            else:
                g = descent(n, g, x, way)
            m = m + n.share1 * (g - m)
            v = n.beta2 * v + n.share2 * primitives.square(g)
            largest = tuple([primitives.maximum(past, v) for past in largest])
            scale = primitives.sqrt(largest[0] if largest else v) + n.eps
            return x - n.rate * m / scale, m, v, *largest

        last: Optional[float] = None  # parameters that joined later have a count of their own
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                state["step"] = new_count()
                state["exp_avg"], state["exp_avg_sq"] = filled_like(param, 0), filled_like(param, 0)
            if amsgrad and "max_exp_avg_sq" not in state:
                state["max_exp_avg_sq"] = filled_like(param, 0)
            t = count_up(state["step"])
            if t != last:
                last, numbers = t, _numbers(group, t)
            largest = (state["max_exp_avg_sq"],) if amsgrad else ()
            update(formula, numbers, grad, param, state["exp_avg"], state["exp_avg_sq"], *largest)


def _numbers(group: dict[str, Any], t: float) -> Numbers:
    lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
    correction = (1 - beta2**t) ** 0.5
    return Numbers(
        rate=lr * (correction / (1 - beta1**t)),
        eps=group["eps"] * correction,
        share1=1 - beta1,
        beta2=beta2,
        share2=1 - beta2,
        decay=decay,
        keep=1 - lr * decay,
    )


def _check_betas(betas: Any) -> None:
    beta1, beta2 = betas
    if isinstance(beta1, Tensor) != isinstance(beta2, Tensor):
        raise ValueError("betas must be either both floats or both Tensors")
    for index, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{index}] must be 1-element; got shape {list(beta.shape)}")
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
