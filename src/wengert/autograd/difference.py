"""One derivative compared with differences: what `gradcheck` does for a function at a point."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from wengert import dtypes
from wengert.autograd import forward_ad
from wengert.autograd.backward import grad
from wengert.derive.numeric import as_real, numeric_directional, numeric_jacobians
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.tensors.tensor import Tensor, wrap

Tensors = Union[Tensor, Sequence[Tensor]]


class GradcheckError(RuntimeError):
    """A derivative that is not what differences of the function's values say."""


class Options(NamedTuple):
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_undefined_grad: bool
    check_grad_dtypes: bool
    check_batched_grad: bool
    check_batched_forward_grad: bool
    check_forward_ad: bool
    check_backward_ad: bool
    fast_mode: bool


class Case:
    """One function at one point."""

    def __init__(self, func: Callable[..., Any], inputs: Tensors, options: Options) -> None:
        self.func = func
        self.inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        self.options = options
        self.moving = [i for i, x in enumerate(self.inputs) if isinstance(x, Tensor) and x.requires_grad]
        if not self.moving:
            raise ValueError(
                "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
            )
        for i in self.moving:
            if self.inputs[i].dtype not in (dtypes.float64, dtypes.complex128):
                warnings.warn(
                    f"gradcheck: input {i} is {self.inputs[i].dtype}; differences are only exact enough in double precision",
                    stacklevel=3,
                )

    def outputs(self, inputs: Sequence[Any]) -> list[Tensor]:
        """The floating and complex outputs of the function."""
        found = self.func(*inputs)
        every = found if isinstance(found, (tuple, list)) else (found,)
        return [y for y in every if isinstance(y, Tensor) and y._node.type.inexact]

    def values(self, arrays: list[Any]) -> list[Any]:
        """The function on arrays, for differences."""
        given: list[Any] = list(self.inputs)
        for i, array in zip(self.moving, arrays):
            given[i] = wrap(literal(array, self.inputs[i]._node.type)).requires_grad_()
        return [np.array(y.detach()._array()) for y in self.outputs(given)]

    def fresh(self) -> list[Any]:
        """The inputs as leaves of their own: a function that writes to them, or hooks on them, disturbs nobody."""
        given: list[Any] = list(self.inputs)
        for i in self.moving:
            given[i] = wrap(self.inputs[i].detach()._read()).requires_grad_()
        return given

    def check(self) -> None:
        given = self.fresh()
        outputs = self.outputs(given)
        if not any(y.requires_grad for y in outputs):
            if self.options.check_backward_ad and outputs:
                self._check_constant(outputs)
            return
        arrays = [np.array(x._array()) for x in self._moving(given)]
        if self.options.fast_mode:
            self._check_projections(given, outputs, arrays)
        else:
            self._check_entries(given, outputs, arrays)
        self._check_repeats(given, outputs)
        self._check_dtypes(given, outputs)
        if self.options.check_undefined_grad and self.options.check_backward_ad:
            self._check_undefined(given, outputs)
        if self.options.check_batched_grad:
            self._check_batched(given, outputs)

    def _moving(self, given: Sequence[Any]) -> list[Tensor]:
        return [given[i] for i in self.moving]

    def _check_constant(self, outputs: list[Tensor]) -> None:
        arrays = [np.array(self.inputs[i]._array()) for i in self.moving]
        for i, columns in zip(self.moving, numeric_jacobians(self.values, arrays, range(len(arrays)), self.options.eps)):
            for k, numeric in enumerate(columns):
                if not np.allclose(numeric, 0, self.options.rtol, self.options.atol):
                    raise GradcheckError(
                        f"Numerical gradient for output {k} with respect to input {i} is not zero, but the output does not "
                        "require grad"
                    )

    # --- every entry

    def _check_entries(self, given: list[Any], outputs: list[Tensor], arrays: list[Any]) -> None:
        numeric = numeric_jacobians(self.values, arrays, range(len(arrays)), self.options.eps)
        if self.options.check_forward_ad:
            self._compare(numeric, self._forward_jacobians(given), "forward mode")
        if self.options.check_backward_ad:
            self._compare(numeric, _backward_jacobians(outputs, self._moving(given)), "reverse mode")

    def _forward_jacobians(self, given: list[Any]) -> list[list[Any]]:
        found = []
        for number in self.moving:
            x = given[number]
            rows = [self._tangents(given, {number: unit}) for unit in _units(x)]
            found.append([np.array([row[k] for row in rows]) for k in range(len(rows[0]))] if rows else [])
        return found

    def _tangents(self, given: list[Any], directions: dict[int, Any]) -> list[Any]:
        """Tangents of all outputs by forward mode, as real rows."""
        with forward_ad.dual_level():
            duals = list(given)
            for number, direction in directions.items():
                duals[number] = forward_ad.make_dual(duals[number], direction)
            unpacked = [forward_ad.unpack_dual(y) for y in self.outputs(duals)]
            return [
                as_real(primal._array()) * 0 if tangent is None else as_real(tangent._array())
                for primal, tangent in unpacked
            ]

    def _compare(self, numeric: list[list[Any]], analytic: list[list[Any]], mode: str) -> None:
        for i, (columns, found) in enumerate(zip(numeric, analytic)):
            for k, (n, a) in enumerate(zip(columns, found)):
                if not np.allclose(a, n, self.options.rtol, self.options.atol):
                    raise GradcheckError(
                        f"Jacobian mismatch for output {k} with respect to input {self.moving[i]} ({mode}; rows are the "
                        f"input's numbers, columns the output's{_about_complex(n, self.inputs[self.moving[i]])}),\n"
                        f"numerical:\n{n}\nanalytical:\n{a}\nlargest difference: {np.max(np.abs(a - n)):.3g}"
                    )

    # --- projections

    def _check_projections(self, given: list[Any], outputs: list[Tensor], arrays: list[Any]) -> None:
        random = np.random.default_rng(0)
        for number, (i, array) in enumerate(zip(self.moving, arrays)):
            u = random.standard_normal(as_real(array).size)
            u /= max(float(np.linalg.norm(u)), 1e-300)
            numeric = numeric_directional(self.values, arrays, {number: u}, self.options.eps)
            direction = from_real(u, given[i])
            if self.options.check_forward_ad:
                for k, (n, a) in enumerate(zip(numeric, self._tangents(given, {i: direction}))):
                    self._compare_projection(n, a, k, i, "forward mode")
            if not self.options.check_backward_ad:
                continue
            for k, y in enumerate(outputs):
                v = random.standard_normal(numeric[k].size)
                (bar,) = _gradients([y], [given[i]], [from_real(v, y)])
                self._compare_projection(v @ numeric[k], as_real(bar._array()) @ u, k, i, "reverse mode")

    def _compare_projection(self, n: Any, a: Any, k: int, i: int, mode: str) -> None:
        if not np.allclose(a, n, self.options.rtol, self.options.atol):
            raise GradcheckError(
                f"Jacobian mismatch for output {k} with respect to input {i} ({mode}), seen in a random projection,\n"
                f"numerical:\n{n}\nanalytical:\n{a}\nfast_mode=False shows every entry."
            )

    # --- the rest

    def _check_repeats(self, given: list[Any], outputs: list[Tensor]) -> None:
        if not self.options.check_backward_ad:
            return
        bars = [_ones(y) for y in outputs]
        first = _gradients(outputs, self._moving(given), bars)
        second = _gradients(outputs, self._moving(given), bars)
        for i, a, b in zip(self.moving, first, second):
            if not np.allclose(as_real(a._array()), as_real(b._array()), 0, self.options.nondet_tol, equal_nan=True):
                raise GradcheckError(
                    f"Backward is not reentrant: two passes give different gradients for input {i}, by more than "
                    f"nondet_tol={self.options.nondet_tol}.\nfirst:\n{a._array()}\nsecond:\n{b._array()}"
                )

    def _check_dtypes(self, given: list[Any], outputs: list[Tensor]) -> None:
        if not self.options.check_grad_dtypes:
            return
        bars = _gradients(outputs, self._moving(given), [_ones(y) for y in outputs])
        for i, bar in zip(self.moving, bars):
            if bar.dtype is not self.inputs[i].dtype:
                raise GradcheckError(f"the gradient of input {i} is {bar.dtype}, the input {self.inputs[i].dtype}")

    def _check_undefined(self, given: list[Any], outputs: list[Tensor]) -> None:
        """An output to which no gradient comes must count as one with gradient zero."""
        tracked = [y for y in outputs if y.requires_grad]
        if len(tracked) < 2:
            return
        every = [_ones(y) for y in tracked]
        for k in range(len(tracked)):
            alone = _gradients([tracked[k]], self._moving(given), [every[k]])
            zeros = [bar if i == k else _tensor(np.zeros(bar.shape), bar.dtype) for i, bar in enumerate(every)]
            for i, a, b in zip(self.moving, alone, _gradients(tracked, self._moving(given), zeros)):
                if not np.allclose(as_real(a._array()), as_real(b._array())):
                    raise GradcheckError(
                        f"Expected a missing output gradient to count as zeros: for input {i} they differ when only output "
                        f"{k} has a gradient"
                    )

    def _check_batched(self, given: list[Any], outputs: list[Tensor]) -> None:
        random = np.random.default_rng(1)
        inputs = self._moving(given)
        for k, y in enumerate(outputs):
            if not y.requires_grad:
                continue
            bars = [from_real(random.standard_normal(as_real(y._array()).size), y) for _ in range(2)]
            rows = [_gradients([y], inputs, [bar]) for bar in bars]
            stacked = _tensor(np.stack([bar._array() for bar in bars]), y.dtype)
            mapped = grad(y, inputs, stacked, True, False, True, True, True)
            for i, whole, parts in zip(self.moving, mapped, zip(*rows)):
                wanted = np.stack([part._array() for part in parts])
                got = np.zeros_like(wanted) if whole is None else whole._array()
                if not np.allclose(got, wanted, self.options.rtol, self.options.atol):
                    raise GradcheckError(
                        f"vmap of the derivative of output {k} with respect to input {i} differs from its rows,\n"
                        f"expected:\n{wanted}\ngot:\n{got}"
                    )


def _backward_jacobians(outputs: list[Tensor], inputs: list[Tensor]) -> list[list[Any]]:
    """Reverse mode for every real number of every output; rows are the inputs' numbers."""
    found: list[list[Any]] = [[] for _ in inputs]
    for y in outputs:
        columns = [[as_real(bar._array()) for bar in _gradients([y], inputs, [unit])] for unit in _units(y)]
        for i, x in enumerate(inputs):
            size = as_real(x._array()).size
            found[i].append(np.array([column[i] for column in columns]).reshape(-1, size).T)
    return found


def _gradients(outputs: list[Tensor], inputs: list[Tensor], bars: list[Tensor]) -> list[Tensor]:
    pairs = [(y, bar) for y, bar in zip(outputs, bars) if y.requires_grad]
    if not pairs:
        return [_tensor(np.zeros(x.shape), x.dtype) for x in inputs]
    ys, given = zip(*pairs)
    found: Any = grad(ys, inputs, given, retain_graph=True, allow_unused=True, materialize_grads=True)
    return list(found)


def _units(x: Tensor) -> list[Tensor]:
    """The unit vectors of a tensor's space over the real numbers."""
    size = as_real(x._array()).size
    return [from_real(row, x) for row in np.eye(size)]


def from_real(row: Any, like: Tensor) -> Tensor:
    array = np.asarray(row, np.float64)
    if like.is_complex():
        array = array.view(np.complex128)
    return _tensor(array.reshape(like.shape), like.dtype)


def _ones(y: Tensor) -> Tensor:
    return _tensor(np.ones(y.shape), y.dtype)


def _tensor(array: Any, dtype: Any) -> Tensor:
    return wrap(literal(np.asarray(array).astype(dtype.numpy), array_type(tuple(array.shape), dtype)))


def _about_complex(numeric: Any, x: Tensor) -> str:
    pairs = x.is_complex() or (numeric.ndim == 2 and numeric.shape[0] == numeric.shape[1] * 2)
    return "; complex numbers count as two, re and im" if pairs else ""
