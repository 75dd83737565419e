"""Groups, saving, hooks, closures, and what is refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from tests.optim.tools import array, parameter, tensor, two_groups
from wengert import dtypes, optim
from wengert.graph.record import recorder, tracking
from wengert.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from wengert.tensors.tensor import Tensor, wrap, write

METHODS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"]


def sgd(*xs, **options):
    return optim.SGD(list(xs), lr=0.5, **options)


def step_with(optimizer, gradient=1.0):
    for group in optimizer.param_groups:
        for x in group["params"]:
            x.grad = tensor(np.full(x.shape, gradient), x.dtype)
    return optimizer.step()


# --- groups --------------------------------------------------------------------------------------------------------


def test_groups_keep_their_own_options_and_take_the_rest_from_the_defaults():
    optimizer = two_groups(momentum=0.9)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.9]
    assert optimizer.defaults["lr"] == 0.1
    optimizer.add_param_group({"params": parameter([3.0]), "momentum": 0.0})
    assert optimizer.param_groups[2]["momentum"] == 0.0
    assert len(optimizer.param_groups[2]["params"]) == 1


def test_the_given_group_is_not_changed():
    given = {"params": [parameter([1.0])]}
    optim.SGD([given])
    assert set(given) == {"params"}


def test_parameters_may_come_from_a_generator():
    optimizer = optim.SGD(x for x in [parameter([1.0]), parameter([2.0])])
    assert len(optimizer.param_groups[0]["params"]) == 2
    assert len(optim.SGD([{"params": iter([parameter([1.0])])}]).param_groups[0]["params"]) == 1


def test_parameters_may_have_names():
    x, y = parameter([1.0]), parameter([2.0])
    optimizer = optim.SGD([("w", x), ("b", y)])
    assert optimizer.param_groups[0]["params"] == [x, y]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]
    with pytest.raises(ValueError, match="with/without names"):
        optimizer.add_param_group({"params": [parameter([1.0])]})
    with pytest.raises(ValueError, match="Some param names are missing"):
        optim.SGD([("w", x), y])


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda x: optim.SGD(x), TypeError, "iterable of Tensors or dicts"),
        (lambda x: optim.SGD([]), ValueError, "empty parameter list"),
        (lambda x: optim.SGD([1]), TypeError, "one of the params is int"),
        (lambda x: optim.SGD(None), TypeError, "iterable"),
        (lambda x: optim.SGD([{"lr": 1.0}]), KeyError, "params"),
        (lambda x: optim.SGD([{"params": [x]}, {"params": [x]}]), ValueError, "more than one parameter group"),
        (lambda x: optim.SGD({x}), TypeError, "ordered collections"),
        (lambda x: optim.SGD([{"params": {x}}]), TypeError, "ordered collections"),
        (lambda x: optim.SGD([wrap(x._read() * 2)]), ValueError, "non-leaf"),
        (lambda x: optim.SGD([x]).add_param_group([x]), TypeError, "must be a dict"),
        (lambda x: Optimizer([x], {"lr": required}), ValueError, "required optimization parameter lr"),
        (lambda x: Optimizer([x], {}).step(), NotImplementedError, "no step"),
        (lambda x: optim.SGD([x], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda x: optim.SGD([x], lr=float("nan")), ValueError, "Invalid learning rate: nan"),
        (lambda x: optim.SGD([x], lr="fast"), TypeError, "'>='"),
        (lambda x: optim.SGD([x], lr=tensor([0.1, 0.2])), ValueError, "1-element"),
        (lambda x: optim.SGD([x], momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda x: optim.SGD([x], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda x: optim.SGD([x], nesterov=True), ValueError, "Nesterov momentum requires"),
        (
            lambda x: optim.SGD([x], nesterov=True, momentum=0.9, dampening=0.1),
            ValueError,
            "Nesterov momentum requires",
        ),
        (lambda x: optim.SGD([x], fused=True, foreach=True), RuntimeError, "cannot be `True` together"),
        (lambda x: optim.SGD([x], fused=True, differentiable=True), RuntimeError, "does not support"),
        (lambda x: optim.Adam([x], lr=-1), ValueError, "Invalid learning rate"),
        (lambda x: optim.Adam([x], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda x: optim.Adam([x], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda x: optim.Adam([x], betas=(0.9, -1)), ValueError, "Invalid beta parameter at index 1: -1"),
        (lambda x: optim.Adam([x], betas=0.9), TypeError, ""),
        (lambda x: optim.Adam([x], betas=(tensor(0.1), 0.9)), ValueError, "both floats or both Tensors"),
        (lambda x: optim.AdamW([x], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda x: optim.RMSprop([x], alpha=-1), ValueError, "Invalid alpha value: -1"),
        (lambda x: optim.RMSprop([x], momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda x: optim.RMSprop([x], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda x: optim.Adagrad([x], lr_decay=-1), ValueError, "Invalid lr_decay value: -1"),
        (lambda x: optim.Adagrad([x], initial_accumulator_value=-1), ValueError, "initial_accumulator_value value: -1"),
        (lambda x: optim.Adagrad([x], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda x: optim.Adam([x]).step(1), TypeError, "not callable"),
    ],
)
def test_wrong_arguments_are_refused(build, error, words):
    with pytest.raises(error, match=words or "."):
        build(parameter([1.0]))


def test_a_parameter_given_twice_is_said():
    x = parameter([1.0])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([x, x])


# --- a step --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_the_parameter_stays_the_same_leaf(name):
    x = parameter([1.0, 2.0])
    optimizer = getattr(optim, name)([x])
    step_with(optimizer)
    assert not recorder.tape
    assert x.is_leaf
    assert x.requires_grad
    assert x._version == 1


def test_a_view_of_the_parameter_sees_the_update():
    x = parameter([1.0, 2.0])
    seen = x.detach()
    step_with(sgd(x))
    np.testing.assert_array_equal(array(seen), [0.5, 1.5])


def test_the_closure_runs_with_tracking_and_its_loss_is_returned():
    x = parameter([1.0])
    optimizer = sgd(x)

    def closure():
        assert recorder.tracking
        x.grad = tensor([2.0])
        return "loss"

    with tracking(False):
        assert optimizer.step(closure) == "loss"
    assert array(x) == 0.0


@pytest.mark.parametrize("name", METHODS)
def test_a_differentiable_step_carries_the_derivative(name):
    start = parameter([1.0, 2.0], dtypes.float64)
    x = wrap(start._read() * 1.0)
    x.grad = wrap(start._read() * 0.5)
    getattr(optim, name)([x], differentiable=True, lr=0.125).step()
    assert x.requires_grad
    assert not x.is_leaf


def test_a_differentiable_step_on_a_leaf_is_refused():
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        step_with(sgd(parameter([1.0]), differentiable=True))


def test_tracking_is_as_before_after_a_failed_step():
    x = parameter([1.0])
    optimizer = sgd(x)
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    assert recorder.tracking
    step_with(optimizer)
    assert array(x) == 0.5


# --- zero_grad -----------------------------------------------------------------------------------------------------


def test_zero_grad_forgets_or_fills():
    x, y = parameter([1.0, 2.0]), parameter([1.0])
    optimizer = sgd(x, y)
    grad = x.grad = tensor([3.0, 4.0])
    optimizer.zero_grad(set_to_none=False)
    assert x.grad is grad
    assert y.grad is None
    np.testing.assert_array_equal(array(grad), [0, 0])
    optimizer.zero_grad()
    assert x.grad is None


def test_zero_grad_cuts_a_gradient_from_its_history():
    x = parameter([1.0, 2.0])
    x.grad = wrap(x._read() * 2)
    assert x.grad.requires_grad
    sgd(x).zero_grad(set_to_none=False)
    assert not x.grad.requires_grad
    np.testing.assert_array_equal(array(x.grad), [0, 0])


# --- saving --------------------------------------------------------------------------------------------------------


def states(optimizer):
    return [{k: array(v) for k, v in optimizer.state[x].items()} for g in optimizer.param_groups for x in g["params"]]


@pytest.mark.parametrize("name", METHODS)
def test_a_loaded_optimizer_goes_on_where_the_other_was(name):
    def make():
        given = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
        x, y = parameter([1.0, 2.0]), parameter([[3.0]])
        return (x, y), getattr(optim, name)([{"params": [x]}, {"params": [y], "lr": 0.3}], lr=0.1, **given)

    (x, y), first = make()
    for g in (1.0, -2.0, 0.5):
        step_with(first, g)
    (u, v), second = make()
    for mine, other in ((u, x), (v, y)):
        with tracking(False):
            write(mine, tensor(array(other))._node)
    second.load_state_dict(first.state_dict())
    for g in (1.0, 0.3):
        step_with(first, g), step_with(second, g)
    np.testing.assert_array_equal(array(x), array(u))
    np.testing.assert_array_equal(array(y), array(v))
    for mine, other in zip(states(second), states(first)):
        assert mine.keys() == other.keys()
        for key in mine:
            np.testing.assert_array_equal(mine[key], other[key])


@pytest.mark.parametrize("name", METHODS)
def test_the_state_dict_has_pytorchs_form(name):
    torch = pytest.importorskip("torch")
    x, y = parameter([1.0, 2.0]), torch.nn.Parameter(torch.ones(2))
    mine, theirs = getattr(optim, name)([x]), getattr(torch.optim, name)([y])
    y.grad = torch.ones(2)
    step_with(mine), theirs.step()
    a, b = mine.state_dict(), theirs.state_dict()
    assert a["param_groups"] == b["param_groups"]
    assert list(a["param_groups"][0]) == list(b["param_groups"][0])
    assert a["state"].keys() == b["state"].keys()
    for number in a["state"]:
        assert list(a["state"][number]) == list(b["state"][number])
        for key, value in a["state"][number].items():
            assert str(value.dtype).split(".")[-1] == str(b["state"][number][key].dtype).split(".")[-1]
            assert tuple(value.shape) == tuple(b["state"][number][key].shape)
    assert repr(mine) == repr(theirs)


def test_loading_copies_and_casts_but_for_the_count():
    x = parameter([1.0, 2.0], dtypes.float64)
    optimizer = optim.Adam([x])
    average = tensor([0.5, 0.25])
    state = {"step": tensor(7.0), "exp_avg": average, "exp_avg_sq": tensor([1.0, 1.0])}
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": {0: state, "note": 3}, "param_groups": groups})
    assert optimizer.state[x]["exp_avg"].dtype is dtypes.float64
    assert optimizer.state[x]["step"].dtype is dtypes.float32
    assert optimizer.state["note"] == 3
    step_with(optimizer)
    np.testing.assert_array_equal(array(average), [0.5, 0.25])
    assert optimizer.state[x]["step"].item() == 8.0


def test_an_old_state_is_completed():
    x = parameter([1.0])
    optimizer = optim.Adam([x])
    state = {"step": 3, "exp_avg": tensor([0.5]), "exp_avg_sq": tensor([1.0])}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [{"lr": 0.5, "params": [0]}]})
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert isinstance(optimizer.state[x]["step"], Tensor)
    step_with(optimizer)


def test_momentum_that_was_saved_as_none_begins_anew():
    x = parameter([1.0])
    optimizer = sgd(x, momentum=0.9)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": {0: {"momentum_buffer": None}}, "param_groups": groups})
    step_with(optimizer)
    assert array(optimizer.state[x]["momentum_buffer"]) == 1.0


def test_adamw_decouples_also_with_a_state_of_adam():
    x = parameter([1.0])
    optimizer = optim.AdamW([x])
    optimizer.load_state_dict(optim.Adam([x]).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"state": {}, "param_groups": []}, "different number of parameter groups"),
        ({"state": {}, "param_groups": [{"params": [0, 1]}]}, "doesn't match the size"),
    ],
)
def test_a_state_of_other_groups_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        sgd(parameter([1.0])).load_state_dict(given)


def test_a_refused_state_changes_nothing():
    optimizer = sgd(parameter([1.0]), momentum=0.9)
    step_with(optimizer)
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match="size"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})
    assert optimizer.state_dict() == before


def test_the_state_dict_is_numbered_across_groups():
    optimizer = two_groups(momentum=0.9)
    step_with(optimizer)
    saved = optimizer.state_dict()
    assert [group["params"] for group in saved["param_groups"]] == [[0], [1]]
    assert set(saved["state"]) == {0, 1}
    assert optimizer.param_groups[0]["params"][0] is not saved["param_groups"][0]["params"][0]


# --- hooks ---------------------------------------------------------------------------------------------------------


def test_hooks_run_around_a_step_and_can_be_removed():
    seen = []
    optimizer = sgd(parameter([1.0]))
    handles = [
        register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append("all before")),
        register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append("all after")),
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("before")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after")),
    ]
    optimizer.step()
    assert sorted(seen[:2]) == ["all before", "before"]
    assert sorted(seen[2:]) == ["after", "all after"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4


def test_a_hook_before_a_step_can_replace_its_arguments():
    optimizer = sgd(parameter([1.0]))
    handle = optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: "new",), kwargs))
    assert optimizer.step(lambda: "old") == "new"
    handle.remove()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="None or a tuple"):
        optimizer.step()


def test_hooks_run_once_where_a_subclass_calls_its_base():
    class Careful(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    seen = []
    optimizer = Careful([parameter([1.0])])
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(1))
    optimizer.step()
    assert seen == [1]


def test_hooks_around_saving_and_loading():
    seen = []
    optimizer = sgd(parameter([1.0]))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: {k: v for k, v in state.items() if k != "extra"})
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    saved = optimizer.state_dict()
    assert saved["extra"] == 1
    optimizer.load_state_dict(saved)
    assert seen == ["first", "second", "loaded"]


# --- an optimizer of one's own -------------------------------------------------------------------------------------


def test_a_step_of_ones_own_is_flushed_and_counted():
    class SignDescent(Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            with tracking(False):
                for group in self.param_groups:
                    for x in group["params"]:
                        write(x, x._read() - group["lr"])

    x = parameter([1.0])
    optimizer = SignDescent([x], lr=0.25)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    assert not recorder.tape
    schedule.step()  # no warning
    optimizer.step()
    assert array(x) == 1 - 0.25 - 0.125
    assert repr(optimizer) == "SignDescent (\nParameter Group 0\n    initial_lr: 0.25\n    lr: 0.125\n)"


def test_an_optimizer_can_be_copied_with_its_parameters():
    optimizer = sgd(parameter([1.0]), momentum=0.9)
    step_with(optimizer)
    for copied in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (x,) = copied.param_groups[0]["params"]
        step_with(copied)
        assert x is not optimizer.param_groups[0]["params"][0]
        assert array(copied.state[x]["momentum_buffer"]) == pytest.approx(1.9)
    assert array(optimizer.param_groups[0]["params"][0]) == 0.5
