import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, layer_beside, raises_as_peer, torch
from wengert.autograd.gradcheck import gradcheck
from wengert.nn import functional as F

RANKS = {"linear": (1,), "bilinear": (2,), "bicubic": (2,), "lanczos": (2,), "trilinear": (3,)}
MODES = [
    (mode, rank)
    for mode in ("nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear", "lanczos")
    for rank in RANKS.get(mode, (1, 2, 3))
]


def drawn(random, mode, rank):
    """A shape and options: sizes from 2 (PyTorch 2.13 mixes up rows when it widens a filter for a column of width 1)."""
    shape = (2, 3, *random.integers(2, 7 if rank == 3 else 12, rank).tolist())
    options = {"mode": mode}
    if random.integers(3) == 0:
        options["size"] = random.integers(2, 9, rank).tolist()
    else:
        factor = random.uniform(1.0, 2.6, rank).tolist() if random.integers(2) else 1.5
        if rank < 3 and random.integers(2):
            shape, factor = (2, 3, *[n + 6 for n in shape[2:]]), random.uniform(0.4, 1.1, rank).tolist()
        options["scale_factor"] = tuple(factor) if isinstance(factor, list) else factor
        # Of sizes n and 2 n by another factor, PyTorch's derivative is not that of its own forward.
        each = factor if isinstance(factor, list) else [factor] * rank
        odd = any([int(n * f) in (n, 2 * n) for n, f in zip(shape[2:], each)])
        options["recompute_scale_factor"] = odd or bool(random.integers(2))
    if "linear" in mode or mode == "bicubic":
        options["align_corners"] = bool(random.integers(2))
    options["antialias"] = mode == "lanczos" or (mode in ("bilinear", "bicubic") and bool(random.integers(2)))
    return shape, options


@pytest.mark.parametrize(("mode", "rank"), MODES)
def test_every_mode_agrees(mode, rank):
    random = np.random.default_rng(rank)
    for k in range(8):
        shape, options = drawn(random, mode, rank)
        dtype = (np.float64, np.float32)[k % 2]
        beside(lambda F, x, o=options: F.interpolate(x, **o), normal(*shape, dtype=dtype), scale=10 if k % 2 else 100)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("antialias", [False, True])
def test_images_of_bytes(mode, antialias):
    if antialias == mode.startswith("nearest") or (mode == "lanczos" and not antialias):
        return
    x = np.random.default_rng(0).integers(0, 256, (1, 3, 9, 7)).astype(np.uint8)
    for size in [(5, 4), (18, 20)]:
        y = array(F.interpolate(tensor(x), size=size, mode=mode, antialias=antialias))
        w = torch.nn.functional.interpolate(torch.from_numpy(x), size=size, mode=mode, antialias=antialias)
        assert y.dtype == np.uint8
        assert np.abs(y.astype(int) - array(w).astype(int)).max() <= (0 if mode.startswith("nearest") else 1)


def test_a_column_is_interpolated_like_a_picture():
    """Where PyTorch (2.13) is wrong: the mean of each half, in a column."""
    x = tensor(np.arange(4.0).reshape(1, 1, 4, 1))
    y = F.interpolate(x, size=(2, 1), mode="bilinear", antialias=True)
    wide = F.interpolate(x.expand(1, 1, 4, 3), size=(2, 3), mode="bilinear", antialias=True)
    np.testing.assert_array_equal(array(y)[..., 0], array(wide)[..., 0])


def test_infinite_values_stay_infinite_in_a_mean():
    x = np.full((1, 1, 5), np.inf)
    beside(lambda F, x: F.interpolate(x, size=3, mode="area"), x, second=False)


def test_second_derivatives_are_zero_but_there():
    beside(lambda F, x: F.interpolate(x, scale_factor=2, mode="bicubic") ** 2, normal(1, 2, 3, 4), scale=100)
    assert gradcheck(lambda x: F.interpolate(x, 7, mode="linear"), (tensor(normal(1, 1, 4), True),))


@pytest.mark.parametrize("name", ["upsample", "upsample_nearest", "upsample_bilinear"])
def test_old_names(name):
    with pytest.warns(UserWarning, match="deprecated"):
        getattr(F, name)(tensor(normal(1, 1, 2, 2)), scale_factor=2)
    beside(lambda F, x: getattr(F, name)(x, scale_factor=2), normal(1, 2, 3, 3), scale=10)


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.Upsample(scale_factor=2),
        lambda nn: nn.Upsample((4, 5), mode="bilinear", align_corners=True),
        lambda nn: nn.Upsample(scale_factor=(2, 1.5), mode="bicubic", recompute_scale_factor=True),
        lambda nn: nn.UpsamplingNearest2d(5),
        lambda nn: nn.UpsamplingBilinear2d(scale_factor=2),
    ],
)
def test_layers(make):
    layer_beside(make, normal(2, 3, 4, 3))


@pytest.mark.parametrize(
    "call",
    [
        lambda F, x: F.interpolate(x),
        lambda F, x: F.interpolate(x, 3, 2.0),
        lambda F, x: F.interpolate(x, (3, 3, 3)),
        lambda F, x: F.interpolate(x, scale_factor=(2.0,)),
        lambda F, x: F.interpolate(x, (2.5, 3)),
        lambda F, x: F.interpolate(x, 3, mode="nearest", align_corners=True),
        lambda F, x: F.interpolate(x, 3, recompute_scale_factor=True),
        lambda F, x: F.interpolate(x, 3, antialias=True),
        lambda F, x: F.interpolate(x, 3, mode="linear"),
        lambda F, x: F.interpolate(x, 3, mode="sharp"),
        lambda F, x: F.interpolate(x, 3, mode="lanczos"),
        lambda F, x: F.interpolate(x[0, 0], 3),
        lambda F, x: F.interpolate(x, 0),
        lambda F, x: F.interpolate(x[:, :, :0], 3),
        lambda F, x: F.interpolate(x.long(), 3, mode="bilinear"),
    ],
)
def test_wrong_input_is_refused(call):
    raises_as_peer(lambda nn, x: call(nn.functional, x), normal(1, 2, 3, 3))
