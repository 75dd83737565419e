"""Pruning: parts of a parameter held at 0 by a mask.

A pruned parameter `weight` is `weight_orig` (trained) times `weight_mask` (a buffer), computed before every call. Pruning
it again chooses among what is left. `remove` makes it an ordinary parameter with zeros in it.
"""

from wengert.nn.utils.prune.choices import (
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)
from wengert.nn.utils.prune.method import BasePruningMethod, PruningContainer
from wengert.nn.utils.prune.parameters import (
    custom_from_mask,
    global_unstructured,
    identity,
    is_pruned,
    l1_unstructured,
    ln_structured,
    random_structured,
    random_unstructured,
    remove,
)

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip
