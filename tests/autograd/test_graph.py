"""grad_fn and its kin."""

import gc

import pytest

import wengert
from tests.autograd.both import leaf, same, same_error


def names(function, depth=10):
    """The names along the first differentiable inputs."""
    found = []
    while function is not None and depth:
        found.append(function.name().split("::")[-1])
        nexts = [f for f, _ in function.next_functions if f is not None]
        function = nexts[0] if nexts else None
        depth -= 1
    return found


def test_names_are_pytorchs():
    def program(lib):
        x = leaf(lib, 3, 3)
        ys = [
            x * 2, x + x, x - 1, x / 2, -x, x**2, x.exp(), x.log(), x.sin(), x.tanh(), x.sigmoid(), x.relu(), x.abs(),
            x.sqrt(), x @ x, x.sum(), x.sum(0), x.reshape(9), x[0], x[1:], x.expand(2, 3, 3), x.permute(1, 0), x.clone(),
            lib.cat([x, x]), lib.where(x > 0, x, 0.0), x.cumsum(0), x.log_softmax(0), x.softmax(0), x.float(), x.flip(0),
            x.gather(0, lib.zeros(1, 1, dtype=lib.int64)), x.logsumexp(0), x.clamp(0, 1), x.index_select(0, lib.tensor([0])),
        ]  # fmt: skip
        return [y.grad_fn.name().rstrip("0123456789") for y in ys]

    ours, theirs = program(wengert), program(pytest.importorskip("torch"))
    wrong = {(a, b) for a, b in zip(ours, theirs) if a != b}
    assert wrong <= {("SquareBackward", "PowBackward"), ("CloneBackward", "FlipBackward")}


def test_the_graph_can_be_walked():
    def program(lib):
        x = leaf(lib, 3)
        y = ((x * 2).exp() + 1).sum()
        edges = (x * 2).grad_fn.next_functions
        return names(y.grad_fn), [(f is None, i) for f, i in edges], edges[0][0].variable is x

    same(program)


def test_leaves_and_untracked_tensors_have_none():
    def program(lib):
        x = leaf(lib, 3)
        with lib.no_grad():
            y = x * 2
        return x.grad_fn, lib.ones(2).grad_fn, y.grad_fn, (x * 2).detach().grad_fn, x.output_nr

    same(program)


def test_one_object_for_one_operation():
    x = leaf(wengert, 3)
    y = x.exp()
    z = y * 2
    assert y.grad_fn is y.grad_fn
    assert z.grad_fn.next_functions[0][0] is y.grad_fn
    assert x.sum().grad_fn.next_functions[0][0] is x.sum().grad_fn.next_functions[0][0]
    assert "ExpBackward0" in repr(y.grad_fn)


def test_metadata_stays_with_the_operation():
    y = leaf(wengert, 3).exp()
    y.grad_fn.metadata["name"] = 1
    gc.collect()
    assert y.grad_fn.metadata == {"name": 1}


def test_hooks_on_operations():
    def program(lib):
        seen = []
        x = leaf(lib, 3)
        y = x * x
        y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
        y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 2,))
        handle = y.grad_fn.register_hook(lambda inputs, outputs: tuple(g * 100 for g in inputs))
        y.sum().backward(retain_graph=True)
        handle.remove()
        y.sum().backward()
        return seen, x.grad

    same(program)


def test_hooks_on_leaves_of_the_graph():
    def program(lib):
        seen = []
        x = leaf(lib, 3)
        accumulate = (x * 1).grad_fn.next_functions[0][0]
        accumulate.register_prehook(lambda grads: seen.append(("before", x.grad is None)))
        accumulate.register_hook(lambda inputs, outputs: seen.append(("after", inputs, x.grad is None)))
        (x * 2).sum().backward()
        return seen, x.grad

    same(program)


def test_a_functions_node_shows_its_context():
    class Mine(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            ctx.k = k
            ctx.save_for_backward(x)
            return x * k, x + k

        @staticmethod
        def backward(ctx, g, h):
            return g * ctx.k + h, None

    x = leaf(wengert, 3)
    y, z = Mine.apply(x, 2)
    assert y.grad_fn is z.grad_fn and y.grad_fn.name() == "MineBackward"
    assert (y.output_nr, z.output_nr) == (0, 1)
    assert y.grad_fn.k == 2 and y.grad_fn.needs_input_grad == (True, False)
    assert y.grad_fn.saved_tensors[0].tolist() == x.tolist()
    assert [f is None for f, _ in y.grad_fn.next_functions] == [False]
    assert not hasattr(y.grad_fn, "nothing")
    seen = []
    y.grad_fn.register_prehook(lambda bars: seen.append([b is None for b in bars]))
    y.sum().backward()
    assert seen == [[False, True]]
    assert not hasattr(y.grad_fn, "variable")


@pytest.mark.parametrize("mode", ["all", "any"])
def test_hooks_on_several_tensors(mode):
    def program(lib):
        seen = []
        x, y, z = leaf(lib, 2), leaf(lib, 2, seed=1), leaf(lib, 2, seed=2)
        a = x * 1
        handle = lib.autograd.graph.register_multi_grad_hook([a, y, z], seen.append, mode=mode)
        (a.sum() + y.sum() * 2).backward()
        (z * 3).sum().backward()
        handle.remove()
        (x * z).sum().backward()
        return seen

    if mode == "any":
        ours, theirs = program(wengert), program(pytest.importorskip("torch"))
        assert len(ours) == len(theirs) == 2
    else:
        same(program)
    same_error(lambda lib: lib.autograd.graph.register_multi_grad_hook([leaf(lib, 2)], print, mode="some"), "some")


def test_edges_take_the_place_of_tensors():
    def program(lib):
        x = leaf(lib, 3)
        y = x.exp()
        z = (y * 2).sum()
        edge, end = lib.autograd.graph.get_gradient_edge(y), lib.autograd.graph.get_gradient_edge(z)
        del y
        (middle,) = lib.autograd.grad(z, [edge], retain_graph=True)
        (whole,) = lib.autograd.grad(end, x)
        return middle, whole, edge.output_nr, edge.node.name()

    same(program)
    same_error(lambda lib: lib.autograd.graph.get_gradient_edge(lib.ones(2)))
    with pytest.raises(RuntimeError, match="require gradients"):
        wengert.autograd.graph.get_gradient_edge(wengert.ones(2))


def test_what_a_derivative_reads_can_be_looked_at():
    def program(lib):
        x, w = leaf(lib, 2, 2), leaf(lib, 2, 2)
        square, power, product = x * w, x.exp(), x @ w
        found = [product.grad_fn._saved_mat2 is w, square.grad_fn._saved_other is w, power.grad_fn._saved_result is power]
        chain = (x * 2) * w
        inner = chain.grad_fn._saved_self
        names = [name for name in dir(power.grad_fn) if name.startswith("_saved_")]
        return found, inner, inner.grad_fn.name(), names, power.grad_fn._saved_result, hasattr((x + 1).grad_fn, "_saved_self")

    same(program)

    def released(lib):
        y = leaf(lib, 2).exp()
        y.sum().backward()
        return y.grad_fn._saved_result

    same_error(released, "second time")


def test_printing_shows_the_name():
    assert "grad_fn=<MulBackward0>" in repr(leaf(wengert, 2) * 2)
