"""SOAP: Adam in the basis in which Shampoo's preconditioner is diagonal.

N. Vyas, D. Morwani, R. Zhao, M. Kwun, I. Shapira, D. Brandfonbrener, L. Janson, S. Kakade, "SOAP: improving and stabilizing
Shampoo using Adam", ICLR 2025 (arXiv:2409.11321), algorithm 3. The preconditioner: V. Gupta, T. Koren, Y. Singer,
"Shampoo: preconditioned stochastic tensor optimization", ICML 2018.
"""

from __future__ import annotations

from typing import Any

from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.optim.method import Method, check_betas, check_not_negative, check_rate
from wengert.optim.update import Numbers, Scalars, Way, count_up, filled, filled_like, new_count, update
from wengert.tensors.tensor import Tensor


class SOAP(Method):
    r"""For a matrix (more dimensions: the first against all others) at step t:

        m <- beta1 m + (1 - beta1) g
        g' = Q_L^T g Q_R,  m' = Q_L^T m Q_R
        v <- beta2 v + (1 - beta2) g'^2
        n  = m' / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
        x <- (1 - lr weight_decay) x - lr Q_L n Q_R^T
        L <- shampoo_beta L + (1 - shampoo_beta) g g^T,  R the same with g^T g
        every `precondition_frequency` steps: Q_L <- the Q of QR(L Q_L), Q_R <- the Q of QR(R Q_R)

    Q_L and Q_R begin as the eigenvectors of the first g g^T and g^T g. Vectors, and sides longer than
    `max_precond_dim`, have the identity for them: then this is AdamW.

    Args:
        params: parameters or groups of them; real.
        lr: learning rate; a number, or a tensor of one element.
        betas, eps, weight_decay, precondition_frequency, max_precond_dim: as above.
        shampoo_beta: as in the formula; None takes beta2.
        maximize: go up the gradient instead of down.

    State: "step" (t), "exp_avg" (m), "exp_avg_sq" (v), "L", "R", "Q_L", "Q_R".
    Raises: ValueError for numbers outside their range; RuntimeError for complex parameters.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 3e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        precondition_frequency: int = 10,
        max_precond_dim: int = 10000,
        shampoo_beta: float | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        check_betas(betas)
        check_betas(() if shampoo_beta is None else (shampoo_beta,))
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        if not precondition_frequency >= 1:
            raise ValueError(f"Invalid precondition_frequency: {precondition_frequency}; it must be at least 1")
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "precondition_frequency": precondition_frequency, "max_precond_dim": max_precond_dim,
            "shampoo_beta": shampoo_beta,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if param.is_complex():
            raise RuntimeError("SOAP does not support complex parameters")
        state["step"] = new_count()
        state["exp_avg"], state["exp_avg_sq"] = filled_like(param, 0), filled_like(param, 0)
        for side, n in zip("LR", _matrix_shape(tuple(param.shape))):
            if n is not None and 1 < n <= group["max_precond_dim"]:
                state[side], state[f"Q_{side}"] = filled((n, n), param.dtype), filled((n, n), param.dtype)

    def _step(self, group: dict[str, Any]) -> None:
        way = Way.of(group)
        for param, grad, state in self._ready(group):
            t = count_up(state["step"])
            sides = "".join([side for side in "LR" if side in state])
            formula = _formula(way, sides, t == 1, t % group["precondition_frequency"] == 0)
            bases = [state[name] for side in sides for name in (side, f"Q_{side}")]
            update(formula, _numbers(group, t), grad, param, state["exp_avg"], state["exp_avg_sq"], *bases)


def _numbers(group: dict[str, Any], t: float) -> Numbers:
    lr, (beta1, beta2), beta = group["lr"], group["betas"], group["shampoo_beta"]
    correction = (1 - beta2**t) ** 0.5
    return Numbers(
        rate=lr * correction / (1 - beta1**t),
        eps=group["eps"] * correction,
        keep=1 - lr * group["weight_decay"],
        share1=1 - beta1,
        share2=1 - beta2,
        share=1 - (beta2 if beta is None else beta),
    )


def _matrix_shape(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The sides of the matrix that a parameter is taken for; None for a side that is not there."""
    if len(shape) < 2:
        return None, None
    columns = 1
    for n in shape[1:]:
        columns *= n
    return shape[0], columns


def _formula(way: Way, sides: str, first: bool, turn: bool) -> Any:
    """The update of one parameter; `sides` are those with a basis of their own."""

    def formula(n: Scalars, g: Node, x: Node, m: Node, v: Node, *state: Node) -> tuple[Node, ...]:
        g = -g if way.rises else g
        matrices, bases = dict(zip(sides, state[::2])), dict(zip(sides, state[1::2]))
        for side in sides:
            gram = _gram(_as_matrix(g), side)
            if first:
                bases[side] = primitives.element(primitives.eigh(gram, lower=True), index=1)
            matrices[side] = matrices[side] + n.share * (gram - matrices[side])
        m = m + n.share1 * (g - m)
        v = v + n.share2 * (primitives.square(_into(g, bases)) - v)
        x = n.keep * x - n.rate * _out_of(_into(m, bases) / (primitives.sqrt(v) + n.eps), bases)
        if turn:
            for side in sides:
                power = primitives.dot(matrices[side], bases[side])
                bases[side] = primitives.element(primitives.qr(power, mode="reduced"), index=0)
        return x, m, v, *[part for side in sides for part in (matrices[side], bases[side])]

    return formula


def _as_matrix(x: Node) -> Node:
    return primitives.reshape(x, shape=_matrix_shape(x.type.shape)) if x.type.ndim > 2 else x


def _as_shape(x: Node, shape: tuple[int, ...]) -> Node:
    return x if x.type.shape == shape else primitives.reshape(x, shape=shape)


def _into(x: Node, bases: dict[str, Node]) -> Node:
    """Q_L^T x Q_R"""
    y = primitives.dot(_turned(bases["L"]), _as_matrix(x)) if "L" in bases else x
    y = primitives.dot(_as_matrix(y), bases["R"]) if "R" in bases else y
    return _as_shape(y, x.type.shape)


def _out_of(x: Node, bases: dict[str, Node]) -> Node:
    """Q_L x Q_R^T"""
    y = primitives.dot(bases["L"], _as_matrix(x)) if "L" in bases else x
    y = primitives.dot(_as_matrix(y), _turned(bases["R"])) if "R" in bases else y
    return _as_shape(y, x.type.shape)


def _gram(g: Node, side: str) -> Node:
    return primitives.dot(g, _turned(g)) if side == "L" else primitives.dot(_turned(g), g)


def _turned(x: Node) -> Node:
    return primitives.permute(x, order=(1, 0))
