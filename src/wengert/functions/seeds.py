"""Generators of random numbers, as users hold them: seeds and states. The streams behind them are in
`runtime/generator.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import runtime_error, shape_error, type_error
from wengert.functions.operands import array_node
from wengert.graph.node import Node
from wengert.graph.rule import primitives as p
from wengert.runtime.generator import Stream, default_stream
from wengert.tensors.device import check_device, device as Device
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "Generator", "KeyedGenerator", "default_generator", "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state",
]  # fmt: skip


class Generator:
    """A source of random numbers of its own: ``rand(3, generator=Generator().manual_seed(0))``."""

    def __init__(self, device: Any = "cpu") -> None:
        self._device = check_device(device)
        self._stream = Stream()

    @property
    def device(self) -> Device:
        return self._device

    def manual_seed(self, seed: int) -> Generator:
        """Begin anew from `seed`. Raises: ValueError for one outside [-2**63, 2**64).

        Example:
            >>> import wengert as w
            >>> _ = w.manual_seed(0)
            >>> first = w.rand(3)
            >>> _ = w.manual_seed(0)
            >>> bool((first == w.rand(3)).all())
            True
        """
        self._stream.restart(int(seed))
        return self

    def seed(self) -> int:
        """Begin anew from a seed that is not predictable. Returns it."""
        return self._stream.reseed()

    def initial_seed(self) -> int:
        """The seed that the generator began from."""
        return self._stream.seed

    def get_state(self) -> Tensor:
        """Where the generator stands, as a uint8 tensor."""
        return wrap(array_node(np.frombuffer(self._stream.state(), np.uint8)))

    def set_state(self, new_state: Tensor) -> Generator:
        """Go to where `new_state` was taken.

        Raises: TypeError unless it is a uint8 tensor, RuntimeError when it is no state.
        """
        if not isinstance(new_state, Tensor) or new_state.dtype is not dtypes.uint8:
            got = new_state.dtype if isinstance(new_state, Tensor) else type(new_state).__name__
            raise type_error("set_state", "RNG state must be a uint8 tensor", got)
        self._stream.restore(new_state._array().tobytes())
        return self

    def clone_state(self) -> Generator:
        """Another generator that stands where this one does."""
        return Generator(self._device).set_state(self.get_state())


class KeyedGenerator(Generator):
    """A source of random numbers that are a function of a tensor: TensorFlow's stateless operations, JAX's keys.

    seed: two integers, or more, of which the first is the key and the second the place in its stream. Equal seeds give
        equal numbers. The seed may be the result of pending operations: nothing runs for its sake.

    Raises: TypeError for a seed that is no tensor of integers, RuntimeError for one of another shape.

    >>> import wengert
    >>> seed = wengert.tensor([1, 2])
    >>> draws = [wengert.rand(2, generator=wengert.random.KeyedGenerator(seed)) for _ in range(2)]
    >>> bool((draws[0] == draws[1]).all())
    True
    """

    def __init__(self, seed: Tensor) -> None:
        if not isinstance(seed, Tensor) or seed.dtype.category != dtypes.INTEGER:
            got = seed.dtype if isinstance(seed, Tensor) else type(seed).__name__
            raise type_error("KeyedGenerator", "a tensor of integers as seed", got)
        if seed.ndim != 1 or seed.shape[0] < 2:
            raise shape_error("KeyedGenerator", "a seed of two integers", (tuple(seed.shape),))
        self._device = check_device(None)  # no stream of the generator's own, which would be one more thing seeded
        self._stream = _KeyedStream(seed._read())  # type: ignore[assignment]

    def manual_seed(self, seed: int) -> Generator:
        """Raises: RuntimeError: the seed is a tensor."""
        raise runtime_error("KeyedGenerator", "the seed that it was made with", "manual_seed; make another one")

    def seed(self) -> int:
        """Raises: RuntimeError: the seed is a tensor."""
        raise runtime_error("KeyedGenerator", "the seed that it was made with", "seed(); make another one")


class _KeyedStream:
    """Draws from the stream of a pair of nodes. Several draws from one pair are 2**40 places apart."""

    _STRIDE = 2**40

    def __init__(self, seed: Node) -> None:
        wide = p.convert(seed, dtype=dtypes.int64)
        self._key, self._place = [p.slice(wide, index=(i,)) for i in range(2)]
        self._draws = 0

    def draw(self) -> tuple[Node, Node]:
        """The key and a fresh counter, as zero-dimensional int64 nodes."""
        counter = self._place + self._draws * self._STRIDE if self._draws else self._place
        self._draws += 1
        return self._key, counter


def _of_the_process() -> Generator:
    made = Generator()
    made._stream = default_stream
    return made


default_generator = _of_the_process()


def manual_seed(seed: int) -> Generator:
    """Begin anew from `seed` wherever no generator is named. Returns the default generator.

    Raises: ValueError for a seed outside [-2**63, 2**64).
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Begin anew from a seed that is not predictable. Returns it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator began from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Where the default generator stands, as a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Bring the default generator to where `new_state` was taken."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, **_: Any) -> Iterator[None]:
    """Within, draws of the default generator leave no trace: at the end it stands where it stood before."""
    if not enabled:
        yield
        return
    before = default_stream.state()
    try:
        yield
    finally:
        default_stream.restore(before)


def draw(generator: Optional[Generator]) -> tuple[Node, Node]:
    """A key and a fresh counter. Raises: TypeError when `generator` is none."""
    if generator is None:
        return default_stream.draw()
    if not isinstance(generator, Generator):
        raise type_error("generator", "a Generator or None", type(generator).__name__)
    return generator._stream.draw()


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
