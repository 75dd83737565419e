"""Strides, contiguity, dtype and device, beside PyTorch's."""

from __future__ import annotations

import pytest

import wengert
from tests.functions.both import agree


def x(t):
    return t.arange(6.0).reshape(2, 3)


CASES = {
    "contiguous": lambda t: [a.is_contiguous() for a in (x(t), x(t).t(), x(t)[:, 1:], x(t)[1:], x(t)[:, :1])],
    "contiguous of nothing": lambda t: t.zeros(0, 3).t().is_contiguous(),
    "contiguous with ones": lambda t: t.ones(3, 1).t().is_contiguous(),
    "made contiguous": lambda t: (x(t).t().contiguous(), x(t).t().contiguous().stride()),
    "stride": lambda t: (x(t).stride(), x(t).t().stride(), x(t).stride(-1), t.tensor(1.0).stride()),
    "offset": lambda t: (x(t)[1].storage_offset(), x(t)[1, 2:].storage_offset(), x(t).storage_offset()),
    "to dtype": lambda t: x(t).to(t.int32),
    "to device": lambda t: x(t).to("cpu"),
    "to device and dtype": lambda t: x(t).to("cpu", t.float64),
    "to device object": lambda t: x(t).to(t.device("cpu"), dtype=t.float16),
    "to other": lambda t: x(t).to(t.ones(1, dtype=t.int8)),
    "to by keywords": lambda t: x(t).to(device="cpu", dtype=t.float64, non_blocking=True, copy=True),
    "float": lambda t: t.arange(3).float(),
    "double": lambda t: t.arange(3).double(),
    "half": lambda t: t.arange(3).half(),
    "bfloat16": lambda t: (t.arange(3) / 3).bfloat16(),
    "long": lambda t: t.tensor([1.7, -1.7]).long(),
    "int": lambda t: t.tensor([1.7, -1.7]).int(),
    "short": lambda t: t.tensor([1.7, -1.7]).short(),
    "char": lambda t: t.tensor([1.7, -1.7]).char(),
    "byte": lambda t: t.tensor([1.7, 200.5]).byte(),
    "bool": lambda t: t.tensor([0.0, 0.5, float("nan")]).bool(),
    "cfloat": lambda t: x(t).cfloat(),
    "complex to real": lambda t: t.tensor([1 + 2j]).to(t.float32),
    "type": lambda t: [t.ones(1, dtype=d).type().partition(".")[2] for d in (t.float32, t.int64, t.bool, t.bfloat16)],
    "type by name": lambda t: x(t).type("torch.LongTensor"),
    "type by dtype": lambda t: x(t).type(t.float64),
    "type_as": lambda t: x(t).type_as(t.ones(1, dtype=t.int64)),
    "questions": lambda t: (t.numel(x(t)), t.is_floating_point(x(t)), t.is_complex(x(t)), x(t).nelement(), x(t).ndimension()),
    "is_nonzero": lambda t: (t.is_nonzero(t.tensor([2.0])), t.is_nonzero(t.tensor(0))),
    "is_same_size": lambda t: x(t).is_same_size(t.ones(2, 3)),
    "is_signed": lambda t: (x(t).is_signed(), t.ones(1, dtype=t.uint8).is_signed()),
    "get_device": lambda t: x(t).get_device(),
    "resize_ to the same number": lambda t: x(t).clone().resize_(3, 2),
    "resize_ to fewer": lambda t: x(t).clone().resize_(2, 2),
    "resize_ to more": lambda t: x(t).clone().resize_(4, 4).shape,
    "resize_as_": lambda t: x(t).clone().resize_as_(t.ones(6)),
    "storage": lambda t: (x(t)[1].untyped_storage().nbytes(), x(t).untyped_storage().data_ptr() > 0),
    "where it is": lambda t: (x(t).is_cpu, x(t).is_conj(), x(t).resolve_conj()),
    "cpu": lambda t: x(t).cpu(),
}

ERRORS = {
    "is_nonzero of several": lambda t: t.is_nonzero(x(t)),
    "stride beyond": lambda t: x(t).stride(2),
    "type by a wrong name": lambda t: x(t).type("torch.NoTensor"),
    "to nowhere": lambda t: x(t).to("nowhere"),
    "to a list": lambda t: x(t).to([1]),
    "resize_ of what requires grad": lambda t: x(t).clone().requires_grad_().resize_(2),
}


@pytest.mark.parametrize("name", CASES)
def test_layout_as_in_pytorch(name):
    agree(CASES[name])


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])


def test_what_is_so_already_comes_back_itself():
    a = wengert.ones(2)
    for same in (a.to("cpu"), a.to(wengert.float32), a.float(), a.cpu(), a.contiguous(), a.type(wengert.float32)):
        assert same is a
    assert a.to(wengert.float32, copy=True) is not a


def test_conversion_is_differentiated_in_the_input_s_dtype():
    def case(t):
        leaf = t.ones(2, requires_grad=True)
        (leaf.double() * t.tensor([0.1, 0.2], dtype=t.float64)).sum().backward()
        return leaf.grad

    agree(case)


def test_there_is_no_cuda_device():
    with pytest.raises(RuntimeError, match="is_available"):
        wengert.ones(1).cuda()


def test_set_shows_the_memory_of_another():
    memory, y = wengert.arange(6.0).reshape(2, 3), wengert.zeros(1)
    assert y.set_(memory.t()) is y and y.stride() == (1, 3)
    memory[0, 1] = 10.0
    assert y.tolist() == [[0.0, 3.0], [10.0, 4.0], [2.0, 5.0]]
    y[2, 1] = -1.0
    assert memory[1, 2].item() == -1.0
    assert y.set_().shape == (0,)
    assert memory.shape == (2, 3)


def test_set_refuses_another_dtype_and_a_leaf_that_requires_grad():
    with pytest.raises(RuntimeError, match="dtype"):
        wengert.zeros(1).set_(wengert.zeros(1, dtype=wengert.float64))
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        wengert.zeros(1, requires_grad=True).set_(wengert.zeros(2))
    with pytest.raises(TypeError, match="source"):
        wengert.zeros(1).set_(3)
