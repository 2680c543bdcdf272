"""The distance of gradient descent from the gradient flow, to first order in η: on a quadratic, and for a network.

At fixed time the distance is η d + O(η²) with ḋ = −H d − ½ H ∇L, d(0) = 0, and the Hessian H along the flow. On ½λx²
from x = 1 gradient descent is at (1 − ηλ)^(t/η) after t/η steps, the flow at e^(−λt): d is what the series gives, and
what the equation ḋ = −λd − ½λ·λe^(−λt) has as its solution. For a network SciPy integrates θ and d together.
"""

import numpy as np
import torch
from scipy.integrate import solve_ivp
from sympy import Eq, Expr, Function, Symbol, dsolve, exp, log, simplify

from analysis.training import flat_loss
from eos_sym import STEP_SIZE
from numeric.compile import Array
from numeric.networks.curvature import HessianAt
from numeric.networks.training import Experiment
from numeric.runs import one_thread

CURVATURE = Symbol("lambda", positive=True)
TIME = Symbol("t", positive=True)
SCIPY_TOLERANCE = 1e-9


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


def solve_first_order(run: Experiment, start: Array, time: float) -> tuple[Array, Array]:
    """θ (p,) and d (p,) at this time for the network of the run, by SciPy's Runge–Kutta method of order 8."""
    loss = flat_loss(run)

    def velocity(_: float, state: Array) -> Array:
        point, correction = torch.from_numpy(state).view(2, -1)
        hessian = HessianAt(loss, point)
        slope = hessian.gradient
        curved = hessian.product((correction + 0.5 * slope)[:, None])[:, 0]
        return torch.cat([-slope, -curved]).numpy()

    state = np.concatenate([start.astype(float), np.zeros(len(start))])
    with one_thread():
        solved = solve_ivp(
            velocity, (0.0, time), state, "DOP853", t_eval=[time], rtol=SCIPY_TOLERANCE, atol=SCIPY_TOLERANCE
        )
    there, correction = solved.y[:, -1].reshape(2, -1)
    return there, correction
