"""`tf.random`."""

from __future__ import annotations

from wengert.tf import random_experimental as experimental
from wengert.tf.ops.generators import Algorithm, Generator, create_rng_state, get_global_generator, set_global_generator
from wengert.tf.ops.randomness import categorical, gamma, normal, poisson, set_seed, shuffle, truncated_normal, uniform
from wengert.tf.ops.stateless import (
    fold_in,
    split,
    stateless_binomial,
    stateless_categorical,
    stateless_gamma,
    stateless_normal,
    stateless_parameterized_truncated_normal,
    stateless_poisson,
    stateless_truncated_normal,
    stateless_uniform,
)

__all__ = [
    "Algorithm", "Generator", "categorical", "create_rng_state", "experimental", "fold_in", "gamma",
    "get_global_generator", "normal", "poisson", "set_global_generator", "set_seed", "shuffle", "split",
    "stateless_binomial", "stateless_categorical", "stateless_gamma", "stateless_normal",
    "stateless_parameterized_truncated_normal", "stateless_poisson", "stateless_truncated_normal", "stateless_uniform",
    "truncated_normal", "uniform",
]  # fmt: skip
