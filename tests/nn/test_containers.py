from collections import OrderedDict

import numpy as np
import pytest

import wengert
from tests.nn.peer import torch
from wengert import nn

BOTH = pytest.mark.parametrize(("tensors", "layers"), [(wengert, nn), (torch, torch.nn)], ids=["wengert", "torch"])


def kinds(container):
    return [type(module).__name__ for module in container]


@BOTH
def test_sequential_is_a_list_of_layers(tensors, layers):
    s = layers.Sequential(layers.ReLU(), layers.Tanh(), layers.ELU(), layers.GELU())
    assert len(s) == 4
    assert kinds(s) == ["ReLU", "Tanh", "ELU", "GELU"]
    assert type(s[-1]).__name__ == "GELU"
    assert kinds(s[1:3]) == ["Tanh", "ELU"]
    assert list(s[1:3]._modules) == ["1", "2"]
    s[0] = layers.SiLU()
    del s[1]
    assert kinds(s) == ["SiLU", "ELU", "GELU"]
    assert list(s._modules) == ["0", "1", "2"]
    del s[1:]
    assert kinds(s) == ["SiLU"]
    assert s.append(layers.ReLU()) is s
    assert s.insert(0, layers.Tanh()) is s
    assert s.insert(-1, layers.Mish()) is s
    assert s.extend([layers.ELU(), layers.GELU()]) is s
    assert kinds(s) == ["Tanh", "SiLU", "Mish", "ReLU", "ELU", "GELU"]
    assert type(s.pop(1)).__name__ == "SiLU"
    assert kinds(s + layers.Sequential(layers.ReLU6())) == ["Tanh", "Mish", "ReLU", "ELU", "GELU", "ReLU6"]
    s += layers.Sequential(layers.ReLU6())
    assert len(s) == 6
    assert kinds(s[:2] * 2) == ["Tanh", "Mish", "Tanh", "Mish"]
    assert kinds(2 * s[:1]) == ["Tanh", "Tanh"]
    s *= 2
    assert len(s) == 12
    named = layers.Sequential(OrderedDict([("first", layers.ReLU()), ("second", layers.Tanh())]))
    assert list(named._modules) == ["first", "second"]
    assert type(named.second).__name__ == "Tanh"
    assert type(named[1]).__name__ == "Tanh"
    assert layers.Sequential()(3) == 3


@BOTH
def test_module_list_is_a_list(tensors, layers):
    m = layers.ModuleList([layers.ReLU(), layers.Tanh()])
    assert m.append(layers.ELU()) is m
    m.insert(0, layers.GELU())
    assert m.extend(layers.Mish() for _ in range(2)) is m
    assert kinds(m) == ["GELU", "ReLU", "Tanh", "ELU", "Mish", "Mish"]
    m += [layers.SiLU()]
    assert len(m) == 7
    assert kinds(m[1:3]) == ["ReLU", "Tanh"]
    assert type(m[1:3]).__name__ == "ModuleList"
    assert type(m[-1]).__name__ == "SiLU"
    m[-1] = layers.ReLU()
    del m[0], m[0:2]
    assert kinds(m) == ["ELU", "Mish", "Mish", "ReLU"]
    assert type(m.pop(0)).__name__ == "ELU"
    assert kinds(m + [layers.Tanh()]) == ["Mish", "Mish", "ReLU", "Tanh"]
    assert m[0] in m
    assert "0" not in dir(m)
    assert list(layers.ModuleList([layers.Linear(1, 1)]).state_dict()) == ["0.weight", "0.bias"]


@BOTH
def test_module_dict_is_a_dict(tensors, layers):
    d = layers.ModuleDict({"a": layers.ReLU(), "b": layers.Tanh()})
    d["c"] = layers.ELU()
    d.update([("d", layers.GELU()), ["a", layers.Mish()]])
    d.update(layers.ModuleDict({"e": layers.SiLU()}))
    assert list(d) == list(d.keys()) == ["a", "b", "c", "d", "e"]
    assert kinds(d.values()) == ["Mish", "Tanh", "ELU", "GELU", "SiLU"]
    assert "a" in d
    assert "z" not in d
    assert len(d) == 5
    del d["b"]
    assert type(d.pop("c")).__name__ == "ELU"
    assert [name for name, _ in d.items()] == ["a", "d", "e"]
    d.clear()
    assert not len(d)


@BOTH
def test_parameter_list_makes_parameters(tensors, layers):
    p = layers.ParameterList([tensors.ones(2), layers.Parameter(tensors.ones(2, 3)), 3])
    assert len(p) == 3
    assert isinstance(p[0], layers.Parameter)
    assert p[2] == 3
    assert p.append(tensors.zeros(1)) is p
    p += [tensors.ones(4)]
    p.extend([layers.Parameter(tensors.ones(5))])
    assert [name for name, _ in p.named_parameters()] == ["0", "1", "3", "4", "5"]
    assert [tuple(x.shape) for x in p[3:]] == [(1,), (4,), (5,)]
    assert type(p[1:2]).__name__ == "ParameterList"
    p[-1] = tensors.ones(6)
    assert tuple(p[5].shape) == (6,)
    assert list(p.state_dict()) == ["0", "1", "3", "4", "5"]


@BOTH
def test_parameter_dict_makes_parameters(tensors, layers):
    p = layers.ParameterDict({"a": tensors.ones(2), "b": 3})
    p["c"] = layers.Parameter(tensors.ones(1))
    p.update([("d", tensors.ones(4))])
    p.update(layers.ParameterDict({"e": 1}))
    assert list(p) == list(p.keys()) == ["a", "b", "c", "d", "e"]
    assert list(reversed(p)) == ["e", "d", "c", "b", "a"]
    assert [name for name, _ in p.named_parameters()] == ["a", "c", "d"]
    assert isinstance(p["a"], layers.Parameter)
    assert p.get("b") == 3
    assert p.get("z", 7) == 7
    assert p.setdefault("b", 9) == 3
    assert p.setdefault("f", 9) == 9
    assert p.popitem() == ("f", 9)
    assert p.pop("b") == 3
    assert "b" not in p
    del p["e"]
    assert len(p) == 3
    assert [name for name, _ in p.items()] == ["a", "c", "d"]
    assert len(list(p.values())) == 3
    assert list(p | layers.ParameterDict({"x": 1})) == ["a", "c", "d", "x"]
    p |= layers.ParameterDict({"y": 1})
    assert list(p.copy()) == ["a", "c", "d", "y"]
    assert list(p.fromkeys(["u", "v"], 1)) == ["u", "v"]
    p.clear()
    assert not len(p)
    assert list(p.state_dict()) == []


def test_reprs_are_those_of_peer():
    for make in (
        lambda n: n.Sequential(),
        lambda n: n.Sequential(n.ReLU()),
        lambda n: n.ModuleList(),
        lambda n: n.ModuleList([n.Linear(2, 3), n.Linear(2, 3), n.Linear(4, 4), n.Sequential(n.ReLU())]),
        lambda n: n.ModuleList([n.Sequential(n.ReLU(), n.Tanh())] * 3),
        lambda n: n.ModuleDict({"a": n.Linear(2, 3), "b": n.ReLU()}),
        lambda n: n.Sequential(OrderedDict([("x", n.ModuleList([n.ReLU(), n.ReLU()]))])),
    ):
        assert repr(make(nn)) == repr(make(torch.nn))


def test_parameter_containers_print_their_sizes():
    p = nn.ParameterList([wengert.ones(2, 3), 3])
    assert repr(p) == (
        "ParameterList(\n    (0): Parameter containing: [wengert.float32 of size 2x3]\n    (1): Object of type: int\n)"
    )
    assert repr(nn.ParameterDict()) == "ParameterDict()"
    one = nn.ParameterList([wengert.ones(2)])  # one line, with PyTorch's two spaces
    assert repr(one) == "ParameterList(  (0): Parameter containing: [wengert.float32 of size 2])"
    assert repr(nn.ParameterDict({"a": wengert.ones(2)})).endswith(f"(a): Parameter containing: [{one[0].type()} of size 2])")


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (lambda n, t: n.Sequential(3), TypeError),
        (lambda n, t: n.Sequential(n.ReLU())[4], IndexError),
        (lambda n, t: n.Sequential(n.ReLU()).insert(7, n.ReLU()), IndexError),
        (lambda n, t: n.Sequential(n.ReLU()) + 3, ValueError),
        (lambda n, t: n.Sequential(n.ReLU()) * 0, ValueError),
        (lambda n, t: n.Sequential(n.ReLU()) * 2.0, TypeError),
        (lambda n, t: n.ModuleList([3]), TypeError),
        (lambda n, t: n.ModuleList([n.ReLU()])["a"], TypeError),
        (lambda n, t: n.ModuleList([n.ReLU()])[3], IndexError),
        (lambda n, t: n.ModuleList([n.ReLU()]).extend(3), TypeError),
        (lambda n, t: n.ModuleList()(3), NotImplementedError),
        (lambda n, t: n.ModuleDict({"a": n.ReLU()})["c"], KeyError),
        (lambda n, t: n.ModuleDict({3: n.ReLU()}), TypeError),
        (lambda n, t: n.ModuleDict(3), TypeError),
        (lambda n, t: n.ModuleDict([(1, 2, 3)]), ValueError),
        (lambda n, t: n.ModuleDict({"keys": n.ReLU()}), KeyError),
        (lambda n, t: n.ParameterList(3), TypeError),
        (lambda n, t: n.ParameterList([3])[4], IndexError),
        (lambda n, t: n.ParameterList([3])(), RuntimeError),
        (lambda n, t: n.ParameterDict({3: t.ones(1)}), TypeError),
        (lambda n, t: n.ParameterDict({"a": 3})["b"], AttributeError),
        (lambda n, t: n.ParameterDict({"a": 3})(1), RuntimeError),
    ],
)
@BOTH
def test_misuse_is_an_error_of_the_peers_kind(tensors, layers, attempt, kind):
    with pytest.raises(kind):
        attempt(layers, tensors)


def test_sequential_trains():
    net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    net(wengert.ones(3, 2)).sum().backward()
    assert all(p.grad is not None and np.isfinite(p.grad.numpy()).all() for p in net.parameters())
