import numpy as np
import pytest

from tests.functions.peer import normal
from tests.nn.peer import beside, raises_as_peer


@pytest.mark.parametrize("pad", [(), (1, 2), (-1, 2), (0, -2), (1, 1, 2, 0), (1, 2, 3, 0, 0, 1), (-1, -1, 1, -1)])
def test_constant_padding_agrees(pad):
    beside(lambda F, x: F.pad(x, pad), normal(3, 4, 5))
    beside(lambda F, x: F.pad(x, pad, value=2.5), normal(3, 4, 5))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("shape", "pad"),
    [
        ((2, 4), (1, 2)),
        ((2, 3, 4), (3, 0)),
        ((2, 3, 4), (1, 2, 2, 1)),
        ((2, 2, 3, 4), (1, 1, 0, 2)),
        ((1, 3, 3, 3), (1, 1, 1, 0, 2, 1)),
    ],
)
def test_other_modes_agree(mode, shape, pad):
    beside(lambda F, x: F.pad(x, pad, mode=mode), normal(*shape))


@pytest.mark.parametrize("pad", [(2, -1), (-2, 1), (-1, -2), (3, -1, -1, 1)])
def test_what_cropping_leaves_goes_round(pad):
    beside(lambda F, x: F.pad(x, pad, mode="circular"), normal(2, 3, 4))


def test_integers_can_be_padded():
    beside(lambda F, x: F.pad(x, (1, 1), value=7), np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    "call",
    [
        lambda nn, x: nn.functional.pad(x, (1,)),
        lambda nn, x: nn.functional.pad(x, (1,) * 6),
        lambda nn, x: nn.functional.pad(x, (-5, 0)),
        lambda nn, x: nn.functional.pad(x, (4, 1), mode="reflect"),
        lambda nn, x: nn.functional.pad(x, (5, 1), mode="circular"),
        lambda nn, x: nn.functional.pad(x, (1, 1, 1, 1), mode="reflect"),
        lambda nn, x: nn.functional.pad(x, (1, 1), mode="what"),
        lambda nn, x: nn.functional.pad(x, (1, 1), mode="reflect", value=1.0),
    ],
)
def test_wrong_paddings_are_refused(call):
    message = raises_as_peer(call, normal(3, 4), kind=(RuntimeError, NotImplementedError))
    assert "pad" in message
