"""Recurrences one step at a time."""

from __future__ import annotations

import math
from typing import Any, Optional

from wengert.functions.create import empty, zeros
from wengert.functions.recurrent import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from wengert.nn import init
from wengert.nn.module import Module
from wengert.nn.parameter import Parameter
from wengert.tensors.tensor import Tensor


class RNNCellBase(Module):
    """What the cells share: weight_ih (chunks x hidden_size, input_size), weight_hh (chunks x hidden_size, hidden_size),
    bias_ih and bias_hh (chunks x hidden_size,), uniform in +-1 / sqrt(hidden_size)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty((rows,), device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every parameter anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = self.__dict__.get("nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def _check(self, input: Tensor, state: tuple[Tensor, ...], what: str) -> None:
        if input.ndim not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for number, part in enumerate(state):
            if part.ndim not in (1, 2):
                name = what.format(number)
                raise ValueError(f"{type(self).__name__}: Expected {name} to be 1D or 2D, got {part.ndim}D instead")

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _step(self, cell: Any, input: Tensor, hx: Optional[Tensor]) -> Tensor:
        """A cell whose state is one tensor."""
        self._check(input, () if hx is None else (hx,), "hidden")
        batched = input.ndim == 2
        rows = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = zeros(rows.shape[0], self.hidden_size, dtype=input.dtype)
        elif not batched:
            hx = hx.unsqueeze(0)
        found: Tensor = cell(rows, hx, *self._weights())
        return found if batched else found.squeeze(0)


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(..., 0) with `nonlinearity` "relu"."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Optional[Tensor] = None) -> Tensor:
        """(batch, input_size) and (batch, hidden_size), or both without a batch, to the new state.

        Raises: ValueError for other ranks; RuntimeError for sizes that do not fit, or an unknown nonlinearity.
        """
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory; see `LSTM`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: Optional[tuple[Tensor, Tensor]] = None) -> tuple[Tensor, Tensor]:
        """(batch, input_size) and a pair of (batch, hidden_size), or all without a batch, to the new pair.

        Raises: ValueError for other ranks; RuntimeError for sizes that do not fit.
        """
        self._check(input, hx or (), "hx[{}]")
        batched = input.ndim == 2
        rows = input if batched else input.unsqueeze(0)
        if hx is None:
            empty_state = zeros(rows.shape[0], self.hidden_size, dtype=input.dtype)
            hx = (empty_state, empty_state)
        elif not batched:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        h, c = lstm_cell(rows, hx, *self._weights())
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit; see `GRU`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Optional[Tensor] = None) -> Tensor:
        """(batch, input_size) and (batch, hidden_size), or both without a batch, to the new state.

        Raises: ValueError for other ranks; RuntimeError for sizes that do not fit.
        """
        return self._step(gru_cell, input, hx)
