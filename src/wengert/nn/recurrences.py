"""Recurrent layers as functions: `torch.lstm(input, hx, params, ...)` and its like, which take the weights as a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

from wengert.errors import runtime_error, type_error
from wengert.functions.join import cat, stack
from wengert.functions.recurrent import GRU, LSTM, RNN_RELU, RNN_TANH, Kind, Weights, layer
from wengert.nn.functional.dropout import dropout as dropped
from wengert.nn.utils.rnn import mask_of, packed_rows, padded_rows
from wengert.tensors.tensor import Tensor

__all__ = ["lstm", "gru", "rnn_tanh", "rnn_relu"]

State = tuple[Tensor, ...]


def run_layers(
    kind: Kind,
    input: Tensor,
    state: State,
    weights: Sequence[Weights],
    directions: int,
    dropout: float,
    mask: Optional[Tensor] = None,
) -> tuple[Tensor, State]:
    """Every layer over (time, batch, features): the output of the last, and the state after the last step.

    weights: for each layer those of each direction, one after the other
    dropout: elements of every layer's output but the last's are 0 with this probability
    """
    ends: list[State] = []
    outputs: list[Tensor] = []
    for place, w in enumerate(weights):
        number, direction = divmod(place, directions)
        if number and direction == 0:
            input, outputs = dropped(_joined(outputs), dropout), []
        output, end = layer(kind, input, [part[place] for part in state], w, mask, backward=direction == 1)
        outputs.append(output)
        ends.append(end)
    return _joined(outputs), tuple([stack(parts) for parts in zip(*ends)])


def _joined(outputs: Sequence[Tensor]) -> Tensor:
    return outputs[0] if len(outputs) == 1 else cat(outputs, -1)


class _Call(NamedTuple):
    """The arguments after the input; `batch_sizes` where it is packed."""

    hx: Any
    params: Sequence[Tensor]
    has_biases: bool
    num_layers: int
    dropout: float
    train: bool
    bidirectional: bool
    batch_first: bool = False
    batch_sizes: Optional[Tensor] = None


def _read(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], parts: int) -> _Call:
    """Both forms: (hx, params, ..., batch_first) and, for packed sequences, (batch_sizes, hx, params, ...)."""
    packed = "batch_sizes" in kwargs or (
        len(args) > 1 and isinstance(args[0], Tensor) and (parts == 2 or isinstance(args[1], Tensor))
    )
    fields = _Call._fields[:8]
    names = ("batch_sizes", *fields[:7]) if packed else fields
    given = dict(zip(names, args)) | kwargs
    wrong = sorted(set(names).symmetric_difference(given))
    if wrong or len(args) > len(names):
        raise type_error(name, f"the arguments input, {', '.join(names)}", wrong or len(args), "one and all")
    call = _Call(**given)
    return call._replace(hx=tuple(call.hx) if parts == 2 else (call.hx,))


def _weights(name: str, call: _Call) -> list[Weights]:
    """The flat list, taken apart; each layer and direction has w_ih, w_hh, b_ih, b_hh and a projection's w_hr as far as
    there are biases and a projection."""
    projected = len(call.hx) == 2 and call.hx[0].shape[-1] != call.hx[1].shape[-1]
    each = 2 + 2 * call.has_biases + projected
    count = call.num_layers * (2 if call.bidirectional else 1)
    if len(call.params) != each * count:
        raise runtime_error(name, f"params of {each * count} tensors, {each} for each layer and direction", len(call.params))
    found = []
    for k in range(count):
        w_ih, w_hh, *rest = call.params[k * each : (k + 1) * each]
        b_ih, b_hh = rest[:2] if call.has_biases else (None, None)
        found.append(Weights(w_ih, w_hh, b_ih, b_hh, rest[-1] if projected else None))
    return found


def _run(name: str, kind: Kind, input: Tensor, call: _Call) -> tuple[Tensor, ...]:
    weights = _weights(name, call)
    directions, dropout = 2 if call.bidirectional else 1, call.dropout if call.train else 0.0
    if call.batch_sizes is not None:
        sizes = call.batch_sizes.tolist()
        x = padded_rows(input, sizes)
        output, ends = run_layers(kind, x, call.hx, weights, directions, dropout, mask_of(sizes))
        return packed_rows(output, sizes), *ends
    x = input.transpose(0, 1) if call.batch_first else input
    output, ends = run_layers(kind, x, call.hx, weights, directions, dropout)
    return output.transpose(0, 1) if call.batch_first else output, *ends


def _function(name: str, kind: Kind, parts: int, results: str) -> Callable[..., tuple[Tensor, ...]]:
    def function(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        return _run(name, kind, input, _read(name, args, kwargs, parts))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{name}(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or for
    packed sequences {name}(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional): what the
    layer of that name computes, from its weights as one flat list. Returns {results}.

    Shape: input (time, batch, features), with `batch_first` (batch, time, features); each part of hx
    (layers x directions, batch, hidden).

    Raises: TypeError for missing arguments; RuntimeError for another number of weights, or sizes that do not fit.
    """
    return function


lstm = _function("lstm", LSTM, 2, "(output, h, c); hx is (h, c)")
gru = _function("gru", GRU, 1, "(output, h)")
rnn_tanh = _function("rnn_tanh", RNN_TANH, 1, "(output, h)")
rnn_relu = _function("rnn_relu", RNN_RELU, 1, "(output, h)")
