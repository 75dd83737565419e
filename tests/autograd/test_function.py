"""Functions with derivatives that the user writes."""

import gc
import weakref

import numpy as np
import pytest

import wengert
from tests.autograd.both import leaf, same, same_error
from wengert.autograd import Function, gradcheck, gradgradcheck
from wengert.autograd.function import once_differentiable
from wengert.func import grad, hessian, jvp, vjp, vmap


def function(lib, forward, backward=None, **more):
    """A Function class of either library from plain functions."""
    body = {"forward": staticmethod(forward)}
    if backward is not None:
        body["backward"] = staticmethod(backward)
    body.update({name: staticmethod(value) if callable(value) else value for name, value in more.items()})
    return type("Mine", (lib.autograd.Function,), body)


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 2 * x

    @staticmethod
    def jvp(ctx, x_dot):
        (x,) = ctx.saved_tensors
        return x_dot * 2 * x


class SinCos(Function):
    """Two outputs, the new calling style, outputs saved."""

    @staticmethod
    def forward(x, factor):
        return (x * factor).sin(), (x * factor).cos()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]
        ctx.save_for_backward(*output)
        ctx.save_for_forward(*output)

    @staticmethod
    def backward(ctx, sin_bar, cos_bar):
        sin, cos = ctx.saved_tensors
        return (sin_bar * cos - cos_bar * sin) * ctx.factor, None

    @staticmethod
    def jvp(ctx, x_dot, factor_dot):
        assert factor_dot is None
        sin, cos = ctx.saved_tensors
        return x_dot * cos * ctx.factor, -x_dot * sin * ctx.factor


# --- values and gradients --------------------------------------------------------------------------------------------


def test_both_calling_styles():
    def program(lib):
        x = leaf(lib, 3)
        old = function(
            lib,
            lambda ctx, a, k: (ctx.save_for_backward(a), setattr(ctx, "k", k), a**k)[-1],
            lambda ctx, g: (g * ctx.k * ctx.saved_tensors[0] ** (ctx.k - 1), None),
        )
        new = function(
            lib,
            lambda a, k: a**k,
            lambda ctx, g: (g * ctx.k * ctx.saved_tensors[0] ** (ctx.k - 1), None),
            setup_context=lambda ctx, inputs, output: (ctx.save_for_backward(inputs[0]), setattr(ctx, "k", inputs[1]))[0],
        )
        return [lib.autograd.grad(f.apply(x, 3).sum(), x) for f in (old, new)], old.apply(x, 2)

    same(program)


def test_vjp_is_another_name_for_backward():
    def program(lib):
        x = leaf(lib, 3)
        return lib.autograd.grad(function(lib, lambda ctx, a: a * 2, vjp=lambda ctx, g: g * 9).apply(x).sum(), x)

    same(program)


def test_keyword_arguments_are_put_in_place():
    f = function(wengert, lambda ctx, a, b=2.0: a * b, lambda ctx, g: (g * 2, None))
    x = leaf(wengert, 3)
    assert f.apply(a=x).tolist() == (x * 2).tolist()
    assert f.apply(x, b=3.0).tolist() == (x * 3).tolist()
    with pytest.raises(TypeError, match="c"):
        f.apply(x, c=1)


def test_first_and_second_derivatives_in_both_modes():
    x = leaf(wengert, 4)
    assert gradcheck(Square.apply, x, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(Square.apply, x, check_fwd_over_rev=True)
    assert gradcheck(lambda x: SinCos.apply(x, 1.5), x, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(lambda x: SinCos.apply(x, 1.5), x, check_fwd_over_rev=True)


def test_backward_is_called_once_for_several_outputs():
    calls = []
    f = function(wengert, lambda ctx, a: (a * 2, a * 3), lambda ctx, g, h: (calls.append((g, h)), g * 2 + h * 3)[1])
    x = leaf(wengert, 3)
    y, z = f.apply(x)
    (y * z).sum().backward()
    assert len(calls) == 1
    np.testing.assert_allclose(x.grad.numpy(), 12 * x.detach().numpy())


@pytest.mark.parametrize("materialize", [True, False])
def test_outputs_without_a_gradient(materialize):
    def program(lib):
        seen = []

        def forward(ctx, a):
            ctx.set_materialize_grads(materialize)
            return a * 2, a * 3

        def backward(ctx, g, h):
            seen.append((g, h))
            return g

        x = leaf(lib, 3)
        f = function(lib, forward, backward)
        return lib.autograd.grad(f.apply(x)[0].sum(), x), seen

    same(program)


def test_needs_input_grad_and_missing_gradients():
    def program(lib):
        seen = []
        x, w = leaf(lib, 3), leaf(lib, 3, seed=1)
        backward = lambda ctx, g: (seen.append(ctx.needs_input_grad), (g, None, None))[1]
        f = function(lib, lambda ctx, a, b, c: a * b * c, backward)
        found = lib.autograd.grad(f.apply(x, w.detach(), 2.0).sum(), x)
        f.apply(x, w, 2.0).sum().backward()
        return found, x.grad, w.grad, seen

    same(program)


def test_non_differentiable_and_integer_outputs():
    def program(lib):
        seen = []

        def forward(ctx, a):
            rounded, index = a.round(), a.argmax()
            ctx.mark_non_differentiable(rounded)
            return a * 2, rounded, index

        f = function(lib, forward, lambda ctx, g, h, i: (seen.append((g, h)), g * 2)[1])
        x = leaf(lib, 3)
        y, rounded, index = f.apply(x)
        return lib.autograd.grad(y.sum(), x), rounded, index, seen

    same(program)


def test_outputs_that_are_no_tensors():
    def program(lib):
        x = leaf(lib, 3)
        f = function(lib, lambda ctx, a: (a * 2, "word", None), lambda ctx, g, w, n: (w, n) == (None, None) and g * 2)
        y, word, nothing = f.apply(x)
        only = function(lib, lambda ctx, a: "word").apply(x)
        pair = function(lib, lambda ctx, a: [a * 2]).apply(x)
        one = function(lib, lambda ctx, a: (a * 2,), lambda ctx, g: g).apply(x)
        return lib.autograd.grad(y.sum(), x), word, nothing, only, pair, one

    same(program)


def test_an_input_returned_as_it_is():
    def program(lib):
        x, u = leaf(lib, 3), lib.ones(3)
        f = function(lib, lambda ctx, a: a, lambda ctx, g: g * 5)
        return f.apply(x) is x, f.apply(u) is u, lib.autograd.grad(f.apply(x).sum(), x)

    same(program)


def test_in_place_functions():
    def program(lib):
        def forward(ctx, a):
            a.mul_(3)
            ctx.mark_dirty(a)
            return a

        f = function(lib, forward, lambda ctx, g: g * 3)
        x = leaf(lib, 3)
        y = x * 1
        z = f.apply(y)
        return z is y, y, lib.autograd.grad((z * z).sum(), x)

    def on_a_leaf(lib):
        def forward(ctx, a):
            ctx.mark_dirty(a)
            return a.add_(1)

        return function(lib, forward, lambda ctx, g: g).apply(leaf(lib, 3))

    def not_returned(lib):
        def forward(ctx, a):
            ctx.mark_dirty(a.add_(1))
            return a * 2

        return function(lib, forward, lambda ctx, g: g).apply(leaf(lib, 3) * 1)

    same(program)
    same_error(on_a_leaf, "leaf")
    same_error(not_returned, "dirty")


def test_a_gradient_is_brought_into_shape_and_dtype():
    def program(lib):
        x = lib.ones(3, dtype=lib.float32, requires_grad=True)
        wide = function(lib, lambda ctx, a: a * 2, lambda ctx, g: g.double())
        tall = function(lib, lambda ctx, a: a * 2, lambda ctx, g: g.expand(2, 3))
        more = function(lib, lambda ctx, a: a * 2, lambda ctx, g: (g, None, None))
        return [lib.autograd.grad(f.apply(x).sum(), x) for f in (wide, tall, more)]

    same(program)


def test_the_graph_holds_the_context_and_nothing_holds_both():
    x = leaf(wengert, 3)
    y = Square.apply(x)
    y.tolist()
    rule = weakref.ref(y.grad_fn._node.inputs[-1].value)
    gc.disable()
    try:
        del y
        assert rule() is None  # no cycle
    finally:
        gc.enable()


def test_executables_do_not_keep_a_context():
    x = leaf(wengert, 3)
    held = []
    for _ in range(3):
        y = Square.apply(x).sum()
        held.append(weakref.ref(y._node.inputs[0].inputs[0].inputs[-1].value))
        y.backward()
        x.grad.tolist()
    del y
    gc.collect()
    assert [reference() for reference in held] == [None] * 3


# --- saved tensors ---------------------------------------------------------------------------------------------------


def test_saved_tensors_keep_their_history():
    def program(lib):
        x = leaf(lib, 3)
        f = function(
            lib,
            lambda ctx, a: (ctx.save_for_backward(a, None, a * 2), a.exp())[-1],
            lambda ctx, g: g * ctx.saved_tensors[0].exp() if ctx.saved_tensors[1] is None else None,
        )
        (first,) = lib.autograd.grad(f.apply(x).sum(), x, create_graph=True)
        return first, lib.autograd.grad(first.sum(), x)

    same(program)


def test_a_saved_output_is_differentiated_through_the_function():
    def program(lib):
        x = leaf(lib, 3)

        def forward(ctx, a):
            y = a.exp()
            ctx.save_for_backward(y)
            return y

        f = function(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0])
        bars = []
        y = f.apply(x).sum()
        for _ in range(3):
            (y,) = lib.autograd.grad(y, x, create_graph=True)
            bars.append(y)
            y = y.sum()
        return bars

    same(program)


def test_only_tensors_can_be_saved():
    def program(lib):
        f = function(lib, lambda ctx, a: ctx.save_for_backward(a, None, "s"))
        return f.apply(leaf(lib, 3))

    same_error(program, "argument 2", "str")


def test_saved_tensors_are_released():
    def again(lib):
        x = leaf(lib, 3)
        f = function(lib, lambda ctx, a: (ctx.save_for_backward(a), a * 2)[1], lambda ctx, g: g * ctx.saved_tensors[0])
        y = f.apply(x).sum()
        y.backward()
        y.backward()

    def outside(lib):
        f = function(lib, lambda ctx, a: (ctx.save_for_backward(a), a * 2)[1], lambda ctx, g: g)
        y = f.apply(leaf(lib, 3))
        y.sum().backward()
        return y.grad_fn.saved_tensors

    def kept(lib):
        x = leaf(lib, 3)
        f = function(lib, lambda ctx, a: (ctx.save_for_backward(a), a * 2)[1], lambda ctx, g: g * ctx.saved_tensors[0])
        y = f.apply(x)
        y.sum().backward(retain_graph=True)
        before = y.grad_fn.saved_tensors
        y.sum().backward()
        return x.grad, before

    def without(lib):
        x = leaf(lib, 3)
        y = function(lib, lambda ctx, a: (setattr(ctx, "k", 2), a * 2)[1], lambda ctx, g: g * ctx.k).apply(x)
        y.sum().backward()
        y.sum().backward()
        return x.grad

    same_error(again, "second time")
    same_error(outside, "second time")
    same(kept)
    same(without)


def test_a_saved_value_that_was_overwritten():
    def of_input(lib):
        x = leaf(lib, 3) * 1
        f = function(lib, lambda ctx, a: (ctx.save_for_backward(a), a * 2)[1], lambda ctx, g: g * ctx.saved_tensors[0])
        y = f.apply(x)
        x.add_(1)
        y.sum().backward()

    def of_output(lib):
        def forward(ctx, a):
            y = a.exp()
            ctx.save_for_backward(y)
            return y

        y = function(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0]).apply(leaf(lib, 3))
        y.add_(1)
        y.sum().backward()

    same_error(of_input, "modified by an inplace operation")
    same_error(of_output, "modified by an inplace operation")


# --- errors ----------------------------------------------------------------------------------------------------------


def test_a_backward_that_returns_something_wrong():
    def case(backward, arguments=1):
        def program(lib):
            x = leaf(lib, 3)
            f = function(lib, lambda ctx, *a: a[0] * 2, backward)
            lib.autograd.grad(f.apply(*[x, 2, 3][:arguments]).sum(), x)

        return program

    same_error(case(lambda ctx, g: (g, g)), "incorrect number of gradients", "expected 1, got 2")
    same_error(case(lambda ctx, g: g, 2), "incorrect number of gradients", "expected 2, got 1")
    same_error(case(lambda ctx, g: (g, g), 2), "position 2")
    same_error(case(lambda ctx, g: "s"), "got str")
    same_error(case(lambda ctx, g: g[:2]), "invalid gradient at index 0")
    same_error(case(lambda ctx, g: g.sum()), "invalid gradient at index 0")
    same_error(case(lambda ctx, g: g * (1 + 2j)), "complex")
    same_error(case(lambda ctx, g: None), "to not have been used")
    same_error(case(lambda ctx, g: 1 / 0))


def test_missing_methods():
    def no_backward(lib):
        x = leaf(lib, 3)
        lib.autograd.grad(function(lib, lambda ctx, a: a * 2).apply(x).sum(), x)

    same_error(no_backward, "backward")
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(wengert.ones(2))
    with pytest.raises(NotImplementedError, match="jvp"):
        jvp(function(wengert, lambda ctx, a: a * 2).apply, (wengert.ones(2),), (wengert.ones(2),))


def test_instances_cannot_be_called():
    with pytest.warns(DeprecationWarning, match="apply"):
        made = Square()
    with pytest.raises(RuntimeError, match="static"):
        made(wengert.ones(2))


def test_no_grad_leaves_no_trace():
    x = leaf(wengert, 3)
    with wengert.no_grad():
        y = Square.apply(x)
    assert not y.requires_grad and y.grad_fn is None


# --- once_differentiable ---------------------------------------------------------------------------------------------


def test_once_differentiable():
    def program(lib):
        once = lib.autograd.function.once_differentiable
        f = function(lib, lambda ctx, a: a * 2, once(lambda ctx, g: g * 2))
        x = leaf(lib, 3)
        first = lib.autograd.grad(f.apply(x).sum(), x)
        bar = leaf(lib, 3, seed=1)
        (second,) = lib.autograd.grad(f.apply(x), x, bar, create_graph=True)
        return first, second

    same(program)

    def twice(lib):
        once = lib.autograd.function.once_differentiable
        f = function(lib, lambda ctx, a: a * 2, once(lambda ctx, g: g * 2))
        x, bar = leaf(lib, 3), leaf(lib, 3, seed=1)
        (g,) = lib.autograd.grad(f.apply(x), x, bar, create_graph=True)
        g.sum().backward()

    same_error(twice, "once_differentiable")


def test_once_differentiable_sees_saved_tensors_too():
    f = function(
        wengert,
        lambda ctx, a: (ctx.save_for_backward(a), a * a)[1],
        once_differentiable(lambda ctx, g: g * 2 * ctx.saved_tensors[0]),
    )
    x = leaf(wengert, 3)
    (g,) = wengert.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


# --- under transformations -------------------------------------------------------------------------------------------


def test_transformations_nest_with_functions():
    x = leaf(wengert, 3).detach()
    for f, plain in (
        (Square.apply, lambda x: x * x),
        (lambda x: SinCos.apply(x, 0.5)[0] * SinCos.apply(x, 0.5)[1], lambda x: (x * 0.5).sin() * (x * 0.5).cos()),
    ):
        for transformed in (
            lambda f: vmap(f)(x),
            lambda f: vmap(grad(f))(x),
            lambda f: grad(lambda x: vmap(f)(x).sum())(x),
            lambda f: vmap(grad(grad(f)))(x),
            lambda f: grad(lambda x: vmap(grad(f))(x).sum())(x),
            lambda f: jvp(vmap(f), (x,), (x,)),
            lambda f: vmap(lambda x: jvp(f, (x,), (x,)))(x),
            lambda f: hessian(lambda x: f(x).sum())(x),
            lambda f: jvp(grad(lambda x: f(x).sum()), (x,), (x,)),
            lambda f: vmap(vmap(grad(f)))(x.expand(2, 3)),
        ):
            ours, wanted = transformed(f), transformed(plain)
            for a, b in zip(ours, wanted) if isinstance(ours, tuple) else [(ours, wanted)]:
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10)


def test_backward_under_vmap_sees_one_element():
    shapes = []

    def backward(ctx, g):
        shapes.append(g.shape)
        x, w = ctx.saved_tensors
        return g * w, g * x

    f = function(wengert, lambda ctx, x, w: (ctx.save_for_backward(x, w), x * w)[1], backward)
    x, w = leaf(wengert, 5, 3), leaf(wengert, 3, seed=1)
    vmap(f.apply, in_dims=(0, None))(x, w).sum().backward()
    assert [tuple(s) for s in shapes] == [(3,)]
    np.testing.assert_allclose(w.grad.numpy(), x.detach().numpy().sum(0))
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(w.detach().numpy(), (5, 3)))


def test_a_functions_own_vmap():
    class Own(Function):
        @staticmethod
        def forward(x, k):
            return x * k, x.sum()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.k = inputs[1]

        @staticmethod
        def backward(ctx, g, h):
            return g * ctx.k + h, None

        @staticmethod
        def vmap(info, in_dims, x, k):
            assert info.batch_size == 4 and in_dims == (0, None) and k == 2
            called.append(tuple(x.shape))
            return (x * k, x.sum(1)), (0, 0)

    called = []
    x = leaf(wengert, 4, 3)
    y, z = vmap(lambda x: Own.apply(x, 2))(x)
    assert called == [(4, 3)]
    np.testing.assert_allclose(z.detach().numpy(), x.detach().numpy().sum(1))
    (y.sum() + z.sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.full((4, 3), 3.0))


def test_lines_of_the_users_backward_are_named():
    f = function(wengert, lambda ctx, a: a * 2, lambda ctx, g: g @ wengert.ones(7))
    with pytest.raises(RuntimeError, match=r"test_function\.py"):
        f.apply(leaf(wengert, 3)).sum().backward()


def test_a_backward_that_looks_at_values():
    """PyTorch's tutorial: a ReLU whose backward writes through a mask."""

    def program(lib):
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            bar = g.clone()
            bar[x < 0] = 0
            return bar

        f = function(lib, forward, backward)
        x, w = leaf(lib, 5), leaf(lib, 5, seed=1)
        y = f.apply(f.apply(x * w) + x)
        y.sum().backward()
        return y, x.grad, w.grad

    same(program)
    f = function(
        wengert,
        lambda ctx, x: (ctx.save_for_backward(x), wengert.tensor(np.exp(x.detach().numpy())))[1],
        lambda ctx, g: wengert.tensor(g.numpy() * np.exp(ctx.saved_tensors[0].detach().numpy())),
    )
    x = leaf(wengert, 4).detach()
    _, pull = vjp(f.apply, x)
    np.testing.assert_allclose(pull(x)[0].numpy(), (x * x.exp()).numpy())
    np.testing.assert_allclose(grad(lambda x: f.apply(x).sum())(x).numpy(), x.exp().numpy())
