"""Pruning beside PyTorch's. Random choices are compared in how many elements they leave."""

import numpy as np
import pytest

import wengert
from tests.functions.peer import array, normal, tensor
from tests.nn.peer import compare, state_of, torch

pytest.importorskip("torch.nn.utils.prune")
SIDES = (wengert, torch)


def pair():
    mine, theirs = wengert.nn.Linear(5, 4).double(), torch.nn.Linear(5, 4).double()
    theirs.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state_of(mine).items()})
    return mine, theirs


def agree(mine, theirs):
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for name, value in state_of(mine).items():
        np.testing.assert_array_equal(value, state_of(theirs)[name], err_msg=name)
    x = normal(2, 5)
    a, b = tensor(x, True), torch.from_numpy(x.copy()).requires_grad_()
    compare(mine(a), theirs(b), [a, *mine.parameters()], [b, *theirs.parameters()], True)


def of(lib, layer, value):
    return tensor(value) if lib is wengert else torch.from_numpy(np.array(value))


STEPS = {
    "identity": lambda lib, m: lib.nn.utils.prune.identity(m, "weight"),
    "l1": lambda lib, m: lib.nn.utils.prune.l1_unstructured(m, "weight", 0.3),
    "l1 by count": lambda lib, m: lib.nn.utils.prune.l1_unstructured(m, "weight", 4),
    "l1 by scores": lambda lib, m: lib.nn.utils.prune.l1_unstructured(
        m, "weight", 0.5, importance_scores=of(lib, m, normal(4, 5, seed=3))
    ),
    "rows": lambda lib, m: lib.nn.utils.prune.ln_structured(m, "weight", 0.25, n=2, dim=0),
    "columns": lambda lib, m: lib.nn.utils.prune.ln_structured(m, "weight", 2, n=float("inf"), dim=-1),
    "mask": lambda lib, m: lib.nn.utils.prune.custom_from_mask(m, "weight", of(lib, m, np.eye(4, 5))),
}


@pytest.mark.parametrize("first", list(STEPS))
def test_methods_agree_alone_and_on_top_of_each_other(first):
    for second in (None, "l1", "rows", "mask"):
        mine, theirs = pair()
        for lib, layer in zip(SIDES, (mine, theirs)):
            STEPS[first](lib, layer)
            if second is not None:
                STEPS[second](lib, layer)
        agree(mine, theirs)
        for lib, layer in zip(SIDES, (mine, theirs)):
            assert lib.nn.utils.prune.is_pruned(layer)
            lib.nn.utils.prune.remove(layer, "weight")
            assert not lib.nn.utils.prune.is_pruned(layer)
        assert isinstance(mine.weight, wengert.nn.Parameter)
        agree(mine, theirs)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        (lambda P, m: P.random_unstructured(m, "weight", 7), 13),
        (lambda P, m: P.random_structured(m, "weight", 0.4, 1), 12),
    ],
)
def test_random_choices_leave_as_many(name, left):
    mine, theirs = pair()
    for lib, layer in zip(SIDES, (mine, theirs)):
        name(lib.nn.utils.prune, layer)
        assert int(layer.weight_mask.sum()) == left


def test_pruning_across_modules_agrees():
    nets = []
    for lib in SIDES:
        net = lib.nn.Sequential(lib.nn.Linear(5, 4), lib.nn.Linear(4, 3)).double()
        nets.append(net)
    nets[1].load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state_of(nets[0]).items()})
    for amount in (0.4, 5):
        for lib, net in zip(SIDES, nets):
            P = lib.nn.utils.prune
            P.global_unstructured([(net[0], "weight"), (net[1], "weight")], P.L1Unstructured, amount=amount)
        for name, value in state_of(nets[0]).items():
            np.testing.assert_array_equal(value, state_of(nets[1])[name], err_msg=name)


def test_a_method_of_ones_own():
    def checkerboard(lib):
        class Checkerboard(lib.nn.utils.prune.BasePruningMethod):
            PRUNING_TYPE = "unstructured"

            def compute_mask(self, t, default_mask):
                mask = default_mask.clone()
                mask.view(-1)[::2] = 0
                return mask

        return Checkerboard

    mine, theirs = pair()
    for lib, layer in zip(SIDES, (mine, theirs)):
        checkerboard(lib).apply(layer, "weight")
        checkerboard(lib).apply(layer, "weight")
    agree(mine, theirs)
    t = normal(4, 5)
    y, w = (checkerboard(lib)().prune(of(lib, None, t)) for lib in SIDES)
    np.testing.assert_array_equal(array(y), array(w))


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda P, m: P.l1_unstructured(m, "weight", "half"), TypeError),
        (lambda P, m: P.l1_unstructured(m, "weight", 1.5), ValueError),
        (lambda P, m: P.l1_unstructured(m, "weight", -1), ValueError),
        (lambda P, m: P.l1_unstructured(m, "weight", 21), ValueError),
        (lambda P, m: P.ln_structured(m, "bias", 1, 2, 0), ValueError),
        (lambda P, m: P.ln_structured(m, "weight", 1, 2, 2), IndexError),
        (lambda P, m: P.remove(m, "weight"), ValueError),
        (lambda P, m: P.global_unstructured(3, P.L1Unstructured, amount=1), TypeError),
        (lambda P, m: P.global_unstructured([(m, "weight")], P.LnStructured, amount=1, n=1), TypeError),
        (lambda P, m: P.l1_unstructured(m, "weight", 1, importance_scores=m.bias), AssertionError),
    ],
)
def test_wrong_input_is_refused(call, kind):
    for lib, layer in zip(SIDES, pair()):
        with pytest.raises(kind):
            call(lib.nn.utils.prune, layer)
