"""Calls of Keras's own layers, losses and optimizers that a program makes one by one: the Python behind each runs once for
every kind of call, and what it recorded is recorded again by later ones (`wengert.compile(pending=True)`).

That is right where the Python does nothing but record: everything in the layer is Keras's own, and it leaves nothing
behind (added losses, masks, attributes). What such a call reads besides tensors is looked at again before each one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import is_
from types import FunctionType
from typing import Any, Optional
from weakref import WeakKeyDictionary

from keras.src import tree
from keras.src.backend.common import global_state
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.backend.common.symbolic_scope import in_symbolic_scope
from keras.src.layers.core.lambda_layer import Lambda
from keras.src.layers.layer import Layer
from keras.src.saving.keras_saveable import KerasSaveable

import wengert
from keras_wengert.layer import changes
from keras_wengert.ops.nn.logits import Activation, behind
from keras_wengert.replay import Snapshot
from wengert.graph.record import recorder
from wengert.runtime.flush import flush
from wengert.tensors.tensor import Tensor

# Recordings in a row that changed something, after which a call is taken for one that always does.
MOST_BEGINNINGS = 3


class Held:
    """The attributes of a loss or an optimizer, and of Keras's objects among them (schedules), as they are now."""

    def __init__(self, owner: Any) -> None:
        parts = [one for one in vars(owner).values() if isinstance(one, KerasSaveable) and hasattr(one, "__dict__")]
        self.tables = [(vars(one), list(vars(one).values())) for one in (owner, *parts)]

    def unmoved(self) -> bool:
        """Whether they are what they were. Hot."""
        for table, values in self.tables:
            if len(table) != len(values) or not all(map(is_, table.values(), values)):
                return False
        return True


class OfLayer(Snapshot):
    """What a layer's calls read besides tensors, as it is now."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.count = changes.count

    def unmoved(self) -> bool:
        """Whether everything is what it was. Hot."""
        if self.count == changes.count:
            return True
        if not self.holds():
            return False
        self.count = changes.count
        return True


class Kind:
    """Calls of one kind: which arguments are tensors, and what the others are."""

    def __init__(self, owner: Any, look: Callable[[Any], Any], run: Callable[..., Any]) -> None:
        self.owner, self.look, self.run = owner, look, run
        self.beginnings = 0
        self.given_up = False
        self._begin()

    def _begin(self) -> None:
        self.compiled = wengert.compile(self.run, silent=True, pending=True)
        self.seen = self.look(self.owner)

    def __call__(self, tensors: list[Any]) -> Any:
        """What the call gives for these tensors."""
        if not self.seen.unmoved():
            self._begin()
        traces = self.compiled.traces
        found = self.compiled(*tensors)
        if self.compiled.traces != traces:
            self._traced(found)
        return found

    def _traced(self, found: Any) -> None:
        if self.compiled.reasons or _leaves_something(self.owner, found):
            self.given_up = True
        elif not self.seen.unmoved():  # the first call may have built something
            self.beginnings += 1
            self.given_up = self.beginnings >= MOST_BEGINNINGS
            self._begin()
        else:
            self.beginnings = 0


def _leaves_something(owner: Any, found: Any) -> bool:
    """Whether a call left something besides its result: losses in layers, masks on outputs."""
    masks = any([hasattr(y, "_keras_mask") for y in tree.flatten(found)])
    return masks or (isinstance(owner, Layer) and bool(owner.losses))


def _itself(x: Tensor) -> tuple[None, Tensor]:
    return None, x


class Calls:
    """How the calls of each object are made. The kinds of an object are kept by itself, so that they go with it."""

    def __init__(self) -> None:
        self.pure: WeakKeyDictionary[Any, tuple[int, bool]] = WeakKeyDictionary()
        self.known: WeakKeyDictionary[Any, tuple[Held, bool]] = WeakKeyDictionary()

    def layer(self, call: Callable[..., Any], layer: Any, args: Any, kwargs: Any) -> Any:
        """``call(layer, *args, **kwargs)`` for a call from outside Keras."""
        if not self._is_pure(layer):
            return call(layer, *args, **kwargs)
        return self._call(call, layer, OfLayer, args, kwargs)

    def plain(self, call: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
        """The same for losses. One that looks at how its argument came about (`ops/nn/logits.py`) must see it, so what is
        replayed begins before a softmax or a sigmoid."""
        if not self._is_own(owner):
            return call(owner, *args, **kwargs)
        return self._call(call, owner, Held, args, kwargs, behind)

    def update(self, call: Callable[..., Any], optimizer: Any, args: Any, kwargs: Any) -> Any:
        """``optimizer.apply(grads, variables)``: one kind for each set of variables. The step ends with it, and runs."""
        made = self._update(call, optimizer, *args, **kwargs)
        if not _is_elsewhere():
            flush(beside=True)
        return made

    def _update(self, call: Callable[..., Any], optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
        variables = trainable_variables
        if variables is None:
            return call(optimizer, grads)
        grads, variables = list(grads), list(variables)
        if (
            not self._is_own(optimizer)
            or _is_elsewhere()
            or any([g.__class__ is not Tensor for g in grads])
        ):
            return call(optimizer, grads, variables)
        kinds = _kinds(optimizer)
        key = tuple(map(id, variables))
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = Kind(optimizer, Held, lambda *given: call(optimizer, list(given), variables))
        return call(optimizer, grads, variables) if kind.given_up else kind(grads)

    def _call(
        self, call: Callable[..., Any], owner: Any, look: Any, args: Any, kwargs: Any, source: Callable[[Tensor], Any] = _itself
    ) -> Any:
        if _is_elsewhere():
            return call(owner, *args, **kwargs)
        context = _context()
        if context is None:
            return call(owner, *args, **kwargs)
        tensors: list[Any] = []
        key: list[Any] = [len(args), context]
        for name, value in [*enumerate(args), *kwargs.items()]:
            if value.__class__ is Tensor and "_keras_mask" not in value.__dict__:
                activation, tensor = source(value)
                if tensor is None:
                    return call(owner, *args, **kwargs)
                tensors.append(tensor)
                key.append((name, Tensor, activation))
            elif value is None or value.__class__ in (bool, int, float, str):
                key.append((name, value.__class__, value))
            else:
                return call(owner, *args, **kwargs)
        kinds = _kinds(owner)
        shape = tuple(key)
        kind = kinds.get(shape)
        if kind is None:
            kind = kinds[shape] = Kind(owner, look, _arranged(call, owner, args, kwargs, source))
        return call(owner, *args, **kwargs) if kind.given_up else kind(tensors)

    def _is_own(self, owner: Any) -> bool:
        """Whether a loss or an optimizer, and everything that it holds, is Keras's own."""
        known = self.known.get(owner)
        if known is None or not known[0].unmoved():
            own = _is_keras(owner) and not _has_foreign_parts(owner)
            known = self.known[owner] = Held(owner), own
        return known[1]

    def _is_pure(self, layer: Any) -> bool:
        """Whether a layer, and everything in it, is Keras's own."""
        known = self.pure.get(layer)
        if known is None or known[0] != changes.count:
            pure = layer.built and all([_is_keras(one) and not _has_foreign_parts(one) for one in layer._flatten_layers()])
            known = self.pure[layer] = changes.count, pure
        return known[1]


def _context() -> Any:
    """What the call gets from a layer around it (whether it trains), as a key; None where that is no plain value."""
    context = global_state.get_global_attribute("current_call_ctx")
    if context is None:
        return ()
    values = [(name, value) for name, value in vars(context).items() if name != "entry_layer"]
    plain = all([value is None or value.__class__ in (bool, int, float, str) for _, value in values])
    return tuple([(name, value.__class__, value) for name, value in values]) if plain else None


def _kinds(owner: Any) -> dict[Any, Kind]:
    return vars(owner).setdefault("_kinds_of_calls", {})  # type: ignore[no-any-return]


def _arranged(
    call: Callable[..., Any], owner: Any, args: Any, kwargs: Any, source: Callable[[Tensor], Any]
) -> Callable[..., Any]:
    """The call as a function of what its tensors come from; the other arguments are these."""
    makers = [_maker(value, source) for value in args]
    named = {name: _maker(value, source) for name, value in kwargs.items()}

    def run(*tensors: Any) -> Any:
        given: Iterator[Any] = iter(tensors)
        positional = [make(given) for make in makers]
        found = call(owner, *positional, **{name: make(given) for name, make in named.items()})
        for y in tree.flatten(found):
            # Keras notes what went into an activation for backends that can't see it; `behind` can.
            getattr(y, "__dict__", {}).pop("_keras_logits", None)
        return found

    return run


def _maker(value: Any, source: Callable[[Tensor], Any]) -> Callable[[Iterator[Any]], Any]:
    """What gives an argument: the value itself, or of the next of some tensors what the value is of its source."""
    if value.__class__ is not Tensor:
        return lambda given: value
    activation: Optional[Activation] = source(value)[0]
    return next if activation is None else lambda given: activation(next(given))


def _is_elsewhere() -> bool:
    """Whether the call is part of something that looks at its Python itself."""
    return recorder.trace is not None or bool(recorder.retain) or in_stateless_scope() or in_symbolic_scope()


def _is_keras(owner: Any) -> bool:
    return type(owner).__module__.startswith("keras.src.") and not isinstance(owner, Lambda)


def _has_foreign_parts(owner: Any) -> bool:
    """Whether a function that is not Keras's is among its attributes: an activation of the user's, for instance."""
    return any([_is_foreign(value) for value in vars(owner).values()])


_KNOWN = (
    "inspect",
    "keras.src.",
    "keras_wengert.",
    "wengert.",
    "builtins",
    "numpy",
    "collections",
    "threading",
    "functools",
    "weakref",
)


def _is_foreign(value: Any) -> bool:
    if isinstance(value, dict):
        return any([_is_foreign(part) for part in value.values()])
    named = value if isinstance(value, (FunctionType, type)) else type(value)
    return not str(named.__module__).startswith(_KNOWN)


calls = Calls()
