"""How TensorFlow's names reach the core: arguments to tensors, results to TensorFlow's tensors, errors to TensorFlow's.

`face` is the decorator of every public operation. It says which arguments are tensors:

    @face("x", "y", same=True)          # both become tensors of one dtype
    def maximum(x, y, name=None):
        return functions.maximum(x, y)

Inside, `x` and `y` are core tensors that show the value at this moment: a Variable is read, an array copied, a Python
number has the dtype that TensorFlow gives it. What the function returns, in any nest, is shown as `Tensor`. Nothing is
tracked unless a tape is recording.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Optional, TypeVar, cast

from wengert.dtypes import DType
from wengert.graph.record import recorder
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import OF_ARGUMENTS, translate
from wengert.tf.recording import as_tapes_say, recording
from wengert.tf.tensor import Tensor, shown
from wengert.tf.values import common_dtype, fresh, node_from

F = TypeVar("F", bound=Callable[..., Any])


def face(*tensors: str, same: bool = False, optional: Sequence[str] = ()) -> Callable[[F], F]:
    """The decorator of a public operation.

    tensors: names of the arguments that are tensors. `same`: they have one dtype, which Python numbers, lists and arrays
        among them take on. `optional`: names of those that may be None.

    A ``name`` argument that the function does not take is accepted.
    """

    def decorate(function: F) -> F:
        parameters = list(inspect.signature(function).parameters)
        places = {name: parameters.index(name) for name in (*tensors, *optional)}
        takes_name = "name" in parameters

        @wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            if not takes_name:
                kwargs.pop("name", None)
            if recording.tapes or not recorder.tracking:
                return called(args, kwargs)
            with as_tapes_say():
                return called(args, kwargs)

        def called(args: Any, kwargs: Any) -> Any:
            given = list(args)
            hint = _common_dtype(given, kwargs) if same else None
            for name, place in places.items():
                if place < len(given):
                    if given[place] is not None or name not in optional:
                        given[place] = fresh(given[place], hint, function.__name__)
                elif kwargs.get(name) is not None:
                    kwargs[name] = fresh(kwargs[name], hint, function.__name__)
            try:
                return shown(function(*given, **kwargs))
            except OF_ARGUMENTS as error:
                translate(error)

        def _common_dtype(given: list[Any], kwargs: Any) -> Optional[DType]:
            values = [given[p] if p < len(given) else kwargs.get(n) for n, p in places.items()]
            return common_dtype(values, function.__name__)

        return cast(F, named)

    return decorate


def convert(value: Any, dtype: Any = None, dtype_hint: Any = None, name: Optional[str] = None) -> Tensor:
    """`value` as a Tensor: TensorFlow's `convert_to_tensor`. dtype_hint: a dtype to take where nothing says another.

    Raises: ValueError when a tensor has another dtype, or for what is no rectangular array of numbers; TypeError when a
    number does not fit the dtype.
    """
    if dtype is None and dtype_hint is not None and not isinstance(value, Core):
        try:
            return convert(value, dtype_hint)
        except (TypeError, ValueError):  # it was a wish
            return convert(value)
    wanted = None if dtype is None else as_dtype(dtype)
    if value.__class__ is Tensor:
        if wanted is None or value.dtype is wanted:
            return value
    elif not isinstance(value, Core):
        return shown(wrap(node_from(value, wanted)))
    if wanted is not None and value.dtype is not wanted:
        raise ValueError(f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {value.dtype.name}: {value!r}")
    if recording.tapes or not recorder.tracking:
        return shown(wrap(value._read()))
    with as_tapes_say():
        return shown(wrap(value._read()))
