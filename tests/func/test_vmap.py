"""vmap against torch.func.vmap, and against a Python loop."""

import numpy as np
import pytest

import wengert
from tests.autograd.both import leaf, same, same_error
from wengert.func import grad, vmap
from wengert.graph.record import recorder


def data(lib, *shape, seed=0):
    return leaf(lib, *shape, seed=seed).detach()


def call(func, *shapes, **options):
    def program(lib):
        return lib.func.vmap(func, **options)(*[data(lib, *s, seed=i) for i, s in enumerate(shapes)])

    return program


# --- dims ------------------------------------------------------------------------------------------------------------


def test_dimensions_in_and_out():
    same(call(lambda x: x * 2, (3,)))
    same(call(lambda x: x.sum(0), (3, 4), in_dims=1))
    same(call(lambda x, y: x @ y, (3, 2, 4), (4, 3), in_dims=(0, -1)))
    same(call(lambda x, y: x * y, (3, 2), (2,), in_dims=(0, None)))
    same(call(lambda x: x.expand(4, 2), (3, 2), out_dims=1))
    same(call(lambda x: (x, {"a": x.sum(), "b": x[0]}), (3, 2), out_dims=(-1, 0)))
    same(call(lambda x: (x, {"a": x.exp(), "b": x * 2}), (3, 2), out_dims=(0, {"a": 1, "b": 0})))
    same(call(lambda x: x.new_ones(2), (3, 2)))
    same(lambda lib: lib.func.vmap(lambda x: lib.ones(2), out_dims=None)(data(lib, 3, 2)))
    same(call(lambda x: (x, None, 3), (3,), out_dims=(0, None, None)))


def test_nested_arguments():
    def program(lib):
        d = {"a": data(lib, 3, 2), "b": [data(lib, 4, 3), data(lib, 2)]}
        v = lib.func.vmap
        return (
            v(lambda d: d["a"].sum() + d["b"][0].sum() * d["b"][1], in_dims=({"a": 0, "b": [1, None]},))(d),
            v(lambda d, k: d["a"] * k, in_dims=(0, None))({"a": data(lib, 3)}, 2.0),
            v(lambda x, k=1.0, y=None: x * k + y)(data(lib, 3), y=data(lib, 3)),
        )

    same(program)


def test_nested_maps():
    def outer(lib):
        return lib.func.vmap(lib.func.vmap(lambda x, y: x.dot(y), (None, 0)), (0, None))(data(lib, 3, 4), data(lib, 5, 4))

    same(outer)
    same(lambda lib: lib.func.vmap(lambda x: lib.func.vmap(lambda y: x * y.sum())(data(lib, 2, 3)))(data(lib, 4)))


def test_empty_batches():
    same(lambda lib: lib.func.vmap(lambda x: (x * 2).sum())(lib.ones(0, 3)))
    same(lambda lib: lib.func.vmap(lambda x: x.sort(-1)[0].cumsum(0))(lib.ones(0, 3)))
    assert tuple(vmap(lambda x: x.median())(wengert.ones(0, 3)).shape) == (0,)


def test_chunks():
    same(call(lambda x: x * 2, (7, 2), chunk_size=3))
    same(call(lambda x, y: (x.sum() * y, y), (7, 2), (4,), in_dims=(0, None), out_dims=(1, 0), chunk_size=2))
    whole = vmap(lambda x, y: (x, y), in_dims=(0, None), out_dims=(0, None), chunk_size=2)  # PyTorch's raises
    assert [tuple(y.shape) for y in whole(wengert.ones(5), wengert.ones(4))] == [(5,), (4,)]
    same(call(lambda x: x.sum(), (2, 7), in_dims=1, chunk_size=100))
    same(lambda lib: lib.func.vmap(lib.func.grad(lambda x: x.exp().sum()), chunk_size=1)(data(lib, 3, 2)))
    same_error(call(lambda x: x, (3,), chunk_size=0), "chunk_size")


def test_dimension_errors():
    same_error(lambda lib: lib.func.vmap(lambda: 1)(), "no inputs")
    same_error(call(lambda x: 1, (3,)), "must only return Tensors", "int")
    same_error(lambda lib: lib.func.vmap(lambda x, y: x * y)(data(lib, 3), 2), "int", "None")
    same_error(call(lambda x, y: x, (3,), (3,), in_dims=(0,)), "structure")
    same_error(call(lambda x: x, (3,), in_dims=None), "NoneType")
    same_error(call(lambda x: x, (3,), in_dims="a"), "str")
    same_error(call(lambda x, y: x * y, (2, 3), (3, 2), in_dims=[0, 1]), "list")
    same_error(call(lambda x: x, (3,), in_dims=(None,)), "None")
    same_error(call(lambda x: x, (3,), in_dims=("a",)), "in_dim")
    same_error(call(lambda x: x, (3,), in_dims=3), "in_dim=3", "dimensionality 1")
    same_error(call(lambda x, y: x, (3,), (2,)), "same size", "[3, 2]")
    same_error(call(lambda x: x, ()), "dimensionality 0")
    same_error(call(lambda x: x, (3,), out_dims=None), "out_dim")
    same_error(call(lambda x: x, (3,), out_dims=2))
    same_error(call(lambda x: (x, x), (3,), out_dims=(0,)), "out_dims", "structure")


# --- what functions may do -------------------------------------------------------------------------------------------


def test_values_of_the_batch_cannot_be_asked_for():
    for func in (lambda x: x.item(), lambda x: x if x > 0 else -x, lambda x: float(x), lambda x: wengert.tensor(x.tolist())):
        with pytest.raises(RuntimeError, match=r"traced.*test_vmap\.py"):
            vmap(func)(wengert.ones(3))
    same_error(call(lambda x: x if x > 0 else -x, (3,)))


def test_values_that_do_not_depend_on_the_batch_can():
    w = wengert.arange(4.0)

    def f(x):
        assert (w * 2).sum().item() == 12.0
        return x * (w[1] if w.sum() > 1 else w[0])

    assert vmap(f)(wengert.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_closed_over_tensors_are_tracked():
    def program(lib):
        w, x = leaf(lib, 2), leaf(lib, 3, 2, seed=1)
        y = lib.func.vmap(lambda x: (x * w).sum())(x)
        with lib.no_grad():
            z = lib.func.vmap(lambda x: (x * w).sum())(x)
        return y, z, lib.autograd.grad(y.sum(), [w, x])

    same(program)


def test_no_grad_inside():
    def program(lib):
        def f(x):
            with lib.no_grad():
                c = x * 3
            return (x * c).sum()

        x = leaf(lib, 3, 2)
        return lib.autograd.grad(lib.func.vmap(f)(x).sum(), x)

    same(program)


def test_in_place_inside():
    def program(lib):
        def f(x):
            y = x * 2
            y[0] = 7.0
            y[1:] += x[1:]
            z = lib.zeros(3, dtype=lib.float64)
            return y.add_(1).mul_(x), z + 1

        return lib.func.vmap(f)(data(lib, 4, 3))

    same(program)


def test_in_place_on_a_mapped_argument_reaches_it():
    def program(lib):
        x = data(lib, 4, 3)
        y = lib.func.vmap(lambda x: x.mul_(2).sum(), in_dims=1)(x)
        z = lib.zeros(3, dtype=lib.float64)
        lib.func.vmap(lambda z, x: z.add_(x))(z, data(lib, 3, seed=1))
        return x, y, z

    same(program)


def test_in_place_on_a_tensor_from_outside():
    z = wengert.zeros(())
    with pytest.raises(RuntimeError, match="from outside"):
        vmap(lambda x: z.add_(x))(wengert.ones(3))
    assert z.item() == 0.0 and (z + 1).item() == 1.0
    same_error(lambda lib: (lambda z: lib.func.vmap(lambda x: z.add_(x))(lib.ones(3)))(lib.zeros(())))
    counter = wengert.zeros(())
    assert vmap(lambda x: (counter.add_(1), x)[1])(wengert.ones(3)).tolist() == [1.0, 1.0, 1.0]
    assert counter.item() == 1.0


def test_a_detached_tensor_and_views():
    same(call(lambda x: x.detach().view(-1).t().unsqueeze(0).flip(0) + x[::2].mean(), (2, 4)))


# --- randomness ------------------------------------------------------------------------------------------------------


def test_random_operations_are_an_error_by_default():
    same_error(lambda lib: lib.func.vmap(lambda x: x + lib.rand(()))(lib.ones(3)), "random")
    with pytest.raises(RuntimeError, match=r"uniform.*test_vmap\.py"):
        vmap(lambda x: x + wengert.rand(()))(wengert.ones(3))
    same_error(call(lambda x: x, (3,), randomness="foo"), "foo")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: wengert.rand(5),
        lambda: wengert.randn(5),
        lambda: wengert.randint(0, 10**9, (5,)),
        lambda: wengert.randperm(50),
        lambda: wengert.bernoulli(wengert.full((50,), 0.5)),
        lambda: wengert.zeros(5).uniform_(),
    ],
)
def test_random_numbers_are_the_same_or_different(draw):
    x = wengert.ones(3)
    same_rows = vmap(lambda x: draw() * x, randomness="same")(x)
    assert (same_rows == same_rows[0]).all()
    rows = vmap(lambda x: draw() * x, randomness="different")(x)
    assert not (rows[0] == rows[1]).all() and not (rows[1] == rows[2]).all()
    wengert.manual_seed(3)
    first = vmap(lambda x: draw() * x, randomness="different")(x)
    wengert.manual_seed(3)
    assert (vmap(lambda x: draw() * x, randomness="different")(x) == first).all()


def test_different_permutations_are_permutations():
    rows = vmap(lambda x: wengert.randperm(20), randomness="different")(wengert.ones(4))
    assert rows.sort(-1)[0].tolist() == [list(range(20))] * 4


def test_randomness_of_nested_maps():
    x = wengert.ones(3, 2)
    inner = vmap(lambda x: vmap(lambda y: wengert.rand(()), randomness="different")(x), randomness="same")(x)
    assert (inner[0] == inner[1]).all() and inner[0, 0] != inner[0, 1]
    outer = vmap(lambda x: vmap(lambda y: wengert.rand(()), randomness="same")(x), randomness="different")(x)
    assert (outer[:, 0] == outer[:, 1]).all() and outer[0, 0] != outer[1, 0]


def test_dropout_for_each_sample():
    x = wengert.ones(4, 100)
    kept = vmap(lambda x: wengert.nn.functional.dropout(x, 0.5), randomness="different")(x)
    assert (kept[0] != kept[1]).any()
    gradient = vmap(grad(lambda x: wengert.nn.functional.dropout(x, 0.5).sum()), randomness="different")(x)
    assert set(gradient.unique().tolist()) == {0.0, 2.0} and (gradient[0] != gradient[1]).any()


# --- what is mapped --------------------------------------------------------------------------------------------------

CASES = {
    "matmul": lambda x: x @ x.t(),
    "reductions": lambda x: (x.sum(), x.mean(0), x.amax(1), x.argmin(), x.prod(-1), x.std(), x.norm(), x.logsumexp(0)),
    "order": lambda x: (x.sort(-1)[0], x.argsort(0), x.topk(2)[0], x.median(), x.cummax(0)[0]),
    "shape": lambda x: (x.reshape(-1), x.flatten(), x.unsqueeze(1), x.permute(1, 0), x.expand(2, 3, 4), x.roll(1, 0)),
    "index": lambda x: (x[1], x[:, 1:3], x[[0, 2]], x[..., None], x.gather(1, x.argsort(1)), x.take_along_dim(x.argsort(0), 0)),
    "join": lambda x: (x.new_ones(2, 4).add(x[:2]), x.repeat(2, 1), x.tril(), x.diagonal()),
    "elementwise": lambda x: (x.exp(), x.sigmoid(), x.clamp(-1, 1), x.abs().sqrt(), x.round(), x > 0, x.sign(), x.pow(3)),
    "stable": lambda x: (x.softmax(-1), x.log_softmax(0), x.cumsum(1), x.var(0)),
    "masks": lambda x: (x.masked_fill(x > 0, 0.0), x.where(x < 0, x * 2), x.scatter(1, x.argsort(1), x)),
    "linalg": lambda x: (x @ x[0], x[0].dot(x[1]), x[0].outer(x[1])),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_map_is_the_loop(name):
    func = CASES[name]
    same(call(func, (5, 3, 4)))
    x = data(wengert, 5, 3, 4)
    found, rows = vmap(func)(x), [func(x[i]) for i in range(5)]
    if not isinstance(found, tuple):
        found, rows = (found,), [(row,) for row in rows]
    for k, y in enumerate(found):
        np.testing.assert_allclose(y.numpy(), np.stack([row[k].numpy() for row in rows]), rtol=1e-10)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("order",)])
def test_gradients_of_a_map_are_those_of_the_loop(name):
    func = CASES[name]

    def total(y):
        parts = y if isinstance(y, tuple) else (y,)
        return sum([(part.double() ** 2).sum() for part in parts])

    x = leaf(wengert, 5, 3, 4)
    total(vmap(func)(x)).backward()
    mapped = x.grad
    x.grad = None
    sum([total(func(x[i])) for i in range(5)]).backward()
    np.testing.assert_allclose(mapped.numpy(), x.grad.numpy(), rtol=1e-9)
    np.testing.assert_allclose(vmap(grad(lambda x: total(func(x))))(x.detach()).numpy(), x.grad.numpy(), rtol=1e-9)


def test_modules_over_a_batch():
    layer = wengert.nn.Sequential(wengert.nn.Linear(3, 4), wengert.nn.ReLU(), wengert.nn.LayerNorm(4))
    x = wengert.randn(6, 3)
    np.testing.assert_allclose(vmap(layer)(x).detach().numpy(), layer(x).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_the_outside_keeps_its_pending_work():
    x = wengert.ones(3) * 2
    pending = len(recorder.tape)
    assert pending > 0
    y = vmap(lambda a: a + x.sum())(x)
    assert len(recorder.tape) > pending
    assert y.tolist() == [8.0, 8.0, 8.0]
