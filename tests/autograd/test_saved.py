"""Hooks on what derivatives will read, beside PyTorch's."""

import gc

import numpy as np
import pytest

import wengert
from tests.autograd.both import leaf, same
from tests.autograd.test_backward import held_bytes
from wengert.autograd import Function
from wengert.autograd.graph import disable_saved_tensors_hooks, saved_tensors_hooks


def outside(lib):
    """Hooks that keep the numbers outside any tensor."""
    return lib.autograd.graph.saved_tensors_hooks(lambda t: t.detach().numpy().copy(), lib.tensor)


OPERATIONS = [
    lambda lib, x, w: (x * w).exp() / (x * x + 1),
    lambda lib, x, w: (x @ w.T).tanh().softmax(-1) * 2,
    lambda lib, x, w: lib.linalg.svd(x)[1] + lib.linalg.qr(w)[1].sum(),
    lambda lib, x, w: lib.nn.functional.layer_norm(x, (4,)) * lib.logsumexp(w, 1, True),
    lambda lib, x, w: x.gather(1, lib.tensor([[0], [2], [1]])) * w.max(1, keepdim=True)[0],
    lambda lib, x, w: lib.nn.functional.conv1d(x[None], w[:, None, :2], groups=3).sigmoid(),
    lambda lib, x, w: lib.nn.functional.scaled_dot_product_attention(x[None], w[None], w[None]),
]


@pytest.mark.parametrize("number", range(len(OPERATIONS)))
def test_derivatives_come_from_what_was_kept(number):
    def program(lib):
        x, w = leaf(lib, 3, 4), leaf(lib, 3, 4, seed=1)
        with outside(lib):
            y = OPERATIONS[number](lib, x, w)
        (x_bar,) = lib.autograd.grad(y.sum(), x, create_graph=True)
        return y, x_bar, lib.autograd.grad((x_bar**2).sum(), [x, w], allow_unused=True)

    same(program)


def test_hooks_are_called_when_recording_and_in_backward():
    seen = []
    x = leaf(wengert, 3)
    with saved_tensors_hooks(lambda t: seen.append("pack") or t.detach(), lambda t: seen.append("unpack") or t):
        y = x.exp()
        assert seen == ["pack"]
        y = y + 1
        assert seen == ["pack"]  # the derivative of a sum reads nothing
    y = y.sin()
    y.sum().backward()
    assert seen == ["pack", "unpack"]
    np.testing.assert_allclose(x.grad.numpy(), (x.exp() * (x.exp() + 1).cos()).detach().numpy())


def test_what_was_kept_is_what_is_read():
    x = wengert.tensor([3.0], requires_grad=True)
    with saved_tensors_hooks(lambda t: None, lambda _: wengert.tensor([10.0])):
        y = x * x
    y.backward()
    assert x.grad.item() == 20


def test_the_values_themselves_are_let_go():
    x = wengert.randn(100, 100, requires_grad=True)
    x.tolist()

    def program():
        y = x
        for _ in range(10):
            y = y.tanh()
        return y.sum()

    before = held_bytes()
    plain = program()
    plain.item()
    assert held_bytes() - before >= 9 * 40_000
    plain.backward()
    wanted, x.grad = x.grad.numpy().copy(), None
    del plain
    gc.collect()
    before = held_bytes()
    with saved_tensors_hooks(lambda t: t.detach().numpy().tobytes(), lambda b: wengert.tensor(read(b))):
        hooked = program()
    hooked.item()
    assert held_bytes() - before < 40_000
    hooked.backward()
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-5)
    with pytest.raises(RuntimeError, match="second time"):
        hooked.backward()


def read(content):
    return np.frombuffer(content, np.float32).reshape(100, 100).copy()


def test_a_function_keeps_its_saved_tensors_with_the_hooks():
    def program(lib):
        class Cube(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, k):
                y = x * x
                ctx.save_for_backward(x, y, None)
                return y * x * k

            @staticmethod
            def backward(ctx, y_bar):
                x, _, nothing = ctx.saved_tensors
                assert nothing is None
                return y_bar * 3 * x * x, None

        x = leaf(lib, 3)
        with outside(lib):
            y = Cube.apply(x, 1)
        (x_bar,) = lib.autograd.grad(y.sum(), x, create_graph=True)
        return y, x_bar, lib.autograd.grad(x_bar.sum(), x)

    same(program)


def test_a_function_with_hooks_is_released_too():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, y_bar):
            return y_bar * 2 * ctx.saved_tensors[0]

    x = leaf(wengert, 3)
    with saved_tensors_hooks(lambda t: t.detach(), lambda t: t):
        y = Square.apply(x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_the_innermost_hooks_are_called():
    def program(lib):
        hooks, seen = lib.autograd.graph.saved_tensors_hooks, []
        x = leaf(lib, 3)
        with hooks(lambda t: seen.append("outer") or t.detach(), lambda t: t):
            y = x.sin()
            with hooks(lambda t: seen.append("inner") or t.detach(), lambda t: t):
                y = y.sin()
            y = y.sin()
        y.sum().backward()
        assert seen == ["outer", "inner", "outer"]
        return x.grad

    same(program)


def test_under_forward_mode_and_vmap():
    x = leaf(wengert, 3).detach()

    def hooked(x):
        with saved_tensors_hooks(lambda t: t.detach(), lambda t: t):
            return (x.sin() * x).sum()

    def plain(x):
        return (x.sin() * x).sum()

    for transformed in (
        lambda f: wengert.func.grad(f)(x),
        lambda f: wengert.func.jvp(f, (x,), (x,))[1],
        lambda f: wengert.func.vmap(f)(x.expand(2, 3)),
    ):
        np.testing.assert_allclose(transformed(hooked).numpy(), transformed(plain).numpy())


def test_wrong_hooks_are_said_in_words():
    x = leaf(wengert, 3)
    with saved_tensors_hooks(lambda t: t.detach(), lambda t: 3):
        y = x.exp().sum()
    with pytest.raises(TypeError, match="Tensor from unpack_hook"):
        y.backward()
    hooks = saved_tensors_hooks(lambda t: t, lambda t: t)
    with disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"), hooks:
        pass
    with saved_tensors_hooks(lambda t: 1 / 0, lambda t: t), pytest.raises(ZeroDivisionError):
        x.exp()
    x.exp().sum().backward()
    assert x.grad is not None
