"""A model's step, traced once for each kind of batch and replayed afterwards as one program (`wengert.compile`).

A kind is: the structure, shapes and dtypes of the batch, and the state of what the step reads besides tensors: attributes
of layers, of the optimizer and its like, which variables are trainable. What tensors hold (weights, learning rate,
iterations, statistics, seeds, metrics) is read and written by every replay. A step that can't be replayed, because it
branches on a value or changes an attribute, is recorded like any program, and `reason` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import is_
from typing import Any, Optional

from keras.src.losses.loss import Loss
from keras.src.metrics.metric import Metric
from keras.src.optimizers.base_optimizer import BaseOptimizer
from keras.src.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from keras.src.saving.keras_saveable import KerasSaveable

import wengert
from keras_wengert.layer import changes
from wengert.runtime.flush import flush

# States of a model for which programs are kept; a GAN that switches layers on and off needs two.
MOST_STATES = 8
# States after which a model is taken for one that changes all the time.
MOST_MADE = 64
# Traces in a row that changed something after which a step is taken for one that always does.
MOST_BEGINNINGS = 3

# Attributes of models and layers that loops, calls and saving set, and that no step reads.
OWN = frozenset(
    """
    train_function test_function predict_function stop_training stop_evaluating stop_predicting history
    _eval_epoch_iterator _initial_epoch _compiled_trainable_state _called _jit_compile _losses_override _called_in_fit
    """.split()
)
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


class Snapshot:
    """What a model's steps read besides tensors, as it is now."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.layers = model._flatten_layers()
        self.owners = list(_owners(self.layers))
        self.tables = [dict(vars(owner)) for owner in self.owners]
        self.values = [list(table.values()) for table in self.tables]
        self.variables = list(model.variables)
        self.trainable = [v.trainable for v in self.variables]
        # Optimizers tell nobody when an attribute is set, and are few.
        self.optimizers = [
            (vars(owner), values)
            for owner, values in zip(self.owners, self.values)
            if isinstance(owner, (BaseOptimizer, LearningRateSchedule))
        ]

    def optimizers_hold(self) -> bool:
        """Whether the attributes of optimizers are what they were. Hot."""
        for table, values in self.optimizers:
            if len(table) != len(values) or not all(map(is_, table.values(), values)):
                return False
        return True

    def holds(self) -> bool:
        """Whether everything is what it was. A microsecond or two for each layer, where nothing has changed."""
        if not _same_things(self.model._flatten_layers(), self.layers):
            return False
        for number, owner in enumerate(self.owners):
            if not _same_things(list(vars(owner).values()), self.values[number]) and self._difference(number) is not None:
                return False
        return _same_things(self.model.variables, self.variables) and [v.trainable for v in self.variables] == self.trainable

    def changed(self) -> Optional[str]:
        """Something that is not what it was, in words."""
        if not _same_things(list(_owners(self.model._flatten_layers())), self.owners):
            return "which layers, metrics and optimizers the model has"
        for number, owner in enumerate(self.owners):
            name = self._difference(number)
            if name is not None:
                return f"the attribute {name!r} of {getattr(owner, 'name', None) or type(owner).__name__}"
        variables = self.model.variables
        if not _same_things(variables, self.variables) or [v.trainable for v in variables] != self.trainable:
            return "which variables the model has, or which of them are trainable"
        return None

    def _difference(self, number: int) -> Optional[str]:
        """The name of an attribute of an owner that is not what it was."""
        before, now = self.tables[number], vars(self.owners[number])
        for name in {**before, **now}:
            if name not in OWN and not _same(before.get(name, _ABSENT), now.get(name, _ABSENT)):
                return name
        return None


_ABSENT = object()


def _owners(layers: Any) -> Iterator[Any]:
    """Layers, and the optimizers (with their schedules), losses and metrics that they hold as attributes."""
    seen: set[int] = set()
    for layer in layers:
        yield layer
        for value in vars(layer).values():
            yield from _helpers(value, seen)


def _helpers(value: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(value, (BaseOptimizer, LearningRateSchedule, Loss, Metric)) and id(value) not in seen:
        seen.add(id(value))
        yield value
        for inner in vars(value).values():
            if isinstance(inner, (KerasSaveable, LearningRateSchedule)):
                yield from _helpers(inner, seen)


def _has_rate_of_its_own(owner: Any) -> bool:
    """Whether it is an optimizer with a function as its learning rate, which might give another number every time."""
    rate = getattr(owner, "_learning_rate", None) if isinstance(owner, BaseOptimizer) else None
    return callable(rate) and not isinstance(rate, LearningRateSchedule)


def _same_things(these: Any, those: Any) -> bool:
    return len(these) == len(those) and all(map(is_, these, those))


def _same(before: Any, now: Any) -> bool:
    """Identical, or plain values of one class that are equal."""
    return before is now or (before.__class__ is now.__class__ and isinstance(before, _PLAIN) and bool(before == now))


class Recorded:
    """A step that runs as any wengert program does: recorded, and run when it ends. reason: why it is not replayed."""

    most_at_once = 1

    def __init__(self, step: Callable[[Any], Any], tracked: bool, reason: str) -> None:
        self.step = step
        self.tracked = tracked
        self.reason: Optional[str] = reason

    def __call__(self, data: Any) -> Any:
        """The step's result for a batch, whose values are there."""
        with wengert.set_grad_enabled(self.tracked):
            outputs = self.step(data)
        wengert.flush()
        return outputs

    def each(self, batches: Sequence[Any]) -> Any:
        """Take the step with each of several batches, in order: the result for the last one."""
        outputs = None
        for data in batches:
            outputs = self(data)
        return outputs


class State:
    """The programs of a step in one state of its model. beginnings: traces so far that changed the state."""

    def __init__(self, replayed: Replayed, beginnings: int = 0) -> None:
        self.snapshot = Snapshot(replayed.model)
        self.beginnings = beginnings
        # A batch is a tuple, (x, y) for instance, or one thing.
        self.of_parts: Any = wengert.compile(lambda *parts: replayed.take(parts), silent=True)
        self.of_whole: Any = wengert.compile(lambda data: replayed.take(data), silent=True)

    @property
    def reasons(self) -> list[str]:
        return [*self.of_parts.reasons, *self.of_whole.reasons]


class Replayed:
    """A step that is replayed; see the head of this file.

    step     a function of one batch
    tracked  whether derivatives are taken in it
    """

    def __init__(self, model: Any, step: Callable[[Any], Any], tracked: bool) -> None:
        self.model = model
        self.step = step
        self.tracked = tracked
        self.states: list[State] = []
        self.made = 0  # states so far
        self.count = -1  # of changes, when the state was found
        self.state: Any = None
        self.recorded: Optional[Recorded] = None  # what runs once replaying is given up

    @property
    def reason(self) -> Optional[str]:
        """Why batches of some kind are recorded instead of replayed, in the present state of the model; None where all
        are replayed."""
        if self.recorded is not None:
            return self.recorded.reason
        return next(iter(self.state.reasons), None) if self.state is not None else None

    def __call__(self, data: Any) -> Any:
        """The step's result for a batch, whose values may be on their way."""
        if self.recorded is not None:
            return self.recorded(data)
        if self.count != changes.count or not self.state.snapshot.optimizers_hold():
            self._find_state()
            if self.recorded is not None:
                return self.recorded(data)
        if data.__class__ is tuple:
            compiled = self.state.of_parts
            traces = compiled.traces
            outputs = compiled(*data)
        else:
            compiled = self.state.of_whole
            traces = compiled.traces
            outputs = compiled(data)
        if compiled.traces != traces:
            self._traced()
        flush(beside=True)  # what was recorded runs; a replay may be under way beside
        return outputs

    @property
    def most_at_once(self) -> int:
        """How many batches are worth being given to `each` together."""
        return 1 if self.recorded is not None or self.state is None else self.state.of_parts.most_at_once

    def each(self, batches: Sequence[Any]) -> Any:
        """Take the step with each of several batches, in order: the result for the last one. Where nothing can change
        between the steps, and they do nothing but compute, they are one run (`wengert/compiler/series.py`)."""
        whole = len(batches)
        for count in (whole, whole - 1):  # the last batch of an epoch may be shorter
            found = self._at_once(batches[:count]) if count > 1 else None
            if found is not None:
                return found[0] if count == whole else self(batches[-1])
        outputs = None
        for data in batches:
            outputs = self(data)
        return outputs

    def _at_once(self, batches: Sequence[Any]) -> Optional[tuple[Any]]:
        """The result for the last batch, or None, and then nothing has been done."""
        if self.most_at_once == 1 or self.count != changes.count or not self.state.snapshot.optimizers_hold():
            return None
        if not all([data.__class__ is tuple for data in batches]):
            return None
        found: Optional[tuple[Any]] = self.state.of_parts.at_once(batches)
        flush(beside=True)  # what was recorded before
        return found

    def take(self, data: Any) -> Any:
        """Take the step: what is traced. The losses that calls leave in layers would be tensors of the trace for ever."""
        with wengert.set_grad_enabled(self.tracked):
            outputs = self.step(data)
        if wengert.compiler.is_compiling():
            self.model._clear_losses()
        return outputs

    def _find_state(self) -> None:
        """Go to the state that the model is in."""
        self.count = changes.count
        for place, state in enumerate(self.states):
            if state.snapshot.holds():
                self.states.insert(0, self.states.pop(place))
                break
        else:
            self._add(State(self))
        self.state = self.states[0] if self.states else None

    def _add(self, state: State) -> None:
        self.made += 1
        if self.made > MOST_MADE:
            self._give_up(f"its model was in {MOST_MADE} different states")
        if any([_has_rate_of_its_own(owner) for owner in state.snapshot.owners]):
            self._give_up("the learning rate is a function, which has to be called for every step")
        self.states.insert(0, state)
        del self.states[MOST_STATES:]

    def _give_up(self, reason: str) -> None:
        self.recorded = Recorded(self.step, self.tracked, reason)
        self.states.clear()

    def _traced(self) -> None:
        """After a trace: whether the step left the model in the state in which it found it. If not, what was made is of
        no use later. The first call may have built something; a step that always changes something is not replayed."""
        changed = self.state.snapshot.changed()
        if changed is not None:
            beginnings = self.state.beginnings + 1
            if beginnings >= MOST_BEGINNINGS:
                self._give_up(f"it changes {changed}, which a replay would not do again")
            else:
                self.states.remove(self.state)
                self.state = State(self, beginnings)
                self._add(self.state)
        self.count = changes.count
