"""Fixed points and two-cycles found numerically, from many starts; the list is never complete for a proof.

From every start Newton's method leads to a zero of the orbit's equations or nowhere
(`eos_sym.orbits.numerical.convergence`); what it finds is refined to 30 digits, and points that then agree, up to the
periods of the map (`eos_sym.orbits.families`), are the same orbit. An orbit whose coordinates are simple rationals is
tried for exactness, and is proved if it is exact; all others are numerical.

Starts are drawn from a box, the same ones every time. Without a box, they have a uniform direction and a size
log-uniform in [1/20, 20], or in [10⁻⁴, 10⁴], or every coordinate is of a size of its own in there, in turn: so orbits
of every order of magnitude are met, and weights of different ones. Every other start is moved to where 100 steps of the
map take it, if they do not escape, so that stable two-cycles are met. More starts lie around the points in `near`.

Errors: `BadInput` for parameters without values, or a box that does not fit; `Undecided` for functions that mpmath does
not know.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from mpmath import fp, mp
from sympy import Dummy, Expr, Float, Integer, Rational, Symbol

from eos_sym.errors import BadInput, Undecided
from eos_sym.orbits.families import Lattice, family
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.numerical.closing import FAILURES, Closing, Vector, largest
from eos_sym.orbits.numerical.continua import continuum_through, is_on_line, tangents
from eos_sym.orbits.numerical.convergence import APART, DIGITS, Zero, refined_zero, rough_zero
from eos_sym.orbits.orbit import Orbit
from eos_sym.reasons import counted
from eos_sym.rules import Map
from eos_sym.values import Values, named

SEED = 0
SIZES, FAR_SIZES = (1 / 20, 20.0), (1e-4, 1e4)  # of the starts
AROUND, NEAR_STARTS = 0.2, 24  # how far, relatively, and how many starts lie around a point to look near
RELAXATION, ESCAPED = 100, 1e8
SAME, CLOSE_BY, ON_MANIFOLD, BLURRED = 1e-14, 1e-12, 1e-10, 1e-6  # the difference of equal orbits, relative
WORK = 3_000_000  # bounds the starts: n³ operations a step
MOST_ORBITS, MOST_ALONG_CONTINUA = 60, 8
PLACES = 9  # after the point, by which orbits are sorted
LARGEST_DENOMINATOR = 100  # of coordinates that are tried for exactness
Box = Mapping[Symbol, tuple[float, float]]
Points = Sequence[Values]


def search_orbits(dynamics: Map, period: int, box: Box | None = None, near: Points = ()) -> Orbits:
    """The real orbits of period 1 or 2 that are found from the starts; `box` bounds these for every state variable.

    State variables that a point in `near` does not give, such as velocities, are 0 there.
    """
    if period not in (1, 2):
        raise BadInput(f"period = {period}: only periods 1 and 2 are searched for")
    if box is not None and set(box) != set(dynamics.state):
        raise BadInput(f"the box needs bounds for {', '.join(map(str, dynamics.state))}, no more and no fewer")
    equations, precise = Closing(dynamics, period, fp), Closing(dynamics, period, mp)
    given = [named("the point to look near", dynamics.state, point) for point in near]
    centers = [[float(at.get(name, 0)) for name in dynamics.state] for at in given]
    starts = [start for center in centers for start in _around(center, equations)]
    starts += _starts(equations, None if box is None else [box[name] for name in dynamics.state])
    lattice = Lattice(dynamics)
    zeros: list[Zero] = []
    lines: list[tuple[Zero, list[Vector]]] = []  # members of continua, one of each, with the tangents
    straight: set[int] = set()  # places of those that others lie on
    converged = along_continua = 0
    for start in starts:
        led = rough_zero(equations, start)
        if led is None:
            continue
        rough = lattice.near(led[0]), led[1]
        if any(_leads_to(lattice.near(rough[0], zero.orbit), rough[1], zero, period) for zero in zeros):
            converged += 1
            continue
        met = next((place for place, line in enumerate(lines) if is_on_line(rough[0], *line, period)), None)
        straight |= set() if met is None else {met}
        if met is not None or (len(lines) >= MOST_ALONG_CONTINUA and equations.is_singular(*rough)):
            converged, along_continua = converged + 1, along_continua + 1
            continue
        zero = refined_zero(precise, *rough)
        if zero is None:
            continue
        converged, along_continua = converged + 1, along_continua + zero.singular
        if any(_are_same(zero, other, period, lattice) for other in zeros):
            continue
        if zero.singular and (directions := tangents(precise, zero)):
            lines += [(zero, directions)] * (not any(is_on_line(zero.orbit, *line, period) for line in lines))
        else:
            zeros.append(zero)
    whole = len(zeros) <= MOST_ORBITS
    shown = (
        sorted(zeros, key=partial(_lower, size=len(dynamics.state)))
        if whole
        else _nearest(zeros, centers or [[0.0] * len(dynamics.state)])
    )
    orbits = tuple(family(_orbit(dynamics, period, zero), lattice.periods) for zero in shown)
    continua = [continuum_through(dynamics, period, *line) for line in lines]
    manifolds = _told_apart(continua, [place in straight for place in range(len(lines))])
    found = f"{counted(len(zeros), 'orbit')} {'was' if len(zeros) == 1 else 'were'} found"
    reason = f"a numerical search: {converged} of {len(starts)} starts converged, and {found}"
    if len(shown) < len(zeros):
        reason += f"; the list is cut, the {len(shown)} nearest to {'the named points' if centers else '0'} are in it"
    if along_continua:
        reason += f"; {counted(along_continua, 'start')} led to orbits that are not isolated or degenerate"
    if manifolds:
        reason += f", on {len(manifolds)} continu{'um' if len(manifolds) == 1 else 'a'} at least"
    if degenerate := sum(zero.singular for zero in shown):
        reason += f"; {degenerate} of those listed are degenerate, and not known to be isolated"
    return Orbits(period, orbits, manifolds, False, reason)


def _told_apart(continua: Sequence[Manifold], straight: Sequence[bool]) -> tuple[Manifold, ...]:
    """The continua; where numbers tell of one that is not straight, only one of that dimension: others may be it."""
    told: list[Manifold] = []
    for dimension in sorted({one.dimension for one in continua}):
        alike = [place for place, one in enumerate(continua) if one.dimension == dimension]
        seen = [place for place in alike if not continua[place].equations]
        several = all(straight[place] for place in seen)
        told += [continua[place] for place in alike if continua[place].equations or several or place == seen[0]]
    return tuple(told)


def _lower(zero: Zero, size: int) -> list[float]:
    """The lower point of an orbit, by which orbits are sorted."""
    row = [round(float(value), PLACES) for value in zero.orbit]
    return min(row[first : first + size] for first in range(0, len(row), size))


def _nearest(zeros: Sequence[Zero], centers: Sequence[Vector]) -> list[Zero]:
    """As many as are listed of the orbits, those whose first points are nearest to a center."""
    away = [
        min(largest(a - b for a, b in zip(zero.orbit, center, strict=False)) for center in centers) for zero in zeros
    ]
    return [zeros[place] for place in sorted(range(len(zeros)), key=away.__getitem__)[:MOST_ORBITS]]


def beyond(found: Orbits, orbits: Sequence[Orbit], manifolds: Sequence[Manifold]) -> Orbits:
    """What a search found, together with the known orbits and manifolds, each orbit once; none that lie on a manifold.

    The result keeps the reason of the search, and is not complete.
    """
    fresh = [
        orbit
        for orbit in found.orbits
        if not any(_is_same(orbit, known) for known in orbits)
        and not any(_lies_on(orbit, manifold.equations, manifold.variables) for manifold in manifolds)
    ]
    others = [
        continuum
        for continuum in found.manifolds
        if not any(_is_member_of(continuum, manifold) for manifold in manifolds)
    ]
    return replace(found, orbits=(*orbits, *fresh), manifolds=(*manifolds, *others))


def _is_member_of(continuum: Manifold, manifold: Manifold) -> bool:
    """Whether the equations of a manifold hold at the sample of a continuum, so that it is part of it."""
    sample = continuum.sample or {}
    return _hold(manifold.equations, dict(zip(manifold.variables, sample.values(), strict=True)))


def _is_same(orbit: Orbit, known: Orbit) -> bool:
    """Whether an orbit is the known one, or a member of the known family."""
    if known.integers:
        variables = [Dummy(real=True) for _ in _row(known)]
        return _lies_on(orbit, [name - value for name, value in zip(variables, _row(known), strict=True)], variables)
    first, second = ([mp.mpf(value.evalf(DIGITS)) for value in _row(each)] for each in (orbit, known))
    return _agree(first, second, orbit.period, ON_MANIFOLD * max(largest(first), largest(second)))


def _row(orbit: Orbit) -> list[Expr]:
    return [point[name] for point in orbit.points for name in orbit.map.state]


def _lies_on(orbit: Orbit, equations: Sequence[Expr], variables: Sequence[Symbol]) -> bool:
    """Whether equations hold at an orbit, up to the digits that are known of it, in some order of its points."""
    row = _row(orbit.representative)
    half = len(row) // orbit.period
    return any(
        _hold(equations, dict(zip(variables, values, strict=True)))
        for values in ([row] if orbit.period == 1 else [row, [*row[half:], *row[:half]]])
    )


def _hold(equations: Sequence[Expr], at: Mapping[Symbol, Expr]) -> bool:
    """Whether equations hold at numbers, for the nearest values of the integers in them."""
    nearest: dict[Symbol, Expr] = {}
    for equation in equations:
        here = equation.subs(nearest)
        for integer in here.free_symbols - {*at}:
            slope, rest = (part.subs(at).evalf(DIGITS) for part in (here.diff(integer), here.subs(integer, 0)))
            if not (slope.is_number and rest.is_number) or slope == 0:
                return False
            nearest[integer] = Integer(round(-rest / slope))
        here = equation.subs(nearest)
        miss = abs(here.subs(at).evalf(DIGITS))
        reach = sum(abs((here.diff(name).subs(at) * value).evalf(DIGITS)) for name, value in at.items())
        if not miss <= ON_MANIFOLD * reach:
            return False
    return True


def _starts(equations: Closing, box: list[tuple[float, float]] | None) -> Iterator[Vector]:
    """Random starts, every other one where the map itself takes it, unless it escapes or comes to rest."""
    size = equations.count * equations.period
    draw = random.Random(SEED)
    for number in range(max(24, min(400, WORK // (size**3 + 200) // 10))):
        inside = [draw.uniform(*bounds) for _ in range(equations.period) for bounds in box or ()]
        raw = inside or _drawn(draw, size, number)
        yield _relaxed(raw, equations) if number % 2 == 0 else raw


def _drawn(draw: random.Random, size: int, number: int) -> Vector:
    """A start of one of the three kinds, in turn."""
    kind = number // 2 % 4
    if kind == 3:
        return [math.copysign(_size(draw, FAR_SIZES), draw.uniform(-1, 1)) for _ in range(size)]
    length = _size(draw, FAR_SIZES if kind == 2 else SIZES)
    direction = [draw.gauss(0, 1) for _ in range(size)]
    return [length * coordinate / math.hypot(*direction) for coordinate in direction]


def _size(draw: random.Random, bounds: tuple[float, float]) -> float:
    return math.exp(draw.uniform(*map(math.log, bounds)))


def _around(point: Vector, equations: Closing) -> list[Vector]:
    """Starts around a point, and where the map takes it."""
    draw = random.Random(SEED)
    spread = AROUND * (largest(point) or 1.0)
    starts = [_relaxed(point * equations.period, equations)]
    for number in range(NEAR_STARTS):
        width = spread / 4 ** (number % 4)
        starts.append([value + width * draw.gauss(0, 1) for value in point * equations.period])
    return starts


def _relaxed(raw: Vector, equations: Closing) -> Vector:
    """Where the map takes the first point, unless it escapes, or comes to rest where a two-cycle is looked for."""
    point = raw[: equations.count]
    bound = ESCAPED * (largest(point) or 1.0)
    try:
        for _ in range(RELAXATION):
            before, point = point, equations.image(point)
            if not largest(point) <= bound:
                return raw
    except FAILURES:
        return raw
    if equations.period == 1:
        return point
    pair = [*before, *point]
    return pair if equations.apart(pair) > APART * largest(pair) else raw


def _agree(orbit: Vector, other: Vector, period: int, tolerance: Any) -> bool:
    """Whether two orbits agree, up to the exchange of the points."""
    half = len(orbit) // period
    exchanged = [*other[half:], *other[:half]]
    return any(largest(a - b for a, b in zip(orbit, known, strict=True)) <= tolerance for known in (other, exchanged))


def _leads_to(rough: Vector, reached: Vector, zero: Zero, period: int) -> bool:
    """Whether a rough orbit is a known one as far as can be seen, which is less far where that is degenerate."""
    return _agree(rough, zero.orbit, period, BLURRED * largest(reached) if zero.singular else CLOSE_BY * largest(rough))


def _are_same(zero: Zero, other: Zero, period: int, lattice: Lattice) -> bool:
    size = max(largest(zero.orbit), largest(other.orbit))
    return _agree(
        lattice.near(zero.orbit, other.orbit),
        other.orbit,
        period,
        max(SAME * size, largest(zero.errors) + largest(other.errors)),
    )


def _orbit(dynamics: Map, period: int, zero: Zero) -> Orbit:
    """The orbit of a zero, exactly if it is one at the simple rationals that its coordinates are near to."""
    simple = [_simple(value, error) for value, error in zip(zero.orbit, zero.errors, strict=True)]
    if None not in simple:
        try:
            return Orbit(dynamics, _points(dynamics, period, simple))
        except (BadInput, Undecided):
            pass  # near to them only
    known = zip(zero.orbit, zero.errors, strict=True)
    values = [Float(value if abs(value) > error else 0, DIGITS) for value, error in known]
    return Orbit(dynamics, _points(dynamics, period, values), None)


def _points(dynamics: Map, period: int, row: Sequence[Any]) -> tuple[dict[Symbol, Expr], ...]:
    """The points of an orbit that stand in a row, the lower one first."""
    n = len(dynamics.state)
    ordered = sorted(([*row[n * k : n * (k + 1)]] for k in range(period)), key=lambda point: [*map(float, point)])
    return tuple(dict(zip(dynamics.state, point, strict=True)) for point in ordered)


def _simple(value: Any, error: Any) -> Rational | None:
    """A rational with a small denominator that the value may be, if there is one."""
    nearest = Fraction(str(value)).limit_denominator(LARGEST_DENOMINATOR)
    close = abs(mp.mpf(nearest.numerator) / nearest.denominator - value) <= error
    return Rational(nearest.numerator, nearest.denominator) if close else None
