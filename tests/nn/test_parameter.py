import copy
import pickle

import numpy as np
import pytest

import wengert
from wengert import nn


def array(x):
    return np.array(x._array())


def test_a_parameter_requires_grad_and_is_a_leaf():
    p = nn.Parameter(wengert.ones(2, 3))
    assert isinstance(p, wengert.Tensor)
    assert p.requires_grad
    assert p.is_leaf
    assert not nn.Parameter(wengert.ones(2), requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)


def test_it_leaves_the_history_behind():
    x = wengert.ones(3, requires_grad=True)
    p = nn.Parameter(x * 2)
    (p * 3).sum().backward()
    np.testing.assert_array_equal(array(p.grad), 3.0)
    assert x.grad is None


@pytest.mark.parametrize(
    "look", [lambda x: x, lambda x: x[1], lambda x: x.t(), lambda x: x.detach(), lambda x: x.view(6)]
)
def test_it_shares_the_memory_of_its_data(look):
    x = wengert.zeros(2, 3)
    p = nn.Parameter(look(x))
    x.fill_(7.0)
    np.testing.assert_array_equal(array(p), 7.0)
    with wengert.no_grad():
        p.fill_(5.0)
    assert 5.0 in array(x)


def test_a_parameter_of_a_parameter():
    first = nn.Parameter(wengert.ones(2))
    second = nn.Parameter(first)
    second.sum().backward()
    assert first.grad is None
    with wengert.no_grad():
        second.zero_()
    np.testing.assert_array_equal(array(first), 0.0)


def test_operations_give_plain_tensors():
    p = nn.Parameter(wengert.ones(2))
    for y in (p + 1, p.detach(), p.data, p.clone(), p.view(2, 1), -p):
        assert type(y) is wengert.Tensor


def test_an_update_in_place_is_seen_by_the_next_use():
    p = nn.Parameter(wengert.ones(2))
    for k in range(3):
        p.grad = None
        (p * p).sum().backward()
        with wengert.no_grad():
            p.sub_(p.grad * 0.25)
        np.testing.assert_allclose(array(p), 0.5 ** (k + 1))
        assert p.is_leaf


def test_integers_cannot_be_trained():
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(wengert.tensor([1, 2]))
    assert nn.Parameter(wengert.tensor([1, 2]), requires_grad=False).dtype is wengert.int64


@pytest.mark.parametrize("kind", [nn.Parameter, nn.Buffer])
def test_what_is_no_tensor_is_refused(kind):
    with pytest.raises(TypeError, match=f"{kind.__name__}: data must be a Tensor; got list"):
        kind([1.0])


def test_copies_are_independent_and_keep_the_kind():
    p = nn.Parameter(wengert.ones(2), requires_grad=False)
    q = copy.deepcopy([p, p])
    assert q[0] is q[1]
    assert type(q[0]) is nn.Parameter
    assert not q[0].requires_grad
    q[0].fill_(3.0)
    np.testing.assert_array_equal(array(p), 1.0)


def test_a_deep_copy_has_no_gradient():
    p = nn.Parameter(wengert.ones(2))
    p.sum().backward()
    assert copy.deepcopy(p).grad is None


@pytest.mark.parametrize("dtype", [wengert.float32, wengert.bfloat16, wengert.complex64])
def test_pickles_keep_kind_dtype_and_values(dtype):
    p = nn.Parameter(wengert.ones(2, dtype=dtype))
    p.note = "kept"
    q = pickle.loads(pickle.dumps(p))
    assert type(q) is nn.Parameter
    assert q.requires_grad
    assert q.dtype is dtype
    assert q.note == "kept"
    np.testing.assert_array_equal(array(q), array(p))


def test_repr_says_that_it_is_one():
    assert repr(nn.Parameter(wengert.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_buffers_know_whether_they_persist():
    assert nn.Buffer(wengert.ones(2)).persistent
    b = copy.deepcopy(nn.Buffer(wengert.ones(2), persistent=False))
    assert type(b) is nn.Buffer
    assert not b.persistent
    assert not pickle.loads(pickle.dumps(b)).persistent
