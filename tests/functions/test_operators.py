"""Python's arithmetic operators: the quick way to `record` gives and refuses what the functions do, whatever the other
operand is. (The functions are compared with PyTorch's elsewhere.)"""

import operator

import numpy as np
import pytest

import wengert

FUNCTIONS = {
    operator.add: wengert.add,
    operator.sub: wengert.sub,
    operator.mul: wengert.mul,
    operator.truediv: wengert.div,
    operator.floordiv: wengert.floor_divide,
    operator.pow: wengert.pow,
}
OPERATORS = list(FUNCTIONS)
DTYPES = [wengert.bool, wengert.int64, wengert.float16, wengert.float32, wengert.complex64]
NUMBERS = [True, 2, 2.5, 1.5 + 2j, np.float32(2.5), np.int64(3)]


def outcome(operation, a, b):
    """The type and the values of a result, or the kind of error."""
    try:
        result = operation(a, b)
    except (TypeError, RuntimeError) as error:
        return type(error), None
    return result._node.type, result.tolist()


def check(operation, a, b):
    assert outcome(operation, a, b) == outcome(FUNCTIONS[operation], a, b)


@pytest.mark.parametrize("operation", OPERATORS)
def test_with_a_number_on_either_side(operation):
    for dtype in DTYPES:
        x = wengert.tensor([1, 2, 1]).to(dtype)
        for number in NUMBERS:
            check(operation, x, number)
            if not isinstance(number, np.generic):  # NumPy's own operators come first there
                check(operation, number, x)


@pytest.mark.parametrize("operation", OPERATORS)
def test_with_a_tensor_of_another_dtype_or_shape(operation):
    for dtype in DTYPES:
        x = wengert.tensor([[1, 2, 1], [1, 1, 2]]).to(dtype)
        for other in DTYPES:
            check(operation, x, wengert.tensor([1, 2, 1]).to(other))
            check(operation, x, wengert.tensor(1).to(other))
        check(operation, x, wengert.ones(2).to(dtype))


@pytest.mark.parametrize("operation", OPERATORS)
def test_what_is_no_number_is_refused_and_may_answer_itself(operation):
    class Other:
        def answer(self, other):
            return "answered"

        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = answer

    x = wengert.ones(3)
    assert operation(x, Other()) == "answered"
    for wrong in ("1", None, [1, 2, 3], object()):
        with pytest.raises(TypeError):
            operation(x, wrong)
        if not isinstance(wrong, str):  # % is a string's own operator
            with pytest.raises(TypeError):
                operation(wrong, x)


@pytest.mark.parametrize("operation", OPERATORS[:4])
def test_derivatives_reach_both_sides(operation):
    for sides in ((2.0, None), (None, 2.0), (None, None)):
        grads = []
        for way in (operation, FUNCTIONS[operation]):
            x = wengert.tensor([1.0, 2.0], requires_grad=True)
            a, b = (x * x if side is None else side for side in sides)
            way(a, b).sum().backward()
            grads.append(x.grad.tolist())
        assert grads[0] == grads[1]


def test_memory_that_is_shared_is_read_at_once():
    array = np.ones(3, np.float32)
    x = wengert.from_numpy(array)
    y = x + 1
    array[:] = 5
    assert y.tolist() == [2, 2, 2] and (x * x).tolist() == [25, 25, 25]
