"""LRScheduler: what every schedule shares. It counts epochs (or whatever `step` is called after) and writes the rates
into the optimizer's groups.

Most schedules say the new rate by the present one (`get_lr`), so that several can act on one optimizer; where the rate
follows from the epoch alone, `_get_closed_form_lr` says it too, and is used when `step` is given an epoch.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np

from wengert.graph.record import literal, recorder, tracking
from wengert.optim.optimizer import Optimizer
from wengert.tensors.tensor import Tensor, write

_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
    "`optimizer.step()` first, else the first value of the schedule is never used."
)
_REPLACED = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure "
    "to call `optimizer.step()` before `lr_scheduler.step()`."
)
_EPOCH = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. Until then a given epoch means the closed form of the schedule, where "
    "there is one."
)
_OUTSIDE = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


class LRScheduler:
    """Base of all schedules. A schedule of its own defines `get_lr`.

    Args:
        optimizer: whose groups' "lr" is set.
        last_epoch: the epoch to go on from; -1 begins anew and notes each group's rate as its "initial_lr".

    Attributes: `base_lrs`, the initial rates; `last_epoch`.
    Raises: TypeError when `optimizer` is none; KeyError when going on with a group that has no "initial_lr".
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", rate_of(group))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming an optimizer"
                )
        self.base_lrs: list[Any] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        vars(optimizer).setdefault("_steps_when_scheduled", optimizer._steps_taken)
        self._is_initial = self._get_lr_called_within_step = False
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def step(self, epoch: Optional[int] = None) -> None:
        """Go on by one epoch, or (deprecated) to the given one, and set the rates."""
        if self._step_count == 1:
            if "step" in vars(self.optimizer):
                warnings.warn(_REPLACED, UserWarning, stacklevel=2)
            elif self.optimizer._steps_taken == vars(self.optimizer).get("_steps_when_scheduled"):
                warnings.warn(_ORDER, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(_EPOCH, UserWarning, stacklevel=2)
        self._go_to(epoch)

    def _go_to(self, epoch: Optional[int]) -> None:
        """Set the rates of the next epoch, or of a given one by the closed form."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        try:
            if epoch is not None and hasattr(self, "_get_closed_form_lr"):
                rates = self._get_closed_form_lr()
            else:
                rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        self._set_rates(rates)

    def _set_rates(self, rates: Sequence[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates):
            set_option(group, "lr", rate)
        self._last_lr = self._rates()

    def _rates(self) -> list[Any]:
        """The present rate of each group."""
        return [rate_of(group) for group in self.optimizer.param_groups]

    def get_lr(self) -> list[Any]:
        """The rate of each group for `last_epoch`, from what it is now. For `step` to call."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr(); a schedule must define one")

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(_OUTSIDE, UserWarning, stacklevel=3)

    def get_last_lr(self) -> list[Any]:
        """The rates that were set last, one for each group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave. The optimizer's own state is loaded by itself."""
        vars(self).update(state_dict)


def checked(optimizer: Any) -> Optimizer:
    """Raises: TypeError when it is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def rate_of(group: dict[str, Any]) -> Any:
    """The present learning rate of a group as a number."""
    rate = group["lr"]
    return rate.item() if isinstance(rate, Tensor) else rate


def set_option(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a group; a tensor is filled, so that whoever else holds it sees the new value."""
    if recorder.trace is not None:
        recorder.trace.refuse("it steps a schedule; call the scheduler's step() outside the compiled function")
    present = group.get(name)
    if isinstance(present, Tensor):
        type = present._node.type
        with tracking(False):
            write(present, literal(np.full(type.shape, value, type.dtype.numpy), type))
    else:
        group[name] = value


def for_each_group(optimizer: Optimizer, name: str, value: Any) -> list[Any]:
    """One value for each group, from one for all or a list.

    Raises: ValueError when the list has another length.
    """
    n = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * n
    if len(value) != n:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, param_groups "
            f"has {n}."
        )
    return list(value)


# --- functions in a state dict -------------------------------------------------------------------------------------


def function_state(function: Callable[..., Any]) -> Optional[dict[str, Any]]:
    """What can be saved of a function: the attributes of a callable object; None for a plain one."""
    return None if isinstance(function, types.FunctionType) else dict(getattr(function, "__dict__", {}))


def load_function_state(function: Any, state: Optional[dict[str, Any]]) -> None:
    """The inverse of `function_state`."""
    if state is not None:
        vars(function).update(state)
