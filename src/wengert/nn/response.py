"""The layer of local response normalisation."""

from __future__ import annotations

from wengert.nn import functional as F
from wengert.nn.module import Module
from wengert.tensors.tensor import Tensor


class LocalResponseNorm(Module):
    """x_c / (k + alpha / size sum of x_j^2)^beta over the `size` channels j around c."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Of the shape of the input, (batch, channels, ...)."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
