"""The critical sharpness of a rule: the curvature beyond which it is unstable on a quadratic, in closed form.

On ½ λ x² every rule that is linear there multiplies its state by a constant matrix, whose Jury margins are polynomials
in λ. The least positive λ at which one of them vanishes is the critical sharpness; for gradient descent it is 2/η. For
a preconditioned rule λ stands for the effective curvature λ₁(P⁻¹H): the preconditioner is set to 1.

The momentum is taken from (0, 1), as β = 1/(1 + m) with m > 0, so that SymPy can tell signs.

Errors: `Undecided` for a rule that is not differentiable at the minimum, such as normalized GD, which never converges
on a quadratic, and for zeros without a closed form or of unknown order.
"""

from __future__ import annotations

from sympy import Expr, Symbol, nan, simplify, zoo

from eos_sym.errors import Undecided
from eos_sym.losses import quadratic
from eos_sym.rules import MOMENTUM, Preconditioned, Rule
from eos_sym.stability.condition import stability
from eos_sym.values import Values, known_among


def critical_sharpness(rule: Rule, at: Values | None = None) -> Expr:
    """The critical sharpness of the rule, an expression in its parameters; those in `at` have values."""
    objective = quadratic(1)
    (curvature,) = objective.parameters
    dynamics = rule.map(objective)
    excess = Symbol("excess", positive=True)
    at_minimum = dict.fromkeys(dynamics.state, 0)
    unscaled = dict.fromkeys(rule.scales(objective) if isinstance(rule, Preconditioned) else (), 1)
    given = known_among(dynamics.parameters, at)
    jacobian = dynamics.jacobian.subs(at_minimum | unscaled | {MOMENTUM: 1 / (1 + excess)} | given)
    if jacobian.has(nan, zoo):
        raise Undecided("the critical sharpness: the rule is not differentiable at a minimum")
    critical = stability(jacobian).critical_value(curvature)
    return simplify(critical.subs(excess, 1 / MOMENTUM - 1))
