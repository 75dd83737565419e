"""Random numbers from Keras's seeds: pure functions of a key and a counter, which may be pending themselves."""

from __future__ import annotations

from typing import Any

from keras.src.random.seed_generator import SeedGenerator, draw_seed, make_default_seed

import wengert as w
from keras_wengert.ops.common import as_float, cast, convert_to_tensor, floatx, standardize_dtype
from keras_wengert.ops.core import to_dtype


def _generator(seed: Any) -> w.Generator:
    return w.random.KeyedGenerator(draw_seed(seed))


def _floating(dtype: Any) -> Any:
    return to_dtype(dtype or floatx())


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple([int(n) for n in shape])


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal numbers."""
    dtype = _floating(dtype)
    draws = w.randn(_shape(shape), generator=_generator(seed), dtype=dtype)
    return (draws * stddev + mean).to(dtype)


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Uniform numbers in [minval, maxval)."""
    dtype = _floating(dtype)
    draws = w.rand(_shape(shape), generator=_generator(seed), dtype=dtype)
    return (draws * (maxval - minval) + minval).to(dtype)


def randint(shape: Any, minval: Any, maxval: Any, dtype: str = "int32", seed: Any = None) -> Any:
    """Integers in [minval, maxval)."""
    low, high = [int(bound.item()) if isinstance(bound, w.Tensor) else int(bound) for bound in (minval, maxval)]
    return cast(w.randint(low, high, _shape(shape), generator=_generator(seed), dtype=w.int64), dtype)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal numbers no further than two deviations from the mean: the inverse distribution of uniform ones."""
    dtype = _floating(dtype)
    edge = 0.9544997361036416  # erf(2 / sqrt 2): the share of a normal distribution within two deviations
    draws = w.rand(_shape(shape), generator=_generator(seed), dtype=w.float64 if dtype is w.float64 else w.float32)
    y = 2**0.5 * w.erfinv((2 * draws - 1) * edge)
    return (y.clamp(-2, 2) * stddev + mean).to(dtype)


def categorical(logits: Any, num_samples: int, dtype: str = "int32", seed: Any = None) -> Any:
    """Classes drawn with probabilities softmax(logits), by the largest of perturbed logits (Gumbel 1954)."""
    logits = as_float(logits)
    draws = w.rand((*logits.shape[:-1], num_samples, logits.shape[-1]), generator=_generator(seed), dtype=logits.dtype)
    gumbel = -w.log(-w.log1p(draws - 1).clamp(max=-1e-38).clamp(min=-3e38))
    return cast(w.argmax(logits[..., None, :] + gumbel, -1), dtype)


def _keep(shape: Any, noise_shape: Any) -> tuple[int, ...]:
    if noise_shape is None:
        return tuple(shape)
    return tuple([n if k is None else int(k) for n, k in zip(shape, noise_shape)])


def dropout(inputs: Any, rate: Any, noise_shape: Any = None, seed: Any = None) -> Any:
    """Elements set to 0 with probability `rate`, the others divided by 1 - rate."""
    inputs = convert_to_tensor(inputs)
    draws = w.rand(_keep(inputs.shape, noise_shape), generator=_generator(seed), dtype=w.float32)
    scale = 0.0 if rate >= 1 else 1 / (1 - rate)
    return w.where(draws >= rate, inputs * scale, w.zeros_like(inputs))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The slices along an axis in random order."""
    x = convert_to_tensor(x)
    order = w.randperm(x.shape[axis], generator=_generator(seed))
    return w.index_select(x, axis, order)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Gamma numbers of this shape parameter and rate 1."""
    dtype = _floating(dtype)
    alpha = w.broadcast_to(convert_to_tensor(alpha, standardize_dtype(dtype)), _shape(shape))
    return w._standard_gamma(alpha, _generator(seed))


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Beta numbers, from two gamma numbers."""
    dtype = _floating(dtype)
    generator = _generator(seed)
    a, b = [
        w._standard_gamma(w.broadcast_to(convert_to_tensor(parameter, standardize_dtype(dtype)), _shape(shape)), generator)
        for parameter in (alpha, beta)
    ]
    return a / (a + b)


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """How many of `counts` tries succeed."""
    dtype = _floating(dtype)
    n, p = [
        w.broadcast_to(convert_to_tensor(x, standardize_dtype(dtype)), _shape(shape)) for x in (counts, probabilities)
    ]
    return w.binomial(n, p, generator=_generator(seed)).to(dtype)


__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "draw_seed", "dropout", "gamma", "make_default_seed", "normal",
    "randint", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip
