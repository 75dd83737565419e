import numpy as np
import pytest

import wengert
from tests.nn.peer import torch
from wengert import nn

BOTH = pytest.mark.parametrize(("tensors", "layers"), [(wengert, nn), (torch, torch.nn)], ids=["wengert", "torch"])


def array(x):
    return np.array(x.detach().numpy())


def double(layers):
    class Double(layers.Module):
        def forward(self, x, scale=2.0):
            return x * scale

    return Double()


@BOTH
def test_pre_hooks_see_and_replace_the_arguments(tensors, layers):
    module = double(layers)
    handle = module.register_forward_pre_hook(lambda m, args: args[0] + 1)
    assert module(tensors.ones(1)).item() == 4.0
    module.register_forward_pre_hook(lambda m, args: (args[0] * 10,), prepend=True)
    assert module(tensors.ones(1)).item() == 22.0
    handle.remove()
    assert module(tensors.ones(1)).item() == 20.0
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": 3.0}), with_kwargs=True)
    assert module(tensors.ones(1), scale=7.0).item() == 30.0
    module.register_forward_pre_hook(lambda m, args, kwargs: 5, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple"):
        module(tensors.ones(1))


@BOTH
def test_forward_hooks_see_and_replace_the_output(tensors, layers):
    module, seen = double(layers), []
    module.register_forward_hook(lambda m, args, output: seen.append((len(args), output.item())))
    module.register_forward_hook(lambda m, args, output: output + 1)
    module.register_forward_hook(lambda m, args, kwargs, output: output * kwargs["scale"], with_kwargs=True)
    assert module(tensors.ones(1), scale=4.0).item() == 20.0
    assert seen == [(1, 4.0)]
    with module.register_forward_hook(lambda m, args, output: output * 0, prepend=True):
        assert module(tensors.ones(1), scale=4.0).item() == 4.0
    assert module(tensors.ones(1), scale=4.0).item() == 20.0


@BOTH
def test_always_called_hooks_are_called_after_an_error_too(tensors, layers):
    module, seen = double(layers), []
    module.register_forward_hook(lambda m, args, output: seen.append("usual"))
    module.register_forward_hook(lambda m, args, output: seen.append(output), always_call=True)
    with pytest.raises(TypeError):
        module(tensors.ones(1), scale=object())
    assert seen == [None]


@BOTH
def test_an_error_in_an_always_called_hook_is_a_warning(tensors, layers):
    module = double(layers)

    def broken(*args):
        raise ValueError("second")

    module.register_forward_hook(broken, always_call=True)
    with pytest.warns(UserWarning, match="second"), pytest.raises(TypeError):
        module(tensors.ones(1), scale=object())


@BOTH
def test_backward_hooks_see_all_gradients_at_once(tensors, layers):
    class Mixed(layers.Module):
        def forward(self, a, word, b):
            return a * 2 + b * 3, word, a * b

    module, seen = Mixed(), []
    values = lambda grads: [None if g is None else g.item() for g in grads]
    module.register_full_backward_pre_hook(lambda m, g: seen.append(("pre", values(g))))
    module.register_full_backward_hook(lambda m, gi, go: seen.append(("post", values(gi), values(go))))
    a, b = tensors.ones(1, requires_grad=True), tensors.ones(1, requires_grad=True)
    y, word, z = module(a, "w", b * 5)
    assert word == "w"
    (y * 7 + z).sum().backward()
    assert seen == [("pre", [7.0, None, 1.0]), ("post", [19.0, None, 22.0], [7.0, None, 1.0])]
    assert a.grad.item() == 19.0
    assert b.grad.item() == 110.0


@BOTH
def test_backward_hooks_replace_gradients(tensors, layers):
    module = double(layers)
    module.register_full_backward_pre_hook(lambda m, g: (g[0] * 10,))
    module.register_full_backward_hook(lambda m, gi, go: (gi[0] + 1,))
    handle = module.register_full_backward_hook(lambda m, gi, go: (gi[0] * 100,), prepend=True)
    x = tensors.ones(1, requires_grad=True)
    module(x).backward()
    assert x.grad.item() == 2001.0
    handle.remove()
    x.grad = None
    module(x).backward()
    assert x.grad.item() == 21.0


@BOTH
def test_an_output_that_is_not_used_has_no_gradient(tensors, layers):
    class Two(layers.Module):
        def forward(self, x):
            return x * 2, x * 3

    module, seen = Two(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append([g is None or not array(g).any() for g in go]))
    x = tensors.ones(1, requires_grad=True)
    module(x)[1].backward()
    assert seen == [[True, False]]
    assert x.grad.item() == 3.0


@BOTH
def test_backward_hooks_on_layers_with_parameters(tensors, layers):
    layer, seen = layers.Linear(2, 1, bias=False), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((tuple(gi[0].shape), go[0].item())))
    x = tensors.ones(1, 2, requires_grad=True)
    for _ in range(2):
        (layer(x) * 3).sum().backward()
    assert seen == [((1, 2), 3.0)] * 2
    np.testing.assert_array_equal(array(layer.weight.grad), 6.0)


@BOTH
def test_without_a_gradient_at_the_inputs_the_hook_still_comes(tensors, layers):
    layer, seen = layers.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(gi))
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        layer(tensors.ones(1, 2)).sum().backward()
    assert seen == [(None,)]


@BOTH
def test_a_wrong_number_of_gradients_is_an_error(tensors, layers):
    x = tensors.ones(1, requires_grad=True)
    module = double(layers)
    module.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        module(x).backward()
    module = double(layers)
    module.register_full_backward_pre_hook(lambda m, go: (go[0], go[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_output, got 2, but expected 1"):
        module(x).backward()


@BOTH
def test_no_grad_leaves_backward_hooks_out(tensors, layers):
    module = double(layers)
    module.register_full_backward_hook(lambda m, gi, go: None)
    with tensors.no_grad():
        assert module(tensors.ones(1, requires_grad=True)).item() == 2.0


@BOTH
def test_second_derivatives_go_through_backward_hooks(tensors, layers):
    class Cube(layers.Module):
        def forward(self, x):
            return x * x * x

    module, seen = Cube(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append(gi[0].item()))
    x = tensors.tensor([2.0], requires_grad=True)
    (g,) = tensors.autograd.grad(module(x), x, create_graph=True)
    (h,) = tensors.autograd.grad(g, x)
    assert h.item() == 12.0
    assert seen[0] == 12.0
