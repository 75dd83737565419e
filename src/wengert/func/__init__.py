"""Transformations of functions: derivatives and vmap. They nest in any order."""

from wengert.func import implicit
from wengert.func.derivatives import grad, grad_and_value, jvp, linearize, vjp
from wengert.func.jacobians import hessian, jacfwd, jacrev
from wengert.func.ode import odeint
from wengert.func.shapes import ShapeDtype, eval_shape
from wengert.func.stateless import functional_call, replace_all_batch_norm_modules_, stack_module_state
from wengert.func.vmap import vmap
from wengert.functions.loops import scan

__all__ = [
    "ShapeDtype", "eval_shape", "functional_call", "grad", "grad_and_value", "hessian", "implicit", "jacfwd", "jacrev",
    "jvp", "linearize", "odeint", "replace_all_batch_norm_modules_", "scan", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
