"""Random graphs of primitives, made to be hard to group and lower: much sharing, views of views, reductions over any
axes with what reads them, sizes that are no multiple of anything, empty and single elements.

A graph is a function of its seed. `Fuzzer(seed).program()` records it and gives its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np

from tests.rules.harness import Program, node_of
from wengert import dtypes
from wengert.derive.reverse import pull_back
from wengert.graph.node import Node
from wengert.graph.record import scalar, separate_tape
from wengert.graph.rule import primitives as p
from wengert.primitives.control import element

FLOATS = (dtypes.float32, dtypes.float64)
HALVES = (dtypes.float16, dtypes.bfloat16)
INTEGERS = (dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, *dtypes.WIDE_UNSIGNED)
SIZES = (1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33, 40, 64, 100)
LARGEST = 6000  # elements of a value
MOST_BIG = 120_000  # and of one where threads are to be used

SMOOTH = (
    "exp expm1 log log1p sqrt rsqrt reciprocal tanh sigmoid sin cos atan erf square abs neg relu log_sigmoid gelu sinh asinh"
).split()
STEPS = "floor ceil round trunc sign frac".split()


class Fuzzer:
    """Draws one graph."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs: list[Node] = []
        self.values: list[Any] = []
        self.pool: list[Node] = []
        self.bad_index = self.chance(0.06)
        self.big = self.chance(0.05)
        self.sizes: tuple[int, ...] = ()
        self.sizes = self.shape()

    # --- chance ------------------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def choice(self, options: Sequence[Any]) -> Any:
        return options[int(self.random.integers(len(options)))]

    def integer(self, low: int, high: int) -> int:
        """low <= result <= high"""
        return int(self.random.integers(low, high + 1))

    def shape(self, most: int = 4) -> tuple[int, ...]:
        """Often made of the graph's own sizes, so that its values fit together."""
        if self.chance(0.75):
            kept = [n for n in self.sizes if self.chance(0.8)]
            if self.chance(0.1):
                self.random.shuffle(kept)
            return tuple(kept)
        limit = MOST_BIG if self.big else LARGEST
        while True:
            rank = self.choice([n for n in (0, 1, 1, 2, 2, 2, 3, 3, 4) if n <= most])
            sizes = tuple(self.choice(SIZES) for _ in range(rank))
            if self.chance(0.06) and rank:
                sizes = (*sizes[:-1], 0) if self.chance(0.5) else (0, *sizes[1:])
            if self.big and rank:
                sizes = (*sizes[:-1], sizes[-1] * self.integer(1, 70))
            if int(np.prod(sizes)) <= limit:
                return sizes

    # --- inputs ------------------------------------------------------------------------------------------------------

    def input(self, shape: tuple[int, ...], dtype: Any) -> Node:
        """A new input with contents of its own, in some layout."""
        kind = dtype.numpy.kind
        if kind == "b":
            x = self.random.integers(0, 2, shape).astype(bool)
        elif kind in "iu":
            low = 0 if kind == "u" else -9
            x = self.random.integers(low, 10, shape).astype(dtype.numpy)
        else:
            x = self.random.uniform(-2, 2, shape).astype(dtype.numpy)
            if self.chance(0.2):
                x = np.round(x * 2) / dtype.numpy.type(2)  # ties
            if self.chance(0.05) and x.size:
                x.reshape(-1)[self.integer(0, x.size - 1)] = self.choice((np.nan, np.inf, -np.inf, 0.0, -0.0))
        return self.given(self.layout(np.asarray(x, dtype.numpy)), kind not in "biu")

    def given(self, value: Any, tracked: bool = False) -> Node:
        node = node_of(value, tracked)
        self.inputs.append(node)
        self.values.append(value)
        self.pool.append(node)
        return node

    def layout(self, x: Any) -> Any:
        """The same contents in another layout."""
        kind = self.integer(0, 9)
        if kind == 0 and x.ndim > 1:
            return np.asfortranarray(x)
        if kind == 1 and x.ndim:
            wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), x.dtype)
            wide[..., 1 : 2 * x.shape[-1] + 1 : 2] = x
            return wide[..., 1 : 2 * x.shape[-1] + 1 : 2]
        if kind == 2 and x.ndim:
            return np.ascontiguousarray(x[::-1])[::-1]
        if kind == 3:  # an address that is no multiple of the element's size
            memory = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype)
            memory[...] = x.reshape(-1)
            return memory.reshape(x.shape)
        if kind == 4 and x.ndim and x.shape[0] > 1:
            return np.broadcast_to(x[:1], x.shape)
        return x

    def dtype(self) -> Any:
        u = self.random.random()
        if u < 0.45:
            return dtypes.float32
        if u < 0.65:
            return dtypes.float64
        if u < 0.72:
            return self.choice(HALVES)
        return dtypes.bool_ if u < 0.8 else self.choice(INTEGERS)

    # --- operands ----------------------------------------------------------------------------------------------------

    def pick(self, accept: Callable[[Node], bool] = lambda x: True) -> Optional[Node]:
        """A value that there is, rather a late one."""
        fitting = [x for x in self.pool if accept(x)]
        if not fitting:
            return None
        return fitting[-1 - min(int(self.random.exponential(3)), len(fitting) - 1)]

    def operand(self, x: Node, dtype: Any = None) -> Node:
        """A value that broadcasts against x."""
        dtype = dtype or x.dtype
        u = self.random.random()
        if u < 0.15:
            value = self.choice((0, 1, 2, 3)) if dtype.category < 2 else float(self.random.uniform(-2, 2))
            return scalar(bool(value) if dtype.category == 0 else value, dtype)
        found = self.pick(lambda w: w.dtype is dtype and _broadcasts(w.shape, x.shape)) if u < 0.7 else None
        if found is not None:
            return found
        kept = tuple(n if self.chance(0.7) else 1 for n in x.shape)[self.integer(0, min(x.ndim, 1)) :]
        size = x.shape[-1] if x.ndim else 0
        if u > 0.92 and size and dtype is not dtypes.bool_:
            return p.iota(n=size, dtype=dtype)
        return self.input(kept, dtype)

    def axes(self, x: Node) -> tuple[int, ...]:
        if self.chance(0.5) and x.ndim:
            return (self.integer(0, x.ndim - 1),)
        return tuple(k for k in range(x.ndim) if self.chance(0.5))

    # --- operations: each takes a value and gives another, or None ---------------------------------------------------

    def unary(self, x: Node) -> Optional[Node]:
        if x.dtype.is_floating_point:
            name = self.choice(SMOOTH) if self.chance(0.85) else self.choice(STEPS)
        elif x.dtype.category == 1:
            name = self.choice(("neg", "abs", "square", "sign", "bitwise_not", "relu"))
        else:
            name = self.choice(("bitwise_not", "sign"))
        return p.table[name](x)

    def binary(self, x: Node) -> Optional[Node]:
        names = {
            0: ("add", "mul", "bitwise_and", "bitwise_or", "bitwise_xor", "maximum"),
            1: ("add", "sub", "mul", "maximum", "minimum", "bitwise_and", "clamp_min", "clamp_max"),
            2: ("add", "sub", "mul", "add", "sub", "mul", "div", "maximum", "minimum", "clamp_min", "atan2", "hypot"),
        }[x.dtype.category]
        pair = (x, self.operand(x))
        return p.table[self.choice(names)](*(pair if self.chance(0.6) else pair[::-1]))

    def compare(self, x: Node) -> Optional[Node]:
        return p.table[self.choice(("lt", "le", "gt", "ge", "eq", "ne"))](x, self.operand(x))

    def where(self, x: Node) -> Optional[Node]:
        condition = self.operand(x, dtypes.bool_)
        return p.where(condition, x, self.operand(x))

    def convert(self, x: Node) -> Optional[Node]:
        target = self.dtype()
        if x.dtype.is_floating_point and target.category == 1:  # what is out of range has no one answer
            x = p.clamp(p.where(p.isnan(x), scalar(0, x.dtype), x), scalar(0, x.dtype), scalar(100, x.dtype))
        return p.convert(x, dtype=target)

    def reshape(self, x: Node) -> Optional[Node]:
        sizes: list[int] = []
        left = x.size
        while left > 1 and self.chance(0.75):
            divisors = [d for d in range(2, min(left, 64) + 1) if left % d == 0]
            if not divisors:
                break
            sizes.append(self.choice(divisors))
            left //= sizes[-1]
        sizes.append(left)
        self.random.shuffle(sizes)
        if self.chance(0.3):
            sizes.insert(self.integer(0, len(sizes)), 1)
        return p.reshape(x, shape=tuple(sizes) if x.size != 1 or self.chance(0.7) else ())

    def permute(self, x: Node) -> Optional[Node]:
        return p.permute(x, order=tuple(self.random.permutation(x.ndim).tolist()))

    def slice(self, x: Node) -> Optional[Node]:
        entries: list[Any] = []
        for n in x.shape:
            if n and self.chance(0.2):
                entries.append(self.integer(0, n - 1))
            elif self.chance(0.4):
                entries.append((0, n, 1))
            else:
                start = self.integer(0, n // 2)
                entries.append((start, self.integer(start, n), self.integer(1, 3)))
        return p.slice(x, index=tuple(entries))

    def expand(self, x: Node) -> Optional[Node]:
        shape = tuple(self.choice((1, 3, 5)) if n == 1 else n for n in x.shape)
        return p.expand(x, shape=(*self.choice(((), (1,), (2,), (3, 2))), *shape))

    def flip(self, x: Node) -> Optional[Node]:
        return p.flip(x, axes=tuple(k for k in range(x.ndim) if self.chance(0.6)))

    def diagonal(self, x: Node) -> Optional[Node]:
        if x.ndim < 2:
            return None
        first, second = self.random.permutation(x.ndim)[:2].tolist()
        return p.diagonal(x, offset=self.integer(-2, 2), axis1=first, axis2=second)

    def view(self, x: Node) -> Optional[Node]:
        made = self.choice((self.reshape, self.permute, self.slice, self.expand, self.flip, self.diagonal))
        return made(x)  # type: ignore[no-any-return]

    def several_views(self, x: Node) -> Optional[Node]:
        for _ in range(self.integer(2, 4)):
            x = self.view(x) or x
        return x

    def reduction(self, x: Node) -> Optional[Node]:
        axes = self.axes(x)
        names = {0: ("reduce_and", "reduce_or", "reduce_sum"), 1: ("reduce_sum", "reduce_prod")}.get(
            x.dtype.category, ("reduce_sum", "reduce_sum", "reduce_prod")
        )
        if x.dtype.is_floating_point and np.prod([x.shape[k] for k in axes]) > 8:
            names = ("reduce_sum",)  # a long product overflows or not by the order of its factors
        if all(x.shape[k] for k in axes):
            names = (*names, "reduce_max", "reduce_min")
        return p.table[self.choice(names)](x, axes=axes)

    def reduction_and_back(self, x: Node) -> Optional[Node]:
        """What normalisations do: a reduction, and something that reads both it and what it was made of."""
        y = self.reduction(x)
        if y is None:
            return None
        self.pool.append(y)
        kept = p.reshape(y, shape=tuple(1 if k in y.params[0] else n for k, n in enumerate(x.shape)))
        if self.chance(0.3):
            kept = p.expand(kept, shape=x.shape)
        return p.table[self.choice(("mul", "add", "maximum") if x.dtype.category < 2 else ("sub", "mul", "add"))](x, kept)

    def composite(self, x: Node) -> Optional[Node]:
        if not x.dtype.is_floating_point or not x.ndim:
            return None
        kind = self.integer(0, 5)
        axis = self.integer(0, x.ndim - 1)
        if kind == 0:
            return p.softmax(x, axis=axis)
        if kind == 1:
            return p.log_softmax(x, axis=axis)
        if kind == 2:
            return p.logsumexp(x, axes=self.axes(x))
        if kind == 3:
            return p.standardize(x, scalar(1e-3, x.dtype), axes=self.axes(x))
        if kind == 4:
            return p.binary_cross_entropy_with_logits(x, self.operand(x))
        if x.ndim < 2 or not x.shape[1]:
            return None
        target = self.indices((x.shape[0], *x.shape[2:]), x.shape[1])
        return p.cross_entropy(x, target, ignore_index=self.choice((-100, 0, 1)))

    def dot(self, x: Node) -> Optional[Node]:
        if not x.dtype.is_floating_point or x.ndim < 2:
            return None
        swapped = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
        if self.chance(0.2):
            return p.dot(x, p.permute(x, order=swapped))
        *batch, m, k = x.shape
        if self.chance(0.5):
            w = self.input((*batch, k, self.choice(SIZES)), x.dtype)
        else:
            w = p.permute(self.input((*batch, self.choice(SIZES), k), x.dtype), order=swapped)
        if self.chance(0.3):
            w = p.flip(w, axes=(x.ndim - 1,))
        if int(np.prod(batch)) * m * w.shape[-1] > LARGEST:
            return None
        if batch and self.chance(0.3):
            w = p.expand(p.slice(w, index=(0, *[(0, n, 1) for n in w.shape[1:]])) if batch[0] else w, shape=w.shape)
        return p.dot(x, w)

    def indices(self, shape: tuple[int, ...], n: int, wrap: bool = False) -> Node:
        """Positions below n, as an input or computed."""
        low = -n if wrap else 0
        if self.chance(0.2):
            found = self.pick(lambda x: x.dtype is dtypes.int64 and x.shape == shape)
            if found is not None:
                return p.clamp(found, scalar(low, dtypes.int64), scalar(n - 1, dtypes.int64))
        if self.chance(0.15) and len(shape) and shape[-1] <= n:
            return p.expand(p.iota(n=shape[-1], dtype=dtypes.int64), shape=shape)
        value = self.random.integers(low, max(n, low + 1), shape)
        if self.bad_index and value.size and self.chance(0.5):
            value.reshape(-1)[self.integer(0, value.size - 1)] = self.choice((n, -n - 1, 2**40, -(2**62)))
        return self.given(self.layout(np.asarray(value, np.int64)))

    def gather(self, x: Node) -> Optional[Node]:
        if not x.ndim:
            return None
        axis = self.integer(0, x.ndim - 1)
        if not x.shape[axis]:
            return None
        shape = tuple(self.choice((1, 2, 5, n)) if k == axis else self.integer(n // 2, n) for k, n in enumerate(x.shape))
        return p.gather(x, self.indices(shape, x.shape[axis]), axis=axis)

    def take(self, x: Node) -> Optional[Node]:
        if not x.ndim:
            return None
        axis = self.integer(0, x.ndim - 1)
        shape = self.choice(((), (1,), (5,), (2, 3), (0,)))
        if not x.shape[axis] or x.size * int(np.prod(shape)) > 4 * LARGEST:
            return None
        wrap = self.chance(0.5)
        return p.take(x, self.indices(shape, x.shape[axis], wrap), axis=axis, wrap=wrap)

    def scatter(self, x: Node) -> Optional[Node]:
        if not x.ndim or x.dtype is dtypes.bool_:
            return None
        axis = self.integer(0, x.ndim - 1)
        if not x.shape[axis]:
            return None
        if self.chance(0.4):
            return self.put(x, axis)
        whole = self.chance(0.6)
        shape = tuple(1 if k == axis and whole else n if whole else self.integer(0, n) for k, n in enumerate(x.shape))
        index = self.indices(shape, x.shape[axis])
        return p.scatter_add(x, index, self.input(shape, x.dtype), axis=axis)

    def put(self, x: Node, axis: int) -> Optional[Node]:
        shape, wrap = self.choice(((), (1,), (5,), (2, 3), (40,), (0,))), self.chance(0.5)
        whole = (*x.shape[:axis], *shape, *x.shape[axis + 1 :])
        if int(np.prod(whole)) > LARGEST:
            return None
        index, source = self.indices(shape, x.shape[axis], wrap), self.input(whole, x.dtype)
        if self.chance(0.5):
            return p.put_add(x, index, source, axis=axis, wrap=wrap)
        return p.index_put(x, source, index, axes=(axis,), accumulate=self.chance(0.8), wrap=wrap)

    def join(self, x: Node) -> Optional[Node]:
        if not x.ndim:
            return None
        kind = self.integer(0, 2)
        if kind == 0:
            axis = self.integer(0, x.ndim - 1)
            return p.concatenate(x, self.view_like(x, axis), axis=axis)
        if kind == 1:
            low = tuple(self.integer(-(n // 2), 2) for n in x.shape)
            high = tuple(self.integer(-(n - n // 2), 2) for n in x.shape)
            return p.pad(x, scalar(1, x.dtype), low=low, high=high)
        entries = tuple((self.integer(0, n // 2), n, self.integer(1, 2)) for n in x.shape)
        new = self.input(tuple(len(range(*entry)) for entry in entries), x.dtype)
        return p.slice_update(x, new, index=entries)

    def view_like(self, x: Node, axis: int) -> Node:
        """A value of x's shape but along an axis."""
        index = tuple((0, self.integer(0, n), 1) if k == axis else (0, n, 1) for k, n in enumerate(x.shape))
        return p.slice(x if self.chance(0.5) else self.input(x.shape, x.dtype), index=index)

    def made(self, x: Node) -> Optional[Node]:
        if self.chance(0.5):
            return p.full(scalar(self.choice((0, 1)), x.dtype), shape=x.shape)
        n = self.choice(SIZES)
        return p.iota(n=n, dtype=self.choice((*INTEGERS, *FLOATS)))

    def passed_on(self, x: Node) -> Optional[Node]:
        kind = self.choice(("identity", "clone", "barrier", "stop_gradient", "pack"))
        if kind == "pack":
            return element(p.pack(self.operand(x), x), index=1)
        return p.table[kind](x)

    def library(self, x: Node) -> Optional[Node]:
        """What runs through NumPy."""
        if not x.ndim or x.dtype is dtypes.bool_ or not x.size:
            return None
        axis = self.integer(0, x.ndim - 1)
        if self.chance(0.5):
            return p.cumsum(x, axis=axis, reverse=self.chance(0.3))
        return p.argmax(x, axis=axis)

    # --- the graph ---------------------------------------------------------------------------------------------------

    def grow(self, steps: int) -> None:
        weights = {
            self.unary: 20, self.binary: 26, self.compare: 4, self.where: 5, self.convert: 5, self.view: 12,
            self.several_views: 4, self.reduction: 6, self.reduction_and_back: 8, self.composite: 5, self.dot: 4,
            self.gather: 3, self.take: 3, self.scatter: 2, self.join: 3, self.made: 2, self.passed_on: 3, self.library: 2,
        }  # fmt: skip
        makers = list(weights)
        odds = np.array(list(weights.values())) / sum(weights.values())
        while len(self.pool) < 2:
            self.input(self.shape(), self.dtype())
        for _ in range(steps):
            if self.chance(0.06):
                self.input(self.shape(), self.dtype())
            x = self.pick()
            assert x is not None
            y = makers[int(self.random.choice(len(makers), p=odds))](x)
            if y is not None and y.size <= (MOST_BIG if self.big else 4 * LARGEST):
                self.pool.append(y)

    def program(self) -> tuple[Program, list[Any]]:
        """The graph as a program, and arrays for all its inputs."""
        with separate_tape():
            self.grow(self.choice((4, 10, 20, 40, 80)))
            late = self.pool[len(self.pool) // 2 :]
            outputs = [self.pool[-1], *[self.choice(late) for _ in range(self.integer(0, 6))], self.choice(self.pool)]
            if self.chance(0.3):
                outputs = self.unread()
            if self.chance(0.5):
                outputs += self.gradients(outputs)
            program = Program(self.inputs, outputs)
        return program, [*self.values, *program.constants]

    def unread(self) -> list[Node]:
        """The values that no other one is made of, so that the whole graph is needed."""
        read = {x for y in self.pool for x in y.inputs}
        return [y for y in self.pool if y not in read]

    def gradients(self, outputs: Sequence[Node]) -> list[Node]:
        roots = list(dict.fromkeys(y for y in outputs if y.tracked and y.type.inexact))
        targets = [x for x in self.inputs if x.tracked]
        if not roots or not targets:
            return []
        bars = [node_of(self.random.uniform(-1, 1, y.shape).astype(y.dtype.numpy)) for y in roots]
        found = pull_back(roots, bars, targets)
        return [found[x] for x in targets if x in found]


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    aligned = target[len(target) - len(shape) :] if len(shape) <= len(target) else None
    return aligned is not None and all(n in (1, m) for n, m in zip(shape, aligned))
