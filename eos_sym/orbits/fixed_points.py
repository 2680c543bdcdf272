"""Fixed points F(θ) = θ of a map: isolated ones, and manifolds of them such as the minima xyzw = 1.

The equations are F(θ) − θ = 0. If they are polynomial in the state, or in monotone functions of it such as the exp of a
logistic loss (`eos_sym.algebra.solutions.systems`), have rational coefficients and finitely many solutions, these are
isolated, complex ones included. Otherwise the equations are taken apart by `eos_sym.algebra.solutions.components`,
which follows the real solutions: its rules also cover functions that are inverted, such as the tanh in the gradient of
log cosh, and generic parameters. A component ends

    as a point       in closed form, or, without parameters, as algebraic numbers or functions of these;
    as a family      of points in closed form, one for every integer: the 2πk of sin x = 0;
    as a manifold    with a chart if its equations could be solved, else by its equations, unless it is proved to have
                     no real point;
    as undecided     if equations with parameters, or equations in several functions, are left.

Where a component makes a denominator of F − id vanish, or a logarithm infinite, the map is undefined, and there is no
fixed point: normalized gradient descent has none at a critical point. A point that satisfies the equations of a
manifold is not listed beside.

What is undecided is looked for numerically where all parameters have values, and comes back with `complete=False` and
the reason. Errors: `BadInput` for values of unknown parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import product

from sympy import (
    Abs,
    Dummy,
    Expr,
    Integer,
    Pow,
    Rational,
    Symbol,
    acos,
    acosh,
    asin,
    atanh,
    cancel,
    default_sort_key,
    expand,
    fraction,
    log,
    nan,
    oo,
    simplify,
    together,
    zoo,
)

from eos_sym.algebra import (
    Component,
    RealPart,
    System,
    components,
    has_kinks,
    points_of,
    real_parts,
    square_roots,
    vanishes,
)
from eos_sym.errors import BadInput, Undecided
from eos_sym.orbits.cells import by_cells
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.monotone import only_fixed_point
from eos_sym.orbits.numerical.search import Points, beyond, search_orbits
from eos_sym.orbits.orbit import Orbit, with_values
from eos_sym.reasons import brief, counted
from eos_sym.rules import Map
from eos_sym.values import Values

SLICES = (Integer(1), Rational(1, 2), Integer(-1), Integer(2), Rational(-1, 3), Integer(0))  # for a sample point


def fixed_points(dynamics: Map, at: Values | None = None, near: Points = ()) -> Orbits:
    """All real fixed points, for the given values of parameters; parameters without a value stay symbols.

    Where a numerical search is needed, it begins near the given points.
    """
    dynamics = with_values(dynamics, at or {})
    if has_kinks(*dynamics.step):
        return by_cells(dynamics, partial(fixed_points, near=near), 1)
    displacement = [step - name for name, step in dynamics.substitution.items()]
    if not dynamics.parameters:
        try:
            system = System.of(displacement, dynamics.state)
            if system.ideal.dimension <= 0:
                return _counted(dynamics, system)
        except Undecided:
            pass  # the rules for components go further in other directions
    try:
        parts, exceptions = components(displacement, dynamics.state)
    except Undecided as undecided:
        return _searched(dynamics, _Found(dynamics, ()), f"fixed points: {undecided}", near)
    below = [fraction(together(part))[1] for part in displacement]
    found = _Found(dynamics, [denominator for denominator in below if denominator.free_symbols & {*dynamics.state}])
    for part in parts:
        found.add(part)
    if found.reasons:
        return _searched(dynamics, found, "; ".join(dict.fromkeys(found.reasons)), near)
    reason = "the equations were taken apart without loss of real solutions"
    if exceptions:
        generic = ", ".join(f"{exception} ≠ 0" for exception in exceptions)
        reason += f"; for parameters with {generic}"
    return Orbits(1, tuple(found.isolated()), tuple(found.manifolds), True, reason)


def _searched(dynamics: Map, found: _Found, reason: str, near: Points) -> Orbits:
    """The only one, if it is; else what was found exactly, and what a search adds if all parameters have values."""
    with suppress(Undecided):
        return only_fixed_point(dynamics)
    known = Orbits(1, tuple(found.isolated()), tuple(found.manifolds), False, reason)
    if dynamics.parameters:
        return known
    try:
        more = beyond(search_orbits(dynamics, 1, near=near), known.orbits, known.manifolds)
    except Undecided as undecided:
        return replace(known, reason=f"{reason}; {undecided}")
    return replace(more, reason=f"{reason}; {more.reason}")


def _counted(dynamics: Map, system: System) -> Orbits:
    zeros = points_of(system.ideal.branches())
    solutions = [solution for zero in zeros if (solution := system.solution(zero)) is not None]
    orbits = tuple(Orbit(dynamics, (values,), error) for values, error in solutions)
    count = len(system.ideal.standard_monomials)
    if system.replaced:
        names = ", ".join(map(str, system.functions))
        reason = (
            f"{len(orbits)} real among {counted(len(zeros), 'complex solution')} of polynomial equations in {names}"
        )
        return Orbits(1, orbits, (), True, reason)
    reason = (
        f"{counted(len(zeros), 'complex fixed point')}, {count} with multiplicity: the dimension of the quotient ring"
    )
    return Orbits(1, orbits, (), True, reason, len(zeros))


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
        try:
            if any(_vanishes_or_undefined(e.subs(chart)) for e in (*self.denominators, *part.nonzero)):
                return
        except Undecided as undecided:
            self.reasons.append(str(undecided))
            return
        if any(value.is_real is False for value in chart.values()) or any(
            _is_undefined(step.subs(chart)) for step in self.map.step
        ):
            return
        if free:
            sample = _point_of(chart, free)
            self.manifolds.append(Manifold(self.map, self.map.state, part.equations, len(free), chart, sample))
            return
        point = {name: simplify(chart[name]) for name in self.map.state}
        conditions = tuple(dict.fromkeys(each for value in point.values() for each in real_where(value)))
        try:
            self.orbits.append(Orbit(self.map, (point,), real_where=conditions))
        except BadInput:  # a simplification that fails
            self.reasons.append(f"{brief(point)} was not verified to be a fixed point")

    def _unsolved(self, part: Component) -> None:
        """What is left has no closed form: algebraic numbers, or a manifold given by its equations."""
        named = f"{brief(part.left)} = 0"
        if any(equation.free_symbols & {*self.map.parameters} for equation in part.equations):
            if len(part.left) == 1 and len(part.free) > 1 and not self.denominators:
                dimension = len(part.free) - 1
                self.manifolds.append(Manifold(self.map, self.map.state, part.equations, dimension, part.chart, None))
            else:
                self.reasons.append(f"{named} has no closed-form solution; give all parameters values")
            return
        try:
            nonzero = [expression.subs(part.chart) for expression in (*part.nonzero, *self.denominators)]
            system = System.of(part.equations, self.map.state, [_without_roots(expression) for expression in nonzero])
            finite = []
            for piece in real_parts(system.ideal):
                if piece.ideal.dimension <= 0:
                    finite.append(piece.ideal)
                elif piece.is_real is not False:
                    self._continuum(part, system, piece)
            solutions = (system.solution(zero) for zero in points_of(finite))
            self.orbits += [Orbit(self.map, (found[0],), found[1]) for found in solutions if found is not None]
        except Undecided as undecided:
            self.reasons.append(f"{named}: {undecided}")

    def _continuum(self, part: Component, system: System, piece: RealPart) -> None:
        """A manifold, by the equations of the whole component unless there is more in it."""
        whole = all(map(system.ideal.contains, piece.ideal.basis))
        equations = part.equations if whole else system.equations(piece.ideal)
        solution = system.solution(piece.point) if piece.point is not None else None
        chart, sample = part.chart if whole else {}, solution and solution[0]
        self.manifolds.append(Manifold(self.map, self.map.state, equations, piece.ideal.dimension, chart, sample))

    def isolated(self) -> Iterator[Orbit]:
        """The orbits that neither satisfy the equations of a manifold nor belong to a family of others."""
        kept: list[Orbit] = []
        for orbit in self.orbits:
            on_manifold = any(manifold.contains(orbit.points[0]) for manifold in self.manifolds if orbit.error == 0)
            if not on_manifold and not any(_is_member(orbit, other) for other in kept):
                kept = [other for other in kept if not _is_member(other, orbit)] + [orbit]
        yield from kept


def _without_roots(expression: Expr) -> Expr:
    """An expression that vanishes where the given one does."""
    plain = expression.replace(Abs, lambda inside: inside)
    return plain.replace(lambda part: part.is_Pow and part.exp == Rational(1, 2), lambda root: root.base)


def _is_member(orbit: Orbit, family: Orbit) -> bool:
    """Whether an orbit is one of a family, for some values of its integers, or a family in it."""
    own = {integer: Dummy(integer.name, integer=True) for integer in family.integers}
    conditions = [family.points[0][name].subs(own) - orbit.points[0][name] for name in orbit.map.state]
    for integer in own.values():
        linear = next((c for c in conditions if c.has(integer) and not c.diff(integer).free_symbols), None)
        if linear is None:
            return False
        value = expand(-linear.subs(integer, 0) / linear.diff(integer))
        if value.is_integer is not True:
            return False
        conditions = [condition.subs(integer, value) for condition in conditions]
    try:
        return bool(own) and all(map(vanishes, conditions))
    except Undecided:
        return False


def real_where(value: Expr) -> Iterator[Expr]:
    """What is positive wherever the value is real, as far as it is not known to be."""
    for part in sorted(value.atoms(Pow, log, acosh, atanh, acos, asin), key=default_sort_key):
        inside = part.args[0]
        within = 1 - inside**2
        condition = {acosh: inside - 1, atanh: within, acos: within, asin: within}.get(part.func, inside)
        needed = not part.is_Pow or (part.exp.is_Rational and part.exp.q % 2 == 0)
        if needed and condition.is_nonnegative is not True:
            yield condition


def _point_of(chart: Mapping[Symbol, Expr], free: Sequence[Symbol]) -> dict[Symbol, Expr] | None:
    """A real point of a chart, with one small number for all the free coordinates, or None."""
    for value in SLICES:
        chosen = dict.fromkeys(free, value)
        point = {name: simplify(expression.subs(chosen)) for name, expression in chart.items()}
        if all(coordinate.is_real and coordinate.is_finite for coordinate in point.values()):
            return chosen | point
    return None


def _vanishes_or_undefined(denominator: Expr) -> bool:
    return _is_undefined(denominator) or vanishes(denominator)


def _is_undefined(expression: Expr) -> bool:
    return bool(expression.has(nan, zoo, oo, -oo))
