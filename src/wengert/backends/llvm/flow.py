"""LLVM IR of code that steers others: variables, loops and conditions as Python blocks.

Variables live on the stack, since nothing here is hot: what is inside of its calls is.

    f = Flow("define internal void @fill(i64 %n, ptr %to)")
    with f.loop("0", "%n", "1") as i:
        with f.when(f.less(i, "%m")):
            f.line(...)
    text = f.text()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Variable(NamedTuple):
    slot: str
    type: str


class Flow:
    """One function, written from top to bottom."""

    def __init__(self, header: str) -> None:
        self.header = header
        self.slots: list[str] = []
        self.lines: list[str] = []
        self._next = 0

    def text(self) -> str:
        return "\n".join([f"{self.header} {{\nentry:", *self.slots, *self.lines, "  ret void\n}"])

    def name(self) -> str:
        self._next += 1
        return f"%v{self._next}"

    def label(self) -> str:
        self._next += 1
        return f"l{self._next}"

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def emit(self, text: str) -> str:
        """A line that defines a fresh name."""
        name = self.name()
        self.line(f"{name} = {text}")
        return name

    # --- numbers -------------------------------------------------------------------------------------------------------

    def add(self, a: str, b: object) -> str:
        return self.emit(f"add i64 {a}, {b}")

    def sub(self, a: str, b: object) -> str:
        return self.emit(f"sub i64 {a}, {b}")

    def mul(self, a: str, b: object) -> str:
        return self.emit(f"mul i64 {a}, {b}")

    def div(self, a: str, b: object) -> str:
        return self.emit(f"udiv i64 {a}, {b}")

    def rem(self, a: str, b: object) -> str:
        return self.emit(f"urem i64 {a}, {b}")

    def least(self, a: str, b: object) -> str:
        return self.emit(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")

    def most(self, a: str, b: object) -> str:
        return self.emit(f"call i64 @llvm.smax.i64(i64 {a}, i64 {b})")

    def parts(self, a: str, b: object) -> str:
        """How many times b it takes to cover a."""
        return self.div(self.sub(self.add(a, b), 1), b)

    def rounded(self, a: str, b: object) -> str:
        """a, rounded up to a multiple of b."""
        return self.mul(self.parts(a, b), b)

    # --- conditions ----------------------------------------------------------------------------------------------------

    def test(self, predicate: str, a: str, b: object, type: str = "i64") -> str:
        return self.emit(f"icmp {predicate} {type} {a}, {b}")

    def less(self, a: str, b: object) -> str:
        return self.test("slt", a, b)

    def both(self, a: str, b: str) -> str:
        return self.emit(f"and i1 {a}, {b}")

    def either(self, a: str, b: str) -> str:
        return self.emit(f"or i1 {a}, {b}")

    def no(self, a: str) -> str:
        return self.emit(f"xor i1 {a}, true")

    def choose(self, condition: str, a: object, b: object, type: str = "i64") -> str:
        return self.emit(f"select i1 {condition}, {type} {a}, {type} {b}")

    # --- memory --------------------------------------------------------------------------------------------------------

    def at(self, type: str, base: str, *terms: tuple[str, object]) -> str:
        """The address of an element: the base and, for each term, a count times a stride."""
        for count, stride in terms:
            index = count if stride == 1 else self.mul(count, stride)
            base = self.emit(f"getelementptr {type}, ptr {base}, i64 {index}")
        return base

    def read(self, type: str, base: str, place: object = 0) -> str:
        """Element `place` of a row of eight-byte words."""
        return self.emit(f"load {type}, ptr {self.at('i64', base, (str(place), 1))}, align 8")

    def variable(self, value: str, type: str = "i64") -> Variable:
        slot = self.name()
        self.slots.append(f"  {slot} = alloca {type}, align 8")
        found = Variable(slot, type)
        self.set(found, value)
        return found

    def get(self, variable: Variable) -> str:
        return self.emit(f"load {variable.type}, ptr {variable.slot}, align 8")

    def set(self, variable: Variable, value: str) -> None:
        self.line(f"store {variable.type} {value}, ptr {variable.slot}, align 8")

    # --- control -------------------------------------------------------------------------------------------------------

    @contextmanager
    def loop(self, start: str, stop: str, step: object) -> Iterator[str]:
        """From start while below stop."""
        variable = self.variable(start)
        with self.while_(lambda: self.less(self.get(variable), stop)):
            index = self.get(variable)
            yield index
            self.set(variable, self.add(index, step))

    @contextmanager
    def while_(self, condition: Callable[[], str]) -> Iterator[None]:
        head, body, after = self.label(), self.label(), self.label()
        self.line(f"br label %{head}\n{head}:")
        self.line(f"br i1 {condition()}, label %{body}, label %{after}\n{body}:")
        yield
        self.line(f"br label %{head}\n{after}:")

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        body, after = self.label(), self.label()
        self.line(f"br i1 {condition}, label %{body}, label %{after}\n{body}:")
        yield
        self.line(f"br label %{after}\n{after}:")

    def switch(self, value: str, cases: dict[int, Callable[[], None]]) -> None:
        """Run the case of this number, if there is one."""
        after = self.label()
        labels = {number: self.label() for number in cases}
        arms = " ".join(f"i64 {number}, label %{label}" for number, label in labels.items())
        self.line(f"switch i64 {value}, label %{after} [{arms}]")
        for number, case in cases.items():
            self.lines.append(f"{labels[number]}:")
            case()
            self.line(f"br label %{after}")
        self.lines.append(f"{after}:")
