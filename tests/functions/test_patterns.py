"""Triangles, diagonals, grids and combinations, beside PyTorch's."""

from __future__ import annotations

import pytest

from tests.functions.both import agree


def gradient(function):
    """The gradient of a weighted sum of what `function` makes of a leaf."""

    def case(t, shape=(3, 3)):
        x = t.arange(1.0, 10.0, dtype=t.float64).reshape(3, 3).requires_grad_()
        y = function(t, x)
        (y * t.arange(1.0, y.numel() + 1, dtype=t.float64).reshape(y.shape)).sum().backward()
        return x.grad

    return case


CASES = {
    "tril": lambda t: t.tril(t.ones(3, 4)),
    "tril above": lambda t: t.ones(2, 3, 4).tril(1),
    "tril below": lambda t: t.ones(3, 3, dtype=t.int64).tril(-1),
    "triu": lambda t: t.triu(t.ones(4, 3), 1),
    "triu far": lambda t: t.ones(3, 3).triu(-5),
    "triu_": lambda t: t.ones(3, 3).triu_(),
    "tril of bools": lambda t: t.ones(2, 2, dtype=t.bool).tril(),
    "tril nan": lambda t: t.full((2, 2), float("nan")).tril(),
    "tril_indices": lambda t: t.tril_indices(3, 4, offset=1),
    "triu_indices": lambda t: t.triu_indices(4, 3, offset=-1, dtype=t.int32),
    "diag of vector": lambda t: t.diag(t.arange(3), 1),
    "diag of matrix": lambda t: t.diag(t.arange(12).reshape(3, 4), -1),
    "diag_embed": lambda t: t.diag_embed(t.arange(6).reshape(2, 3)),
    "diag_embed elsewhere": lambda t: t.diag_embed(t.arange(6).reshape(2, 3), offset=1, dim1=0, dim2=2),
    "diag_embed swapped": lambda t: t.diag_embed(t.arange(6).reshape(2, 3), offset=1, dim1=2, dim2=0),
    "diag_embed below": lambda t: t.diag_embed(t.arange(3), offset=-2),
    "diagflat": lambda t: t.diagflat(t.arange(4).reshape(2, 2), 1),
    "block_diag": lambda t: t.block_diag(t.ones(2, 2), t.ones(3), t.tensor(5)),
    "block_diag of nothing": lambda t: t.block_diag(),
    "meshgrid": lambda t: t.meshgrid(t.arange(2), t.arange(3), indexing="ij"),
    "meshgrid xy": lambda t: t.meshgrid(t.arange(2), t.arange(3), t.arange(4), indexing="xy"),
    "meshgrid of numbers": lambda t: t.meshgrid(t.tensor(1), t.arange(3), indexing="xy"),
    "meshgrid of a list": lambda t: t.meshgrid([t.arange(2), t.arange(3)]),
    "cartesian_prod": lambda t: t.cartesian_prod(t.arange(2), t.arange(3)),
    "cartesian_prod of one": lambda t: t.cartesian_prod(t.arange(2)),
    "vander": lambda t: t.vander(t.tensor([1, 2, 3])),
    "vander of floats": lambda t: t.vander(t.tensor([1.5, -2.0]), 4, increasing=True),
    "vander of none": lambda t: t.vander(t.tensor([1, 2]), 0),
    "combinations": lambda t: t.combinations(t.arange(4), r=2),
    "combinations with replacement": lambda t: t.combinations(t.arange(3), r=2, with_replacement=True),
    "combinations of none": lambda t: t.combinations(t.arange(3), r=0),
    "combinations of too many": lambda t: t.combinations(t.arange(3), r=5),
    "grad tril": gradient(lambda t, x: x.tril(1)),
    "grad diag": gradient(lambda t, x: t.diag(x, 1)),
    "grad diag_embed": gradient(lambda t, x: t.diag_embed(x, 1)),
    "grad diagflat": gradient(lambda t, x: t.diagflat(x)),
    "grad block_diag": gradient(lambda t, x: t.block_diag(x, x[0])),
    "grad meshgrid": gradient(lambda t, x: t.meshgrid(x[0], x[1], indexing="ij")[0]),
    "grad cartesian_prod": gradient(lambda t, x: t.cartesian_prod(x[0], x[1])),
    "grad combinations": gradient(lambda t, x: t.combinations(x[0], 2)),
}

ERRORS = {
    "tril of a vector": lambda t: t.tril(t.ones(3)),
    "diag of three": lambda t: t.diag(t.ones(2, 2, 2)),
    "diag of none": lambda t: t.diag(t.tensor(1.0)),
    "diag_embed twice": lambda t: t.diag_embed(t.ones(2), dim1=0, dim2=0),
    "meshgrid of mixed dtypes": lambda t: t.meshgrid(t.arange(2), t.ones(2), indexing="ij"),
    "meshgrid of matrices": lambda t: t.meshgrid(t.ones(2, 2), indexing="ij"),
    "meshgrid in another way": lambda t: t.meshgrid(t.ones(2), indexing="qq"),
    "cartesian_prod of matrices": lambda t: t.cartesian_prod(t.ones(2, 2)),
    "combinations of a matrix": lambda t: t.combinations(t.ones(2, 2)),
    "combinations of fewer than none": lambda t: t.combinations(t.ones(2), -1),
    "block_diag of three": lambda t: t.block_diag(t.ones(1, 1, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_patterns_as_in_pytorch(name):
    agree(CASES[name])


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])
