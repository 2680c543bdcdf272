"""Fixed points F(θ) = θ of a map: isolated ones, and manifolds of them such as the minima xyzw = 1.

The equations are the numerators of F(θ) − θ. If a polynomial map without parameters has finitely many, they are counted
and isolated, complex ones included (`eos_sym.algebra.points`). Otherwise the equations are taken apart by
`eos_sym.algebra.components`, which follows the real solutions: its rules also cover functions with one zero, such as
the tanh in the gradient of log cosh, and generic parameters. A component ends

    as a point       in closed form, or, without parameters, as algebraic numbers;
    as a manifold    with a chart if its equations could be solved, else by its equations;
    as undecided     if equations with parameters, or equations that are not polynomials, are left.

Where a component makes a denominator of F − id vanish, the map is undefined, and there is no fixed point: normalized
gradient descent has none at a critical point.

What is undecided is looked for numerically where all parameters have values, and comes back with `complete=False` and
the reason. Errors: `BadInput` for values of unknown parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

from sympy import Expr, Integer, Pow, Rational, Symbol, cancel, fraction, nan, oo, simplify, together, zoo

from eos_sym.algebra import AlgebraicPoint, Component, Ideal, components, points, points_of, square_roots
from eos_sym.errors import Undecided
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.orbit import Orbit, with_values
from eos_sym.orbits.search import beyond, search_orbits
from eos_sym.rules import Map

SLICES = (Integer(1), Rational(1, 2), Integer(-1), Integer(2), Rational(-1, 3), Integer(0))  # for a sample point


def fixed_points(dynamics: Map, at: Mapping[Symbol, Expr] | None = None) -> Orbits:
    """All real fixed points, for the given values of parameters; parameters without a value stay symbols."""
    dynamics = with_values(dynamics, at or {})
    displacement = [fraction(together(step - name)) for name, step in dynamics.substitution.items()]
    equations = [numerator for numerator, _ in displacement]
    denominators = [denominator for _, denominator in displacement if denominator.free_symbols & {*dynamics.state}]
    if not dynamics.parameters and not denominators:
        try:
            ideal = Ideal.of(equations, dynamics.state)
            if ideal.dimension <= 0:
                return _counted(dynamics, ideal)
        except Undecided:
            pass  # the rules for components go further in other directions
    try:
        parts, exceptions = components(equations, dynamics.state)
    except Undecided as undecided:
        return Orbits(1, (), (), False, f"fixed points: {undecided}")
    found = _Found(dynamics, denominators)
    for part in parts:
        found.add(part)
    if found.reasons and not dynamics.parameters:
        return _searched(dynamics, found)
    reason = "; ".join(found.reasons) or "the equations were taken apart without loss of real solutions"
    if exceptions:
        generic = ", ".join(f"{exception} ≠ 0" for exception in exceptions)
        reason += f"; for parameters with {generic}"
    return Orbits(1, tuple(found.orbits), tuple(found.manifolds), not found.reasons, reason)


def _searched(dynamics: Map, found: _Found) -> Orbits:
    """What was found exactly, and what a numerical search adds."""
    reason = "; ".join(found.reasons)
    try:
        more = beyond(search_orbits(dynamics, 1), found.orbits, found.manifolds)
    except Undecided as undecided:
        return Orbits(1, tuple(found.orbits), tuple(found.manifolds), False, f"{reason}; {undecided}")
    return replace(more, reason=f"{reason}; {more.reason}")


def _counted(dynamics: Map, ideal: Ideal) -> Orbits:
    zeros = points_of(ideal.branches())
    count = len(ideal.standard_monomials)
    reason = f"{len(zeros)} complex fixed points, {count} with multiplicity: the dimension of the quotient ring"
    return Orbits(1, tuple(_orbit(dynamics, zero) for zero in zeros if zero.is_real), (), True, reason, len(zeros))


def _orbit(dynamics: Map, zero: AlgebraicPoint) -> Orbit:
    return Orbit(dynamics, (zero.values(dynamics.state),), zero.error(dynamics.state))


class _Found:
    """Collects what the components are."""

    def __init__(self, dynamics: Map, denominators: Sequence[Expr]) -> None:
        self.map = dynamics
        self.denominators = denominators
        self.orbits: list[Orbit] = []
        self.manifolds: list[Manifold] = []
        self.reasons: list[str] = []

    def add(self, part: Component) -> None:
        """Classify one component."""
        single, rest, left = {}, list(part.left), []
        for equation in rest:
            unknowns = equation.free_symbols & {*part.free}
            roots = None
            if len(unknowns) == 1 and not any(other != equation and other.free_symbols & unknowns for other in rest):
                (unknown,) = unknowns
                roots = square_roots(equation, unknown)
            if roots is None:
                left.append(equation)
            else:
                single[unknown] = [root for root in roots if root.is_real is not False]
        if left:
            self._unsolved(part)
            return
        for choice in product(*single.values()):
            solved = dict(zip(single, choice, strict=True))
            chart = {
                name: cancel(value.subs(solved)) if solved else value for name, value in part.chart.items()
            } | solved
            self._solved(chart, tuple(name for name in part.free if name not in solved), part)

    def _solved(self, chart: dict[Symbol, Expr], free: tuple[Symbol, ...], part: Component) -> None:
        if any(_vanishes_or_undefined(expression.subs(chart)) for expression in (*self.denominators, *part.nonzero)):
            return
        if not free:
            point = {name: simplify(chart[name]) for name in self.map.state}
            radicands = tuple(dict.fromkeys(r for value in point.values() for r in unknown_radicands(value)))
            self.orbits.append(Orbit(self.map, (point,), real_where=radicands))
            return
        self.manifolds.append(
            Manifold(self.map, self.map.state, part.equations, len(free), chart, _point_of(chart, free))
        )

    def _unsolved(self, part: Component) -> None:
        """What is left has no closed form: algebraic numbers, or a manifold given by its equations."""
        named = ", ".join(f"{equation} = 0" for equation in part.left)
        if self.denominators or any(equation.free_symbols & {*self.map.parameters} for equation in part.equations):
            if len(part.left) == 1 and len(part.free) > 1 and not self.denominators:
                self._manifold(part, len(part.free) - 1, None)
            else:
                self.reasons.append(f"{named} has no closed-form solution; give all parameters values")
            return
        try:
            ideal = Ideal.of(part.equations, self.map.state)
            for expression in part.nonzero:
                ideal = ideal.where_nonzero(expression)
            if ideal.dimension > 0:
                self._manifold(part, ideal.dimension, real_point(ideal, self.map.state))
            else:
                self.orbits += [_orbit(self.map, zero) for zero in points_of(ideal.branches()) if zero.is_real]
        except Undecided as undecided:
            self.reasons.append(f"{named}: {undecided}")

    def _manifold(self, part: Component, dimension: int, sample: dict[Symbol, Expr] | None) -> None:
        self.manifolds.append(Manifold(self.map, self.map.state, part.equations, dimension, part.chart, sample))


def unknown_radicands(value: Expr) -> list[Expr]:
    """What stands under square roots and is not known to be nonnegative."""
    return [root.base for root in value.atoms(Pow) if root.exp.q == 2 and root.base.is_nonnegative is not True]


def real_point(ideal: Ideal, variables: Sequence[Symbol]) -> dict[Symbol, Expr] | None:
    """A real zero of an ideal of positive dimension, on one of a few slices by coordinate planes, or None."""
    for value in SLICES:
        for fixed in combinations(variables, ideal.dimension):
            slices = ideal.adding(*(ideal.polynomial(variable - value) for variable in fixed))
            real = [zero for zero in points(slices) if zero.is_real] if slices.dimension == 0 else []
            if real:
                return real[0].values(variables)
    return None


def _point_of(chart: Mapping[Symbol, Expr], free: Sequence[Symbol]) -> dict[Symbol, Expr] | None:
    """A real point of a chart, with one small number for all the free coordinates, or None."""
    for value in SLICES:
        chosen = dict.fromkeys(free, value)
        point = {name: simplify(expression.subs(chosen)) for name, expression in chart.items()}
        if all(coordinate.is_real and coordinate.is_finite for coordinate in point.values()):
            return chosen | point
    return None


def _vanishes_or_undefined(denominator: Expr) -> bool:
    value = simplify(denominator)
    return bool(value == 0 or value.has(nan, zoo, oo, -oo))
