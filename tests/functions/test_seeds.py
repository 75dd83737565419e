"""Generators and seeds as users hold them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import array, tensor
from wengert.functions import random, seeds
from wengert.functions.seeds import Generator


def test_the_same_seed_gives_the_same_numbers():
    seeds.manual_seed(11)
    first = [array(random.rand(5)), array(random.randn(3)), array(random.randperm(6))]
    seeds.manual_seed(11)
    second = [array(random.rand(5)), array(random.randn(3)), array(random.randperm(6))]
    for x, y in zip(first, second):
        np.testing.assert_array_equal(x, y)
    assert seeds.initial_seed() == 11


def test_numbers_do_not_depend_on_when_they_are_computed():
    seeds.manual_seed(2)
    early, late = random.rand(4), random.rand(4)
    y = array(late)  # before `early`
    x = array(early)
    seeds.manual_seed(2)
    np.testing.assert_array_equal(array(random.rand(4)), x)
    np.testing.assert_array_equal(array(random.rand(4)), y)


def test_every_draw_is_fresh():
    g = Generator().manual_seed(0)
    assert not np.array_equal(array(random.rand(8, generator=g)), array(random.rand(8, generator=g)))


def test_generators_are_apart():
    one, other = Generator().manual_seed(1), Generator().manual_seed(1)
    seeds.manual_seed(1)
    x = array(random.rand(4, generator=one))
    array(random.rand(4, generator=one))
    np.testing.assert_array_equal(array(random.rand(4, generator=other)), x)
    np.testing.assert_array_equal(array(random.rand(4)), x)


def test_states_are_byte_tensors():
    state = seeds.get_rng_state()
    assert state.dtype.name == "uint8"
    x = array(random.rand(4))
    seeds.set_rng_state(state)
    np.testing.assert_array_equal(array(random.rand(4)), x)
    with pytest.raises(TypeError, match="uint8"):
        seeds.set_rng_state(tensor([1.0]))
    with pytest.raises(TypeError, match="uint8"):
        seeds.set_rng_state(3)
    with pytest.raises(RuntimeError, match="wrong size"):
        seeds.set_rng_state(tensor(np.zeros(3, np.uint8)))


def test_a_clone_goes_its_own_way():
    g = Generator().manual_seed(4)
    random.rand(2, generator=g)
    copy = g.clone_state()
    np.testing.assert_array_equal(array(random.rand(4, generator=g)), array(random.rand(4, generator=copy)))


def test_a_fork_leaves_no_trace():
    seeds.manual_seed(9)
    with random.fork_rng():
        inside = array(random.rand(4))
        seeds.manual_seed(100)
    np.testing.assert_array_equal(array(random.rand(4)), inside)
    with random.fork_rng(enabled=False):
        random.rand(4)
    assert not np.array_equal(array(random.rand(4)), inside)


def test_seed_is_not_predictable():
    assert seeds.seed() != seeds.seed()
    g = Generator()
    assert g.seed() == g.initial_seed()


def test_devices_and_wrong_generators():
    assert Generator("cpu").device.type == "cpu"
    with pytest.raises(RuntimeError, match="no device"):
        Generator("cuda")
    with pytest.raises(TypeError, match="Generator"):
        random.rand(2, generator=3)
    with pytest.raises(ValueError, match="seed"):
        seeds.manual_seed(2**70)
