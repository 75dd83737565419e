"""Branches on values that are not known yet: both are taken, and the value chooses between what they give and assign.

This is how the step of an optimizer that depends on a value (loss scaling, accumulated gradients, averaged weights, a
schedule that warms up) becomes a part of a program that is replayed (`replay.py`). It is for what no derivative goes
through: the one of a branch that is not chosen might be infinite, and 0 times infinity is not a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras.src import tree
from keras.src.backend.common.stateless_scope import StatelessScope, get_stateless_scope

import wengert


class Branch(StatelessScope):
    """Collects what a branch assigns to variables, by the variable's id, on top of what an outer branch has assigned."""

    def __init__(self) -> None:
        super().__init__(initialize_variables=False)
        outer = get_stateless_scope()
        self.state_mapping.update({} if outer is None else outer.state_mapping)
        self.assigned: dict[int, Any] = {}

    def add_update(self, update: Any) -> None:
        """What `Variable.assign` calls within."""
        variable, _ = update
        self.assigned[id(variable)] = variable
        super().add_update(update)


def both(pred: wengert.Tensor, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions gives, chosen by `pred`, which need not be computed yet; variables get what it assigns.

    pred: one bool
    Raises: ValueError when the functions give different structures or shapes.
    """
    pred = pred.reshape(()).to(wengert.bool)
    branches, outputs = [Branch(), Branch()], []
    for branch, function in zip(branches, (true_fn, false_fn)):
        with branch:
            outputs.append(function())
    for key, variable in {**branches[0].assigned, **branches[1].assigned}.items():
        values = [branch.state_mapping.get(key, variable.value) for branch in branches]
        variable.assign(_chosen(pred, *values))
    return tree.map_structure(lambda a, b: _chosen(pred, a, b), *outputs)


def _chosen(pred: wengert.Tensor, a: Any, b: Any) -> Any:
    if a is None and b is None:
        return None
    a, b = [x if isinstance(x, wengert.Tensor) else wengert.tensor(np.asarray(x)) for x in (a, b)]
    if a.shape != b.shape or a.dtype is not b.dtype:
        raise ValueError(
            "cond: both branches should give the same shapes and dtypes, but one gives "
            f"{tuple(a.shape)} {a.dtype.name} and the other {tuple(b.shape)} {b.dtype.name}"
        )
    return wengert.where(pred, a, b)
