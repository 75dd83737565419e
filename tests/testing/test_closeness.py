"""assert_close says what PyTorch's says."""

import numpy as np
import pytest

import wengert
from wengert.testing import assert_close

torch = pytest.importorskip("torch")
NAN, INF = float("nan"), float("inf")


def said(lib, call):
    """What is raised, with the library's own name taken out; "" for nothing."""
    try:
        call(lib, lib.tensor, lib.testing.assert_close)
    except (AssertionError, TypeError, ValueError) as error:
        text = str(error).replace(f"{lib.__name__}.", "").replace("tensors.tensor.Tensor", "Tensor")
        return type(error).__name__, text
    return ""


CALLS = [
    lambda lib, T, close: close(T([1.0, 2, 3]), T([1.0, 2, 4])),
    lambda lib, T, close: close(T([1.0, 2, 3]), T([1.0, 2, 3 + 1e-6])),
    lambda lib, T, close: close(T([1, 2, 3]), T([1, 2, 4])),
    lambda lib, T, close: close(T(1.0), T(2.0)),
    lambda lib, T, close: close(T(1), T(2)),
    lambda lib, T, close: close(1.0, 2.0),
    lambda lib, T, close: close(1, 2),
    lambda lib, T, close: close(3j, 1j),
    lambda lib, T, close: close(NAN, NAN),
    lambda lib, T, close: close(NAN, NAN, equal_nan=True),
    lambda lib, T, close: close(1, 1.0),
    lambda lib, T, close: close(1, 1.0, check_dtype=False),
    lambda lib, T, close: close(True, False),
    lambda lib, T, close: close(None, 1),
    lambda lib, T, close: close(None, None),
    lambda lib, T, close: close("a", "a"),
    lambda lib, T, close: close(T([1.0]), [1.0]),
    lambda lib, T, close: close(1.0, T(1.0)),
    lambda lib, T, close: close([1.0, 2.0], (1.0, 3.0)),
    lambda lib, T, close: close([1.0], [1.0, 2.0]),
    lambda lib, T, close: close({"a": 1.0}, {"b": 1.0}),
    lambda lib, T, close: close({"a": [T([1.0, 2])]}, {"a": [T([1.0, 3])]}),
    lambda lib, T, close: close({"a": 1}, [1]),
    lambda lib, T, close: close(T([1.0]), T([1.0, 2])),
    lambda lib, T, close: close(T([1.0]), T([1.0]).double()),
    lambda lib, T, close: close(T([1.0]), T([1.0]).double(), check_dtype=False),
    lambda lib, T, close: close(T([1.0, 2]), T([1.0, 3]).half(), check_dtype=False),
    lambda lib, T, close: close(T([1.0, NAN]), T([1.0, NAN])),
    lambda lib, T, close: close(T([1.0, NAN]), T([1.0, NAN]), equal_nan=True),
    lambda lib, T, close: close(T([INF, -INF]), T([INF, -INF])),
    lambda lib, T, close: close(T([INF]), T([1.0])),
    lambda lib, T, close: close(T([[1 + 1j, 2]]), T([[1 + 2j, 2]])),
    lambda lib, T, close: close(T([True, False]), T([True, True])),
    lambda lib, T, close: close(T([1, 2], dtype=lib.uint8), T([3, 2], dtype=lib.uint8)),
    lambda lib, T, close: close(T([[1.0, 5.0], [7.0, 8.0]]), T([[1.0, 5.5], [9.0, 8.0]])),
    lambda lib, T, close: close(T([]), T([])),
    lambda lib, T, close: close(T([1.0]), T([2.0]), rtol=0.1),
    lambda lib, T, close: close(T([1.0]), T([1.05]), rtol=0.1, atol=0.0),
    lambda lib, T, close: close(T([1.0]), T([2.0]), rtol=0, atol=0.25),
    lambda lib, T, close: close(T([1.0]), T([2.0]), rtol=0, atol=0),
    lambda lib, T, close: close(T([1.0]), T([2.0]), msg="hello"),
    lambda lib, T, close: close(T([1.0]), T([2.0]), msg=lambda text: "here: " + text),
    lambda lib, T, close: close(T([1.0]).expand(2), T([1.0, 1.0])),
    lambda lib, T, close: close(T([[1.0, 2]]).T, T([[1.0], [2]]), check_stride=True),
    lambda lib, T, close: close(lib.nn.Parameter(T([1.0])), T([1.0])),
    lambda lib, T, close: close(T([1.0], requires_grad=True), T([2.0])),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_it_says_what_the_peer_says(number):
    assert said(wengert, CALLS[number]) == said(torch, CALLS[number])


def test_subclasses_may_be_refused():
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close(wengert.nn.Parameter(wengert.ones(1)), wengert.ones(1), allow_subclasses=False)


def test_pending_values_are_computed():
    x = wengert.tensor([1.0, 2.0])
    assert_close((x * 2).exp(), wengert.tensor(np.exp(np.float32([2.0, 4.0]))))
