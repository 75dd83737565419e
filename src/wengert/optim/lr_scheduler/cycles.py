"""Rates that go up and down, with the momentum going the other way.

L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017; L. N. Smith, N. Topin,
"Super-convergence: very fast training of neural networks using large learning rates", arXiv:1708.07120, 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, floor, pi
from typing import Any, Optional

from wengert.optim.lr_scheduler.base import (
    LRScheduler,
    checked,
    for_each_group,
    function_state,
    load_function_state,
    set_option,
)
from wengert.optim.optimizer import Optimizer


class _WithMomentum(LRScheduler):
    """Shared by the schedules that also move the momentum: an option "momentum", or the first of "betas"."""

    use_beta1: bool

    def _begin_momentum(self, base: Any, peak: Any, begins: bool) -> None:
        """Note the bounds in each group, and set the momentum if the schedule begins here.

        Raises: ValueError when the optimizer has no momentum.
        """
        optimizer = self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        peaks = for_each_group(optimizer, "max_momentum", peak)
        bases = for_each_group(optimizer, "base_momentum", base)
        if begins:
            for group, low, high in zip(optimizer.param_groups, bases, peaks):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low

    def _set_momentum(self, group: dict[str, Any], value: Any) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            set_option(group, "momentum", value)


class CyclicLR(_WithMomentum):
    """The rate moves between base_lr and max_lr, `step_size_up` steps up and `step_size_down` down, over and over.

    Args:
        base_lr, max_lr: the lower and the upper bound, one for all groups or a list.
        step_size_down: as `step_size_up` when not given.
        mode: "triangular": always to max_lr; "triangular2": half as high in each cycle; "exp_range": lower by the
            factor gamma in each step.
        scale_fn, scale_mode: a function to scale the height instead, of the number of the cycle (from 1) for "cycle" or
            of the step for "iterations".
        cycle_momentum: move the momentum between `base_momentum` and `max_momentum` the other way.

    Raises: ValueError for an unknown mode, lists of another length than the groups, and an optimizer without momentum
    when that is to cycle.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: Optional[int] = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Optional[Callable[[float], float]] = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        lows = for_each_group(optimizer, "base_lr", base_lr)
        self.max_lrs = for_each_group(optimizer, "max_lr", max_lr)
        if mode not in _HEIGHTS and scale_fn is None:
            raise ValueError(f"mode is invalid and scale_fn is None: got {mode!r}, wanted {' or '.join(_HEIGHTS)}")
        if last_epoch == -1:
            for group, low in zip(optimizer.param_groups, lows):
                set_option(group, "lr", low)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self.scale_mode = scale_mode if scale_fn is not None else _HEIGHTS[mode][0]
        self._scale_fn_custom = scale_fn
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(base_momentum, max_momentum, last_epoch == -1)
            self.base_momentums = for_each_group(optimizer, "base_momentum", base_momentum)
            self.max_momentums = for_each_group(optimizer, "max_momentum", max_momentum)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def scale_fn(self, x: float) -> float:
        """The height of a cycle, as a share of the full one."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return _HEIGHTS[self.mode][1](x, self.gamma)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        cycle = floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        rising = x <= self.step_ratio
        share = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        share *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, high - (high - low) * share)
        return [low + (high - low) * share for low, high in zip(self.base_lrs, self.max_lrs)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the scaling function; of a callable object its attributes."""
        state = super().state_dict()
        function = state.pop("_scale_fn_custom")
        return {**state, "_scale_fn_custom": None if function is None else function_state(function)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave; the scaling function stays this object's."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_scale_fn_custom"})
        load_function_state(self._scale_fn_custom, state_dict["_scale_fn_custom"])


# Mode -> what the height depends on, and how.
_HEIGHTS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "triangular": ("cycle", lambda cycle, gamma: 1.0),
    "triangular2": ("cycle", lambda cycle, gamma: 1 / 2.0 ** (cycle - 1)),
    "exp_range": ("iterations", lambda step, gamma: gamma**step),
}


def _cosine(start: Any, end: Any, share: float) -> Any:
    return end + (start - end) / 2.0 * (1 + cos(pi * share))


def _linear(start: Any, end: Any, share: float) -> Any:
    return start + (end - start) * share


_ANNEAL = {"cos": _cosine, "linear": _linear}


class OneCycleLR(_WithMomentum):
    """The rate climbs from max_lr / div_factor to max_lr, and falls to 1 / final_div_factor of where it began; the
    momentum falls and climbs. To be stepped after every batch, `total_steps` times in all.

    Args:
        max_lr: the peak, one for all groups or a list.
        total_steps: or `epochs` and `steps_per_epoch`, whose product it is.
        pct_start: the share of the steps that climb.
        anneal_strategy: "cos" or "linear".
        cycle_momentum, base_momentum, max_momentum: whether and between which bounds the momentum moves.
        three_phase: climb, fall back symmetrically, and only then fall to the last rate.

    Raises: ValueError for numbers that make no schedule, and when stepped more often than `total_steps`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: Optional[int] = None,
        epochs: Optional[int] = None,
        steps_per_epoch: Optional[int] = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        self.total_steps = _number_of_steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in _ANNEAL:
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        peaks = for_each_group(optimizer, "max_lr", max_lr)
        if last_epoch == -1:
            for group, peak in zip(optimizer.param_groups, peaks):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        phase, share = self._place(step)
        anneal = _ANNEAL[self._anneal_func_type]
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(anneal(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                bounds = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, anneal(*bounds, share))
        return rates

    def _place(self, step: int) -> tuple[dict[str, Any], float]:
        """The phase of a step, and which share of it has gone."""
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        return phase, (step - start) / (end - start) if end != start else 1.0


def _number_of_steps(total: Optional[int], epochs: Optional[int], per_epoch: Optional[int]) -> int:
    named: dict[str, Any] = {"total_steps": total}
    if total is None:
        if epochs is None or per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        named = {"epochs": epochs, "steps_per_epoch": per_epoch}
    result = 1
    for name, value in named.items():
        if value <= 0 or not isinstance(value, int):
            raise ValueError(f"Expected positive integer {name}, but got {value}")
        result *= value
    return result


def _phases(total_steps: int, pct_start: float, three: bool) -> list[dict[str, Any]]:
    """Where each phase ends, and between which of a group's options rate and momentum go in it."""
    top = float(pct_start * total_steps) - 1
    rows: list[tuple[float, str, str, str, str]] = [(top, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
    if three:
        back = float(2 * pct_start * total_steps) - 2
        rows.append((back, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
        rows.append((total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
    else:
        rows.append((total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    return [dict(zip(names, row)) for row in rows]
