"""Results with names."""

from __future__ import annotations

import copy
import pickle

import pytest

from tests.functions.peer import ours, tensor
from wengert.functions import return_types
from wengert.settings import settings


def test_a_result_is_a_tuple_with_names():
    values, indices = result = ours.max(tensor([[1.0, 3.0]]), 1)
    assert result.values is values and result.indices is indices and len(result) == 2


def test_it_prints_as_a_call():
    result = return_types.max(1, 2)
    assert repr(result) == "wengert.return_types.max(\nvalues=1,\nindices=2)"
    with settings.scope(face="torch"):
        assert repr(result).startswith("torch.return_types.max(")


def test_it_can_be_copied_and_pickled():
    result = return_types.linalg_svd(1, 2, 3)
    assert pickle.loads(pickle.dumps(result)) == copy.copy(result) == result


@pytest.mark.parametrize("name", ["max", "sort", "aminmax", "linalg_lstsq", "histogram"])
def test_names_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    assert getattr(return_types, name).__name__ == getattr(torch.return_types, name).__name__.rpartition(".")[2]
    wanted = tuple(field for field in dir(getattr(torch.return_types, name)) if field in getattr(return_types, name)._fields)
    assert set(wanted) == set(getattr(return_types, name)._fields)
