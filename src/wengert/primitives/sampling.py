"""Draws from discrete distributions whose parameters are arrays. NumPy's generator computes them from the same Philox
stream as the draws of `random.py`; they are functions of (key, counter, parameters)."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import dtype_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import General, align_ranks
from wengert.shapes import broadcast


def _generator(key: Any, counter: Any) -> np.random.Generator:
    keys, counters = np.array([key, 0], np.int64), np.array([0, counter, 0, 0], np.int64)
    return np.random.Generator(np.random.Philox(key=keys.view(np.uint64), counter=counters.view(np.uint64)))


class _Counted(General):
    """What the draws of counts share. The result has the parameters' floating dtype; no derivative flows."""

    differentiable = False

    def infer(self, key: ArrayType, counter: ArrayType, *parameters: ArrayType) -> ArrayType:
        dtype = parameters[0].dtype
        if not dtype.is_floating_point or any(given.dtype is not dtype for given in parameters):
            given = ", ".join(t.dtype.name for t in parameters)
            raise dtype_error(self.name, "parameters of one floating dtype", given)
        return array_type(broadcast(self.name, *[given.shape for given in parameters]), dtype)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        if batched[0] or batched[1]:
            raise NotImplementedError(f"vmap over the seed of {self.name}")
        return self(*inputs[:2], *align_ranks(inputs[2:], batched[2:]))


class Poisson(_Counted):
    """y = a Poisson number of mean `rate`     Domain  rate >= 0 (RuntimeError otherwise)"""

    name = "poisson"

    def evaluate(self, key: Any, counter: Any, rate: Any) -> Any:
        if not np.all(np.greater_equal(rate, 0)):
            raise RuntimeError("poisson: invalid Poisson rate, expected rate to be non-negative")
        return np.asarray(_generator(key, counter).poisson(rate.astype(np.float64))).astype(rate.dtype)


class Binomial(_Counted):
    """y = the number of successes in `count` trials of probability `prob`

    Domain     count a whole number >= 0, prob in [0, 1] (RuntimeError otherwise)
    """

    name = "binomial"

    def evaluate(self, key: Any, counter: Any, count: Any, prob: Any) -> Any:
        trials, chance = count.astype(np.float64), prob.astype(np.float64)
        if not (np.all(trials >= 0) and np.all(trials == np.floor(trials)) and np.all((chance >= 0) & (chance <= 1))):
            raise RuntimeError("binomial: expected whole counts that are not negative and probabilities in [0, 1]")
        return np.asarray(_generator(key, counter).binomial(trials.astype(np.int64), chance)).astype(count.dtype)


poisson = Poisson()
binomial = Binomial()
