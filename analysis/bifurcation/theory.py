"""The thresholds of z ↦ z(1 + K − Kz²), from factorizations: nothing is solved that is not also counted.

The nine solutions of F(F(z)) = z are the zeros of the factors of one polynomial: the fixed points, the symmetric cycle
z ↦ −z, and a quartic with two mirror images of a two-cycle about z = ±1. Modulo its factor, the derivative of F∘F is a
function of K alone: the multiplier. Every threshold is then the one positive zero of a polynomial in K, by Descartes'
rule of signs.

Errors: `Undecided` where a polynomial is not known to have exactly one positive zero, or has it in no closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Matrix, Poly, Rational, Symbol, cos, discriminant, fraction, nsimplify, roots, solve, sqrt

from analysis.minimalist.theory import KAPPA, P, b, derive
from analysis.minimalist.theory import a as offset
from analysis.shallow.theory import SCALED_IMBALANCE, frozen_product_map
from eos_sym import STEP_SIZE, GradientDescent, Map, Objective, Undecided
from eos_sym.algebra import sign_changes
from eos_sym.orbits import Orbit
from eos_sym.stability import StabilityCondition, stability
from numeric import Simulator, compile_map

K = SCALED_IMBALANCE
z, x, ANGLE = (Symbol(name, real=True) for name in ("z", "x", "phi"))
MU, HEIGHT = (Symbol(name, positive=True) for name in ("mu", "A"))  # A = aκ
SQUARE = Symbol("s")  # z²
DOUBLE_WELL = Objective("double well", (x**2 - MU) ** 2 / 4, (x,), (MU,))


@dataclass(frozen=True)
class Family:
    """The cubic family and its thresholds, each computed on first use."""

    @cached_property
    def map(self) -> Map:
        """Gradient descent on the double well in z = x/√μ, with K = ημ."""
        scaled = GradientDescent().map(DOUBLE_WELL).conjugate({z: x / sqrt(MU)}, {x: z * sqrt(MU)})
        return Map((z,), (K,), (scaled.step[0].subs(STEP_SIZE, K / MU).factor(),))

    @cached_property
    def simulator(self) -> Simulator:
        """The map, compiled."""
        return compile_map(self.map)

    @cached_property
    def frozen_map(self) -> Expr:
        """One step of P = xy on the minimalist example at frozen imbalance, as η → 0."""
        return frozen_product_map(derive())

    @cached_property
    def reduced_map(self) -> Map:
        """b after two steps on the minimalist example near the edge, at frozen A = aκ."""
        step = derive().series[2][b].subs(offset, HEIGHT / KAPPA)
        return Map((b,), (HEIGHT,), (step.factor(),))

    @cached_property
    def reduced_in_z(self) -> Expr:
        """The reduced map in z = b/√(A/2), with K = 8A."""
        root = sqrt(HEIGHT / 2)
        scaled = self.reduced_map.conjugate({z: b / root}, {b: z * root})
        return scaled.step[0].subs(HEIGHT, K / 8).factor()

    @cached_property
    def cycles(self) -> dict[Expr, Expr]:
        """The irreducible factors of F(F(z)) − z, each with the multiplier of F∘F at its zeros."""
        twice = self.map.iterate(2).step[0]
        slope = Poly(twice.diff(z), z)
        return {part.as_expr(): slope.rem(part).as_expr().factor() for part, _ in Poly(twice - z, z).factor_list()[1]}

    @cached_property
    def count(self) -> int:
        """How many solutions of F(F(z)) = z the factors hold; the degree of F∘F is 9."""
        return sum(Poly(part, z).degree() for part in self.cycles)

    @cached_property
    def two_cycle(self) -> Expr:
        """The quartic of the two-cycles about z = ±1: the factor of degree 4."""
        (quartic,) = (part for part in self.cycles if Poly(part, z).degree() == 4)
        return quartic

    @cached_property
    def two_cycle_squares(self) -> tuple[Expr, Expr]:
        """z² at the points of the two-cycle about z = 1, the lower and the upper, real for K ≥ 1."""
        return zeros_in_square(self.two_cycle)

    @cached_property
    def two_cycle_multiplier(self) -> Expr:
        """The multiplier of the two-cycle."""
        return self.cycles[self.two_cycle]

    @cached_property
    def symmetric_square(self) -> Expr:
        """z² on the symmetric cycle z ↦ −z."""
        (solution,) = solve(self.map.step[0] / z + 1, z**2)
        return solution.factor()

    @cached_property
    def stability(self) -> dict[str, StabilityCondition]:
        """Of the minimum z = 1 and the symmetric cycle, as exact orbits, and of the two-cycle by its multiplier."""
        root = sqrt(self.symmetric_square)
        return {
            "minimum": Orbit(self.map, ({z: Rational(1)},)).stability,
            "symmetric_cycle": Orbit(self.map, ({z: root}, {z: -root})).stability,
            "two_cycle": stability(Matrix([[self.two_cycle_multiplier]])),
        }

    def two_cycle_at(self, value: Expr) -> Orbit:
        """The two-cycle about z = 1 as an exact orbit of the map at a rational K, the lower point first."""
        points = [sqrt(square) for square in zeros_in_square(self.two_cycle.subs(K, value))]
        return Orbit(Map((z,), (), (self.map.step[0].subs(K, value),)), tuple({z: point} for point in points))

    @cached_property
    def birth(self) -> Expr:
        """Where the two-cycle becomes real: the discriminant of its quartic in z² vanishes."""
        return positive_zero(discriminant(Poly(self.two_cycle.subs(z, sqrt(SQUARE)), SQUARE)))

    @cached_property
    def signs_beyond_the_birth(self) -> str:
        """Signs for K > 1 of discriminant, sum and product of the quartic's z²: both are positive if these are."""
        quartic = Poly(self.two_cycle.subs(z, sqrt(SQUARE)), SQUARE)
        second, first, constant = (part.subs(K, 1 + Symbol("d", positive=True)) for part in quartic.all_coeffs())
        parts = (first**2 - 4 * second * constant, -first / second, constant / second)
        return ", ".join("positive" if part.factor().is_positive else "undecided" for part in parts)

    @cached_property
    def critical_square(self) -> Expr:
        """z² at the critical points of F."""
        (solution,) = solve(self.map.step[0].diff(z), z**2)
        return solution.factor()

    @cached_property
    def thresholds(self) -> dict[str, Expr]:
        """The values of K at which something happens, in closed form, in increasing order."""
        (zero_square,) = solve(self.map.step[0] / z, z**2)
        highest_square = (self.map.step[0] ** 2).expand().subs(z, sqrt(self.critical_square)).factor()
        return {
            "first_doubling": self.stability["minimum"].critical_value(K),
            "superstable": positive_zero(self.two_cycle_multiplier),
            "second_doubling": positive_zero(self.two_cycle_multiplier + 1),
            "merging": positive_zero(highest_square - zero_square),
            "escape": positive_zero(highest_square - self.symmetric_square),
        }

    @cached_property
    def escape_margin(self) -> Expr:
        """Of |z| and |F(z)| beyond the symmetric cycle: |F(z)|/|z| − 1 at z² = zₛ² + e is this function of e."""
        distance = Symbol("e", positive=True)
        return (-self.map.step[0] / z - 1).subs(z, sqrt(self.symmetric_square + distance)).factor()

    @cached_property
    def at_escape(self) -> Expr:
        """F(√2 cos φ) at the escape, in which Chebyshev's −T₃ shows as −√2 cos 3φ: the difference of the two."""
        moved = self.map.step[0].subs({K: self.thresholds["escape"], z: sqrt(2) * cos(ANGLE)})
        return (moved + sqrt(2) * cos(3 * ANGLE).expand(trig=True)).expand().simplify()

    def as_report(self) -> dict[str, Any]:
        """What is printed and written."""
        return {
            "loss": DOUBLE_WELL.loss,
            "map": self.map,
            "product_of_the_minimalist_example": {P: self.frozen_map},
            "reduced_map_of_two_steps": self.reduced_map,
            "two_cycle": {"zeros_of": self.two_cycle, "multiplier": self.two_cycle_multiplier},
            "thresholds_in_K": self.thresholds,
            "thresholds_in_A": {name: value / 8 for name, value in self.thresholds.items() if name != "superstable"},
        }


def zeros_in_square(quartic: Expr) -> tuple[Expr, Expr]:
    """The zeros of an even quartic in z², by the quadratic formula."""
    second, first, constant = Poly(quartic.subs(z, sqrt(SQUARE)), SQUARE).all_coeffs()
    spread = sqrt((first**2 - 4 * second * constant).expand())  # not factored, which would split the root
    return (-first - spread) / (2 * second), (-first + spread) / (2 * second)


def positive_zero(expression: Expr) -> Expr:
    """The one positive zero in K of a rational function, one by Descartes' rule, in closed form."""
    numerator = numerator_of(expression)
    if sign_changes(numerator) != 1:
        raise Undecided(f"the threshold: {numerator.as_expr()} = 0 is not known to have exactly one positive zero")
    zeros = [root for root in roots(numerator) if root.is_positive]
    if len(zeros) != 1:
        raise Undecided(f"the threshold: {numerator.as_expr()} = 0 has no closed-form solution")
    return nsimplify(zeros[0])


def numerator_of(expression: Expr) -> Poly:
    """The numerator of a rational function of K."""
    return Poly(fraction(expression.cancel())[0], K)


def verdicts_between(condition: StabilityCondition, thresholds: Sequence[Expr]) -> str:
    """The verdict on every interval that the thresholds cut out of K > 0, which must be all zeros of the margins.

    Each margin has one positive zero at most, by Descartes' rule, so that its sign at one point of an interval is its
    sign on all of it.
    """
    for margin in condition.margins:
        changes = sign_changes(numerator_of(margin))
        if changes is None or changes > 1 or (changes == 1 and positive_zero(margin) not in thresholds):
            return "undecided"
    ends = [Rational(0), *thresholds]
    samples = [*((low + high) / 2 for low, high in zip(ends, thresholds, strict=False)), ends[-1] + 1]
    return ", ".join(condition.verdict({K: sample}) for sample in samples)
