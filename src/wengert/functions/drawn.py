"""Samples that distributions are made of: gamma numbers, whose derivative is known, and angles."""

from __future__ import annotations

from typing import Any, Optional

from wengert.functions.operands import node_of
from wengert.functions.seeds import Generator, draw
from wengert.graph.rule import primitives as p
from wengert.tensors.tensor import Tensor, wrap


def gamma_sample(concentration: Tensor, generator: Optional[Generator] = None) -> Tensor:
    """A gamma number of each shape parameter and rate 1; no derivative flows."""
    a = node_of(concentration, "standard_gamma")
    return wrap(p.standard_gamma(*draw(generator), p.stop_gradient(a)))


def gamma_slope(concentration: Tensor, sample: Tensor) -> Tensor:
    """How fast a gamma number moves with its shape parameter, at a fixed value of the distribution function."""
    return wrap(p.gamma_slope(node_of(concentration, "gamma_slope"), node_of(sample, "gamma_slope", "sample")))


def von_mises(loc: Tensor, concentration: Tensor, generator: Optional[Generator] = None) -> Any:
    """An angle in [-pi, pi] from the von Mises distribution."""
    x, kappa = node_of(loc, "von_mises"), node_of(concentration, "von_mises", "concentration")
    return wrap(p.von_mises(*draw(generator), p.stop_gradient(x), p.stop_gradient(kappa)))
