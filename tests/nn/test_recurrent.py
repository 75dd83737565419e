"""Recurrent layers and cells beside PyTorch's: one state dict on both sides, outputs, derivatives by everything."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tests.functions.peer import array, check, normal, tensor
from wengert import func, nn
from wengert.autograd.backward import grad
from wengert.functions.operands import array_node
from wengert.tensors.tensor import wrap

torch = pytest.importorskip("torch")

LAYERS = {
    "rnn": lambda n: n.RNN(4, 3),
    "rnn relu, two layers": lambda n: n.RNN(4, 3, 2, "relu", batch_first=True),
    "rnn both ways": lambda n: n.RNN(4, 3, nonlinearity="tanh", bidirectional=True, bias=False),
    "lstm": lambda n: n.LSTM(4, 3),
    "lstm, three layers both ways": lambda n: n.LSTM(4, 3, num_layers=3, bidirectional=True, batch_first=True),
    "lstm projected": lambda n: n.LSTM(4, 5, 2, proj_size=2, bidirectional=True),
    "lstm projected, no bias": lambda n: n.LSTM(4, 5, proj_size=2, bias=False),
    "gru": lambda n: n.GRU(4, 3),
    "gru, two layers both ways": lambda n: n.GRU(4, 3, 2, bidirectional=True, batch_first=True),
    "gru, no bias": lambda n: n.GRU(4, 3, bias=False),
}
WITH = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


def pair(make: Any) -> tuple[Any, Any]:
    """The layer on both sides, with PyTorch's state in both."""
    torch.manual_seed(0)
    mine, theirs = make(nn).double(), make(torch.nn).double()
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict({name: wrap(array_node(value.numpy())) for name, value in theirs.state_dict().items()})
    return mine, theirs


def flat(result: Any) -> list[Any]:
    """Output and states in one list; of a packed sequence its data."""
    if isinstance(result, (nn.utils.rnn.PackedSequence, torch.nn.utils.rnn.PackedSequence)):
        return [result.data]
    return [x for part in result for x in flat(part)] if isinstance(result, tuple) else [result]


def objective(values: list[Any]) -> Any:
    return sum([(k + 1) * (value**2).sum() for k, value in enumerate(values)])


def compare(make: Any, arrays: list[Any], call: Any, second: bool = False) -> None:
    """`call(library, layer, *inputs)` on both sides, with derivatives by inputs and parameters."""
    mine, theirs = pair(make)
    xs = [tensor(a, True) for a in arrays]
    ws = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
    ys, us = flat(call(nn, mine, *xs)), flat(call(torch.nn, theirs, *ws))
    assert len(ys) == len(us)
    for k, (y, u) in enumerate(zip(ys, us)):
        check(y, u, f"result {k}")
    mine_by, theirs_by = [*xs, *mine.parameters()], [*ws, *theirs.parameters()]
    g = grad(objective(ys), mine_by, create_graph=second)
    h = torch.autograd.grad(objective(us), theirs_by, create_graph=second)
    for k, (a, b) in enumerate(zip(g, h)):
        check(a, b, f"derivative {k}", 10)
    if second:
        gg, hh = grad(objective(g), mine_by), torch.autograd.grad(objective(h), theirs_by)
        for k, (a, b) in enumerate(zip(gg, hh)):
            check(a, b, f"second derivative {k}", 100)


def states(make: Any, batch: tuple[int, ...] = (3,)) -> list[Any]:
    """Contents for hx."""
    layer = make(nn)
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    sizes = (layer.proj_size or layer.hidden_size, layer.hidden_size)[: 2 if layer.mode == "LSTM" else 1]
    return [normal(count, *batch, size, seed=k) for k, size in enumerate(sizes)]


def given(layer: Any, hx: tuple[Any, ...]) -> Any:
    return hx if layer.mode == "LSTM" else hx[0]


@WITH
def test_without_a_state(make):
    compare(make, [normal(5, 3, 4)], lambda n, layer, x: layer(x), second=True)


@WITH
def test_from_a_state(make):
    shape = (3, 5, 4) if make(nn).batch_first else (5, 3, 4)
    compare(make, [normal(*shape), *states(make)], lambda n, layer, x, *hx: layer(x, given(layer, hx)))


@WITH
def test_without_a_batch(make):
    compare(make, [normal(5, 4)], lambda n, layer, x: layer(x))
    compare(make, [normal(5, 4), *states(make, ())], lambda n, layer, x, *hx: layer(x, given(layer, hx)))


@WITH
@pytest.mark.parametrize("lengths", [[5, 3, 1], [2, 5, 4], [4, 4, 4]])
def test_packed(make, lengths):
    def call(n: Any, layer: Any, x: Any, *hx: Any) -> Any:
        packed = n.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        output, state = layer(packed, given(layer, hx)) if hx else layer(packed)
        return n.utils.rnn.pad_packed_sequence(output)[0], state

    compare(make, [normal(5, 3, 4)], call)
    compare(make, [normal(5, 3, 4), *states(make)], call)


def test_one_step_and_one_row():
    compare(lambda n: n.LSTM(4, 3), [normal(1, 1, 4)], lambda n, layer, x: layer(x))


def test_dropout_between_layers_is_for_training_only():
    make = lambda n: n.LSTM(4, 3, num_layers=2, dropout=0.5)
    compare(make, [normal(5, 3, 4)], lambda n, layer, x: layer.eval()(x))
    layer = make(nn)
    x = tensor(normal(5, 3, 4).astype(np.float32))
    assert not np.array_equal(array(layer(x)[0]), array(layer(x)[0]))
    always = nn.LSTM(4, 3, num_layers=2, dropout=1.0)  # the second layer sees zeros
    zero = always(x)[0]
    np.testing.assert_allclose(array(zero), array(always(x * 5)[0]))


def test_dropout_of_a_single_layer_warns():
    with pytest.warns(UserWarning, match="dropout"):
        nn.GRU(4, 3, dropout=0.1)


def test_initial_values_and_helpers():
    layer = nn.LSTM(4, 9, 2)
    bound = 1 / 3
    for parameter in layer.parameters():
        values = array(parameter)
        assert (np.abs(values) <= bound).all() and np.abs(values).max() > 0.5 * bound
    assert layer.flatten_parameters() is None
    assert [[tuple(w.shape) for w in weights] for weights in layer.all_weights] == [
        [(36, 4), (36, 9), (36,), (36,)], [(36, 9), (36, 9), (36,), (36,)],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [
        lambda n: n.LSTM(0, 3),
        lambda n: n.LSTM(4, -1),
        lambda n: n.LSTM(4, 3, 0),
        lambda n: n.LSTM(4, 3, dropout=1.5),
        lambda n: n.LSTM(4, 3, dropout=True),
        lambda n: n.LSTM(4, 3, bias=1),
        lambda n: n.LSTM(4, 3, batch_first=0),
        lambda n: n.LSTM(4.0, 3),
        lambda n: n.LSTM(4, "3"),
        lambda n: n.LSTM(4, 3, proj_size=3),
        lambda n: n.LSTM(4, 3, proj_size=-1),
        lambda n: n.GRU(4, 3, proj_size=2),
        lambda n: n.RNN(4, 3, proj_size=2),
        lambda n: n.RNN(4, 3, nonlinearity="gelu"),
    ],
)
def test_wrong_arguments_are_refused_as_by_the_peer(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((ValueError, TypeError, RuntimeError)) as theirs:
            make(torch.nn)
        with pytest.raises(type(theirs.value)):
            make(nn)


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (lambda n: n.LSTM(4, 3), [(4,)]),
        (lambda n: n.LSTM(4, 3), [(2, 2, 2, 4)]),
        (lambda n: n.LSTM(4, 3), [(5, 2, 3)]),
        (lambda n: n.LSTM(4, 3), [(5, 2, 4), (1, 3, 3), (1, 2, 3)]),
        (lambda n: n.LSTM(4, 3), [(5, 2, 4), (1, 2, 3), (2, 2, 3)]),
        (lambda n: n.LSTM(4, 3), [(5, 2, 4), (2, 3), (2, 3)]),
        (lambda n: n.LSTM(4, 3), [(5, 4), (1, 1, 3), (1, 1, 3)]),
        (lambda n: n.GRU(4, 3), [(5, 2, 4), (1, 2, 2)]),
        (lambda n: n.GRU(4, 3), [(5, 4), (1, 2, 3)]),
        (lambda n: n.RNN(4, 3), [(5, 2, 4), (2, 3)]),
        (lambda n: n.RNNCell(4, 3), [(2, 3)]),
        (lambda n: n.RNNCell(4, 3), [(2, 2, 4)]),
        (lambda n: n.RNNCell(4, 3), [(2, 4), (3, 3)]),
        (lambda n: n.GRUCell(4, 3), [(2, 4), (2, 2)]),
        (lambda n: n.GRUCell(4, 3), [(2, 4), (1, 2, 3)]),
        (lambda n: n.LSTMCell(4, 3), [(2, 4), (2, 3), (2, 2)]),
        (lambda n: n.LSTMCell(4, 3), [(2, 2, 4)]),
    ],
)
def test_wrong_input_is_refused_as_by_the_peer(make, shapes):
    def run(library: Any, make_tensor: Any) -> None:
        layer, (x, *hx) = make(library), [make_tensor(np.ones(shape, np.float32)) for shape in shapes]
        state = tuple(hx) if len(hx) == 2 else (hx[0] if hx else None)
        layer(x, state)

    with pytest.raises((ValueError, RuntimeError)) as theirs:
        run(torch.nn, torch.from_numpy)
    with pytest.raises(type(theirs.value)):
        run(nn, tensor)


def test_another_dtype_is_refused_as_by_the_peer():
    for library, make in ((torch.nn, torch.from_numpy), (nn, tensor)):
        with pytest.raises(ValueError, match="dtype"):
            library.LSTM(4, 3)(make(np.ones((5, 2, 4))))


CELLS = {
    "rnn": lambda n: n.RNNCell(4, 3),
    "rnn relu": lambda n: n.RNNCell(4, 3, bias=False, nonlinearity="relu"),
    "lstm": lambda n: n.LSTMCell(4, 3),
    "lstm, no bias": lambda n: n.LSTMCell(4, 3, False),
    "gru": lambda n: n.GRUCell(4, 3),
    "gru, no bias": lambda n: n.GRUCell(4, 3, bias=False),
}


@pytest.mark.parametrize("make", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_cells(make, batch):
    x, h, c = normal(*batch, 4), normal(*batch, 3, seed=1), normal(*batch, 3, seed=2)
    compare(make, [x], lambda n, cell, x: cell(x), second=True)
    if isinstance(make(nn), nn.LSTMCell):
        compare(make, [x, h, c], lambda n, cell, x, h, c: cell(x, (h, c)))
    else:
        compare(make, [x, h], lambda n, cell, x, h: cell(x, h), second=True)


def test_vmap_over_an_ensemble_of_layers():


    layers = [nn.GRU(4, 3).double() for _ in range(3)]
    weights, buffers = func.stack_module_state(layers)
    x = tensor(normal(5, 2, 4))
    run = lambda w, b: func.functional_call(layers[0], (w, b), (x,))[0]
    found = func.vmap(run)(weights, buffers)
    for k, layer in enumerate(layers):
        np.testing.assert_allclose(array(found[k]), array(layer(x)[0]), rtol=1e-12)


def test_forward_mode_goes_through_time():


    layer, x, v = nn.LSTM(4, 3).double(), tensor(normal(5, 2, 4)), tensor(normal(5, 2, 4, seed=7))
    f = lambda x: layer(x)[0]
    step = 1e-6
    wanted = (array(f(x + step * v)) - array(f(x - step * v))) / (2 * step)
    np.testing.assert_allclose(array(func.jvp(f, (x,), (v,))[1]), wanted, rtol=1e-6, atol=1e-8)
