"""Orbits of period 1 and 2, and what can be proved about all of them at once.

A two-cycle is a pair (θ, φ) with φ = F(θ), θ = F(φ), φ ≠ θ; its multipliers are the eigenvalues of DF(φ) DF(θ).
The twice-iterated map is never formed. That a polynomial q vanishes on *every* two-cycle is proved by a Gröbner basis
of the pair's equations: with a new variable t the ideal

    ⟨ φ − F(θ),  θ − F(φ),  1 − t (φᵢ − θᵢ) q(θ) ⟩

contains 1 exactly when no complex two-cycle has φᵢ ≠ θᵢ and q(θ) ≠ 0, whatever the parameters (Rabinowitsch). It is
asked for every coordinate i, since a two-cycle moves at least one.

Errors: `BadInput` for points that do not fit the map or a residual that shows them to be no orbit; `Undecided` for a
map that is not polynomial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import Dummy, Expr, ImmutableMatrix, Integer, Matrix, Poly, PolynomialError, Symbol, groebner, simplify

from eos_sym.errors import BadInput, Undecided
from eos_sym.maps import Map
from eos_sym.stability import StabilityCondition, stability


@dataclass(frozen=True)
class Orbit:
    """A fixed point or a two-cycle of a map; the points are given as {state variable: value}, in order of visit."""

    map: Map
    points: tuple[Mapping[Symbol, Expr], ...]

    def __post_init__(self) -> None:
        """Refuse points that are not an exact orbit."""
        if len(self.points) not in (1, 2):
            raise BadInput(f"an orbit of {len(self.points)} points; only periods 1 and 2 are known here")
        if len(self.points) == 2 and all(simplify(a - b) == 0 for a, b in zip(*self._coordinates(), strict=True)):
            raise BadInput("a two-cycle has two different points; give a fixed point once")
        if self.residual != 0:
            raise BadInput(f"not an orbit: the map misses the next point by {self.residual}")

    def _coordinates(self) -> list[list[Expr]]:
        missing = [str(name) for name in self.map.state if any(name not in point for point in self.points)]
        if missing:
            raise BadInput(f"{', '.join(missing)}: missing in a point of the orbit")
        return [[point[name] for name in self.map.state] for point in self.points]

    @property
    def period(self) -> int:
        """1 for a fixed point, 2 for a two-cycle."""
        return len(self.points)

    @cached_property
    def residual(self) -> Expr:
        """The sum over points and coordinates of |F(point) − next point|; exactly 0 for an orbit."""
        misses = []
        for index, point in enumerate(self.points):
            following = self.points[(index + 1) % len(self.points)]
            misses += [
                abs(simplify(step.subs(point) - following[name])) for name, step in self.map.substitution.items()
            ]
        return sum(misses, Integer(0))

    @cached_property
    def jacobian(self) -> ImmutableMatrix:
        """The Jacobian of one passage along the orbit: the product of the map's Jacobians, last point first."""
        product = Matrix.eye(len(self.map.state))
        for point in self.points:
            product = self.map.jacobian.subs(point) * product
        return ImmutableMatrix(product.applyfunc(simplify))

    @cached_property
    def stability(self) -> StabilityCondition:
        """The multipliers of the orbit and the condition under which it is stable."""
        return stability(self.jacobian)


def two_cycle_equations(dynamics: Map) -> tuple[tuple[Symbol, ...], list[Expr]]:
    """The second point's symbols φ, and the equations φ − F(θ) and θ − F(φ) of the pair."""
    partner = tuple(Dummy(f"{variable.name}_next", **variable.assumptions0) for variable in dynamics.state)
    forth = [image - step for image, step in zip(partner, dynamics.step, strict=True)]
    exchange = dict(zip((*dynamics.state, *partner), (*partner, *dynamics.state), strict=True))
    return partner, [*forth, *(equation.subs(exchange, simultaneous=True) for equation in forth)]


def vanishes_on_two_cycles(dynamics: Map, quantity: Expr) -> bool:
    """Whether the quantity is proved to vanish at every two-cycle.

    False means that some complex two-cycle has another value, not that a real one has.
    """
    partner, equations = two_cycle_equations(dynamics)
    inverse = Dummy("t")
    generators = (inverse, *partner, *dynamics.state, *dynamics.parameters)
    for variable, image in zip(dynamics.state, partner, strict=True):
        try:
            system = [
                Poly(equation, *generators) for equation in (*equations, 1 - inverse * (image - variable) * quantity)
            ]
        except PolynomialError as error:
            raise Undecided("two-cycles: the map is not a polynomial in its state and parameters") from error
        if not all(polynomial.domain.is_ZZ or polynomial.domain.is_QQ for polynomial in system):
            raise Undecided("two-cycles: the map has coefficients that are not rational numbers")
        if groebner(system, *generators, order="grevlex").exprs != [1]:
            return False
    return True
