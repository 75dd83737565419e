"""Adafactor: the second moment of a matrix kept as its row and column means.

N. Shazeer, M. Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML 2018. As PyTorch has it: no
first moment, and a learning rate that only bounds the paper's.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.functions.types import finfo
from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, filled, filled_like, new_count, number_of, update
from wengert.tensors.tensor import Tensor


class Adafactor(Method):
    r"""At step t, with b = t^beta2_decay and the root mean square of a tensor written rms:

        r <- r + b (mean of g^2 along rows - r),  c <- c + b (mean of g^2 along columns - c)
        v  = r c / max(mean(r), eps1)                     a vector or scalar: v <- v + b (g^2 - v)
        u  = g / sqrt(max(v, eps1^2))
        x <- (1 - lr weight_decay) x - max(eps2, rms(x)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / d)

    Args:
        params: parameters or groups of them.
        lr: the largest learning rate; a number, or a tensor of one element.
        beta2_decay, d, weight_decay: as in the formula.
        eps: eps1 (None: the machine precision of the parameter) and eps2.
        maximize: go up the gradient instead of down.
        foreach: accepted and without effect.

    State: "step" (t), and "row_var" (r), "col_var" (c) or "variance" (v).
    Raises: ValueError for numbers outside their range; RuntimeError for complex parameters.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[Optional[float], float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: Optional[bool] = None,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        checks = [
            (beta2_decay <= 0.0, "beta2_decay should be <= 0", beta2_decay),
            (eps[0] is None or eps[0] >= 0.0, "epsilon1 should be >= 0", eps[0]),
            (eps[1] >= 0.0, "epsilon2 should be >= 0", eps[1]),
            (d >= 1.0, "Clipping threshold d should be >= 1", d),
            (weight_decay >= 0.0, "weight_decay should be >= 0", weight_decay),
        ]
        for good, wanted, got in checks:
            if not good:
                raise ValueError(f"{wanted} but is: {got}")
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if param.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        state["step"] = new_count()
        shape = tuple(param.shape)
        if len(shape) > 1:
            state["row_var"] = filled((*shape[:-1], 1), param.dtype)
            state["col_var"] = filled((*shape[:-2], 1, shape[-1]), param.dtype)
        else:
            state["variance"] = filled_like(param, 0)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        def formula(n: Scalars, g: Node, x: Node, *moments: Node) -> tuple[Node, ...]:
            g = -g if way.rises else g
            size = primitives.maximum(n.eps2, _rms(x)) * n.rate
            if way.decays:
                x = n.keep * x
            moments, v = _moments(n, g, moments)
            u = g * primitives.rsqrt(primitives.maximum(v, n.eps1_squared))
            return x - size / primitives.maximum(n.one, _rms(u) * n.clip) * u, *moments

        lr, (eps1, eps2) = number_of(group["lr"]), group["eps"]
        for param, grad, state in self._ready(group):
            t = count_up(state["step"])
            least = finfo(param.dtype).eps if eps1 is None else eps1
            numbers = Numbers(
                share=t ** group["beta2_decay"], rate=min(lr, 1 / t**0.5), eps1=least, eps1_squared=least * least,
                eps2=eps2, keep=1 - lr * group["weight_decay"], clip=1 / group["d"], one=1.0,
            )  # fmt: skip
            names = ("row_var", "col_var") if "row_var" in state else ("variance",)
            update(formula, numbers, grad, param, *[state[name] for name in names])


def _rms(x: Node) -> Node:
    """The root of the mean square. Dividing first keeps it from overflowing sooner than need be."""
    square = primitives.reduce_sum(primitives.square(x), axes=tuple(range(x.type.ndim)))
    return primitives.sqrt(square / max(x.type.size, 1))


def _mean(x: Node, axis: int) -> Node:
    """Along one axis, which stays with size 1."""
    shape = list(x.type.shape)
    axis %= len(shape)
    count, shape[axis] = max(shape[axis], 1), 1
    return primitives.reshape(primitives.reduce_sum(x, axes=(axis,)), shape=tuple(shape)) / count


def _moments(n: Scalars, g: Node, moments: tuple[Node, ...]) -> tuple[tuple[Node, ...], Node]:
    """The moments after this gradient, and the second moment that they stand for."""
    square = primitives.square(g)
    if len(moments) == 1:
        v = moments[0] + n.share * (square - moments[0])
        return (v,), v
    rows = moments[0] + n.share * (_mean(square, -1) - moments[0])
    columns = moments[1] + n.share * (_mean(square, -2) - moments[1])
    return (rows, columns), rows * columns / primitives.maximum(_mean(rows, -2), n.eps1)
