"""What the exam asks: the entries of PyTorch's operator database, and which of them are out of scope, with the reason."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any, Optional

# First match wins. A pattern matches the whole name of an entry.
OUT_OF_SCOPE: tuple[tuple[str, str], ...] = (
    (r"sparse\..*|to_sparse|_sparse.*", "sparse"),
    (r"chalf", "complex32, a dtype that wengert does not have"),
    (r"slice", "called by no public name"),
    (r"jiterator_.*", "compiles CUDA source"),
    (r"torch\.ops\..*|torch\._.*", "an internal kernel, called by no public name"),
    (r"(.*\.)?_(?!_).*", "a private name"),
    (r".*_backward", "a kernel of PyTorch's own derivative formulas"),
    (r"hash_tensor", "undocumented kernel"),
    (r"nn\.functional\.linear_cross_entropy", "not in a PyTorch release's documentation"),
)


def reason_out(name: str) -> Optional[str]:
    """Why an entry is out of scope, or None when it is asked."""
    for pattern, reason in OUT_OF_SCOPE:
        if re.fullmatch(pattern, name):
            return reason
    return None


@cache
def database() -> tuple[Any, ...]:
    """Every entry of the operator database, in its order. The same name can have several entries (variants).

    Raises: ImportError where PyTorch, or what its testing tools need, is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    return tuple(op_db)


def title(entry: Any) -> str:
    """The name of an entry with its variant."""
    return f"{entry.name}:{entry.variant_test_name}" if entry.variant_test_name else str(entry.name)


# PyTorch's derivative is not that of its result: it lets cotangents through where `src` was written, and nowhere else.
WRONG_DERIVATIVE = frozenset(("as_strided_scatter",))


# --- results that are not determined by the inputs ----------------------------------------------------------------

# Only shape and dtype can be compared: random numbers, uninitialised memory.
UNDETERMINED = re.compile(
    r"empty.*|new_empty.*|resize_|resize_as_|bernoulli|multinomial|normal|poisson|rand.*|cauchy|exponential|geometric"
    r"|log_normal|uniform|nn\.functional\.fractional_max_pool[23]d|(svd|pca)_lowrank|binomial|torch\.rand.*"
)
# Entries that leave something to chance only if they are asked to: with a probability between 0 and 1, in training.
PERHAPS_RANDOM = re.compile(
    r"nn\.functional\.(.*dropout.*|rrelu|scaled_dot_product_attention|multi_head_attention_forward)"
)


_DROPOUT_OF_HEADS = 9  # where multi_head_attention_forward's arguments after the query have dropout_p


def undetermined(entry: Any, sample: Any) -> bool:
    """Whether the values of a sample's results say nothing."""
    if PERHAPS_RANDOM.fullmatch(entry.name):
        return _is_random(entry.name, sample)
    return UNDETERMINED.fullmatch(entry.name) is not None


def without_chance(entry: Any, sample: Any) -> Any:
    """A sample of attention with its dropout left out, for those whose every sample has it."""
    if not entry.name.endswith("multi_head_attention_forward"):
        return sample
    args = list(sample.args)
    args[_DROPOUT_OF_HEADS] = 0.0
    return type(sample)(sample.input, args=tuple(args), kwargs=sample.kwargs)


def _is_random(name: str, sample: Any) -> bool:
    given = sample.kwargs
    if name.endswith("rrelu"):
        return bool(given.get("training", False))
    if name.endswith("multi_head_attention_forward"):
        return 0 < sample.args[_DROPOUT_OF_HEADS] < 1 and bool(given["training"])
    if "attention" in name:
        return 0 < given.get("dropout_p", 0.0) < 1
    return 0 < given.get("p", 0.5) < 1 and bool(given.get("training", True))


# The second result says which of equal elements was taken, or the result is an order among equals.
AMONG_EQUALS = frozenset(("sort", "argsort", "topk", "kthvalue", "mode", "median", "nanmedian"))


def among_equals(entry: Any, sample: Any) -> bool:
    """Whether positions in an entry's results are a choice among equals, which are frequent in integers and
    16-bit numbers."""
    if entry.name not in AMONG_EQUALS or sample.kwargs.get("stable"):
        return False
    return sample.input.dtype.itemsize < 4 or not sample.input.dtype.is_floating_point
