"""gradcheck finds wrong derivatives, and only those."""

import pytest

import wengert
from tests.autograd.both import leaf
from wengert.autograd import Function, gradcheck, gradgradcheck
from wengert.autograd.gradcheck import GradcheckError


class Wrong(Function):
    """y = x^2 with half of its derivative, or of its tangent."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * x

    @staticmethod
    def jvp(ctx, x_dot):
        (x,) = ctx.saved_tensors
        return x_dot * x


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    "func",
    [
        lambda x: x.sin() * x,
        lambda x: (x.exp(), x.sum(), x.argmax()),
        lambda x: x @ x.t(),
        lambda x: x.sum().reshape(1, 1),
        lambda x: x[:0],
        lambda x: x.new_ones(3),
    ],
)
def test_right_derivatives_pass(func, fast):
    x = leaf(wengert, 2, 2)
    assert gradcheck(func, x, check_forward_ad=True, check_batched_grad=not fast, fast_mode=fast)


def test_second_derivatives():
    x, y = leaf(wengert, 2, 2), leaf(wengert, 2, 2, seed=1)
    assert gradgradcheck(lambda x, y: (x @ y).tanh(), (x, y), check_fwd_over_rev=True, check_batched_grad=True)
    assert gradgradcheck(lambda x: x.exp(), x, [leaf(wengert, 2, 2, seed=3)])


def test_complex_functions_are_checked_as_real_ones_twice_as_wide():
    z = leaf(wengert, 3, dtype="complex128")
    x = leaf(wengert, 3)
    assert gradcheck(lambda z: z * z.conj() + z.exp(), z, check_forward_ad=True, check_batched_grad=True)
    assert gradcheck(lambda z: z.abs(), z, check_forward_ad=True)
    assert gradcheck(lambda x: wengert.complex(x, x * 2).exp(), x, check_forward_ad=True)
    assert gradcheck(lambda x, z: (x * z).real, (x, z), check_forward_ad=True, fast_mode=True)
    assert gradgradcheck(lambda z: z * z * z.conj(), z)


@pytest.mark.parametrize("fast", [False, True])
def test_wrong_derivatives_are_found_and_shown(fast):
    x = wengert.tensor([1.0, 2.0], dtype=wengert.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0") as caught:
        gradcheck(Wrong.apply, x, fast_mode=fast)
    assert "numerical" in str(caught.value) and "analytical" in str(caught.value)
    if not fast:
        assert "[[2. 0.]" in str(caught.value).replace("2.00000000e+00", "2.") or "4." in str(caught.value)
    with pytest.raises(GradcheckError, match="forward mode"):
        gradcheck(Wrong.apply, x, check_backward_ad=False, check_forward_ad=True, fast_mode=fast)
    assert gradcheck(Wrong.apply, x, raise_exception=False, fast_mode=fast) is False


def test_a_missing_derivative_is_found():
    with pytest.raises(GradcheckError):
        gradcheck(lambda x: x.detach() * 2 + x * 0, leaf(wengert, 2))
    with pytest.raises(GradcheckError, match="does not require grad"):
        gradcheck(lambda x: x.detach() * 2, leaf(wengert, 2))


def test_wrong_second_derivatives_are_found():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x.detach() ** 2

    x = leaf(wengert, 2)
    assert gradcheck(Once.apply, x)
    with pytest.raises(GradcheckError):
        gradgradcheck(Once.apply, x)


def test_a_backward_that_changes_its_mind():
    class Fickle(Function):
        calls = 0

        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            Fickle.calls += 1
            return grad * (2 + 1e-6 * Fickle.calls)

    x = leaf(wengert, 2)
    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(Fickle.apply, x)
    assert gradcheck(Fickle.apply, x, nondet_tol=1e-3)


def test_some_inputs_only():
    x, y = leaf(wengert, 2), leaf(wengert, 2).detach()
    assert gradcheck(lambda x, y, k: x * y * k, (x, y, 3))
    assert gradcheck(lambda i, x: x[i], (wengert.tensor([0, 1, 1]), x))


def test_inputs_are_left_alone():
    x = leaf(wengert, 2)
    gradcheck(lambda x: x.exp(), x)
    assert x.grad is None


def test_bad_calls():
    with pytest.raises(ValueError, match="requires_grad"):
        gradcheck(lambda x: x, wengert.ones(2))
    with pytest.raises(ValueError, match="both be False"):
        gradcheck(lambda x: x, leaf(wengert, 2), check_backward_ad=False)
    with pytest.warns(UserWarning, match="double precision"):
        gradcheck(lambda x: x * 2, wengert.ones(2, requires_grad=True), eps=1e-2, atol=1e-2)
