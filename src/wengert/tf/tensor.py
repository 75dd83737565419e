"""Tensor: a tensor with TensorFlow's manners. Same node, same slots; it is never written to.

Operators are strict about dtypes: tensors do not mix them, and a Python number must fit the tensor beside it.

Hot path: `_operator` runs for every ``+`` and ``*`` of a program; its way to the core has no detour for two tensors of one
dtype, and for a tensor and a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from wengert import dtypes
from wengert.dtypes import INTEGER
from wengert.functions import elementwise, index, products, turn
from wengert.graph.record import recorder
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf.errors import OF_ARGUMENTS, invalid, invalid_dtype, translate
from wengert.tf.recording import as_tapes_say, recording
from wengert.tf.shape import TensorShape
from wengert.tf.values import CATEGORY, fresh

_new_tuple = tuple.__new__


def shown(result: Any) -> Any:
    """The core's tensors in `result`, in any nest of tuples, lists and dicts, as TensorFlow's. They are fresh handles, or
    become so: a result never shares memory with anything."""
    kind = result.__class__
    if kind is Core:
        if result._link is not None:
            result = wrap(result._read())
        result.__class__ = Tensor
    elif kind is tuple or kind is list:
        return kind([shown(part) for part in result])
    elif kind is dict:
        return {key: shown(part) for key, part in result.items()}
    elif isinstance(result, tuple) and hasattr(result, "_fields"):
        return kind(*[shown(part) for part in result])
    return result


class Tensor(Core):
    """A value of some shape and dtype, computed when it is asked for.

    >>> import wengert.tf as tf
    >>> tf.constant([1.0, 2.0]) * 3
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([3., 6.], dtype=float32)>
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError("tf.Tensor is not made by calling it. Use tf.constant or tf.convert_to_tensor.")

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> TensorShape:
        """The sizes, as `TensorShape`."""
        return _new_tuple(TensorShape, self._node.type.shape)

    def get_shape(self) -> TensorShape:
        """As `shape`."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Raises: ValueError when the tensor has another shape."""
        if not self.shape.is_compatible_with(shape):
            raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {TensorShape(shape)}.")

    @property
    def device(self) -> Any:
        """The one device, in TensorFlow's words."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    backing_device = device

    @property
    def name(self) -> str:
        raise AttributeError("Tensor.name is undefined when eager execution is enabled.")

    op: Any = property(lambda self: _graph_only("op"))
    graph: Any = property(lambda self: _graph_only("graph"))

    def ref(self) -> Reference:
        """A key for dicts and sets: it is equal only to a reference to this very tensor."""
        return Reference(self)

    experimental_ref = ref

    def __len__(self) -> int:
        if self._node.type.ndim == 0:
            raise TypeError("Scalar tensor has no `len()`")
        return self._node.type.shape[0]

    # --- values -----------------------------------------------------------------------------------------------------

    def numpy(self) -> Any:
        """The value as a NumPy array of its own; a NumPy scalar for a tensor without dimensions."""
        return taken(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        array = np.asarray(taken(self))
        return array if dtype is None else array.astype(dtype, copy=False)

    def _array(self) -> Any:
        try:
            return super()._array()
        except OF_ARGUMENTS as error:
            translate(error)

    def __bool__(self) -> bool:
        if self._node.type.size != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use tf.reduce_any or tf.reduce_all"
            )
        return bool(self._array().item())

    def _only(self) -> Any:
        if self._node.type.ndim:
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return self._array().item()

    def __iter__(self) -> Iterator[Any]:
        if self._node.type.ndim == 0:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return iter([self[i] for i in range(self._node.type.shape[0])])

    def __repr__(self) -> str:
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={value_text(self)}>"

    def __str__(self) -> str:
        return f"tf.Tensor({np.asarray(taken(self))!s}, shape={self.shape}, dtype={self.dtype.name})"

    def __format__(self, spec: str) -> str:
        return self.numpy().__format__(spec) if spec else str(self)

    # --- parts ------------------------------------------------------------------------------------------------------

    def __getitem__(self, item: Any) -> Any:
        if recording.tapes or not recorder.tracking:
            return part(self, item)
        with as_tapes_say():
            return part(self, item)

    def __setitem__(self, item: Any, value: Any) -> NoReturn:
        raise TypeError("'Tensor' object does not support item assignment. Use tf.tensor_scatter_nd_update, or a tf.Variable.")


class Reference:
    """What `Tensor.ref` gives: hashable, and equal to another reference to the same object only."""

    __slots__ = ("_object",)

    def __init__(self, held: Any) -> None:
        self._object = held

    def deref(self) -> Any:
        """The object itself."""
        return self._object

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Reference) and other._object is self._object

    def __hash__(self) -> int:
        return id(self._object)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._object!r}>"


def _graph_only(name: str) -> NoReturn:
    raise AttributeError(f"Tensor.{name} is undefined when eager execution is enabled.")


def taken(tensor: Core) -> Any:
    """A tensor's value as NumPy's, of its own. Raises: InvalidArgumentError for what only shows when values are there."""
    try:
        array = value_of(tensor._current())
    except OF_ARGUMENTS as error:
        translate(error)
    return array[()] if array.ndim == 0 else np.array(array, order="C")


def value_text(tensor: Core) -> str:
    """A tensor's value as `repr` writes it."""
    array = np.asarray(taken(tensor))
    if array.ndim == 0:
        return str(array)
    text = repr(array)
    return f"\n{text}" if "\n" in text else text


# --- indexing --------------------------------------------------------------------------------------------------------


def part(tensor: Core, item: Any) -> Any:
    """tensor[item], a tensor of its own: integers, slices (also backwards), None, Ellipsis, scalar tensors, one mask.

    Raises: TypeError for another index; InvalidArgumentError for a position that is not there.
    """
    items = item if item.__class__ is tuple else (item,)
    tensor = wrap(tensor._read())
    try:
        if len(items) == 1 and _is_mask(items[0]):
            return shown(index.getitem(tensor, fresh(items[0])))
        forward, backward = [], []
        axis = 0
        for entry in items:
            settled = _entry(entry)
            forward.append(settled)
            if entry is Ellipsis:
                axis += tensor._node.type.ndim - len([e for e in items if e is not None and e is not Ellipsis])
            elif isinstance(settled, slice) and settled.step is not None and settled.step < 0:
                forward[-1] = _turned(settled, tensor._node.type.shape[axis])
                backward.append(
                    len([e for e in forward if e is None or isinstance(e, slice)]) - 1 + _passed(items, forward, tensor)
                )
            if entry is not None and entry is not Ellipsis:
                axis += 1
        found = index.getitem(tensor, tuple(forward))
        return shown(turn.flip(found, backward) if backward else found)
    except OF_ARGUMENTS as error:
        translate(error)


def _passed(items: Any, forward: Any, tensor: Core) -> int:
    """How many dimensions an Ellipsis before this entry stands for."""
    if not any([entry is Ellipsis for entry in forward]):
        return 0
    return tensor._node.type.ndim - len([e for e in items if e is not None and e is not Ellipsis])


def _entry(entry: Any) -> Any:
    kind = entry.__class__
    if kind is int or entry is None or entry is Ellipsis:
        return entry
    if kind is slice:
        if entry.step == 0:
            raise invalid("strides[0] must be non-zero")
        return slice(_bound(entry.start), _bound(entry.stop), _bound(entry.step))
    if isinstance(entry, Core) and entry.dtype.category == INTEGER and entry._node.type.ndim == 0:
        return fresh(entry).to(dtypes.int64)
    if kind is not bool and hasattr(entry, "__index__") and not isinstance(entry, Core):
        return entry.__index__()
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are valid "
        f"indices, got {entry!r}. Use tf.gather or tf.boolean_mask."
    )


def _bound(bound: Any) -> Any:
    return bound if bound is None else bound.__index__()


def _turned(backwards: slice, size: int) -> slice:
    """The slice that takes the same places in rising order."""
    places = range(size)[backwards]
    return slice(places[-1], places[0] + 1, -places.step) if places else slice(0, 0)


def _is_mask(entry: Any) -> bool:
    return getattr(entry, "dtype", None) in (dtypes.bool_, np.bool_) and getattr(entry, "ndim", 0) > 0


# --- operators --------------------------------------------------------------------------------------------------------


def _operand(self: Core, other: Any, operation: str) -> Any:
    """The other side of an operator: a tensor of this one's dtype, or a Python number that it takes."""
    dtype = self._node.type.dtype
    if isinstance(other, Core):
        if other._node.type.dtype is not dtype:
            raise invalid_dtype(
                f"cannot compute {operation} as input #1(zero-based) was expected to be a {dtype.name} tensor but is a "
                f"{other._node.type.dtype.name} tensor. Convert one of them with tf.cast [Op:{operation}]"
            )
        return other
    category = CATEGORY.get(other.__class__)
    if category is not None and category <= dtype.category:
        return other
    if category is not None:
        raise invalid_dtype(
            f"cannot compute {operation} as input #1(zero-based) was expected to be a {dtype.name} tensor, and {other!r} is "
            f"none. Convert the tensor with tf.cast [Op:{operation}]"
        )
    return fresh(other, dtype, operation)


def _operator(function: Callable[..., Any], operation: str) -> Callable[..., Any]:
    def called(self: Core, other: Any) -> Any:
        try:
            made = function(self, _operand(self, other, operation))
        except OF_ARGUMENTS as error:
            translate(error)
        made.__class__ = Tensor
        return made

    def method(self: Core, other: Any) -> Any:
        if other is None:
            return NotImplemented
        if recording.tapes or not recorder.tracking:
            return called(self, other)
        with as_tapes_say():
            return called(self, other)

    method.__name__ = method.__qualname__ = operation
    return method


def _unary(function: Callable[..., Any], operation: str) -> Callable[..., Any]:
    def method(self: Core) -> Any:
        if recording.tapes or not recorder.tracking:
            return shown(function(self))
        with as_tapes_say():
            return shown(function(self))

    method.__name__ = method.__qualname__ = operation
    return method


def _arithmetic(function: Callable[..., Any], operation: str) -> Callable[..., Any]:
    """Numbers only: TensorFlow has no arithmetic of bools."""

    def checked(x: Any, w: Any) -> Any:
        if (x if isinstance(x, Core) else w).dtype is dtypes.bool_:
            raise invalid(f"Value for attr 'T' of bool is not in the list of allowed values of {operation}. Use tf.cast")
        return function(x, w)

    checked.__name__ = operation
    return checked


def divide(x: Any, w: Any) -> Any:
    """x / w; integers of up to 16 bits divide in float32, others in float64."""
    dtype = (x if isinstance(x, Core) else w).dtype
    if not dtype.inexact:
        wide = dtypes.float32 if dtype.itemsize <= 2 else dtypes.float64
        x, w = [p.to(wide) if isinstance(p, Core) else p for p in (x, w)]
    return elementwise.true_divide(x, w)


def product(x: Any, w: Any) -> Any:
    """The product of matrices, or of stacks of them. Raises: InvalidArgumentError for vectors."""
    if x.ndim < 2 or w.ndim < 2:
        raise invalid(
            f"In[0] and In[1] must have two dimensions or more, got shapes {list(x.shape)} and {list(w.shape)} [Op:MatMul]"
        )
    return products.matmul(x, w)


e = elementwise
_PAIRS: dict[str, tuple[Callable[..., Any], str]] = {
    "add": (_arithmetic(e.add, "AddV2"), "AddV2"), "sub": (_arithmetic(e.sub, "Sub"), "Sub"),
    "mul": (_arithmetic(e.mul, "Mul"), "Mul"), "truediv": (divide, "RealDiv"),
    "floordiv": (e.floor_divide, "FloorDiv"), "mod": (e.remainder, "FloorMod"), "pow": (e.pow, "Pow"),
    "matmul": (product, "BatchMatMulV2"), "and": (e.bitwise_and, "LogicalAnd"), "or": (e.bitwise_or, "LogicalOr"),
    "xor": (e.bitwise_xor, "LogicalXor"),
}  # fmt: skip


def _swapped(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, w: function(w, x)


def _operators() -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, (function, operation) in _PAIRS.items():
        table[f"__{name}__"] = table[f"__i{name}__"] = _operator(function, operation)
        table[f"__r{name}__"] = _operator(_swapped(function), operation)
    for name, operation in {"lt": "Less", "le": "LessEqual", "gt": "Greater", "ge": "GreaterEqual"}.items():
        table[f"__{name}__"] = _operator(getattr(e, name), operation)
    table["__eq__"], table["__ne__"] = _operator(e.eq, "Equal"), _operator(e.ne, "NotEqual")
    table["__neg__"], table["__abs__"] = _unary(e.neg, "Neg"), _unary(e.abs, "Abs")
    table["__invert__"] = _unary(e.bitwise_not, "Invert")
    return table


def _by_numpy(self: Any, function: Any, kinds: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's functions take tensors for arrays and give arrays: TensorFlow's tensors have none of an array's methods."""
    return function(*_arrays(args), **_arrays(kwargs))


def _arrays(tree: Any) -> Any:
    if isinstance(tree, Core):
        return np.asarray(tree)
    if tree.__class__ is dict:
        return {key: _arrays(value) for key, value in tree.items()}
    return tree.__class__([_arrays(part) for part in tree]) if tree.__class__ in (list, tuple) else tree


def _unwrapped(self: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    """What a function of NumPy's gives for each element stays an array."""
    return array[()] if return_scalar else array


def bind(kind: Any) -> None:
    """Give a class of tensors TensorFlow's operators, and its ways with NumPy."""
    for name, method in _operators().items():
        setattr(kind, name, method)
    kind.__hash__ = lambda self: id(self)
    kind.__array_function__, kind.__array_wrap__ = _by_numpy, _unwrapped


bind(Tensor)
