"""Mixed precision: dtypes beside PyTorch's, and the scaler's steps."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import wengert
from tests.functions.peer import array
from wengert import amp, nn

torch = pytest.importorskip("torch")

DTYPES = {
    "matmul": lambda t, F, a: a @ a, "mm": lambda t, F, a: t.mm(a, a), "mv": lambda t, F, a: t.mv(a, a[0]),
    "bmm": lambda t, F, a: t.bmm(a[None], a[None]), "addmm": lambda t, F, a: t.addmm(a, a, a),
    "baddbmm": lambda t, F, a: t.baddbmm(a[None], a[None], a[None]), "addbmm": lambda t, F, a: t.addbmm(a, a[None], a[None]),
    "linear": lambda t, F, a: F.linear(a, a, a[0]), "einsum": lambda t, F, a: t.einsum("ij,jk->ik", a, a),
    "tensordot": lambda t, F, a: t.tensordot(a, a, 1), "conv": lambda t, F, a: F.conv2d(a[None, None], a[None, None, :3, :3]),
    "transposed": lambda t, F, a: F.conv_transpose2d(a[None, None], a[None, None, :3, :3]),
    "attention": lambda t, F, a: F.scaled_dot_product_attention(a[None], a[None], a[None]),
    "softmax": lambda t, F, a: F.softmax(a, -1), "exp": lambda t, F, a: a.exp(), "sum": lambda t, F, a: a.sum(),
    "prod": lambda t, F, a: a.prod(), "norm": lambda t, F, a: F.layer_norm(a, (4,)), "gelu": lambda t, F, a: F.gelu(a),
    "cross entropy": lambda t, F, a: F.cross_entropy(a, t.tensor([0, 1, 2, 3])), "mse": lambda t, F, a: F.mse_loss(a, a),
    "nll": lambda t, F, a: F.nll_loss(a, t.tensor([0, 1, 2, 3])), "l1": lambda t, F, a: F.l1_loss(a, a),
    "smooth": lambda t, F, a: F.smooth_l1_loss(a, a), "huber": lambda t, F, a: F.huber_loss(a, a),
    "bce": lambda t, F, a: F.binary_cross_entropy_with_logits(a, t.sigmoid(a)), "cdist": lambda t, F, a: t.cdist(a, a),
    "kl": lambda t, F, a: F.kl_div(a, t.sigmoid(a), reduction="sum"), "trace": lambda t, F, a: a.trace(),
    "cat": lambda t, F, a: t.cat([a, a.float()]), "add": lambda t, F, a: a + a.float(),
}  # fmt: skip


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("given", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("low", ["bfloat16", "float16"])
def test_dtypes_are_pytorchs(name, given, low):
    found = []
    for library in (wengert, torch):
        a = library.tensor(np.random.default_rng(0).normal(size=(4, 4))).to(getattr(library, given))
        try:
            with library.autocast("cpu", dtype=getattr(library, low)):
                found.append(str(DTYPES[name](library, library.nn.functional, a).dtype).partition(".")[2])
        except RuntimeError:
            assert library is torch  # which joins two kinds of 16 bits by no rule
            return
    assert found[0] == found[1]


def test_regions_nest_and_end():
    x = wengert.ones(2, 2)
    assert not wengert.is_autocast_enabled("cpu")
    with amp.autocast("cpu"):
        assert wengert.is_autocast_enabled("cpu") and wengert.get_autocast_dtype("cpu") is wengert.bfloat16
        assert (x @ x).dtype is wengert.bfloat16
        with amp.autocast("cpu", enabled=False):
            assert (x @ x).dtype is wengert.float32
        with amp.autocast("cpu", dtype=wengert.float16):
            assert (x @ x).dtype is wengert.float16
        with pytest.raises(KeyError), amp.autocast("cpu", enabled=False):
            raise KeyError
        assert (x @ x).dtype is wengert.bfloat16
    assert (x @ x).dtype is wengert.float32

    @amp.autocast("cpu")
    def product(x):
        return x @ x

    assert product(x).dtype is wengert.bfloat16


def test_other_threads_are_left_alone():
    x, seen = wengert.ones(2, 2), []
    with amp.autocast("cpu"):
        thread = threading.Thread(target=lambda: seen.append((x @ x).dtype))
        thread.start()
        thread.join()
    assert seen == [wengert.float32]


def test_misuse_warns_or_raises():
    with pytest.raises(RuntimeError, match="unsupported"):
        amp.autocast("toaster")
    with pytest.raises(ValueError, match="device_type"):
        amp.autocast(3)
    with pytest.warns(UserWarning, match="not supported"), amp.autocast("cpu", dtype=wengert.float32):
        assert not wengert.is_autocast_enabled("cpu")
    with pytest.warns(UserWarning, match="CUDA is not available"), amp.autocast("cuda"):
        assert (wengert.ones(2, 2) @ wengert.ones(2, 2)).dtype is wengert.float32


def test_a_network_trains_with_parameters_in_float32():
    losses = []
    for library in (wengert, torch):
        rng = np.random.default_rng(0)
        make = library.nn
        model = make.Sequential(make.Linear(6, 16), make.LayerNorm(16), make.ReLU(), make.Linear(16, 3))
        with library.no_grad():
            for p in model.parameters():
                p.copy_(library.tensor(rng.normal(size=tuple(p.shape)).astype(np.float32) * 0.4))
        x, y = library.tensor(rng.normal(size=(32, 6)).astype(np.float32)), library.tensor(rng.integers(0, 3, 32))
        optimizer = library.optim.Adam(model.parameters(), lr=0.02)
        history = []
        for _ in range(40):
            optimizer.zero_grad()
            with library.autocast("cpu", dtype=library.bfloat16):
                loss = library.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            assert all(p.grad.dtype is library.float32 for p in model.parameters())
            optimizer.step()
            history.append(loss.item())
        losses.append(history)
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.05, atol=0.02)
    assert losses[0][-1] < 0.5 * losses[0][0]


def test_custom_functions_find_the_same_state_again():
    seen = []

    class Square(wengert.autograd.Function):
        @staticmethod
        @amp.custom_fwd(device_type="cpu")
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x @ x

        @staticmethod
        @amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            seen.append((x @ x).dtype)
            return grad.float() @ x.float().T

    class Precise(wengert.autograd.Function):
        @staticmethod
        @amp.custom_fwd(device_type="cpu", cast_inputs=wengert.float32)
        def forward(ctx, x):
            seen.append((x @ x).dtype)
            return x.clone()

        @staticmethod
        @amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            return grad

    x = wengert.ones(2, 2, requires_grad=True)
    with amp.autocast("cpu"):
        y = Square.apply(x)
        Precise.apply(x.detach().bfloat16())
    y.float().sum().backward()
    assert y.dtype is wengert.bfloat16 and seen == [wengert.float32, wengert.bfloat16]


# --- the scaler ----------------------------------------------------------------------------------------------------


def test_the_scaler_skips_bad_steps_and_grows_after_good_ones():
    scales = []
    for library in (wengert, torch):
        x = library.tensor([1.0, 2.0], requires_grad=True)
        optimizer = library.optim.SGD([x], lr=0.1)
        scaler = library.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
        history = []
        for step in range(8):
            optimizer.zero_grad()
            factor = float("inf") if step in (3, 4) else 1.0
            scaler.scale((x * factor).sum()).backward()
            if step == 6:
                scaler.unscale_(optimizer)
                assert x.grad.tolist() == [1.0, 1.0]
            scaler.step(optimizer)
            scaler.update()
            history.append((scaler.get_scale(), x.tolist()))
        scales.append((history, scaler.state_dict()))
    assert scales[0] == scales[1]


def test_the_scalers_state_and_misuse():
    scaler = amp.GradScaler("cpu", init_scale=4.0)
    x = wengert.ones(2, requires_grad=True)
    optimizer = wengert.optim.SGD([x], lr=0.1)
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.update()
    scaler.scale(x.sum()).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="since the last update"):
        scaler.step(optimizer)
    scaler.update()
    again = amp.GradScaler("cpu")
    again.load_state_dict(scaler.state_dict())
    assert again.state_dict() == scaler.state_dict() and again.get_scale() == 4.0
    with pytest.raises(RuntimeError, match="empty"):
        again.load_state_dict({})
    whole, (part,) = scaler.scale([x, (x,)])
    assert whole.tolist() == part.tolist() == pytest.approx([3.6, 3.6])
    off = amp.GradScaler("cpu", enabled=False)
    assert off.scale(x) is x and off.get_scale() == 1.0 and off.state_dict() == {}
    with pytest.warns(UserWarning, match="CUDA is not available"):
        assert not amp.GradScaler().is_enabled()
    assert array(x).dtype == np.float32 and isinstance(nn.Linear(1, 1), nn.Module)


def test_the_older_names_of_cuda_do_nothing():
    with pytest.warns(UserWarning, match="CUDA is not available"):
        scaler = wengert.cuda.amp.GradScaler()
    with pytest.warns(UserWarning, match="CUDA is not available"):
        region = wengert.cuda.amp.autocast()
    x = wengert.ones(2, 2)
    with region:
        assert (x @ x).dtype is wengert.float32
    assert scaler.scale(x) is x


def test_a_compiled_function_tells_regions_apart():
    x, w = wengert.ones(2, 3), wengert.ones(3, 4)
    product = wengert.compile(lambda x, w: x @ w, fullgraph=True)
    assert product(x, w).dtype is wengert.float32
    with wengert.autocast("cpu", dtype=wengert.bfloat16):
        assert product(x, w).dtype is wengert.bfloat16
    assert product(x, w).dtype is wengert.float32
    assert product.traces == 2
