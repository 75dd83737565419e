"""eval_shape: what a function gives, without computing."""

from __future__ import annotations

import pytest

import wengert as w
from wengert.func import ShapeDtype, eval_shape


def test_shapes_and_dtypes_of_nested_outputs():
    def function(a, b, scale):
        y = (a @ b["w"]).softmax(-1) * scale
        return {"y": y, "flags": [y > 0.5, 3]}

    found = eval_shape(function, ShapeDtype((2, 3)), {"w": ShapeDtype((3, 4))}, 2)
    assert found == {"y": ShapeDtype((2, 4)), "flags": [ShapeDtype((2, 4), w.bool), 3]}


def test_tensors_stand_for_themselves_and_may_be_looked_at():
    table = w.tensor([1, 2, 3])
    assert eval_shape(lambda x: x[: int(table.sum())], ShapeDtype((9, 2))) == ShapeDtype((6, 2))


def test_a_value_of_a_stand_in_is_refused():
    with pytest.raises(RuntimeError, match="only shapes and dtypes are known"):
        eval_shape(lambda x: x * 2 if x.sum() > 0 else x, ShapeDtype((3,)))


def test_wrong_shapes_raise_as_they_do_with_values():
    with pytest.raises(RuntimeError, match="matmul"):
        eval_shape(w.matmul, ShapeDtype((2, 3)), ShapeDtype((4, 5)))


def test_what_the_function_writes_is_taken_back():
    total = w.zeros(3)

    def function(x):
        total.add_(x)
        return total * 1

    assert eval_shape(function, ShapeDtype((3,))) == ShapeDtype((3,))
    assert total.tolist() == [0, 0, 0]


def test_derivatives_inside():
    found = eval_shape(w.func.grad(lambda x: (x**2).sum()), ShapeDtype((5,), w.float64))
    assert found == ShapeDtype((5,), w.float64)
