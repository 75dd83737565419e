"""ReduceLROnPlateau: lower the rate when a measure has stopped getting better."""

from __future__ import annotations

import warnings
from math import inf
from typing import Any, Optional

from wengert.optim.lr_scheduler.base import _EPOCH, LRScheduler, checked, rate_of, set_option
from wengert.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """r <- max(factor r, min_lr) after more than `patience` epochs without a better measure.

    Args:
        mode: "min" if smaller measures are better, "max" if larger ones are.
        threshold, threshold_mode: how much better: by that share ("rel") or that amount ("abs") of the best so far.
        cooldown: epochs to wait after a change before counting again.
        min_lr: where to stop, one for all groups or a list.
        eps: a change smaller than this is not made.

    Raises: ValueError for a factor of 1 or more, unknown modes, and a list of another length than the groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.optimizer = checked(optimizer)
        self.factor = factor
        count = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)):
            if len(min_lr) != count:
                raise ValueError(f"expected {count} min_lrs, got {len(min_lr)}")
            self.default_min_lr = None
            self.min_lrs = list(min_lr)
        else:
            self.default_min_lr = min_lr
            self.min_lrs = [min_lr] * count
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self._rates()
        self.mode_worse = inf if mode == "min" else -inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._reset()

    def _reset(self) -> None:
        """Forget the measures so far."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: Any, epoch: Optional[int] = None) -> None:  # type: ignore[override]
        """Note this epoch's measure (a number, or a tensor of one element), and lower the rates if it is time."""
        measure = float(metrics)
        if epoch is not None:
            warnings.warn(_EPOCH, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(measure, self.best):
            self.best = measure
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._rates()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # groups were added
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"the optimizer has {len(groups)} groups, but min_lr was given for {len(self.min_lrs)}; add the "
                    "minimum of each new group to the scheduler's `min_lrs`"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, low in zip(groups, self.min_lrs):
            old = rate_of(group)
            new = max(old * self.factor, low)
            if old - new > self.eps:
                set_option(group, "lr", new)

    @property
    def in_cooldown(self) -> bool:
        """Whether the rate was changed so lately that epochs are not counted."""
        return self.cooldown_counter > 0

    def is_better(self, a: float, best: float) -> bool:
        """Whether `a` is better than `best` by more than the threshold."""
        smaller = self.mode == "min"
        margin = -self.threshold if smaller else self.threshold
        bar = best * (1.0 + margin) if self.threshold_mode == "rel" else best + margin
        return a < bar if smaller else a > bar
