"""The critical sharpness of a rule: the curvature beyond which it is unstable on a quadratic, in closed form.

On ½ λ x² every rule that is linear there multiplies its state by a constant matrix, whose Jury margins are polynomials
in λ and η. The least positive λ at which one of them vanishes is the critical sharpness; for gradient descent it is
2/η. For a preconditioned rule λ stands for the effective curvature λ₁(P⁻¹H): the preconditioner is set to 1.

The other way round, the least positive η at which one vanishes is the critical step size c(λ). Near a minimum a rule
that is linear on quadratics acts on every eigenvector of the Hessian by itself; so if c is known to decrease, the
critical step size of the minimum is c(λ₁): that of gradient descent 2/λ₁, that of heavy ball 2(1 + β)/λ₁. Where λ₁ = 0
there is none, and c = ∞.

The momentum is taken from (0, 1), as β = 1/(1 + m) with m > 0, so that SymPy can tell signs.

Errors: `Undecided` for a rule that is not differentiable at the minimum, such as normalized GD, which never converges
on a quadratic, for zeros without a closed form or of unknown order, and for the critical step size at a minimum of a
preconditioned rule, which does not act on the eigenvectors one by one.
"""

from __future__ import annotations

from sympy import Expr, Symbol, diff, factor, nan, oo, simplify, zoo

from eos_sym.algebra import positive_where_defined
from eos_sym.errors import Undecided
from eos_sym.losses import quadratic
from eos_sym.reasons import brief
from eos_sym.rules import MOMENTUM, STEP_SIZE, Preconditioned, Rule
from eos_sym.stability.condition import StabilityCondition
from eos_sym.stability.multipliers import stability
from eos_sym.values import Value, Values, exact, known_among

_EXCESS = Symbol("excess", positive=True)  # m


def critical_sharpness(rule: Rule, at: Values | None = None) -> Expr:
    """The critical sharpness of the rule, an expression in its parameters; those in `at` have values."""
    (curvature,) = quadratic(1).parameters
    critical = _on_quadratic(rule, at or {}).critical_value(curvature)
    return simplify(critical.subs(_EXCESS, 1 / MOMENTUM - 1))


def critical_step_size(rule: Rule, sharpness: Value) -> Expr:
    """The critical step size of the rule at a minimum of this sharpness, an expression in its other parameters."""
    sharpness = exact("the sharpness", sharpness)
    if isinstance(rule, Preconditioned):
        raise Undecided("the critical step size of a preconditioned rule: it depends on more than the sharpness")
    if sharpness.is_zero:
        return oo
    (curvature,) = quadratic(1).parameters
    step = Symbol("step", positive=True)
    critical = _on_quadratic(rule, {STEP_SIZE: step}).critical_value(step)
    if not positive_where_defined(factor(-diff(critical, curvature))):
        raise Undecided(f"the critical step size {brief(critical)} is not known to decrease with the curvature")
    return simplify(critical.subs(_EXCESS, 1 / MOMENTUM - 1)).subs(curvature, sharpness)


def _on_quadratic(rule: Rule, at: Values) -> StabilityCondition:
    """The condition at the minimum of ½ λ x²."""
    objective = quadratic(1)
    dynamics = rule.map(objective)
    at_minimum = dict.fromkeys(dynamics.state, 0)
    unscaled = dict.fromkeys(rule.scales(objective) if isinstance(rule, Preconditioned) else (), 1)
    given = known_among(dynamics.parameters, at)
    jacobian = dynamics.jacobian.subs(at_minimum | unscaled | {MOMENTUM: 1 / (1 + _EXCESS)} | given)
    if jacobian.has(nan, zoo):
        raise Undecided("the critical sharpness: the rule is not differentiable at a minimum")
    return stability(jacobian)
