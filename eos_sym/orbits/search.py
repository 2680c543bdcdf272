"""Fixed points and two-cycles found numerically, from many starts; nothing is proved, and nothing counts as complete.

A fixed point is a zero of H(θ) = F(θ) − θ, a two-cycle of H(θ, φ) = (F(θ) − φ, F(φ) − θ), each found by steps

    δ = −(JᵀJ + λ)⁻¹ JᵀH,       J = DH,  λ proportional to |H|²,

which are Newton's where J is regular, and converge as fast to a continuum of orbits, where it is not
(:cite:t:`levenberg1944method`, :cite:t:`marquardt1963algorithm`; :cite:t:`yamashita2001rate`). Two-cycles are kept from
falling back to the fixed points by deflation (:cite:t:`farrell2015deflation`): the equations are divided by |θ − φ|,
which multiplies δ by 1/(1 − ∇log|θ − φ|·δ). The search runs in floating point; what it finds is refined to 30 digits,
and points that agree to 10 are the same orbit.

Starts are drawn from a box, the same ones every time. Without a box, they have a size log-uniform in [1/20, 20] and a
uniform direction, with θ and φ apart, so that orbits of every order of magnitude are met. Every other start is moved to
where 100 steps of the map take it, if they do not escape, so that stable two-cycles are met.

Errors: `BadInput` for parameters without values, or a box that does not fit; `Undecided` for functions that mpmath does
not know.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import mul
from typing import Any

from mpmath import fp, mp
from sympy import Float, Symbol

from eos_sym.algebra import evaluator
from eos_sym.errors import BadInput
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.orbit import Orbit, jacobian_entries
from eos_sym.rules import Map

SEED = 0
SMALLEST, LARGEST = 1 / 20, 20.0  # of the starts
RELAXATION, ESCAPED = 100, 1e8
STEPS, REFINEMENTS = 40, 12
FOUND, APART, SAME = 1e-11, 1e-7, 1e-10  # residual, distance of the points of a two-cycle and of equal orbits, relative
WORKING_DIGITS, DIGITS = 40, 30
WORK = 3_000_000  # bounds the starts: n³ operations a step
MOST_ORBITS, MOST_ALONG_CONTINUA = 60, 4
SINGULAR = 1e-7  # ratio of pivots
Vector = list[Any]
Box = Mapping[Symbol, tuple[float, float]]


def search_orbits(dynamics: Map, period: int, box: Box | None = None) -> Orbits:
    """The real orbits of period 1 or 2 that are found from the starts; `box` bounds these for every state variable."""
    if period not in (1, 2):
        raise BadInput(f"period = {period}: only periods 1 and 2 are searched for")
    if box is not None and set(box) != set(dynamics.state):
        raise BadInput(f"the box needs bounds for {', '.join(map(str, dynamics.state))}, no more and no fewer")
    equations, precise = _Equations(dynamics, period, fp), _Equations(dynamics, period, mp)
    box_of = None if box is None else [box[name] for name in dynamics.state]
    size = len(dynamics.state) * period
    starts = max(24, min(400, WORK // (size**3 + 200) // STEPS * 4))
    draw = random.Random(SEED)
    found: list[Orbit] = []
    keys: list[Vector] = []
    along_continua = converged = 0
    for number in range(starts):
        rough = _newton(equations, _start(draw, equations, box_of, relaxed=number % 2 == 0))
        if rough is None or len(found) >= MOST_ORBITS:
            continue
        converged += 1
        if any(_same(rough, key, period) for key in keys):
            continue
        singular = _is_singular(equations(rough)[1])
        along_continua += singular
        if singular and along_continua > MOST_ALONG_CONTINUA:
            continue
        exact = _refined(precise, rough)
        if exact is not None:
            keys.append([float(value) for value in exact])
            found.append(_orbit(dynamics, period, exact))
    reason = f"a numerical search: {converged} of {starts} starts converged, and {len(found)} orbits are listed"
    if along_continua:
        shown = min(along_continua, MOST_ALONG_CONTINUA)
        reason += f"; {along_continua} starts led to orbits that are not isolated, of which {shown} are listed"
    return Orbits(period, tuple(found), (), False, reason)


def beyond(found: Orbits, orbits: Sequence[Orbit], manifolds: Sequence[Manifold]) -> Orbits:
    """What a search found, together with the known orbits and manifolds, each orbit once; none that lie on a manifold.

    The result keeps the reason of the search, and is not complete.
    """
    known = [_coordinates(orbit) for orbit in orbits if not orbit.integers]
    families = [orbit for orbit in orbits if orbit.integers]
    fresh = [
        orbit
        for orbit in found.orbits
        if not any(_same(_coordinates(orbit), other, found.period) for other in known)
        and not any(_lies_on(orbit, manifold) for manifold in manifolds)
        and not any(_belongs_to(orbit, family) for family in families)
    ]
    return replace(found, orbits=(*orbits, *fresh), manifolds=tuple(manifolds))


def _coordinates(orbit: Orbit) -> Vector:
    return [mp.mpf(point[name].evalf(DIGITS)) for point in orbit.points for name in orbit.map.state]


def _lies_on(orbit: Orbit, manifold: Manifold) -> bool:
    """Whether the equations of a manifold hold at an orbit, up to the digits that are known of it."""
    values = [value for point in orbit.points for value in (point[name] for name in orbit.map.state)]
    at = dict(zip(manifold.variables, values, strict=True))
    return all(abs(equation.subs(at).evalf(DIGITS)) < SAME for equation in manifold.equations)


def _belongs_to(orbit: Orbit, family: Orbit) -> bool:
    """Whether an orbit agrees with a member of a family of fixed points, for the nearest values of its integers."""
    point, expressions = orbit.points[0], dict(family.points[0])
    for integer in family.integers:
        name = next(name for name, value in expressions.items() if integer in value.free_symbols)
        value = expressions[name]
        nearest = ((point[name] - value) / value.diff(integer)).subs(dict.fromkeys(family.integers, 0)).evalf()
        if not nearest.is_number:
            return False
        expressions = {name: value.subs(integer, round(nearest)) for name, value in expressions.items()}
    return all(
        abs((point[name] - value).evalf(DIGITS)) < SAME * (1 + abs(value)) for name, value in expressions.items()
    )


class _Equations:
    """H and its Jacobian in one of mpmath's contexts, as lists of numbers."""

    def __init__(self, dynamics: Map, period: int, context: Any) -> None:
        self.count, self.period = len(dynamics.state), period
        expressions = [*dynamics.step, *jacobian_entries(dynamics)]
        self.evaluate: Callable[[Sequence[Any]], list[Any]] = evaluator(expressions, dynamics.state, context)

    def step(self, point: Vector) -> Vector:
        """The image of one point."""
        return self.evaluate(point)[: self.count]

    def __call__(self, point: Vector) -> tuple[Vector, list[Vector]]:
        n = self.count
        ends = [point[n * k : n * (k + 1)] for k in range(self.period)]
        values: Vector = []
        jacobian: list[Vector] = []
        for index, end in enumerate(ends):
            answer = self.evaluate(end)
            following = (index + 1) % self.period
            values += [image - goal for image, goal in zip(answer[:n], ends[following], strict=True)]
            for row in range(n):
                entries: Vector = [0] * (n * self.period)
                entries[n * index : n * (index + 1)] = answer[n + n * row : 2 * n + n * row]
                entries[n * following + row] -= 1
                jacobian.append(entries)
        return values, jacobian


def _start(draw: random.Random, equations: _Equations, box: list[tuple[float, float]] | None, relaxed: bool) -> Vector:
    """A random start, or if `relaxed` where the map itself takes it, unless it escapes or comes to rest."""
    n, period = equations.count, equations.period
    if box is not None:
        raw: Vector = [draw.uniform(*bounds) for _ in range(period) for bounds in box]
    else:
        size = math.exp(draw.uniform(math.log(SMALLEST), math.log(LARGEST)))
        direction = [draw.gauss(0, 1) for _ in range(n * period)]
        raw = [size * coordinate / math.hypot(*direction) for coordinate in direction]
    if not relaxed:
        return raw
    point = raw[:n]
    try:
        for _ in range(RELAXATION):
            before, point = point, equations.step(point)
            if max(map(abs, point)) > ESCAPED:
                return raw
    except (ArithmeticError, ValueError, TypeError):
        return raw
    if period == 1:
        return point
    pair = [*before, *point]
    return pair if _distance(pair, n) > APART * (1 + max(map(abs, pair))) else raw


def _newton(equations: _Equations, point: Vector) -> Vector | None:
    """Where the deflated steps lead in floating point, None if they do not converge."""
    n, period = equations.count, equations.period
    residual = math.inf
    for _ in range(STEPS):
        try:
            values, jacobian = equations(point)
            scale = 1 + max(map(abs, point))
            residual = max(map(abs, values)) / scale
            if residual < FOUND:
                return point if period == 1 or _distance(point, n) > APART * scale else None
            step = _step(values, jacobian, damping=min(1.0, residual) ** 2)
        except (ArithmeticError, ValueError, TypeError):  # left the domain, grew out of range, or met a complex value
            return None
        if period == 2:
            apart = [a - b for a, b in zip(point[:n], point[n:], strict=True)]
            turned = [a - b for a, b in zip(step[:n], step[n:], strict=True)]
            slope = sum(a * b for a, b in zip(apart, turned, strict=True)) / (sum(a * a for a in apart) or 1.0)
            deflated = 1 - slope if abs(1 - slope) > 0.1 else math.copysign(0.1, 1 - slope)
            step = [value / deflated for value in step]
        longest = max(map(abs, step))
        shrink = min(1.0, scale / longest) if longest else 1.0
        point = [value + shrink * change for value, change in zip(point, step, strict=True)]
    return None


def _refined(equations: _Equations, point: Vector) -> Vector | None:
    """The orbit to 30 digits, None if the steps stop converging."""
    with mp.workdps(WORKING_DIGITS):
        precise = [mp.mpf(value) for value in point]
        for _ in range(REFINEMENTS):
            try:
                values, jacobian = equations(precise)
                residual = max(map(abs, values)) / (1 + max(map(abs, precise)))
                if residual < mp.mpf(10) ** (3 - WORKING_DIGITS):
                    break
                step = _step(values, jacobian, damping=residual**2)
            except (ArithmeticError, ValueError, TypeError):
                return None
            precise = [value + change for value, change in zip(precise, step, strict=True)]
        sharp = residual < mp.mpf(10) ** (-DIGITS)
        apart = equations.period == 1 or _distance(precise, equations.count) > APART * (1 + max(map(abs, precise)))
        return precise if sharp and apart else None


def _step(values: Vector, jacobian: list[Vector], damping: Any) -> Vector:
    """−(JᵀJ + λ)⁻¹ JᵀH, λ the damping relative to the size of J, by elimination with pivots."""
    size = len(values)
    columns = list(zip(*jacobian, strict=True))
    scale = max(max(map(abs, row)) for row in jacobian) ** 2
    table: list[Vector] = []
    for index, column in enumerate(columns):
        normal: Vector = [sum(map(mul, column, other)) for other in columns]
        normal[index] += damping * scale
        table.append([*normal, -sum(map(mul, column, values))])
    _eliminate(table)
    solution: Vector = [0] * size
    for row in reversed(range(size)):
        known = sum(table[row][j] * solution[j] for j in range(row + 1, size))
        solution[row] = (table[row][size] - known) / table[row][row]
    return solution


def _eliminate(table: list[Vector]) -> None:
    """Gaussian elimination with pivots from the column, in place."""
    size = len(table)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(table[row][column]))
        table[column], table[pivot] = table[pivot], table[column]
        for row in range(column + 1, size):
            factor = table[row][column] / table[column][column] if table[row][column] else 0
            if factor:
                table[row] = [a - factor * b for a, b in zip(table[row], table[column], strict=True)]


def _is_singular(jacobian: list[Vector]) -> bool:
    """Whether the equations are degenerate at an orbit; then it is not isolated, or about to be born or to vanish."""
    table = [list(row) for row in jacobian]
    _eliminate(table)
    pivots = [abs(table[index][index]) for index in range(len(table))]
    return bool(min(pivots) < SINGULAR * max(pivots))


def _distance(point: Vector, count: int) -> Any:
    return max(abs(a - b) for a, b in zip(point[:count], point[count:], strict=True))


def _same(point: Vector, other: Vector, period: int) -> bool:
    """Whether two orbits agree, up to the exchange of the points."""
    half = len(point) // period
    tolerance = SAME * (1 + max(map(abs, other)))
    exchanged = [*other[half:], *other[:half]]
    return any(max(abs(a - b) for a, b in zip(point, known, strict=True)) < tolerance for known in (other, exchanged))


def _orbit(dynamics: Map, period: int, point: Vector) -> Orbit:
    n = len(dynamics.state)
    negligible = max(map(abs, point)) * mp.mpf(10) ** (-DIGITS)
    values = [Float(value if abs(value) > negligible else 0, DIGITS) for value in point]
    points = (dict(zip(dynamics.state, values[n * k : n * (k + 1)], strict=True)) for k in range(period))
    return Orbit(dynamics, tuple(points), None)
