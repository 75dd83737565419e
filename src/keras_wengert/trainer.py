"""The training loop behind ``model.fit``, ``evaluate`` and ``predict``.

A step (forward, loss, derivative, update, metrics) is traced once for each kind of batch and then replayed as one program
(`replay.py`). With ``run_eagerly=True`` it is recorded every time, as any wengert program, and runs when it ends.
``jit_compile`` makes no difference, as there is one compiler: machine code comes when it is ready. (Files of models that
Keras on PyTorch has saved say False.) ``model.train_function.reason`` says why a step is not replayed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Optional

import numpy as np
from keras.src import callbacks as callbacks_module, optimizers as optimizers_module, tree
from keras.src.backend import config
from keras.src.trainers import trainer as base
from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils
from keras.src.utils import traceback_utils
from keras.src.utils.python_utils import is_default, pythonify_logs

import wengert
from keras_wengert.batches import Batches, as_tensors
from keras_wengert.ops.core import convert_to_numpy, convert_to_tensor
from keras_wengert.replay import Recorded, Replayed


def _batch_size(x: Any) -> int:
    return int(next(part for part in tree.flatten(x) if part is not None).shape[0])


class Steps:
    """A function of a list of batches that takes a step with each, in order, and gives what the last one gave."""

    def __init__(self, step: Any) -> None:
        self.step = step

    @property
    def reason(self) -> Optional[str]:
        """Why the step is not replayed, for some kind of batch; None where it always is, as far as it has been taken."""
        return self.step.reason

    @property
    def most_at_once(self) -> int:
        """How many batches are worth being given at once, as far as is known."""
        return self.step.most_at_once

    def __call__(self, batches: Any) -> Any:
        if len(batches) == 1:
            return self.step(as_tensors(batches[0]))
        return self.step.each([as_tensors(data) for data in batches])

    def joined(self, batches: Any) -> Any:
        """The outputs of all batches, joined."""
        outputs = [self.step(as_tensors(data)) for data in batches]
        if len(outputs) == 1:
            return outputs[0]
        return tree.map_structure(lambda *parts: wengert.cat([convert_to_tensor(p) for p in parts]), *outputs)


class WengertTrainer(base.Trainer):
    """Adds the loops to Keras's model."""

    def __init__(self) -> None:
        super().__init__()
        self.train_function: Callable[[Any], Any] | None = None
        self.test_function: Callable[[Any], Any] | None = None
        self.predict_function: Callable[[Any], Any] | None = None

    # --- one step ----------------------------------------------------------------------------------------------------

    def _predicted(self, x: Any, training: bool) -> Any:
        return self(x, training=training) if self._call_has_training_arg else self(x)  # type: ignore[operator]

    def _loss(self, data: Any, y_pred: Any, training: bool) -> Any:
        x, y, sample_weight = data
        loss = self._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        with wengert.no_grad():
            self._loss_tracker.update_state(loss.detach(), sample_weight=_batch_size(x))
        return loss

    def train_step(self, data: Any) -> Any:
        """Forward, loss, derivative, update; the metrics."""
        x, y, sample_weight = data_adapter_utils.unpack_x_y_sample_weight(data)
        weights = self.trainable_weights[:]
        y_pred = self._predicted(x, training=True)
        loss = self._loss((x, y, sample_weight), y_pred, training=True)
        if weights:
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
            gradients = wengert.autograd.grad(scaled, [v.value for v in weights], allow_unused=True)
            with wengert.no_grad():
                self.optimizer.apply(list(gradients), weights)
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        with wengert.no_grad():
            return self.compute_metrics(x, y, _detached(y_pred), sample_weight=sample_weight)

    def test_step(self, data: Any) -> Any:
        """Forward, loss; the metrics."""
        x, y, sample_weight = data_adapter_utils.unpack_x_y_sample_weight(data)
        y_pred = self._predicted(x, training=False)
        self._loss((x, y, sample_weight), y_pred, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """Forward."""
        x, _, _ = data_adapter_utils.unpack_x_y_sample_weight(data)
        return self._predicted(x, training=False)

    def get_compile_config(self) -> Any:
        """What a file says of `compile`: jit_compile is "auto", so that each backend that reads it does as it would. True is
        what Keras made of that here, and would send PyTorch's backend through a compilation of a minute."""
        found = super().get_compile_config()
        return {**found, "jit_compile": "auto"} if found and found.get("jit_compile") is True else found

    # --- several steps at once ---------------------------------------------------------------------------------------

    def _steps(self, step: Callable[[Any], Any], tracked: bool) -> Steps:
        if self.run_eagerly:
            return Steps(Recorded(step, tracked, "the model was compiled with run_eagerly=True"))
        return Steps(Replayed(self, step, tracked))

    def make_train_function(self, force: bool = False) -> Any:
        """Prepare `train_function`."""
        if self.train_function is None or force:
            self.train_function = self._steps(self.train_step, tracked=True)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """Prepare `test_function`."""
        if self.test_function is None or force:
            self.test_function = self._steps(self.test_step, tracked=False)
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Any:
        """Prepare `predict_function`: of several batches it gives the outputs joined."""
        if self.predict_function is None or force:
            self.predict_function = self._steps(self.predict_step, tracked=False).joined
        return self.predict_function

    def _symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Build what a batch decides. A model without a `call` has only its own steps, and these build what they use."""
        if getattr(type(self).call, "__qualname__", "") != "Model.call":
            super()._symbolic_build(iterator, data_batch)

    # --- the loops ---------------------------------------------------------------------------------------------------

    @traceback_utils.filter_traceback
    def fit(
        self, x: Any = None, y: Any = None, batch_size: Any = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
        class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: Any = None,
        validation_steps: Any = None, validation_batch_size: Any = None, validation_freq: Any = 1,
    ) -> Any:  # fmt: skip
        """Train for a number of epochs; see ``keras.Model.fit``."""
        self._assert_compile_called("fit")
        limit = config.max_epochs()
        if limit and limit < epochs:
            warnings.warn(f"Limiting epochs to {limit}", stacklevel=2)
            epochs = limit
        self._eval_epoch_iterator = None
        if validation_split and validation_data is None:
            parts = array_slicing.train_validation_split((x, y, sample_weight), validation_split=validation_split)
            (x, y, sample_weight), validation_data = parts
        iterator = Batches(
            x=x, y=y, sample_weight=sample_weight, batch_size=batch_size, steps_per_epoch=steps_per_epoch, shuffle=shuffle,
            class_weight=class_weight, steps_per_execution=self.steps_per_execution,
        )  # fmt: skip
        self._symbolic_build(iterator=iterator)
        iterator.reset()
        callbacks = self._callbacks(callbacks, verbose, epochs, iterator, add_history=True)
        self.stop_training = False
        self.make_train_function()
        logs: Any = {}
        callbacks.on_train_begin()
        for epoch in range(self._initial_epoch or initial_epoch, epochs):
            self.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            logs = self._train_epoch(iterator, callbacks)
            if validation_data is not None and self._should_eval(epoch, validation_freq):
                size = validation_batch_size or batch_size
                logs.update(self._validate(validation_data, size, validation_steps, callbacks))
            callbacks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if isinstance(self.optimizer, optimizers_module.Optimizer) and epochs > 0:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        self._eval_epoch_iterator = None
        callbacks.on_train_end(logs=logs)
        return self.history

    def _train_epoch(self, iterator: Any, callbacks: Any) -> Any:
        logs: Any = {}
        heard, each = listens(callbacks, "train")
        for begin, end, batches in iterator if each else together(iterator, self.train_function):
            if heard:
                callbacks.on_train_batch_begin(begin)
            logs = self.train_function(batches)  # type: ignore[misc]
            if heard:
                callbacks.on_train_batch_end(end, plain(logs))
            if self.stop_training:
                break
        return dict(self._get_metrics_result_or_logs(logs))

    def _validate(self, data: Any, batch_size: Any, steps: Any, callbacks: Any) -> Any:
        x, y, sample_weight = data_adapter_utils.unpack_x_y_sample_weight(data)
        if self._eval_epoch_iterator is None:
            self._eval_epoch_iterator = Batches(
                x=x, y=y, sample_weight=sample_weight, batch_size=batch_size, steps_per_epoch=steps, shuffle=False,
                steps_per_execution=self.steps_per_execution,
            )  # fmt: skip
        found = self.evaluate(
            x=x, y=y, sample_weight=sample_weight, batch_size=batch_size, steps=steps, callbacks=callbacks,
            return_dict=True, _use_cached_eval_dataset=True,
        )  # fmt: skip
        return {f"val_{name}": value for name, value in found.items()}

    def _callbacks(self, callbacks: Any, verbose: Any, epochs: int, iterator: Any, **options: Any) -> Any:
        if isinstance(callbacks, callbacks_module.CallbackList):
            return callbacks
        return callbacks_module.CallbackList(
            callbacks, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=iterator.num_batches, model=self,
            **options,
        )  # fmt: skip

    @traceback_utils.filter_traceback
    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: Any = None, verbose: Any = "auto", sample_weight: Any = None,
        steps: Any = None, callbacks: Any = None, return_dict: bool = False, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Loss and metrics over a data set; see ``keras.Model.evaluate``."""
        self._assert_compile_called("evaluate")
        cached = kwargs.pop("_use_cached_eval_dataset", False)
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        iterator = self._eval_epoch_iterator if cached else Batches(
            x=x, y=y, sample_weight=sample_weight, batch_size=batch_size, steps_per_epoch=steps, shuffle=False,
            steps_per_execution=self.steps_per_execution,
        )  # fmt: skip
        self._symbolic_build(iterator=iterator)
        iterator.reset()
        callbacks = self._callbacks(callbacks, verbose, 1, iterator)
        self.make_test_function()
        self.stop_evaluating = False
        callbacks.on_test_begin()
        logs: Any = {}
        self.reset_metrics()
        heard, each = listens(callbacks, "test")
        for begin, end, batches in iterator if each else together(iterator, self.test_function):
            if heard:
                callbacks.on_test_batch_begin(begin)
            logs = self.test_function(batches)  # type: ignore[misc]
            if heard:
                callbacks.on_test_batch_end(end, plain(logs))
            if self.stop_evaluating:
                break
        logs = pythonify_logs(self._get_metrics_result_or_logs(logs))
        callbacks.on_test_end(logs)
        return logs if return_dict else self._flatten_metrics_in_order(logs)

    @traceback_utils.filter_traceback
    def predict(self, x: Any, batch_size: Any = None, verbose: Any = "auto", steps: Any = None, callbacks: Any = None) -> Any:
        """The model's outputs for a data set, as NumPy arrays; see ``keras.Model.predict``."""
        iterator = Batches(
            x=x, batch_size=batch_size, steps_per_epoch=steps, shuffle=False, steps_per_execution=self.steps_per_execution
        )
        callbacks = self._callbacks(callbacks, verbose, 1, iterator)
        self.make_predict_function()
        self.stop_predicting = False
        callbacks.on_predict_begin()
        outputs = []
        for begin, end, batches in iterator:
            callbacks.on_predict_batch_begin(begin)
            outputs.append(self.predict_function(batches))  # type: ignore[misc]
            callbacks.on_predict_batch_end(end, {"outputs": outputs[-1]})
            if self.stop_predicting:
                break
        callbacks.on_predict_end()
        return tree.map_structure(lambda *parts: np.concatenate([convert_to_numpy(p) for p in parts]), *outputs)

    # --- single batches ----------------------------------------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of training."""
        self._assert_compile_called("train_on_batch")
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError(
                    "Arguments `sample_weight` and `class_weight` cannot be specified at the same time. "
                    f"Received: sample_weight={sample_weight}, class_weight={class_weight}"
                )
            sample_weight = data_adapter_utils.class_weight_to_sample_weights(y, class_weight)
        data = (x, y, sample_weight)
        self._symbolic_build(data_batch=data)
        self.make_train_function()
        return self._logs(self.train_function, data, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch."""
        self._assert_compile_called("test_on_batch")
        data = (x, y, sample_weight)
        self._symbolic_build(data_batch=data)
        self.make_test_function()
        return self._logs(self.test_function, data, return_dict)

    def _logs(self, function: Any, data: Any, return_dict: bool) -> Any:
        self.reset_metrics()
        logs = pythonify_logs(function([data]))
        return logs if return_dict else self._flatten_metrics_in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        self.make_predict_function()
        return tree.map_structure(convert_to_numpy, self.predict_function([(x,)]))  # type: ignore[misc]


def listens(callbacks: Any, what: str) -> tuple[bool, bool]:
    """Whether a callback wants to know of batches, and whether one wants to know of each: a progress bar, which writes some
    times in a second, does not. what: "train" or "test"."""
    if type(callbacks) is not callbacks_module.CallbackList:
        return True, True
    names = ["on_batch_begin", "on_batch_end"] if what == "train" else []
    names += [f"on_{what}_batch_begin", f"on_{what}_batch_end"]
    those = [type(one) for one in callbacks.callbacks if not all([is_default(getattr(one, name)) for name in names])]
    return bool(those), any([one is not callbacks_module.ProgbarLogger for one in those])


def together(iterator: Batches, function: Any) -> Iterator[Any]:
    """The batches of an epoch, for loops where nobody hears of each step: as many in each list as are worth being run at once
    (`wengert/compiler/series.py`)."""
    most = iterator.most_together if isinstance(function, Steps) else 1
    held: list[Any] = []
    first = 0
    iterator.together = min(most, function.most_at_once) if most > 1 else 1
    for begin, end, batches in iterator:
        first = first if held else begin
        held += batches
        if len(held) >= iterator.together:
            yield first, end, held
            held = []
            iterator.together = min(most, function.most_at_once) if most > 1 else 1
    if held:
        yield first, end, held
    iterator.together = 1


def plain(logs: Any) -> Any:
    """Logs with numbers in the place of tensors of one element."""
    if logs.__class__ is not dict:
        return logs
    return {
        name: x.item() if x.__class__ is wengert.Tensor and not x.shape else x for name, x in logs.items()
    }


def _detached(y: Any) -> Any:
    return tree.map_structure(lambda part: part.detach() if isinstance(part, wengert.Tensor) else part, y)
