"""Two-cycles of a polynomial map of the line, parameters included.

With the midpoint m and half the difference d of the two points, θ = m + d, φ = m − d and G = F − id, the pair's
equations G(θ) = φ − θ, G(φ) = θ − φ are, half their sum and half their difference,

    E = ½ [G(m + d) + G(m − d)] = 0,        O = ½ [G(m + d) − G(m − d)] / d + 2 = 0.

Dividing by d has removed the fixed points. Both are even in d, that is, polynomials in m and q = d², and exchanging the
points changes nothing: each two-cycle is one solution (m, q) with q ≠ 0, real iff m is real and q > 0. A map of degree
n ≥ 2 has n² − n points of period 2, hence ½(n² − n) solutions, complex ones and those with q = 0 (where a two-cycle has
just left a fixed point) included; that is the count. The only polynomial maps with a continuum of two-cycles are
x ↦ c − x.

Errors: `Undecided` for maps that are not polynomial with rational coefficients, and for equations with parameters that
have no closed-form solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from flint import ctx
from sympy import Dummy, Expr, Integer, Poly, PolynomialError, expand, simplify, sqrt

from eos_sym.algebra import AlgebraicPoint, Ideal, components, decimal, distance, points_of, square_roots, vanishes
from eos_sym.algebra.polynomials.points import DIGITS
from eos_sym.errors import Undecided
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.orbit import Orbit, second_point
from eos_sym.reasons import counted
from eos_sym.rules import Map

MIDPOINT, SQUARE = Dummy("m"), Dummy("q")  # complex, so that complex cycles are counted


def line_cycles(dynamics: Map) -> Orbits:
    """All real two-cycles of a polynomial map of one variable."""
    (variable,) = dynamics.state
    degree = _degree(dynamics)
    even, odd = _equations(dynamics)
    if odd == 0 and degree == 1:
        (partner,) = second_point(dynamics)
        (constant,) = (step.subs(variable, 0) for step in dynamics.step)
        sample = {variable: constant / 2 + 1, partner: constant / 2 - 1}
        equations, chart = (variable + partner - constant,), {partner: constant - variable}
        line = Manifold(dynamics, (variable, partner), equations, 1, chart, sample)
        return Orbits(2, (), (line,), True, "the map is its own inverse: every point but one has period 2", 0)
    expected = (degree**2 - degree) // 2
    closed, exceptions = _closed_forms([even, odd])
    if closed is not None:
        orbits = [orbit for midpoint, square in closed if (orbit := _orbit(dynamics, midpoint, square)) is not None]
        found = len(closed)
    elif dynamics.parameters:
        raise Undecided("the two-cycles have no closed form in the parameters; give them values")
    else:
        ideal = Ideal.of([even, odd], (MIDPOINT, SQUARE))
        apart = ideal.polynomial(SQUARE)
        zeros = [zero for zero in points_of(ideal.branches()) if not zero.vanishes(apart)]
        orbits = [orbit for zero in zeros if (orbit := _algebraic_orbit(dynamics, zero)) is not None]
        found = len(zeros)
    reason = f"{counted(found, 'complex two-cycle')} of at most {expected}, by (n² − n)/2 for the degree n = {degree}"
    if exceptions:
        reason += "; for parameters with " + ", ".join(f"{exception} ≠ 0" for exception in exceptions)
    return Orbits(2, tuple(orbits), (), True, reason, found)


def _degree(dynamics: Map) -> int:
    try:
        polynomial = Poly(dynamics.step[0], *dynamics.state)
    except PolynomialError as error:
        raise Undecided("two-cycles: the map is not a polynomial") from error
    domain = polynomial.domain
    coefficients = domain.domain if domain.is_PolynomialRing or domain.is_FractionField else domain
    if not (coefficients.is_ZZ or coefficients.is_QQ):
        raise Undecided("two-cycles: the map has coefficients that are not rational in numbers and parameters")
    return int(polynomial.degree())


def _equations(dynamics: Map) -> tuple[Expr, Expr]:
    """E and O in m and q."""
    (variable,) = dynamics.state
    half = Dummy("d")
    displacement = dynamics.step[0] - variable
    terms = Poly(expand(displacement.subs(variable, MIDPOINT + half)), half).terms()
    even = sum((c * SQUARE ** (power // 2) for (power,), c in terms if power % 2 == 0), Integer(0))
    odd = sum((c * SQUARE ** (power // 2) for (power,), c in terms if power % 2), Integer(0))
    return expand(even), expand(odd + 2)


def _closed_forms(equations: Sequence[Expr]) -> tuple[list[tuple[Expr, Expr]] | None, list[Expr]]:
    """All solutions (m, q) with q ≠ 0, complex ones included, or None if some have no closed form."""
    parts, exceptions = components(equations, (MIDPOINT, SQUARE))
    solutions = []
    for part in parts:
        alone = all(
            left.free_symbols & {MIDPOINT, SQUARE} == {name} for left, name in zip(part.left, part.free, strict=False)
        )
        found = [square_roots(left, name) for left, name in zip(part.left, part.free, strict=False)] if alone else []
        roots = [choices for choices in found if choices is not None]
        if not len(part.left) == len(part.free) == len(roots):
            return None, []
        for choice in product(*roots):
            values = dict(zip(part.free, choice, strict=True))
            point = {name: expand(simplify(value.subs(values))) for name, value in part.chart.items()} | values
            if not any(vanishes(expression.subs(point)) for expression in (*part.nonzero, SQUARE)):
                solutions.append((point[MIDPOINT], point[SQUARE]))
    return solutions, exceptions


def _orbit(dynamics: Map, midpoint: Expr, square: Expr) -> Orbit | None:
    """The two-cycle with midpoint m and squared half difference q, unless it is known not to be real."""
    (variable,) = dynamics.state
    if midpoint.is_real is False or square.is_positive is False:
        return None
    conditions = [] if midpoint.is_real else [_radicand(midpoint)]
    conditions += [] if square.is_positive else [simplify(square)]
    half = sqrt(simplify(square))
    points = ({variable: midpoint - half}, {variable: midpoint + half})
    return Orbit(dynamics, points, real_where=tuple(conditions))


def _radicand(midpoint: Expr) -> Expr:
    """m², which is positive where the midpoint ±√(m²) of a pair of mirror images is real."""
    return simplify(midpoint**2)


def _algebraic_orbit(dynamics: Map, zero: AlgebraicPoint) -> Orbit | None:
    """The two-cycle of a solution with algebraic coordinates, unless it is not real."""
    (variable,) = dynamics.state
    if not zero.is_real:
        return None
    with ctx.workdps(3 * DIGITS):
        balls = dict(zip(zero.variables, zero.enclosure, strict=True))
        midpoint, square = balls[MIDPOINT].real, balls[SQUARE].real
        if square < 0:
            return None
        if not square > 0:
            raise Undecided("two points of a cycle are so close that they could not be told apart")
        ends = [midpoint - square.sqrt(), midpoint + square.sqrt()]
    if zero.error((MIDPOINT, SQUARE)) == 0:
        exact = zero.values((MIDPOINT, SQUARE))
        if exact[SQUARE].is_Rational:
            return _orbit(dynamics, exact[MIDPOINT], exact[SQUARE])
    values = [decimal(end, DIGITS) for end in ends]
    error = max(distance(end, value) for end, value in zip(ends, values, strict=True))
    return Orbit(dynamics, tuple({variable: value} for value in values), error)
