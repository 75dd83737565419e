"""Parametrizations beside PyTorch's: values, gradients, names, assignments, errors."""

import copy
import pickle

import numpy as np
import pytest

import wengert
from tests.functions.peer import array, normal, tensor
from tests.nn.peer import compare, state_of, torch
from wengert import nn

SIDES = (wengert, torch)


def pair(make):
    """A module on both sides, with the same state in double precision."""
    mine, theirs = make(wengert), make(torch)
    for module in (mine, theirs):
        module.double()
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in state_of(mine).items()}, strict=False)
    return mine, theirs


def agree(mine, theirs, x, second=True):
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert repr(mine) == repr(theirs)
    a, b = tensor(x, True), torch.from_numpy(x.copy()).requires_grad_()
    compare(mine(a), theirs(b), [a, *mine.parameters()], [b, *theirs.parameters()], second, 100)


def symmetric(lib):
    class Symmetric(lib.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

        def right_inverse(self, x):
            return x.triu()

    return Symmetric()


def factors(lib):
    class Factors(lib.nn.Module):
        def forward(self, a, b):
            return a * b

        def right_inverse(self, x):
            return x.abs().sqrt(), x.abs().sqrt()

    return Factors()


def halved(lib):
    class Halved(lib.nn.Module):
        def forward(self, x):
            return x / 2

        def right_inverse(self, x):
            return x * 2

    return Halved()


def plain(lib):
    class Plain(lib.nn.Module):
        def forward(self, x):
            return x.sin()

    return Plain()


def registered(lib, *functions):
    layer = lib.nn.Linear(3, 3)
    for function in functions:
        lib.nn.utils.parametrize.register_parametrization(layer, "weight", function(lib))
    return layer


@pytest.mark.parametrize("functions", [(symmetric,), (factors,), (plain,), (symmetric, halved), (factors, plain, halved)])
def test_parametrized_weights_agree(functions):
    mine, theirs = pair(lambda lib: registered(lib, *functions))
    agree(mine, theirs, normal(2, 3))
    same = nn.utils.parametrize.type_before_parametrizations(mine)
    assert same is nn.Linear
    assert type(mine).__name__ == type(theirs).__name__ == "ParametrizedLinear"


def test_assigning_goes_through_the_inverses():
    mine, theirs = pair(lambda lib: registered(lib, symmetric, halved))
    w = normal(3, 3)
    w = w + w.T
    mine.weight, theirs.weight = tensor(w), torch.from_numpy(w)
    np.testing.assert_allclose(array(mine.weight), w)
    agree(mine, theirs, normal(2, 3))
    layer = registered(wengert, plain)
    with pytest.raises(RuntimeError, match="right_inverse"):
        layer.weight = tensor(w)


@pytest.mark.parametrize("leave", [True, False])
def test_removing_leaves_the_value_or_the_original(leave):
    mine, theirs = pair(lambda lib: registered(lib, symmetric, halved))
    before = mine.parametrizations.weight.original
    for lib, layer in zip(SIDES, (mine, theirs)):
        lib.nn.utils.parametrize.remove_parametrizations(layer, "weight", leave)
        assert type(layer) is lib.nn.Linear
        assert not lib.nn.utils.parametrize.is_parametrized(layer)
    assert mine.weight is before
    agree(mine, theirs, normal(2, 3))


def test_removing_several_originals():
    layer = registered(wengert, factors)
    value = array(layer.weight)
    with pytest.raises(ValueError, match="sequence of tensors"):
        nn.utils.parametrize.remove_parametrizations(layer, "weight", False)
    nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert isinstance(layer.weight, nn.Parameter)
    np.testing.assert_array_equal(array(layer.weight), value)
    with pytest.raises(ValueError, match="does not have a parametrization"):
        nn.utils.parametrize.remove_parametrizations(layer, "weight")


def test_cached_computes_once():
    layer = registered(wengert, symmetric)
    assert layer.weight is not layer.weight
    with nn.utils.parametrize.cached():
        with nn.utils.parametrize.cached():
            first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first


def test_copies_are_parametrized_and_pickles_refused():
    layer = registered(wengert, symmetric)
    other = copy.deepcopy(layer)
    np.testing.assert_array_equal(array(other.weight), array(layer.weight))
    assert other.parametrizations.weight.original is not layer.parametrizations.weight.original
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(layer)


def test_two_modules_keep_their_own_classes():
    one, other = registered(wengert, symmetric), nn.Linear(3, 3)
    assert type(other) is nn.Linear
    assert isinstance(one, nn.Linear)


def test_transferred_parametrizations_share_originals():
    for lib in SIDES:
        one, other = registered(lib, factors), lib.nn.Linear(3, 3)
        P = lib.nn.utils.parametrize
        P.transfer_parametrizations_and_params(one, other)
        assert P.is_parametrized(other, "weight")
        assert other.parametrizations.weight.original0 is one.parametrizations.weight.original0


def test_what_cannot_stand_for_the_weight_is_refused():
    def returning(lib, result):
        class Wrong(lib.nn.Module):
            def forward(self, x):
                return result(x)

        return Wrong()

    for result in (lambda x: 3, lambda x: x[:1], lambda x: x.double()):
        for first in (None, symmetric):
            for lib in SIDES:
                layer = lib.nn.Linear(3, 3) if first is None else registered(lib, first)
                with pytest.raises(ValueError, match=r"must return a tensor|may not change the"):
                    lib.nn.utils.parametrize.register_parametrization(layer, "weight", returning(lib, result))
    for lib in SIDES:
        with pytest.raises(ValueError, match="does not have a parameter"):
            lib.nn.utils.parametrize.register_parametrization(lib.nn.Linear(3, 3), "mass", symmetric(lib))
        layer = lib.nn.Linear(3, 3)
        lib.nn.utils.parametrize.register_parametrization(layer, "weight", returning(lib, lambda x: x[:1]), unsafe=True)
        assert tuple(layer.weight.shape) == (1, 3)


# --- those that are there ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_agrees(dim):
    """Second derivatives stand in test_normalized: PyTorch's (2.13) fail its own gradgradcheck."""
    mine, theirs = pair(lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(3, 4), dim=dim))
    agree(mine, theirs, normal(2, 3), second=False)
    state = {"weight_g": mine.parametrizations.weight.original0 * 2, "weight_v": tensor(normal(4, 3)), "bias": mine.bias}
    mine.load_state_dict(state)
    theirs.load_state_dict({k: torch.from_numpy(np.array(array(v))) for k, v in state.items()})
    agree(mine, theirs, normal(2, 3), second=False)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dim", [None, 1])
def test_spectral_norm_agrees(dim, training):
    make = lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(3, 4), n_power_iterations=2, dim=dim)
    mine, theirs = pair(make)
    mine.train(training)
    theirs.train(training)
    for _ in range(2):
        agree(mine, theirs, normal(2, 3))
        for name, value in state_of(mine).items():
            np.testing.assert_allclose(value, state_of(theirs)[name], rtol=1e-9)
    assert np.linalg.norm(array(mine.weight), 2) == pytest.approx(1, abs=0.05)


def test_spectral_norm_of_a_vector_and_wrong_arguments():
    mine, theirs = pair(lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.LayerNorm(3)))
    agree(mine, theirs, normal(2, 3))
    for lib in SIDES:
        S = lib.nn.utils.parametrizations.spectral_norm
        with pytest.raises(ValueError, match="n_power_iterations"):
            S(lib.nn.Linear(3, 3), n_power_iterations=0)
        with pytest.raises(IndexError, match="out of range"):
            S(lib.nn.Linear(3, 3), dim=2)
        with pytest.raises(ValueError, match="no parameter"):
            S(lib.nn.Linear(3, 3), "mass")


@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("shape", [(3, 3), (3, 5), (5, 3)])
@pytest.mark.parametrize("map", ["cayley", "householder", "matrix_exp"])
def test_orthogonal_agrees(map, shape, trivial):
    random = np.random.default_rng(1)
    make = lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(*shape, bias=False), orthogonal_map=map, use_trivialization=trivial
    )
    mine, theirs = make(wengert).double(), make(torch).double()
    value = random.normal(size=(shape[1], shape[0])) * 0.3
    if map == "householder":
        np.fill_diagonal(value, random.choice([-1.0, 1.0], min(shape)))
    state = {"parametrizations.weight.original": value}
    if trivial:
        n = max(shape)
        state["parametrizations.weight.0.base"] = np.linalg.qr(random.normal(size=(n, n)))[0]
    mine.load_state_dict({k: tensor(v) for k, v in state.items()})
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    agree(mine, theirs, normal(2, shape[0]))
    w = array(mine.weight)
    small = w @ w.T if shape[1] <= shape[0] else w.T @ w
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize(
    ("map", "trivial"), [("cayley", True), ("matrix_exp", True), ("householder", True), ("householder", False)]
)
def test_an_orthogonal_matrix_can_be_assigned(map, trivial, shape):
    layer = nn.Linear(*shape, bias=False).double()
    nn.utils.parametrizations.orthogonal(layer, orthogonal_map=map, use_trivialization=trivial)
    n, k = max(shape), min(shape)
    q = np.linalg.qr(normal(n, k))[0]
    q = q if shape[1] >= shape[0] else q.T
    layer.weight = tensor(q)
    np.testing.assert_allclose(array(layer.weight), q, atol=1e-12)


def test_orthogonal_refuses():
    for lib in SIDES:
        O = lib.nn.utils.parametrizations.orthogonal
        for name, map in (("bias", None), ("mass", None), ("weight", "qr")):
            with pytest.raises(ValueError, match=r"matrix|no parameter|orthogonal_map"):
                O(lib.nn.Linear(3, 3), name, map)
        layer = O(lib.nn.Linear(3, 3), orthogonal_map="cayley", use_trivialization=False)
        with pytest.raises(NotImplementedError):
            layer.weight = lib.eye(3)
