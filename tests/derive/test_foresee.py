"""Backward passes found by the tape: they give what a walk gives, and are found only where a walk would go the same way."""

import gc
import weakref

import numpy as np
import pytest

import wengert
from tests.tapes import compared
from wengert.derive import recall as recalling
from wengert.derive.foresee import tapes
from wengert.derive.recall import passes
from wengert.runtime.flush import flush
from wengert.settings import settings


@pytest.fixture(autouse=True, params=[False, True], ids=["facts collected", "machine code"])
def empty_memory(request):
    passes.clear()
    tapes.clear()
    with settings.scope(tier="interpret"), compared(request.param):
        yield
    passes.clear()
    tapes.clear()


@pytest.fixture
def walks(monkeypatch):
    """A list that grows with every walk from an output to its leaves."""
    found, walk = [], recalling.tracked_ancestors
    monkeypatch.setattr(recalling, "tracked_ancestors", lambda outputs: found.append(1) or walk(outputs))
    return found


def leaf(*values):
    return wengert.tensor(values or (1.0, 2.0, 3.0), requires_grad=True)


def gradient(of, *xs):
    """The gradients of a sum, by `backward`; nothing stays pending."""
    for x in xs:
        x.grad = None
    of(*xs).sum().backward()
    flush()
    return [x.grad.tolist() for x in xs]


def product(x, w):
    return x * w


def test_a_tape_seen_twice_is_not_walked_again(walks):
    x, w = leaf(), leaf(4.0, 5.0, 6.0)
    for _ in range(5):
        assert gradient(product, x, w) == [[4, 5, 6], [1, 2, 3]]
    assert len(walks) == 2


def test_one_tensor_in_two_places_is_another_tape():
    x, w = leaf(), leaf(4.0, 5.0, 6.0)
    for _ in range(3):
        assert gradient(product, x, w) == [[4, 5, 6], [1, 2, 3]]
        assert gradient(lambda x: product(x, x), x) == [[2, 4, 6]]


def test_a_constant_in_the_place_of_a_leaf_is_another_tape():
    x, w = leaf(), leaf(4.0, 5.0, 6.0)
    for _ in range(3):
        assert gradient(product, x, w) == [[4, 5, 6], [1, 2, 3]]
        assert gradient(lambda x: product(x, wengert.ones(3)), x) == [[1, 1, 1]]


def test_numbers_that_everybody_shares_are_told_apart(walks):
    x = leaf()
    for _ in range(3):
        assert gradient(lambda x: x * 2, x) == [[2, 2, 2]]
        assert gradient(lambda x: x * 1, x) == [[1, 1, 1]]
        assert gradient(lambda x: x * 3, x) == [[3, 3, 3]]
        assert gradient(lambda x: x * 4, x) == [[4, 4, 4]]  # as 3: a number of its own
    # One at first sight, and one for each of 1, 2 and any other number; a pass for any number may serve a shared one too.
    assert len(walks) in (3, 4)


def test_what_else_is_on_the_tape_is_left_alone():
    x, w = leaf(), leaf(4.0, 5.0, 6.0)
    for _ in range(4):
        x.grad = w.grad = None
        y = product(x, w)
        other = y.detach() + 1
        loss = y.sum()
        more = loss.detach() * 2
        loss.backward()
        assert x.grad.tolist() == [4, 5, 6]
        assert other.tolist() == [5, 11, 19] and more.item() == 64


def test_hooks_are_run_also_where_the_tape_is_known():
    x, seen = leaf(), []
    for _ in range(3):
        gradient(lambda x: x * 5, x)
    handle = x.register_hook(lambda grad: seen.append(grad.tolist()))
    gradient(lambda x: x * 5, x)
    handle.remove()
    gradient(lambda x: x * 5, x)
    assert seen == [[5, 5, 5]]

    def watched(x):
        y = x * 5
        y.register_hook(lambda grad: seen.append(grad.tolist()))
        return y

    gradient(watched, x)
    assert seen == [[5, 5, 5], [1, 1, 1]]


def test_what_was_overwritten_is_an_error_also_where_the_tape_is_known():
    x = leaf()
    for overwrite in (False, False, False, True):
        x.grad = None
        w = wengert.ones(3)
        y = (x * w).sum()
        if overwrite:
            w.add_(1)
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                y.backward()
        else:
            y.backward()
            assert x.grad.tolist() == [1, 1, 1]


def test_a_second_pass_is_an_error_also_where_the_tape_is_known():
    x = leaf()
    for _ in range(4):
        y = (x * x).sum()
        y.backward(retain_graph=True)
        y.backward()
        with pytest.raises(RuntimeError, match="second time"):
            y.backward()


def test_inputs_that_are_split_another_way_are_another_tape():
    x, w = leaf(1.0), leaf(2.0)

    def joined(first, second):
        return lambda x, w: wengert.cat(first(x, w)) * 2 + wengert.cat(second(x, w))

    for _ in range(3):
        assert gradient(joined(lambda x, w: [x, w], lambda x, w: [w, x]), x, w) == [[3], [3]]
        assert gradient(joined(lambda x, w: [x, x], lambda x, w: [x, w]), x, w) == [[5], [1]]


def test_nothing_is_foreseen_while_the_derivative_is_tracked(walks):
    x = leaf()
    for _ in range(4):
        (first,) = wengert.autograd.grad((x**3).sum(), x, create_graph=True)
        (second,) = wengert.autograd.grad(first.sum(), x)
        np.testing.assert_allclose(second.tolist(), [6, 12, 18])
    assert not len(tapes)


def test_kept_tapes_hold_no_nodes():
    x = leaf()
    for _ in range(4):
        gradient(lambda x: x * 5, x)
    node = weakref.ref(x._read())
    assert len(tapes)
    del x
    gc.collect()
    assert node() is None
