import copy
import pickle

import numpy as np
import pytest

import wengert
from tests.nn.peer import torch
from wengert import nn


def array(x):
    return np.array(x._array())


class Net(nn.Module):
    """Two layers that share a weight, a buffer that is saved and one that is not."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Sequential(nn.ReLU(), nn.Linear(3, 3))
        self.second[1].weight = self.first.weight
        self.scale = nn.Parameter(wengert.ones(1))
        self.register_buffer("mean", wengert.zeros(3))
        self.register_buffer("cache", wengert.zeros(1), persistent=False)

    def forward(self, x, *, shift=0.0):
        return self.second(self.first(x)) * self.scale + self.mean + shift


def peer_net():
    """The same in PyTorch."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(3, 3)
            self.second = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(3, 3))
            self.second[1].weight = self.first.weight
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.register_buffer("mean", torch.zeros(3))
            self.register_buffer("cache", torch.zeros(1), persistent=False)

    return Net()


def names(pairs):
    return [name for name, _ in pairs]


def test_names_are_those_of_peer():
    mine, theirs = Net(), peer_net()
    for look in (
        lambda m: names(m.named_parameters()),
        lambda m: names(m.named_parameters(prefix="x", recurse=False)),
        lambda m: names(m.named_parameters(remove_duplicate=False)),
        lambda m: names(m.named_buffers()),
        lambda m: names(m.named_buffers("b")),
        lambda m: names(m.named_children()),
        lambda m: names(m.named_modules()),
        lambda m: names(m.named_modules(prefix="net")),
        lambda m: [type(x).__name__ for x in m.modules()],
        lambda m: [type(x).__name__ for x in m.children()],
        lambda m: len(list(m.parameters())),
        lambda m: len(list(m.buffers())),
        lambda m: list(m.state_dict()),
        lambda m: list(m.state_dict()._metadata),
        repr,
        lambda m: [n for n in dir(m) if n in ("first", "second", "scale", "mean", "cache", "0")],
    ):
        assert look(mine) == look(theirs)


def test_a_call_goes_to_forward_with_every_argument():
    net = Net()
    x = wengert.ones(2, 3)
    np.testing.assert_allclose(array(net(x, shift=1.0)), array(net(x)) + 1, rtol=1e-6)


def test_attributes_are_found_set_and_deleted():
    net = Net()
    assert net.scale is net._parameters["scale"]
    net.scale = None
    assert net.scale is None
    assert "scale" in net._parameters
    net.scale = nn.Parameter(wengert.zeros(1))
    net.first = nn.Identity()
    assert isinstance(net.first, nn.Identity)
    net.mean = wengert.ones(3)
    np.testing.assert_array_equal(array(net.state_dict()["mean"]), 1.0)
    del net.scale, net.first, net.mean
    assert not hasattr(net, "scale")
    assert "mean" not in net.state_dict()
    net.plain = 3
    del net.plain
    with pytest.raises(AttributeError, match="plain"):
        net.plain


def test_a_name_belongs_to_one_table():
    net = nn.Module()
    net.x = 3
    net.x = nn.Parameter(wengert.ones(1))
    assert "x" not in net.__dict__
    net.register_buffer("b", wengert.ones(1), persistent=False)
    net.b = nn.Linear(1, 1)
    assert not net._buffers
    net.b = nn.Parameter(wengert.ones(1))
    assert names(net.named_parameters()) == ["x", "b"]
    net.y = nn.Buffer(wengert.ones(1), persistent=False)
    assert list(net.state_dict()) == ["x", "b"]
    net.y = wengert.zeros(1)
    assert names(net.named_buffers()) == ["y"]


PEERS = [(wengert, nn), (torch, torch.nn)]


@pytest.mark.parametrize(
    ("attempt", "kind", "words"),
    [
        (lambda t, n: setattr(n.Linear(2, 3), "weight", t.ones(2)), TypeError, "as parameter 'weight'"),
        (lambda t, n: setattr(n.Linear(2, 3), "weight", n.ReLU()), TypeError, "as parameter 'weight'"),
        (lambda t, n: setattr(n.Sequential(n.ReLU()), "0", t.ones(2)), TypeError, "as child module '0'"),
        (lambda t, n: setattr(n.BatchNorm1d(3), "running_mean", 3), TypeError, "as buffer 'running_mean'"),
        (lambda t, n: n.Module().register_buffer(3, None), TypeError, "buffer name should be a string"),
        (lambda t, n: n.Module().register_buffer("a.b", None), KeyError, "buffer name can't contain"),
        (lambda t, n: n.Module().register_buffer("", None), KeyError, "can't be empty string"),
        (lambda t, n: n.Module().register_buffer("x", 3), TypeError, "to buffer 'x'"),
        (lambda t, n: n.Linear(1, 1).register_buffer("weight", None), KeyError, "attribute 'weight' already exists"),
        (lambda t, n: n.Module().register_parameter(3, None), TypeError, "parameter name should be a string"),
        (lambda t, n: n.Module().register_parameter("a.b", None), KeyError, "can't contain"),
        (lambda t, n: n.Module().register_parameter("", None), KeyError, "can't be empty"),
        (lambda t, n: n.Module().register_parameter("forward", None), KeyError, "already exists"),
        (lambda t, n: n.Module().register_parameter("x", t.ones(1)), TypeError, "to parameter 'x'"),
        (lambda t, n: n.Module().add_module("x", 3), TypeError, "int is not a Module subclass"),
        (lambda t, n: n.Module().add_module(3, None), TypeError, "module name should be a string"),
        (lambda t, n: n.Module().add_module("a.b", None), KeyError, "can't contain"),
        (lambda t, n: n.Module().add_module("", None), KeyError, "can't be empty"),
        (lambda t, n: n.Linear(1, 1).add_module("weight", None), KeyError, "already exists"),
        (lambda t, n: n.Module().train(3), ValueError, "training mode is expected to be boolean"),
        (lambda t, n: n.Module()(1), NotImplementedError, 'missing the required "forward" function'),
        (lambda t, n: n.Module(3), TypeError, "takes 1 positional argument"),
        (lambda t, n: n.Module(a=3), TypeError, "unexpected keyword argument 'a'"),
        (lambda t, n: n.Linear(1, 1).to(t.int32), TypeError, "only accepts floating point or complex dtypes"),
        (lambda t, n: n.Linear(1, 1).to("what"), RuntimeError, "device"),
        (lambda t, n: n.Linear(1, 1).get_submodule("x"), AttributeError, "Linear has no attribute `x`"),
        (lambda t, n: n.Linear(1, 1).get_submodule("weight"), AttributeError, "`weight` is not an nn.Module"),
        (lambda t, n: n.Linear(1, 1).get_parameter("x"), AttributeError, "Linear has no attribute `x`"),
        (lambda t, n: n.Linear(1, 1).get_parameter("in_features"), AttributeError, "is not an nn.Parameter"),
        (lambda t, n: n.Linear(1, 1).get_buffer("weight"), AttributeError, "`weight` is not a buffer"),
        (lambda t, n: n.Linear(1, 1).nothing, AttributeError, "'Linear' object has no attribute 'nothing'"),
        (lambda t, n: delattr(n.Linear(1, 1), "nothing"), AttributeError, "nothing"),
        (lambda t, n: n.Linear(1, 1).set_submodule("", n.ReLU()), ValueError, "without a target name"),
    ],
)
@pytest.mark.parametrize(("tensors", "layers"), PEERS)
def test_misuse_is_an_error_of_the_peers_kind(tensors, layers, attempt, kind, words):
    with pytest.raises(kind) as error:
        attempt(tensors, layers)
    assert words in str(error.value).replace('\\"', '"').replace("\\'", "'")


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        (lambda: nn.Parameter(wengert.ones(1)), "cannot assign parameters before Module.__init__"),
        (lambda: nn.Linear(1, 1), "cannot assign module before Module.__init__"),
        (lambda: nn.Buffer(wengert.ones(1)), "cannot assign buffer before Module.__init__"),
    ],
)
def test_what_belongs_to_a_module_waits_for_its_init(attribute, words):
    class Early(nn.Module):
        def __init__(self):
            self.x = attribute()

    with pytest.raises(AttributeError, match=words):
        Early()


def test_a_forgotten_init_is_guessed_at_the_first_use():
    class Forgetful(nn.Module):
        def __init__(self):
            self.x = 3

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        Forgetful()(3)
    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        list(Forgetful().parameters())


def test_a_computed_tensor_is_no_parameter():
    p = nn.Parameter(wengert.ones(2))
    p.data = wengert.zeros(2)
    net = nn.Module()
    net.p = p
    q = nn.Parameter(wengert.ones(2), requires_grad=False)
    q.mul_(p)
    with pytest.raises(ValueError, match="non-leaf"):
        net.q = q


def test_train_and_eval_reach_everything_below():
    net = Net().eval()
    assert not any(module.training for module in net.modules())
    assert net.train() is net
    assert all(module.training for module in net.modules())


def test_requires_grad_and_zero_grad():
    net = Net()
    net(wengert.ones(1, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    grads = [p.grad for p in net.parameters()]
    assert all(not array(g).any() for g in grads)
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())


def test_apply_goes_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "ReLU", "Linear", "Sequential", "Net"]


@pytest.mark.parametrize(
    ("convert", "floating", "integer"),
    [
        (lambda m: m.double(), "float64", "int64"),
        (lambda m: m.half(), "float16", "int64"),
        (lambda m: m.bfloat16(), "bfloat16", "int64"),
        (lambda m: m.double().float(), "float32", "int64"),
        (lambda m: m.to(wengert.float64), "float64", "int64"),
        (lambda m: m.to("cpu", wengert.float16), "float16", "int64"),
        (lambda m: m.to(wengert.ones(1, dtype=wengert.float64)), "float64", "int64"),
        (lambda m: m.cpu(), "float32", "int64"),
        (lambda m: m.to("cpu"), "float32", "int64"),
        (lambda m: m.to(device="cpu", dtype=wengert.float64), "float64", "int64"),
        (lambda m: m.type(wengert.float64), "float64", "float64"),
        (lambda m: m.to_empty(device="cpu"), "float32", "int64"),
    ],
)
def test_conversions_keep_the_parameters_themselves(convert, floating, integer):
    net = nn.BatchNorm1d(3)
    weight = net.weight
    (weight * 2).sum().backward()
    assert convert(net) is net
    assert net.weight is weight
    assert weight.requires_grad
    assert weight.dtype.name == floating
    assert weight.grad.dtype.name == floating
    assert net.running_mean.dtype.name == floating
    assert net.num_batches_tracked.dtype.name == integer
    assert net(wengert.ones(2, 3, dtype=weight.dtype)).dtype.name == floating if integer == "int64" else True


def test_a_shared_parameter_is_still_shared_after_a_conversion():
    net = Net().double()
    assert net.second[1].weight is net.first.weight


def test_cuda_says_that_there_is_none():
    with pytest.raises(RuntimeError, match="cuda"):
        nn.Linear(1, 1).cuda()


def test_paths_lead_to_modules_parameters_and_buffers():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("second.1") is net.second[1]
    assert net.get_parameter("second.1.bias") is net.second[1].bias
    assert net.get_buffer("mean") is net.mean
    net.set_submodule("second.0", nn.Tanh())
    assert isinstance(net.second[0], nn.Tanh)


def test_a_deep_copy_shares_nothing_but_what_was_shared():
    net = Net()
    twin = copy.deepcopy(net)
    assert twin.second[1].weight is twin.first.weight
    with wengert.no_grad():
        twin.first.weight.zero_()
        twin.mean.fill_(1.0)
    assert array(net.first.weight).any()
    assert not array(net.mean).any()


def test_pickles_bring_everything_back():
    net = Net().eval()
    twin = pickle.loads(pickle.dumps(net))
    assert names(twin.named_parameters()) == names(net.named_parameters())
    assert not twin.training
    assert "cache" not in twin.state_dict()
    x = wengert.ones(2, 3)
    np.testing.assert_array_equal(array(twin(x)), array(net(x)))


def test_nested_reprs_are_indented():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(1, 2), nn.Sequential(nn.ReLU()))

        def extra_repr(self):
            return "first=1\nsecond=2"

    assert repr(Block()) == (
        "Block(\n  first=1\n  second=2\n  (body): Sequential(\n"
        "    (0): Linear(in_features=1, out_features=2, bias=True)\n"
        "    (1): Sequential(\n      (0): ReLU()\n    )\n  )\n)"
    )


def test_a_module_with_a_mixin_and_properties():
    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.base = nn.Parameter(wengert.ones(2))

        @property
        def weight(self):
            return self.base * 2

    np.testing.assert_array_equal(array(Doubled().weight), 2.0)


def test_shared_memory_reaches_everything_below():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    weight = net[0].weight
    assert net.share_memory() is net
    assert net[0].weight is weight
    assert all(t.is_shared() for t in [*net.parameters(), *net.buffers()])
