"""Views of values that are there: taken at once, and still views."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as torch
from wengert.graph.record import recorder
from wengert.tensors.cell import LITTLE


def pending(make) -> int:
    """How many operations `make` records."""
    torch.ones(1).item()
    before = len(recorder.tape)
    kept = make()
    added = len(recorder.tape) - before
    del kept
    return added


@pytest.fixture
def x():
    made = torch.arange(24.0).reshape(4, 3, 2) * 1
    made.tolist()
    return made


def test_they_are_not_recorded(x):
    assert pending(lambda: [x[1], x[1, 2], x[-1, 0, 1], x[1:3], x[:, 1], x.view(6, 4), x.permute(2, 0, 1), x.T]) <= 1
    for index in (1, (1, 2), (-1, 0, 1), slice(1, 3), (slice(None), 1), (slice(0, 4, 2), 1)):
        assert x[index].tolist() == x.numpy()[index].tolist()
    assert x.permute(2, 0, 1).tolist() == x.numpy().transpose(2, 0, 1).tolist()
    assert x[2:2].shape == (0, 3, 2)


def test_writes_through_them_and_below_them_are_seen(x):
    row, column, turned = x[1], x[:, 0], x.permute(2, 1, 0)
    x[1] += 100
    assert row[0, 0].item() == 106 == column[1, 0].item() == turned[0, 0, 1].item()
    row.zero_()
    assert x[1].sum().item() == 0 == turned[:, :, 1].sum().item()
    column.fill_(7)
    assert (x[:, 0] == 7).all().item() and row[0].tolist() == [7, 7]
    memory = x.numpy()
    memory[3] = -1
    assert x[3].tolist() == [[-1, -1]] * 3 and turned[1, 2, 3].item() == -1


def test_a_pending_computation_reads_what_was_there(x):
    y = x[1] * 2
    x.zero_()
    assert y.tolist() == [[12, 14], [16, 18], [20, 22]]


def test_a_derivative_is_recorded_as_ever(x):
    w = x.clone().requires_grad_()
    w.tolist()
    assert pending(lambda: w[1]) == 1
    (w[1] * x[1]).sum().backward()
    want = np.zeros((4, 3, 2), "f")
    want[1] = x[1].numpy()
    np.testing.assert_array_equal(w.grad.numpy(), want)
    with torch.no_grad():
        assert w[1].tolist() == x[1].tolist()


def test_what_is_large_and_in_another_order_is_recorded():
    large = torch.arange(2.0 * LITTLE).view(LITTLE, 2)
    large.tolist()
    assert pending(lambda: large.T) == 1
    assert pending(lambda: [large[1:], large[:, 0]]) == 0
    assert (large[:, 1] - large[:, 0]).sum().item() == LITTLE


def test_wrong_shapes_and_positions_are_errors(x):
    for wrong in (lambda: x[4], lambda: x[0, 3], lambda: x.select(0, 9), lambda: x.narrow(0, 3, 2)):
        with pytest.raises((IndexError, RuntimeError)):
            wrong()
    with pytest.raises(RuntimeError, match="invalid for input of size 24"):
        x.view(5, 5)
    with pytest.raises(RuntimeError):
        x.permute(0, 0, 1)


def test_positions_make_no_new_graphs(x):
    from wengert.runtime import tiers

    def rows(k: int) -> float:
        return float((torch.stack([x[(k + i) % 4] for i in range(9)]).exp().sum(dim=1) * x[k % 4, 0, 0]).sum())

    rows(0), rows(1), rows(2)
    before = len(tiers._entries)
    for k in range(4):
        rows(k)
    assert len(tiers._entries) == before


def test_a_function_that_is_compiled_sees_them_anew(x):
    @torch.compile
    def f(i):
        return x[i] * 2

    for i in range(4):
        assert f(i).tolist() == (x.numpy()[i] * 2).tolist()
    x.zero_()
    assert f(1).sum().item() == 0


def test_memory_of_numpy_is_read_when_it_is_read():
    array = np.arange(6, dtype="f")
    y = torch.from_numpy(array) + 1
    array[:] = 0
    assert y.tolist() == [1, 2, 3, 4, 5, 6]
    large = np.ones(1 << 16, "f")
    z = torch.from_numpy(large) + 1
    large[:] = 0
    assert z.sum().item() == 2 * (1 << 16)
