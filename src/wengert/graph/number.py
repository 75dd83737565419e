"""Run-time numbers: Python numbers of a traced function that a replay asks for anew.

A learning rate, a count of steps, a float argument: while a function is traced for `compile`, each is a `RuntimeNumber`.
Arithmetic on one gives another and writes a line of a small Python program; a comparison gives a plain bool and notes
that a replay is only right while the answer stays the same. What needs the plain value (`float(x)`, `math.sqrt(x)`) gets
it, and then the value itself is what must stay.

    lr = numbers.source("groups[0]['lr']", 0.1)
    rate = lr * (1 - 0.9**t)        line: n3 = n0 * n2
    if rate == 0: ...               line: n4 = n3 == 0; a replay asks that n4 is still False
"""

from __future__ import annotations

import numbers as abstract
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Union

Plain = Union[bool, int, float]


class Line(NamedTuple):
    """One line of the program: its text, and the lines that it reads."""

    text: str
    reads: tuple[int, ...]


class NumberProgram:
    """The lines that the numbers of one trace have written.

    names       what the text of sources may refer to
    conditions  (line, value): what must still hold for a replay to be right, in order of appearance
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.values: list[Plain] = []
        self.names: dict[str, Any] = {}
        self.conditions: dict[int, Any] = {}
        self._known: dict[Any, int] = {}

    def name(self, thing: Any) -> str:
        """A name for an object that the text of a source reads."""
        for name, known in self.names.items():
            if known is thing:
                return name
        name = f"o{len(self.names)}"
        self.names[name] = thing
        return name

    def source(self, text: str, value: Plain) -> RuntimeNumber:
        """A number that a replay reads by evaluating `text`; `value` is what it is now."""
        return RuntimeNumber(self, self._line(text, (), value), value)

    def constant(self, value: Plain) -> int:
        """The line of a number that never changes."""
        name = self.name(value) if isinstance(value, float) and (value != value or value in (_INF, -_INF)) else repr(value)
        return self._line(name, (), value)

    def apply(self, form: str, arguments: tuple[Any, ...], value: Any) -> Any:
        """The number `form` (with {0}, {1}, ...) gives for these numbers; `value` is what it is now."""
        places = [a._line if isinstance(a, RuntimeNumber) else self.constant(a) for a in arguments]
        line = self._line(form.format(*[f"n{at}" for at in places]), tuple(places), value)
        return value if isinstance(value, bool) else RuntimeNumber(self, line, value)

    def ask(self, form: str, arguments: tuple[Any, ...], value: Any) -> Any:
        """As `apply`, for an answer on which the traced code may branch: it must stay what it is."""
        places = [a._line if isinstance(a, RuntimeNumber) else self.constant(a) for a in arguments]
        line = self._line(form.format(*[f"n{at}" for at in places]), tuple(places), value)
        self.conditions[line] = value
        return value

    def _line(self, text: str, reads: tuple[int, ...], value: Plain) -> int:
        at = self._known.get(text)
        if at is None:
            at = self._known[text] = len(self.lines)
            self.lines.append(Line(text, reads))
            self.values.append(value)
        return at

    def function(self, wanted: list[int]) -> Callable[[], Any]:
        """A function without arguments that evaluates what `wanted` and the conditions need.

        It gives the tuple of the wanted numbers, or None when a condition does not hold any more.
        """
        needed = set(wanted) | set(self.conditions)
        for at in reversed(range(len(self.lines))):
            if at in needed:
                needed.update(self.lines[at].reads)
        body = []
        names = dict(self.names)
        for at, line in enumerate(self.lines):
            if at not in needed:
                continue
            body.append(f"  n{at} = {line.text}")
            if at in self.conditions:
                names[f"k{at}"] = self.conditions[at]
                body.append(f"  if n{at} != k{at}: return None")
        result = ", ".join(f"n{at}" for at in wanted)
        text = "\n".join(["def evaluate():", *body, f"  return ({result}{',' if len(wanted) == 1 else ''})"])
        exec(compile(text, "<wengert numbers>", "exec"), names)
        return names["evaluate"]  # type: ignore[no-any-return]


_INF = float("inf")


class RuntimeNumber:
    """A number of a traced function whose value a replay asks for anew. Behaves as the number it is now."""

    __slots__ = ("_program", "_line", "value")

    def __init__(self, program: NumberProgram, line: int, value: Plain) -> None:
        self._program = program
        self._line = line
        self.value = value

    @property
    def line(self) -> int:
        return self._line

    def _plain(self) -> Any:
        """The value, which from now on must stay what it is."""
        return self._program.ask("{0}", (self,), self.value)

    def __float__(self) -> float:
        return float(self._plain())

    def __int__(self) -> int:
        return int(self._plain())

    def __index__(self) -> int:
        return operator.index(self._plain())

    def __complex__(self) -> complex:
        return complex(self._plain())

    def __bool__(self) -> bool:
        return self._program.ask("bool({0})", (self,), bool(self.value))  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return hash(self._plain())

    def __str__(self) -> str:
        return str(self._plain())

    def __format__(self, spec: str) -> str:
        return format(self._plain(), spec)

    def __repr__(self) -> str:
        return repr(self._plain())

    def __round__(self, digits: Optional[int] = None) -> Any:
        return round(self._plain(), digits)

    def __trunc__(self) -> int:
        return int(self._plain())

    def __reduce__(self) -> Any:  # copy and pickle see the plain number
        return type(self.value), (self._plain(),)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, RuntimeNumber) else value


def _binary(form: str, function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    def method(self: RuntimeNumber, other: Any) -> Any:
        if not isinstance(other, (bool, int, float, RuntimeNumber)):
            return NotImplemented
        return self._program.apply(form, (self, other), function(self.value, _plain(other)))

    def reflected(self: RuntimeNumber, other: Any) -> Any:
        if not isinstance(other, (bool, int, float)):
            return NotImplemented
        return self._program.apply(form, (other, self), function(other, self.value))

    return method, reflected


def _comparison(form: str, function: Callable[[Any, Any], Any]) -> Any:
    def method(self: RuntimeNumber, other: Any) -> Any:
        if other.__class__ is RuntimeNumber and other.line == self.line and self.value == self.value:
            return function(0, 0)  # one and the same number
        if not isinstance(other, (bool, int, float, RuntimeNumber)):
            return NotImplemented
        return self._program.ask(form, (self, other), function(self.value, _plain(other)))

    return method


def _unary(form: str, function: Callable[[Any], Any]) -> Any:
    def method(self: RuntimeNumber) -> Any:
        return self._program.apply(form, (self,), function(self.value))

    return method


for _name, _form, _function in (
    ("add", "{0} + {1}", operator.add),
    ("sub", "{0} - {1}", operator.sub),
    ("mul", "{0} * {1}", operator.mul),
    ("truediv", "{0} / {1}", operator.truediv),
    ("floordiv", "{0} // {1}", operator.floordiv),
    ("mod", "{0} % {1}", operator.mod),
    ("pow", "{0} ** {1}", operator.pow),
):
    _method, _reflected = _binary(_form, _function)
    setattr(RuntimeNumber, f"__{_name}__", _method)
    setattr(RuntimeNumber, f"__r{_name}__", _reflected)
for _name, _form, _function in (
    ("eq", "{0} == {1}", operator.eq),
    ("ne", "{0} != {1}", operator.ne),
    ("lt", "{0} < {1}", operator.lt),
    ("le", "{0} <= {1}", operator.le),
    ("gt", "{0} > {1}", operator.gt),
    ("ge", "{0} >= {1}", operator.ge),
):
    setattr(RuntimeNumber, f"__{_name}__", _comparison(_form, _function))
for _name, _form, _step in (("neg", "-{0}", operator.neg), ("pos", "+{0}", operator.pos), ("abs", "abs({0})", abs)):
    setattr(RuntimeNumber, f"__{_name}__", _unary(_form, _step))

abstract.Real.register(RuntimeNumber)
