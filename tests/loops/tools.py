"""What the tests of compiled code share: compiling without a cache, and what "the same" means between two tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.backends.llvm import code, compile as llvm, contraction, scalars, target
from wengert.backends.llvm.program import Compiled
from wengert.graph.graph import Graph


def compiled(graph: Graph) -> Compiled:
    """The graph as code, made anew."""
    found = llvm.compile_graph(graph, lambda text, compile: compile(text))
    assert found is not None
    return found


class Guarded:
    """NumPy, but what `empty` gives lies between bytes that nobody may write: `assert_intact` looks at them."""

    ROOM, SIGN = 192, 0xA5

    def __init__(self) -> None:
        self.given: list[tuple[Any, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = np.float64) -> Any:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = np.full(size + 2 * self.ROOM, self.SIGN, np.uint8)
        self.given.append((memory, size))
        return memory[self.ROOM : self.ROOM + size].view(dtype).reshape(shape)

    def assert_intact(self) -> None:
        for memory, size in self.given:
            assert (memory[: self.ROOM] == self.SIGN).all(), "something was written before an array"
            assert (memory[self.ROOM + size :] == self.SIGN).all(), "something was written behind an array"


def assert_same(got: Sequence[Any], want: Sequence[Any], ulps: float = 64) -> None:
    """Equal types, equal integers, and floats within `ulps` of one another or of the largest number among them, which
    stands for the terms of a sum."""
    assert len(got) == len(want)
    for a, b in zip(got, want):
        if isinstance(b, tuple):
            assert_same(a, b, ulps)
            continue
        assert isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
        assert a.dtype == b.dtype and a.shape == b.shape, f"{a.dtype}{a.shape}, wanted {b.dtype}{b.shape}"
        if b.dtype.kind in "biu":
            np.testing.assert_array_equal(a, b)
            continue
        eps = unit(b.dtype)
        wide = np.complex128 if b.dtype.kind == "c" else np.float64
        with np.errstate(invalid="ignore"):  # bits that were reinterpreted may be signalling NaN
            a, b = a.astype(wide), b.astype(wide)
        size = np.abs(b[np.isfinite(b)]).max(initial=1.0)
        np.testing.assert_allclose(a, b, rtol=ulps * eps, atol=ulps * eps * size)


def unit(dtype: Any) -> float:
    """The distance from 1 to the next number."""
    return {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "complex64": 2.0**-23}.get(dtype.name, 2.0**-52)


def use_vectors(monkeypatch: Any, width: int) -> None:
    """Generate code as for a CPU whose vector registers have `width` bytes, until the test ends."""
    found = target.host()
    letter = {64: "e", 32: "d"}.get(width, "") if found.letter else ""
    narrow = found._replace(width=width, registers=32 if width == 64 else 16, letter=letter)
    for module in (target, scalars, code, contraction, llvm):
        monkeypatch.setattr(module, "host", lambda: narrow)
    monkeypatch.setattr(scalars, "vector_function", target.vector_function.__wrapped__)
