"""Continua of orbits that a numerical search meets: recognized by their neighbours, and proved where they are lines.

An orbit at which the closing equations H are regular is isolated. Where DH has a kernel, its vectors v are tried: if
from the orbit moved by ±εv Newton's steps lead to an orbit close to that start, and not back, there are others beside
it, and it lies on a continuum, as far as numbers tell; its dimension is the number of such v. A degenerate isolated
orbit, such as the minimum of x⁴, is led back to.

Normalized gradient descent on a quadratic has such two-cycles, ηC v ↔ −η(1 − C) v for every C in (0, 1). A line

    θ = a + s b,    φ = a' + s b',      a, b, a', b' simple rational numbers, s one of the coordinates of θ,

is proved if F(θ) = φ and F(φ) = θ hold identically in s, for the signs that the |u| have at the orbit that was found;
the line consists of two-cycles where these u keep their signs. Other continua are known by a sample, and not proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from mpmath import mp
from sympy import Abs, Expr, Float, Pow, Rational, Symbol, factor, sqrt

from eos_sym.algebra import vanishes
from eos_sym.errors import Undecided
from eos_sym.orbits.manifolds import Manifold
from eos_sym.orbits.numerical.closing import Closing, Vector, largest
from eos_sym.orbits.numerical.convergence import DIGITS, WORKING_DIGITS, Zero, refined_zero
from eos_sym.orbits.orbit import second_point
from eos_sym.rules import Map

ASIDE, BACK = mp.mpf("1e-4"), mp.mpf("1e-2")  # a move along the kernel, and the part of it that may be taken back
SMALL_PIVOT, ON_LINE = 1e-9, 1e-9
LARGEST_DENOMINATOR = 100  # of the numbers that give a line


def tangents(closing: Closing, zero: Zero) -> list[Vector]:
    """Directions in which there are orbits beside a singular one; none if it is seen to be isolated."""
    found = []
    with mp.workdps(WORKING_DIGITS):
        size = largest(zero.orbit) or mp.mpf(1)
        for direction in _kernel(closing(zero.orbit)[1]):
            moves = [[sign * ASIDE * size * part for part in direction] for sign in (1, -1)]
            if all(_is_orbit_beside(closing, zero, move) for move in moves):
                found.append(direction)
    return found


def _is_orbit_beside(closing: Closing, zero: Zero, move: Vector) -> bool:
    start = [value + part for value, part in zip(zero.orbit, move, strict=True)]
    other = refined_zero(closing, start, [abs(value) for value in start])
    return other is not None and largest(a - b for a, b in zip(other.orbit, start, strict=True)) <= BACK * largest(move)


def is_on_line(orbit: Vector, zero: Zero, directions: Sequence[Vector], period: int) -> bool:
    """Whether an orbit, its points in some order, lies in the plane through another one along its tangents."""
    half = len(orbit) // period
    with mp.workdps(WORKING_DIGITS):
        for row in (orbit, [*orbit[half:], *orbit[:half]])[:period]:
            chord = [a - b for a, b in zip(row, zero.orbit, strict=True)]
            size = largest(chord)
            basis = mp.matrix([list(direction) for direction in directions]).T
            within = basis * mp.lu_solve(basis, mp.matrix(chord))
            if largest(a - b for a, b in zip(chord, within, strict=True)) <= ON_LINE * size:
                return True
    return False


def continuum_through(dynamics: Map, period: int, zero: Zero, directions: Sequence[Vector]) -> Manifold:
    """The continuum through an orbit: with equations if it is a line that is proved, else by its sample alone."""
    partner = second_point(dynamics) if period == 2 else ()
    variables = (*dynamics.state, *partner)
    if len(directions) == 1:
        line = _proved_line(dynamics, variables, zero.orbit, directions[0])
        if line is not None:
            return line
    sample = {name: Float(value, DIGITS) for name, value in zip(variables, zero.orbit, strict=True)}
    return Manifold(dynamics, variables, (), len(directions), {}, sample)


def _proved_line(dynamics: Map, variables: Sequence[Symbol], row: Vector, direction: Vector) -> Manifold | None:
    count = len(dynamics.state)
    pivot = max(range(count), key=lambda place: abs(direction[place]))
    slopes = [_simple(part / direction[pivot]) for part in direction]
    offsets = [_simple(value - slope * row[pivot]) for value, slope in zip(row, slopes, strict=True)]
    name, place = dynamics.state[pivot], Rational(str(row[pivot]))
    values = [offset + slope * name for offset, slope in zip(offsets, slopes, strict=True)]
    points = [dict(zip(dynamics.state, values[k : k + count], strict=True)) for k in range(0, len(values), count)]
    conditions: dict[Expr, None] = {}
    try:
        for point, goal in zip(points, [*points[1:], points[0]], strict=True):
            for variable, step in dynamics.substitution.items():
                miss, positive = _with_signs(step.subs(point, simultaneous=True) - goal[variable], name, place)
                conditions |= dict.fromkeys(positive)
                if not vanishes(miss):
                    return None
    except Undecided:
        return None
    near = _simple(place)
    if not all(condition.subs(name, near) > 0 for condition in conditions):
        near = place
    chart = {v: value for v, value in zip(variables, values, strict=True) if v != name}
    sample = {name: near} | {v: value.subs(name, near) for v, value in chart.items()}
    equations = tuple(v - value for v, value in chart.items())
    return Manifold(dynamics, tuple(variables), equations, 1, chart, sample, tuple(conditions))


def _with_signs(expression: Expr, name: Symbol, place: Rational) -> tuple[Expr, list[Expr]]:
    """The expression without absolute values, for the signs at a place, and the arguments, turned to be positive."""
    plain = expression.replace(
        lambda part: isinstance(part, Pow) and part.exp.is_Rational and part.exp.q == 2,
        lambda root: sqrt(factor(root.base)) ** (2 * root.exp),
    )
    positive: list[Expr] = []
    for modulus in sorted(plain.atoms(Abs), key=str):
        inside = modulus.args[0]
        value = inside.subs(name, place)
        if not (value.is_positive or value.is_negative):
            raise Undecided(f"the sign of {inside}")
        positive.append(inside if value.is_positive else -inside)
        plain = plain.subs(modulus, positive[-1])
    return plain, positive


def _kernel(table: list[Vector]) -> list[Vector]:
    """A basis of the kernel up to small pivots, each vector of length 1 in the maximum norm."""
    rows = [list(row) for row in table]
    size = len(rows)
    free, pivots = list(range(size)), []
    scale = max(map(largest, rows)) or mp.mpf(1)
    for step in range(size):
        row, column = max(((r, c) for r in range(step, size) for c in free), key=lambda at: abs(rows[at[0]][at[1]]))
        if abs(rows[row][column]) <= SMALL_PIVOT * scale:
            break
        rows[step], rows[row] = rows[row], rows[step]
        free.remove(column)
        pivots.append(column)
        head = rows[step][column]
        rows[step] = [entry / head for entry in rows[step]]
        for other in range(size):
            if other != step and rows[other][column]:
                f = rows[other][column]
                rows[other] = [a - f * b for a, b in zip(rows[other], rows[step], strict=True)]
    basis = []
    for column in free:
        vector: Vector = [mp.mpf(0)] * size
        vector[column] = mp.mpf(1)
        for step, pivot in enumerate(pivots):
            vector[pivot] = -rows[step][column]
        longest = largest(vector)
        basis.append([part / longest for part in vector])
    return basis


def _simple(value: Any) -> Rational:
    """The rational number with a small denominator that is nearest."""
    nearest = Fraction(str(value)).limit_denominator(LARGEST_DENOMINATOR)
    return Rational(nearest.numerator, nearest.denominator)
