import numpy as np
import pytest

import wengert as ours
from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, raises_as_peer
from wengert.autograd.gradcheck import gradcheck, gradgradcheck
from wengert.nn import functional as F

PADDINGS = ["zeros", "border", "reflection"]
KINKS = np.array([-1.0, -0.6, -0.5, 0.0, 0.2, 0.5, 0.6, 1.0, 1 / 3, -1.5, 2.0])


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("mode", "rank"), [("bilinear", 2), ("bilinear", 3), ("nearest", 2), ("nearest", 3), ("bicubic", 2)])
def test_every_mode_agrees(mode, rank, padding, align):
    """Inside, far outside, and on the kinks; images of one cell too. PyTorch has no second derivative."""
    call = lambda F, x, g: F.grid_sample(x, g, mode, padding, align)
    random = np.random.default_rng(rank)
    for shape in [(2, 3, 4, 5, 3)[: 2 + rank], (1, 2, 1, 3, 1)[: 2 + rank]]:
        grid = random.uniform(-2.7, 2.7, (shape[0], *(3, 4, 2)[:rank], rank))
        beside(call, normal(*shape), grid, second=False, scale=100)
    shape = (1, 2, 3, 5, 3)[: 2 + rank]
    beside(call, normal(*shape), random.choice(KINKS, (1, *(6, 4, 2)[:rank], rank)), second=False, scale=100)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_second_derivatives_against_differences(mode, padding):
    x, g = tensor(normal(1, 1, 3, 4), True), tensor(np.random.default_rng(0).uniform(-1.2, 1.2, (1, 2, 2, 2)), True)
    call = lambda x, g: F.grid_sample(x, g, mode, padding, False)
    assert gradcheck(call, (x, g))
    assert gradgradcheck(call, (x, g))


@pytest.mark.parametrize("rank", [2, 3])
def test_the_nearest_cell_has_a_derivative_of_0_by_the_grid(rank):
    x, g = tensor(normal(1, 2, *(3, 4, 2)[:rank]), True), tensor(normal(1, *(2, 3, 2)[:rank], rank), True)
    y = F.grid_sample(x, g, "nearest", align_corners=False)
    (g_bar,) = ours.autograd.grad(y.sum(), g)
    assert g_bar.shape == g.shape
    assert not array(g_bar).any()


def test_single_precision():
    g = np.random.default_rng(0).uniform(-1.2, 1.2, (2, 3, 3, 2)).astype(np.float32)
    call = lambda F, x, g: F.grid_sample(x, g, align_corners=False)
    beside(call, normal(2, 2, 5, 6, dtype=np.float32), g, second=False, scale=10)


def test_vmap_over_grids_is_a_loop():
    x, g = tensor(normal(3, 1, 2, 4, 5)), tensor(np.random.default_rng(0).uniform(-1, 1, (3, 1, 2, 2, 2)))
    one = lambda x, g: F.grid_sample(x, g, align_corners=True)
    whole = ours.func.vmap(one)(x, g)
    for k in range(3):
        np.testing.assert_allclose(array(whole)[k], array(one(x[k], g[k])))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_coordinates_that_are_no_number_agree(mode, padding):
    nan, inf = float("nan"), float("inf")
    g = np.array([[[[nan, nan], [nan, 0], [0, nan], [inf, 0], [-inf, 0]]]])
    call = lambda F, x, g: F.grid_sample(x.detach(), g.detach(), mode, padding, align_corners=False)
    beside(call, normal(1, 1, 3, 3), g)


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 3, 4, 1), (2, 3, 2, 4, 5), (2, 1, 1, 1, 1)])
def test_affine_grids_agree(size, align):
    rank = len(size) - 2
    beside(lambda F, t: F.affine_grid(t, size, align_corners=align), normal(2, rank, rank + 1), scale=10)


def test_without_align_corners_both_warn():
    with pytest.warns(UserWarning, match="align_corners"):
        grid = F.affine_grid(tensor(normal(1, 2, 3)), (1, 1, 2, 2))
    with pytest.warns(UserWarning, match="align_corners"):
        F.grid_sample(tensor(normal(1, 1, 2, 2)), grid)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, x, g: F.grid_sample(x, g, "cubic", align_corners=True),
        lambda F, x, g: F.grid_sample(x, g, padding_mode="wrap", align_corners=True),
        lambda F, x, g: F.grid_sample(x, g[:1], align_corners=True),
        lambda F, x, g: F.grid_sample(x, g[..., :1], align_corners=True),
        lambda F, x, g: F.grid_sample(x[0], g, align_corners=True),
        lambda F, x, g: F.grid_sample(x, g.float(), align_corners=True),
        lambda F, x, g: F.grid_sample(x[:, :, :0], g, align_corners=True),
        lambda F, x, g: F.grid_sample(x[:, :, None], g[:, None, :, :, :1].expand(2, 1, 4, 4, 3), "bicubic", align_corners=True),
        lambda F, x, g: F.affine_grid(x[:, 0, :2, :3], (2, 1, 3), align_corners=True),
        lambda F, x, g: F.affine_grid(x[:, 0], (2, 1, 3, 3), align_corners=True),
        lambda F, x, g: F.affine_grid(x[:, 0, :2, :3].long(), (2, 1, 3, 3), align_corners=True),
        lambda F, x, g: F.affine_grid(x[:, 0, :2, :3], (2, 1, 0, 3), align_corners=True),
    ],
)
def test_wrong_input_is_refused(call):
    raises_as_peer(lambda nn, x, g: call(nn.functional, x, g), normal(2, 3, 5, 5), normal(2, 4, 4, 2))
