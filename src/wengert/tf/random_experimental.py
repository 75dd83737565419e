"""`tf.random.experimental`."""

from __future__ import annotations

from wengert.tf.ops.generators import (
    Algorithm,
    Generator,
    create_rng_state,
    get_global_generator,
    set_global_generator,
)
from wengert.tf.ops.stateless import fold_in as stateless_fold_in, split as stateless_split, stateless_shuffle

__all__ = [
    "Algorithm", "Generator", "create_rng_state", "get_global_generator", "set_global_generator", "stateless_fold_in",
    "stateless_shuffle", "stateless_split",
]  # fmt: skip
