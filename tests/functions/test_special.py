"""Special functions, beside PyTorch. The primitives themselves are tested in tests/primitives/test_special.py."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import INF, NAN, array, beside, normal, ours, raises_as_peer, tensor
from wengert.functions import special

pytest.importorskip("scipy")

LINE = np.array([-2.3, -0.7, 0.4, 1.3, 2.8])
POSITIVE = np.array([0.3, 0.9, 1.7, 4.2])

UNARY = {
    "entr": POSITIVE, "erf": LINE, "erfc": LINE, "erfcx": LINE, "erfinv": LINE / 3, "exp2": LINE, "expit": LINE,
    "expm1": LINE, "gammaln": POSITIVE, "i0": LINE, "i0e": LINE, "i1": LINE, "i1e": LINE, "log1p": POSITIVE,
    "log_ndtr": LINE, "logit": np.array([0.1, 0.5, 0.8]), "ndtr": LINE, "ndtri": np.array([0.1, 0.5, 0.8]),
    "psi": POSITIVE, "digamma": POSITIVE, "sinc": LINE, "round": LINE,
}  # fmt: skip


def both(m):
    """The `special` of either side."""
    return special if m is ours else m.special


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name):
    # PyTorch 2.13 has no second derivative of ndtri's, log_ndtr's and erfcx's kind everywhere; the battery has ours.
    beside(lambda m, x: getattr(both(m), name)(x), UNARY[name], second=name not in ("i1e", "i1"))
    if name != "round":
        beside(lambda m, x: getattr(both(m), name)(x), np.array([1, 0]), derivative=False)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "zeta", "gammainc", "gammaincc"])
def test_functions_of_two_numbers(name):
    x, w = POSITIVE + 1.1, POSITIVE[::-1].copy()
    beside(lambda m, x, w: getattr(both(m), name)(x, w), x, w, derivative=name.startswith("x"))
    if name.startswith("gamma"):
        beside(lambda m, w: getattr(both(m), name)(const(m, x), w), w, second=False)


def const(m, values):
    """An array as a tensor of the module's own, without derivative."""
    return tensor(values) if m is ours else m.from_numpy(values)


def test_what_is_also_at_the_top():
    beside(lambda m, x: m.polygamma(1, x), POSITIVE)
    beside(lambda m, x: m.polygamma(3, x), POSITIVE, second=False)
    beside(lambda m, x: m.polygamma(0, x), POSITIVE)
    beside(lambda m, x: m.polygamma(1, x), np.array([1, 2]))
    beside(lambda m, x: m.mvlgamma(x, 3), POSITIVE + 2)
    beside(lambda m, x: m.mvlgamma(x, p=1), np.array([1, 2]))
    beside(lambda m, x, w: m.igamma(x, w), POSITIVE, POSITIVE, derivative=False)
    beside(lambda m, x, w: m.igammac(x, w), POSITIVE, POSITIVE, derivative=False)
    beside(lambda m, x: both(m).multigammaln(x, 2), POSITIVE + 2)
    beside(lambda m, x: both(m).polygamma(2, x), POSITIVE, second=False)


def test_entropy_at_the_edge():
    beside(lambda m, x: both(m).entr(x), np.array([0.0, 1, NAN, 0.5, INF]), second=False)
    beside(lambda m, x: both(m).entr(x), np.array([-1.0, -INF]), derivative=False)


def test_names_shared_with_the_top():
    x = tensor(normal(2, 3))
    assert special.softmax is ours.softmax and special.log_softmax is ours.log_softmax
    np.testing.assert_array_equal(array(special.logsumexp(x, 1)), array(ours.logsumexp(x, 1)))
    beside(lambda m, x: both(m).logit(x, eps=0.1), np.array([0.0, 0.5, 1.0]), second=False)
    beside(lambda m, x: both(m).round(x, decimals=1), LINE)


def test_wrong_arguments_are_errors():
    raises_as_peer(lambda m, x: m.polygamma(-1, x), POSITIVE)
    raises_as_peer(lambda m, x: m.mvlgamma(x, 0), POSITIVE)
    raises_as_peer(lambda m, x: m.igamma(x, x), np.array([1, 2]))
    with pytest.raises(NotImplementedError, match="derivative of gammainc"):
        from_first = tensor(POSITIVE, requires_grad=True)
        special.gammainc(from_first, tensor(POSITIVE)).backward(tensor(np.ones(4)))


@pytest.mark.parametrize("kind", "tuvw")
@pytest.mark.parametrize("name", ["chebyshev_polynomial_", "shifted_chebyshev_polynomial_"])
def test_chebyshev_polynomials_and_their_shifted_ones_agree(name, kind):
    x, n = np.linspace(-0.9, 1.3, 7), np.array([0.0, 1, 2, 3, 4, 5, 9])
    beside(lambda t, x: getattr(t.special, name + kind)(x, t.from_numpy(n)), x, derivative=False)
