"""Dual tensors."""

import gc

import pytest

import wengert
from tests.autograd.both import leaf, same, same_error
from tests.objects import live
from wengert.graph.node import Node
from wengert.graph.record import recorder


def duals(program):
    """A program of (library, its forward_ad module) inside a dual level."""

    def run(lib):
        from importlib import import_module

        forward = import_module(f"{lib.__name__}.autograd.forward_ad")
        with forward.dual_level():
            return program(lib, forward)

    return run


def test_tangents_go_through_ordinary_operations():
    @duals
    def program(lib, fw):
        x = fw.make_dual(leaf(lib, 3).detach(), lib.ones(3, dtype=lib.float64))
        y = x.sin() * x
        z = lib.stack([y, x * 2]).sum(0)
        return fw.unpack_dual(y)[1], fw.unpack_dual(z)[1], fw.unpack_dual(y)[0].requires_grad

    same(program)


def test_a_primal_stands_still():
    @duals
    def program(lib, fw):
        x = fw.make_dual(leaf(lib, 3).detach(), lib.ones(3, dtype=lib.float64))
        still = fw.unpack_dual(x * x).primal
        return still, fw.unpack_dual(still).tangent, fw.unpack_dual(still * x).tangent

    same(program)


def test_what_does_not_move_has_no_tangent():
    @duals
    def program(lib, fw):
        x = fw.make_dual(leaf(lib, 3).detach(), lib.ones(3, dtype=lib.float64))
        return [fw.unpack_dual(t).tangent for t in (lib.ones(2), x.detach(), x.argmax(), (x > 0), lib.ones(3) * 2)]

    same(program)


def test_no_grad_does_not_stop_tangents():
    @duals
    def program(lib, fw):
        x = fw.make_dual(leaf(lib, 3).detach(), lib.ones(3, dtype=lib.float64))
        with lib.no_grad():
            return fw.unpack_dual(x**3).tangent

    same(program)


def test_forward_over_reverse():
    @duals
    def program(lib, fw):
        x = leaf(lib, 3)
        dual = fw.make_dual(x, lib.ones(3, dtype=lib.float64))
        (bar,) = lib.autograd.grad((dual**3).sum(), dual, create_graph=True)
        return fw.unpack_dual(bar).tangent.detach()

    same(program)


def test_reverse_over_forward():
    def program(lib):
        from importlib import import_module

        fw = import_module(f"{lib.__name__}.autograd.forward_ad")
        x = leaf(lib, 3)
        with fw.dual_level():
            y = fw.make_dual(x, x.detach() * 2) ** 3
            tangent = fw.unpack_dual(y).tangent
        return tangent, lib.autograd.grad(tangent.sum(), x)

    same(program)


def test_in_place_operations_move_tangents_too():
    @duals
    def program(lib, fw):
        x = fw.make_dual(leaf(lib, 3).detach(), lib.ones(3, dtype=lib.float64))
        y = x * 2
        y[0] = 5.0
        y.mul_(x)
        return fw.unpack_dual(y)

    same(program)


def test_the_level_ends():
    def program(lib):
        from importlib import import_module

        fw = import_module(f"{lib.__name__}.autograd.forward_ad")
        with fw.dual_level():
            y = fw.make_dual(leaf(lib, 3).detach(), lib.ones(3, dtype=lib.float64)) * 2
        return fw.unpack_dual(y)

    same(program)
    assert recorder.retain == 0


def test_values_may_be_asked_for_inside():
    @duals
    def program(lib, fw):
        x = fw.make_dual(leaf(lib, 3).detach(), lib.ones(3, dtype=lib.float64))
        y = x * x
        for _ in range(3):
            y = y * 2 if y.sum().item() < 40 else y.sin()
        return fw.unpack_dual(y).tangent

    same(program)


def test_a_level_that_ran_keeps_no_history():
    fw = wengert.autograd.forward_ad
    x = wengert.ones(3)
    with fw.dual_level():
        dual = fw.make_dual(x, wengert.ones(3))
        for _ in range(50):
            dual = dual * 1.01
            dual.sum().item()
        tangent = fw.unpack_dual(dual).tangent
        tangent.tolist()
    gc.collect()
    before = sum(type(thing) is Node for thing in live())
    assert dual._node.inputs == () and tangent._node.inputs == ()
    del dual, tangent
    gc.collect()
    assert sum(type(thing) is Node for thing in live()) >= before - 4


def test_errors():
    def without_level(lib):
        from importlib import import_module

        import_module(f"{lib.__name__}.autograd.forward_ad").make_dual(lib.ones(2), lib.ones(2))

    same_error(without_level, "level")
    same_error(duals(lambda lib, fw: fw.make_dual(lib.arange(2), lib.arange(2))), "int64")
    same_error(duals(lambda lib, fw: fw.make_dual(lib.ones(2), lib.ones(3))), "2", "3")
    same_error(duals(lambda lib, fw: fw.make_dual(fw.make_dual(lib.ones(2), lib.ones(2)), lib.ones(2))), "already")
    same_error(duals(lambda lib, fw: fw.enter_dual_level()), "Nested")
    with wengert.autograd.forward_ad.dual_level(), pytest.raises(TypeError, match="float"):
        wengert.autograd.forward_ad.make_dual(wengert.ones(2), 1.0)
    with pytest.raises(RuntimeError, match="level"):
        wengert.autograd.forward_ad.exit_dual_level()
    assert recorder.retain == 0
