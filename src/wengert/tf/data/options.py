"""Options of pipelines: names that TensorFlow programs set. They are kept and shown; nothing here needs them."""

from __future__ import annotations

from enum import Enum
from typing import Any


class AutoShardPolicy(Enum):
    """How a data set is divided among workers. There is one worker."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class _Group:
    """Options by name. Raises: AttributeError for a name that TensorFlow does not have."""

    names: dict[str, Any] = {}

    def __init__(self) -> None:
        for name, value in self.names.items():
            self.__dict__[name] = value() if isinstance(value, type) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.names:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        self.__dict__[name] = value

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return id(self)


class AutotuneOptions(_Group):
    """How stages are tuned."""

    names = dict.fromkeys(
        ("enabled", "cpu_budget", "ram_budget", "autotune_algorithm", "initial_parallelism", "min_parallelism")
    )


class DistributeOptions(_Group):
    """How elements are divided among workers."""

    names = {"auto_shard_policy": AutoShardPolicy.AUTO, "num_devices": None}


class OptimizationOptions(_Group):
    """How stages are rewritten."""

    names = dict.fromkeys(
        (
            "apply_default_optimizations", "filter_fusion", "filter_parallelization", "inject_prefetch", "map_and_batch_fusion",
            "map_and_filter_fusion", "map_fusion", "map_parallelization", "map_vectorization", "noop_elimination",
            "parallel_batch", "shuffle_and_repeat_fusion", "seq_interleave_prefetch", "warm_start",
        )
    )  # fmt: skip


class ThreadingOptions(_Group):
    """How many threads stages use."""

    names = dict.fromkeys(("max_intra_op_parallelism", "private_threadpool_size"))


class Options(_Group):
    """The options of a data set, for `Dataset.with_options`."""

    names = {
        "autotune": AutotuneOptions, "deterministic": None, "dataset_name": None, "experimental_deterministic": None,
        "experimental_distribute": DistributeOptions, "experimental_external_state_policy": None,
        "experimental_optimization": OptimizationOptions, "experimental_slack": None, "experimental_symbolic_checkpoint": None,
        "experimental_threading": ThreadingOptions, "experimental_warm_start": None, "framework_type": None,
        "threading": ThreadingOptions,
    }  # fmt: skip

    def merge(self, options: Options) -> Options:
        """These options, changed where the others say something."""
        merged = Options()
        merged.__dict__.update(self.__dict__)
        merged.__dict__.update({name: value for name, value in options.__dict__.items() if value is not None})
        return merged
