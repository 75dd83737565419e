"""Samples from distributions: with parameters that are tensors, and into tensors that are there already."""

from __future__ import annotations

from collections.abc import Callable
from math import log1p, pi
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, type_error
from wengert.functions.create import finish
from wengert.functions.operands import assign, deliver, node_of, promote
from wengert.functions.random import chosen_dtype, integer_node, largest_integer, normal_node, uniform_node
from wengert.functions.seeds import Generator, draw
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import broadcast_to, primitives as p
from wengert.primitives.casting import move
from wengert.shapes import Shape, broadcast
from wengert.tensors.tensor import Tensor

__all__ = ["normal", "bernoulli", "multinomial", "poisson", "binomial"]


# --- with parameters that are tensors --------------------------------------------------------------------------------


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Optional[Generator] = None,
    out: Optional[Tensor] = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Normal numbers of the given mean and standard deviation: two tensors that broadcast, or one and a number, or two
    numbers and a `size`. No derivative flows to mean or std.

    Raises: RuntimeError for a negative std (when running, if it is not known before), and for integer tensors.
    """
    tensors = [value for value in (mean, std) if isinstance(value, Tensor)]
    if not tensors:
        if not isinstance(size, (tuple, list)):
            raise type_error("normal", "a tensor for mean or std, or a size that is a tuple of ints", type(size).__name__)
        _check_std("normal", std)
        shape = tuple([n.__index__() for n in size])
        chosen = chosen_dtype(dtype, out, dtypes.get_default_dtype(), "normal")
        y = _shifted(normal_node("normal", shape, chosen, generator), mean, std)
        return finish(y, out, layout, device, requires_grad, "normal")
    for tensor in tensors:
        if not tensor.dtype.inexact:
            raise dtype_error("normal", "a floating or complex dtype", tensor.dtype, "convert it first")
    mean_node, std_node = [p.stop_gradient(x) for x in promote("normal", mean, std)]
    if isinstance(std, Tensor):
        std_node = p.require(std_node, std_node >= 0, message="normal: expects all elements of std >= 0.0")
    else:
        _check_std("normal", std)
    shape = broadcast("normal", mean_node.shape, std_node.shape)
    return deliver(normal_node("normal", shape, mean_node.dtype, generator) * std_node + mean_node, out)


def _check_std(operation: str, std: Any) -> None:
    if not std >= 0:
        raise runtime_error(operation, "expects std >= 0.0", std)


def _shifted(x: Node, mean: Any, std: Any) -> Node:
    return x * std + mean


def bernoulli(input: Tensor, p: Any = None, *, generator: Optional[Generator] = None, out: Optional[Tensor] = None) -> Tensor:
    """1 with the probability that stands in the input, else 0; or with probability `p` everywhere, in the input's
    shape and dtype.

    Raises: RuntimeError for probabilities outside [0, 1], and for a dtype that is not floating without `p`.
    """
    x = node_of(input, "bernoulli")
    if p is None and not x.dtype.is_floating_point:
        raise dtype_error("bernoulli", "probabilities of a floating dtype", x.dtype)
    return deliver(_bernoulli_node(x, input if p is None else p, generator), out)


def _bernoulli_node(x: Node, probability: Any, generator: Optional[Generator]) -> Node:
    """Ones and zeros in the shape and dtype of x."""
    if isinstance(probability, Tensor):
        chance = p.stop_gradient(node_of(probability, "bernoulli", "p"))
        if not chance.dtype.is_floating_point:
            raise dtype_error("bernoulli", "probabilities of a floating dtype", chance.dtype)
        inside = (chance >= 0) & (chance <= 1)
        chance = p.require(chance, inside, message="bernoulli: expects all probabilities to be in [0, 1]")
    else:
        if not 0 <= probability <= 1:
            raise runtime_error("bernoulli_", "expects p to be in [0, 1]", probability)
        chance = scalar(probability, dtypes.float64 if x.dtype is dtypes.float64 else dtypes.float32)
    u = p.uniform(*draw(generator), shape=x.shape, dtype=chance.dtype)
    return move(p.lt(u, broadcast_to(chance, x.shape)), x.dtype)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Optional[Generator] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """`num_samples` positions drawn from each row of probabilities, which need not sum to 1; int64.

    With replacement: where uniform numbers fall into the cumulative sum. Without: the rows' largest p_i / e_i for
    exponential e_i, which draws position i first with probability p_i, and so on among the rest.

    Source: P. S. Efraimidis and P. G. Spirakis, Weighted random sampling with a reservoir (2006).

    Raises: RuntimeError for other than one or two dimensions, a dtype that is not floating, more samples than there
    are positions, an out= that is not int64; when running, for negative or infinite probabilities, NaN, and rows with
    too few above 0.
    """
    x = node_of(input, "multinomial")
    if not x.dtype.is_floating_point:
        raise dtype_error("multinomial", "only supports floating-point dtypes for input", x.dtype)
    if x.ndim not in (1, 2):
        raise runtime_error("multinomial", "prob_dist must be 1 or 2 dim", f"{x.ndim} dimensions")
    if out is not None and out.dtype is not dtypes.int64:
        raise dtype_error("multinomial", "expects Long tensor out", out.dtype)
    n = x.shape[-1]
    if num_samples <= 0:
        raise runtime_error("multinomial", "cannot sample n_sample <= 0 samples", num_samples)
    if n == 0 or (not replacement and num_samples > n):
        raise runtime_error(
            "multinomial", f"cannot sample n_sample > prob_dist.size(-1) = {n} samples without replacement", num_samples
        )
    rows = _weights(x, 1 if replacement else num_samples)
    if replacement:
        total = p.cumsum(rows, axis=x.ndim - 1)
        scale = p.slice(total, index=(*[(0, m, 1) for m in x.shape[:-1]], (n - 1, n, 1)))
        u = p.uniform(*draw(generator), shape=(*x.shape[:-1], num_samples), dtype=rows.dtype)
        # Rounding could bring u to the total itself: the last position that has any weight ends there.
        found = p.searchsorted(total, u * scale, right=True)
        last = p.searchsorted(total, p.expand(scale, shape=found.shape), right=False)
        return deliver(p.minimum(found, last), out)
    waiting = -p.log1p(-p.uniform(*draw(generator), shape=x.shape, dtype=rows.dtype))
    scores = rows / p.clamp_min(waiting, float(np.finfo(np.float32).tiny))
    return deliver(p.top_k_indices(scores, k=num_samples, axis=x.ndim - 1), out)


def _weights(x: Node, needed: int) -> Node:
    """The probabilities in a wide dtype, with their values checked."""
    rows = p.stop_gradient(move(x, dtypes.float64 if x.dtype is dtypes.float64 else dtypes.float32))
    rows = p.require(
        rows, (rows >= 0) & p.isfinite(rows),
        message="multinomial: probability tensor contains either `inf`, `nan` or element < 0",
    )  # fmt: skip
    above = p.reduce_sum(p.convert(rows > 0, dtype=dtypes.int64), axes=(x.ndim - 1,))
    rows = p.require(rows, above >= 1, message="multinomial: invalid multinomial distribution (sum of probabilities <= 0)")
    if needed > 1:
        short = "multinomial: invalid multinomial distribution (without replacement, too few positions above 0)"
        rows = p.require(rows, above >= needed, message=short)
    return rows


def poisson(input: Tensor, generator: Optional[Generator] = None) -> Tensor:
    """Poisson numbers with the rates that stand in the input, in its dtype.

    Raises: RuntimeError for a dtype that is not floating, and when running for negative rates.
    """
    x = node_of(input, "poisson")
    return deliver(p.poisson(*draw(generator), p.stop_gradient(x)))


def binomial(count: Tensor, prob: Tensor, generator: Optional[Generator] = None) -> Tensor:
    """The number of successes in `count` trials of probability `prob`; the two broadcast and have one floating dtype.

    Raises: RuntimeError for other dtypes, and when running for negative counts and probabilities outside [0, 1].
    """
    trials, chance = node_of(count, "binomial", "count"), node_of(prob, "binomial", "prob")
    return deliver(p.binomial(*draw(generator), p.stop_gradient(trials), p.stop_gradient(chance)))


# --- into tensors that are there -------------------------------------------------------------------------------------


def _continuous(operation: str, self: Tensor) -> Node:
    x = node_of(self, operation)
    if not x.dtype.is_floating_point:
        raise dtype_error(operation, "a floating dtype, since the distribution is continuous", x.dtype)
    return x


def uniform_(
    self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Optional[Generator] = None, **named: float
) -> Tensor:
    """Fill with uniform numbers in [from, to).

    Raises: RuntimeError when from > to, and for integer tensors.
    """
    low = named.pop("from", from_)
    if named:
        raise type_error("uniform_", "the arguments 'from', 'to' and 'generator'", ", ".join(named))
    if low > to:
        raise runtime_error("uniform_", "expects to return a [from, to) range", f"from={low} > to={to}")
    x = node_of(self, "uniform_")
    return assign(self, uniform_node("uniform_", x.shape, x.dtype, generator) * (to - low) + low, "uniform_")


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Optional[Generator] = None) -> Tensor:
    """Fill with normal numbers. Raises: RuntimeError for a negative std and for integer tensors."""
    _check_std("normal_", std)
    x = node_of(self, "normal_")
    return assign(self, _shifted(normal_node("normal_", x.shape, x.dtype, generator), mean, std), "normal_")


def random_(self: Tensor, from_: Any = None, to: Any = None, *, generator: Optional[Generator] = None, **named: Any) -> Tensor:
    """Fill with integers: ``random_(from, to)`` in [from, to), ``random_(to)`` in [0, to), ``random_()`` from 0 to the
    largest that the dtype holds without gaps.

    Raises: RuntimeError when there are none between the bounds or the dtype cannot hold them.
    """
    low = named.pop("from", from_)
    if named:
        raise type_error("random_", "the arguments 'from', 'to' and 'generator'", ", ".join(named))
    x = node_of(self, "random_")
    if low is None and to is None:
        low, to = 0, largest_integer("random_", x.dtype) + 1
    elif to is None:
        low, to = (0, low) if "from" not in named else (low, largest_integer("random_", x.dtype) + 1)
    return assign(self, integer_node("random_", 0 if low is None else low, to, x.shape, x.dtype, generator), "random_")


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Optional[Generator] = None) -> Tensor:
    """Fill with 1 of probability `p` (a number, or a tensor that broadcasts), else 0.

    Raises: RuntimeError for probabilities outside [0, 1].
    """
    return assign(self, _bernoulli_node(node_of(self, "bernoulli_"), p, generator), "bernoulli_")


def _waiting(shape: Shape, dtype: dtypes.DType, generator: Optional[Generator]) -> Node:
    """Exponential numbers of rate 1, all above 0."""
    u = p.uniform(*draw(generator), shape=shape, dtype=dtype)
    return p.clamp_min(-p.log1p(-u), float(np.finfo(np.float32).tiny))


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Optional[Generator] = None) -> Tensor:
    """Fill with exponential numbers of the rate `lambd`. Raises: RuntimeError for a rate that is not positive."""
    x = _continuous("exponential_", self)
    if not lambd > 0:
        raise runtime_error("exponential_", "expects lambda > 0.0", lambd)
    return assign(self, _waiting(x.shape, x.dtype, generator) / lambd, "exponential_")


def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Optional[Generator] = None) -> Tensor:
    """Fill with Cauchy numbers: median + sigma tan(pi (u - 1/2)). Raises: RuntimeError unless sigma > 0."""
    x = _continuous("cauchy_", self)
    if not sigma > 0:
        raise runtime_error("cauchy_", "expects sigma > 0.0", sigma)
    u = p.uniform(*draw(generator), shape=x.shape, dtype=x.dtype)
    return assign(self, p.tan((u - 0.5) * pi) * sigma + median, "cauchy_")


def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Optional[Generator] = None) -> Tensor:
    """Fill with exp of normal numbers of this mean and std. Raises: RuntimeError unless std > 0."""
    x = _continuous("log_normal_", self)
    if not std > 0:
        raise runtime_error("log_normal_", "expects std > 0.0", std)
    return assign(self, p.exp(_shifted(normal_node("log_normal_", x.shape, x.dtype, generator), mean, std)), "log_normal_")


def geometric_(self: Tensor, p: float, *, generator: Optional[Generator] = None) -> Tensor:
    """Fill with the number of trials of probability `p` up to the first success: 1, 2, ...

    Raises: RuntimeError for a probability outside (0, 1).
    """
    x = node_of(self, "geometric_")
    if not 0 < p < 1:
        raise runtime_error("geometric_", "expects p to be in (0, 1)", p)
    wide = x.dtype if x.dtype in (dtypes.float32, dtypes.float64) else dtypes.float32
    return assign(self, move(_trials(_waiting(x.shape, wide, generator), p), x.dtype), "geometric_")


def _trials(waiting: Node, chance: float) -> Node:
    """An exponential number, counted in steps of which each ends the wait with this chance."""
    return p.ceil(waiting / -log1p(-chance))


METHODS: dict[str, Callable[..., Any]] = {
    "bernoulli": bernoulli, "multinomial": multinomial, "uniform_": uniform_, "normal_": normal_, "random_": random_,
    "bernoulli_": bernoulli_, "exponential_": exponential_, "cauchy_": cauchy_, "log_normal_": log_normal_,
    "geometric_": geometric_,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
