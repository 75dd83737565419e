"""Short tapes of small values, run node by node."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import wengert as torch
from wengert.graph.record import recorder
from wengert.runtime import directly, tiers
from wengert.runtime.flush import flush
from wengert.settings import settings


@pytest.fixture(autouse=True)
def ordinary():
    """The tier of ordinary programs, and nothing pending."""
    with settings.scope(tier="auto"):
        flush()
        yield


def runs_directly(make) -> bool:
    """Whether what `make` records is run so."""
    flush()
    kept = make()
    done = directly.is_direct(recorder.tape)
    flush()
    del kept
    return done


def test_it_is_for_short_tapes_of_small_values():
    x, large = torch.ones(10), torch.ones(directly.LITTLE + 1)
    assert runs_directly(lambda: x + 1)
    assert runs_directly(lambda: torch.softmax(x, 0))  # a composite
    assert not runs_directly(lambda: large + 1)
    assert not runs_directly(lambda: large.sum())
    assert not runs_directly(lambda: [x + i for i in range(directly.SHORT + 1)])
    with settings.scope(tier="compile"):
        assert not runs_directly(lambda: x + 1)


def test_no_executable_is_made():
    before = len(tiers._entries)
    z = torch.tensor(10.0)
    while z.item() > 1:
        z = z * 0.9
    np.testing.assert_allclose(z.item(), 10 * 0.9**22, rtol=1e-5)
    assert len(tiers._entries) == before


def test_values_are_arrays_of_the_type_that_was_recorded():
    x = torch.tensor([1, 2, 3], dtype=torch.int32)
    for y in (x.sum(), x + 1, x * 0.5, x > 2, x.to(torch.float16).exp(), torch.tensor(2.0).sqrt()):
        value = y.numpy()
        assert value.__class__ is np.ndarray and value.dtype == y._node.type.dtype.numpy and value.shape == tuple(y.shape)


def test_a_derivative_goes_through_what_was_run_so():
    x = torch.tensor([0.3, 0.7], requires_grad=True)
    y = x.exp()
    z = (y * y).sum()
    z.item()
    z.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(2 * np.float32([0.3, 0.7])), rtol=1e-6)


def test_what_has_no_derivative_lets_go_of_its_history():
    x = torch.ones(3)
    y = x + 1
    seen = weakref.ref(y._node)
    z = y * 2
    z.tolist()
    del y
    assert seen() is None and z.tolist() == [4, 4, 4]


def test_errors_name_the_line():
    x, i = torch.arange(3.0), torch.tensor([0, 3]) * 2
    y = x[i]
    with pytest.raises(IndexError, match="test_directly"):
        y.tolist()
    assert x[torch.tensor([0, 1]) * 2].tolist() == [0, 2]


def test_what_is_made_of_nothing_can_be_made_again():
    """An interrupt may come between taking the tape and running it."""
    x = torch.zeros(3)
    recorder.tape.clear()
    assert (x + 1).tolist() == [1, 1, 1]
