"""Random numbers that are functions of (key, counter): a cached program gives fresh numbers when its counter moves, the
same pair gives the same numbers on every tier, and a recomputed region replays its own.

The stream of a pair is Philox4x64-10 with the key (key, 0) and the counters (1, counter, 0, 0), (2, counter, 0, 0) and
so on; each counter gives four 64-bit words. So streams of different counters never meet, and a generator moves its
counter by one for each array it draws, however large. The elements of an array, in row-major order, take

    integers, float64    one word each
    narrower floats      half a word each, the low 32 bits first

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Parallel random numbers: as easy as 1, 2, 3 (2011).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert.dtypes import DType, float32, float64, int64
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import General, primitives
from wengert.shapes import Shape

# For each floating dtype the bits of randomness of a uniform number: all that its significand holds below 1.
_BITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}


def words(key: Any, counter: Any, n: int) -> Any:
    """The first n 64-bit words of a stream, uint64."""
    # NumPy moves the counter before it makes a block, hence the stream that begins with (1, counter, 0, 0).
    keys, counters = np.array([key, 0], np.int64), np.array([0, counter, 0, 0], np.int64)
    stream = np.random.Philox(key=keys.view(np.uint64), counter=counters.view(np.uint64))
    return stream.random_raw(n)


def halves(key: Any, counter: Any, n: int) -> Any:
    """The first n 32-bit halves of a stream, uint32, the low half of each word first on every machine."""
    return words(key, counter, (n + 1) // 2).astype("<u8", copy=False).view("<u4")[:n]


def uniforms(key: Any, counter: Any, n: int, dtype: DType) -> Any:
    """The first n multiples of 2 ** -bits in [0, 1) of a stream."""
    bits = _BITS[dtype.name]
    if bits > 32:
        return (words(key, counter, n) >> np.uint64(64 - bits)) * 2.0**-bits
    whole = halves(key, counter, n) >> np.uint32(32 - bits)
    numbers = np.multiply(whole, np.float32(2.0**-bits), dtype=np.float32, casting="unsafe")  # exact: whole < 2 ** 24
    return numbers.astype(dtype.numpy, copy=False)


class _Draw(General):
    """What draws share: zero-dimensional int64 inputs, and that no derivative flows."""

    differentiable = False
    draws = True

    def infer(self, *inputs: ArrayType, shape: Shape, dtype: DType) -> ArrayType:
        for given in inputs:
            if given.shape or given.dtype is not int64:
                raise dtype_error(self.name, "zero-dimensional int64 inputs", str(given))
        if any(n < 0 for n in shape):
            raise shape_error(self.name, "sizes that are not negative", list(shape))
        return array_type(shape, dtype)

    def rows(self, size: int, *inputs: Node, **params: Any) -> Node:
        """`size` independent draws along a new first axis: vmap with randomness="different"."""
        return self(*inputs, **{**params, "shape": (size, *params["shape"])})


class _FloatingDraw(_Draw):
    """A draw of real numbers."""

    params = ("shape", "dtype")

    def infer(self, *inputs: ArrayType, shape: Shape, dtype: DType) -> ArrayType:
        if not dtype.is_floating_point:
            raise dtype_error(self.name, "a floating dtype", dtype.name)
        return super().infer(*inputs, shape=shape, dtype=dtype)


class Uniform(_FloatingDraw):
    """y = uniform in [0, 1): the upper bits of a word or half, as many as the significand holds, times 2 ** -bits

    float64 takes 53 bits of a word; float32 24, float16 11 and bfloat16 8 of a half. So 1 is never reached.
    """

    name = "uniform"

    def evaluate(self, key: Any, counter: Any, *, shape: Shape, dtype: DType) -> Any:
        return uniforms(key, counter, prod(shape), dtype).reshape(shape)


class Normal(_FloatingDraw):
    """y = normal with mean 0 and variance 1, two by two from two uniforms (float64's for float64, else float32's)

    y_2j = sqrt(-2 log(1 - u_2j)) cos(2 pi u_2j+1),    y_2j+1 = sqrt(-2 log(1 - u_2j)) sin(2 pi u_2j+1)
    Source     G. E. P. Box, M. E. Muller, A note on the generation of random normal deviates (1958)
    Domain     |y| < 5.8 for float32 and narrower, < 8.6 for float64: the tail that the bits of u can reach
    """

    name = "normal"

    def evaluate(self, key: Any, counter: Any, *, shape: Shape, dtype: DType) -> Any:
        n = prod(shape)
        u = uniforms(key, counter, n + n % 2, dtype if dtype is float64 else float32)
        radius, angle = np.sqrt(-2 * np.log(1 - u[0::2])), u[1::2] * u.dtype.type(2 * np.pi)
        y = np.empty_like(u)
        np.multiply(radius, np.cos(angle), out=y[0::2])
        np.multiply(radius, np.sin(angle), out=y[1::2])
        return y[:n].reshape(shape).astype(dtype.numpy, copy=False)


class Bits(_Draw):
    """y = words of the stream, read as int64"""

    name = "bits"
    params = ("shape",)

    def infer(self, *inputs: ArrayType, shape: Shape) -> ArrayType:  # type: ignore[override]
        return super().infer(*inputs, shape=shape, dtype=int64)

    def evaluate(self, key: Any, counter: Any, *, shape: Shape) -> Any:
        return words(key, counter, prod(shape)).view(np.int64).reshape(shape)


class Randint(_Draw):
    """y = low + word mod (high - low): integers in [low, high), one word each whatever the dtype

    The modulus favours no number by more than (high - low) / 2 ** 64 of its share.
    Domain     low < high, both int64; RuntimeError otherwise
    """

    name = "randint"
    params = ("shape", "dtype")

    def evaluate(self, key: Any, counter: Any, low: Any, high: Any, *, shape: Shape, dtype: DType) -> Any:
        low, high = int(low), int(high)
        if low >= high:
            raise RuntimeError(f"randint: expects 'low' to be less than 'high', but got low={low} >= high={high}")
        y = words(key, counter, prod(shape)) % np.uint64(high - low)
        return (y.view(np.int64) + np.int64(low)).astype(dtype.numpy, copy=False).reshape(shape)


class Permutation(_Draw):
    """y = 0 .. n - 1 in random order: the numbers, sorted by the words of the stream

    The lowest bits of each word are replaced by its position, as few as hold every position: equal words do not leave
    the order to the sorting method.
    """

    name = "permutation"
    params = ("n",)

    def infer(self, *inputs: ArrayType, n: int) -> ArrayType:  # type: ignore[override]
        return super().infer(*inputs, shape=(n,), dtype=int64)

    def evaluate(self, key: Any, counter: Any, *, n: int) -> Any:
        low_bits = np.uint64((1 << max(n - 1, 0).bit_length()) - 1)
        marked = (words(key, counter, n) & ~low_bits) | np.arange(n, dtype=np.uint64)
        marked.sort()  # three times as quick as an argsort
        return (marked & low_bits).astype(np.int64)

    def rows(self, size: int, *inputs: Node, **params: Any) -> Node:
        words_of_rows = bits(*inputs, shape=(size, params["n"]))
        return primitives.argsort(words_of_rows, axis=1, descending=False)


uniform = Uniform()
normal = Normal()
bits = Bits()
randint = Randint()
permutation = Permutation()
