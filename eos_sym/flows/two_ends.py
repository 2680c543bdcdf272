"""Edge Flow and Rod Flow as formulas: the centre w of two ends w ± δ between which gradient descent alternates.

    Ḡ = ½[∇L(w + δ) + ∇L(w − δ)],     ẇ = −ηḠ,     δ̇ = ηv − 2δ,

    rod flow     v = g = ½[∇L(w + δ) − ∇L(w − δ)]
    edge flow    v = ∇²L(w) δ

the time in steps. Gradient descent takes δ to δ − ηv, v = g exactly and v = ∇²L δ to first order, so that −δ is at rest
on a two-cycle: the sign is taken out. Of edge flow's δ = xu the length and the direction move by ẋ = (ηS − 2)x and
u̇ = η(∇²L u − Su), S = u·∇²L u.

The networks' side, and what of it is whose, is in `numeric.networks.flows`.
Source: :cite:t:`marion2026edgeflow`, :cite:t:`regis2026rodflow`.
"""

from __future__ import annotations

from sympy import Expr, Matrix, Symbol

from eos_sym.flows.flow import Flow
from eos_sym.losses import Objective
from eos_sym.rules import STEP_SIZE


def extents(objective: Objective) -> tuple[Symbol, ...]:
    """The names of the components of δ."""
    return tuple(Symbol(f"extent_{weight.name}", real=True) for weight in objective.weights)


def rod_flow(objective: Objective) -> Flow:
    """The flow with the secant of the gradient, over w and δ."""
    ahead, behind = _slopes(objective)
    return _flow(objective, (ahead - behind) / 2)


def edge_flow(objective: Objective) -> Flow:
    """The flow with the tangent of the gradient, over w and δ."""
    return _flow(objective, objective.hessian * Matrix(extents(objective)))


def _flow(objective: Objective, image: Matrix) -> Flow:
    ahead, behind = _slopes(objective)
    centre: list[Expr] = list(-STEP_SIZE * (ahead + behind) / 2)
    extent = list(STEP_SIZE * image - 2 * Matrix(extents(objective)))
    state = (*objective.weights, *extents(objective))
    return Flow(state, (*objective.parameters, STEP_SIZE), tuple(centre + extent))


def _slopes(objective: Objective) -> tuple[Matrix, Matrix]:
    """∇L(w + δ) and ∇L(w − δ)."""
    pairs = list(zip(objective.weights, extents(objective), strict=True))
    slope = Matrix(objective.gradient)
    return tuple(slope.subs({w: w + sign * d for w, d in pairs}, simultaneous=True) for sign in (1, -1))
