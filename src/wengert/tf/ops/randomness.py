"""`tf.random`: draws from the seed of the program, from seeds of their own, and from a `Generator`.

The numbers are not TensorFlow's, but the rules of seeds are: `set_seed` alone makes a program repeat; an operation with a
seed of its own repeats after every `set_seed`; a stateless one is a function of its seed.
"""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, INTEGER, accept, ints
from wengert.tf.ops.core import fresh, gamma_sample, w
from wengert.tf.seed import get_seed, set_global_seed

# --- seeds ------------------------------------------------------------------------------------------------------------


class _Seeds:
    """The program's seed, and a stream for each seed that operations were called with since it was set."""

    program: Optional[int] = None
    streams: dict[int, Any] = {}


def set_seed(seed: Any) -> None:
    """Start every random operation anew from this seed.

    >>> import wengert.tf as tf
    >>> tf.random.set_seed(5)
    >>> first = tf.random.uniform([])
    >>> tf.random.set_seed(5)
    >>> bool(tf.random.uniform([]) == first)
    True
    """
    _Seeds.program, _Seeds.streams = int(seed), {}
    set_global_seed(seed)
    w.manual_seed(int(seed))


def generator_of(seed: Any) -> Any:
    """Where an operation draws from: the program's stream, or the stream of its own seed."""
    if seed is None:
        get_seed(None)  # the operation counts, for the seeds of data sets that are made after it
        return None
    number = int(seed)
    if number not in _Seeds.streams:
        mixed = number if _Seeds.program is None else number * 1000003 + _Seeds.program
        _Seeds.streams[number] = w.Generator().manual_seed(mixed & (2**63 - 1))
    return _Seeds.streams[number]


def keyed(seed: Any) -> Any:
    """The stream of a stateless operation's seed of two whole numbers. Raises: InvalidArgumentError for another seed."""
    pair = fresh(seed)
    if tuple(pair.shape) != (2,) or pair.dtype not in INTEGER:
        raise invalid(f"seed must have shape [2] and integers, not {list(pair.shape)} of {pair.dtype.name}")
    return w.random.KeyedGenerator(mixed_key(pair.to(w.int64)))


def mixed_key(pair: Any) -> Any:
    """A key in which both numbers of a seed have their part, and the start of its stream."""
    return w.stack([pair[0] * 0x1000003 + pair[1] * 0x9E3779B1, w.zeros_like(pair[0])])


# --- draws ------------------------------------------------------------------------------------------------------------


def floating_kind(dtype: Any, operation: str) -> Any:
    kind = as_dtype(dtype)
    if kind not in FLOATING:
        raise TypeError(f"{operation}: dtype must be floating, got {kind.name}")
    return kind


def parameter(value: Any, kind: Any) -> Any:
    value = fresh(value)
    return value if value.dtype is kind else value.to(kind)


def drawn_normal(shape: Any, mean: Any, stddev: Any, dtype: Any, generator: Any) -> Any:
    kind = floating_kind(dtype, "random_normal")
    draws = w.randn(ints(shape), generator=generator, dtype=kind)
    return draws * parameter(stddev, kind) + parameter(mean, kind)


def drawn_uniform(shape: Any, low: Any, high: Any, dtype: Any, generator: Any) -> Any:
    kind = as_dtype(dtype)
    sizes = ints(shape)
    if kind in FLOATING:
        low, high = parameter(low, kind), parameter(1.0 if high is None else high, kind)
        return w.rand(sizes, generator=generator, dtype=kind) * (high - low) + low
    if high is None:
        raise ValueError(f"Must specify maxval for integer dtype {kind.name!r}")
    low, high = [fresh(bound) for bound in (low, high)]
    if low.ndim or high.ndim:
        spread = (high - low).to(w.float64)
        return (w.rand(sizes, generator=generator, dtype=w.float64) * spread).floor().to(kind) + low.to(kind)
    first, past = int(low.item()), int(high.item())
    if first >= past:
        raise invalid(f"Need minval < maxval, got {first} >= {past} [Op:RandomUniformInt]")
    return w.randint(first, past, sizes, generator=generator, dtype=w.int64).to(kind)


_WITHIN_TWO = 0.9544997361036416  # erf(2 / sqrt 2): the share of a normal distribution within two deviations


def drawn_truncated(shape: Any, mean: Any, stddev: Any, dtype: Any, generator: Any) -> Any:
    """Normal numbers within two deviations: the inverse distribution of uniform ones."""
    kind = floating_kind(dtype, "truncated_normal")
    draws = w.rand(ints(shape), generator=generator, dtype=w.float64 if kind is w.float64 else w.float32)
    y = (2**0.5 * w.erfinv((2 * draws - 1) * _WITHIN_TWO)).clamp(-2, 2).to(kind)
    return y * parameter(stddev, kind) + parameter(mean, kind)


def _gamma(shape: Any, alpha: Any, beta: Any, dtype: Any, generator: Any) -> Any:
    kind = floating_kind(dtype, "random_gamma")
    alpha = parameter(alpha, kind)
    beta = w.ones_like(alpha) if beta is None else parameter(beta, kind)
    alpha, beta = w.broadcast_tensors(alpha, beta)
    sizes = (*ints(shape), *alpha.shape)
    return gamma_sample(w.broadcast_to(alpha, sizes).contiguous(), generator) / beta


def _poisson(shape: Any, lam: Any, dtype: Any, generator: Any) -> Any:
    rate = fresh(lam)
    rate = rate if rate.dtype.is_floating_point else rate.to(w.float64)
    sizes = (*ints(shape), *rate.shape)
    return w.poisson(w.broadcast_to(rate, sizes).contiguous(), generator=generator).to(as_dtype(dtype))


def drawn_classes(logits: Any, count: Any, dtype: Any, generator: Any) -> Any:
    """The largest of perturbed logits. Source: E. J. Gumbel, Statistical theory of extreme values, 1954."""
    logits = fresh(logits)
    accept("Multinomial", FLOATING, logits)
    if logits.ndim != 2:
        raise invalid(f"logits should be a matrix, got shape {list(logits.shape)} [Op:Multinomial]")
    draws = w.rand((logits.shape[0], ints(count)[0], logits.shape[1]), generator=generator, dtype=w.float64)
    gumbel = -w.log(-w.log1p(draws - 1).clamp(-1e300, -1e-300))
    return w.argmax(logits[:, None, :].to(w.float64) + gumbel, -1).to(as_dtype(dtype or w.int64))


def shuffled(value: Any, generator: Any) -> Any:
    return w.index_select(value, 0, w.randperm(value.shape[0], generator=generator)) if value.ndim else value


@face()
def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = w.float32, seed: Any = None, name: Optional[str] = None
) -> Any:
    """Normal numbers."""
    return drawn_normal(shape, mean, stddev, dtype, generator_of(seed))


@face()
def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = w.float32, seed: Any = None, name: Optional[str] = None
) -> Any:
    """Uniform numbers, `maxval` excluded. Raises: ValueError for integers without a `maxval`."""
    return drawn_uniform(shape, minval, maxval, dtype, generator_of(seed))


@face()
def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = w.float32, seed: Any = None, name: Optional[str] = None
) -> Any:
    """Normal numbers no further than two deviations from the mean."""
    return drawn_truncated(shape, mean, stddev, dtype, generator_of(seed))


@face()
def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = w.float32, seed: Any = None, name: Optional[str] = None
) -> Any:
    """Gamma numbers of shape alpha and rate beta; the result's shape is `shape` and then that of the parameters."""
    return _gamma(shape, alpha, beta, dtype, generator_of(seed))


@face()
def poisson(shape: Any, lam: Any, dtype: Any = w.float32, seed: Any = None, name: Optional[str] = None) -> Any:
    """Poisson numbers; the result's shape is `shape` and then that of `lam`."""
    return _poisson(shape, lam, dtype, generator_of(seed))


@face()
def categorical(logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: Optional[str] = None) -> Any:
    """Classes drawn with probabilities softmax(logits), a row for each row of logits."""
    return drawn_classes(logits, num_samples, dtype, generator_of(seed))


@face("value")
def shuffle(value: Any, seed: Any = None, name: Optional[str] = None) -> Any:
    """The slices of the first axis in random order."""
    return shuffled(value, generator_of(seed))


__all__ = [
    "categorical", "gamma", "normal", "poisson", "set_seed", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip
