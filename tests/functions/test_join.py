"""Joining, repeating and turning, beside PyTorch's: results, gradients, errors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.both import agree


def x(t):
    return t.arange(6.0, dtype=t.float64).reshape(2, 3)


# What depends on a (2, 3) tensor smoothly.
SMOOTH = {
    "cat": lambda t, a: t.cat((a, a * 2)),
    "cat along columns": lambda t, a: t.cat([a, a[:, :1]], dim=1),
    "cat from the end": lambda t, a: t.cat([a, a], -1),
    "cat of one": lambda t, a: t.cat([a]),
    "cat with an empty vector": lambda t, a: t.cat([a, t.zeros(0, dtype=t.float64)]),
    "cat with no rows": lambda t, a: t.cat([a, a[:0]]),
    "concat": lambda t, a: t.concat([a, a], 1),
    "concatenate": lambda t, a: t.concatenate([a, a], axis=1),
    "stack": lambda t, a: t.stack([a, a * 2]),
    "stack in the middle": lambda t, a: t.stack((a, a * 2), 1),
    "stack at the end": lambda t, a: t.stack((a, a * 2), dim=-1),
    "hstack": lambda t, a: t.hstack((a, a)),
    "hstack of vectors": lambda t, a: t.hstack((a[0], a[1], a[0, 0])),
    "vstack": lambda t, a: t.vstack((a, a[0])),
    "row_stack": lambda t, a: t.row_stack((a, a[0])),
    "dstack": lambda t, a: t.dstack((a, a)),
    "dstack of vectors": lambda t, a: t.dstack((a[0], a[1])),
    "column_stack": lambda t, a: t.column_stack((a, a[:, 0])),
    "repeat": lambda t, a: a.repeat(2, 3),
    "repeat in front": lambda t, a: a.repeat(4, 1, 2),
    "repeat never": lambda t, a: a.repeat(0, 2),
    "tile": lambda t, a: t.tile(a, (2,)),
    "tile more": lambda t, a: a.tile(2, 1, 3),
    "repeat_interleave": lambda t, a: a.repeat_interleave(2),
    "repeat_interleave rows": lambda t, a: t.repeat_interleave(a, 3, dim=0),
    "repeat_interleave by numbers": lambda t, a: t.repeat_interleave(a, t.tensor([2, 0, 1]), dim=1),
    "repeat_interleave by one": lambda t, a: a.repeat_interleave(t.tensor([2]), dim=1),
    "flip": lambda t, a: a.flip(0),
    "flip both": lambda t, a: t.flip(a, (0, -1)),
    "flip neither": lambda t, a: t.flip(a, ()),
    "fliplr": lambda t, a: a.fliplr(),
    "flipud": lambda t, a: a.flipud(),
    "roll": lambda t, a: a.roll(1, 1),
    "roll both": lambda t, a: t.roll(a, (1, -2), (0, 1)),
    "roll flattened": lambda t, a: a.roll(4),
    "roll far": lambda t, a: a.roll(-7, 1),
    "roll not at all": lambda t, a: a.roll(3, 1),
    "rot90": lambda t, a: a.rot90(),
    "rot90 twice": lambda t, a: a.rot90(2),
    "rot90 thrice": lambda t, a: t.rot90(a, 3, (0, 1)),
    "rot90 back": lambda t, a: t.rot90(a, -1, [1, 0]),
    "rot90 round": lambda t, a: a.rot90(4),
    "expand and cat": lambda t, a: t.cat([a.t().expand(2, 3, 2), a.unsqueeze(-1).expand(2, 3, 2)]),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_results(name):
    agree(lambda t: SMOOTH[name](t, x(t)))


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients(name):
    def case(t):
        leaf = x(t).clone().requires_grad_()
        y = SMOOTH[name](t, leaf)
        (y * y * t.arange(1.0, y.numel() + 1, dtype=t.float64).reshape(y.shape)).sum().backward()
        return leaf.grad

    agree(case)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_result_has_memory_of_its_own(name):
    def case(t):
        base = x(t)
        y = SMOOTH[name](t, base)
        y.add_(100)
        base.mul_(2)
        return base, y

    agree(case)


OTHER = {
    "cat promotes": lambda t: t.cat([t.ones(2), t.ones(2, dtype=t.int64)]),
    "cat of complex": lambda t: t.cat([t.ones(2), t.tensor([1j])]),
    "cat of empty vectors": lambda t: t.cat([t.zeros(0), t.zeros(0)]),
    "cat into": lambda t: t.cat([t.ones(1), t.zeros(1)], out=t.empty(2)),
    "stack promotes": lambda t: t.stack([t.ones(2), t.ones(2, dtype=t.float64)]),
    "stack of numbers": lambda t: t.stack([t.tensor(1), t.tensor(2)]),
    "repeat of a number": lambda t: t.tensor(3.0).repeat(2, 2),
    "repeat_interleave of counts": lambda t: t.repeat_interleave(t.tensor([1, 0, 2])),
    "repeat_interleave of a number": lambda t: t.tensor(3.0).repeat_interleave(2),
    "flip of a number": lambda t: t.tensor(3.0).flip(0),
    "roll of a number": lambda t: t.tensor(3.0).roll(1),
    "roll of nothing": lambda t: t.zeros(0, 2).roll(1, 0),
}

ERRORS = {
    "cat of nothing": lambda t: t.cat([]),
    "cat of a tensor": lambda t: t.cat(t.ones(2)),
    "cat of lists": lambda t: t.cat([[1], [2]]),
    "cat of numbers": lambda t: t.cat([t.tensor(1.0), t.tensor(2.0)]),
    "cat of other sizes": lambda t: t.cat([t.ones(2, 3), t.ones(2, 4)]),
    "cat of other ranks": lambda t: t.cat([t.ones(2, 3), t.ones(2)]),
    "cat beyond": lambda t: t.cat([t.ones(2), t.ones(2)], 1),
    "stack of nothing": lambda t: t.stack([]),
    "stack of other sizes": lambda t: t.stack([t.ones(2), t.ones(3)]),
    "stack beyond": lambda t: t.stack([t.ones(2), t.ones(2)], 2),
    "hstack of nothing": lambda t: t.hstack([]),
    "repeat too few": lambda t: x(t).repeat(2),
    "repeat negative": lambda t: x(t).repeat(2, -1),
    "repeat_interleave of another size": lambda t: t.repeat_interleave(x(t), t.tensor([1, 2, 3]), dim=0),
    "repeat_interleave negative": lambda t: t.repeat_interleave(x(t), -1),
    "flip twice": lambda t: x(t).flip(0, 0),
    "flip beyond": lambda t: x(t).flip(2),
    "fliplr of a vector": lambda t: t.ones(2).fliplr(),
    "flipud of a number": lambda t: t.tensor(1.0).flipud(),
    "roll unpaired": lambda t: x(t).roll((1, 2), 0),
    "roll beyond": lambda t: x(t).roll(1, 2),
    "rot90 in one dimension": lambda t: x(t).rot90(1, (0, 0)),
    "rot90 of a vector": lambda t: t.ones(3).rot90(),
}


@pytest.mark.parametrize("name", OTHER)
def test_other_cases(name):
    agree(OTHER[name])


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])


def test_many_tensors_are_joined():
    agree(lambda t: t.cat([t.full((1,), float(n)) for n in range(300)]))
    agree(lambda t: t.stack([t.tensor(np.full(2, n)) for n in range(300)]).sum())
