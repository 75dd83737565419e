"""Devices as what makes tensors there."""

import pytest

import wengert


def test_a_device_is_a_context():
    with wengert.device("cpu") as here:
        assert wengert.zeros(2).device == here == wengert.device("cpu")
    with pytest.raises(RuntimeError, match="has no device 'meta'"), wengert.device("meta"):
        pass
