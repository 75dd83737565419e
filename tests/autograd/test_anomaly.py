"""Anomaly detection names the operation and its line."""

import pytest

import wengert
from tests.autograd.both import same_error
from wengert.autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
from wengert.settings import settings

pytestmark = pytest.mark.filterwarnings("ignore:[aA]nomaly", "ignore:Error detected")


def test_the_first_nan_is_named_with_its_forward_line():
    def program(lib):
        x = lib.zeros(2, requires_grad=True)
        with lib.autograd.detect_anomaly():
            (x.sqrt() * 0).sum().backward()

    same_error(program, "Function 'SqrtBackward0' returned nan values in its 0th output", "test_anomaly.py:17")


def test_a_nan_in_a_users_function():
    class Bad(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return grad * float("nan")

    x = wengert.ones(2, requires_grad=True)
    with wengert.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="BadBackward"):
        Bad.apply(x).sum().backward()


def test_without_nan_nothing_changes():
    x = wengert.ones(2, requires_grad=True)
    with wengert.autograd.detect_anomaly():
        (x.exp() * 2).sum().backward()
        assert is_anomaly_enabled() and is_anomaly_check_nan_enabled()
    assert not is_anomaly_enabled() and not settings.anomaly
    assert x.grad.tolist() == (x.exp() * 2).tolist()


def test_check_nan_can_be_left_out():
    x = wengert.zeros(2, requires_grad=True)
    with wengert.autograd.detect_anomaly(check_nan=False):
        assert is_anomaly_enabled() and not is_anomaly_check_nan_enabled()
        (x.sqrt() * 0).sum().backward()
    assert x.grad.isnan().all()


def test_the_switch_works_as_a_call_and_as_a_block():
    wengert.autograd.set_detect_anomaly(True)
    assert is_anomaly_enabled() and settings.anomaly
    wengert.autograd.set_detect_anomaly(False)
    assert not is_anomaly_enabled()
    with wengert.autograd.set_detect_anomaly(True):
        assert is_anomaly_enabled()
    assert not is_anomaly_enabled()


def test_entering_warns():
    with pytest.warns(UserWarning, match="debugging"):
        wengert.autograd.detect_anomaly()
