"""What is derived of SAM: its edge, its two-cycles on a quadratic, and its drift along the minima of ½(1 − xyzw)²."""

from dataclasses import dataclass

from sympy import Expr, Integer, Matrix, Symbol, diff, factor, simplify, solve

from eos_sym import STEP_SIZE, Undecided, critical_sharpness, minimalist, quadratic
from eos_sym.rules import RADIUS, RULES
from eos_sym.stability import StabilityCondition, stability

GRADIENT_NORM = Symbol("norm", positive=True)
SHARPNESS = Symbol("sharpness", positive=True)
first, second = quadratic(2).parameters
SLACK = Symbol("slack", positive=True)  # 2/(η λ₁) − 1, how SymPy is told that ηλ₁ < 2


def edge() -> Expr:
    """The critical sharpness of unnormalized SAM."""
    return critical_sharpness(RULES["sam_unnormalized"])


def verdict_beyond_the_edge() -> str:
    """On unnormalized SAM wherever ηλ(1 + ρλ) exceeds 2, its value at the edge: exactly where λ is above that."""
    (jacobian,) = RULES["sam_unnormalized"].map(quadratic(1)).jacobian
    (curvature,) = quadratic(1).parameters
    beyond = 2 * (1 + Symbol("excess", positive=True)) / (curvature * (1 + RADIUS * curvature))
    return stability(Matrix([[simplify(jacobian.subs(STEP_SIZE, beyond))]])).verdict({})


def normalized_edge(edge: Expr) -> Expr:
    """The same with ρ/‖g‖ for ρ."""
    return simplify(edge.subs(RADIUS, RADIUS / GRADIENT_NORM))


@dataclass(frozen=True)
class TwoCycle:
    """±c on eigenvector 1 of two: the amplitude c, and the multipliers of one step there, `along` and `across`."""

    amplitude: Expr
    along: Expr
    across: Expr

    def stability(self, ratio: Expr) -> StabilityCondition:
        """Over both steps, with λ₂ = ratio · λ₁ and ηλ₁ = 2/(1 + slack)."""
        at = {second: ratio * first, STEP_SIZE: 2 / (first * (1 + SLACK))}
        along, across = (simplify(multiplier.subs(at)) for multiplier in (self.along, self.across))
        return stability(Matrix.diag(along**2, across**2))


def cycle() -> TwoCycle:
    """The c with F(c, 0) = (−c, 0) on ½(λ₁θ₁² + λ₂θ₂²), for normalized SAM.

    F is odd, so (c, 0) and (−c, 0) are a two-cycle, and the multipliers over both steps are the squares.
    """
    dynamics = RULES["sam"].map(quadratic(2))
    height = Symbol("height", positive=True)
    on_axis = dict(zip(dynamics.state, (height, Integer(0)), strict=True))
    mirrored = dynamics.substitution[dynamics.state[0]].subs(on_axis) + height
    found = solve(mirrored, height)
    if len(found) != 1:
        raise Undecided(f"the two-cycles of SAM on a quadratic: {len(found)} solutions of F(c) = −c")
    mirror = {variable: -variable for variable in dynamics.state}
    if any(simplify(step.subs(mirror, simultaneous=True) + step) != 0 for step in dynamics.step):
        raise Undecided("the two-cycles of SAM on a quadratic: the map is not odd")
    jacobian = dynamics.jacobian.subs(on_axis).subs(height, found[0]).applyfunc(simplify)
    if not jacobian.is_diagonal():
        raise Undecided("the multipliers of SAM's two-cycle: the Jacobian is not diagonal")
    return TwoCycle(factor(found[0]), factor(jacobian[0, 0]), factor(jacobian[1, 1]))


def flattening(cycle: TwoCycle) -> Expr:
    """The change of the sharpness per step, −½η(c + ρ)²‖∇_Γλ‖², at the minima (a, 1/a, a, 1/a) of ½(1 − xyzw)².

    The flow along −∇_Γλ keeps to this curve γ by symmetry, so ‖∇_Γλ‖² = (dλ/da)²/‖γ'‖², written in λ instead of a.
    """
    a = Symbol("a", positive=True)
    objective = minimalist()
    curve = dict(zip(objective.weights, (a, 1 / a, a, 1 / a), strict=True))
    along = simplify(objective.hessian.subs(curve).trace())  # the Hessian at a minimum has rank one
    squared_slope = factor(diff(along, a) ** 2 / sum(diff(point, a) ** 2 for point in curve.values()))
    at_sharpness = simplify(squared_slope.subs(a, solve(along - SHARPNESS, a)[-1]))
    if simplify(at_sharpness.subs(SHARPNESS, along) - squared_slope) != 0:
        raise Undecided("the slope of the sharpness along the minima: not a function of the sharpness")
    reach = factor(cycle.amplitude.subs(first, SHARPNESS) + RADIUS)
    return factor(-STEP_SIZE * reach**2 * at_sharpness / 2)
