"""Statistics: variance and standard deviation, covariance and correlation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, type_error
from wengert.functions.axes import axes_of, count, kept, numpy_names
from wengert.functions.operands import deliver, floating, node_of
from wengert.functions.reduce import mean_node, widened
from wengert.graph.node import Node
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.primitives.reductions import reduce_sum
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["var", "std", "var_mean", "std_mean", "cov", "corrcoef"]


# --- variance --------------------------------------------------------------------------------------------------------


def _spread(
    name: str, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any
) -> tuple[Node, Node, Callable[[Node], Node]]:
    """(variance, mean, what gives either its shape and dtype back), both over `dim` and in the wide dtype."""
    x = node_of(input, name)
    if not x.type.inexact:
        raise dtype_error(name, "std and var only support floating point and complex dtypes", x.dtype)
    if isinstance(dim, bool):  # var(input, unbiased)
        if unbiased is not None:
            raise type_error(name, "a dimension before 'unbiased'", dim)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise type_error(name, "either 'unbiased' or 'correction'", f"unbiased={unbiased}, correction={correction}")
    if unbiased is not None:
        correction = 1 if unbiased else 0
    axes = axes_of(dim, x.ndim, name)
    wide = widened(x)
    mean = mean_node(wide, axes)
    squares = square_size(wide - kept(mean, x.shape, axes))
    n = count(x.shape, axes)
    degrees = n - (1 if correction is None else correction)
    variance = reduce_sum(squares, axes=axes) / (degrees if degrees > 0 else 0)

    def finish(y: Node) -> Node:
        y = move(y, x.dtype if y.dtype.is_complex else x.dtype.to_real)
        return kept(y, x.shape, axes) if keepdim else y

    return variance, mean, finish


def square_size(x: Node) -> Node:
    """|x|^2, real."""
    return p.real(x * p.conj(x)) if x.dtype.is_complex else p.square(x)


def root(x: Node) -> Node:
    """sqrt(x), with the derivative 0 at 0: PyTorch's choice wherever a root of a sum of squares is meant."""
    zero = p.eq(x, 0)
    return p.where(zero, 0, p.sqrt(p.where(zero, 1, x)))


@numpy_names
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: Optional[bool] = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """sum(|x - mean|^2) / (n - correction) over `dim`; real, also for complex tensors.

    correction: 1 unless given; `unbiased` False stands for 0. Also ``var(input, unbiased)``. NaN where n is 0 or there
    is nothing to divide, inf where n <= correction.

    Raises: RuntimeError for integers and bools.

    Example:
        >>> import wengert as w
        >>> w.var(w.tensor([1.0, 2.0, 6.0]), correction=0).item()
        4.666666507720947
    """
    variance, _, finish = _spread("var", input, dim, unbiased, keepdim, correction)
    return deliver(finish(variance), out)


@numpy_names
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: Optional[bool] = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The root of `var`, with the same arguments. Where it is 0, its derivative is 0."""
    variance, _, finish = _spread("std", input, dim, unbiased, keepdim, correction)
    return deliver(finish(root(variance)), out)


@numpy_names
def var_mean(
    input: Tensor, dim: Any = None, unbiased: Optional[bool] = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Tensor, Tensor]:
    """The pair (`var`, `mean`)."""
    variance, mean, finish = _spread("var_mean", input, dim, unbiased, keepdim, correction)
    return wrap(finish(variance)), wrap(finish(mean))


@numpy_names
def std_mean(
    input: Tensor, dim: Any = None, unbiased: Optional[bool] = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Tensor, Tensor]:
    """The pair (`std`, `mean`)."""
    variance, mean, finish = _spread("std_mean", input, dim, unbiased, keepdim, correction)
    return wrap(finish(root(variance))), wrap(finish(mean))


# --- covariance ------------------------------------------------------------------------------------------------------


def cov(input: Tensor, *, correction: int = 1, fweights: Optional[Tensor] = None, aweights: Optional[Tensor] = None) -> Tensor:
    """The covariance matrix of variables (rows) over observations (columns): (x - mean) (x - mean)^H / degrees.

    fweights: how often each observation counts, integers. aweights: how much it counts, floats.

    Raises: RuntimeError for more than two dimensions and for weights that do not fit the observations.

    Example:
        >>> import wengert as w
        >>> w.cov(w.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    x = floating(node_of(input, "cov"))
    if x.ndim > 2:
        raise runtime_error("cov", "expected input to have two or fewer dimensions", list(x.shape))
    x = x if x.ndim == 2 else p.reshape(x, shape=(1, x.size))
    weights, degrees = _weights(x, correction, fweights, aweights)
    if weights is None:
        centred = x - kept(mean_node(x, (1,)), x.shape, (1,))
        weighted = centred
    else:
        mean = reduce_sum(x * weights, axes=(1,)) / reduce_sum(weights, axes=(0,))
        centred = x - kept(mean, x.shape, (1,))
        weighted = centred * weights
    c = p.dot(centred, p.conj(p.permute(weighted, order=(1, 0)))) / degrees
    return wrap(c if c.shape[0] > 1 else p.reshape(c, shape=()))


def _weights(x: Node, correction: int, fweights: Optional[Tensor], aweights: Optional[Tensor]) -> tuple[Optional[Node], Any]:
    """(weight of each observation, degrees of freedom); the second a number or a node of x's dtype."""
    n = x.shape[1]
    given: list[Node] = []
    for name, tensor, wanted in (("fweights", fweights, False), ("aweights", aweights, True)):
        if tensor is None:
            continue
        w = node_of(tensor, "cov", name)
        if w.shape != (n,):
            raise runtime_error("cov", f"expected {name} to have one entry for each of {n} observations", list(w.shape))
        if w.dtype.is_complex or w.dtype is dtypes.bool_ or w.type.inexact is not wanted:
            kind = "floating point" if wanted else "integral"
            raise dtype_error("cov", f"expected {name} to have {kind} dtype", w.dtype)
        w = p.require(w, w >= 0, message=f"cov: {name} cannot be negative")
        given.append(w)
    if not given:
        if n - correction <= 0:
            warnings.warn("cov(): degrees of freedom is <= 0", stacklevel=3)
        return None, max(n - correction, 0)
    exact = given[-1].dtype if aweights is not None else x.dtype.to_real
    given = [move(w, exact) for w in given]
    weights = given[0] if len(given) == 1 else given[0] * given[1]
    total = reduce_sum(weights, axes=(0,))
    lost: Any = correction
    if aweights is not None and correction:
        lost = reduce_sum(weights * given[-1], axes=(0,)) / total * correction
    degrees = move(total - lost, x.dtype.to_real)  # weights of less precision are added up in theirs, as in PyTorch
    return move(weights, x.dtype), move(p.clamp_min(degrees, 0), x.dtype)


def corrcoef(input: Tensor) -> Tensor:
    """The matrix of Pearson's correlation coefficients of variables (rows): cov_ij / sqrt(cov_ii cov_jj), in [-1, 1].

    Raises: RuntimeError for more than two dimensions.
    """
    c = cov(input)._read()
    if c.ndim == 0:
        return wrap(c / c)
    deviation = p.sqrt(p.real(p.diagonal(c, offset=0, axis1=0, axis2=1)))
    d = move(deviation, c.dtype)
    r = c / p.reshape(d, shape=(d.size, 1)) / d
    if r.dtype.is_complex:
        return wrap(p.complex(_clipped(p.real(r)), _clipped(p.imag(r))))
    return wrap(_clipped(r))


def _clipped(x: Node) -> Node:
    return p.clamp(x, -1, 1)


METHODS: dict[str, Callable[..., Any]] = {"var": var, "std": std, "cov": cov, "corrcoef": corrcoef}
IN_PLACE: tuple[str, ...] = ()
