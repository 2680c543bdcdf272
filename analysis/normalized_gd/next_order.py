"""What the cubic term along u does to the oscillation across the minima: it moves C of one rule, not of the other.

In L = ½λw² + ⅙Tw³, with T = ∇³L(u,u,u) of a network, let w be ηC times the oscillation's width. Two steps come back to
w at the order η; `shift` is what they miss it by at the order η², from the formula of the rule:

    normalized GD    0         a step has the length η, whatever the loss is
    GD on √L         −T/6      the slope of √L is √(λ/2)(1 + Tw/(3λ)) in size, larger on one side than on the other

So GD on √L has no continuum of two-cycles on a network: its C goes through (0, 1) in Θ(1/η) steps, and with it through
the two-cycles that are unstable across, r(1 − r) > 2C(1 − C).
"""

from sympy import Abs, Dummy, Expr, Symbol, expand, simplify

from analysis.normalized_gd.theory import Kind
from eos_sym import STEP_SIZE, Objective
from eos_sym.flows.limit_flow import CURVATURE

CUBIC = Symbol("T", real=True)


def shift(kind: Kind) -> Expr:
    """(w_{t+2} − w_t)/η² to leading order."""
    w = Symbol("w", real=True)
    (step,) = kind.rule.map(Objective("cubic", CURVATURE * w**2 / 2 + CUBIC * w**3 / 6, (w,), (CURVATURE, CUBIC))).step

    def after(start: Expr, side: int) -> Expr:
        """The step from a point on one side of the minimum, to the order η²: there the slope has that sign."""
        moved = step.subs(w, start).replace(Abs, lambda slope: side * slope)
        return expand(simplify(moved).series(STEP_SIZE, 0, 3).removeO())

    distance, behind = Dummy("C", positive=True), Dummy("D", positive=True)
    there = after(distance * STEP_SIZE, 1)
    back = after(there.coeff(STEP_SIZE, 2) * STEP_SIZE**2 - behind * STEP_SIZE, -1)
    return simplify((back.subs(behind, kind.oscillation.width - distance) - distance * STEP_SIZE) / STEP_SIZE**2)
