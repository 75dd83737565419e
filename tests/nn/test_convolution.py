"""Layers of convolution, pooling, padding and shuffling beside PyTorch's, with one state."""

import numpy as np
import pytest

import wengert
from tests.functions.peer import check, normal, tensor
from tests.nn.peer import layer_beside, raises_as_peer, state_of, torch
from wengert import nn
from wengert.functions.operands import array_node
from wengert.tensors.tensor import wrap

CONVOLUTIONS = [
    (lambda n: n.Conv1d(3, 4, 3), (2, 3, 7)),
    (lambda n: n.Conv1d(3, 4, 3, bias=False), (3, 7)),
    (lambda n: n.Conv1d(4, 4, 3, 2, 1, 2, 4), (2, 4, 9)),
    (lambda n: n.Conv1d(3, 2, 3, padding="same", padding_mode="circular"), (2, 3, 7)),
    (lambda n: n.Conv2d(3, 4, 3), (2, 3, 5, 6)),
    (lambda n: n.Conv2d(3, 4, (3, 2), (2, 1), (1, 0)), (2, 3, 5, 6)),
    (lambda n: n.Conv2d(4, 6, 3, padding="same", groups=2, dilation=2), (2, 4, 5, 6)),
    (lambda n: n.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), (2, 3, 5, 6)),
    (lambda n: n.Conv2d(3, 4, 3, padding=(1, 2), padding_mode="replicate", bias=False), (3, 5, 6)),
    (lambda n: n.Conv2d(3, 4, (3, 4), padding="same", padding_mode="circular"), (2, 3, 5, 6)),
    (lambda n: n.Conv2d(3, 4, 2, padding="valid", stride=2), (2, 3, 5, 6)),
    (lambda n: n.Conv3d(2, 3, 2), (2, 2, 3, 4, 3)),
    (lambda n: n.Conv3d(2, 4, (2, 1, 3), (1, 2, 1), (0, 1, 1), groups=2, bias=False), (2, 3, 4, 5)),
    (lambda n: n.ConvTranspose1d(3, 4, 3, 2, 1), (2, 3, 5)),
    (lambda n: n.ConvTranspose2d(3, 4, 3, 2, 1, 1), (2, 3, 3, 4)),
    (lambda n: n.ConvTranspose2d(4, 6, (2, 3), groups=2, bias=False, dilation=(1, 2)), (4, 3, 4)),
    (lambda n: n.ConvTranspose3d(2, 3, 2, 2), (2, 2, 2, 3, 2)),
]


@pytest.mark.parametrize(("make", "shape"), CONVOLUTIONS)
def test_convolutions(make, shape):
    layer_beside(make, normal(*shape))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda n: n.MaxPool1d(2), (2, 3, 7)),
        (lambda n: n.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 3, 6, 7)),
        (lambda n: n.MaxPool2d((2, 3), dilation=2), (3, 6, 7)),
        (lambda n: n.MaxPool3d(2, (1, 2, 1)), (2, 3, 4, 4, 4)),
        (lambda n: n.AvgPool1d(3, 2, 1), (2, 3, 7)),
        (lambda n: n.AvgPool2d(3, 2, 1, count_include_pad=False), (2, 3, 6, 7)),
        (lambda n: n.AvgPool2d((2, 3), divisor_override=5), (2, 3, 6, 7)),
        (lambda n: n.AvgPool3d(2, ceil_mode=True), (2, 3, 4, 5, 4)),
        (lambda n: n.LPPool1d(2, 3), (2, 3, 7)),
        (lambda n: n.LPPool2d(2, 3, stride=2), (2, 3, 6, 7)),
        (lambda n: n.LPPool3d(2.0, 2), (2, 3, 4, 4, 4)),
        (lambda n: n.AdaptiveAvgPool1d(3), (2, 3, 7)),
        (lambda n: n.AdaptiveAvgPool2d((3, None)), (2, 3, 6, 7)),
        (lambda n: n.AdaptiveAvgPool3d(1), (2, 3, 4, 4, 4)),
        (lambda n: n.AdaptiveMaxPool1d(3), (3, 7)),
        (lambda n: n.AdaptiveMaxPool2d((1, 2)), (2, 3, 6, 7)),
        (lambda n: n.AdaptiveMaxPool3d(2), (2, 3, 4, 5, 4)),
        (lambda n: n.Unfold(2, padding=1, stride=2), (2, 3, 6, 7)),
        (lambda n: n.Fold((4, 5), (2, 2)), (2, 8, 12)),
        (lambda n: n.ZeroPad1d(2), (2, 3, 4)),
        (lambda n: n.ZeroPad2d((1, 2, 3, 4)), (2, 3, 4, 5)),
        (lambda n: n.ZeroPad3d(1), (2, 3, 4, 5, 2)),
        (lambda n: n.ConstantPad1d((1, 2), 3.5), (2, 3, 4)),
        (lambda n: n.ConstantPad2d(-1, 3.5), (2, 3, 4, 5)),
        (lambda n: n.ConstantPad3d((1, 0, 2, 1, 0, 1), 1), (3, 4, 5, 2)),
        (lambda n: n.ReflectionPad1d(2), (2, 3, 4)),
        (lambda n: n.ReflectionPad2d((1, 2, 3, 0)), (2, 3, 4, 5)),
        (lambda n: n.ReflectionPad3d(1), (2, 3, 4, 5, 2)),
        (lambda n: n.ReplicationPad1d((3, 0)), (3, 4)),
        (lambda n: n.ReplicationPad2d(2), (2, 3, 4, 5)),
        (lambda n: n.ReplicationPad3d((1, 2, 3, 4, 0, 1)), (2, 3, 4, 5, 2)),
        (lambda n: n.CircularPad1d(2), (2, 3, 4)),
        (lambda n: n.CircularPad2d((1, 2, 0, 3)), (3, 4, 5)),
        (lambda n: n.CircularPad3d(1), (2, 3, 4, 5, 2)),
        (lambda n: n.PixelShuffle(2), (2, 8, 3, 2)),
        (lambda n: n.PixelUnshuffle(2), (2, 3, 4, 6)),
        (lambda n: n.ChannelShuffle(2), (2, 6, 3, 2)),
        (lambda n: n.LocalResponseNorm(3, 0.5), (2, 5, 3, 2)),
        (lambda n: n.Softmax2d(), (2, 3, 4, 5)),
    ],
)
def test_layers_without_parameters(make, shape):
    layer_beside(make, np.abs(normal(*shape)) + 0.1)


def test_unpooling_layers():
    x = normal(2, 3, 6, 4)
    results = []
    for n, make in ((nn, tensor), (torch.nn, torch.from_numpy)):
        pool, back = n.MaxPool2d(2, return_indices=True), n.MaxUnpool2d(2)
        y, at = pool(make(x))
        results.append((back(y, at), back(y, at, output_size=(7, 5)), repr(back)))
    for a, b in zip(*results):
        assert a == b if isinstance(a, str) else check(a, b, "unpooled") is None


def test_a_transposed_convolution_takes_an_output_size():
    mine, theirs = nn.ConvTranspose2d(3, 4, 3, stride=2).double(), torch.nn.ConvTranspose2d(3, 4, 3, stride=2).double()
    mine.load_state_dict({k: wrap(array_node(v.numpy())) for k, v in theirs.state_dict().items()})
    x = normal(2, 3, 4, 5)
    for size in ((9, 11), (10, 12), (2, 4, 10, 11)):
        check(mine(tensor(x), output_size=size), theirs(torch.from_numpy(x), output_size=size), str(size))
    raises_as_peer(lambda n, x: n.ConvTranspose2d(3, 4, 3, stride=2).double()(x, output_size=(11, 12)), x)
    raises_as_peer(lambda n, x: n.ConvTranspose2d(3, 4, 3, stride=2).double()(x, output_size=(11,)), x)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: n.Conv2d(8, 16, 3), lambda n: n.Conv2d(8, 16, 3, groups=4), lambda n: n.ConvTranspose2d(8, 16, 3),
        lambda n: n.Conv1d(5, 200, 7), lambda n: n.Conv3d(2, 40, 3),
    ],
)  # fmt: skip
def test_initial_values_have_the_bounds_of_the_peer(make):
    mine, theirs = make(nn), make(torch.nn)
    for name, value in state_of(mine).items():
        wanted = theirs.state_dict()[name].numpy()
        assert value.shape == wanted.shape
        bound = np.abs(wanted).max()
        assert 0.7 * bound < np.abs(value).max() < 1.3 * bound
        assert abs(value.mean()) < bound / 2


@pytest.mark.parametrize(
    "call",
    [
        lambda n, x: n.Conv2d(3, 4, 3, groups=2),
        lambda n, x: n.Conv2d(4, 3, 3, groups=2),
        lambda n, x: n.Conv2d(4, 4, 3, groups=0),
        lambda n, x: n.Conv2d(3, 4, 3, padding="most"),
        lambda n, x: n.Conv2d(3, 4, 3, padding="same", stride=2),
        lambda n, x: n.Conv2d(3, 4, 3, padding_mode="mirror"),
        lambda n, x: n.ConvTranspose2d(3, 4, 3, padding_mode="reflect"),
        lambda n, x: n.Conv2d(4, 4, 3).double()(x),
        lambda n, x: n.CircularPad2d(1)(x[0, 0]),
        lambda n, x: n.ReflectionPad2d(5)(x),
        lambda n, x: n.MaxUnpool2d(2)(x, x),
    ],
)
def test_wrong_arguments_raise_what_the_peer_raises(call):
    raises_as_peer(call, normal(1, 3, 4, 4))


def test_a_small_network_trains_as_the_peer_does():
    def network(n):
        return n.Sequential(
            n.Conv2d(1, 4, 3, padding=1), n.BatchNorm2d(4), n.ReLU(), n.MaxPool2d(2), n.Conv2d(4, 8, 3), n.ReLU(),
            n.AdaptiveAvgPool2d(1), n.Flatten(), n.Linear(8, 3),
        )  # fmt: skip

    mine, theirs = network(nn).double(), network(torch.nn).double()
    mine.load_state_dict({k: wrap(array_node(v.numpy())) for k, v in theirs.state_dict().items()})
    x, t = normal(6, 1, 8, 8), np.arange(6) % 3
    losses = []
    for module, lib, make in ((mine, wengert, tensor), (theirs, torch, torch.from_numpy)):
        optimiser = lib.optim.SGD(module.parameters(), 0.1, momentum=0.9)
        found = []
        for _ in range(5):
            loss = lib.nn.functional.cross_entropy(module(make(x)), make(t))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            found.append(loss.item())
        module.eval()
        losses.append([*found, lib.nn.functional.cross_entropy(module(make(x)), make(t)).item()])
    np.testing.assert_allclose(*losses, rtol=1e-9)
    for name, value in state_of(mine).items():
        np.testing.assert_allclose(value, theirs.state_dict()[name].numpy(), rtol=1e-8, atol=1e-10, err_msg=name)
