"""Orbits of period 1 and 2, manifolds of them, and what can be proved about all of them at once.

A two-cycle is a pair (θ, φ) with φ = F(θ), θ = F(φ), φ ≠ θ; its multipliers are the eigenvalues of DF(φ) DF(θ).
The twice-iterated map is never formed. That a polynomial q vanishes on *every* two-cycle is proved by Gröbner bases of
the pair's equations: in the ideals

    ⟨ φ − F(θ),  θ − F(φ),  φ₁ − θ₁, …, φᵢ₋₁ − θᵢ₋₁,  1 − t (φᵢ − θᵢ) q(θ) ⟩

whose zeros are the complex two-cycles with φᵢ ≠ θᵢ and q(θ) ≠ 0, whatever the parameters (Rabinowitsch), 1 must be
contained, for every i: a two-cycle has a first coordinate that moves.

What is known of an orbit is its `error`: the distance of the printed coordinates from those of a true orbit is

    0            they are exact, and their residual is 0 identically
    at most ε    exact elimination proved that the orbit exists, and balls around its algebraic coordinates give ε
    None         unknown: Newton's method converged, which proves nothing

The first two are `proved`, the last is `numerical`; see `numeric.proofs.certify` for a proof that starts from such an
orbit.

Errors: `BadInput` for points that do not fit the map or a residual that shows them to be no orbit; `Undecided` for a
map that is not rational, and for what is asked of parameters without values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mpmath import mp
from mpmath.libmp import prec_to_dps
from sympy import (
    Abs,
    Dummy,
    Expr,
    Float,
    I,
    ImmutableMatrix,
    Integer,
    Matrix,
    Mul,
    S,
    Symbol,
    default_sort_key,
    fraction,
    sign,
    simplify,
    together,
)

from eos_sym.algebra import Evaluator, Ideal, evaluator, irreducible_factors, vanishes, without_floats
from eos_sym.errors import BadInput, Undecided
from eos_sym.notebook import shown
from eos_sym.rules import Map
from eos_sym.stability import StabilityCondition, enclosed_verdict, stability
from eos_sym.values import Values, named

WORKING_DIGITS, PRINTED_DIGITS = 50, 15


@dataclass(frozen=True)
class Orbit:
    """A fixed point or a two-cycle of a map; the points are given as {state variable: value}, in order of visit.

    Expressions in `real_where` are positive wherever the points are real; there are none if they always are. Integer
    symbols in the points stand for every integer. Unless such a family is exact, its members differ by shifts that the
    map carries along, F(θ + s) = F(θ) + s, and what is said of one of them holds for all.
    """

    map: Map
    points: tuple[Mapping[Symbol, Expr], ...]
    error: Expr | None = S.Zero
    real_where: tuple[Expr, ...] = ()

    def __post_init__(self) -> None:
        """Refuse points that are not an orbit, as far as their error tells."""
        points = [named("a point of the orbit", self.map.state, point) for point in self.points]
        if self.error == 0:  # floats are the numbers that they are, before any rounding
            points = [{name: without_floats(value) for name, value in point.items()} for point in points]
        object.__setattr__(self, "points", tuple(points))
        if len(self.points) not in (1, 2):
            raise BadInput(f"an orbit of {len(self.points)} points; only periods 1 and 2 are known here")
        if len(self.points) == 2 and all(vanishes(a - b) for a, b in zip(*self._coordinates(), strict=True)):
            raise BadInput("a two-cycle has two different points; give a fixed point once")
        if self.error != 0 and self.integers and not self._is_carried_along():
            raise BadInput("a family of orbits: the map is not known to take its members to each other")
        if self.error == 0 and self.residual != 0:
            raise BadInput(f"not an orbit: the map misses the next point by {self.residual}")

    def _coordinates(self) -> list[list[Expr]]:
        missing = [str(name) for name in self.map.state if any(name not in point for point in self.points)]
        if missing:
            raise BadInput(f"{', '.join(missing)}: missing in a point of the orbit")
        return [[Integer(0) + point[name] for name in self.map.state] for point in self.points]

    @property
    def period(self) -> int:
        """1 for a fixed point, 2 for a two-cycle."""
        return len(self.points)

    @property
    def integers(self) -> tuple[Symbol, ...]:
        """The symbols in the points that stand for every integer: a family of orbits, such as 2πk."""
        inside = {symbol for point in self.points for value in point.values() for symbol in value.free_symbols}
        return tuple(sorted((name for name in inside - {*self.map.parameters} if name.is_integer), key=str))

    @cached_property
    def representative(self) -> Orbit:
        """The member of a family at which the integers are 0."""
        if not self.integers:
            return self
        at = dict.fromkeys(self.integers, 0)
        points = tuple({name: value.subs(at) for name, value in point.items()} for point in self.points)
        return Orbit(self.map, points, self.error, self.real_where)

    def _is_carried_along(self) -> bool:
        """Whether F(θ + s) = F(θ) + s for the shifts s by which the members of a family differ."""
        shifts = [
            {name: value - value.subs(dict.fromkeys(self.integers, 0)) for name, value in point.items()}
            for point in self.points
        ]
        moved = {name: name + shift for name, shift in shifts[0].items()}
        changes = (
            step.subs(moved, simultaneous=True) - step - shifts[0][name] for name, step in self.map.substitution.items()
        )
        try:
            return all(shift == shifts[0] for shift in shifts) and all(map(vanishes, changes))
        except Undecided:
            return False

    @property
    def status(self) -> str:
        """``proved`` if the error is known, else ``numerical``."""
        return "numerical" if self.error is None else "proved"

    @cached_property
    def residual(self) -> Expr:
        """The sum over points and coordinates of |F(point) − next point|; exactly 0 for an exact orbit."""
        coordinates = self._coordinates()
        following = [*coordinates[1:], coordinates[0]]
        if self.error == 0:
            pairs = zip(self.points, following, strict=True)
            misses = (
                without_floats(step).subs(point) - goal
                for point, goals in pairs
                for step, goal in zip(self.map.step, goals, strict=True)
            )
            return sum((abs(simplify(miss)) for miss in misses if not vanishes(miss)), Integer(0))
        if self.integers:
            return self.representative.residual
        with mp.workdps(WORKING_DIGITS):
            step = _step_evaluator(self.map)
            images = [step([mp.mpf(value) for value in point]) for point in coordinates]
            total = sum(
                abs(image - mp.mpf(goal))
                for ends, goals in zip(images, following, strict=True)
                for image, goal in zip(ends, goals, strict=True)
            )
            return Float(total, PRINTED_DIGITS)

    @cached_property
    def jacobian(self) -> ImmutableMatrix:
        """The Jacobian of one passage along the orbit: the product of the map's Jacobians, last point first."""
        product = Matrix.eye(len(self.map.state))
        for point in self.points:
            product = self.map.jacobian.applyfunc(without_floats).subs(point) * product
        return ImmutableMatrix(product.applyfunc(simplify))

    @cached_property
    def stability(self) -> StabilityCondition:
        """The multipliers of an exact orbit and the condition under which it is stable."""
        if self.error != 0:
            raise Undecided("a symbolic condition needs exact points; these are known to finitely many digits")
        return stability(self.jacobian)

    @cached_property
    def multipliers(self) -> tuple[Expr, ...]:
        """The eigenvalues of the Jacobian: in closed form for an exact orbit that has them, else to 15 digits."""
        if self.error == 0:
            try:
                condition = self.stability
            except Undecided:  # defective, so that only the numbers are left
                condition = None
            if condition is not None and condition.multipliers is not None:
                listed = [value for value, count in condition.multipliers.items() for _ in range(count)]
                return (*listed, *[Integer(1)] * condition.neutral)
        return tuple(_printed(value, self._accuracy) for value in self._eigenvalues)

    @cached_property
    def _eigenvalues(self) -> list[mp.mpc]:
        if self.integers and self.error != 0:
            return self.representative._eigenvalues
        size = len(self.map.state)
        if any(value.free_symbols for point in self._coordinates() for value in point) or self.map.parameters:
            raise Undecided("the multipliers have no closed form; give the parameters values")
        with mp.workdps(WORKING_DIGITS):
            entries = _jacobian_evaluator(self.map)
            product = mp.eye(size)
            for point in self._coordinates():
                values = entries([mp.mpf(value.evalf(WORKING_DIGITS)) for value in point])
                product = mp.matrix([values[row * size : (row + 1) * size] for row in range(size)]) * product
            roots = [product[0, 0]] if size == 1 else mp.eig(product, left=False, right=False)
            return [mp.mpc(root) for root in roots]

    @cached_property
    def verdict(self) -> str:
        """``stable``, ``unstable``, ``marginal`` or ``undecided``; multipliers that are 1 are left aside.

        Exact orbits are judged by their Jury margins, exactly; proved ones by enclosures of the margins; numerical ones
        by their multipliers, those that equal 1 to half the digits of the points being left aside.
        """
        if self.error == 0:
            try:
                return self.stability.verdict({})
            except Undecided:
                return "undecided"
        if self.map.parameters:
            return "undecided"
        if self.error is not None:
            try:
                return enclosed_verdict(self.map, self.representative._coordinates(), self.error)
            except Undecided:
                return "undecided"
        sizes = [abs(value) for value in self._eigenvalues if abs(value - 1) > self._accuracy]
        if any(size > 1 + self._accuracy for size in sizes):
            return "unstable"
        if not sizes:
            return "marginal"
        return "stable" if all(size < 1 - self._accuracy for size in sizes) else "undecided"

    @property
    def neutral(self) -> int:
        """How many multipliers are 1: exactly, or as far as the digits of the points tell if these are numerical."""
        if self.error == 0:
            return self.stability.neutral
        if self.error is not None and self.verdict == "stable":
            return 0  # all margins are positive, p(1) among them
        return sum(abs(value - 1) <= self._accuracy for value in self._eigenvalues)

    @property
    def _accuracy(self) -> mp.mpf:
        """Of numerical multipliers: half the digits of the points, of which a degenerate orbit knows no more itself."""
        numbers = (number for point in self._coordinates() for value in point for number in value.atoms(Float))
        return mp.mpf(10) ** (-min((prec_to_dps(number._prec) for number in numbers), default=2 * PRINTED_DIGITS) / 2)

    @property
    def formula(self) -> str:
        """The points in LaTeX, joined by arrows."""
        return r" \leftrightarrow ".join(shown(ImmutableMatrix(point)) for point in self._coordinates())

    def _repr_latex_(self) -> str:
        return f"${self.formula}$"


def jacobian_entries(dynamics: Map) -> list[Expr]:
    """The entries of the Jacobian row by row, with u/|u| for the signs that derivatives of |u| bring in."""
    return [entry.replace(sign, lambda argument: argument / Abs(argument)) for entry in dynamics.jacobian]


def with_values(dynamics: Map, at: Values) -> Map:
    """The map with exact values in place of some parameters."""
    given = named("the parameters of the map", dynamics.parameters, at)
    values = {name: without_floats(value) for name, value in given.items()}
    rest = tuple(parameter for parameter in dynamics.parameters if parameter not in values)
    return Map(dynamics.state, rest, tuple(without_floats(step).subs(values) for step in dynamics.step))


def second_point(dynamics: Map) -> tuple[Symbol, ...]:
    """New symbols φ for the second point of a two-cycle."""
    return tuple(Dummy(f"{variable.name}_next", **variable.assumptions0) for variable in dynamics.state)


def two_cycle_equations(dynamics: Map) -> tuple[tuple[Symbol, ...], list[Expr]]:
    """The second point's symbols φ, and the equations φ − F(θ) and θ − F(φ) of the pair."""
    partner = second_point(dynamics)
    forth = [image - step for image, step in zip(partner, dynamics.step, strict=True)]
    exchange = dict(zip((*dynamics.state, *partner), (*partner, *dynamics.state), strict=True))
    return partner, [*forth, *(equation.subs(exchange, simultaneous=True) for equation in forth)]


def two_cycle_ideals(dynamics: Map) -> tuple[tuple[Symbol, ...], list[tuple[Ideal, Expr]]]:
    """The second point's symbols φ, and for every i an ideal with an expression that is to be nonzero in it.

    That is φᵢ − θᵢ, times the denominators of a rational map. The zeros of the i-th ideal are the pairs that do not
    move before the i-th coordinate; parameters are variables.
    """
    partner, equations = two_cycle_equations(dynamics)
    variables = (*dynamics.state, *partner, *dynamics.parameters)
    cleared = [fraction(together(equation)) for equation in equations]
    try:
        ideal = Ideal.of([numerator for numerator, _ in cleared], variables)
    except Undecided as reason:  # of denominators other than polynomials, too: they are factors of terms here
        raise Undecided(f"two-cycles: {reason}") from reason
    wholes = [below for _, below in cleared if below.free_symbols - {*dynamics.parameters}]
    poles = Mul(*sorted({factor for whole in wholes for factor, _ in irreducible_factors(whole)}, key=default_sort_key))
    cases = []
    for variable, image in zip(dynamics.state, partner, strict=True):
        cases.append((ideal, (image - variable) * poles))
        ideal = ideal.adding(ideal.polynomial(image - variable))
    return partner, cases


def vanishes_on_two_cycles(dynamics: Map, quantity: Expr) -> bool:
    """Whether the quantity is proved to vanish at every two-cycle.

    False means that some complex two-cycle has another value, not that a real one has.
    """
    _, cases = two_cycle_ideals(dynamics)
    return all(ideal.where_nonzero(moving * quantity).is_everything for ideal, moving in cases)


@lru_cache(maxsize=16)
def _step_evaluator(dynamics: Map) -> Evaluator:
    return evaluator(dynamics.step, dynamics.state, mp)


@lru_cache(maxsize=16)
def _jacobian_evaluator(dynamics: Map) -> Evaluator:
    return evaluator(jacobian_entries(dynamics), dynamics.state, mp)


def _printed(value: mp.mpc, accuracy: mp.mpf) -> Expr:
    """A complex number as a floating-point one; a part that is no larger than the accuracy is 0."""
    negligible = accuracy * max(1, abs(value))
    real, imaginary = (
        Float(part, PRINTED_DIGITS) if abs(part) > negligible else S.Zero for part in (value.real, value.imag)
    )
    return real + I * imaginary
