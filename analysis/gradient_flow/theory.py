"""The first-order distance of gradient descent from the gradient flow, on a quadratic, in two ways.

On ½λx² from x = 1 gradient descent is at (1 − ηλ)^(t/η) after t/η steps, the flow at e^(−λt). The coefficient of η in
their difference is what the series gives, and what the equation ḋ = −λd − ½λ·λe^(−λt), d(0) = 0, has as its solution.
"""

from __future__ import annotations

from sympy import Eq, Expr, Function, Symbol, dsolve, exp, log, simplify

from eos_sym import STEP_SIZE

CURVATURE = Symbol("lambda", positive=True)
TIME = Symbol("t", positive=True)


def first_order_on_quadratic() -> Expr:
    """The coefficient of η in (1 − ηλ)^(t/η) at fixed time t."""
    exponent = (TIME * log(1 - STEP_SIZE * CURVATURE) / STEP_SIZE).series(STEP_SIZE, 0, 2).removeO()
    return simplify(exp(exponent).diff(STEP_SIZE).subs(STEP_SIZE, 0))


def solved_first_order() -> Expr:
    """The solution of ḋ = −Hd − ½H∇L along the flow, for the Hessian λ."""
    distance = Function("d")
    slope = CURVATURE * exp(-CURVATURE * TIME)
    equation = Eq(distance(TIME).diff(TIME), -CURVATURE * distance(TIME) - CURVATURE * slope / 2)
    return dsolve(equation, distance(TIME), ics={distance(0): 0}).rhs
