"""Recurrent layers: a step function over time, with masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras.src import tree

import wengert as w
from keras_wengert.ops.core import convert_to_tensor


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
    flat = tree.flatten(inputs)
    steps = flat[0].shape[0]
    if mask is not None:
        mask = convert_to_tensor(mask, "bool")
        mask = turn(mask[..., None] if mask.ndim == 2 else mask)
    order = range(steps)[::-1] if go_backwards else range(steps)
    constants = list(constants or [])
    states, output, outputs = tuple(initial_states), None, []
    for t in order:
        x = tree.map_structure(lambda part: part[t], inputs)  # noqa: B023 - used at once
        new, new_states = step_function(x, (*states, *constants))
        new_states = tuple(new_states)
        if mask is not None:
            here = mask[t]
            before = tree.map_structure(w.zeros_like, new) if output is None else output
            output = tree.map_structure(lambda a, b: _chosen(here, a, b), new, before)  # noqa: B023
            states = tree.map_structure(lambda a, b: _chosen(here, a, b), new_states, states)  # noqa: B023
            zeros = tree.map_structure(w.zeros_like, new)
            shown = tree.map_structure(lambda a, b: _chosen(here, a, b), new, zeros) if zero_output_for_mask else output  # noqa: B023
        else:
            shown = output = new
            states = new_states
        outputs.append(shown)
    last = outputs[-1]
    every = outputs if return_all_outputs else [last]
    joined = tree.map_structure(lambda *parts: w.stack(list(parts), 0 if time_major else 1), *every)
    return last, joined, states


def _chosen(mask: Any, new: Any, old: Any) -> Any:
    return w.where(mask.reshape(mask.shape[0], *[1] * (new.ndim - 1)), new, old)


# The layers ask for these first and run `rnn` on NotImplementedError.


def lstm(*args: Any, **kwargs: Any) -> Any:
    """Raises: NotImplementedError: the layer's own step runs, which the engine fuses."""
    raise NotImplementedError


def gru(*args: Any, **kwargs: Any) -> Any:
    """Raises: NotImplementedError: the layer's own step runs, which the engine fuses."""
    raise NotImplementedError


def bidirectional_lstm(*args: Any, **kwargs: Any) -> Any:
    """Raises: NotImplementedError: the two directions run by themselves."""
    raise NotImplementedError


def bidirectional_gru(*args: Any, **kwargs: Any) -> Any:
    """Raises: NotImplementedError: the two directions run by themselves."""
    raise NotImplementedError


def cudnn_ok(*args: Any, **kwargs: Any) -> bool:
    """Whether cuDNN could run a layer: it is not here."""
    return False
