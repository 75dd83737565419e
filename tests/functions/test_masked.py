"""Masked reductions and normalisations beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as w
from tests.functions.peer import beside, normal, raises_as_peer

MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, True, True]])
REDUCTIONS = ("sum", "prod", "amax", "amin", "mean", "var", "std", "logsumexp")


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dim", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_reductions(name, dim, keepdim):
    def case(t, x):
        mask = t.tensor(MASK.tolist())
        return t.masked.__dict__[name](x, dim, keepdim=keepdim, mask=mask)

    alone = name in ("var", "std") and dim == 1  # the variance of one element divides 0 by 0
    beside(case, normal(3, 4), derivative=not alone, second=name != "std")


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_normalisations(name):
    # Where the mask holds nothing, log_softmax is -inf, whose derivative is compared as it is.
    beside(lambda t, x: t.masked.__dict__[name](x, 1, mask=t.tensor(MASK.tolist())), normal(3, 4), second=False)


def test_scans_norms_and_positions():
    def case(t, x):
        m = t.tensor(MASK.tolist())
        return (
            t.masked.cumsum(x, 0, mask=m),
            t.masked.cumprod(x, 1, mask=m),
            t.masked.norm(x, 3, 1, mask=m),
            t.masked.normalize(x, 2, 1, mask=m),
            t.masked.median(x, 1, mask=m),
            t.masked.logaddexp(x, x * 2, input_mask=m),
        )

    beside(case, normal(3, 4), second=False)
    m = MASK.tolist()
    beside(lambda t, x: (t.masked.argmax(x, 1, mask=t.tensor(m)), t.masked.argmin(x, mask=t.tensor(m))), normal(3, 4))


def test_of_nothing():
    none = w.zeros(3, dtype=w.bool)
    x = w.tensor([1.0, 2.0, 3.0])
    assert w.masked.sum(x, mask=none).item() == 0
    assert w.masked.prod(x, mask=none).item() == 1
    assert np.isnan(w.masked.mean(x, mask=none).item())
    assert w.masked.amax(x, mask=none).item() == -np.inf


def test_a_mask_that_does_not_fit():
    raises_as_peer(lambda t, x: t.masked.sum(x, mask=t.ones(2, 3, 4, dtype=t.bool)), normal(3, 4))
    raises_as_peer(lambda t, x: t.masked.mean(x), np.arange(3) > 1)
