"""Muon against PyTorch's, as far as bfloat16 goes, and its iteration against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.optim.tools import array, every, parameter, tensor
from wengert import dtypes, optim
from wengert.optim.muon import orthogonal
from wengert.optim.update import Numbers
from wengert.runtime.flush import value_of


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3), (1, 5)])
def test_the_iteration_brings_singular_values_near_one(shape):
    u = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    n = Numbers(a=3.4445, b=-4.775, c=2.0315, eps=1e-7).of(dtypes.float32)
    found = value_of(orthogonal(tensor(u)._read(), n, 5)).astype(np.float64)
    x = (u / np.linalg.norm(u)).astype(np.float64)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    np.testing.assert_allclose(found, x, atol=0.05)
    values = np.linalg.svd(found, compute_uv=False)
    assert values.max() < 1.3 and values.min() > 0.5


@pytest.mark.parametrize(
    ("nesterov", "decay", "adjust"), every([True, False], [0.0, 0.1], [None, "original", "match_rms_adamw"])
)
def test_fifty_steps_follow_pytorch(nesterov, decay, adjust):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    starts = [rng.normal(size=shape) for shape in [(4, 7), (7, 4), (5, 5)]]
    xs, ys = [parameter(x) for x in starts], [torch.nn.Parameter(torch.tensor(x, dtype=torch.float32)) for x in starts]
    options = {"lr": 0.02, "nesterov": nesterov, "weight_decay": decay, "adjust_lr_fn": adjust}
    mine, theirs = optim.Muon(xs, **options), torch.optim.Muon(ys, **options)
    for _ in range(50):
        for x, y in zip(xs, ys):
            gradient = rng.normal(size=tuple(x.shape)) + np.sin(array(x))
            x.grad, y.grad = tensor(gradient), torch.tensor(gradient, dtype=torch.float32)
        mine.step(), theirs.step()
    for x, y, start in zip(xs, ys, starts):
        way = np.linalg.norm(y.detach().numpy() - start)
        assert np.linalg.norm(array(x) - y.detach().numpy()) < 0.02 * way
        np.testing.assert_allclose(
            array(mine.state[x]["momentum_buffer"]), theirs.state[y]["momentum_buffer"].numpy(), atol=1e-2
        )


def test_only_matrices():
    optimizer = optim.Muon([parameter(np.ones((2, 2)))])
    with pytest.raises(ValueError, match="only supports 2D"):
        optimizer.add_param_group({"params": [parameter(np.ones(3))]})
    assert len(optimizer.param_groups) == 1
    for wrong in ({"lr": -1}, {"momentum": -1}, {"weight_decay": -1}, {"adjust_lr_fn": "x"}, {"ns_steps": 100}):
        with pytest.raises(ValueError):
            optim.Muon([parameter(np.ones((2, 2)))], **wrong)
