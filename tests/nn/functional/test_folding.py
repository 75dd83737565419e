import pytest

from tests.functions.peer import normal
from tests.nn.peer import beside, raises_as_peer

GEOMETRIES = [
    ((2, 3, 6, 7), (3, 2), {}),
    ((3, 6, 7), 2, {"stride": 2}),
    ((2, 3, 6, 7), (2, 3), {"dilation": (2, 1), "padding": (1, 2), "stride": (1, 3)}),
    ((2, 1, 2, 2), 2, {"padding": 2}),
    ((0, 3, 6, 7), 2, {}),
]


@pytest.mark.parametrize(("shape", "kernel", "arguments"), GEOMETRIES)
def test_unfold_and_fold_agree(shape, kernel, arguments):
    beside(lambda F, x: F.unfold(x, kernel, **arguments), normal(*shape))
    beside(lambda F, x: F.fold(F.unfold(x, kernel, **arguments), shape[-2:], kernel, **arguments), normal(*shape))


@pytest.mark.parametrize("shape", [(2, 8, 3, 5), (8, 3, 5), (2, 2, 8, 3, 5)])
def test_pixels_are_shuffled(shape):
    beside(lambda F, x: F.pixel_shuffle(x, 2), normal(*shape))
    beside(lambda F, x: F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), normal(*shape))


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_channels_are_shuffled(groups):
    beside(lambda F, x: F.channel_shuffle(x, groups), normal(2, 6, 3, 5))
    beside(lambda F, x: F.channel_shuffle(x, groups), normal(2, 6, 3))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_local_response_norm_agrees(size):
    beside(lambda F, x: F.local_response_norm(x, size, 0.5, 0.6, 2.0), normal(2, 4, 3, 3), scale=10)
    beside(lambda F, x: F.local_response_norm(x, size), normal(2, 4, 5), scale=10)


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda n, x: n.functional.unfold(x, 2), (1, 1, 2, 3, 3)),
        (lambda n, x: n.functional.unfold(x, 5), (1, 3, 3)),
        (lambda n, x: n.functional.unfold(x, 0), (1, 3, 3)),
        (lambda n, x: n.functional.fold(x, (4, 4), 3), (1, 10, 4)),
        (lambda n, x: n.functional.fold(x, (4, 4), 3), (1, 9, 5)),
        (lambda n, x: n.functional.fold(x, (4, 4), 3), (9,)),
        (lambda n, x: n.functional.pixel_shuffle(x, 2), (3, 4, 4)),
        (lambda n, x: n.functional.pixel_shuffle(x, 0), (4, 4, 4)),
        (lambda n, x: n.functional.pixel_unshuffle(x, 2), (3, 4, 5)),
        (lambda n, x: n.functional.channel_shuffle(x, 2), (1, 3, 4)),
    ],
)
def test_wrong_arguments_raise_what_the_peer_raises(call, shape):
    raises_as_peer(call, normal(*shape))
