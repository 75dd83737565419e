r"""Implicit differentiation: derivatives of what an equation defines, at the price of one linear system, however the
equation was solved.

Where g(x, theta) = 0 holds at x = x(theta) and dg/dx is invertible, the implicit function theorem gives

    dx/dtheta = -(dg/dx)^-1 dg/dtheta

    reverse   u = (dg/dx)^-T x_bar,    theta_bar = -(dg/dtheta)^T u
    forward   x_dot = -(dg/dx)^-1 (dg/dtheta) theta_dot

A fixed point x = f(x, theta) has g = f - x, a minimum g = the gradient of the objective. The systems are solved by GMRES
with products only: (dg/dx)^T u is a vjp and (dg/dx) v a jvp, no matrix is formed. The solution u is itself given by an
equation, so it is differentiated by the same rule: derivatives exist to every order.

Source: A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed. 2008, ch. 15; M. Blondel et al., Efficient and modular
implicit differentiation, 2022. Only what is passed as an argument is differentiated: what a function closes over is
taken as constant. `x` and the arguments may be nested structures of tensors. A solver looks at values, so it cannot be
traced: `vmap` does not go through one, nor do `jacrev` and `jacfwd`, which map over directions; `grad`, `vjp`, `jvp` and
`autograd.functional.jacobian` do. Write a batch as one system.
"""

from wengert.func.implicit.equations import argmin, fixed_point, linear_solve, root, solve
from wengert.func.implicit.krylov import conjugate_gradients, gmres

__all__ = ["argmin", "conjugate_gradients", "fixed_point", "gmres", "linear_solve", "root", "solve"]
