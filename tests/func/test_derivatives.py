"""grad, vjp, jvp, linearize, Jacobians and their nesting, against torch.func."""

import gc
import itertools

import numpy as np
import pytest

import wengert
from tests.autograd.both import leaf, same, same_error
from tests.objects import live
from wengert.func import grad, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap
from wengert.graph.node import Node
from wengert.graph.record import recorder


def data(lib, *shape, seed=0):
    return leaf(lib, *shape, seed=seed).detach()


def call(name, *args, **options):
    """A program that calls one of func's transformations on a function and then on data of some shapes."""

    def program(lib):
        func, *shapes = args
        return getattr(lib.func, name)(func, **options)(*[data(lib, *s, seed=i) for i, s in enumerate(shapes)])

    return program


# --- grad ------------------------------------------------------------------------------------------------------------


def test_grad():
    same(call("grad", lambda x: (x.sin() * x).sum(), (3,)))
    same(call("grad", lambda x, y: (x * y**2).sum(), (3,), (3,), argnums=1))
    same(call("grad", lambda x, y: (x * y**2).sum(), (3,), (3,), argnums=(1, 0)))
    same(call("grad", lambda x, y: (x * y**2).sum(), (3,), (3,), argnums=(-1,)))
    same(call("grad", lambda x, y: x.sum(), (3,), (2,), argnums=(0, 1)))
    same(call("grad", lambda x: (x.sum(), x * 2), (3,), has_aux=True))
    same(call("grad_and_value", lambda x: (x.exp()).sum(), (3,)))
    same(call("grad_and_value", lambda x: (x.exp().sum(), {"a": x}), (3,), has_aux=True))
    same(call("grad", lambda x: x.new_ones(()), (3,)))
    same(lambda lib: lib.func.grad(lambda x, k, *, p: (x**p).sum() * k)(data(lib, 3), 2.0, p=3))


def test_grad_of_structures():
    def program(lib):
        def f(d, pair):
            return (d["a"] * d["b"][0] + pair[0].sum() * pair[1]).sum()

        d = {"a": data(lib, 3), "b": [data(lib, 3, seed=1)]}
        pair = (data(lib, 2), data(lib, 3, seed=2))
        return lib.func.grad(f)(d, pair), lib.func.grad(f, argnums=(0, 1))(d, pair)

    same(program)


def test_results_are_untracked_unless_the_outside_is_tracked():
    def program(lib):
        x, p = data(lib, 3), leaf(lib, 3, seed=1)
        g = lib.func.grad
        inside = g(lambda x: (x**3).sum())(x)
        through_closure = g(lambda x: (p * x**3).sum())(x)
        through_argument = g(lambda x: (x**3).sum())(p)
        partly = g(lambda x, y: (x.sin() + p * y).sum(), argnums=(0, 1))(x, x)
        with lib.no_grad():
            never = g(lambda x: (p * x**3).sum())(x)
        values = lib.func.grad_and_value(lambda x: (x**2).sum())(x)
        out, f_vjp = lib.func.vjp(lambda x: x * p, x)
        plain, plain_vjp = lib.func.vjp(lambda x: x.exp(), x)
        later = plain_vjp(p)
        pushed = [*lib.func.jvp(lambda x: x.exp(), (x,), (x,)), *lib.func.jvp(lambda x: x.exp(), (x,), (p,))]
        pulled = [*f_vjp(x), *plain_vjp(x), *later]
        return inside, through_closure, through_argument, partly, never, values, out, plain, pulled, pushed

    same(program)


def test_derivatives_go_on_to_the_outside():
    def program(lib):
        x, p = data(lib, 3), leaf(lib, 3, seed=1)
        first = lib.func.grad(lambda x: (p * x**3).sum())(x)
        second = lib.func.grad(lambda x: (x**3).sum())(p)
        return lib.autograd.grad(first.sum(), p), lib.autograd.grad(second.sum(), p)

    same(program)


def test_no_grad_inside_is_respected():
    def program(lib):
        def f(x):
            with lib.no_grad():
                c = x**2
            return (x - c).sum()

        x = data(lib, 3)
        with lib.no_grad():
            outside = lib.func.grad(lambda x: (x**2).sum())(x)
        return (
            lib.func.grad(f)(x),
            lib.func.jvp(f, (x,), (x,)),
            lib.func.grad(lambda x: lib.func.vmap(f)(x).sum())(x),
            lib.func.vmap(lib.func.grad(f))(x),
            outside,
        )

    same(program)


def test_python_control_flow_on_values():
    def program(lib):
        def f(x):
            return (x.sin() if x.sum().item() > 100 else x**3).sum()

        x = data(lib, 3)
        return lib.func.grad(f)(x), lib.func.jvp(f, (x,), (x,)), lib.func.hessian(f)(x), lib.func.grad(lambda x: f(x) * f(x))(x)

    ours = program(wengert)
    x = data(wengert, 3).numpy()
    np.testing.assert_allclose(ours[0].numpy(), 3 * x**2)
    np.testing.assert_allclose(ours[2].numpy(), np.diag(6 * x))


def test_grad_errors():
    same_error(call("grad", lambda x: x * 2, (3,)), "scalar", "1 dims")
    same_error(call("grad", lambda x: 3.0, (3,)), "float")
    same_error(call("grad", lambda x: x.sum(), (3,), argnums=2), "argnum=2", "1 positional")
    same_error(call("grad", lambda x: x.sum(), (3,), argnums="a"), "str")
    same_error(call("grad", lambda x: x.sum(), (3,), has_aux=True), "has_aux")
    same_error(lambda lib: lib.func.grad(lambda x: x.sum())(lib.arange(3)), "floating point")
    same_error(lambda lib: lib.func.grad(lambda x: x**2)(3.0), "float")
    same_error(call("grad", lambda x: x.add_(1).sum(), (3,)), "leaf")
    with pytest.raises(RuntimeError, match="unique"):
        grad(lambda x: x.sum(), argnums=(0, -1))(wengert.ones(2))
    with pytest.raises(RuntimeError, match="real scalar"):
        grad(lambda x: x.sum())(wengert.ones(2, dtype=wengert.complex64))


def test_in_place_on_values_of_the_function_is_fine():
    def program(lib):
        def f(x):
            y = x * 2
            y[0].mul_(3)
            y.add_(x)
            return (y**2).sum()

        x = data(lib, 3)
        mapped = lib.func.vmap(lib.func.grad(f))(data(lib, 2, 3))
        return lib.func.grad(f)(x), lib.func.hessian(f)(x), lib.func.jvp(f, (x,), (x,)), mapped

    same(program)


def test_in_place_on_arguments():
    def program(lib):
        x, y = data(lib, 3), data(lib, 3)

        def f(x):
            return (x.add_(1) ** 2).sum()

        def g(x):
            with lib.no_grad():
                x.mul_(2)
            return (x * x).sum()

        return lib.func.jvp(f, (x,), (data(lib, 3, seed=1),)), x, lib.func.grad(g)(y)

    same(program)


# --- vjp, jvp, linearize ---------------------------------------------------------------------------------------------


def test_vjp():
    def program(lib):
        x, y = data(lib, 3), data(lib, 3, seed=1)
        out, pull = lib.func.vjp(lambda x: x**2, x)
        both, pull_both = lib.func.vjp(lambda x, y: (x * y, {"s": x.sum()}), x, y)
        _, constant, aux = lib.func.vjp(lambda x: (x.new_ones(2), x * 5), x, has_aux=True)
        twice = [pull(y), pull(x)]
        return out, twice, both, pull_both((y, {"s": x.sum()})), constant(x[:2]), aux

    same(program)


def test_vjp_errors():
    same_error(lambda lib: lib.func.vjp(lambda x: x, data(lib, 3))[1](data(lib, 2)), "Mismatch in shape")
    same_error(lambda lib: lib.func.vjp(lambda x: (x, x), data(lib, 3))[1](data(lib, 3)), "structure")
    same_error(lambda lib: lib.func.vjp(lambda x: 1, data(lib, 3)), "int")
    same_error(lambda lib: lib.func.vjp(lambda x: x, 1.0), "float")


def test_vjp_of_its_own_argument():
    def program(lib):
        x = data(lib, 3)
        _, pull = lib.func.vjp(lambda x: x**3, x)
        return lib.func.grad(lambda c: (pull(c)[0] ** 2).sum())(x), lib.func.vmap(pull)(lib.eye(3, dtype=lib.float64))

    same(program)


def test_jvp():
    def program(lib):
        x, v = data(lib, 3), data(lib, 3, seed=1)
        f = lib.func.jvp
        return (
            f(lambda x: x.sin(), (x,), (v,)),
            f(lambda x, y: (x * y, [x.sum()]), (x, v), (v, x)),
            f(lambda x: x.new_ones(2), (x,), (v,)),
            f(lambda x: (x * 2, x + 1), (x,), (v,), has_aux=True),
            f(lambda d: d["a"] ** 2, ({"a": x},), ({"a": v},)),
            f(lambda x: f(lambda y: (y * x).sin(), (x,), (v,))[1], (x,), (v,)),
        )

    same(program)


def test_jvp_errors():
    same_error(lambda lib: lib.func.jvp(lambda x: x, (data(lib, 3),), (data(lib, 2),)), "size")
    same_error(lambda lib: lib.func.jvp(lambda x: x, data(lib, 3), data(lib, 3)), "tuple")
    same_error(lambda lib: lib.func.jvp(lambda x: x, (data(lib, 3),), ()), "structure")
    same_error(lambda lib: lib.func.jvp(lambda x: 1, (data(lib, 3),), (data(lib, 3),)), "int")
    same_error(lambda lib: lib.func.jvp(lambda x: x.new_ones(2), (data(lib, 3),), (data(lib, 3),), strict=True), "independent")


def test_perturbations_are_not_confused():
    def program(lib):
        x = data(lib, 1)[0]
        d = lib.func.grad
        return d(lambda x: x * d(lambda y: x + y)(x))(x), d(lambda x: d(lambda y: x * y**2)(x * 2))(x)

    same(program)


def test_linearize():
    calls = []

    def f(x, y):
        calls.append(1)
        return x.sin() * y, [x.sum(), y.new_ones(2)]

    x, y, v = data(wengert, 3), data(wengert, 3, seed=1), data(wengert, 3, seed=2)
    out, push = linearize(f, x, y)
    assert len(calls) == 1
    for a, b in ((v, x), (x, v)):
        wanted = jvp(f, (x, y), (a, b))
        found = push(a, b)
        np.testing.assert_allclose(found[0].numpy(), wanted[1][0].numpy())
        np.testing.assert_allclose(found[1][0].numpy(), wanted[1][1][0].numpy())
        assert found[1][1].tolist() == [0.0, 0.0] and not found[0].requires_grad
    np.testing.assert_allclose(out[0].numpy(), (x.sin() * y).numpy())
    assert len(calls) == 3
    columns = vmap(lambda v: push(v, v * 0)[0])(wengert.eye(3, dtype=wengert.float64))
    np.testing.assert_allclose(columns.numpy(), np.diag((x.cos() * y).numpy()))
    with pytest.raises(RuntimeError, match="structure"):
        push(v)


# --- Jacobians -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
def test_jacobians(name):
    same(call(name, lambda x: x.exp(), (3,)))
    same(call(name, lambda x: x.sum(), (2, 3)))
    same(call(name, lambda x, y: (x * y, x.sum()), (3,), (3,), argnums=(0, 1)))
    same(call(name, lambda x, y: {"a": x @ y, "b": [y.sum()]}, (2, 3), (3, 2), argnums=1))
    same(call(name, lambda x: (x * 2, {"n": x}), (3,), has_aux=True))
    same(call(name, lambda x: x.new_ones(2), (3,)))
    same(lambda lib: getattr(lib.func, name)(lambda d: d["a"] * d["b"].sum())({"a": data(lib, 2), "b": data(lib, 3)}))


def test_jacobians_in_chunks():
    same(call("jacrev", lambda x: x.exp() * x.sum(), (5,), chunk_size=2))
    same_error(call("jacrev", lambda x: x, (5,), chunk_size=0), "chunk_size")


def test_empty_jacobians():
    for transform in (jacrev, jacfwd):
        assert tuple(transform(lambda x: x[:0] * 2)(wengert.ones(3)).shape) == (0, 3)
        assert tuple(transform(lambda x: x.sum())(wengert.ones(0)).shape) == (0,)
        assert tuple(transform(lambda x: x * 2)(wengert.ones(0, 2)).shape) == (0, 2, 0, 2)


def test_hessians():
    same(call("hessian", lambda x: (x**3).sum() * x[0], (4,)))
    same(call("hessian", lambda x, y: (x.sin() * y).sum() ** 2, (3,), (3,), argnums=(0, 1)))
    same(call("hessian", lambda x: (x @ x.t()).tanh().sum(), (2, 3)))


def test_a_function_runs_once_in_a_jacobian():
    calls = []

    def f(x):
        calls.append(1)
        return (x**3).sum()

    for transform in (jacrev, jacfwd, hessian, lambda f: jacrev(jacrev(f)), lambda f: hessian(lambda x: hessian(f)(x).sum())):
        calls.clear()
        transform(f)(data(wengert, 3))
        assert len(calls) == 1


def test_a_hessian_of_a_network_is_a_moderate_graph():
    w = [data(wengert, 20, 20, seed=i) for i in range(6)]

    def f(x):
        for matrix in w:
            x = (x @ matrix).tanh()
        return (x**2).sum()

    x = data(wengert, 20)
    hessian(f)(x).tolist()
    before = next_serial_number()
    found = hessian(f)(x)
    assert next_serial_number() - before < 2000
    reference = np.array([[0.0] * 20] * 20)
    gradient = grad(f)
    for i, unit in enumerate(np.eye(20)):
        v = wengert.tensor(unit * 1e-5)
        reference[i] = (gradient(x + v) - gradient(x - v)).numpy() / 2e-5
    np.testing.assert_allclose(found.numpy(), reference, rtol=1e-5, atol=1e-5)


def next_serial_number():
    return wengert.ones(1)._node.serial


# --- nesting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", list(itertools.product(["grad", "jvp", "vmap"], repeat=3)), ids="-".join)
def test_three_transformations_in_any_order(names):
    """Each maps functions of vectors to functions of vectors."""

    def program(lib):
        def apply(name, f):
            if name == "grad":
                return lib.func.grad(lambda x: f(x).sum())
            if name == "jvp":
                return lambda x: lib.func.jvp(f, (x,), (x.cos(),))[1]
            return lambda x: lib.func.vmap(f)(lib.stack([x, x * 2, x.sin()])).sum(0)

        def f(x):
            return (x * x.sin()).cumsum(-1) * x.exp()

        for name in names:
            f = apply(name, f)
        return f(data(lib, 3)), f(data(lib, 2, 3))

    same(program, rtol=1e-8)


def test_per_sample_gradients_of_a_network():
    def program(lib):
        w1, w2 = data(lib, 4, 5), data(lib, 5, 3, seed=1)
        x, y = data(lib, 6, 4, seed=2), lib.tensor([0, 1, 2, 0, 1, 2])

        def loss(params, x, y):
            out = (x @ params[0]).tanh() @ params[1]
            return -out.log_softmax(-1).gather(0, y.reshape(1)).sum()

        def batch_loss(params):
            return lib.func.vmap(loss, in_dims=(None, 0, 0))(params, x, y).mean()

        per_sample = lib.func.vmap(lib.func.grad(loss), in_dims=(None, 0, 0))((w1, w2), x, y)
        return per_sample, lib.func.grad(batch_loss)((w1, w2))

    same(program)


def test_nothing_stays_after_a_transformation():
    x = data(wengert, 3)

    def f(x):
        for _ in range(30):
            x = x.sin()
            x.sum().item()  # runs, in the middle
        return (x**2).sum()

    for transform in (lambda: grad(f)(x), lambda: jvp(f, (x,), (x,)), lambda: hessian(f)(x), lambda: vjp(f, x)[0]):
        transform()
        gc.collect()
        before = sum(type(thing) is Node for thing in live())
        for _ in range(3):
            transform()
        gc.collect()
        wengert.ones(1).tolist()
        after = sum(type(thing) is Node for thing in live())
        assert after <= before + 5
        kept = transform()
        for y in kept if isinstance(kept, tuple) else (kept,):
            y.tolist()
            assert y._node.inputs == ()
    assert recorder.retain == 0 and not recorder.uncut


def test_state_is_restored_when_the_function_raises():
    def broken(x):
        raise KeyError("mine")

    tape = recorder.tape
    for transform in (grad(broken), jacrev(broken), jacfwd(broken), vmap(broken), lambda x: jvp(broken, (x,), (x,))):
        with pytest.raises(KeyError, match="mine"):
            transform(wengert.ones(2))
    assert recorder.retain == 0 and recorder.tracking and recorder.tape is tape and recorder.written is None
