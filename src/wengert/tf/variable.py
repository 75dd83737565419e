"""Variable: state that operations read, assigns write, and tapes watch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, NoReturn, Optional

from wengert.dtypes import DType
from wengert.graph.node import Node
from wengert.graph.record import record, recorder, tracking
from wengert.primitives.control import identity, stop_gradient
from wengert.tensors.tensor import Tensor as Core, wrap, write
from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.recording import recording
from wengert.tf.rows import Rows
from wengert.tf.shape import TensorShape
from wengert.tf.tensor import Reference, Tensor, bind, part, shown, taken, value_text
from wengert.tf.values import fresh


class Creation(threading.local):
    """forbidden: whether a function is being recorded in which no variable may be created any more."""

    forbidden = False


creation = Creation()


class Variable(Rows, Core):
    """A tensor that can be assigned to.

    initial_value: what `constant` takes, or a function without arguments that gives it.
    trainable: whether tapes watch it by themselves; by default, if the dtype is floating or complex.
    shape: a shape that every value must fit. Sizes that it leaves open (None) may change with an assign.

    Raises: ValueError without an initial value, or when it has another shape.

    >>> import wengert.tf as tf
    >>> v = tf.Variable([1.0, 2.0])
    >>> v.assign_add([1.0, 1.0]).numpy()
    array([2., 3.], dtype=float32)
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: Optional[bool] = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: Optional[str] = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:
        if initial_value is None:
            raise ValueError("The `initial_value` arg to `tf.Variable` must be specified.")
        if creation.forbidden:
            raise ValueError(
                "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is only "
                "created once or created outside tf.function."
            )
        if callable(initial_value) and not isinstance(initial_value, Core):
            initial_value = initial_value()
        with tracking(False):
            value = fresh(initial_value, None if dtype is None else as_dtype(dtype), "Variable")
            self._node = record(identity, (value._node,)) if isinstance(initial_value, Core) else value._node
        allowed, here = TensorShape(shape), TensorShape(self._node.type.shape)
        if not here.is_compatible_with(allowed):
            raise ValueError(f"The initial value's shape {here} is not compatible with the given shape {allowed}.")
        self._open = None if shape is None or allowed.is_fully_defined() else allowed
        self._trainable = self.dtype.inexact if trainable is None else bool(trainable)
        self._name = name or "Variable"
        self._constraint = constraint
        if recorder.trace is not None:
            recorder.trace.begins()
        if self.dtype.inexact:
            Core.requires_grad_(self)

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self) -> Node:
        node = Core._read(self)
        tapes = recording.tapes
        if not tapes:
            return node
        watched = [tape.accessed(self) for tape in tapes]
        if not any(watched) and node.tracked:
            node = stop_gradient(node)
        for tape in tapes:
            if tape.moves:
                node = tape.moved(self, node)
        return node

    def value(self) -> Tensor:
        """The present value, which later assigns do not change."""
        return shown(wrap(self._read()))

    read_value = value

    def numpy(self) -> Any:
        """The value as a NumPy array of its own."""
        return taken(self)

    __array__ = Tensor.__array__

    @property
    def shape(self) -> TensorShape:
        """The sizes, as `TensorShape`; None for those that may change."""
        return TensorShape(self._node.type.shape) if self._open is None else self._open

    get_shape = Tensor.get_shape
    set_shape = Tensor.set_shape
    device = Tensor.device
    __bool__ = Tensor.__bool__
    _only = Tensor._only

    @property
    def trainable(self) -> bool:
        """Whether tapes watch it by themselves."""
        return self._trainable

    @property
    def name(self) -> str:
        """Its name, with TensorFlow's ":0"."""
        return f"{self._name}:0"

    @property
    def constraint(self) -> Any:
        """The function that projects it after an update, or None."""
        return self._constraint

    @property
    def initial_value(self) -> NoReturn:
        raise RuntimeError("This property is not supported when eager execution is enabled.")

    def ref(self) -> Reference:
        """A key for dicts and sets: it is equal only to a reference to this very variable."""
        return Reference(self)

    experimental_ref = ref

    def __len__(self) -> int:
        raise TypeError("object of type 'Variable' has no len(). Use v.shape[0]")

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value())

    def __getitem__(self, item: Any) -> Any:
        found = part(wrap(self._read()), item)
        found.assign = lambda value: self._assign_part(item, value)
        return found

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}, numpy={value_text(self)}>"

    __str__ = __repr__

    # --- writing ----------------------------------------------------------------------------------------------------

    def assign(self, value: Any, use_locking: bool = False, name: Optional[str] = None, read_value: bool = True) -> Variable:
        """Give it another value, of the same dtype and a shape that it may have.

        Raises: ValueError for another shape or dtype.
        """
        with tracking(False):
            node = self._fitted(value, "assign")
            if not self.shape.is_compatible_with(node.type.shape):
                raise ValueError(
                    f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable shape {self.shape}, and the "
                    f"assigned value shape {TensorShape(node.type.shape)} are incompatible."
                )
            return self._write(node)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: Optional[str] = None, read_value: bool = True
    ) -> Variable:
        """v += delta. Raises: ValueError for another dtype, InvalidArgumentError for another shape."""
        with tracking(False):
            return self._write(Core._read(self) + self._step(delta, "assign_add"))

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: Optional[str] = None, read_value: bool = True
    ) -> Variable:
        """v -= delta, as `assign_add`."""
        with tracking(False):
            return self._write(Core._read(self) - self._step(delta, "assign_sub"))

    def _step(self, value: Any, operation: str) -> Node:
        node = self._fitted(value, operation)
        if node.type.shape != self._node.type.shape:
            raise invalid(
                f"{operation}: cannot update variable '{self.name}' of shape {TensorShape(self._node.type.shape)} using a "
                f"tensor of shape {TensorShape(node.type.shape)}: shapes must be equal. Use v.assign(v + delta)."
            )
        return node

    def _fitted(self, value: Any, operation: str) -> Node:
        here: DType = self._node.type.dtype
        if isinstance(value, Core):
            node = value._read()
            if node.type.dtype is not here:
                raise ValueError(
                    f"Tensor conversion requested dtype {here.name} for Tensor with dtype {node.type.dtype.name}: {value!r}. "
                    "Convert it with tf.cast first."
                )
        else:
            node = fresh(value, here, operation)._node
        return node

    def _write(self, node: Node) -> Variable:
        if node.tracked:
            node = stop_gradient(node)
        if node.type is self._node.type:
            write(self, node)
        else:  # memory of another size
            self.data = wrap(record(identity, (node,)))
        return self

    def __setitem__(self, item: Any, value: Any) -> NoReturn:
        raise TypeError("'Variable' object does not support item assignment. Use v[...].assign(value).")

    def _assign_part(self, item: Any, value: Any) -> Variable:
        """Write to ``v[item]``."""
        with tracking(False):
            changed = wrap(record(identity, (Core._read(self),)))
            place = changed[item]
            changed[item] = fresh(value, self.dtype, "assign").expand(place.shape)
            return self._write(changed._read())


bind(Variable)
