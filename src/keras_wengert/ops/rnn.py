"""Recurrent layers: a step function over time, with masks.

The steps of Keras's own cells leave nothing behind, so that a layer of them is one loop (`wengert.func.scan`), whatever
its length. The usual ones have their products with the input made for all times at once (`recurrences.py`). A cell of the
program's own is called for every time: what it does besides computing is done as often as on PyTorch's backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras.src import tree

import wengert as w
from keras_wengert.ops.core import convert_to_tensor
from keras_wengert.ops.recurrences import gru, layer_of, lstm, of_cell, usual

__all__ = ["bidirectional_gru", "bidirectional_lstm", "cudnn_ok", "gru", "lstm", "rnn"]


def rnn(
    step_function: Callable[[Any, Any], Any], inputs: Any, initial_states: Any, go_backwards: bool = False,
    mask: Any = None, constants: Any = None, unroll: bool = False, input_length: Any = None, time_major: bool = False,
    zero_output_for_mask: bool = False, return_all_outputs: bool = True,
) -> Any:  # fmt: skip
    """Run ``output, states = step_function(input, states)`` over the time axis of `inputs` (batch, time, ...).

    Where `mask` (batch, time) is False, states stay as they were and the output repeats the last one (or is 0).
    Gives the last output, the outputs of all times (or the last alone), and the states.

    Raises: ValueError for masks or inputs that do not fit.
    """
    turn = lambda x: x if time_major else w.swapaxes(convert_to_tensor(x), 0, 1)
    inputs = tree.map_structure(turn, inputs)
    if mask is not None:
        mask = convert_to_tensor(mask, "bool")
        mask = turn(mask[..., None] if mask.ndim == 2 else mask)
    states = tuple(initial_states)
    constants = list(constants or [])
    layer = None if unroll or constants else layer_of(step_function)
    found = None
    if layer is not None:
        found = of_cell(layer, inputs, states, mask, zero_output_for_mask, go_backwards, step_function)
        if found is None:
            found = _looped(step_function, inputs, states, mask, zero_output_for_mask, go_backwards)
    if found is None:
        step = lambda x, before: step_function(x, (*before, *constants))
        found = _unrolled(step, inputs, states, mask, zero_output_for_mask, go_backwards)
    outputs, states = found
    last = tree.map_structure(lambda y: y[-1], outputs)
    if not return_all_outputs:
        outputs = tree.map_structure(lambda y: y[None], last)
    return last, outputs if time_major else tree.map_structure(lambda y: w.swapaxes(y, 0, 1), outputs), states


def _chosen(mask: Any, new: Any, old: Any) -> Any:
    return w.where(mask.reshape(mask.shape[0], *[1] * (new.ndim - 1)), new, old)


def _unrolled(step: Any, inputs: Any, states: Any, mask: Any, zeros_where_masked: bool, backward: bool) -> Any:
    """The outputs, time first and in the order of the steps, and the states: step by step."""
    output, outputs = None, []
    times = range(tree.flatten(inputs)[0].shape[0])
    for t in times[::-1] if backward else times:
        x = tree.map_structure(lambda part: part[t], inputs)  # noqa: B023 - used at once
        new, new_states = step(x, states)
        new_states = tuple(new_states)
        if mask is not None:
            zeros = tree.map_structure(w.zeros_like, new)
            choose = lambda a, b: _chosen(mask[t], a, b)  # noqa: B023
            output = tree.map_structure(choose, new, zeros if output is None or zeros_where_masked else output)
            states = tree.map_structure(choose, new_states, states)
        else:
            output, states = new, new_states
        outputs.append(output)
    return tree.map_structure(lambda *parts: w.stack(list(parts)), *outputs), states


def _looped(step: Any, inputs: Any, states: Any, mask: Any, zeros_where_masked: bool, backward: bool) -> Any:
    """The same as one loop; None where a state would not keep its type, so that there is none."""
    with w.no_grad():  # nobody reads what this first step records: it tells types
        first, after = step(tree.map_structure(lambda part: part[0], inputs), states)
    if not _same_types(states, tuple(after)):
        return None
    zeros = tree.map_structure(w.zeros_like, first)
    turn = (lambda x: w.flip(x, (0,))) if backward else (lambda x: x)
    sequences = tree.map_structure(turn, inputs if mask is None else (inputs, mask))

    def one(carry: Any, rows: Any) -> Any:
        if mask is None:
            new, new_states = step(rows, carry[0])
            return (tuple(new_states), ()), new
        before, output = carry
        new, new_states = step(rows[0], before)
        choose = lambda a, b: _chosen(rows[1], a, b)
        shown = tree.map_structure(choose, new, zeros if zeros_where_masked else output)
        return (tree.map_structure(choose, tuple(new_states), before), () if zeros_where_masked else shown), shown

    keeps_output = mask is not None and not zeros_where_masked
    (states, _), outputs = w.func.scan(one, (states, zeros if keeps_output else ()), sequences)
    return outputs, states


def _same_types(before: Any, after: Any) -> bool:
    these, those = tree.flatten(before), tree.flatten(after)
    return len(these) == len(those) and all(
        [a.shape == b.shape and a.dtype is b.dtype for a, b in zip(these, those)]
    )


def bidirectional_lstm(*args: Any, **kwargs: Any) -> Any:
    """Raises: NotImplementedError: the two directions run by themselves."""
    raise NotImplementedError


def bidirectional_gru(*args: Any, **kwargs: Any) -> Any:
    """Raises: NotImplementedError: the two directions run by themselves."""
    raise NotImplementedError


def cudnn_ok(activation: Any, recurrent_activation: Any, unroll: bool, use_bias: bool = True) -> bool:
    """Whether the loops of `lstm` and `gru` can run a layer with these functions; the other backends ask cuDNN."""
    return usual(activation, recurrent_activation) and not unroll
