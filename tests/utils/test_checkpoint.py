"""Checkpointing: the same gradients, less memory, one run of the code."""

import gc
import weakref

import numpy as np
import pytest

import wengert
from tests.autograd.both import leaf, same, same_error
from tests.autograd.test_backward import held_bytes
from wengert.func import grad, hessian, jvp, vmap
from wengert.graph.record import recorder
from wengert.settings import settings
from wengert.utils.checkpoint import checkpoint, checkpoint_sequential

BOTH_WAYS = pytest.mark.parametrize("reentrant", [True, False])


@pytest.fixture(params=["interpret", "compile"])
def one_tier(request):
    """Two runs of the same code are equal to the bit on one tier only; when the other takes over is a matter of time."""
    with settings.scope(tier=request.param):
        yield


def peer(lib):
    """The checkpoint module of either library."""
    if lib is wengert:
        return wengert.utils.checkpoint
    from torch.utils import checkpoint as theirs

    return theirs


@BOTH_WAYS
def test_gradients_are_those_without(reentrant):
    def program(lib):
        x, w = leaf(lib, 4, 3), leaf(lib, 3, 3, seed=1)

        def stretch(x, k):
            return ((x @ w).tanh() @ w).sin() * k

        y = peer(lib).checkpoint(stretch, x * 1, 2.0, use_reentrant=reentrant)
        z = peer(lib).checkpoint(stretch, y, 3.0, use_reentrant=reentrant)
        z.sum().backward()
        return z, x.grad, w.grad

    same(program)


def test_structures_and_keyword_arguments():
    def program(lib):
        x, w = leaf(lib, 3), leaf(lib, 3, seed=1)

        def stretch(x, *, scale, other):
            return {"a": x.exp() * scale, "b": [other["w"].sin(), x.detach() * 2]}, 7

        out, number = peer(lib).checkpoint(stretch, x, scale=3.0, other={"w": w}, use_reentrant=False)
        (out["a"].sum() + (out["b"][0] ** 2).sum()).backward()
        return out, number, x.grad, w.grad

    same(program)


def test_autograd_grad_and_higher_orders():
    def program(lib):
        x, w = leaf(lib, 3), leaf(lib, 3, seed=1)
        y = peer(lib).checkpoint(lambda x: (x * w).sin() * x, x, use_reentrant=False).sum()
        first = lib.autograd.grad(y, [x, w], create_graph=True)
        return first, lib.autograd.grad(first[0].sum() + first[1].sum(), [x, w])

    same(program)


@BOTH_WAYS
@pytest.mark.usefixtures("one_tier")
def test_memory_is_saved(reentrant):
    n, size = 12, 100 * 100 * 4
    x = wengert.randn(100, 100, requires_grad=True)

    def block(x):
        for _ in range(n):
            x = x.tanh()
        return x

    x.tolist()
    before = held_bytes()
    plain = block(block(x)).sum()
    plain.item()
    assert held_bytes() - before >= 2 * n * size
    plain.backward()
    wanted = x.grad.numpy().copy()
    x.grad = None
    del plain
    before = held_bytes()
    half = checkpoint(block, x, use_reentrant=reentrant)
    saved = checkpoint(block, half, use_reentrant=reentrant).sum()
    del half
    saved.item()
    assert held_bytes() - before <= 2.1 * size
    saved.backward()
    np.testing.assert_array_equal(x.grad.numpy(), wanted)


@pytest.mark.usefixtures("one_tier")
def test_memory_is_saved_when_values_are_asked_for_inside():
    size = 100 * 100 * 4
    x = wengert.randn(100, 100, requires_grad=True)
    x.tolist()

    def block(x):
        for _ in range(12):
            x = x.tanh()
            assert not x.isnan().any()
        return x

    before = held_bytes()
    y = checkpoint(block, x, use_reentrant=False).sum()
    y.item()
    gc.collect()
    assert held_bytes() - before <= 2.1 * size
    y.backward()
    wanted = wengert.autograd.grad(block(x).sum(), x)[0]
    np.testing.assert_array_equal(x.grad.numpy(), wanted.numpy())
    assert recorder.retain == 0


def test_forward_and_backward_in_one_run_still_recompute():
    """Nothing asks for a value in between, so both halves are one graph; the recomputation must not be merged with the
    first computation."""
    x = wengert.randn(10, requires_grad=True)
    y = checkpoint(lambda x: x.tanh().exp(), x, use_reentrant=False).sum()
    y.backward()
    names = [node.primitive.name for node in recorder.tape]
    assert names.count("tanh") == 2 and "barrier" in names
    np.testing.assert_allclose(
        x.grad.numpy(), wengert.autograd.grad(x.tanh().exp().sum(), x)[0].numpy(), rtol=1e-6
    )


@BOTH_WAYS
def test_dropout_repeats_its_numbers(reentrant):
    x = wengert.ones(1000, requires_grad=True)
    y = checkpoint(lambda x: wengert.nn.functional.dropout(x, 0.5) * 2, x, use_reentrant=reentrant)
    z = checkpoint(lambda x: wengert.nn.functional.dropout(x, 0.5), y, use_reentrant=reentrant, preserve_rng_state=False)
    z.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), z.detach().numpy())
    after = wengert.rand(3)
    assert (after != wengert.rand(3)).any()


def test_the_code_runs_once_and_so_do_its_side_effects():
    calls = []
    norm = wengert.nn.BatchNorm1d(3)

    def stretch(x):
        calls.append(1)
        return norm(x).relu()

    x = wengert.randn(8, 3, requires_grad=True)
    y = checkpoint(stretch, x, use_reentrant=False)
    (y * wengert.arange(3.0)).sum().backward()
    assert len(calls) == 1 and norm.num_batches_tracked.item() == 1
    reference = wengert.nn.BatchNorm1d(3)
    z = reference(x.detach())
    np.testing.assert_allclose(norm.running_mean.numpy(), reference.running_mean.numpy())
    assert not norm.running_mean.requires_grad
    assert z.shape == y.shape


def test_running_statistics_do_not_drag_history_along():
    norm = wengert.nn.BatchNorm1d(3)
    for _ in range(3):
        x = wengert.randn(8, 3, requires_grad=True)
        checkpoint(lambda x: (norm(x), norm.running_mean.sum().item())[0], x, use_reentrant=False).sum().backward()
        norm.running_mean.tolist()
        assert norm.running_mean._node.inputs == ()


@BOTH_WAYS
def test_nested_checkpoints(reentrant):
    def program(lib):
        x, w = leaf(lib, 3), leaf(lib, 3, seed=1)
        cp = peer(lib).checkpoint

        def inner(x):
            return (x * w).sin()

        def outer(x):
            return cp(inner, cp(inner, x, use_reentrant=reentrant), use_reentrant=reentrant).exp()

        cp(outer, x * 1, use_reentrant=reentrant).sum().backward()
        return x.grad, w.grad

    same(program)


def test_a_part_of_the_outputs_and_unused_inputs():
    def program(lib):
        x, w, u = leaf(lib, 3), leaf(lib, 3, seed=1), leaf(lib, 3, seed=2)
        a, _ = peer(lib).checkpoint(lambda x, w, u: (x.exp(), w.sin()), x, w, u, use_reentrant=False)
        return lib.autograd.grad(a.sum(), [x, w, u], allow_unused=True)

    def alias(lib):
        x = leaf(lib, 3)
        a, b, c = peer(lib).checkpoint(lambda x: (x, x.exp(), x.exp().detach()), x, use_reentrant=False)
        return lib.autograd.grad(a.sum() + b.sum(), x), c

    assert program(wengert)[2] is None
    np.testing.assert_allclose(program(wengert)[0].numpy(), np.exp(leaf(wengert, 3).detach().numpy()))
    same(alias)


def test_in_place_inside_and_on_arguments():
    def program(lib):
        x = leaf(lib, 3)

        def stretch(y):
            z = y * 2
            z[0] = 5.0
            z.mul_(z.exp())
            return z

        return lib.autograd.grad(peer(lib).checkpoint(stretch, x, use_reentrant=False).sum(), x)

    same(program)
    x = leaf(wengert, 3)
    y = x * 1

    def stretch(y):
        y.mul_(3)
        return y.sin()

    z = checkpoint(stretch, y, use_reentrant=False)
    found = wengert.autograd.grad(z.sum() + y.sum(), x)[0]
    np.testing.assert_allclose(found.numpy(), 3 * np.cos(3 * x.detach().numpy()) + 3)


def test_hooks_inside_a_stretch_are_called():
    def program(lib):
        seen = []
        x = leaf(lib, 3)

        def stretch(x):
            y = x.exp()
            if y.requires_grad:
                y.register_hook(lambda g: seen.append(g.clone()) or g * 2)
            return y.sin()

        peer(lib).checkpoint(stretch, x, use_reentrant=False).sum().backward()
        return seen, x.grad

    same(program)


def test_functions_with_derivatives_of_their_own_inside():
    class Square(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

        @staticmethod
        def jvp(ctx, x_dot):
            return x_dot * 2 * ctx.saved_tensors[0]

    x = leaf(wengert, 3)
    for _ in range(2):
        x.grad = None
        checkpoint(lambda x: Square.apply(x.exp()).sin(), x, use_reentrant=False).sum().backward()
    wanted = wengert.autograd.grad((x.exp() ** 2).sin().sum(), x)[0]
    np.testing.assert_allclose(x.grad.numpy(), wanted.numpy())
    mapped = vmap(grad(lambda x: checkpoint(lambda x: Square.apply(x.exp()).sin(), x).sum()))(x.detach())
    np.testing.assert_allclose(mapped.numpy(), wanted.numpy())


def test_transformations():
    x, w = leaf(wengert, 3).detach(), leaf(wengert, 3, seed=1)

    def plain(x):
        return ((x * w).sin() * x.exp()).sum()

    def saved(x):
        return checkpoint(lambda x: (x * w).sin() * x.exp(), x, use_reentrant=False).sum()

    for transformed in (
        lambda f: grad(f)(x),
        lambda f: hessian(f)(x),
        lambda f: jvp(f, (x,), (x,))[1],
        lambda f: jvp(grad(f), (x,), (x,))[1],
        lambda f: vmap(f)(x.expand(2, 3)),
        lambda f: vmap(grad(f))(wengert.stack([x, x * 2])),
        lambda f: grad(lambda x: vmap(f)(x.expand(2, 3)).sum())(x),
        lambda f: grad(lambda x: jvp(f, (x,), (x * 2,))[1])(x),
    ):
        np.testing.assert_allclose(transformed(saved).detach().numpy(), transformed(plain).detach().numpy(), rtol=1e-10)


def test_derivatives_taken_inside():
    def program(lib):
        x, w = leaf(lib, 3), leaf(lib, 3, seed=1)

        def forces(x):
            energy = ((x * w) ** 3).sum()
            return lib.autograd.grad(energy, x, create_graph=True)[0]

        f = peer(lib).checkpoint(forces, x, use_reentrant=False)
        (f**2).sum().backward()
        return f, x.grad, w.grad

    same(program)


@BOTH_WAYS
def test_without_gradients_nothing_happens(reentrant):
    def program(lib):
        x = leaf(lib, 3)
        with lib.no_grad():
            y = peer(lib).checkpoint(lambda x: x.exp(), x, use_reentrant=reentrant)
        return y, peer(lib).checkpoint(lambda x: x.exp(), x.detach(), use_reentrant=reentrant)

    same(program)


def test_a_released_checkpoint():
    def program(lib):
        y = peer(lib).checkpoint(lambda x: x.exp().sin(), leaf(lib, 3), use_reentrant=False).sum()
        y.backward()
        y.backward()

    def kept(lib):
        x = leaf(lib, 3)
        y = peer(lib).checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False).sum()
        y.backward(retain_graph=True)
        y.backward()
        return x.grad

    same_error(program)
    same(kept)


def test_release_lets_go_of_the_inputs():
    x = leaf(wengert, 3)
    middle = x * 2
    y = checkpoint(lambda x: x.exp(), middle, use_reentrant=False).sum()
    y.item()
    seen = weakref.ref(middle._node)
    y.backward()
    x.grad.tolist()
    del middle
    assert seen() is None


def test_overwritten_inputs_are_an_error():
    x = leaf(wengert, 3) * 1
    y = checkpoint(lambda x: x.exp(), x, use_reentrant=False)
    x.add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        y.sum().backward()


def test_context_fn_is_entered_for_the_forward_run():
    entered = []

    class Note:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *exception):
            entered.append(f"end of {self.name}")

    x = leaf(wengert, 3)
    checkpoint(lambda x: x.exp(), x, use_reentrant=False, context_fn=lambda: (Note("first"), Note("second")))
    assert entered == ["first", "end of first"]


def test_sequences():
    def program(lib):
        lib.manual_seed(0)
        x = leaf(lib, 2, 3)
        steps = [lambda x: x.exp(), lambda x: x.sin(), lambda x: x * 2, lambda x: x.cos(), lambda x: x + 1]
        outs = []
        for segments in (1, 2, 3, 5):
            y = peer(lib).checkpoint_sequential(steps, segments, x, use_reentrant=False)
            outs.append((y, lib.autograd.grad(y.sum(), x)))
        return outs

    same(program)
    layers = wengert.nn.Sequential(wengert.nn.Linear(3, 3), wengert.nn.ReLU(), wengert.nn.Linear(3, 1))
    x = wengert.randn(4, 3)
    checkpoint_sequential(layers, 2, x, use_reentrant=False).sum().backward()
    found = [p.grad.numpy().copy() for p in layers.parameters()]
    layers.zero_grad()
    layers(x).sum().backward()
    for ours, p in zip(found, layers.parameters()):
        np.testing.assert_allclose(ours, p.grad.numpy(), rtol=1e-5)


def test_errors():
    same_error(lambda lib: peer(lib).checkpoint(3, leaf(lib, 2), use_reentrant=False), "callable")
    same_error(lambda lib: peer(lib).checkpoint(lambda x: x, leaf(lib, 2), use_reentrant=True, foo=3), "foo")
    same_error(lambda lib: peer(lib).checkpoint_sequential([abs], 1, leaf(lib, 2), use_reentrant=True, foo=3), "foo")
    with pytest.raises(ValueError, match="determinism"):
        checkpoint(abs, 3, determinism_check="sometimes")
    with pytest.raises(ValueError, match="segments"):
        checkpoint_sequential([abs], 2, 3)
    with pytest.raises(ZeroDivisionError):
        checkpoint(lambda x: 1 / 0, leaf(wengert, 2))
    assert recorder.retain == 0 and recorder.written is None
