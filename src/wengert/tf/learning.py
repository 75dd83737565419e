"""tf.keras: the real Keras 3, on wengert.

What Keras's public calls give is TensorFlow's tensor; inside Keras everything stays the core's. Keras's variables are
variables for tapes.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from wengert.graph.record import recorder
from wengert.tensors.tensor import Tensor as Core
from wengert.tf.custom import IndexedSlices
from wengert.tf.data import Dataset
from wengert.tf.errors import OF_ARGUMENTS, translate
from wengert.tf.ops.randomness import set_seed
from wengert.tf.recording import recording
from wengert.tf.shape import TensorShape
from wengert.tf.tensor import Tensor, shown
from wengert.tf.values import conversions, fresh


class _Depth(threading.local):
    """inside: whether one of Keras's public calls is under way on this thread. foreign: whether the innermost one runs code
    of the user's."""

    inside = False
    foreign = False


_depth = _Depth()


class _FromVariable:
    """What makes a tensor of a Keras variable."""

    def __call__(self, value: Any, dtype: Any = None) -> Core:
        for tape in recording.tapes:
            tape.accessed(value)
        return value.value

    @staticmethod
    def variable(value: Any) -> Core:
        """The tensor that holds its state."""
        return value._value


def load() -> ModuleType:
    """Import Keras with wengert as its backend, and let it speak TensorFlow's types; the module with the names that
    TensorFlow hands on (older ones among them, as in ``tf.keras.backend``).

    Raises: RuntimeError when Keras is already imported with another backend.
    """
    from keras_wengert import bridge  # optional: only programs that use Keras

    bridge.use()
    import keras  # optional
    import keras._tf_keras.keras as handed_on
    from keras.src.backend.common import KerasVariable, dtypes as promotion
    from keras.src.utils import dataset_utils, module_utils

    if not any(kind is KerasVariable for kind, _ in conversions):
        conversions.append((KerasVariable, _FromVariable()))
        KerasVariable.shape = property(lambda variable: TensorShape(variable._shape))
        promotion.BIT64_TO_BIT32_DTYPE.update(int64="int64", float64="float64")  # as on TensorFlow
        _seed_everything(keras, handed_on)
        handed_on.saving = keras.saving  # which Keras 3.15 forgets to hand on
        dataset_utils.is_tf_dataset = lambda dataset: isinstance(dataset, Dataset)
        lazy = module_utils.tensorflow  # where Keras makes data sets, or asks whether something is of TensorFlow's
        lazy.module, lazy.initialize = sys.modules["wengert.tf"], lambda: None
        _show_methods(keras)
        _show_functions(keras)
        _show_functions(handed_on)
    return handed_on


def _seed_everything(keras: ModuleType, handed_on: ModuleType) -> None:
    """Let `set_random_seed` set TensorFlow's seed too, as it does on TensorFlow."""
    seed_keras = keras.utils.set_random_seed

    @functools.wraps(seed_keras)
    def set_random_seed(seed: int) -> None:
        seed_keras(seed)
        set_seed(seed)

    keras.utils.set_random_seed = handed_on.utils.set_random_seed = set_random_seed


def _show_methods(keras: ModuleType) -> None:
    """Let the methods of Keras's classes that give tensors give TensorFlow's, and be recorded once where they can."""
    from keras_wengert.calls import calls  # imports Keras

    for kind, names, way in (
        (keras.layers.Layer, ["__call__"], functools.partial(_called, calls)),
        (keras.losses.Loss, ["__call__"], calls.plain),
        (keras.metrics.Metric, ["__call__", "result"], None),
        (keras.initializers.Initializer, ["__call__"], None),
        (keras.optimizers.Optimizer, ["apply"], functools.partial(_update, calls)),
    ):
        for name in names:
            first = next(one for one in kind.__mro__ if name in vars(one))
            for one in {first, *_with_subclasses(kind)}:
                if name in vars(one):
                    setattr(one, name, outermost(vars(one)[name], way))
    for name in _LOOPS:
        first = next(one for one in keras.Model.__mro__ if name in vars(one))
        setattr(first, name, _loop(vars(first)[name]))


def _called(calls: Any, call: Callable[..., Any], layer: Any, args: Any, kwargs: Any) -> Any:
    """A call of a layer, of which the tapes are told. calls: how calls of Keras's objects are made (`keras_wengert.calls`)."""
    for tape in recording.tapes:
        tape.called(layer)
    return calls.layer(call, layer, args, kwargs)


def _update(calls: Any, call: Callable[..., Any], optimizer: Any, args: Any, kwargs: Any) -> Any:
    """``optimizer.apply(grads, variables)``, where a gradient may also be IndexedSlices."""
    grads = args[0] if args else kwargs.get("grads", ())
    if any([g.__class__ is IndexedSlices for g in grads]):
        dense = [fresh(g) if isinstance(g, IndexedSlices) else g for g in grads]
        args, kwargs = (dense, *args[1:]), {name: value for name, value in kwargs.items() if name != "grads"}
    return calls.update(call, optimizer, args, kwargs)


_LOOPS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
_STEPS = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")


def _loop(call: Callable[..., Any]) -> Callable[..., Any]:
    """One of Keras's own loops. With steps of Keras's own it stays inside Keras altogether; steps that the user wrote meet
    TensorFlow's tensors."""

    @functools.wraps(call)
    def loop(model: Any, *args: Any, **kwargs: Any) -> Any:
        before = _depth.inside, recording.training
        own = [name for name in _STEPS if not _is_keras(getattr(type(model), name))]
        for name in own:
            _adopt_step(type(model), name)
        _depth.inside = not own
        recording.training = True
        try:
            return call(model, *args, **kwargs)
        except OF_ARGUMENTS as error:
            translate(error)
        finally:
            _depth.inside, recording.training = before

    return loop


def _is_keras(step: Any) -> bool:
    return step.__module__.startswith(("keras.src.", "keras_wengert."))


def _adopt_step(kind: Any, name: str) -> None:
    """Let a step that the user wrote see TensorFlow's tensors: batches are the core's."""
    for one in kind.__mro__:
        step = vars(one).get(name)
        if step is not None and not _is_keras(step) and not hasattr(step, "adopted"):
            setattr(one, name, _users_step(step))


def _users_step(step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(step)
    def users_step(*args: Any, **kwargs: Any) -> Any:
        _turned((*args, *kwargs.values()), Core, Tensor)
        return step(*args, **kwargs)

    users_step.adopted = True
    return users_step


def _with_subclasses(kind: Any) -> list[Any]:
    return [kind, *[inner for one in kind.__subclasses__() for inner in _with_subclasses(one)]]


def _show_functions(keras: ModuleType) -> None:
    """The same for functions, where programs find them; Keras itself takes them from elsewhere."""
    for module in (keras.ops, keras.activations, keras.losses, keras.metrics, keras.random):
        for name, found in list(vars(module).items()):
            if isinstance(found, FunctionType) and not name.startswith("_") and name not in _NO_TENSORS:
                setattr(module, name, outermost(found))


_NO_TENSORS = frozenset(("get", "serialize", "deserialize"))


def outermost(call: Callable[..., Any], way: Any = None) -> Callable[..., Any]:
    """A call that gives TensorFlow's tensors, and is tracked as tapes say, unless Keras itself makes it.
    way: how it is made instead, from the call, its object and its arguments."""

    @functools.wraps(call)
    def shown_outside(*args: Any, **kwargs: Any) -> Any:
        if way is not None and not type(args[0]).__module__.startswith("keras.src."):
            _adopt(type(args[0]))
        if _depth.inside and not _depth.foreign:
            return call(*args, **kwargs)
        before = _depth.inside, _depth.foreign, recorder.tracking
        taken = _turned((*args, *kwargs.values()), Tensor, Core)
        if not _depth.inside:
            recorder.tracking = bool(recording.tapes) or (recorder.tracking and recording.training)
        _depth.inside, _depth.foreign = True, False
        try:
            result = call(*args, **kwargs) if way is None else way(call, args[0], args[1:], kwargs)
        except OF_ARGUMENTS as error:
            translate(error)
        finally:
            _depth.inside, _depth.foreign, recorder.tracking = before
            for x in taken:
                x.__class__ = Tensor
        return shown(result)

    return shown_outside


def _adopt(kind: Any) -> None:
    """Let the `call` of a user's class see TensorFlow's tensors, and give Keras the core's."""
    for one in kind.__mro__:
        call = vars(one).get("call")
        if call is not None and not one.__module__.startswith("keras.src.") and not hasattr(call, "adopted"):
            one.call = _users(call)


def _users(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def users_call(*args: Any, **kwargs: Any) -> Any:
        before = _depth.inside, _depth.foreign
        taken = _turned((*args, *kwargs.values()), Core, Tensor)
        _depth.inside = _depth.foreign = True
        try:
            result = call(*args, **kwargs)
        finally:
            _depth.inside, _depth.foreign = before
            for x in taken:
                x.__class__ = Core
        if before[0]:
            _turned([result], Tensor, Core)
            return result
        return shown(result)

    users_call.adopted = True
    return users_call


def _turned(values: Any, now: Any, wanted: Any) -> list[Any]:
    """Those of the tensors among the values that are of one class, turned to another."""
    found = [x for x in _leaves(values) if x.__class__ is now]
    for x in found:
        x.__class__ = wanted
    return found


def _leaves(values: Any) -> Iterator[Any]:
    for value in values:
        if value.__class__ in (list, tuple):
            yield from _leaves(value)
        elif value.__class__ is dict:
            yield from _leaves(value.values())
        else:
            yield value
