"""Keras's usual cells as wengert's own recurrences (`wengert.functions.recurrent`): one product with the input for all
times, and a loop with what is left.

What decides: tanh (a simple cell may have relu) and sigmoid, no dropout at work inside the loop, and for GRU the reset gate
after the product. Keras's weights are those of PyTorch, transposed; its GRU has the update gate before the reset gate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

import wengert as w
from keras_wengert.ops.core import convert_to_tensor
from wengert.functions.recurrent import GRU, LSTM, RNN_RELU, RNN_TANH, Kind, Weights, layer as run

States = Sequence[Any]

# Keras's cells and functions by name: it imports its backend before them.
_FUNCTIONS = {
    "keras.src.activations.activations.tanh": "tanh", "keras.src.ops.numpy.tanh": "tanh",
    "keras.src.activations.activations.sigmoid": "sigmoid", "keras.src.ops.nn.sigmoid": "sigmoid",
    "keras.src.activations.activations.relu": "relu",
}  # fmt: skip


def _named(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__name__', '')}"


def _function(activation: Any) -> Optional[str]:
    return _FUNCTIONS.get(_named(activation))


def usual(activation: Any, recurrent_activation: Any) -> bool:
    """Whether a cell's functions are tanh and sigmoid."""
    return _function(activation) == "tanh" and _function(recurrent_activation) == "sigmoid"


# --- what layers ask for before they call `rnn` ---------------------------------------------------------------------------


def lstm(
    inputs: Any, initial_state_h: Any, initial_state_c: Any, mask: Any, kernel: Any, recurrent_kernel: Any, bias: Any,
    activation: Any, recurrent_activation: Any, return_sequences: bool = False, go_backwards: bool = False,
    unroll: bool = False,
) -> Any:  # fmt: skip
    """An LSTM over (batch, time, features): the last output, all outputs (or the last alone), and the states.

    Raises: NotImplementedError for a mask (how outputs are masked is told to `rnn` alone), other functions, and where the
    layer is to be unrolled: the layer calls `rnn` then.
    """
    if mask is not None or unroll or not usual(activation, recurrent_activation):
        raise NotImplementedError
    weights = _weights(kernel, recurrent_kernel, bias)
    return _batch_first(LSTM, weights, inputs, (initial_state_h, initial_state_c), return_sequences, go_backwards)


def gru(
    inputs: Any, initial_state: Any, mask: Any, kernel: Any, recurrent_kernel: Any, bias: Any, activation: Any,
    recurrent_activation: Any, return_sequences: bool = False, go_backwards: bool = False, unroll: bool = False,
    reset_after: bool = True,
) -> Any:  # fmt: skip
    """A GRU over (batch, time, features): the last output, all outputs (or the last alone), and the state.

    Raises: NotImplementedError as `lstm` does, and for a reset gate before the product.
    """
    if mask is not None or unroll or not reset_after or not usual(activation, recurrent_activation):
        raise NotImplementedError
    weights = _gru_weights(kernel, recurrent_kernel, bias)
    return _batch_first(GRU, weights, inputs, (initial_state,), return_sequences, go_backwards)


def _batch_first(kind: Kind, weights: Weights, inputs: Any, states: States, every: bool, backward: bool) -> Any:
    x = w.swapaxes(convert_to_tensor(inputs), 0, 1)
    outputs, ends = _run(kind, weights, x, states, None, False, backward)
    last = outputs[-1]
    return last, w.swapaxes(outputs, 0, 1) if every else last[:, None], list(ends)


# --- by the cell that a step function calls -------------------------------------------------------------------------------


def layer_of(step_function: Any) -> Any:
    """The layer whose loop asks for this step, if the step does nothing but compute: if all its cells are Keras's own."""
    if getattr(step_function, "__qualname__", "") != "RNN.inner_loop.<locals>.step":
        return None
    layer = _free(step_function, "self")
    return layer if all([_computes_only(one) for one in layer.cell._flatten_layers()]) else None


def _computes_only(layer: Any) -> bool:
    own = type(layer).__module__.startswith("keras.src.layers.rnn.")
    functions = [getattr(layer, name, None) for name in ("activation", "recurrent_activation")]
    return own and all([f is None or getattr(f, "__module__", "").startswith("keras.src.") for f in functions])


def of_cell(
    layer: Any, inputs: Any, states: States, mask: Any, zeros_where_masked: bool, backward: bool, step_function: Any
) -> Any:
    """The outputs, time first and in the order of the steps, and the states; None where the cell is not a usual one."""
    cell = layer.cell
    training = bool(_free(step_function, "cell_kwargs").get("training"))
    make = _MAKERS.get(_named(type(cell)))
    if make is None or (training and (cell.dropout or cell.recurrent_dropout)):
        return None
    made = make(cell)
    if made is None or not isinstance(inputs, w.Tensor):
        return None
    kind, weights = made
    return _run(kind, weights, inputs, states, mask, zeros_where_masked, backward)


def _free(function: Any, name: str) -> Any:
    return dict(zip(function.__code__.co_freevars, function.__closure__))[name].cell_contents


def _of_lstm(cell: Any) -> Optional[tuple[Kind, Weights]]:
    if not usual(cell.activation, cell.recurrent_activation):
        return None
    return LSTM, _weights(cell.kernel, cell.recurrent_kernel, cell.bias, cell.compute_dtype)


def _of_gru(cell: Any) -> Optional[tuple[Kind, Weights]]:
    if not cell.reset_after or not usual(cell.activation, cell.recurrent_activation):
        return None
    return GRU, _gru_weights(cell.kernel, cell.recurrent_kernel, cell.bias, cell.compute_dtype)


def _of_simple(cell: Any) -> Optional[tuple[Kind, Weights]]:
    kind = {"tanh": RNN_TANH, "relu": RNN_RELU}.get(_function(cell.activation) or "")
    return None if kind is None else (kind, _weights(cell.kernel, cell.recurrent_kernel, cell.bias, cell.compute_dtype))


_MAKERS: dict[str, Callable[[Any], Optional[tuple[Kind, Weights]]]] = {
    "keras.src.layers.rnn.lstm.LSTMCell": _of_lstm,
    "keras.src.layers.rnn.gru.GRUCell": _of_gru,
    "keras.src.layers.rnn.simple_rnn.SimpleRNNCell": _of_simple,
}


# --- weights, and the loop ------------------------------------------------------------------------------------------------


def _weights(kernel: Any, recurrent_kernel: Any, bias: Any, dtype: Any = None) -> Weights:
    """Keras's weights, (features, gates x units), as the rows of PyTorch's."""
    kernel, recurrent = [convert_to_tensor(x, dtype).T for x in (kernel, recurrent_kernel)]
    return Weights(kernel, recurrent, None if bias is None else convert_to_tensor(bias, dtype))


def _gru_weights(kernel: Any, recurrent_kernel: Any, bias: Any, dtype: Any = None) -> Weights:
    """The same, with the reset gate first; the bias is (2, gates x units), that of the input and that of the state."""
    kernel, recurrent = [_reset_first(convert_to_tensor(x, dtype)).T for x in (kernel, recurrent_kernel)]
    if bias is None:
        return Weights(kernel, recurrent)
    biases = _reset_first(convert_to_tensor(bias, dtype))
    return Weights(kernel, recurrent, biases[0], biases[1])


def _reset_first(x: Any) -> Any:
    update, reset, new = w.split(x, x.shape[-1] // 3, -1)
    return w.cat([reset, update, new], -1)


def _run(
    kind: Kind, weights: Weights, x: Any, states: States, mask: Any, zeros_where_masked: bool, backward: bool
) -> tuple[Any, tuple[Any, ...]]:
    """Time first. Outputs before the first element that is not masked are 0, whatever the initial state is."""
    dtype = weights.hidden.dtype
    parts = [convert_to_tensor(part).to(dtype) for part in states]
    outputs, ends = run(kind, x.to(dtype), parts, weights, mask, backward, hold=not zeros_where_masked)
    if backward:
        outputs = w.flip(outputs, (0,))
    if mask is not None and not zeros_where_masked:
        seen = w.cumsum((w.flip(mask, (0,)) if backward else mask).to(w.int32), 0) > 0
        outputs = w.where(seen, outputs, w.zeros((), dtype=dtype))
    return outputs, ends
