from collections import OrderedDict

import numpy as np
import pytest

import wengert
from wengert import nn


def array(x):
    return np.array(x._array())


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_a_state_goes_out_and_comes_back():
    first, second = net(), net()
    state = first.state_dict()
    assert isinstance(state, OrderedDict)
    assert state._metadata["1"] == {"version": 2}
    result = second.load_state_dict(state)
    assert repr(result) == "<All keys matched successfully>"
    for name, value in second.state_dict().items():
        np.testing.assert_array_equal(array(value), array(state[name]))


def test_the_state_shares_memory_without_history():
    layer = nn.Linear(2, 3)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    with wengert.no_grad():
        layer.weight.fill_(4.0)
    np.testing.assert_array_equal(array(state["weight"]), 4.0)
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight


def test_a_prefix_and_a_destination_can_be_given():
    destination = OrderedDict()
    nn.Linear(2, 3).state_dict(destination=destination, prefix="a.")
    assert list(destination) == ["a.weight", "a.bias"]
    nn.Linear(2, 3).state_dict(destination, "b.", True)
    assert list(destination) == ["a.weight", "a.bias", "b.weight", "b.bias"]


def test_loading_copies_into_the_parameters():
    layer = nn.Linear(2, 3)
    weight = layer.weight
    given = wengert.ones(3, 2, dtype=wengert.float64)
    layer.load_state_dict({"weight": given, "bias": wengert.zeros(3)})
    assert layer.weight is weight
    assert weight.dtype is wengert.float32
    given.zero_()
    np.testing.assert_array_equal(array(weight), 1.0)


def test_assign_takes_the_tensors_themselves():
    layer = nn.Linear(2, 3)
    layer.weight.requires_grad_(False)
    given = wengert.ones(3, 2, dtype=wengert.float64)
    bias = nn.Parameter(wengert.ones(3))
    layer.load_state_dict({"weight": given, "bias": bias}, assign=True)
    assert layer.weight.dtype is wengert.float64
    assert not layer.weight.requires_grad
    assert layer.bias is bias
    norm = nn.BatchNorm1d(3)
    mean = wengert.ones(3)
    norm.load_state_dict({"running_mean": mean}, strict=False, assign=True)
    assert norm.running_mean is mean


def test_everything_that_does_not_fit_is_told_at_once():
    with pytest.raises(RuntimeError) as error:
        net().load_state_dict({"0.weight": wengert.ones(3, 3), "0.bias": 3, "1.x": wengert.ones(1), "y": 1})
    message = str(error.value)
    assert message.startswith("Error(s) in loading state_dict for Sequential:")
    for words in (
        'Missing key(s) in state_dict: "1.weight", "1.bias", "1.running_mean", "1.running_var"',
        'Unexpected key(s) in state_dict: "y", "1.x". ',
        "size mismatch for 0.weight: copying a param with shape",
        'While copying the parameter named "0.bias", expected Tensor or Tensor-like object from checkpoint',
    ):
        assert words in message


def test_without_strict_the_keys_are_returned():
    missing, unexpected = nn.Linear(2, 3).load_state_dict({"weight": wengert.ones(3, 2), "y": 1}, strict=False)
    assert missing == ["bias"]
    assert unexpected == ["y"]
    result = nn.Linear(2, 3).load_state_dict({}, strict=False)
    assert result.missing_keys == ["weight", "bias"]
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        nn.Linear(2, 3).load_state_dict({"weight": wengert.ones(3, 3)}, strict=False)


def test_a_state_is_a_mapping():
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        nn.Linear(1, 1).load_state_dict(3)


def test_one_element_fits_a_scalar():
    module = nn.Module()
    module.register_buffer("x", wengert.zeros(()))
    module.load_state_dict({"x": wengert.ones(1)})
    assert module.x.item() == 1.0


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 3

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]


def test_extra_state_is_part_of_the_state():
    first, second = nn.Sequential(Counting()), nn.Sequential(Counting())
    first[0].count = 9
    assert list(first.state_dict()) == ["0._extra_state"]
    second.load_state_dict(first.state_dict())
    assert second[0].count == 9
    with pytest.raises(RuntimeError, match=r'Missing key.*"0\._extra_state"'):
        second.load_state_dict({})
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"_extra_state"'):
        nn.ReLU().load_state_dict({"_extra_state": 1})
    with pytest.raises(RuntimeError, match="get_extra_state"):
        nn.ReLU().get_extra_state()


def test_state_hooks_are_called_in_their_place():
    module, calls = nn.Linear(1, 1), []
    handles = [
        module.register_state_dict_pre_hook(lambda m, prefix, keep: calls.append(("pre", prefix, keep))),
        module.register_state_dict_post_hook(lambda m, state, prefix, meta: state.pop("bias")),
    ]
    with pytest.raises(RuntimeError, match="must return None"):
        module.state_dict()
    handles[1].remove()
    module.register_state_dict_post_hook(lambda m, state, prefix, meta: state.__delitem__("bias"))
    assert list(module.state_dict()) == ["weight"]
    assert calls == [("pre", "", False)] * 2
    module._register_state_dict_hook(lambda m, state, prefix, meta: {"all": 1})
    assert module.state_dict() == {"all": 1}


def test_load_hooks_may_change_keys():
    module = nn.Linear(1, 1)

    def rename(m, state, prefix, meta, strict, missing, unexpected, errors):
        assert m is module
        state[prefix + "weight"] = state.pop(prefix + "w")

    module.register_load_state_dict_pre_hook(rename)
    module._register_load_state_dict_pre_hook(lambda state, prefix, *rest: state.pop(prefix + "junk"))
    module.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    module.load_state_dict({"w": wengert.ones(1, 1), "junk": 0})
    assert module.weight.item() == 1.0
    given = {"w": wengert.ones(1, 1), "junk": 0}
    module.load_state_dict(given)
    assert list(given) == ["w", "junk"]


def test_a_copied_module_has_its_own_load_hooks():
    import copy

    seen, module = [], nn.Linear(1, 1)
    module.register_load_state_dict_pre_hook(lambda m, *rest: seen.append(m))
    twin = copy.deepcopy(module)
    twin.load_state_dict(module.state_dict())
    assert seen == [twin]


def test_states_of_peer_load_here():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    mine = net()
    mine.load_state_dict({name: wengert.tensor(value.numpy()) for name, value in theirs.state_dict().items()})
    x = np.ones((4, 2), np.float32)
    wanted = theirs.eval()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(array(mine.eval()(wengert.tensor(x))), wanted, rtol=1e-5, atol=1e-6)
