"""Tensors that share memory: writes through views, detach() and data, with and without a derivative, beside PyTorch's."""

from __future__ import annotations

import gc
import weakref

import pytest

import wengert
from tests.functions.both import agree

# --- writes and derivatives --------------------------------------------------------------------------------------------


def write_through_a_view(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    y[1:].mul_(t.tensor([3.0, 4.0]))
    (y * y).sum().backward()
    return w.grad


def write_through_a_chain(t):
    w = t.arange(24.0).requires_grad_()
    y = w * 1
    y.view(2, 3, 4).transpose(0, 2)[1:3, 1].t()[0].mul_(5)
    y.view(4, 6).diagonal().add_(w[:4])
    (y * y).sum().backward()
    return w.grad, y


def base_written_then_view_used(t):
    w = t.ones(4, requires_grad=True)
    y = w * 2
    view = y[1:3]
    y.mul_(3)
    (view * view).sum().backward()
    return w.grad, view


def views_of_views_see_each_other(t):
    w = t.ones(2, 3, requires_grad=True)
    y = w * 2
    left, row = y[:, :2], y[1]
    row.mul_(10)
    left.add_(1)
    (row * left[1].sum()).sum().backward()
    return w.grad, left, row, y


def written_value_keeps_its_history(t):
    w, v = t.ones(3, requires_grad=True), t.full((2,), 2.0, requires_grad=True)
    y = w * 2
    y[:2] = v * v
    (y * y).sum().backward()
    return w.grad, v.grad


def untracked_base_becomes_tracked(t):
    v = t.full((2,), 2.0, requires_grad=True)
    base = t.zeros(3)
    view = base[:2]
    before = base.requires_grad, view.requires_grad
    view.copy_(v * v)
    base.sum().backward()
    return before, base.requires_grad, view.requires_grad, v.grad


def zero_keeps_requiring_grad(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    y.zero_()
    y.sum().backward()
    return y.requires_grad, w.grad


def fill_of_a_part_stops_its_derivative(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    y[1].fill_(7)
    (y * y).sum().backward()
    return w.grad, y


def in_place_saves_what_it_needs(t):
    w = t.tensor([0.3, 0.7], requires_grad=True)
    y = w * 1
    y.sin_().exp_().mul_(2).pow_(3).sigmoid_()
    y.sum().backward()
    return w.grad


def in_place_on_a_clone(t):
    w = t.tensor([0.3, 0.7], requires_grad=True)
    w.clone().mul_(w).sum().backward()
    return w.grad


def no_grad_write_to_a_leaf(t):
    w = t.ones(3, requires_grad=True)
    with t.no_grad():
        w.mul_(5)
        w[0] = 7
        w[1:].add_(1)
    (w * w).sum().backward()
    return w, w.grad, w.is_leaf


def no_grad_write_keeps_the_history(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    with t.no_grad():
        y.mul_(10)
    (y * w).sum().backward()
    return y, w.grad


def no_grad_view_written_later(t):
    w = t.ones(3, requires_grad=True)
    with t.no_grad():
        part = w[:2]
        part.mul_(3)
    return w


def leaf_view_follows_the_leaf(t):
    w = t.ones(3, requires_grad=True)
    view = w[1:]
    with t.no_grad():
        w.mul_(3)
    (view * view).sum().backward()
    return view, w.grad


def gradient_collects_while_the_leaf_changes(t):
    w = t.ones(2, requires_grad=True)
    for _ in range(3):
        (w * w).sum().backward()
        with t.no_grad():
            w -= 0.1 * w.grad
    return w, w.grad


def detach_shares_memory(t):
    w = t.ones(3, requires_grad=True)
    plain = w.detach()
    plain[0] = 5
    plain.mul_(2)
    with t.no_grad():
        w.add_(1)
    return w, plain, plain.requires_grad


def detach_of_a_result(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    plain = y.detach()
    y.mul_(3)
    plain[1] = 0
    y.sum().backward()
    return y, plain, w.grad


def data_shares_memory(t):
    w = t.ones(3, requires_grad=True)
    y = (w * w).sum()
    w.data.mul_(4)
    y.backward()
    return w, w._version, w.grad.shape


def data_is_replaced(t):
    w = t.ones(3, requires_grad=True)
    view = w.detach()
    w.data = t.full((2, 2), 3.0)
    view.add_(1)
    (w * w).sum().backward()
    return w, view, w.grad, w.is_leaf


def data_shares_with_its_source(t):
    w, source = t.ones(2, requires_grad=True), t.zeros(2)
    w.data = source
    source.add_(4)
    return w, source


def views_survive_replaced_data(t):
    a = t.arange(4.0)
    part = a[1:]
    a.data = t.zeros(2)
    part.mul_(2)
    return a, part


def detach_in_place(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    y.detach_()
    y.mul_(3)
    return y, y.requires_grad, y.is_leaf


def leaf_made_of_shared_memory(t):
    base = t.zeros(3)
    leaf = base.detach().requires_grad_()
    base.add_(2)
    (leaf * leaf).sum().backward()
    with t.no_grad():
        leaf.mul_(5)
    return base, leaf, leaf.grad


def leaf_that_is_a_view(t):
    base = t.zeros(3)
    leaf = base[1:].requires_grad_()
    base.add_(2)
    (leaf * leaf).sum().backward()
    return leaf, leaf.grad, leaf.is_leaf


def requires_grad_switched_off(t):
    w = t.ones(2, requires_grad=True)
    w.requires_grad_(False)
    w.mul_(2)
    return w, w.requires_grad


def version_counts_writes(t):
    a = t.zeros(3)
    seen = [a._version]
    a.add_(1)
    seen.append(a._version)
    part = a[1:]
    part.mul_(2)
    seen += [a._version, part._version, a.detach()._version]
    a.data.add_(1)
    seen.append(a._version)
    return seen


def second_derivative_through_in_place(t):
    w = t.tensor([1.0, 2.0], dtype=t.float64, requires_grad=True)
    y = w * w
    y[0].mul_(w[1])
    (first,) = t.autograd.grad((y * y).sum(), w, create_graph=True)
    (second,) = t.autograd.grad(first.sum(), w)
    return first.detach(), second


def augmented_assignment(t):
    w = t.ones(2, requires_grad=True)
    y = w * 1
    alias = y
    y += w
    y -= 0.5
    y *= 2
    y /= 4
    y.sum().backward()
    return alias is y, y, w.grad


def hook_on_a_view(t):
    seen = []
    w = t.ones(3, requires_grad=True)
    part = (w * 2)[1:]
    part.register_hook(lambda grad: seen.append(grad.sum().item()))
    (part * 3).sum().backward()
    return seen, w.grad


def retained_gradient_of_a_view(t):
    w = t.ones(3, requires_grad=True)
    part = (w * 2)[1:]
    part.retain_grad()
    (part * part).sum().backward()
    return part.grad, w.grad


def retained_gradient_follows_a_write(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    return y.grad, w.grad


def detached_memory_written_with_a_history(t):
    """A derivative flows through what was written to a detached tensor, not through its source."""
    w, y = t.full((2,), 3.0, requires_grad=True), t.ones(4, requires_grad=True) * 2
    plain = y.detach()
    plain[1:3] = w * w
    row = plain[2:]
    row.mul_(2)
    before = plain.requires_grad, y.requires_grad
    (plain * plain).sum().backward()
    return before, y, plain, w.grad


def detached_data_written_with_a_history(t):
    w, data = t.full((2,), 3.0, requires_grad=True), t.ones(4)
    plain = data.detach()
    plain[1:3] = w * w
    data.mul_(10)
    (plain * t.arange(4.0)).sum().backward()
    return data.requires_grad, plain.requires_grad, data, plain, w.grad


def no_grad_write_of_a_tracked_value(t):
    w, a = t.ones(2, requires_grad=True), t.zeros(2)
    y = w * 2
    with t.no_grad():
        a.copy_(y)
        b = t.zeros(2)
        b[:] = y
    return a, a.requires_grad, b.requires_grad


SHARING = [
    detached_memory_written_with_a_history, detached_data_written_with_a_history, no_grad_write_of_a_tracked_value,
    retained_gradient_follows_a_write,
    write_through_a_view, write_through_a_chain, base_written_then_view_used, views_of_views_see_each_other,
    written_value_keeps_its_history, untracked_base_becomes_tracked, zero_keeps_requiring_grad,
    fill_of_a_part_stops_its_derivative, in_place_saves_what_it_needs, in_place_on_a_clone, no_grad_write_to_a_leaf,
    no_grad_write_keeps_the_history, no_grad_view_written_later, leaf_view_follows_the_leaf,
    gradient_collects_while_the_leaf_changes, detach_shares_memory, detach_of_a_result, data_shares_memory,
    data_is_replaced, data_shares_with_its_source, views_survive_replaced_data, detach_in_place,
    leaf_made_of_shared_memory, leaf_that_is_a_view, requires_grad_switched_off, version_counts_writes,
    second_derivative_through_in_place, augmented_assignment, hook_on_a_view, retained_gradient_of_a_view,
]  # fmt: skip


@pytest.mark.parametrize("case", SHARING, ids=lambda case: case.__name__)
def test_sharing_as_in_pytorch(case):
    agree(case)


# --- errors ------------------------------------------------------------------------------------------------------------


def write_to_a_leaf(t):
    t.ones(3, requires_grad=True).add_(1)


def write_to_a_view_of_a_leaf(t):
    t.ones(3, requires_grad=True)[1:].add_(1)


def write_deep_into_a_leaf(t):
    t.ones(2, 3, requires_grad=True).t()[0].view(2).mul_(2)


def saved_input_overwritten(t):
    w = t.ones(3, requires_grad=True)
    a = w * 2
    y = a * a
    a.add_(1)
    y.sum().backward()


def saved_output_overwritten(t):
    w = t.ones(3, requires_grad=True)
    y = (w * 2).exp()
    y.add_(1)
    y.sum().backward()


def saved_leaf_overwritten(t):
    w = t.ones(3, requires_grad=True)
    y = w * w
    with t.no_grad():
        w.add_(1)
    y.sum().backward()


def saved_data_overwritten(t):
    w, data = t.ones(3, requires_grad=True), t.ones(3)
    y = w * data
    data.add_(1)
    y.sum().backward()


def saved_view_overwritten_through_its_base(t):
    w = t.ones(3, requires_grad=True)
    base = w * 2
    y = base[1:] * base[1:]
    base.add_(1)
    y.sum().backward()


def saved_base_overwritten_through_a_view(t):
    w = t.ones(3, requires_grad=True)
    base = w * 2
    y = base * base
    base[0] = 5
    y.sum().backward()


def saved_tensor_overwritten_through_detach(t):
    w = t.ones(3, requires_grad=True)
    y = w * w
    w.detach().add_(1)
    y.sum().backward()


def detach_a_view_in_place(t):
    y = t.ones(3, requires_grad=True) * 2
    y[1:].detach_()


def requires_grad_off_for_a_result(t):
    (t.ones(3, requires_grad=True) * 2).requires_grad_(False)


def another_shape_in_place(t):
    t.ones(3).add_(t.ones(2, 3))


def another_category_in_place(t):
    t.ones(3, dtype=t.int64).add_(1.5)


def own_gradient(t):
    w = t.ones(3, requires_grad=True)
    w.grad = w


ERRORS = [
    write_to_a_leaf, write_to_a_view_of_a_leaf, write_deep_into_a_leaf, saved_input_overwritten,
    saved_output_overwritten, saved_leaf_overwritten, saved_data_overwritten, saved_view_overwritten_through_its_base,
    saved_base_overwritten_through_a_view, saved_tensor_overwritten_through_detach, detach_a_view_in_place,
    requires_grad_off_for_a_result, another_shape_in_place, another_category_in_place, own_gradient,
]  # fmt: skip


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.__name__)
def test_errors_as_in_pytorch(case):
    agree(case)


def write_that_no_derivative_reads(t):
    """Addition saves nothing, so its operands may change."""
    w = t.ones(3, requires_grad=True)
    a = w * 2
    y = a + 1
    a.mul_(5)
    y.sum().backward()
    return w.grad


def write_after_backward(t):
    w = t.ones(3, requires_grad=True)
    (w * w).sum().backward()
    with t.no_grad():
        w.add_(1)
    (w * w).sum().backward()
    return w.grad


@pytest.mark.parametrize("case", [write_that_no_derivative_reads, write_after_backward], ids=lambda case: case.__name__)
def test_harmless_writes_are_no_errors(case):
    agree(case)


# --- life times --------------------------------------------------------------------------------------------------------


def test_a_view_does_not_keep_the_base_s_handle():
    base = wengert.arange(6.0)
    handle = weakref.ref(base)
    part = base[2:4]
    del base
    gc.collect()
    assert handle() is None
    part.add_(1)
    assert part.tolist() == [3, 4]


def test_many_views_of_one_base_are_forgotten():
    base = wengert.zeros(4)
    for _ in range(20_000):
        base[1:3]
    assert len(base._link.cell.aliases) < 6000


def test_a_long_chain_of_writes():
    base = wengert.zeros(4)
    for n in range(3000):
        base[n % 4] += 1
    assert base.tolist() == [750] * 4


def test_a_long_chain_of_views():
    base = wengert.arange(4.0)
    view = base
    for _ in range(500):
        view = view.unsqueeze(0).squeeze(0)
    base.add_(1)
    view.mul_(2)
    assert base.tolist() == [2, 4, 6, 8]


def test_a_part_that_was_cut_stays_a_view():
    x = wengert.arange(6.0)
    assert x.sum().item() == 15
    part, one = x[2:4], x[5]
    doubled, product = part * 2, part * wengert.ones(2, requires_grad=True)
    x.add_(1)
    part.mul_(10)
    assert doubled.tolist() == [4, 6] and x.tolist() == [1, 2, 30, 40, 5, 6] and one.item() == 6
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()
