r"""Ordinary differential equations: y' = f(t, y, ...), solved, and differentiated in two ways.

Adjoint (the default): with a(t) = dL/dy(t), the derivative of a loss by what the solution depends on is itself given by
an equation, solved backwards from the last time to the first,

    a' = -(df/dy)^T a          and adds up        theta_bar = integral of (df/dtheta)^T a dt

so nothing of the forward solution is kept but its values at the given times, at which y is taken up anew. Derivatives
by the times: t_bar = y_bar . f(t, y). The backward equation is solved by the same function, so there are derivatives to
every order. Source: L. Pontryagin, 1962; R. Chen, Y. Rubanova, J. Bettencourt, D. Duvenaud, Neural ordinary differential
equations, 2018.

Backpropagation through the solver (adjoint=False): the steps that were taken are recorded and differentiated; exact for
the numerical solution, with memory for every step.
"""

from wengert.func.ode.solution import odeint

__all__ = ["odeint"]
