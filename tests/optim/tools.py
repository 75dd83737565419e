"""What the tests of optimizers and schedules share."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from wengert import dtypes
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.optim import SGD
from wengert.tensors.tensor import Tensor, wrap


def tensor(data: Any, dtype: dtypes.DType = dtypes.float32) -> Tensor:
    array = np.array(data, dtype.numpy)
    return wrap(literal(array, array_type(array.shape, dtype)))


def parameter(data: Any, dtype: dtypes.DType = dtypes.float32) -> Tensor:
    return tensor(data, dtype).requires_grad_()


def array(x: Tensor) -> np.ndarray:
    return np.array(x._array())


def two_groups(**options: Any) -> SGD:
    """An SGD with rates 0.1 and 0.5."""
    groups = [{"params": [parameter([1.0])]}, {"params": [parameter([2.0])], "lr": 0.5}]
    return SGD(groups, lr=0.1, **options)


def every(*choices: Any) -> list[Any]:
    """Every combination of the choices."""
    return list(itertools.product(*choices))
