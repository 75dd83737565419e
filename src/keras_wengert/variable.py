"""Variable: Keras's state, held in a wengert tensor that operations write to in place."""

from __future__ import annotations

from typing import Any

from keras.src.backend.common import KerasVariable
from keras.src.backend.common.stateless_scope import in_stateless_scope

import wengert
from keras_wengert.layer import changes
from keras_wengert.ops.core import convert_to_numpy, convert_to_tensor
from wengert.graph.record import recorder


class Variable(KerasVariable):
    """A tensor with a name. A trainable one of a floating dtype requires grad."""

    _value: wengert.Tensor

    def _initialize(self, value: Any) -> None:
        if recorder.trace is not None:
            recorder.trace.begins()  # later calls of what is traced find it there
        own = convert_to_tensor(value, self._dtype).detach().clone()
        own.requires_grad_(self._wants_grad(own))
        self._value = own

    def _wants_grad(self, value: wengert.Tensor) -> bool:
        return self._trainable and value.dtype.inexact

    def _direct_assign(self, value: Any) -> None:
        with wengert.no_grad():
            self._value.copy_(value)

    def _convert_to_tensor(self, value: Any, dtype: Any = None) -> wengert.Tensor:
        return convert_to_tensor(value, dtype)

    @property
    def trainable(self) -> bool:
        """Whether optimisers update it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        changes.count += 1
        if getattr(self, "_value", None) is not None and not in_stateless_scope():
            self._value.requires_grad_(self._wants_grad(self._value))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        array = convert_to_numpy(self.value)
        return array if dtype is None else array.astype(dtype)
