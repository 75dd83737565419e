"""Muon: momentum whose matrix is brought near to an orthogonal one.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the rate's adjustment to AdamW's size of
step: J. Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982, 2025.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.dtypes import bfloat16, float32
from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_rate
from wengert.optim.update import Numbers, Scalars, filled_like, update
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor


class Muon(Method):
    r"""For matrices:

        b <- momentum b + (1 - momentum) g
        u  = orthogonal(g + momentum (b - g))                   without Nesterov's momentum: orthogonal(b)
        x <- (1 - lr weight_decay) x - lr' u

    orthogonal(u) is `ns_steps` of Newton and Schulz's iteration u <- a u + (b u u^T + c (u u^T)^2) u, from u / |u|, in
    bfloat16. lr' is lr sqrt(max(1, rows / columns)); with "match_rms_adamw" 0.2 lr sqrt(max(rows, columns)).

    Args:
        params: matrices, or groups of them. Leave other parameters to another method.
        lr, weight_decay, momentum, nesterov: as in the formula.
        ns_coefficients, ns_steps: a, b, c of the iteration, and how often.
        eps: the least norm that u is divided by.
        adjust_lr_fn: None or "original", or "match_rms_adamw".

    State: "momentum_buffer" (b).
    Raises: ValueError for numbers outside their range and for parameters that are no matrices; RuntimeError for complex
    ones.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: Optional[str] = None,
    ) -> None:
        check_rate(lr)
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        if not 0 <= ns_steps < 100:
            raise ValueError(f"Number of steps must be less than 100 for computational efficiency, but is: {ns_steps}")
        if len(ns_coefficients) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As any method's. Raises: ValueError for a parameter that is no matrix."""
        super().add_param_group(param_group)
        for param in self.param_groups[-1]["params"]:
            if param.ndim != 2:
                self.param_groups.pop()
                raise ValueError(
                    f"Muon only supports 2D parameters whereas we found a parameter with size: {param.shape}. Give the "
                    "others to AdamW."
                )

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if param.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state["momentum_buffer"] = filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        momentum, lr, decay = group["momentum"], group["lr"], group["weight_decay"]
        a, b, c = group["ns_coefficients"]
        nesterov, steps = bool(group["nesterov"]), int(group["ns_steps"])

        def formula(n: Scalars, g: Node, x: Node, buffer: Node) -> tuple[Node, ...]:
            buffer = buffer + n.share * (g - buffer)
            u = g + n.momentum * (buffer - g) if nesterov else buffer
            u = orthogonal(u, n, steps)
            return n.keep * x - n.rate * move(u, x.type.dtype), buffer

        for param, grad, state in self._ready(group):
            rows, columns = param.shape
            factor = max(1, rows / max(columns, 1)) ** 0.5
            if group["adjust_lr_fn"] == "match_rms_adamw":
                factor = 0.2 * max(rows, columns) ** 0.5
            numbers = Numbers(
                share=1 - momentum, momentum=momentum, keep=1 - lr * decay, rate=lr * factor, a=a, b=b, c=c,
                eps=group["eps"],
            )  # fmt: skip
            update(formula, numbers, grad, param, state["momentum_buffer"])


def orthogonal(u: Node, n: Scalars, steps: int) -> Node:
    """Newton and Schulz's iteration, of the matrix or its transpose, whichever is flat. Products of bfloat16 numbers, each
    sum rounded once, held as float32."""
    rows, columns = u.type.shape
    a, b, c, eps = [move(number, float32) for number in (n.a, n.b, n.c, n.eps)]
    x = _rounded(u)
    norm = primitives.sqrt(primitives.reduce_sum(primitives.square(x), axes=(0, 1)))
    x = _rounded(x / _rounded(primitives.maximum(norm, eps)))
    x = _turned(x) if rows > columns else x
    for _ in range(steps):
        gram = _rounded(primitives.dot(x, _turned(x)))
        change = _rounded(b * gram + c * primitives.dot(gram, gram))
        x = _rounded(a * x + primitives.dot(change, x))
    return _turned(x) if rows > columns else x


def _rounded(x: Node) -> Node:
    """To what bfloat16 holds."""
    return move(move(x, bfloat16), float32)


def _turned(x: Node) -> Node:
    return primitives.permute(x, order=(1, 0))
