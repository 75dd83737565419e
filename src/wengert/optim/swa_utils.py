"""Averages of a model along its training: stochastic weight averaging and exponential moving averages.

P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A. G. Wilson, "Averaging weights leads to wider optima and better
generalization", UAI 2018.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any, Optional, Union

from wengert.functions.data import tensor
from wengert.nn.module import Module
from wengert.optim.lr_scheduler.base import LRScheduler
from wengert.optim.optimizer import Optimizer
from wengert.runtime.flush import flush
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

__all__ = [
    "AveragedModel", "update_bn", "SWALR", "get_ema_multi_avg_fn", "get_swa_multi_avg_fn", "get_ema_avg_fn",
    "get_swa_avg_fn",
]  # fmt: skip

Count = Union[Tensor, int]


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Count], Tensor]:
    """average + (value - average) / (n + 1): the mean of all values."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Count) -> Tensor:
        found: Tensor = averaged_param + (current_param - averaged_param) / (num_averaged + 1)
        return found

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Count], Tensor]:
    """decay average + (1 - decay) value. Raises: ValueError for a decay outside [0, 1]."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Count) -> Tensor:
        found: Any = ema_param * decay + current_param * (1 - decay)
        return found

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[Sequence[Tensor], Sequence[Tensor], Count], None]:
    """As `get_swa_avg_fn`, for lists of tensors, in place."""
    average = get_swa_avg_fn()

    @no_grad()
    def swa_update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Count) -> None:
        for old, new in zip(averaged, current):
            old.copy_(average(old, new, num_averaged))

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Sequence[Tensor], Sequence[Tensor], Count], None]:
    """As `get_ema_avg_fn`, for lists of tensors, in place. Raises: ValueError for a decay outside [0, 1]."""
    average = get_ema_avg_fn(decay)

    @no_grad()
    def ema_update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Count) -> None:
        for old, new in zip(averaged, current):
            old.copy_(average(old, new, num_averaged))

    return ema_update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's, as they were at each `update_parameters`.

    Args:
        model: what is averaged. It is copied, not changed.
        device: where the average is kept.
        avg_fn: (average, value, n) -> new average; by default the mean.
        multi_avg_fn: the same for lists of tensors, in place.
        use_buffers: average the buffers too; otherwise they are copied.

    Raises: AssertionError when both functions are given.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Optional[Callable[[Tensor, Tensor, Count], Tensor]] = None,
        multi_avg_fn: Optional[Callable[[Sequence[Tensor], Sequence[Tensor], Count], None]] = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the model's present parameters into the average."""
        averages, values = self._pairs(model)
        count = self.n_averaged.item()
        if count == 0:
            for old, new in zip(averages, values):
                old.copy_(new)
        elif self.avg_fn is not None:
            for old, new in zip(averages, values):
                old.copy_(self.avg_fn(old, new, self.n_averaged))
        else:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(averages, values, self.n_averaged)
        if not self.use_buffers:
            for old, new in zip(self.module.buffers(), model.buffers()):
                old.copy_(new)
        self.n_averaged.add_(1)
        flush()

    def _pairs(self, model: Module) -> tuple[list[Tensor], list[Tensor]]:
        averages: list[Tensor] = list(self.module.parameters())
        values: list[Tensor] = list(model.parameters())
        if self.use_buffers:
            averages, values = [*averages, *self.module.buffers()], [*values, *model.buffers()]
        return [x.detach() for x in averages], [x.detach() for x in values]


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, by one pass over `loader`: those of averaged weights
    are not the average of the statistics.

    loader: gives inputs, or lists and tuples that begin with them. device: where inputs are moved to.
    """
    momenta = {module: module.momentum for module in model.modules() if hasattr(module, "reset_running_stats")}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # the plain mean over all batches
    try:
        for given in loader:
            inputs = given[0] if isinstance(given, (list, tuple)) else given
            model(inputs if device is None else inputs.to(device))
    finally:
        for module, momentum in momenta.items():
            module.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """Goes from each group's rate to `swa_lr` in `anneal_epochs` steps, and stays there.

    anneal_strategy: "cos" (half a cosine) or "linear".

    Raises: ValueError for another strategy, a negative number of epochs, or as many rates as there are no groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        groups = optimizer.param_groups
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * len(groups)
        if len(rates) != len(groups):
            raise ValueError(f"swa_lr must have one value for each of the {len(groups)} groups, but has {len(rates)}")
        for rate, group in zip(rates, groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: float) -> float:
        """How much of the way is behind after a number of steps."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[Any]:
        """The next rate of each group, by its present one."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", UserWarning, 2
            )
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, end = group["lr"], group["swa_lr"]
            start = end if before == 1 else (lr - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
