import numpy as np
import pytest

import wengert
from tests.functions.peer import normal
from tests.nn.peer import torch
from wengert.nn import utils

SHAPES = [(3, 4), (), (5,)]


def array(x):
    return np.array(x.detach().numpy())


def parameters(module, scale=1.0, holes=False):
    made = []
    for k, shape in enumerate(SHAPES):
        p = module.zeros(shape, dtype=module.float64).requires_grad_()
        if not (holes and k == 1):
            p.grad = module.tensor(scale * normal(*shape, seed=k), dtype=module.float64)
        made.append(p)
    return made


@pytest.mark.parametrize("holes", [True, False])
@pytest.mark.parametrize("order", [1, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("bound", [0.5, 1e3])
def test_norms_are_clipped_as_peer_clips(order, bound, holes):
    mine, theirs = parameters(wengert, holes=holes), parameters(torch, holes=holes)
    total = utils.clip_grad_norm_(mine, bound, order)
    wanted = torch.nn.utils.clip_grad_norm_(theirs, bound, order)
    np.testing.assert_allclose(total.item(), wanted.item())
    for p, w in zip(mine, theirs):
        assert (p.grad is None) == (w.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(array(p.grad), array(w.grad))


def test_gradients_keep_their_identity():
    mine = parameters(wengert)
    grads = [p.grad for p in mine]
    utils.clip_grad_norm_(iter(mine), 0.1, foreach=True)
    assert all(p.grad is g for p, g in zip(mine, grads))


def test_values_are_clipped():
    mine, theirs = parameters(wengert), parameters(torch)
    utils.clip_grad_value_(mine, 0.3)
    torch.nn.utils.clip_grad_value_(theirs, 0.3)
    for p, w in zip(mine, theirs):
        np.testing.assert_array_equal(array(p.grad), array(w.grad))


def test_one_tensor_alone_can_be_given():
    p = parameters(wengert)[0]
    utils.clip_grad_norm_(p, 0.5)
    np.testing.assert_allclose(np.linalg.norm(array(p.grad)), 0.5, rtol=1e-5)
    utils.clip_grad_value_(p, 0.01)
    assert np.abs(array(p.grad)).max() == 0.01


def test_total_norm():
    tensors = [wengert.tensor(normal(3, 4)), wengert.tensor(normal(5, seed=1))]
    wanted = np.sqrt(sum((array(t) ** 2).sum() for t in tensors))
    np.testing.assert_allclose(utils.get_total_norm(tensors).item(), wanted)
    assert utils.get_total_norm([]).item() == 0
    utils.clip_grads_with_norm_(parameters(wengert), 1.0, wengert.tensor(5.0))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_norm_that_is_not_finite_is_an_error_when_asked_for(value):
    p = wengert.zeros(2, requires_grad=True)
    p.grad = wengert.tensor([1.0, value])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert not np.isfinite(utils.clip_grad_norm_([p], 1.0).item())


def test_nothing_to_clip():
    with pytest.warns(UserWarning, match="no gradient clipping"):
        assert utils.clip_grad_norm_([], 1.0).item() == 0
    assert utils.clip_grad_norm_([wengert.zeros(2, requires_grad=True)], 1.0).item() == 0
