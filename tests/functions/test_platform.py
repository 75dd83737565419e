"""What programs ask or set about the machine, beside PyTorch's answers."""

from __future__ import annotations

import pytest

import wengert as w
from tests.functions.both import agree


@pytest.fixture(autouse=True)
def as_before():
    yield
    w.use_deterministic_algorithms(False)
    w.set_float32_matmul_precision("highest")


def told(t):
    t.use_deterministic_algorithms(True, warn_only=True)
    first = t.are_deterministic_algorithms_enabled(), t.is_deterministic_algorithms_warn_only_enabled()
    mode = t.get_deterministic_debug_mode()
    t.set_deterministic_debug_mode("default")
    return (*first, mode, t.get_deterministic_debug_mode())


CASES = {
    "determinism": told,
    "another mode": lambda t: t.set_deterministic_debug_mode("perhaps"),
    "precision": lambda t: (t.set_float32_matmul_precision("highest"), t.get_float32_matmul_precision()),
    "device": lambda t: t.get_default_device().type,
    "signs": lambda t: (t.is_signed(t.ones(1)), t.is_signed(t.ones(1, dtype=t.uint8)), t.is_neg(t.ones(1))),
    "newaxis": lambda t: t.ones(2)[:, t.newaxis].shape,
}


@pytest.mark.parametrize("name", CASES)
def test_as_in_pytorch(name):
    agree(CASES[name], error=(RuntimeError, ValueError) if "another" in name else None)


def test_default_tensor_type():
    before = w.get_default_dtype()
    try:
        with pytest.warns(UserWarning, match="deprecated"):
            w.set_default_tensor_type("torch.DoubleTensor")
        assert w.zeros(1).dtype is w.float64
    finally:
        w.set_default_dtype(before)
    with pytest.raises(TypeError, match="IntTensor"):
        w.set_default_tensor_type("torch.IntTensor")


def test_a_device_that_is_not_there():
    w.set_default_device("cpu")
    with pytest.raises(RuntimeError, match="cuda"):
        w.set_default_device("cuda")
