"""Values that derivatives read again, changed in place meanwhile."""

import pytest

import wengert
from tests.autograd.both import leaf, same


def test_what_was_changed_is_read_as_it_was():
    def program(lib):
        x, w = leaf(lib, 2, 3), leaf(lib, 2, 3, seed=1)
        with lib.autograd.graph.allow_mutation_on_saved_tensors():
            a = x.clone()
            b = a**2 * w
            a.sin_()
            c = (b.exp() * a).sum()
            b.mul_(3)
            (c + b.sum()).backward()
        return x.grad, w.grad, a, b

    same(program)


def test_a_function_of_ones_own_reads_its_output_as_it_was():
    def program(lib):
        class Exp(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, grad):
                return grad * ctx.saved_tensors[0]

        x = leaf(lib, 3)
        with lib.autograd.graph.allow_mutation_on_saved_tensors():
            y = Exp.apply(x * 1)
            z = y * 2
            y.zero_()
            z.sum().backward()
        return x.grad

    same(program)


def test_outside_it_is_an_error_again():
    x = wengert.ones(3, requires_grad=True)
    with wengert.autograd.graph.allow_mutation_on_saved_tensors():
        pass
    a = x.clone()
    b = (a**2).sum()
    a.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        b.backward()


def test_save_on_cpu_changes_nothing():
    def program(lib):
        x = leaf(lib, 3)
        with lib.autograd.graph.save_on_cpu():
            y = (x.exp() * x).sum()
        y.backward()
        return x.grad

    same(program)
