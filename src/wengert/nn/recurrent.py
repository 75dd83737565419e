"""Recurrent layers: a recurrence through time, in several layers and in one or two directions."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any, Optional

from wengert.functions import recurrent
from wengert.functions.create import empty, zeros
from wengert.functions.recurrent import Weights
from wengert.nn import init
from wengert.nn.module import Module
from wengert.nn.parameter import Parameter
from wengert.nn.recurrences import run_layers
from wengert.nn.utils.rnn import PackedSequence, mask_of, packed_rows, padded_rows
from wengert.tensors.tensor import Tensor

_KINDS = {
    "RNN_TANH": recurrent.RNN_TANH, "RNN_RELU": recurrent.RNN_RELU, "LSTM": recurrent.LSTM, "GRU": recurrent.GRU,
}  # fmt: skip


class RNNBase(Module):
    """What the recurrent layers share.

    Parameters of layer k, uniform in +-1 / sqrt(hidden_size): weight_ih_lk (gates x hidden_size, features), weight_hh_lk
    (gates x hidden_size, hidden_size), with `bias` bias_ih_lk and bias_hh_lk (gates x hidden_size,), with `proj_size`
    weight_hr_lk (proj_size, hidden_size); each once more with the suffix _reverse where `bidirectional`.

    batch_first: input and output are (batch, time, features) instead of (time, batch, features)
    dropout: in training, elements of every layer's output but the last's are 0 with this probability

    Raises: TypeError and ValueError for arguments that are not what they must be.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if mode not in _KINDS:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} does nothing here: it works on the output of every layer but the last, and num_layers "
                "is 1",
                stacklevel=2,
            )
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._names: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[: self._directions]:
                self._add_parameters(layer, f"_l{layer}{suffix}", device, dtype)
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _output_size(self) -> int:
        return self.proj_size or self.hidden_size

    def _add_parameters(self, layer: int, suffix: str, device: Any, dtype: Any) -> None:
        features = self.input_size if layer == 0 else self._output_size * self._directions
        rows = _KINDS[self.mode].gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, self._output_size)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            self.register_parameter(name + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
        self._names.append([name + suffix for name in shapes])

    def reset_parameters(self) -> None:
        """Draw every parameter anew."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: parameters need not lie together here."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._names]

    def _weights(self, number: int) -> Weights:
        found = {name.partition("_l")[0]: getattr(self, name) for name in self._names[number]}
        return Weights(
            found["weight_ih"], found["weight_hh"], found.get("bias_ih"), found.get("bias_hh"), found.get("weight_hr")
        )

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        for name, value in usual.items():
            if getattr(self, name) != value:
                text += f", {name}={getattr(self, name)}"
        return text

    # --- states and inputs -------------------------------------------------------------------------------------------

    def _sizes(self) -> tuple[int, ...]:
        """The size of each part of the state."""
        return (self._output_size, self.hidden_size) if self.mode == "LSTM" else (self.hidden_size,)

    def _state(self, hx: Any) -> Optional[tuple[Tensor, ...]]:
        return hx if hx is None or self.mode == "LSTM" else (hx,)

    def check_input(self, input: Tensor, batch_sizes: Optional[Tensor]) -> None:
        """Raises: ValueError for another dtype than the weights', RuntimeError for another rank or size."""
        dtype = getattr(self, self._names[0][0]).dtype
        if input.dtype is not dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert input: "
                f"input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        rank = 2 if batch_sizes is not None else 3
        if input.ndim != rank:
            raise RuntimeError(f"input must have {rank} dimensions, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )

    def _check_state(self, state: tuple[Tensor, ...], batch: int) -> None:
        for number, (part, size) in enumerate(zip(state, self._sizes())):
            wanted = (self.num_layers * self._directions, batch, size)
            if tuple(part.shape) != wanted:
                name = f"hidden[{number}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {name} size {wanted}, got {list(part.shape)}")

    def _zero_state(self, batch: int, input: Tensor) -> tuple[Tensor, ...]:
        count = self.num_layers * self._directions
        return tuple([zeros(count, batch, size, dtype=input.dtype) for size in self._sizes()])

    # --- the layers ---------------------------------------------------------------------------------------------------

    def _run(
        self, input: Tensor, state: tuple[Tensor, ...], mask: Optional[Tensor] = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Every layer over (time, batch, features)."""
        weights = [self._weights(place) for place in range(len(self._names))]
        dropout = self.dropout if self.training else 0.0
        return run_layers(_KINDS[self.mode], input, state, weights, self._directions, dropout, mask)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """(time, batch, input_size), the same without a batch, or a PackedSequence; to the output of the last layer, of
        the same form, (..., directions x hidden_size or proj_size), and the state after the last step, (layers x
        directions, batch, hidden_size or proj_size); for an LSTM a pair of states, the second of hidden_size.

        hx: the state before the first step, 0 by default.

        Raises: ValueError and RuntimeError for an input or state of another rank, size or dtype.
        """
        output: Any
        if isinstance(input, PackedSequence):
            output, state = self._run_packed(input, self._state(hx))
        else:
            output, state = self._run_plain(input, self._state(hx))
        return output, (state if self.mode == "LSTM" else state[0])

    def _run_plain(self, input: Tensor, state: Optional[tuple[Tensor, ...]]) -> tuple[Tensor, tuple[Tensor, ...]]:
        if input.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D tensor instead")
        batched = input.ndim == 3
        if state is not None:
            self._check_rank(state, batched)
        if not batched:
            input = input.unsqueeze(1)
            state = None if state is None else tuple([part.unsqueeze(1) for part in state])
        elif self.batch_first:
            input = input.transpose(0, 1)
        self.check_input(input, None)
        state = self._zero_state(input.shape[1], input) if state is None else state
        self._check_state(state, input.shape[1])
        output, ends = self._run(input, state)
        if not batched:
            return output.squeeze(1), tuple([end.squeeze(1) for end in ends])
        return (output.transpose(0, 1) if self.batch_first else output), ends

    def _check_rank(self, state: tuple[Tensor, ...], batched: bool) -> None:
        rank = 3 if batched else 2
        if any([part.ndim != rank for part in state]):
            names = "hx and cx" if self.mode == "LSTM" else "hx"
            raise RuntimeError(
                f"For {'batched 3-D' if batched else 'unbatched 2-D'} input, {names} should also be {rank}-D but got "
                f"{', '.join(f'{part.ndim}-D' for part in state)} tensors"
            )

    def _run_packed(
        self, input: PackedSequence, state: Optional[tuple[Tensor, ...]]
    ) -> tuple[PackedSequence, tuple[Tensor, ...]]:
        """Sequences of different lengths run side by side, each with the state standing still where it has no element."""
        data, batch_sizes, sorted_indices, unsorted_indices = input.data, *input[1:]
        self.check_input(data, batch_sizes)
        sizes = batch_sizes.tolist()
        if state is None:
            state = self._zero_state(sizes[0], data)
        elif sorted_indices is not None:
            self._check_state(state, sizes[0])
            state = tuple([part.index_select(1, sorted_indices) for part in state])
        self._check_state(state, sizes[0])
        output, ends = self._run(padded_rows(data, sizes), state, mask_of(sizes))
        if unsorted_indices is not None:
            ends = tuple([end.index_select(1, unsorted_indices) for end in ends])
        packed = PackedSequence(packed_rows(output, sizes), batch_sizes, sorted_indices, unsorted_indices)
        return packed, ends


def _check_arguments(
    input_size: Any, hidden_size: Any, num_layers: int, bias: Any, batch_first: Any, dropout: Any, proj_size: int
) -> None:
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(f"dropout should be a number in range [0, 1], the probability of a 0; got {dropout!r}")
    for name, value, kind in (
        ("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int),
        ("hidden_size", hidden_size, int),
    ):  # fmt: skip
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or max(..., 0) with `nonlinearity` "relu".

    RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
    bidirectional=False)

    Source: Elman, Finding structure in time, 1990.
    Raises: ValueError for another nonlinearity, or a proj_size.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _refuse_projection(kwargs)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype, **kwargs
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """(i, f, g, o) = W_ih x_t + b_ih + W_hh h_(t-1) + b_hh;  c_t = s(f) c_(t-1) + s(i) tanh(g);  h_t = s(o) tanh(c_t)

    s is the sigmoid. With `proj_size`, h_t = W_hr (s(o) tanh(c_t)).

    LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    proj_size=0)

    Source: Hochreiter and Schmidhuber, Long short-term memory, 1997.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """h_t = (1 - z) n + z h_(t-1)   with the gates

    r = s(W_ir x_t + b_ir + W_hr h + b_hr),  z = s(W_iz x_t + b_iz + W_hz h + b_hz),
    n = tanh(W_in x_t + b_in + r (W_hn h + b_hn)),   h = h_(t-1), s the sigmoid

    GRU(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False)

    Source: Cho et al., Learning phrase representations using RNN encoder-decoder, 2014.
    Raises: ValueError for a proj_size.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


def _refuse_projection(kwargs: dict[str, Any]) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
