"""The end of a training step: what is pending (forward, backward, update) runs as one graph when an optimizer has applied
its gradients. Without it the steps of a program's own loop would pile up, and no two graphs would be alike.
"""

from __future__ import annotations

from functools import wraps
from types import ModuleType
from typing import Any

import wengert


def end_steps(module: ModuleType) -> None:
    """Let `apply` of the optimizers in Keras's module end a step. What it computes is not tracked."""
    apply = module.BaseOptimizer.apply

    @wraps(apply)
    def whole(self: Any, grads: Any, trainable_variables: Any = None) -> Any:
        with wengert.no_grad():
            result = apply(self, grads, trainable_variables)
        wengert.flush()
        return result

    module.BaseOptimizer.apply = whole
