"""tf.function: a Python function that is recorded once for each kind of call and replayed as one program: `wengert.compile`
behind TensorFlow's manners.

Kinds of calls are told apart as there: by the shapes and dtypes of tensors, by the values of other arguments. Two things
are kinder. Numbers with a fraction do not make a new kind each (they become inputs of the program), and a function whose
Python code branches on the value of a tensor is not rewritten: it runs as ordinary code in every call, whose operations are
recorded and compiled like any others. So ``if``, ``while`` and ``for`` on tensors do what they say.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional
from weakref import WeakKeyDictionary

import numpy as np

import wengert
from wengert.graph.number import RuntimeNumber
from wengert.graph.record import recorder
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf import nest
from wengert.tf.configuration import config
from wengert.tf.errors import OF_ARGUMENTS, translate
from wengert.tf.recording import as_tapes_say, recording
from wengert.tf.spec import TensorSpec
from wengert.tf.tensor import Tensor, shown
from wengert.tf.values import fresh
from wengert.tf.variable import Variable, creation

# Sizes that stand for an open one, to see what depends on it.
_SIZES = 5, 7

# Traces among as many of the latest calls that make TensorFlow warn.
STORM = 5


def function(
    func: Optional[Callable[..., Any]] = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: Any = None,
    reduce_retracing: bool = False,
    experimental_implements: Any = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: Any = None,
    experimental_compile: Any = None,
    experimental_follow_type_hints: Any = None,
) -> Any:
    """A function that does what `func` does, as one program from its second call of a kind on.

    input_signature: one TensorSpec for each argument; calls with others are an error.
    reduce_retracing, jit_compile, autograph and the experimental options: accepted; there is one compiler.

    Variables may be created in the first call only.

    Raises: TypeError when `func` cannot be called, or when a call does not fit the signature; ValueError when a later call
    creates a variable.

    >>> import wengert.tf as tf
    >>> square = tf.function(lambda x: x * x)
    >>> square(tf.constant(3.0))
    <tf.Tensor: shape=(), dtype=float32, numpy=9.0>
    """
    if func is None:
        return functools.partial(function, input_signature=input_signature, reduce_retracing=reduce_retracing)
    if not callable(func):
        raise TypeError(f"tf.function: a function is wanted, got {type(func).__name__}")
    _check_signature(input_signature)
    return Function(func.python_function if isinstance(func, Function) else func, input_signature)


def _check_signature(signature: Any) -> None:
    """Raises: TypeError for a signature that is no sequence of specs."""
    if signature is None:
        return
    if not isinstance(signature, (list, tuple)):
        raise TypeError(f"input_signature must be a list or tuple of tf.TensorSpec, got {type(signature).__name__}")
    strange = [leaf for leaf in nest.flatten(signature) if not isinstance(leaf, (TensorSpec, Core))]
    if strange:
        raise TypeError(f"input_signature must be a possibly nested sequence of TensorSpec objects, got {strange[0]!r} in it")


def _binds(function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Raises: TypeError when a function cannot be called with these arguments."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"Binding inputs to tf.function failed due to `{error}`: give a TensorSpec for each argument") from None


class _Calling(threading.local):
    """The functions that are being recorded on this thread, innermost last."""

    stack: tuple[Function, ...] = ()


_calling = _Calling()


class _Calls:
    """Of the latest calls of a piece of code, whether each was recorded; whether there was a warning of it."""

    def __init__(self) -> None:
        self.latest: list[bool] = []
        self.warned = False


_of_code: WeakKeyDictionary[Any, _Calls] = WeakKeyDictionary()


def _calls_of(function: Any) -> _Calls:
    """The calls of all functions that have one code, so that those that are made anew in a loop are noticed."""
    function = inspect.unwrap(function)
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return _Calls() if code is None else _of_code.setdefault(code, _Calls())


class Function:
    """What `tf.function` gives."""

    def __init__(self, python_function: Callable[..., Any], input_signature: Any = None) -> None:
        functools.update_wrapper(self, python_function)
        self._python_function = python_function
        self._signature = None if input_signature is None else tuple(input_signature)
        self._compiled = wengert.compile(self._recorded, silent=True)  # its list `reasons` says what is not replayed
        self._calls = _calls_of(python_function)
        self._bound: dict[int, tuple[Any, Function]] = {}

    @property
    def python_function(self) -> Callable[..., Any]:
        """The function that was given."""
        return self._python_function

    @property
    def input_signature(self) -> Any:
        """The specs of the arguments, or None."""
        return self._signature

    def experimental_get_tracing_count(self) -> int:
        """How often it was recorded."""
        return int(self._compiled.traces)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """As a decorated method: one function for each object."""
        if owner is None:
            return self
        made = Function(self._python_function.__get__(owner, kind), self._signature)
        name = getattr(self._python_function, "__name__", "")
        held = getattr(owner, "__dict__", None)
        if held is None or getattr(type(owner), name, None) is not self:
            return made
        found = held.get(name)
        if found is None:
            found = held[name] = made
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._signature is not None:
            args, kwargs = self._fitted(args, kwargs), {}
        if config.functions_run_eagerly():
            return self._python_function(*args, **kwargs)
        args, kwargs = _taken((args, kwargs))
        traces = self._compiled.traces
        try:
            if recording.tapes or not recorder.tracking:
                result = self._compiled(*args, **kwargs)
            else:
                with as_tapes_say():
                    result = self._compiled(*args, **kwargs)
        except OF_ARGUMENTS as error:
            translate(error)
        self._note(self._compiled.traces != traces)
        return shown(result)

    def _recorded(self, *args: Any, **kwargs: Any) -> Any:
        """The Python code, with TensorFlow's tensors for arguments."""
        args, kwargs = shown((args, kwargs))
        before, _calling.stack = _calling.stack, (*_calling.stack, self)
        later, creation.forbidden = creation.forbidden, self._compiled.traces > 1
        try:
            result = self._python_function(*args, **kwargs)
        finally:
            _calling.stack, creation.forbidden = before, later
        return nest.map_structure(_given, result) if nest.is_nested(result) else _given(result)

    def _note(self, recorded: bool) -> None:
        """Warn, as TensorFlow does, when nearly every call is of a new kind."""
        latest = self._calls.latest
        latest.append(recorded)
        if len(latest) > STORM + 1:
            del latest[0]
        if len(latest) > STORM and sum(latest) >= STORM and not self._calls.warned:
            self._calls.warned = True
            warnings.warn(
                f"{STORM} out of the last {len(latest)} calls to {self._name()} triggered tf.function retracing. Tracing is "
                "expensive. It happens for every new shape or dtype of a tensor, for every new value of another argument, and "
                "for every new tf.function: pad tensors to a few shapes, pass numbers that change as tensors, and make the "
                "tf.function once, outside of loops.",
                stacklevel=3,
            )

    def _name(self) -> str:
        return str(getattr(self._python_function, "__qualname__", type(self._python_function).__name__))

    # --- signatures -------------------------------------------------------------------------------------------------

    def _fitted(self, args: Any, kwargs: Any) -> tuple[Any, ...]:
        """The arguments of a call, in order, as the signature says.

        Raises: TypeError when they do not fit.
        """
        assert self._signature is not None
        bound = inspect.signature(self._python_function).bind(*args, **kwargs)
        count = len(bound.arguments)
        bound.apply_defaults()
        given = list(bound.args)  # beyond the signature defaults stand, which no call may name
        if count > len(self._signature) or len(given) < len(self._signature):
            raise TypeError(f"{self._name()} takes {len(self._signature)} arguments by its input_signature, got {count}")
        known = [_of_specs(value, spec, self._name()) for value, spec in zip(given, self._signature)]
        return (*known, *given[len(known) :])

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The function for arguments of these specs (or like these tensors) only."""
        if not args and not kwargs and self._signature is not None:
            args = self._signature
        _binds(self._python_function, args, kwargs)
        return ConcreteFunction(self, args, kwargs)


class ConcreteFunction:
    """A `Function` for arguments of some specs. Raises: TypeError when it is called with others."""

    def __init__(self, function: Function, args: Any, kwargs: Any) -> None:
        self._function = function
        self.structured_input_signature = nest.map_structure(_spec_of, (tuple(args), dict(kwargs)))
        self.name = function._name()

    @property
    def inputs(self) -> list[Any]:
        """The specs of the tensors among the arguments."""
        return [spec for spec in nest.flatten(self.structured_input_signature) if isinstance(spec, TensorSpec)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        wanted_args, wanted_kwargs = self.structured_input_signature
        names = list(inspect.signature(self._function._python_function).parameters)
        for name, spec in zip(names[len(args) :], wanted_args[len(args) :]):  # arguments by name, constants left out
            args = (*args, kwargs.pop(name) if name in kwargs else spec)
        nest.assert_same_structure((args, kwargs), (wanted_args, wanted_kwargs), check_types=False)
        wanted = nest.flatten((wanted_args, wanted_kwargs))
        fitted = [
            _of_spec(value, spec, self.name) if isinstance(spec, TensorSpec) else value
            for value, spec in zip(nest.flatten((args, kwargs)), wanted)
        ]
        args, kwargs = nest.pack_sequence_as((args, kwargs), fitted)
        return self._function(*args, **kwargs)

    @property
    def structured_outputs(self) -> Any:
        """The specs of what it returns. A size that follows from an open size of the inputs is open."""
        small, large = self._outputs_at(_SIZES[0]), self._outputs_at(_SIZES[1])
        return nest.map_structure(TensorSpec.most_specific_compatible_type, small, large)

    @property
    def output_shapes(self) -> Any:
        """The shapes of what it returns."""
        return nest.map_structure(lambda spec: spec.shape, self.structured_outputs)

    @property
    def output_dtypes(self) -> Any:
        """The dtypes of what it returns."""
        return nest.map_structure(lambda spec: spec.dtype, self.structured_outputs)

    def _outputs_at(self, size: int) -> Any:
        """The specs of what it returns where open sizes are this one."""
        sizes = [tuple([size if n is None else n for n in spec.shape]) for spec in self.inputs]
        stand_ins = [wengert.func.ShapeDtype(shape, spec.dtype) for shape, spec in zip(sizes, self.inputs)]
        flat = nest.flatten(self.structured_input_signature)

        def call(*tensors: Any) -> Any:
            given = iter(tensors)
            leaves = [next(given) if isinstance(leaf, TensorSpec) else leaf for leaf in flat]
            args, kwargs = nest.pack_sequence_as(self.structured_input_signature, leaves)
            return self._function._recorded(*args, **kwargs)

        found = wengert.func.eval_shape(call, *stand_ins)
        return nest.map_structure(lambda out: TensorSpec(out.shape, out.dtype), found)


def _spec_of(value: Any) -> Any:
    if isinstance(value, (Core, np.ndarray)):
        return TensorSpec.from_tensor(value)
    return value


def _of_specs(value: Any, specs: Any, name: str) -> Any:
    """An argument as a structure of specs says."""
    if isinstance(specs, TensorSpec):
        return _of_spec(value, specs, name)
    if isinstance(specs, dict):
        return {key: _of_specs(value[key], spec, name) for key, spec in specs.items()}
    if isinstance(specs, (list, tuple)):
        return type(specs)([_of_specs(part, spec, name) for part, spec in zip(value, specs, strict=True)])
    return value


def _of_spec(value: Any, spec: Any, name: str) -> Any:
    """An argument as a tensor of the spec. Raises: TypeError when it is not."""
    if not isinstance(spec, TensorSpec):
        return value
    if isinstance(value, TensorSpec):
        raise TypeError(f"{name}: an argument is missing: {spec}")
    try:
        made = value if isinstance(value, Core) else fresh(value, spec.dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Binding inputs to tf.function {name} failed: cannot convert {value!r} to {spec}: {error}") from error
    if made.dtype is not spec.dtype or not spec.shape.is_compatible_with(made.shape):
        got = TensorSpec(made.shape, made.dtype)
        raise TypeError(f"Binding inputs to tf.function {name} failed due to `Can not cast {got} to {spec}`")
    return made


def _taken(tree: Any) -> Any:
    """Arguments as the compiled function takes them: tensors by their present value, arrays as tensors, variables as they
    are."""
    if nest.is_nested(tree):
        if isinstance(tree, dict):
            return {key: _taken(value) for key, value in tree.items()}
        parts = [_taken(part) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if isinstance(tree, Tensor):
        return wrap(tree._read())
    if isinstance(tree, (np.ndarray, np.generic)):
        return fresh(tree)
    return tree


def _given(result: Any) -> Any:
    """One result: numbers and arrays are tensors, as in TensorFlow; None stays."""
    if isinstance(result, Variable):
        return result.value()
    if isinstance(result, (bool, int, float, complex, RuntimeNumber, np.ndarray, np.generic)):
        return fresh(result)
    return result


def executing_eagerly() -> bool:
    """False while a `tf.function` is being recorded, True elsewhere."""
    return not _calling.stack


@contextmanager
def init_scope() -> Iterator[None]:
    """Outside of any `tf.function` and any tape: nothing inside is recorded on a tape."""
    stack, tapes, tracked = _calling.stack, recording.tapes, recorder.tracking
    _calling.stack, recording.tapes, recorder.tracking = (), (), False
    try:
        yield
    finally:
        _calling.stack, recording.tapes, recorder.tracking = stack, tapes, tracked


def inside_function() -> bool:
    """Whether a `tf.function` is being recorded."""
    return bool(_calling.stack)
