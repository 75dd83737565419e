"""gradcheck: is a derivative right? Every entry of every Jacobian against central differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional, Union

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


class _Options(NamedTuple):
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


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensors,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: Optional[bool] = None,
) -> bool:
    """Whether the derivatives of `func` at `inputs` agree with central differences: |a - n| <= atol + rtol |n|.

    inputs: those that require grad are checked; they should be float64 or complex128.
    eps: half the distance between the two values of a difference.
    nondet_tol: how much two backward passes may differ.
    check_undefined_grad: outputs whose gradient is missing count as zeros.
    check_grad_dtypes: a gradient must have its input's dtype.
    check_batched_grad, check_batched_forward_grad: vmap of the derivative must give the derivative's rows.
    check_forward_ad, check_backward_ad: which modes.
    fast_mode: compare one random projection of each Jacobian instead of all its entries.
    masked: for PyTorch's sake; there are no sparse tensors.

    Complex numbers are compared as pairs of real ones. Returns False instead of raising when not `raise_exception`.

    Raises: GradcheckError, with both Jacobians; ValueError when no input requires grad.
    """
    options = _Options(
        eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
        check_batched_forward_grad, check_forward_ad, check_backward_ad, fast_mode,
    )  # fmt: skip
    if not (check_forward_ad or check_backward_ad):
        raise ValueError("gradcheck: check_forward_ad and check_backward_ad cannot both be False")
    if check_batched_grad and not check_backward_ad:
        raise ValueError("gradcheck: check_batched_grad=True wants check_backward_ad=True")
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError("gradcheck: check_batched_forward_grad=True wants check_forward_ad=True")
    case = _Case(func, inputs, options)
    try:
        case.check()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


class _Case:
    """One function at one point."""

    def __init__(self, func: Callable[..., Any], inputs: Tensors, options: _Options) -> None:
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
            direction = _from_real(u, given[i])
            if self.options.check_forward_ad:
                for k, (n, a) in enumerate(zip(numeric, self._tangents(given, {i: direction}))):
                    self._compare_projection(n, a, k, i, "forward mode")
            if not self.options.check_backward_ad:
                continue
            for k, y in enumerate(outputs):
                v = random.standard_normal(numeric[k].size)
                (bar,) = _gradients([y], [given[i]], [_from_real(v, y)])
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
            zeros = [bar if i == k else bar * 0 for i, bar in enumerate(every)]
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
            bars = [_from_real(random.standard_normal(as_real(y._array()).size), y) for _ in range(2)]
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
    return [_from_real(row, x) for row in np.eye(size)]


def _from_real(row: Any, like: Tensor) -> Tensor:
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


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensors,
    grad_outputs: Optional[Tensors] = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """As `gradcheck`, for the derivative of `func`: second derivatives with respect to inputs and grad_outputs.

    grad_outputs: cotangents of the outputs; random ones when None. gen_non_contig_grad_outputs: for PyTorch's sake; where
    a tensor's numbers lie in memory is not visible here.

    Raises: as `gradcheck`.
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    found = func(*given)
    outputs = [
        y for y in (found if isinstance(found, (tuple, list)) else (found,)) if isinstance(y, Tensor) and y.requires_grad
    ]
    if grad_outputs is None:
        random = np.random.default_rng(2)
        bars = [_from_real(random.standard_normal(as_real(y._array()).size), y).requires_grad_() for y in outputs]
    else:
        bars = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    n = len(given)

    def derivative(*args: Any) -> tuple[Any, ...]:
        answer = func(*args[:n])
        every = answer if isinstance(answer, (tuple, list)) else (answer,)
        ys = [y for y in every if isinstance(y, Tensor) and y.requires_grad]
        xs = [x for x in args[:n] if isinstance(x, Tensor) and x.requires_grad]
        found = grad(ys, xs, args[n:], create_graph=True, allow_unused=True)
        return tuple([bar for bar in found if bar is not None])

    return gradcheck(
        derivative, (*given, *bars), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad, check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
    )  # fmt: skip
