"""Dropout layers: at work in training, the identity in evaluation."""

from __future__ import annotations

from wengert.nn import functional as F
from wengert.nn.functional.dropout import check_probability
from wengert.nn.module import Module
from wengert.tensors.tensor import Tensor


class _Dropout(Module):
    """p: the probability to be dropped. Raises: ValueError unless it lies in [0, 1]."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Each element is 0 with probability p, else x / (1 - p)."""

    def forward(self, input: Tensor) -> Tensor:
        """Of the shape of the input."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Dropout of whole channels of (batch, channels, length) or (channels, length)."""

    def forward(self, input: Tensor) -> Tensor:
        """Of the shape of the input."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Dropout of whole channels of (batch, channels, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """Of the shape of the input."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """Dropout of whole channels of (batch, channels, depth, height, width) or the same without a batch."""

    def forward(self, input: Tensor) -> Tensor:
        """Of the shape of the input."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1 under selu."""

    def forward(self, input: Tensor) -> Tensor:
        """Of the shape of the input."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels (dimension 1)."""

    def forward(self, input: Tensor) -> Tensor:
        """Of the shape of the input."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
