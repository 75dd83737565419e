"""Points that fill a cube evenly: Sobol's sequence. `scipy` computes it."""

from __future__ import annotations

import warnings
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.functions.data import tensor
from wengert.functions.random import randint
from wengert.tensors.tensor import Tensor

__all__ = ["SobolEngine"]


class SobolEngine:
    """Points of Sobol's sequence in [0, 1)^dimension, one after another: x_n is the exclusive or of the direction numbers
    at the bits of n's Gray code. Any 2^m of them, from a multiple of 2^m on, have one in each of 2^m equal boxes.

    scramble    mix the digits at random and shift them (Owen), which keeps that and makes means unbiased
    seed        for the scrambling; from the generator of `manual_seed` by default

    Without scrambling the points are PyTorch's; scrambled ones have its distribution.

    Source: S. Joe and F. Y. Kuo, Constructing Sobol sequences with better two-dimensional projections (2008); A. B. Owen,
    Scrambling Sobol' and Niederreiter-Xing points (1998).

    Raises: ValueError for a dimension outside [1, 21201]; ImportError without `scipy`.

    >>> SobolEngine(2).draw(4).tolist()
    [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: Optional[int] = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        self.num_generated = 0
        self._points = _sequence(dimension, self.MAXBIT, scramble, seed)

    def draw(self, n: int = 1, out: Optional[Tensor] = None, dtype: Optional[DType] = None) -> Tensor:
        """The next n points. Shape: (n, dimension).

        Raises: RuntimeError for a negative n, and when the sequence's 2^30 points are used up.
        """
        if not isinstance(n, int):
            raise TypeError(f"SobolEngine.draw(): argument 'n' must be int, not {type(n).__name__}")
        if n < 0 or self.num_generated + n > 2**self.MAXBIT:
            raise RuntimeError(f"SobolEngine.draw(): n from 0 to {2**self.MAXBIT - self.num_generated}; got {n}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about n that is no power of 2, which `draw` allows
            points = self._points.random(n)
        self.num_generated += n
        drawn = tensor(points, dtype=dtype or dtypes.get_default_dtype())
        if out is None:
            return drawn
        overwritten: Any = out
        return overwritten.resize_(drawn.shape).copy_(drawn)

    def draw_base2(self, m: int, out: Optional[Tensor] = None, dtype: Optional[DType] = None) -> Tensor:
        """The next 2^m points, where that completes a power of 2. Shape: (2^m, dimension).

        Raises: ValueError where it does not.
        """
        n, total = 2**m, self.num_generated + 2**m
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: n={self.num_generated}+2**{m}={total}. "
                "If you still want to do this, please use 'SobolEngine.draw()' instead."
            )
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Begin again at the first point, with the same scrambling."""
        self._points.reset()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave out the next n points."""
        self._points.fast_forward(n)
        self.num_generated += n
        return self

    def __repr__(self) -> str:
        rest = ", scramble=True" if self.scramble else ""
        rest += "" if self.seed is None else f", seed={self.seed}"
        return f"{type(self).__name__}(dimension={self.dimension}{rest})"


def _sequence(dimension: int, bits: int, scramble: bool, seed: Optional[int]) -> Any:
    """scipy's generator of the points."""
    try:
        from scipy.stats import qmc  # optional: it brings the table of direction numbers
    except ImportError as error:
        raise ImportError("SobolEngine needs the `scipy` package (pip install scipy), for its direction numbers") from error
    if scramble and seed is None:
        seed = int(randint(0, 2**31 - 1, ()).item())
    return qmc.Sobol(dimension, scramble=scramble, bits=bits, seed=seed)
