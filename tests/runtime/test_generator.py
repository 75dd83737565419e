"""Streams: seeds, counters, states."""

from __future__ import annotations

import pickle
import threading

import pytest

from wengert.graph.record import settle_number
from wengert.runtime.generator import Stream


def numbers(stream: Stream) -> tuple[int, int]:
    """A draw as numbers."""
    key, counter = stream.draw()
    return int(settle_number(key)), int(settle_number(counter))


def seeded(seed: int) -> Stream:
    stream = Stream()
    stream.restart(seed)
    return stream


def test_every_draw_has_a_counter_of_its_own():
    stream = seeded(7)
    assert [numbers(stream) for _ in range(3)] == [(7, 0), (7, 1), (7, 2)]
    stream.restart(7)
    assert numbers(stream) == (7, 0)


def test_seeds_are_64_bits():
    assert numbers(seeded(-1))[0] == -1
    assert seeded(-1).seed == 2**64 - 1
    assert numbers(seeded(2**64 - 1))[0] == -1
    for outside in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="manual_seed"):
            seeded(outside)


def test_a_state_returns_to_its_place():
    stream = seeded(3)
    numbers(stream)
    state = stream.state()
    after = [numbers(stream) for _ in range(3)]
    stream.restore(state)
    assert [numbers(stream) for _ in range(3)] == after
    with pytest.raises(RuntimeError, match="wrong size"):
        stream.restore(state[:-1])


def test_a_stream_can_be_pickled():
    stream = seeded(5)
    numbers(stream)
    copy = pickle.loads(pickle.dumps(stream))
    assert numbers(copy) == numbers(stream)


def test_seeds_of_the_system_differ():
    assert len({Stream().seed for _ in range(8)}) == 8
    stream = Stream()
    assert stream.reseed() == stream.seed


def test_threads_share_no_counter():
    stream, found = seeded(0), []

    def work() -> None:
        found.extend(numbers(stream)[1] for _ in range(500))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(2000))
