"""Lazy layers: their names and states before and after the first call, beside PyTorch's."""

import copy

import numpy as np
import pytest

import wengert
from tests.functions.peer import normal, tensor
from tests.nn.peer import raises_as_peer, torch
from wengert import nn
from wengert.nn.lazy import LazyModuleMixin
from wengert.nn.parameter import UninitializedBuffer, UninitializedParameter

LAYERS = [
    (lambda n: n.LazyLinear(4), (2, 3)),
    (lambda n: n.LazyLinear(4, bias=False), (2, 5, 3)),
    (lambda n: n.LazyConv1d(4, 3, padding=1), (2, 3, 5)),
    (lambda n: n.LazyConv2d(4, 3, bias=False), (2, 3, 5, 5)),
    (lambda n: n.LazyConv2d(4, 3, groups=2), (6, 5, 5)),
    (lambda n: n.LazyConv3d(4, 2), (2, 3, 2, 3, 4)),
    (lambda n: n.LazyConvTranspose1d(4, 3), (2, 3, 5)),
    (lambda n: n.LazyConvTranspose2d(4, 3, 2, output_padding=1), (2, 3, 5, 5)),
    (lambda n: n.LazyConvTranspose3d(4, 2), (2, 3, 2, 3, 4)),
    (lambda n: n.LazyBatchNorm1d(), (4, 3)),
    (lambda n: n.LazyBatchNorm2d(affine=False), (4, 3, 2, 2)),
    (lambda n: n.LazyBatchNorm3d(track_running_stats=False), (4, 3, 2, 2, 2)),
    (lambda n: n.LazyInstanceNorm1d(affine=True), (2, 3, 5)),
    (lambda n: n.LazyInstanceNorm2d(), (4, 3, 2, 2)),
    (lambda n: n.LazyInstanceNorm3d(affine=True, track_running_stats=True), (4, 3, 2, 2, 2)),
]


@pytest.mark.parametrize(("make", "shape"), LAYERS)
def test_layers_become_what_they_stand_for(make, shape):
    mine, theirs = make(nn), make(torch.nn)
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    y = mine(tensor(normal(*shape, dtype=np.float32)))
    z = theirs(torch.from_numpy(normal(*shape, dtype=np.float32)))
    assert tuple(y.shape) == tuple(z.shape)
    assert repr(mine) == repr(theirs)
    assert type(mine).__name__ == type(theirs).__name__
    for name, value in theirs.state_dict().items():
        assert tuple(mine.state_dict()[name].shape) == tuple(value.shape), name
    for parameter in mine.parameters():
        assert type(parameter) is nn.Parameter
        assert parameter.requires_grad
    if y.requires_grad:
        y.sum().backward()


@pytest.mark.parametrize(("make", "shape"), LAYERS)
def test_a_loaded_state_settles_the_shapes(make, shape):
    first, second = make(nn), make(nn)
    first(tensor(normal(*shape, dtype=np.float32)))
    second.load_state_dict(first.state_dict())
    assert not second.has_uninitialized_params()
    x = tensor(normal(*shape, dtype=np.float32))
    first.eval(), second.eval()
    np.testing.assert_array_equal(first(x)._array(), second(x)._array())
    assert repr(first) == repr(second)


def test_a_state_without_shapes_goes_round():
    module = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d())
    state = module.state_dict()
    assert isinstance(state["0.weight"], UninitializedParameter)
    assert isinstance(state["1.running_mean"], UninitializedBuffer)
    assert repr(state["0.weight"]) == "<UninitializedParameter>"


def test_nothing_is_computed_with_what_has_no_shape():
    weight = nn.LazyLinear(4).weight
    with pytest.raises(RuntimeError, match="shape of an uninitialized"):
        _ = weight.shape
    with pytest.raises(ValueError, match="uninitialized parameter"):
        weight + 1
    with pytest.raises(ValueError, match="uninitialized parameter"):
        wengert.exp(weight)


def test_a_copy_and_a_dtype_keep():
    module = copy.deepcopy(nn.LazyLinear(4)).double()
    assert module.has_uninitialized_params()
    assert module(tensor(normal(2, 3))).dtype is wengert.float64
    assert module.weight.dtype is wengert.float64


def test_a_mixin_of_ones_own():
    class Scale(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.weight = nn.Parameter(wengert.ones(n))

        def forward(self, x):
            return x * self.weight

    class LazyScale(LazyModuleMixin, Scale):
        cls_to_become = Scale

        def __init__(self):
            super().__init__(0)
            self.weight = UninitializedParameter()

        def initialize_parameters(self, x):
            self.weight.materialize(x.shape[-1:])
            nn.init.constant_(self.weight, 2.0)

    module = LazyScale()
    assert module(wengert.ones(2, 3)).tolist() == [[2.0] * 3] * 2
    assert type(module) is Scale
    assert not module._forward_pre_hooks


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda n, x: n.LazyConv2d(4, 3)(x), (3, 3)),
        (lambda n, x: n.LazyConv2d(4, 3, groups=2)(x), (2, 3, 5, 5)),
        (lambda n, x: n.LazyBatchNorm2d()(x), (2, 3, 5)),
    ],
)
def test_wrong_input_raises_what_the_peer_raises(call, shape):
    raises_as_peer(call, normal(*shape, dtype=np.float32))
