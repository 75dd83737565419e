import numpy as np
import pytest

import wengert
from tests.functions.peer import array, normal, tensor
from tests.nn.peer import compare, state_of, torch
from wengert.autograd.gradcheck import gradcheck, gradgradcheck
from wengert.nn.utils.normalized import with_norm

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated")


def pair(make):
    mine, theirs = make(wengert).double(), make(torch).double()
    theirs.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state_of(mine).items()})
    return mine, theirs


def agree(mine, theirs, x):
    assert sorted(mine.state_dict()) == sorted(theirs.state_dict())
    a, b = tensor(x, True), torch.from_numpy(x.copy()).requires_grad_()
    names = [name for name, _ in mine.named_parameters()]
    theirs_by_name = dict(theirs.named_parameters())
    compare(mine(a), theirs(b), [a, *mine.parameters()], [b, *[theirs_by_name[n] for n in names]], False, 100)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_agrees(dim):
    mine, theirs = pair(lambda lib: lib.nn.utils.weight_norm(lib.nn.Linear(3, 4), dim=dim))
    agree(mine, theirs, normal(2, 3))
    value = array(mine.weight)
    wengert.nn.utils.remove_weight_norm(mine)
    assert list(dict(mine.named_parameters())) == ["bias", "weight"]
    np.testing.assert_array_equal(array(mine.weight), value)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_second_derivatives_of_a_weight_of_given_norm(dim):
    """PyTorch's (2.13) fail its own gradgradcheck for dim 0 and 1."""
    v = tensor(normal(4, 3), True)
    g = tensor(normal(*[(4, 1), (1, 3), ()][dim], seed=1), True)
    call = lambda v, g: with_norm(v, g, dim)
    assert gradcheck(call, (v, g))
    assert gradgradcheck(call, (v, g))


@pytest.mark.parametrize("training", [True, False])
def test_spectral_norm_agrees(training):
    mine, theirs = pair(lambda lib: lib.nn.utils.spectral_norm(lib.nn.Linear(3, 4), n_power_iterations=2))
    for _ in range(2):
        mine.train(training)
        theirs.train(training)
        agree(mine, theirs, normal(2, 3))
    for name, value in state_of(mine).items():
        np.testing.assert_allclose(value, state_of(theirs)[name], rtol=1e-9)
    wengert.nn.utils.remove_spectral_norm(mine)
    assert sorted(mine.state_dict()) == ["bias", "weight"]


def test_doing_it_twice_or_undoing_nothing_is_refused():
    for lib in (wengert, torch):
        U = lib.nn.utils
        for do, undo in ((U.weight_norm, U.remove_weight_norm), (U.spectral_norm, U.remove_spectral_norm)):
            with pytest.raises(ValueError, match="not found"):
                undo(lib.nn.Linear(3, 3))
            layer = do(lib.nn.Linear(3, 3))
            with pytest.raises(RuntimeError, match="Cannot register two"):
                do(layer)
        with pytest.raises(ValueError, match="n_power_iterations"):
            U.spectral_norm(lib.nn.Linear(3, 3), n_power_iterations=0)


def test_skip_init_draws_nothing():
    wengert.manual_seed(3)
    before = array(wengert.get_rng_state())
    layer = wengert.nn.utils.skip_init(wengert.nn.Linear, 3, 4, dtype=wengert.float64)
    assert array(wengert.get_rng_state()).tolist() == before.tolist()
    assert layer.weight.shape == (4, 3)
    assert layer.weight.dtype is wengert.float64
    for lib in (wengert, torch):
        with pytest.raises(RuntimeError, match="device"):
            lib.nn.utils.skip_init(lib.nn.ReLU)
        with pytest.raises(RuntimeError, match="Module"):
            lib.nn.utils.skip_init(dict)


def test_batch_norm_goes_into_a_linear_layer():
    layer, norm = wengert.nn.Linear(3, 4).double(), wengert.nn.BatchNorm1d(4).double()
    for k, name in enumerate(("running_mean", "running_var", "weight", "bias")):
        getattr(norm, name).data.copy_(tensor(np.abs(normal(4, seed=k))))
    both = wengert.nn.Sequential(layer, norm)
    with pytest.raises(AssertionError):
        wengert.nn.utils.fuse_linear_bn_eval(layer, norm)
    both.eval()
    fused = wengert.nn.utils.fuse_linear_bn_eval(layer, norm)
    x = tensor(normal(5, 3))
    np.testing.assert_allclose(array(fused(x)), array(both(x)), rtol=1e-12)
    assert fused is not layer
    w = tensor(normal(4, 3, 2, 2))
    given = [w, None, norm.running_mean, norm.running_var, 1e-5, norm.weight, norm.bias]
    theirs = [v if v is None or isinstance(v, float) else torch.from_numpy(np.array(array(v))) for v in given]
    for a, b in zip(wengert.nn.utils.fuse_conv_bn_weights(*given), torch.nn.utils.fuse_conv_bn_weights(*theirs)):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-12)


def test_stateless_functional_call_warns():
    layer = wengert.nn.Linear(2, 2)
    with pytest.warns(FutureWarning, match="deprecated"):
        given = {"bias": tensor([1.0, 2.0], dtype="f")}
        y = wengert.nn.utils.stateless.functional_call(layer, given, tensor(np.zeros((1, 2), "f")))
    assert array(y).tolist() == [[1.0, 2.0]]
