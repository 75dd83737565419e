"""gradcheck: is a derivative right? Every entry of every Jacobian against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from wengert.autograd.backward import grad
from wengert.autograd.difference import Case, GradcheckError, Options, Tensors, from_real
from wengert.derive.numeric import as_real
from wengert.tensors.tensor import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


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
    options = Options(
        eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
        check_batched_forward_grad, check_forward_ad, check_backward_ad, fast_mode,
    )  # fmt: skip
    if not (check_forward_ad or check_backward_ad):
        raise ValueError("gradcheck: check_forward_ad and check_backward_ad cannot both be False")
    if check_batched_grad and not check_backward_ad:
        raise ValueError("gradcheck: check_batched_grad=True wants check_backward_ad=True")
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError("gradcheck: check_batched_forward_grad=True wants check_forward_ad=True")
    case = Case(func, inputs, options)
    try:
        case.check()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


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
        bars = [from_real(random.standard_normal(as_real(y._array()).size), y).requires_grad_() for y in outputs]
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
