"""Generators and seeds as users hold them."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
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


# --- random numbers that are a function of a tensor -------------------------------------------------------------------


def keyed(*seed):
    return wengert.random.KeyedGenerator(wengert.tensor(seed))


def test_equal_seeds_give_equal_numbers_and_others_do_not():
    first, again = wengert.rand(100, generator=keyed(1, 2)), wengert.rand(100, generator=keyed(1, 2))
    assert first.tolist() == again.tolist()
    for other in ((1, 3), (2, 2)):
        assert not (wengert.rand(100, generator=keyed(*other)) == first).any()


def test_draws_from_one_seed_differ():
    generator = keyed(1, 2)
    first, second = wengert.randn(50, generator=generator), wengert.randn(50, generator=generator)
    assert not (first == second).any()


def test_the_seed_may_be_pending_and_no_generator_is_moved():
    before = wengert.get_rng_state().tolist()
    pending = wengert.tensor([1, 1]) + wengert.tensor([0, 1])
    assert wengert.rand(5, generator=wengert.random.KeyedGenerator(pending)).tolist() == wengert.rand(
        5, generator=keyed(1, 2)
    ).tolist()
    assert wengert.get_rng_state().tolist() == before


def test_bad_seeds_are_named():
    with pytest.raises(TypeError, match="tensor of integers"):
        wengert.random.KeyedGenerator(wengert.tensor([1.0, 2.0]))
    with pytest.raises(RuntimeError, match="two integers"):
        wengert.random.KeyedGenerator(wengert.tensor(3))
    with pytest.raises(RuntimeError, match="manual_seed"):
        keyed(1, 2).manual_seed(0)
