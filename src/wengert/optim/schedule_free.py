"""Schedule-free AdamW: an average of the way takes the place of a falling learning rate, so that the length of the
training need not be known.

A. Defazio, X. Yang, H. Mehta, K. Mishchenko, A. Khaled, A. Cutkosky, "The road less scheduled", NeurIPS 2024, algorithm 1.
"""

from __future__ import annotations

from typing import Any

from wengert.graph.node import Node
from wengert.graph.record import tracking
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_betas, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, filled_like, new_count, number_of, update
from wengert.primitives.control import clone
from wengert.runtime.flush import flush
from wengert.tensors.tensor import Tensor, wrap


class ScheduleFreeAdamW(Method):
    r"""Gradients are taken at y, between the base sequence z and its average x. At step t:

        v <- beta2 v + (1 - beta2) g^2
        gamma = lr sqrt(1 - beta2^t) min(1, t / warmup_steps)
        z <- z - gamma g / (sqrt(v) + eps) - gamma weight_decay y
        c  = gamma^2 / (sum of all gamma^2 so far)
        x <- (1 - c) x + c z
        y <- (1 - beta1) z + beta1 x

    While training, the parameters hold y; `eval()` puts x into them, for evaluation and checkpoints, and `train()` y
    again. Where batch norm keeps running statistics, these are of y: see `swa_utils.update_bn`.

    Args:
        params: parameters or groups of them.
        lr: learning rate; a number, or a tensor of one element.
        betas: (beta1, beta2) of the formula; beta1 above 0.
        eps, weight_decay, warmup_steps: as in the formula.
        maximize: go up the gradient instead of down.

    State: "step" (t), "z", "exp_avg_sq" (v); in the group "weight_sum" (of gamma^2) and "train_mode".
    Raises: ValueError for numbers outside their range; RuntimeError for a step in evaluation mode.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2.5e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
        *,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        check_betas(betas)
        if betas[0] == 0.0:
            raise ValueError("Invalid beta parameter at index 0: 0; the average is kept between the two sequences")
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "warmup_steps": warmup_steps,
            "maximize": maximize, "weight_sum": 0.0, "group_step": 0, "train_mode": True,
        }  # fmt: skip
        super().__init__(params, defaults)

    def eval(self) -> None:
        """Put the averages x into the parameters."""
        self._show(train=False)

    def train(self) -> None:
        """Put the sequence y, at which gradients are taken, into the parameters again."""
        self._show(train=True)

    def _show(self, train: bool) -> None:
        def to_average(n: Scalars, z: Node, y: Node) -> tuple[Node, ...]:
            return (z + (y - z) * n.inverse,)

        def to_training(n: Scalars, z: Node, x: Node) -> tuple[Node, ...]:
            return (z + (x - z) * n.beta1,)

        with tracking(False):
            for group in self.param_groups:
                if group["train_mode"] is train:
                    continue
                group["train_mode"] = train
                numbers = Numbers(beta1=group["betas"][0], inverse=1 / group["betas"][0])
                for param in group["params"]:
                    if "z" in self.state.get(param, {}):
                        update(to_training if train else to_average, numbers, self.state[param]["z"], param)
        flush()

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        with tracking(False):
            state["step"], state["z"] = new_count(), wrap(clone(param._read()))
        state["exp_avg_sq"] = filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        if not group["train_mode"]:
            raise RuntimeError("ScheduleFreeAdamW: the parameters hold the averages; call optimizer.train() before a step")
        numbers = _numbers(group)

        def formula(n: Scalars, g: Node, y: Node, z: Node, v: Node) -> tuple[Node, ...]:
            g = -g if way.rises else g
            v = n.beta2 * v + n.share2 * primitives.square(g)
            x = z + (y - z) * n.inverse
            z = z - n.gamma * g / (primitives.sqrt(v) + n.eps)
            if way.decays:
                z = z - n.decay * y
            x = x + n.c * (z - x)
            return z + n.beta1 * (x - z), z, v

        for param, grad, state in self._ready(group):
            count_up(state["step"])
            update(formula, numbers, grad, param, state["z"], state["exp_avg_sq"])


def _numbers(group: dict[str, Any]) -> Numbers:
    """The numbers of the group's next step, which is counted here."""
    beta1, beta2 = group["betas"]
    t = group["group_step"] = group["group_step"] + 1
    gamma = number_of(group["lr"]) * (1 - beta2**t) ** 0.5 * min(1.0, t / max(group["warmup_steps"], 1))
    group["weight_sum"] += gamma**2
    return Numbers(
        gamma=gamma,
        decay=gamma * group["weight_decay"],
        c=gamma**2 / group["weight_sum"] if group["weight_sum"] else 0.0,
        beta1=beta1,
        inverse=1 / beta1,
        beta2=beta2,
        share2=1 - beta2,
        eps=group["eps"],
    )
