"""`tf.random.Generator`: a source of random numbers with a state of its own."""

from __future__ import annotations

from enum import Enum
from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.ops import randomness
from wengert.tf.ops.arguments import ints
from wengert.tf.ops.core import fresh, w
from wengert.tf.tensor import shown


class Algorithm(Enum):
    """TensorFlow's names of generators. Whichever is named, the numbers are those of Philox."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


class Generator:
    """Random numbers from a state: a key, and how many draws have been made. The same state gives the same numbers.

    >>> import wengert.tf as tf
    >>> a, b = tf.random.Generator.from_seed(3), tf.random.Generator.from_seed(3)
    >>> bool(tf.reduce_all(a.normal([2]) == b.normal([2])))
    True
    """

    def __init__(self, copy_from: Optional[Generator] = None, state: Any = None, alg: Any = None) -> None:
        """Raises: ValueError without a generator to copy or a state."""
        if copy_from is None and state is None:
            raise ValueError("Generator needs `copy_from` or `state`; make one with Generator.from_seed")
        values: tuple[int, ...] = copy_from._values if copy_from is not None else ints(state)
        if len(values) < 2:
            raise invalid(f"the state of a generator has at least two numbers, got {len(values)}")
        self._values: tuple[int, int] = (int(values[0]), int(values[1]))

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator whose numbers follow from the seed."""
        return cls(state=(int(seed), 0))

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        """A generator with this state."""
        return cls(state=state)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any = None) -> Generator:
        """A generator with this key at this place of its stream."""
        return cls(state=(ints(key)[0], ints(counter)[0]))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that differs at every call."""
        return cls(state=(w.Generator().seed() & (2**62 - 1), 0))

    @property
    def algorithm(self) -> int:
        """The number of the algorithm: Philox."""
        return Algorithm.PHILOX.value

    @property
    def key(self) -> Any:
        """What the stream is chosen by."""
        return shown(w.tensor(self._values[0], dtype=w.int64))

    @property
    def state(self) -> Any:
        """The key and the number of draws made."""
        return shown(w.tensor(list(self._values), dtype=w.int64))

    def reset_from_seed(self, seed: Any) -> None:
        """Start anew as `from_seed` does."""
        self._values = (int(seed), 0)

    def reset(self, state: Any) -> None:
        """Take on a state."""
        key, count, *_ = ints(state)
        self._values = (key, count)

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Take on a key and a place of its stream."""
        self._values = (ints(key)[0], ints(counter)[0])

    def skip(self, delta: Any) -> None:
        """Go on in the stream as if so many draws had been made."""
        self._values = (self._values[0], self._values[1] + int(delta))

    def make_seeds(self, count: Any = 1) -> Any:
        """Seeds for stateless operations: two rows, a seed in each column."""
        return shown(w.randint(0, 2**31 - 1, (2, ints(count)[0]), generator=self._next(), dtype=w.int64))

    def split(self, count: Any = 1) -> list[Generator]:
        """Generators whose streams have nothing to do with each other's."""
        seeds = make_rows(self.make_seeds(count))
        return [Generator(state=(first * 2**31 + second, 0)) for first, second in seeds]

    def _next(self) -> Any:
        """The stream of one draw, and on to the next."""
        key, count = self._values
        self._values = (key, count + 1)
        return randomness.keyed(w.tensor([key, count], dtype=w.int64))

    def normal(self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = w.float32, name: Optional[str] = None) -> Any:
        """Normal numbers."""
        return shown(randomness.drawn_normal(shape, mean, stddev, dtype, self._next()))

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = w.float32, name: Optional[str] = None
    ) -> Any:
        """Normal numbers within two deviations."""
        return shown(randomness.drawn_truncated(shape, mean, stddev, dtype, self._next()))

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = w.float32, name: Optional[str] = None
    ) -> Any:
        """Uniform numbers. Raises: ValueError for integers without a `maxval`."""
        return shown(randomness.drawn_uniform(shape, minval, maxval, dtype, self._next()))

    def uniform_full_int(self, shape: Any, dtype: Any = w.uint64, name: Optional[str] = None) -> Any:
        """Whole numbers over the whole range of a dtype."""
        halves = w.randint(0, 2**32, (*ints(shape), 2), generator=self._next(), dtype=w.int64)
        return shown((halves[..., 0] * 2**32 + halves[..., 1]).to(dtype))

    def binomial(self, shape: Any, counts: Any, probs: Any, dtype: Any = w.int32, name: Optional[str] = None) -> Any:
        """How many of `counts` tries succeed."""
        sizes = ints(shape)
        n, p = [w.broadcast_to(fresh(part).to(w.float32), sizes).contiguous() for part in (counts, probs)]
        return shown(w.binomial(n, p, generator=self._next()).to(dtype))


def make_rows(seeds: Any) -> list[list[int]]:
    """The columns of `make_seeds` as lists of two numbers."""
    return [list(column) for column in zip(*seeds.numpy().tolist())]


_common: list[Generator] = []


def get_global_generator() -> Generator:
    """The generator of the whole program."""
    if not _common:
        _common.append(Generator.from_non_deterministic_state())
    return _common[0]


def set_global_generator(generator: Generator) -> None:
    """Make this the generator of the whole program."""
    _common[:] = [generator]


def create_rng_state(seed: Any, alg: Any) -> Any:
    """The state that a generator of this seed begins with."""
    return Generator.from_seed(seed).state


__all__ = [
    "Algorithm", "Generator", "create_rng_state", "get_global_generator", "set_global_generator",
]  # fmt: skip
