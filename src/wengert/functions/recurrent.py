"""Recurrences: one step of each kind, and a layer that takes it through time.

A step is written on the products with the input, which a layer makes for all times at once; what is left in the loop is
the product with the state and one pass over the gates. W_h is (gates x hidden, hidden or projection).

    rnn    h' = f(x + W_h h)                                                        f: tanh or relu
    lstm   (i, f, g, o) = x + W_h h;  c' = s(f) c + s(i) tanh(g);  h' = s(o) tanh(c'), then W_r h' where there is a W_r
    gru    (r, z, n) = W_h h + b_h;  n = tanh(x_n + s(x_r + r) n);  z = s(x_z + z);  h' = n + z (h - n)

Sources: Elman, Finding structure in time, 1990; Hochreiter and Schmidhuber, Long short-term memory, 1997, with the
forget gate of Gers, Schmidhuber and Cummins, 2000, and the projection of Sak, Senior and Beaufays, 2014; Cho et al.,
Learning phrase representations using RNN encoder-decoder, 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, Optional

from wengert.derive.loop import Step, loop_of
from wengert.errors import dtype_error, shape_error, value_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.loop import parts_of
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["rnn_tanh_cell", "rnn_relu_cell", "lstm_cell", "gru_cell"]


class Weights(NamedTuple):
    """The parameters of one layer in one direction; those that a layer does not have are None."""

    input: Tensor
    hidden: Tensor
    input_bias: Optional[Tensor] = None
    hidden_bias: Optional[Tensor] = None
    projection: Optional[Tensor] = None


class Kind(NamedTuple):
    """A kind of recurrence: `gates` rows of weights for each unit; `step(x, state, recurrent, bias, projection)`, on
    nodes, gives the state anew; its first part is the output. `own_bias`: the step adds the hidden bias itself."""

    name: str
    gates: int
    step: Callable[..., tuple[Node, ...]]
    own_bias: bool = False


def _rnn(activation: str) -> Callable[..., tuple[Node, ...]]:
    def step(x: Node, state: Sequence[Node], recurrent: Node, *_: Optional[Node]) -> tuple[Node, ...]:
        return (_activated(activation, x + p.dot(state[0], recurrent)),)

    return step


def _activated(activation: str, x: Node) -> Node:
    return p.tanh(x) if activation == "tanh" else p.relu(x)


def _lstm(
    x: Node, state: Sequence[Node], recurrent: Node, bias: Optional[Node], projection: Optional[Node]
) -> tuple[Node, ...]:
    h, c = state
    i, f, g, o = _gates(x + p.dot(h, recurrent), 4)
    c = p.sigmoid(f) * c + p.sigmoid(i) * p.tanh(g)
    h = p.sigmoid(o) * p.tanh(c)
    return (h if projection is None else p.dot(h, projection)), c


def _gru(
    x: Node, state: Sequence[Node], recurrent: Node, bias: Optional[Node], projection: Optional[Node]
) -> tuple[Node, ...]:
    (h,) = state
    product = p.dot(h, recurrent)
    r, z, n = _gates(product if bias is None else product + bias, 3)
    x_r, x_z, x_n = _gates(x, 3)
    n = p.tanh(x_n + p.sigmoid(x_r + r) * n)
    z = p.sigmoid(x_z + z)
    return (n + z * (h - n),)


def _gates(x: Node, count: int) -> tuple[Node, ...]:
    return parts_of(x, 1, (x.shape[1] // count,) * count)


RNN_TANH = Kind("rnn_tanh", 1, _rnn("tanh"))
RNN_RELU = Kind("rnn_relu", 1, _rnn("relu"))
LSTM = Kind("lstm", 4, _lstm)
GRU = Kind("gru", 3, _gru, own_bias=True)


class _Ready(NamedTuple):
    """Weights as the steps take them."""

    recurrent: Node
    bias: Optional[Node]
    projection: Optional[Node]


def _turned(weight: Node) -> Node:
    return p.permute(weight, order=(1, 0))


def _prepared(kind: Kind, x: Node, w: Weights) -> tuple[Node, _Ready]:
    """The products with the input, (rows, gates x hidden), and what the steps need."""
    product = p.dot(x, _turned(node_of(w.input, kind.name, "w_ih")))
    bias = None if w.hidden_bias is None else node_of(w.hidden_bias, kind.name, "b_hh")
    if w.input_bias is not None:
        first = node_of(w.input_bias, kind.name, "b_ih")
        product = product + (first if kind.own_bias or bias is None else first + bias)
    projection = None if w.projection is None else _turned(node_of(w.projection, kind.name, "w_hr"))
    return product, _Ready(_turned(node_of(w.hidden, kind.name, "w_hh")), bias if kind.own_bias else None, projection)


@cache
def _turn(kind: Kind, is_masked: bool, hold: bool, has_bias: bool) -> Step:
    """A step of a layer, as a loop takes it. What it reads comes as constants: those of `_Ready` that there are."""

    def step(before: Sequence[Node], now: Sequence[Node], *ready: Node) -> tuple[list[Node], list[Node]]:
        recurrent, *rest = ready
        bias = rest.pop(0) if has_bias else None
        after = kind.step(now[0], before, recurrent, bias, rest.pop() if rest else None)
        if not is_masked:
            return list(after), [after[0]]
        kept = [p.where(now[1], new, old) for new, old in zip(after, before)]
        return kept, [kept[0] if hold else p.where(now[1], after[0], scalar(0, now[0].dtype))]

    return step


def layer(
    kind: Kind,
    input: Tensor,
    state: Sequence[Tensor],
    weights: Weights,
    mask: Optional[Tensor] = None,
    backward: bool = False,
    hold: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer in one direction.

    mask: where it is False the state stays as it is and the output is 0: a sequence that has not begun, or has ended
    hold: the output there is what stays, instead of 0

    Shape: input (time, batch, features); state: each (batch, hidden or projection); mask (time, batch, 1) of bools; the
    output (time, batch, hidden or projection), and the state after the last step.
    """
    x = node_of(input, kind.name)
    time, batch, features = x.shape
    product, ready = _prepared(kind, p.reshape(x, shape=(time * batch, features)), weights)
    sequences = [p.reshape(product, shape=(time, batch, product.shape[1]))]
    if mask is not None:
        sequences.append(node_of(mask, kind.name, "mask"))

    initial = [node_of(part, kind.name, "hx") for part in state]
    turn = _turn(kind, mask is not None, hold, ready.bias is not None)
    ends, (output,) = loop_of(turn, initial, sequences, [part for part in ready if part is not None], time, backward)
    return wrap(output), tuple([wrap(end) for end in ends])


# --- one step as a public function ------------------------------------------------------------------------------------


def _cell(kind: Kind, input: Tensor, state: Sequence[Tensor], w: Weights) -> tuple[Tensor, ...]:
    name = f"{kind.name}_cell"
    x = node_of(input, name)
    parts = [node_of(part, name, "hx") for part in state]
    check_cell(name, kind, x, parts, w)
    product, ready = _prepared(kind, x, w)
    return tuple([wrap(part) for part in kind.step(product, parts, *ready)])


def check_cell(name: str, kind: Kind, x: Node, state: Sequence[Node], w: Weights) -> None:
    """Raises: RuntimeError unless input, state and weights fit each other."""
    hidden = w.hidden.shape[-1]
    if x.ndim != 2 or x.shape[1] != w.input.shape[-1]:
        raise shape_error(name, f"input has inconsistent input_size: wanted (batch, {w.input.shape[-1]})", (x.shape,))
    if x.dtype is not w.input.dtype:
        raise dtype_error(name, "input and weights of one dtype", f"{x.dtype} and {w.input.dtype}")
    for part in state:
        if part.shape != (x.shape[0], hidden):
            raise shape_error(name, f"hidden state of shape {[x.shape[0], hidden]}", (part.shape,))
        if part.dtype is not x.dtype:
            raise dtype_error(name, "input and hidden state of one dtype", f"{x.dtype} and {part.dtype}")
    if tuple(w.hidden.shape) != (kind.gates * hidden, hidden):
        raise shape_error(name, f"w_hh of shape {[kind.gates * hidden, hidden]}", (tuple(w.hidden.shape),))


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Optional[Tensor] = None, b_hh: Optional[Tensor] = None
) -> Tensor:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Shape: input (batch, features), hx (batch, hidden). Raises: RuntimeError for sizes that do not fit.
    """
    return _cell(RNN_TANH, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Optional[Tensor] = None, b_hh: Optional[Tensor] = None
) -> Tensor:
    """h' = max(W_ih x + b_ih + W_hh h + b_hh, 0).

    Shape: input (batch, features), hx (batch, hidden). Raises: RuntimeError for sizes that do not fit.
    """
    return _cell(RNN_RELU, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Optional[Tensor] = None,
    b_hh: Optional[Tensor] = None,
) -> tuple[Tensor, Tensor]:
    """One step of a long short-term memory: hx = (h, c) to (h', c').

    Shape: input (batch, features), h and c (batch, hidden). Raises: RuntimeError for sizes that do not fit; ValueError
    unless hx has two parts.
    """
    if len(hx) != 2:
        raise value_error("lstm_cell", "hx of two parts, (h, c)", len(hx))
    h, c = _cell(LSTM, input, hx, Weights(w_ih, w_hh, b_ih, b_hh))
    return h, c


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Optional[Tensor] = None, b_hh: Optional[Tensor] = None
) -> Tensor:
    """One step of a gated recurrent unit.

    Shape: input (batch, features), hx (batch, hidden). Raises: RuntimeError for sizes that do not fit.
    """
    return _cell(GRU, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]
