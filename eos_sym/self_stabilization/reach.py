"""Where the cycle of the cubic expansion ends: what it neglects at a point, in the units of the cycle.

The cycle is Ẋ = XY, Ẏ = 1 − X² in X = x/δ, Y = y/√α and the time ηt√α. At its equilibrium, X = 1, Y = 0, all terms are
of order 1, and every one that it leaves out can be compared with 1:

    off the edge          |S − 2/η|/√α                 the point is where Y is that, instead of 0
    off the valley        |u·∇L|/(Sδ)                  x is measured from where u·∇L = 0
    a step                ε = η√α                      the map is Euler's method of that step
    the Hessian           ‖∇²L ∇S⊥‖/(√β √α)            by which ∇S⊥·v decays or turns, besides being driven
    growth at x = δ       |g|/√α                       g = κ₄δ²/6 + …, which for the cycle is 0
    drift at x = δ        |f/α − 1|                    f = ½βδ² + …, which for the cycle is α

The last two are those of the pair of points between which gradient descent alternates at this amplitude
(`eos_sym.edge.normal_forms.alternation`), all directions but u held, with the derivatives of all orders. Errors:
`Undecided` where there is no such pair.
"""

from __future__ import annotations

from typing import Any

from mpmath import mp
from sympy import Expr, Float

from eos_sym.edge.normal_forms.alternation import alternation
from eos_sym.losses import Derivatives, real_number
from eos_sym.self_stabilization.predicted_dynamics import CubicExpansion

DIGITS = 30
DRIFT = "the drift by higher derivatives at x = δ, over α"


def neglected(expansion: CubicExpansion, step_size: Expr) -> dict[str, Float]:
    """The six shares, each under what it compares, for an expansion in numbers."""
    weights = expansion.objective.weights
    alpha = real_number("α", expansion.alpha)
    with mp.workdps(DIGITS):
        derivatives = Derivatives(expansion.objective, {})
        here = derivatives.expansion([real_number(weight.name, expansion.point[weight]) for weight in weights])
        eta, top = real_number("the step size", step_size), here.eigenvalues[0]
        across = range(1, len(weights))
        beta, height = mp.fsum(here.projections[j] ** 2 for j in across), mp.sqrt(alpha)
        square = 2 * alpha / beta
        pull = mp.sqrt(mp.fsum((here.eigenvalues[j] * here.projections[j]) ** 2 for j in across) / beta)
        pair = alternation(derivatives, here, across, eta, square)
        shares: dict[str, Any] = {
            "the distance of the sharpness from 2/η, over the cycle's height √α": abs(top - 2 / eta) / height,
            "u·∇L/S, over the cycle's width δ": abs(here.forces[0] / top) / mp.sqrt(square),
            "a step, over the cycle's time": eta * height,
            "the rate at which the Hessian changes ∇S⊥·v, over the cycle's rate √α": pull / height,
            "the growth by higher derivatives at x = δ, over √α": abs(pair.growth) / height,
            DRIFT: abs(pair.drift / alpha - 1),
        }
        return {name: Float(share, DIGITS) for name, share in shares.items()}
