"""Random numbers that are functions of a seed: `tf.random.stateless_*`."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.face import face
from wengert.tf.ops.arguments import ints
from wengert.tf.ops.core import fresh, gamma_sample, w
from wengert.tf.ops.randomness import (
    drawn_classes,
    drawn_normal,
    drawn_truncated,
    drawn_uniform,
    floating_kind,
    keyed,
    mixed_key,
    parameter,
    shuffled,
)


@face()
def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = w.float32, name: Optional[str] = None,
    alg: Any = "auto_select",
) -> Any:  # fmt: skip
    """Normal numbers, a function of the seed."""
    return drawn_normal(shape, mean, stddev, dtype, keyed(seed))


@face()
def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = w.float32, name: Optional[str] = None,
    alg: Any = "auto_select",
) -> Any:  # fmt: skip
    """Uniform numbers, a function of the seed. Raises: ValueError for integers without a `maxval`."""
    return drawn_uniform(shape, minval, maxval, dtype, keyed(seed))


@face()
def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = w.float32, name: Optional[str] = None,
    alg: Any = "auto_select",
) -> Any:  # fmt: skip
    """Normal numbers within two deviations, a function of the seed."""
    return drawn_truncated(shape, mean, stddev, dtype, keyed(seed))


@face()
def stateless_parameterized_truncated_normal(
    shape: Any, seed: Any, means: Any = 0.0, stddevs: Any = 1.0, minvals: Any = -2.0, maxvals: Any = 2.0,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Normal numbers between bounds, a function of the seed: the inverse distribution of uniform ones."""
    mean = fresh(means)
    mean, deviation, low, high = [fresh(x, mean.dtype) for x in (mean, stddevs, minvals, maxvals)]
    ends = [0.5 * (1 + w.erf((end - mean) / deviation * 0.5**0.5)) for end in (low, high)]
    draws = w.rand(ints(shape), generator=keyed(seed), dtype=mean.dtype) * (ends[1] - ends[0]) + ends[0]
    y = mean + deviation * w.special.ndtri(draws)
    return w.minimum(w.maximum(y, low), high)


@face()
def stateless_gamma(
    shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = w.float32, name: Optional[str] = None
) -> Any:
    """Gamma numbers of the whole shape, with which the parameters broadcast; a function of the seed."""
    kind, sizes = floating_kind(dtype, "stateless_gamma"), ints(shape)
    alpha = w.broadcast_to(parameter(alpha, kind), sizes).contiguous()
    y = gamma_sample(alpha, keyed(seed))
    return y if beta is None else y / parameter(beta, kind)


@face()
def stateless_poisson(shape: Any, seed: Any, lam: Any, dtype: Any = w.int32, name: Optional[str] = None) -> Any:
    """Poisson numbers of the whole shape, with which `lam` broadcasts; a function of the seed."""
    rate = fresh(lam)
    rate = rate if rate.dtype.is_floating_point else rate.to(w.float64)
    return w.poisson(w.broadcast_to(rate, ints(shape)).contiguous(), generator=keyed(seed)).to(as_dtype(dtype))


@face()
def stateless_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = w.int32, name: Optional[str] = None
) -> Any:
    """How many of `counts` tries succeed, a function of the seed."""
    sizes = ints(shape)
    n, p = [w.broadcast_to(parameter(x, w.float32), sizes).contiguous() for x in (counts, probs)]
    return w.binomial(n, p, generator=keyed(seed)).to(as_dtype(output_dtype))


@face()
def stateless_categorical(logits: Any, num_samples: Any, seed: Any, dtype: Any = w.int64, name: Optional[str] = None) -> Any:
    """Classes drawn with probabilities softmax(logits), a function of the seed."""
    return drawn_classes(logits, num_samples, dtype, keyed(seed))


@face("value")
def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: Optional[str] = None) -> Any:
    """The slices of the first axis in an order that is a function of the seed."""
    return shuffled(value, keyed(seed))


@face()
def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Any:
    """A seed made of a seed and a number."""
    pair, number = fresh(seed), fresh(data)
    mixed = w.stack([pair[0].to(w.int64), pair[1].to(w.int64) * 0x9E3779B1 + number.to(w.int64)])
    return w.randint(0, 2**31 - 1, (2,), generator=w.random.KeyedGenerator(mixed_key(mixed)), dtype=w.int64).to(pair.dtype)


@face()
def split(seed: Any, num: Any = 2, alg: Any = "auto_select") -> Any:
    """Several seeds made of one."""
    pair = fresh(seed)
    return w.randint(0, 2**31 - 1, (*ints(num), 2), generator=keyed(pair), dtype=w.int64).to(pair.dtype)


__all__ = [
    "fold_in", "split", "stateless_binomial", "stateless_categorical", "stateless_gamma", "stateless_normal",
    "stateless_parameterized_truncated_normal", "stateless_poisson", "stateless_shuffle", "stateless_truncated_normal",
    "stateless_uniform",
]  # fmt: skip
