"""Stable forms: composites whose definition does not overflow, with the derivative of the stable form as a rule of its
own (not the derivative of the unstable one, simplified).
"""

from __future__ import annotations

from typing import Optional

from wengert.dtypes import int64
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.record import scalar
from wengert.graph.rule import Composite, Cotangent, add_nodes, broadcast_to, unbroadcast
from wengert.primitives.arithmetic import rsqrt, square
from wengert.primitives.control import stop_gradient
from wengert.primitives.exponential import exp, log, log1p, sigmoid
from wengert.primitives.indexing import gather, scatter_add
from wengert.primitives.piecewise import abs, clamp_min, where
from wengert.primitives.reductions import reduce_max, reduce_mean, reduce_sum
from wengert.primitives.steps import eq, isfinite
from wengert.primitives.views import reshape
from wengert.shapes import Shape, reduced


def keep(x: Node, shape: Shape, axes: Shape) -> Node:
    """A reduced value with the reduced axes put back as size 1, so that it broadcasts against `shape`."""
    return reshape(x, shape=reduced(shape, axes, keepdims=True))


def mean(x: Node, axes: Shape) -> Node:
    """The mean over `axes`, which stay as size 1. It is a step of its own, so that a value and a derivative that take the
    mean of the same take it once: the number of elements is written in its definition, and no further input each time."""
    return keep(reduce_mean(x, axes=axes), x.shape, axes)


def _floating_only(name: str, x: ArrayType) -> None:
    if not x.dtype.is_floating_point:
        raise dtype_error(name, "a floating dtype", x.dtype.name)


class LogSumExp(Composite):
    """y = log sum exp(x) over `axes`

    Reverse   x_bar = y_bar exp(x - y),  y_dot = sum(exp(x - y) x_dot)
    Stable    the maximum is subtracted first: y = m + log sum exp(x - m); an infinite maximum is not
    Shapes    the axes are dropped
    """

    name = "logsumexp"
    params = ("axes",)

    def expand(self, x: Node, *, axes: Shape) -> Node:
        if any(x.shape[axis] == 0 for axis in axes):
            return log(reduce_sum(exp(x), axes=axes))
        m = stop_gradient(reduce_max(x, axes=axes))
        m = where(isfinite(m), m, scalar(0, x.dtype))
        return log(reduce_sum(exp(x - keep(m, x.shape, axes)), axes=axes)) + m

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axes: Shape) -> tuple[Cotangent, ...]:
        return (lambda: keep(y_bar, x.shape, axes) * self.weights(x, y, axes),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axes: Shape) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else reduce_sum(self.weights(x, y, axes) * x_dot, axes=axes)

    def weights(self, x: Node, y: Node, axes: Shape) -> Node:
        """exp(x - y): the softmax over the axes. Where everything is -inf, x - y is NaN and 0 is meant."""
        finite = where(eq(y, scalar(float("-inf"), y.dtype)), scalar(0, y.dtype), y)
        return exp(x - keep(finite, x.shape, axes))


class LogSoftmax(Composite):
    """y_i = x_i - log sum_j exp(x_j)   along one axis

    Reverse   x_bar = y_bar - exp(y) sum(y_bar)
    Stable    the maximum is subtracted first; the result is unchanged by a shift of x
    """

    name = "log_softmax"
    params = ("axis",)

    def expand(self, x: Node, *, axis: int) -> Node:
        if x.size == 0:
            return exp(x)
        x = x - keep(stop_gradient(reduce_max(x, axes=(axis,))), x.shape, (axis,))
        return x - keep(log(reduce_sum(exp(x), axes=(axis,))), x.shape, (axis,))

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axis: int) -> tuple[Cotangent, ...]:
        return (lambda: y_bar - exp(y) * keep(reduce_sum(y_bar, axes=(axis,)), y.shape, (axis,)),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axis: int) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else x_dot - keep(reduce_sum(exp(y) * x_dot, axes=(axis,)), y.shape, (axis,))


class Softmax(Composite):
    """y_i = exp(x_i) / sum_j exp(x_j)   along one axis

    Reverse   x_bar = y (y_bar - sum(y_bar y));  the matrix is symmetric, so the tangent has the same form
    Stable    the maximum is subtracted first
    """

    name = "softmax"
    params = ("axis",)

    def expand(self, x: Node, *, axis: int) -> Node:
        if x.size == 0:
            return exp(x)
        e = exp(x - keep(stop_gradient(reduce_max(x, axes=(axis,))), x.shape, (axis,)))
        return e / keep(reduce_sum(e, axes=(axis,)), x.shape, (axis,))

    def vjp(self, y_bar: Node, x: Node, *, y: Node, axis: int) -> tuple[Cotangent, ...]:
        return (lambda: _softmax_product(y, y_bar, axis),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axis: int) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else _softmax_product(y, x_dot, axis)


def _softmax_product(y: Node, v: Node, axis: int) -> Node:
    """(diag(y) - y y^T) v along the axis."""
    return y * (v - keep(reduce_sum(y * v, axes=(axis,)), y.shape, (axis,)))


class CrossEntropy(Composite):
    """z[n, ...] = log sum_c exp(x[n, c, ...]) - x[n, t, ...] with t = target[n, ...];  0 where t = ignore_index

    Reverse   x_bar = z_bar (softmax(x) - onehot(t)), 0 where ignored
    Shapes    x (n, classes, ...), target int64 (n, ...), z (n, ...)
    Raises    IndexError when running, for a target outside [0, classes)
    """

    name = "cross_entropy"
    params = ("ignore_index",)

    def infer(self, x: ArrayType, target: ArrayType, *, ignore_index: int) -> ArrayType:
        _floating_only("cross_entropy", x)
        if target.dtype is not int64:
            raise dtype_error("cross_entropy", "class indices of dtype int64", target.dtype.name)
        if x.ndim < 2 or target.shape != (x.shape[0], *x.shape[2:]):
            raise shape_error(
                "cross_entropy", "input (batch, classes, ...) and target (batch, ...)", (x.shape, target.shape)
            )
        return array_type(target.shape, x.dtype)

    def expand(self, x: Node, target: Node, *, ignore_index: int) -> Node:
        column, ignored = _targets(x, target, ignore_index)
        z = -reshape(gather(log_softmax(x, axis=1), column, axis=1), shape=target.shape)
        return where(ignored, scalar(0, x.dtype), z)

    def vjp(
        self, z_bar: Node, x: Node, target: Node, *, y: Node, ignore_index: int
    ) -> tuple[Cotangent, ...]:
        def of_x() -> Node:
            column, ignored = _targets(x, target, ignore_index)
            bar = where(ignored, scalar(0, x.dtype), z_bar)
            bar = reshape(bar, shape=column.shape)
            return scatter_add(exp(log_softmax(x, axis=1)) * bar, column, -bar, axis=1)

        return of_x, None


def _targets(x: Node, target: Node, ignore_index: int) -> tuple[Node, Node]:
    """The targets as a column along the class axis, with 0 in place of ignored ones; and which are ignored."""
    ignored = eq(target, scalar(ignore_index, int64))
    safe = where(ignored, scalar(0, int64), target)
    return reshape(safe, shape=(x.shape[0], 1, *x.shape[2:])), ignored


class BinaryCrossEntropy(Composite):
    """z = -(t log x + (1 - t) log(1 - x)), each logarithm held at -100 or above

    Partials  dz/dx = (x - t) / max(x (1 - x), 1e-12),  dz/dt = log(1 - x) - log x, held likewise
    Domain    0 <= x <= 1; the two bounds (PyTorch's) keep value and derivative finite at both ends
    """

    name = "binary_cross_entropy"

    def expand(self, x: Node, t: Node) -> Node:
        return (t - 1) * clamp_min(log1p(-x), -100) - t * clamp_min(log(x), -100)

    def by_x(self, x: Node, t: Node) -> Node:
        return (x - t) / clamp_min(x * (1 - x), 1e-12)

    def by_t(self, x: Node) -> Node:
        return clamp_min(log1p(-x), -100) - clamp_min(log(x), -100)

    def vjp(self, z_bar: Node, x: Node, t: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return lambda: unbroadcast(z_bar * self.by_x(x, t), x.type), lambda: unbroadcast(z_bar * self.by_t(x), t.type)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, t: Node, *, y: Node) -> Optional[Node]:
        x_dot, t_dot = x_dots
        moved = add_nodes(
            None if x_dot is None else x_dot * self.by_x(x, t), None if t_dot is None else t_dot * self.by_t(x)
        )
        return None if moved is None else broadcast_to(moved, y.shape)


class BinaryCrossEntropyWithLogits(Composite):
    """z = max(x, 0) - x t + log(1 + exp(-|x|))  =  -(t log s(x) + (1 - t) log(1 - s(x))), s the sigmoid

    Reverse   x_bar = z_bar (s(x) - t),  t_bar = -z_bar x
    Stable    no exponential of a positive number
    """

    name = "binary_cross_entropy_with_logits"

    def expand(self, x: Node, t: Node) -> Node:
        return clamp_min(x, scalar(0, x.dtype)) - x * t + log1p(exp(-abs(x)))

    def vjp(self, z_bar: Node, x: Node, t: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return lambda: unbroadcast(z_bar * (sigmoid(x) - t), x.type), lambda: unbroadcast(-(z_bar * x), t.type)


class Standardize(Composite):
    """y = (x - mean(x)) / sqrt(var(x) + eps)   mean and (biased) variance over `axes`

    Reverse   x_bar = r (y_bar - mean(y_bar) - y mean(y_bar y)),  r = 1 / sqrt(var(x) + eps)
    Tangent   the same map, since it is symmetric
    Source    Ba, Kiros and Hinton, Layer Normalization, 2016; Ioffe and Szegedy, Batch Normalization, 2015
    Shapes    eps is zero-dimensional; y has the shape of x. What layer, group, instance and batch norm share.
    """

    name = "standardize"
    params = ("axes",)

    def expand(self, x: Node, eps: Node, *, axes: Shape) -> Node:
        centred = x - mean(x, axes)
        return centred * rsqrt(mean(square(centred), axes) + eps)

    def vjp(self, y_bar: Node, x: Node, eps: Node, *, y: Node, axes: Shape) -> tuple[Cotangent, ...]:
        return (lambda: self._product(y_bar, x, eps, y, axes), None)

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], x: Node, eps: Node, *, y: Node, axes: Shape
    ) -> Optional[Node]:
        return None if x_dots[0] is None else self._product(x_dots[0], x, eps, y, axes)

    def _product(self, v: Node, x: Node, eps: Node, y: Node, axes: Shape) -> Node:
        r = rsqrt(mean(square(x - mean(x, axes)), axes) + eps)
        return r * (v - mean(v, axes) - y * mean(v * y, axes))


logsumexp = LogSumExp()
log_softmax = LogSoftmax()
softmax = Softmax()
cross_entropy = CrossEntropy()
binary_cross_entropy = BinaryCrossEntropy()
binary_cross_entropy_with_logits = BinaryCrossEntropyWithLogits()
standardize = Standardize()
