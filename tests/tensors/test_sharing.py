"""Memory shared with NumPy: each side sees the other's writes, and no delayed work reads what the user wrote later."""

from __future__ import annotations

import gc
import pickle

import numpy as np
import pytest

import wengert
from tests.functions.both import agree, torch


def from_numpy_sees_writes(t):
    array = np.arange(4.0)
    a = t.from_numpy(array)
    array[0] = 10
    first = (a + 1).tolist()
    array[:] = 7
    return first, a, a.sum().item()


def writes_reach_the_array(t):
    array = np.arange(6.0).reshape(2, 3)
    a = t.from_numpy(array)
    a.mul_(2)
    a[1, 2] = -1
    a[:, 0].add_(100)
    a.t()[1].fill_(5)
    a.view(6)[5:].sub_(1)
    return array, a


def numpy_sees_writes(t):
    a = t.arange(4.0)
    array = a.numpy()
    a.add_(1)
    a[0] = 50
    return array, a


def writes_reach_the_tensor(t):
    a = t.arange(4.0)
    array = a.numpy()
    array[1] = 9
    array *= 2
    return a, a + 1


def numpy_of_a_view(t):
    a = t.arange(6.0).reshape(2, 3)
    array = a.t()[1:].numpy()
    array[0, 1] = 77
    a[0, 2] = 33
    return array, a, array.strides


def numpy_of_a_diagonal(t):
    a = t.zeros(3, 3)
    array = a.diagonal().numpy()
    array[:] = 5
    return a


def views_of_an_array(t):
    array = np.arange(12.0).reshape(3, 4)
    a = t.from_numpy(array[1:, ::2])
    array += 1
    a.mul_(10)
    return array, a, a.stride(), a.is_contiguous()


def transposed_array(t):
    array = np.arange(6.0).reshape(2, 3)
    a = t.from_numpy(array.T)
    array[0, 1] = 50
    a[2] = 9
    return array, a, a.stride(), a.contiguous().stride()


def two_tensors_of_one_array(t):
    array = np.zeros(3)
    a, b = t.from_numpy(array), t.from_numpy(array)
    a.add_(1)
    b.mul_(3)
    array[0] = 7
    return a, b, array


def two_arrays_of_one_tensor(t):
    a = t.zeros(3)
    first, second = a.numpy(), a[1:].numpy()
    first[1] = 4
    second[1] = 5
    return a, first, second


def detached_parameter(t):
    w = t.ones(3, requires_grad=True)
    array = w.detach().numpy()
    array[0] = 5
    (w * w).sum().backward()
    with t.no_grad():
        w -= 0.5 * w.grad
    return w, array, w.grad, w.is_leaf


def detached_result(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    array = y.detach().numpy()
    z = y * 3
    z.sum().backward()
    return array, y, w.grad, y.requires_grad


def gradient_with_respect_to_what_numpy_holds(t):
    w = t.ones(3, requires_grad=True)
    y = w * 2
    z = (y * y).sum()
    array = y.detach().numpy()
    return t.autograd.grad(z, y), t.autograd.grad((y * w).sum(), w), array


def leaf_on_an_array(t):
    array = np.ones(3)
    w = t.from_numpy(array).requires_grad_()
    array[0] = 4
    (w * w).sum().backward()
    with t.no_grad():
        w.mul_(2)
    return w, w.grad, array


def result_written_into_an_array(t):
    array = np.zeros(3)
    base = t.from_numpy(array)
    w = t.ones(3, requires_grad=True)
    base[1:] = (w * 2)[1:]
    base.mul_(3)
    (base * base).sum().backward()
    return array, w.grad, base.requires_grad


def array_of_gradients(t):
    w = t.ones(3, requires_grad=True)
    (w * 2).sum().backward()
    array = w.grad.numpy()
    (w * 5).sum().backward()
    return array


def out_of_an_operation(t):
    array = np.zeros(3)
    t.add(t.ones(3, dtype=t.float64), 1, out=t.from_numpy(array))
    return array


def overlapping_copy(t):
    array = np.arange(5.0)
    a = t.from_numpy(array)
    a.copy_(a.flip(0))
    a[1:].copy_(a[:-1].clone())
    return array, a


def as_tensor_shares(t):
    array = np.zeros(2)
    a, b = t.as_tensor(array), t.asarray(array)
    copied = t.tensor(array)
    array[0] = 1
    return a, b, copied


def half_precision(t):
    array = np.zeros(2, np.float16)
    a = t.from_numpy(array)
    array[1] = 2.5
    a.add_(1)
    return a, array


def complex_numbers(t):
    array = np.zeros(2, np.complex64)
    a = t.from_numpy(array)
    array[1] = 2.5j
    a.add_(1)
    return a, array


def bools(t):
    array = np.zeros(2, bool)
    a = t.from_numpy(array)
    array[1] = True
    a.logical_not_()
    return a, array


def nothing(t):
    array = np.zeros((0, 3))
    a = t.from_numpy(array)
    a.add_(1)
    return a, a.numpy().shape


def a_number(t):
    array = np.array(2.0)
    a = t.from_numpy(array)
    array[()] = 3
    a.mul_(2)
    back = a.numpy()
    back[()] += 1
    return a, array


def not_a_number_stays(t):
    array = np.array([np.nan, 1.0])
    w = t.from_numpy(array).requires_grad_()
    y = w * 2
    return t.autograd.grad(y.sum(), w), w


CASES = [
    from_numpy_sees_writes, writes_reach_the_array, numpy_sees_writes, writes_reach_the_tensor, numpy_of_a_view,
    numpy_of_a_diagonal, views_of_an_array, transposed_array, two_tensors_of_one_array, two_arrays_of_one_tensor,
    detached_parameter, detached_result, gradient_with_respect_to_what_numpy_holds, leaf_on_an_array,
    result_written_into_an_array, array_of_gradients, out_of_an_operation, overlapping_copy, as_tensor_shares,
    half_precision, complex_numbers, bools, nothing, a_number, not_a_number_stays,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_sharing_as_in_pytorch(case):
    agree(case)


# --- nothing delayed reads what was written later ----------------------------------------------------------------------


@pytest.fixture
def array():
    return np.arange(6.0).reshape(2, 3)


RESULTS = {
    "arithmetic": lambda a: a * 2,
    "several operations": lambda a: (a + 1).exp().sum(),
    "reshape": lambda a: a.t().reshape(6),
    "view and clone": lambda a: a.t().clone(),
    "flip": lambda a: a.flip(0),
    "expand": lambda a: a[0].expand(2, 3) + 0,
    "max": lambda a: a.max(0).values,
    "max with indices": lambda a: a.max(0).indices,
    "index": lambda a: a[wengert.tensor([1, 0])],
    "real": lambda a: a.real + 0,
    "stacked": lambda a: wengert.stack(a.unbind()),
    "written": lambda a: wengert.zeros(2, 3, dtype=wengert.float64).copy_(a),
    "written in part": lambda a: put(wengert.zeros(3, 3, dtype=wengert.float64), slice(1, 3), a),
    "masked": lambda a: a[a > 2],
    "contiguous": lambda a: a.t().contiguous(),
    "convert": lambda a: a.float(),
}


def put(base, index, value):
    base[index] = value
    return base


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_does_not_see_later_writes(name, array):
    a = wengert.from_numpy(array)
    expected = RESULTS[name](wengert.tensor(array)).tolist()
    found = RESULTS[name](a)
    array[:] = -1e6
    assert found.tolist() == expected


@pytest.mark.parametrize("name", RESULTS)
def test_nor_when_numpy_got_the_memory_from_us(name, array):
    a = wengert.tensor(array)
    lent = a.numpy()
    expected = RESULTS[name](a).tolist()
    found = RESULTS[name](a)
    lent[:] = -1e6
    assert found.tolist() == expected


def test_work_recorded_before_sharing_does_not_see_later_writes():
    a = wengert.arange(3.0)
    b = a * 2
    c = a.flip(0)
    d = a[1:]
    lent = a.numpy()
    lent[:] = 100
    assert b.tolist() == [0, 2, 4]
    assert c.tolist() == [2, 1, 0]
    assert d.tolist() == [100, 100]  # a view shares the memory


def test_a_derivative_uses_the_values_of_its_own_time():
    """PyTorch would silently use the values that NumPy wrote later."""
    array = np.ones(3)
    data = wengert.from_numpy(array)
    w = wengert.ones(3, dtype=wengert.float64, requires_grad=True)
    y = (w * data).sum()
    array[:] = 100
    y.backward()
    assert w.grad.tolist() == [1, 1, 1]


def test_a_leaf_s_derivative_uses_the_values_of_its_own_time():
    array = np.ones(3)
    w = wengert.from_numpy(array).requires_grad_()
    y = (w * w).sum()
    array[:] = 100
    y.backward()
    assert w.grad.tolist() == [2, 2, 2]
    assert w.tolist() == [100, 100, 100]


def test_a_pending_derivative_does_not_see_later_writes():
    array = np.ones(3)
    data = wengert.from_numpy(array)
    w = wengert.ones(3, dtype=wengert.float64, requires_grad=True)
    (w * data * data).sum().backward()
    array[:] = 100
    assert w.grad.tolist() == [1, 1, 1]


def test_an_array_from_before_a_write_by_an_optimiser_follows():
    w = wengert.ones(2, requires_grad=True)
    lent = w.detach().numpy()
    for _ in range(3):
        (w * w).sum().backward()
        with wengert.no_grad():
            w -= 0.25 * w.grad
        w.grad = None
    assert lent.tolist() == w.tolist() == [0.125, 0.125]


# --- when sharing ends -------------------------------------------------------------------------------------------------


def is_shared(tensor):
    return tensor._link is not None and tensor._link.cell.is_exposed()


def test_sharing_ends_when_nobody_holds_the_array():
    a = wengert.arange(4.0)
    lent = a.numpy()
    assert is_shared(a)
    part = lent[1:]
    del lent
    assert is_shared(a)
    del part
    assert not is_shared(a)
    b = a + 1
    assert b._node.value is None  # delayed again


def test_sharing_ends_when_a_given_array_is_dropped():
    array = np.arange(4.0)
    a = wengert.from_numpy(array)
    part = array[1:]
    del array
    assert is_shared(a)
    part[0] = 50
    del part
    assert not is_shared(a)
    assert (a + 1).tolist() == [1, 51, 3, 4]


def test_a_view_s_owner_counts_as_a_holder():
    whole = np.arange(4.0)
    a = wengert.from_numpy(whole[1:])
    assert is_shared(a)
    whole[1] = 9
    assert a.tolist() == [9, 2, 3]
    del whole
    assert not is_shared(a)


def test_the_last_write_before_an_array_is_dropped_is_seen_by_all():
    a = wengert.arange(4.0)
    w = a[1:].detach().requires_grad_()
    turned = a.view(2, 2).t()
    lent = a.numpy()
    lent += 10
    del lent
    assert turned.tolist() == [[10, 12], [11, 13]]
    assert w.tolist() == [11, 12, 13]
    assert a.tolist() == [10, 11, 12, 13]


def test_a_write_that_changes_nothing_makes_no_later_use_an_error():
    w = wengert.ones(3, requires_grad=True)
    lent = w.detach().numpy()
    with wengert.no_grad():
        w.mul_(1)
    (w * w).sum().backward()
    assert w.grad.tolist() == [2, 2, 2]
    del lent


def test_writes_after_sharing_has_ended_leave_old_results_alone():
    a = wengert.arange(3.0)
    lent = a.numpy()
    lent[0] = 5
    before = a * 1
    del lent
    a.add_(1)
    assert before.tolist() == [5, 1, 2]
    assert a.tolist() == [6, 2, 3]
    again = a.numpy()
    again[0] = 0
    assert a.tolist() == [0, 2, 3]


def test_the_memory_is_the_tensor_s_own_when_it_alone_holds_it():
    a = wengert.arange(1000.0)
    a.tolist()
    own = a._node.value.ctypes.data
    lent = a.numpy()
    assert lent.ctypes.data == own == a.data_ptr()
    del lent
    assert a.numpy().ctypes.data == own  # and again


def test_the_memory_of_a_result_that_was_only_detached_is_its_own():
    b = (wengert.arange(1000.0) + 1).detach()
    b.tolist()
    own = b._node.value.ctypes.data
    assert b.numpy().ctypes.data == own


def test_memory_that_somebody_else_reads_is_copied_first():
    a = wengert.arange(4.0)
    w = wengert.ones(4, requires_grad=True)
    y = (a * w).sum()
    y.item()
    lent = a.numpy()
    lent[:] = 100
    y.backward()
    assert w.grad.tolist() == [0, 1, 2, 3]


def test_an_array_outlives_its_tensor():
    lent = (wengert.arange(4.0) + 1).numpy()
    gc.collect()
    assert lent.tolist() == [1, 2, 3, 4]


def test_a_read_only_array_is_read_and_never_written():
    array = np.arange(3.0)
    array.flags.writeable = False
    a = wengert.from_numpy(array)
    assert (a + 1).tolist() == [1, 2, 3]
    a.add_(1)
    assert a.tolist() == [1, 2, 3]
    assert array.tolist() == [0, 1, 2]


def test_share_memory_reaches_a_child_process():
    import multiprocessing

    a = wengert.zeros(3).share_memory_()
    assert a.is_shared()
    child = multiprocessing.get_context("fork").Process(target=lambda: a.add_(5))
    child.start()
    child.join()
    assert a.tolist() == [5, 5, 5]


# --- protocols ---------------------------------------------------------------------------------------------------------

PROTOCOLS = {
    "asarray": lambda t: np.asarray(t.arange(3.0)),
    "array of another dtype": lambda t: np.asarray(t.arange(3.0), dtype=np.int32),
    "array of a list": lambda t: np.array([t.tensor(1.0), t.tensor(2.0)]),
    "ufunc": lambda t: np.sin(t.arange(3.0)),
    "reduction": lambda t: float(np.sum(t.arange(3.0).numpy())),
    "tensor times array": lambda t: t.arange(3.0) * t.from_numpy(np.ones(3, np.float32)),
    "force": lambda t: (t.ones(2, requires_grad=True) * 2).numpy(force=True),
    "tolist": lambda t: [t.tensor(v).tolist() for v in (1.5, [1, 2], [[True]], [1j])],
    "tolist of half": lambda t: t.tensor([1.5, 2]).bfloat16().tolist() + t.tensor([1.5, 2]).half().tolist(),
    "item of half": lambda t: t.tensor(1.5).bfloat16().item(),
    "dlpack device": lambda t: tuple(int(part) for part in t.ones(1).__dlpack_device__()),
    "dlpack to numpy": lambda t: np.from_dlpack(t.arange(3.0)),
    "dlpack from numpy": lambda t: t.from_dlpack(np.arange(3)),
}

PROTOCOL_ERRORS = {
    "numpy of what requires grad": lambda t: t.ones(1, requires_grad=True).numpy(),
    "asarray of what requires grad": lambda t: np.asarray(t.ones(1, requires_grad=True)),
    "numpy of bfloat16": lambda t: t.ones(1).bfloat16().numpy(),
    "dlpack of what requires grad": lambda t: t.ones(1, requires_grad=True).__dlpack__(),
    "from_dlpack of a list": lambda t: t.from_dlpack([1]),
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_protocols_as_in_pytorch(name):
    agree(PROTOCOLS[name])


@pytest.mark.parametrize("name", PROTOCOL_ERRORS)
def test_protocol_errors_as_in_pytorch(name):
    agree(PROTOCOL_ERRORS[name], error=(AttributeError, TypeError) if "list" in name else None)


def test_dlpack_shares_memory_with_pytorch():
    ours = wengert.arange(3.0)
    theirs = torch.from_dlpack(ours)
    theirs[0] = 5
    ours.add_(1)
    assert theirs.tolist() == ours.tolist() == [6, 2, 3]
    back = wengert.from_dlpack(torch.arange(3.0))
    assert back.tolist() == [0, 1, 2]


# --- copies and pickles ------------------------------------------------------------------------------------------------


def copied(t):
    import copy

    w = t.ones(2, requires_grad=True)
    w.grad = t.full((2,), 3.0)
    other = copy.deepcopy(w)
    with t.no_grad():
        other.add_(1)
    return w, other, other.is_leaf, other.grad


def copied_together(t):
    import copy

    base = t.zeros(4)
    first, (second, again) = copy.deepcopy((base, (base[1:], base)))
    second.add_(1)
    return base, first, second, again is first


def copied_leaf_and_view(t):
    import copy

    w = t.ones(3, requires_grad=True)
    first, view = copy.deepcopy([w, w.detach()])
    view.mul_(2)
    return first, view, first.requires_grad, view.requires_grad


def copied_shallowly(t):
    import copy

    a = t.zeros(2)
    b = copy.copy(a)
    b.add_(1)
    return a, b


def copied_array(t):
    import copy

    array = np.zeros(2)
    a = t.from_numpy(array)
    b = copy.deepcopy(a)
    array[0] = 5
    return a, b


def copied_result(t):
    import copy

    return copy.deepcopy(t.ones(2, requires_grad=True) * 2)


@pytest.mark.parametrize(
    "case", [copied, copied_together, copied_leaf_and_view, copied_shallowly, copied_array, copied_result],
    ids=lambda case: case.__name__,
)  # fmt: skip
def test_copies_as_in_pytorch(case):
    agree(case)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bool", "int64", "complex64", "float16"])
def test_pickles_come_back(dtype):
    a = wengert.tensor([[0, 1], [2, 3]]).to(getattr(wengert, dtype))
    b = pickle.loads(pickle.dumps(a.t()))
    assert b.dtype is a.dtype
    assert b.tolist() == a.t().tolist()
    b.fill_(1)


def test_a_pickled_leaf_is_a_leaf():
    w = wengert.ones(2, requires_grad=True)
    w.name = "weight"
    other = pickle.loads(pickle.dumps(w))
    assert other.requires_grad and other.is_leaf and other.name == "weight"
