"""Self-stabilization from the cubic expansion of a loss: the predicted dynamics, and the two numbers that carry them.

At a point θ† let S = λ₁(∇²L) be simple, u its unit eigenvector, and

    ∇S = ∇³L(u, u, ·),   ∇S⊥ = ∇S − (u·∇S)u,   α = −∇L·∇S⊥,   β = ‖∇S⊥‖²,   δ = √(2α/β),   ε = η√α.

α > 0 is progressive sharpening: gradient flow raises S at the rate α. Against it works the third derivative. With
θ = θ† + v, x = u·v and w = v − xu, the cubic expansion of the loss gives

    ∇L(θ) = ∇L + ∇²L v + ½x²∇³L(u, u) + x∇³L(u, w) + ½∇³L(w, w).

x changes sign at every step, so what is odd in x cancels over two steps, except along u, where the sign changes too;
and w is assumed to see no third derivative of its own. Kept are the part of ½x²∇³L(u, u) across u and the part of
x∇³L(u, w) along u, that is, ½x²∇S⊥ and x(∇S⊥·v)u. Meanwhile the constrained trajectory, gradient descent projected
onto M = {S ≤ 2/η, u·∇L = 0}, moves by −η(∇L + ½δ²∇S⊥): the component along ∇S⊥ is what the projection takes away, and
to leading order nothing else. The difference of the two is the *predicted dynamics*

    v⁺ = v − η[∇²L v + ½(x² − δ²)∇S⊥ + x y u],   y = ∇S⊥·v,

and, with the next term of the expansion along u, −η(Q/6)x³u, Q = ∇⁴L(u, u, u, u), the *damped* one. If ∇S⊥ is an
eigenvector of ∇²L, to the eigenvalue b, the two numbers x and y = S + ∇S⊥·v − 2/η, how far the sharpness is above the
edge, obey a map of their own; on M, with S = 2/η,

    x⁺ = −(1 + ηy + ηQx²/6) x,   y⁺ = y + η(α − by − βx²/2).

What is zero is said to be zero, and nothing is divided by it: exact numbers are simplified, and floats are 0 where they
are less than the root of their precision, relative to the terms that they are the sum of.

Source: :cite:t:`damian2022selfstabilization`. Errors: `BadInput` for a point or direction that does not fit, and where
there is no progressive sharpening; `Undecided` where ∇S⊥ = 0, where the top eigenvalue is not simple, or where x and y
are not closed in themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from mpmath import mp
from mpmath.libmp import prec_to_dps
from sympy import Expr, Float, ImmutableMatrix, Integer, Matrix, Symbol, diff, simplify, sqrt, symbols

from eos_sym.algebra import vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Objective
from eos_sym.rules import STEP_SIZE, Map
from eos_sym.values import named

UNSTABLE, EXCESS = symbols("x y", real=True)
NOT_STEEP = (
    "self-stabilization: the sharpness does not change across its eigenvector, ∇S⊥ = 0: there is neither progressive "
    "sharpening nor a force against it"
)
DIGITS = 12  # to which a numerical direction must be a unit eigenvector


@dataclass(frozen=True)
class CubicExpansion:
    """A loss near a point, seen along a unit eigenvector u of its Hessian there; exact if point and u are exact."""

    objective: Objective
    point: Mapping[Symbol, Expr]
    direction: ImmutableMatrix

    def __post_init__(self) -> None:
        """Refuse a point that is not one, and a direction that is not a unit eigenvector."""
        weights = self.objective.weights
        object.__setattr__(self, "point", named("the point", weights, self.point))
        if set(self.point) != set(weights):
            raise BadInput(f"the point has values for {_names(self.point)}; give exactly {_names(weights)}")
        if self.direction.shape != (len(weights), 1):
            raise BadInput(
                f"a direction of shape {self.direction.shape}; {self.objective.name} has {len(weights)} weights"
            )
        turned = (self.hessian * self.direction - self.sharpness * self.direction) / (1 + abs(self.sharpness))
        if not all(_vanishes(defect) for defect in (self.direction.dot(self.direction) - 1, *turned)):
            raise BadInput("the direction is not a unit eigenvector of the Hessian at the point; see top_eigenvector")

    @cached_property
    def gradient(self) -> ImmutableMatrix:
        """∇L at the point."""
        return self.objective.gradient.subs(self.point)

    @cached_property
    def hessian(self) -> ImmutableMatrix:
        """∇²L at the point."""
        return self.objective.hessian.subs(self.point)

    @cached_property
    def sharpness(self) -> Expr:
        """S = ∇²L(u, u)."""
        return self._short((self.direction.T * self.hessian * self.direction)[0])

    def third(self, first: Matrix, second: Matrix) -> ImmutableMatrix:
        """∇³L(first, second, ·) at the point, a vector."""
        curvature = self.objective.directional_derivative(first, second)
        slopes = [diff(curvature, weight) for weight in self.objective.weights]
        return ImmutableMatrix(slopes).subs(self.point)

    @cached_property
    def sharpness_gradient(self) -> ImmutableMatrix:
        """∇S = ∇³L(u, u, ·)."""
        return self.third(self.direction, self.direction).applyfunc(self._short)

    @cached_property
    def transverse(self) -> ImmutableMatrix:
        """∇S⊥, the gradient of the sharpness across u."""
        return self._across(self.sharpness_gradient).applyfunc(self._short)

    @cached_property
    def quartic(self) -> Expr:
        """Q = ∇⁴L(u, u, u, u)."""
        return self._short(self.objective.directional_derivative(*[self.direction] * 4).subs(self.point))

    @cached_property
    def sharpening(self) -> Expr:
        """−∇L·∇S⊥, the rate at which gradient flow raises the sharpness, of any sign."""
        rate, terms = self._short(-self.gradient.dot(self.transverse)), self.beta * self.gradient.dot(self.gradient)
        return Integer(0) if self._is_zero(rate, sqrt(terms)) else rate

    @property
    def alpha(self) -> Expr:
        """α, the same where it is positive: progressive sharpening."""
        if self.sharpening.is_nonpositive:
            shown = self.sharpening.n(6) if self.sharpening.has(Float) else self.sharpening
            raise BadInput(f"no progressive sharpening at this point: α = {shown}; choose one with α > 0")
        return self.sharpening

    @cached_property
    def beta(self) -> Expr:
        """β = ‖∇S⊥‖²."""
        beta = self._short(self.transverse.dot(self.transverse))
        if self._is_zero(sqrt(beta), sqrt(self.sharpness_gradient.dot(self.sharpness_gradient))):
            raise Undecided(NOT_STEEP)
        return beta

    @property
    def delta(self) -> Expr:
        """δ = √(2α/β), the size of x at which the two effects balance."""
        return sqrt(2 * self.alpha / self.beta)

    @property
    def epsilon(self) -> Expr:
        """ε = η√α, the time scale: one turn of the cycle takes about √2 π/ε steps."""
        return STEP_SIZE * sqrt(self.alpha)

    @cached_property
    def displacement(self) -> ImmutableMatrix:
        """v = θ − θ†, one real symbol for every weight."""
        return ImmutableMatrix([Symbol(f"v_{weight.name}", real=True) for weight in self.objective.weights])

    @cached_property
    def constrained_step(self) -> ImmutableMatrix:
        """One step of the constrained trajectory: −η∇L less its component along ∇S⊥, which is ηα/β ∇S⊥."""
        return -STEP_SIZE * (self.gradient + self.alpha / self.beta * self.transverse)

    @cached_property
    def kept(self) -> ImmutableMatrix:
        """½x²∇S⊥ + x(∇S⊥·v)u, found by projecting the terms of ½∇³L(v, v)."""
        return self._across(self._even) + self._along(self._odd)

    @cached_property
    def neglected(self) -> ImmutableMatrix:
        """The rest of ½∇³L(v, v): ½x²∇³L(u, u) along u, x∇³L(u, w) across u, and ½∇³L(w, w)."""
        w = self._across(self.displacement)
        return self._along(self._even) + self._across(self._odd) + self.third(w, w) / 2

    @cached_property
    def predicted(self) -> Map:
        """The predicted dynamics of v relative to the constrained trajectory."""
        return self._relative(self.kept)

    @cached_property
    def damped(self) -> Map:
        """The predicted dynamics with the quartic term of the loss along u."""
        return self._relative(self.kept + self.quartic * self._x**3 / 6 * self.direction)

    def reduce(self, dynamics: Map) -> Map:
        """What `predicted` or `damped` says of x = u·v and y = S + ∇S⊥·v − 2/η among themselves."""
        excess = self.sharpness + self.transverse.dot(self.displacement) - 2 / STEP_SIZE
        try:
            return dynamics.semiconjugate({UNSTABLE: self._x, EXCESS: excess}, {})
        except Undecided as reason:
            raise Undecided(f"x and y alone: ∇S⊥ is not an eigenvector of the Hessian ({reason})") from reason

    @cached_property
    def _precision(self) -> int | None:
        """The least bits of the floats given; None if there are none."""
        floats = {number for part in (*self.direction, *self.point.values()) for number in part.atoms(Float)}
        return min((number._prec for number in floats), default=None)

    def _short(self, expression: Expr) -> Expr:
        """Simplified, and of floats the number, to the digits of those given also where it has cancelled."""
        if self._precision is None or expression.free_symbols:
            return simplify(expression)
        digits = prec_to_dps(self._precision)
        return Float(expression.evalf(digits), digits)

    def _is_zero(self, value: Expr, terms: Expr) -> bool:
        """Whether a sum of terms of that size is 0: exactly, or to half of the digits of the floats given."""
        if self._precision is None:
            return value == 0 or bool(value.is_number and vanishes(value))
        return bool(value.is_number and abs(value) <= abs(terms) / 2 ** (self._precision // 2))

    @property
    def _x(self) -> Expr:
        return self.direction.dot(self.displacement)

    @cached_property
    def _even(self) -> ImmutableMatrix:
        return self._x**2 / 2 * self.sharpness_gradient

    @cached_property
    def _odd(self) -> ImmutableMatrix:
        return self._x * self.third(self.direction, self._across(self.displacement))

    def _along(self, vector: Matrix) -> ImmutableMatrix:
        return self.direction.dot(vector) * self.direction

    def _across(self, vector: Matrix) -> ImmutableMatrix:
        return vector - self._along(vector)

    def _relative(self, nonlinear: Matrix) -> Map:
        """Gradient descent with this nonlinear part of the gradient, less the constrained step."""
        slope = self.gradient + self.hessian * self.displacement + nonlinear
        step = tuple((self.displacement - STEP_SIZE * slope - self.constrained_step).expand())
        used = set().union(*(entry.free_symbols for entry in step)) - set(self.displacement)
        return Map(tuple(self.displacement), tuple(sorted(used, key=str)), step)


def general_expansion() -> CubicExpansion:
    """Any loss up to third order, at 0, in the frame where the first weight is along u and the second along ∇S⊥.

    Parameters: S, t = ‖∇S⊥‖ and alpha; b, the curvature along ∇S⊥; c, that of the third weight, which stands for all
    other directions and has the slope g; Q; and the remaining third derivatives, T_ijk with the numbers of the weights.
    """
    weights = symbols("u n w", real=True)
    sharpness, steepness, alpha = symbols("S t alpha", positive=True)
    b, c, g, quartic = symbols("b c g Q", real=True)
    third = symbols("T_111 T_122 T_123 T_133 T_222 T_223 T_233 T_333", real=True)
    u, n, w = weights
    monomials = (u**3 / 6, u * n**2 / 2, u * n * w, u * w**2 / 2, n**3 / 6, n**2 * w / 2, n * w**2 / 2, w**3 / 6)
    loss = (sharpness * u**2 + b * n**2 + c * w**2) / 2 - alpha / steepness * n + g * w + steepness * u**2 * n / 2
    loss += sum(T * monomial for T, monomial in zip(third, monomials, strict=True)) + quartic * u**4 / 24
    objective = Objective("general", loss, weights, (sharpness, steepness, alpha, b, c, g, quartic, *third))
    return CubicExpansion(objective, dict.fromkeys(weights, Integer(0)), ImmutableMatrix([1, 0, 0]))


def top_eigenvector(hessian: Matrix, digits: int) -> ImmutableMatrix:
    """The unit eigenvector of the algebraically largest eigenvalue of a numerical Hessian, to so many digits.

    The eigenvalue is simple if it is separated from the next one by more than half of these digits.
    """
    if hessian.free_symbols:
        raise BadInput(f"the Hessian contains {_names(hessian.free_symbols)}; substitute numbers")
    with mp.workdps(digits + 5):
        values, vectors = mp.eigsy(mp.matrix(hessian.evalf(digits + 5).tolist()))
        top, count = vectors[:, len(values) - 1], len(values)
        if count > 1 and values[count - 1] - values[count - 2] <= mp.mpf(10) ** (-digits // 2) * mp.norm(
            values, mp.inf
        ):
            pair = " and ".join(mp.nstr(values[index], 8) for index in (count - 1, count - 2))
            raise Undecided(f"the top eigenvector: the largest eigenvalues {pair} are too close to tell apart")
        return ImmutableMatrix([Float(component, digits) for component in top])


def _vanishes(defect: Expr) -> bool:
    """Exactly 0, or 0 to DIGITS digits where the numbers are floating."""
    return bool(abs(defect.evalf()) < Float(10) ** -DIGITS) if defect.has(Float) else vanishes(defect)


def _names(names: Iterable[Symbol]) -> str:
    return ", ".join(sorted(symbol.name for symbol in names))
