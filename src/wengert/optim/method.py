"""Method: what wengert's own optimizers share beyond `Optimizer`: the walk over the groups, the loss of a closure, and
the checks of options that most of them have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Optional

from wengert.graph.record import tracking
from wengert.optim.optimizer import Optimizer
from wengert.optim.update import new_count, together
from wengert.tensors.tensor import Tensor


class Method(Optimizer):
    """An optimizer that updates its groups one after another, each in `_step`."""

    def step(self, closure: Optional[Callable[[], Any]] = None) -> Any:
        """Update every parameter that has a gradient.

        closure: computes the loss anew and calls backward; its result is returned.
        """
        loss = None
        if closure is not None:
            with tracking(True):
                loss = closure()
        with tracking(self.defaults.get("differentiable", False)), together():
            for group in self.param_groups:
                self._step(group)
        return loss

    def _ready(self, group: dict[str, Any]) -> Iterator[tuple[Tensor, Tensor, dict[str, Any]]]:
        """Every parameter of the group that has a gradient, with it, and with its state, begun where there is none."""
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                self._begin(param, state, group)
            yield param, grad, state

    def _begin(self, param: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Put what a method remembers of a parameter into its state."""

    def _step(self, group: dict[str, Any]) -> None:
        """Record the update of every parameter of the group that has a gradient."""
        raise NotImplementedError

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for known in self.state.values():  # old states have plain numbers as counts
            if isinstance(known, dict) and isinstance(known.get("step"), (int, float)):
                known["step"] = new_count(known["step"])


def check_rate(lr: Any) -> None:
    """A learning rate is a number from 0 up, or a tensor of one element. Raises: ValueError, TypeError."""
    if isinstance(lr, Tensor):
        if lr.numel() != 1:
            raise ValueError(f"Tensor lr must be 1-element; got shape {list(lr.shape)}")
        return
    check_not_negative("learning rate", lr)


def check_not_negative(name: str, value: Any) -> None:
    """Raises: ValueError when the value is below 0 or NaN."""
    if not value >= 0.0:
        raise ValueError(f"Invalid {name}: {value}")


def check_betas(betas: Any) -> None:
    """Two numbers from 0 up to, not including, 1. Raises: ValueError."""
    for index, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


def check_implementation(foreach: Optional[bool], fused: Optional[bool], differentiable: bool) -> None:
    """Options that choose among PyTorch's implementations: wengert has one, and rejects what PyTorch rejects."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
