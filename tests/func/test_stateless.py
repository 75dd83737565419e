"""functional_call and stack_module_state."""

import pytest

import wengert
from tests.autograd.both import same, same_error
from wengert.func import functional_call, grad, replace_all_batch_norm_modules_, stack_module_state, vmap


def network(lib, seed=0):
    lib.manual_seed(seed)
    net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2)).double()
    with lib.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_((lib.arange(p.numel(), dtype=lib.float64).reshape(p.shape) + i + seed).sin())
    return net


def test_parameters_are_replaced_for_one_call():
    def program(lib):
        net = network(lib)
        x = lib.ones(2, 3, dtype=lib.float64)
        doubled = {name: p.detach() * 2 for name, p in net.named_parameters()}
        before = net(x)
        called = lib.func.functional_call(net, doubled, (x,))
        single = lib.func.functional_call(net, doubled, x)
        partly = lib.func.functional_call(net, [{"0.bias": doubled["0.bias"]}, {"2.bias": doubled["2.bias"]}], (x,))
        return before, called, single, partly, net(x), net[0].weight

    same(program)


def test_gradients_by_name():
    def program(lib):
        net = network(lib)
        x = lib.ones(5, 3, dtype=lib.float64)
        params = {name: p.detach() for name, p in net.named_parameters()}

        def loss(params, x):
            return (lib.func.functional_call(net, params, (x,)) ** 2).sum()

        per_sample = lib.func.vmap(lib.func.grad(loss), in_dims=(None, 0))(params, x)
        return lib.func.grad(loss)(params, x), per_sample, lib.func.jacrev(loss)(params, x)

    same(program)


def test_ensembles():
    def program(lib):
        nets = [network(lib, seed) for seed in range(3)]
        params, buffers = lib.func.stack_module_state(nets)
        x = lib.ones(2, 3, dtype=lib.float64)
        out = lib.func.vmap(lambda p, b: lib.func.functional_call(nets[0], (p, b), (x,)))(params, buffers)
        return params, buffers, out, all(p.is_leaf for p in params.values())

    same(program)


def test_buffers_that_a_module_changes():
    def program(lib):
        norm = lib.nn.BatchNorm1d(3).double()
        state = {**dict(norm.named_parameters()), **{k: v.clone() for k, v in norm.named_buffers()}}
        x = lib.arange(12, dtype=lib.float64).reshape(4, 3)
        y = lib.func.functional_call(norm, state, (x,))
        return y, norm.running_mean, state["running_mean"], state["num_batches_tracked"]

    same(program)


def test_what_a_module_assigns_goes_into_the_dict():
    class Counter(wengert.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", wengert.zeros(()))

        def forward(self, x):
            self.count = self.count + 1
            return x * self.count

    module, state = Counter(), {"count": wengert.ones(())}
    assert functional_call(module, state, (wengert.ones(2),)).tolist() == [2.0, 2.0]
    assert state["count"].item() == 2.0 and module.count.item() == 0.0


def test_tied_weights():
    class Tied(wengert.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = wengert.nn.Linear(3, 3, bias=False)
            self.b = wengert.nn.Linear(3, 3, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    module, x = Tied(), wengert.ones(3)
    w = {"a.weight": wengert.eye(3) * 2}
    assert functional_call(module, w, (x,)).tolist() == [4.0] * 3
    loose = functional_call(module, w, (x,), tie_weights=False)
    assert loose.tolist() == pytest.approx((module.b.weight @ (x * 2)).tolist())
    with pytest.raises(ValueError, match="tied"):
        functional_call(module, {"a.weight": wengert.eye(3), "b.weight": wengert.eye(3)}, (x,))
    gradient = grad(lambda w: functional_call(module, {"b.weight": w}, (x,)).sum())(wengert.eye(3))
    assert gradient.sum().item() == pytest.approx(18.0)


def test_a_failing_call_restores_the_module():
    net = network(wengert)
    weight = net[0].weight
    with pytest.raises(RuntimeError):
        functional_call(net, {"0.weight": wengert.ones(7, 7)}, (wengert.ones(3),))
    assert net[0].weight is weight


def test_errors():
    def one(lib, given, **options):
        return lib.func.functional_call(network(lib), given(lib), (lib.ones(3, dtype=lib.float64),), **options)

    same(lambda lib: one(lib, lambda lib: {"nothing": lib.ones(2)}))
    same_error(lambda lib: one(lib, lambda lib: {"0.bias": lib.ones(4)}, strict=True), "missing")
    same_error(lambda lib: one(lib, lambda lib: [{"0.bias": lib.ones(4)}] * 2), "0.bias")
    same_error(lambda lib: one(lib, lambda lib: 3), "int")
    same_error(lambda lib: lib.func.stack_module_state([]), "at least one")
    same_error(lambda lib: lib.func.stack_module_state([lib.nn.Linear(1, 1), lib.nn.Linear(1, 1).eval()]), "mode")
    same_error(lambda lib: lib.func.stack_module_state([lib.nn.Linear(1, 1), lib.nn.ReLU()]), "class")


def test_vmap_over_stacked_state_trains():
    nets = [network(wengert, seed) for seed in range(3)]
    params, _ = stack_module_state(nets)
    x = wengert.ones(2, 3, dtype=wengert.float64)
    vmap(lambda p: functional_call(nets[0], p, (x,)))(params).pow(2).sum().backward()
    for i, net in enumerate(nets):
        net(x).pow(2).sum().backward()
        for name, p in net.named_parameters():
            assert wengert.allclose(params[name].grad[i], p.grad)


def test_batch_norm_without_running_statistics():
    net = wengert.nn.Sequential(wengert.nn.BatchNorm1d(3), wengert.nn.Linear(3, 2))
    x = wengert.randn(5, 4, 3)
    with pytest.raises(RuntimeError, match="from outside"):
        vmap(net)(x)
    replace_all_batch_norm_modules_(net)
    found = vmap(net)(x)
    assert wengert.allclose(found[1], net(x[1]), atol=1e-6) and net[0].running_mean is None
