"""The names of `torch.cpu`."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from wengert.graph.node import Coming
from wengert.runtime import beside
from wengert.runtime.tiers import wait_for_compilation


def test_there_is_one_and_it_is_in_use():
    assert wengert.cpu.is_available() and wengert.cpu.is_initialized() and wengert.cpu.device_count() == 1
    assert wengert.cpu.current_device() == "cpu" and wengert.cpu.set_device("cpu") is None


@pytest.mark.parametrize("module", [wengert.cpu, wengert.cuda, wengert.accelerator, wengert.mps, wengert.xpu])
def test_synchronize_waits_for_a_step_that_runs_beside(module):
    threads = wengert.get_num_threads()
    wengert.set_num_threads(2)
    try:
        x, w = wengert.randn(256, 256), wengert.nn.Parameter(wengert.randn(256, 256))
        optimizer = wengert.optim.SGD([w], lr=0.001)
        for _ in range(40):
            optimizer.zero_grad()
            (x @ w).square().mean().backward()
            optimizer.step()
            wait_for_compilation(60)
        assert beside._runs and isinstance(w._read().value, Coming)
        module.synchronize()
        assert not beside._runs and isinstance(w._read().value, np.ndarray)
    finally:
        wengert.set_num_threads(threads)
