"""Whether κ₄ is exactly 0: numbers cannot tell, but an identity can.

Let the minima near a point be a coordinate plane: some weights have values there, all others are free, and ∇L = 0
identically in these. If the row of ∇²L of one of the former has no entry off the diagonal, u is its axis, and

    κ₄ = ∂_u⁴L − 3 Tᵀ H⁻¹ T,    T = ∂_u²∇L,   H = ∇²L,

over the weights that have values, is a function of the others, without an eigenvector in it. That it vanishes
identically is decided by simplification, which proves it; what is not simplified to 0 is not known to be 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mpmath import mp
from sympy import Expr, Float, Matrix, Rational, Symbol, diff, simplify

from eos_sym.algebra import without_floats
from eos_sym.losses import LocalExpansion, Objective
from eos_sym.values import Values, named

ON_AN_AXIS = mp.mpf(10) ** -15  # components of unit vectors below this are taken for 0, before anything is proved
LARGEST_DENOMINATOR = 10**6  # of the values that weights have on a plane


def quartic_is_zero(objective: Objective, here: LocalExpansion, slow: Sequence[int], at: Values) -> bool:
    """Whether κ₄ is known to vanish identically on a plane of minima through the point."""
    weights = objective.weights
    fixed = [row for row in range(len(weights)) if all(abs(here.vectors[row, j]) < ON_AN_AXIS for j in slow)]
    axis = next((row for row in fixed if abs(abs(here.vectors[row, 0]) - 1) < ON_AN_AXIS), None)
    if axis is None or len(fixed) + len(slow) != len(weights):
        return False
    plane: dict[Symbol, Expr] = {weights[row]: _rational(here.point[row]) for row in fixed}
    parameters = named("parameters", objective.parameters, at)
    values = {symbol: without_floats(value) for symbol, value in parameters.items()}

    def on_plane(expression: Expr) -> Expr:
        return simplify(expression.subs(values).subs(plane))

    if any(on_plane(slope) != 0 for slope in objective.gradient):
        return False
    across = objective.hessian.extract(fixed, fixed).applyfunc(on_plane)
    if any(across[fixed.index(axis), place] != 0 for place, row in enumerate(fixed) if row != axis):
        return False
    along = weights[axis]
    third = Matrix([on_plane(diff(objective.gradient[row], along, 2)) for row in fixed])
    fourth = on_plane(diff(objective.loss, along, 4))
    return bool(simplify(fourth - 3 * third.dot(across.LUsolve(third))) == 0)


def _rational(value: Any) -> Rational:
    return Rational(Float(value, mp.dps)).limit_denominator(LARGEST_DENOMINATOR)
