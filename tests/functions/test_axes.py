"""`dim` and `keepdim` as operations take them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import tensor
from wengert.functions.axes import axes_of, axis_of, kept, moved_last, numpy_names, one_axis


def test_several_dimensions():
    assert axes_of(None, 3, "f") == axes_of((), 3, "f") == axes_of([], 3, "f") == (0, 1, 2)
    assert axes_of(-1, 3, "f") == (2,) and axes_of([2, 0], 3, "f") == axes_of((-1, 0), 3, "f") == (0, 2)
    assert axes_of(0, 0, "f") == axes_of(-1, 0, "f") == axes_of(None, 0, "f") == ()
    assert axes_of(np.int64(1), 3, "f") == axes_of(tensor(1), 3, "f") == (1,)


def test_one_dimension():
    assert axis_of(-1, 3, "f") == axis_of(np.int32(2), 3, "f") == 2
    assert axis_of(0, 0, "f") == axis_of(-1, 0, "f") == 0
    assert one_axis(0, 0, "f") == () and one_axis(-2, 3, "f") == (1,)


@pytest.mark.parametrize(
    ("error", "dim"), [(IndexError, 3), (IndexError, -4), (TypeError, 1.5), (TypeError, "a"), (TypeError, True)]
)
def test_what_is_no_dimension(error, dim):
    for function in (axes_of, axis_of):
        with pytest.raises(error, match="f"):
            function(dim, 3, "f")


def test_dimensions_that_are_one_or_appear_twice():
    with pytest.raises(TypeError, match="int"):
        axis_of((0, 1), 3, "f")
    with pytest.raises(RuntimeError, match="more than once"):
        axes_of((0, -3), 3, "f")


def test_dimensions_come_back_as_1():
    y = tensor(np.zeros((2, 4)))._read()
    assert kept(y, (2, 3, 4), (1,)).shape == (2, 1, 4)
    assert moved_last(3, (1,)) == (0, 2, 1)


def test_numpy_names():
    @numpy_names
    def function(x, dim=None, keepdim=False):
        return x, dim, keepdim

    assert function(1, axis=2, keepdims=True) == (1, 2, True)
    assert function(1, 2, keepdim=True) == (1, 2, True)
    with pytest.raises(TypeError):
        function(1, dims=2)
