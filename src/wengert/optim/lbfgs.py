"""L-BFGS: Newton's method with the curvature of the last few steps, for whole data sets.

D. C. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45 (1989);
J. Nocedal, S. J. Wright, "Numerical optimization", 2nd edition, algorithm 7.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert.functions.join import cat
from wengert.functions.parts import view_as_real
from wengert.optim.line_search import Probe, strong_wolfe
from wengert.optim.method import check_rate
from wengert.optim.optimizer import Optimizer
from wengert.tensors.modes import enable_grad, no_grad
from wengert.tensors.tensor import Tensor


class LBFGS(Optimizer):
    r"""Each step goes along d = -H g up to `max_iter` times, where H is the inverse Hessian that the last `history_size`
    changes of x and g would have (two loops of dot products; H is never built).

    Args:
        params: parameters; one group only.
        lr: the length of a step in units of d; a number, or a tensor of one element.
        max_iter, max_eval: most iterations and evaluations (default 1.25 max_iter) of one `step`.
        tolerance_grad: ends when no element of g is larger.
        tolerance_change: ends when neither x nor the loss change by more.
        history_size: how many changes are kept.
        line_search_fn: None, or "strong_wolfe": a length that fulfils Wolfe's conditions.

    State, of the first parameter: "func_evals", "n_iter", "d", "t", "old_dirs", "old_stps", "ro", "H_diag",
    "prev_flat_grad", "prev_loss".
    Raises: ValueError for a second group, and for a negative rate.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: Optional[int] = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: Optional[str] = None,
    ) -> None:
        check_rate(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_eval, "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change, "history_size": history_size, "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Optional[Callable[[], Any]] = None) -> Any:
        """Iterate until a tolerance or a bound is reached.

        closure: clears the gradients, computes the loss, calls backward, and returns the loss. It is called many times.
        Returns the loss that it gave first.

        Raises: TypeError without a closure; RuntimeError for an unknown line_search_fn.
        """
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that computes the loss anew: it is evaluated several times")
        return _Run(self, enable_grad()(closure)).go()


class _Run:
    """One call of `step`."""

    def __init__(self, optimizer: LBFGS, closure: Callable[[], Any]) -> None:
        self.closure = closure
        self.group = optimizer.param_groups[0]
        self.params: list[Tensor] = self.group["params"]
        self.state = optimizer.state[self.params[0]]
        self.evaluations = 0

    def go(self) -> Any:
        group, state = self.group, self.state
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = self._evaluate()
        loss, gradient = float(first), self._gradient()
        if _largest(gradient) <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._find_direction(gradient)
            state["prev_flat_grad"], state["prev_loss"] = gradient.clone(), loss
            slope = float(gradient.dot(state["d"]))
            state["t"] = self._first_length(gradient)
            if slope > -group["tolerance_change"]:
                break
            before = loss
            last = iteration == group["max_iter"]
            found = self._advance(Probe(0.0, loss, gradient, slope), last)
            loss, gradient = found.loss, found.gradient
            if last or self.evaluations >= group["max_eval"] or _largest(gradient) <= group["tolerance_grad"]:
                break
            change = state["d"] * state["t"]
            if _largest(change) <= group["tolerance_change"] or abs(loss - before) < group["tolerance_change"]:
                break
        return first

    def _find_direction(self, gradient: Tensor) -> None:
        """Algorithm 7.4: d = -H g."""
        state = self.state
        if state["n_iter"] == 1:
            state.update(d=-gradient, old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return
        self._remember(gradient)
        changes, steps, rhos = state["old_dirs"], state["old_stps"], [float(r) for r in state["ro"]]
        q, alphas = -gradient, []
        for y, s, rho in zip(reversed(changes), reversed(steps), reversed(rhos)):
            alphas.append(float(s.dot(q)) * rho)
            q = q - y * alphas[-1]
        r = q * float(state["H_diag"])
        for y, s, rho, alpha in zip(changes, steps, rhos, reversed(alphas)):
            r = r + s * (alpha - float(y.dot(r)) * rho)
        state["d"] = r

    def _remember(self, gradient: Tensor) -> None:
        """Keep the last change of x and g, if the loss is convex along it, and forget the oldest."""
        state = self.state
        y, s = gradient - state["prev_flat_grad"], state["d"] * float(state["t"])
        curvature = float(y.dot(s))
        if curvature > 1e-10:
            if len(state["old_dirs"]) == self.group["history_size"]:
                for name in ("old_dirs", "old_stps", "ro"):
                    state[name].pop(0)
            state["old_dirs"].append(y)
            state["old_stps"].append(s)
            state["ro"].append(1.0 / curvature)
            state["H_diag"] = curvature / float(y.dot(y))

    def _first_length(self, gradient: Tensor) -> float:
        lr = float(self.group["lr"])
        return min(1.0, 1.0 / float(gradient.abs().sum())) * lr if self.state["n_iter"] == 1 else lr

    def _advance(self, here: Probe, last: bool) -> Probe:
        """Move x along d; the loss and its derivative there. After a plain step they are computed only if needed."""
        state, search = self.state, self.group["line_search_fn"]
        if search is None:
            self._move(state["t"])
            if last:
                return here
            loss = float(self._evaluate())
            return Probe(state["t"], loss, self._gradient(), 0.0)
        if search != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        origin = [param.clone() for param in self.params]

        def probe(length: float) -> Probe:
            self._move(length)
            loss, gradient = float(self._evaluate()), self._gradient()
            for param, value in zip(self.params, origin):
                param.copy_(value)
            return Probe(length, loss, gradient, float(gradient.dot(state["d"])))

        budget = self.group["max_eval"] - self.evaluations
        smallest = self.group["tolerance_change"] / max(_largest(state["d"]), 1e-300)
        found = strong_wolfe(probe, here, state["t"], smallest, budget)
        state["t"] = found.length
        self._move(found.length)
        return found

    # --- the parameters as one vector ------------------------------------------------------------------------------

    def _evaluate(self) -> Any:
        self.evaluations += 1
        self.state["func_evals"] += 1
        return self.closure()

    def _gradient(self) -> Tensor:
        parts = [param.new_zeros(param.shape) if param.grad is None else param.grad for param in self.params]
        return cat([_real(part).reshape(-1) for part in parts])

    def _move(self, length: float) -> None:
        """x <- x + length d"""
        at = 0
        for param in self.params:
            x = _real(param)
            x.add_(self.state["d"][at : at + x.numel()].view(x.shape), alpha=length)
            at += x.numel()


def _real(x: Tensor) -> Tensor:
    return view_as_real(x) if x.is_complex() else x


def _largest(x: Tensor) -> float:
    """The largest absolute value."""
    return float(x.abs().max())
