"""Shuffling: the ways to compute it agree with one another and with the definition; a full buffer gives permutations."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from wengert.tf.data.order import Order, Part, Repeated, Shuffled, Taker, shuffled
from wengert.tf.data.seeds import SeedSequence, numbers


def by_definition(n, buffer_size, seeds):
    """TensorFlow's shuffle: a ring that is filled again after each draw from it."""
    ring, start, end, drawn = [0] * buffer_size, 0, 0, []
    draws = numbers(seeds)
    while True:
        while end < n and end - start < buffer_size:
            ring[end % buffer_size] = end
            end += 1
        if start == end:
            return drawn
        at = (start + next(draws) % (end - start)) % buffer_size
        drawn.append(ring[at])
        ring[at] = ring[start % buffer_size]
        start += 1


def positions(order):
    return [int(i) for piece in order.pieces() for i in piece]


@settings(max_examples=40)
@given(st.integers(0, 40), st.integers(1, 50), st.integers(0, 2**40))
def test_shuffling_is_tensorflows(n, buffer_size, seed):
    expected = by_definition(n, buffer_size, (seed, 7))
    assert list(shuffled(iter(range(n)), buffer_size, (seed, 7))) == expected
    assert positions(Shuffled(Order(n), buffer_size, SeedSequence((seed, 7), each_pass=False))) == expected


def test_passes_differ_and_orders_are_even():
    order = Shuffled(Order(3), 3, SeedSequence((1, 2), each_pass=True))
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(600):
        found = tuple(positions(order))
        counts[found] = counts.get(found, 0) + 1
    assert len(counts) == 6 and min(counts.values()) > 60 and max(counts.values()) < 145


def test_without_seeds_runs_differ():
    one, other = [positions(Shuffled(Order(50), 50, SeedSequence(None, each_pass=True))) for _ in range(2)]
    assert sorted(one) == sorted(other) == list(range(50)) and one != other


@given(st.integers(0, 12), st.integers(0, 15), st.integers(0, 15), st.integers(1, 4), st.integers(0, 3))
def test_parts_and_repetitions_are_those_of_lists(n, start, stop, step, times):
    order = Part(Repeated(Order(n), times), start, stop, step)
    expected = (list(range(n)) * times)[start:stop:step]
    assert positions(order) == expected and order.count() == len(expected)


@given(st.integers(1, 9), st.integers(1, 20))
def test_groups_go_on_over_the_ends_of_passes(n, k):
    taker = Taker(Repeated(Order(n), 3))
    groups = []
    while len(group := taker.take(k)):
        groups.append(np.asarray(group).tolist())
    assert [i for group in groups for i in group] == list(range(n)) * 3
    assert all(len(group) == k for group in groups[:-1])


def test_a_repetition_of_nothing_ends():
    assert positions(Repeated(Order(0), -1)) == []
