"""The self-stabilization cycle: two numbers, a conserved quantity, and a slow spiral.

The predicted dynamics leave two numbers to follow at the edge of stability: x, the displacement along the top
eigenvector, and y, the sharpness in excess of 2/η. With a quartic coefficient κ₄ and a restoring rate b = −∂α/∂y,

    x⁺ = −(1 + ηy + ηκ₄x²/6) x,   y⁺ = y + η(α − by − βx²/2).

*Undamped*, κ₄ = b = 0. In X = (−1)ᵗx/δ and Y = y/√α, δ = √(2α/β), only ε = η√α is left, X⁺ = X + εXY and
Y⁺ = Y + ε(1 − X²): Euler's method, of step ε, for the flow

    Ẋ = XY,   Ẏ = 1 − X²,   which conserves   h = ½(X² − 2 ln X − 1 + Y²).

Its orbits are closed, and pass through four stages in turn: progressive sharpening (X < 1, Y < 0: the sharpness rises,
X still shrinks), blowup (X < 1, Y > 0: both grow), self-stabilization (X > 1, Y > 0: the sharpness falls, X still
grows) and return (X > 1, Y < 0). The map itself raises h, by ½ε²[(1 + X²)Y² + (1 − X²)²] + O(ε³) a step, and so spirals
outward from the two-cycle y = 0, βx² = 2α, whose multipliers are 1 ± √2 iε a step, of modulus √(1 + 2ε²). What the
flow conserves, and what follows from it, is in `eos_sym.self_stabilization.continuous_limit`.

*Damped*. The two-cycle is the fixed point of the map of q = x² and y, which gives its multipliers a step. For κ₄ < 0 it
lies above the edge, at y = |κ₄|q/6, and attracts if the damping 1 − det is positive: for b = 0, if |κ₄| > 3ηβ, until at
a far larger |κ₄| it doubles its period. κ₄ is that of `eos_sym.edge.normal_forms.normal_form`, where the directions
that follow x at once are eliminated; without such directions it is ∇⁴L(u, u, u, u).

Source: :cite:t:`damian2022selfstabilization`; the damped version is derived here. Errors: `BadInput` for coefficients
of the wrong sign; `Undecided` where there is no two-cycle.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

from sympy import (
    Dummy,
    Expr,
    Integer,
    Symbol,
    acos,
    cancel,
    factor,
    linsolve,
    nsimplify,
    pi,
    simplify,
    sqrt,
    symbols,
)

from eos_sym.algebra import expand_in
from eos_sym.errors import BadInput, Undecided
from eos_sym.orbits import Orbit
from eos_sym.rules import STEP_SIZE, Map
from eos_sym.self_stabilization.predicted_dynamics import EXCESS, UNSTABLE, general_expansion
from eos_sym.stability import StabilityCondition
from eos_sym.values import exact

ALPHA, BETA, EPSILON = symbols("alpha beta epsilon", positive=True)
QUARTIC, RESTORING = symbols("kappa4 b", real=True)
SQUARE, X = symbols("q X", positive=True)
Y = Symbol("Y", real=True)


@cache
def general_map() -> Map:
    """The map of x and y on M, from the general loss: cubic expansion, and quartic term along u."""
    expansion = general_expansion()
    on_edge = {"S": 2 / STEP_SIZE, "t": sqrt(BETA), "alpha": ALPHA, "Q": QUARTIC, "b": RESTORING}
    values = {symbol: on_edge[symbol.name] for symbol in expansion.objective.parameters if symbol.name in on_edge}
    flip, rise = (entry.subs(values) for entry in expansion.reduce(expansion.damped).step)
    parameters = (ALPHA, BETA, QUARTIC, RESTORING, STEP_SIZE)
    return Map((UNSTABLE, EXCESS), parameters, (UNSTABLE * cancel(flip / UNSTABLE), rise.expand()))


@cache
def general_map_of_square() -> Map:
    """The map of q = x² and y: that of x and y with the alternation taken out."""
    excess = Dummy("y", real=True)
    squared = general_map().semiconjugate({SQUARE: UNSTABLE**2, excess: EXCESS}, {})
    return Map((SQUARE, EXCESS), squared.parameters, tuple(entry.subs(excess, EXCESS) for entry in squared.step))


@dataclass(frozen=True)
class SelfStabilization:
    """The map of x and y with coefficients α, β, κ₄, b, numbers or symbols."""

    alpha: Expr
    beta: Expr
    quartic: Expr
    restoring: Expr

    def __post_init__(self) -> None:
        """Refuse a loss without progressive sharpening, or whose sharpness does not respond."""
        for name in ("alpha", "beta", "quartic", "restoring"):
            object.__setattr__(self, name, exact(name, getattr(self, name)))
        for name, value in {"alpha": self.alpha, "beta": self.beta}.items():
            if value.is_nonpositive:
                raise BadInput(f"{name} = {value}: must be positive, or there is nothing to stabilize")

    def _repr_latex_(self) -> str:
        return str(self.map._repr_latex_())

    @cached_property
    def map(self) -> Map:
        """One step of x and y."""
        return self._with_values(general_map())

    @cached_property
    def map_of_square(self) -> Map:
        """One step of q = x² and y."""
        return self._with_values(general_map_of_square())

    @cached_property
    def equilibrium(self) -> dict[Symbol, Expr]:
        """q and y of the two-cycle: where x only changes sign and y stays."""
        flip = cancel(self.map.step[0] / UNSTABLE).subs(UNSTABLE, sqrt(SQUARE)) + 1
        rise = self.map.step[1].subs(UNSTABLE, sqrt(SQUARE)) - EXCESS
        (solution,) = linsolve([flip, rise], SQUARE, EXCESS)
        square, excess = map(factor, solution)
        if square.is_nonpositive:
            raise Undecided(f"no two-cycle: it would need x² = {square}")
        return {SQUARE: square, EXCESS: excess}

    @cached_property
    def two_cycle(self) -> Orbit:
        """The two-cycle in x and y; its multipliers are those of two steps."""
        size, excess = sqrt(self.equilibrium[SQUARE]), self.equilibrium[EXCESS]
        return Orbit(self.map, ({UNSTABLE: size, EXCESS: excess}, {UNSTABLE: -size, EXCESS: excess}))

    @cached_property
    def fixed_point(self) -> Orbit:
        """The two-cycle as a fixed point of the map of q and y; its multipliers are those of one step."""
        return Orbit(self.map_of_square, (self.equilibrium,))

    @property
    def stability(self) -> StabilityCondition:
        """The multipliers of one step and the condition under which the two-cycle attracts."""
        return self.fixed_point.stability

    @cached_property
    def damping(self) -> Expr:
        """1 − det, the determinant being the product of the two multipliers; negative: perturbations grow."""
        return factor(1 - self.fixed_point.jacobian.det())

    @property
    def growth(self) -> Expr:
        """√det, the modulus of the multipliers as long as they are a complex pair."""
        return sqrt(1 - self.damping)

    @cached_property
    def turn(self) -> Expr:
        """The steps in which a small oscillation about the two-cycle completes a turn, as long as they are a pair."""
        return 2 * pi / acos(simplify(self.fixed_point.jacobian.trace() / 2) / self.growth)

    @cached_property
    def scaled(self) -> Map:
        """The map of X = (−1)ᵗx/δ and Y = y/√α, with ε = η√α for the step size."""
        alpha, beta = self._values[ALPHA], self._values[BETA]
        delta, height = sqrt(2 * alpha / beta), sqrt(alpha)
        upright = Map(self.map.state, self.map.parameters, (-self.map.step[0], self.map.step[1]))
        forward = {X: UNSTABLE / delta, Y: EXCESS / height}
        moved = upright.conjugate(forward, {UNSTABLE: delta * X, EXCESS: height * Y})
        step = tuple(entry.subs(STEP_SIZE, EPSILON / height).expand() for entry in moved.step)
        used = set().union(*(entry.free_symbols for entry in step)) - {X, Y, EPSILON}
        return Map((X, Y), (*sorted(used, key=str), EPSILON), step)

    @cached_property
    def limit(self) -> dict[Symbol, Expr]:
        """Ẋ and Ẏ, the rates of change in the time εt as ε → 0."""
        changes = ((variable, (step - variable) / EPSILON) for variable, step in self.scaled.substitution.items())
        return {variable: expand_in(change.expand(), EPSILON, 1) for variable, change in changes}

    @cached_property
    def _values(self) -> dict[Symbol, Expr]:
        coefficients = (self.alpha, self.beta, self.quartic, self.restoring)
        exact = (nsimplify(coefficient, rational=True) for coefficient in coefficients)
        return dict(zip((ALPHA, BETA, QUARTIC, RESTORING), exact, strict=True))

    def _with_values(self, general: Map) -> Map:
        step = tuple(entry.subs(self._values, simultaneous=True) for entry in general.step)
        used = set().union(*(value.free_symbols for value in self._values.values()))
        return Map(general.state, (*sorted(used, key=str), STEP_SIZE), step)


@cache
def undamped() -> SelfStabilization:
    """The map of the cubic expansion alone, with symbols α and β."""
    return SelfStabilization(ALPHA, BETA, Integer(0), Integer(0))
