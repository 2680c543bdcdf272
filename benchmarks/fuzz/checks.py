"""What the theory says of a problem, compared with floating point; each check yields what it finds wrong, in a line.

    derivatives     gradient and Hessian against differences of the text's own values, in 60 digits
    minima          gradient and loss on every piece; no descent ends below global ones, and at no proper minimum that
                    is not listed among local ones
    step sizes      at 0.99 and 1.01 of the critical step size the largest multiplier is below 1 and above
    orbits          fixed points and two-cycles are zeros, their verdicts are those of the multipliers; where they are
                    said to be complete, every regular zero that Newton's method finds is listed

`Undecided` is an answer; every other exception of the theory is a finding.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
from mpmath import mpf, workdps
from sympy import Expr, Rational, Symbol, oo

from benchmarks.fuzz.losses import RandomProblem
from benchmarks.fuzz.numbers import descents, regular_zeros, same
from benchmarks.fuzz.texts import DIGITS, NAMES, POINTS, value
from eos_sym import GradientDescent, Map, Objective, Undecided
from eos_sym.losses import Piece
from eos_sym.orbits import Manifold, Orbit, Orbits, fixed_points, two_cycles
from eos_sym.orbits.orbit import with_values
from eos_sym.rules import RULES
from eos_sym.stability import critical_step_size
from numeric import CompilationError, compile_function
from numeric.compile import Array

PLACES = ("1/2", "-1/3", "2", "7/10", "-3/2")
SMALL, NEAR_ONE = 1e-6, 1e-5
STEP = mpf(2) ** -50  # of differences
Findings = Iterator[str]
Compiled = Callable[..., list[Array]]


def findings(problem: RandomProblem) -> Findings:
    """Everything wrong with what is said of the problem."""
    objective = Objective.from_text(problem.loss, problem.weights)
    dynamics = RULES[problem.rule].map(objective)
    at = {symbol: Rational(problem.at[symbol.name]) for symbol in dynamics.parameters}
    dynamics = with_values(dynamics, at)
    checks: dict[str, Callable[[], Findings]] = {
        "derivatives": partial(derivatives, problem.loss, objective),
        "minima": partial(minima, objective),
        "critical step size": partial(step_sizes, objective),
        "fixed points": partial(orbits, dynamics, fixed_points, 1),
        "two-cycles": partial(orbits, dynamics, two_cycles, 2),
    }
    for name, check in checks.items():
        try:
            yield from (f"{name}: {finding}" for finding in check())
        except (Undecided, CompilationError):
            continue
        except Exception as error:  # the theory's own: what else there is, the check of every other loss would show
            place = traceback.extract_tb(error.__traceback__)[-1]
            text = " ".join(str(error).split())[:150]
            yield f"{name}: {type(error).__name__} at {place.filename.rsplit('/', 1)[-1]}:{place.lineno}: {text}"


def derivatives(text: str, objective: Objective) -> Findings:
    """Gradient and Hessian at some points against differences."""
    places = [NAMES.index(weight.name) for weight in objective.weights]
    derived: dict[tuple[int, ...], Expr] = {
        (place,): slope for place, slope in zip(places, objective.gradient, strict=True)
    }
    derived |= dict(zip(product(places, places), objective.hessian, strict=True))
    for point in POINTS:
        at = {symbol: Rational(point[place]) for symbol, place in zip(objective.weights, places, strict=True)}
        for along, expression in derived.items():
            measured, said = difference(text, point, along), expression.evalf(20, subs=at)
            if measured is not None and not abs(measured - mpf(str(said))) <= SMALL**2 * (1 + abs(measured)):
                names = ", ".join(NAMES[place] for place in along)
                yield f"the derivative along {names} at {point} is {float(measured)}, not {said}"


def difference(text: str, point: tuple[float, ...], along: tuple[int, ...]) -> Any:
    """The derivative of what a text says along these places of the point, by central differences; None without one."""
    found = mpf(0)
    with workdps(DIGITS):
        for signs in product((1, -1), repeat=len(along)):
            moved = [mpf(one) for one in point]
            for place, sign in zip(along, signs, strict=True):
                moved[place] += sign * STEP
            if (at := value(text, tuple(moved), DIGITS)) is None:
                return None
            found += prod(signs) * at
        return found / (2 * STEP) ** len(along)


def minima(objective: Objective) -> Findings:
    """The pieces of the minima against descent."""
    found, weights = objective.minima, objective.weights
    samples = [(piece, point) for piece in found.pieces for point in _samples(piece, objective)]
    function = compile_function([objective.loss, *objective.gradient, *objective.hessian], weights)
    for piece, point in samples:
        value, *rest = (float(part) for part in function(*point))
        slope, size = np.array(rest[: len(weights)]), 1 + np.abs(rest[len(weights) :]).max()
        expected = float(piece.value)
        if np.abs(slope).max() > SMALL * size * (1 + np.abs(point).max()):
            yield f"the gradient at {point} of {piece} is {slope}"
        if abs(value - expected) > SMALL * (abs(expected) + size):
            yield f"the loss at {point} of {piece} is {value}, not {expected}"
    known_least = float(found.value) if found.pieces and found.are_global else None
    for end, value in descents(objective.loss, list(objective.gradient), weights):
        second = np.array([float(part) for part in function(*end)[1 + len(weights) :]]).reshape(len(weights), -1)
        if known_least is not None:
            if value < known_least - SMALL * (abs(value) + np.abs(second).max()):
                yield f"the loss at {end} is {value}, below {found.value}"
        elif _is_proper(function, end, second) and not any(_lies_on(end, piece, weights) for piece in found.pieces):
            yield f"a minimum at {end} is not listed"


def _is_proper(function: Compiled, end: Array, second: Array) -> bool:
    """Whether the end of a descent is a minimum: a definite Hessian there, and a short Newton step."""
    eigenvalues = np.linalg.eigvalsh(second)
    if not eigenvalues[0] > NEAR_ONE * eigenvalues[-1] > SMALL:
        return False
    slope = np.array([float(part) for part in function(*end)[1 : len(end) + 1]])
    return bool(np.abs(np.linalg.solve(second, slope)).max() < SMALL * (1 + np.abs(end).max()))


def _lies_on(point: Array, piece: Piece, weights: tuple[Symbol, ...]) -> bool:
    if any(value.free_symbols - {*weights} for value in piece.chart.values()):
        return True  # a family, one for every integer
    at = dict(zip(weights, map(float, point), strict=True))
    misses = {name: abs(complex((value - name).subs(at))) for name, value in piece.chart.items()}
    return all(miss < 1e-4 * (1 + abs(at[name])) for name, miss in misses.items())


def _samples(piece: Piece, objective: Objective) -> Iterator[Array]:
    """Some real points of a piece."""
    integers = {symbol for value in piece.chart.values() for symbol in value.free_symbols} - {*objective.weights}
    for place in PLACES if piece.free else PLACES[:1]:
        chosen: dict[Symbol, Expr] = dict.fromkeys(piece.free, Rational(place)) | dict.fromkeys(integers, Rational(1))
        values = [complex(piece.chart.get(name, name).subs(chosen).evalf(20)) for name in objective.weights]
        if all(abs(value.imag) < SMALL and abs(value) < 1e3 for value in values):
            yield np.array([value.real for value in values])


def step_sizes(objective: Objective) -> Findings:
    """The critical step size of gradient descent at the pieces against the multipliers there."""
    second = compile_function(list(objective.hessian), objective.weights)
    for piece in objective.minima.pieces:
        critical = critical_step_size(GradientDescent(), piece.sharpness(objective.hessian))
        for point in _samples(piece, objective):
            size = len(point)
            top = np.linalg.eigvalsh(np.array([float(part) for part in second(*point)]).reshape(size, size))[-1]
            at = dict(zip(objective.weights, map(float, point), strict=True))
            claimed = 0.0 if critical == oo else 2 / float(critical.subs(at))
            if abs(claimed - top) > 1e-5 * (abs(top) + SMALL):
                yield f"the sharpness at {point} of {piece} is {top}, not {claimed}"


def orbits(dynamics: Map, find: Callable[[Map], Orbits], period: int) -> Findings:
    """A list of orbits against Newton's method and the multipliers."""
    found = find(dynamics)
    once = compile_function(dynamics.step, dynamics.state)
    slopes = compile_function(list(dynamics.jacobian), dynamics.state)
    listed: list[Array] = []
    for orbit in found.orbits:
        points = _points(orbit)
        listed += points
        yield from _wrong_with(orbit, points, once, slopes)
    if not found.complete or any(orbit.integers for orbit in found.orbits):
        return
    after = dynamics.iterate(period)
    for zero in regular_zeros([step - name for name, step in after.substitution.items()], dynamics.state):
        image = np.array([float(part) for part in once(*zero)])
        if period == 2 and same(image, zero):
            continue  # a fixed point
        known = any(np.abs(zero - other).max() < 1e-5 * (1 + np.abs(zero).max()) for other in listed)
        if not known and not any(_is_on(zero, manifold) for manifold in found.manifolds):
            yield f"{zero} is not among {len(found.orbits)}, which are said to be all: {found.reason[:100]}"


def _is_on(point: Array, manifold: Manifold) -> bool:
    """Whether a point satisfies the equations of a manifold, which is of fixed points."""
    at = dict(zip(manifold.variables, map(float, point), strict=False))
    values = [equation.subs(at) for equation in manifold.equations]
    return not any(value.free_symbols or abs(complex(value)) > SMALL * (1 + np.abs(point).max()) for value in values)


def _points(orbit: Orbit) -> list[Array]:
    integers = dict.fromkeys(orbit.integers, 0)
    return [
        np.array([float(point[name].subs(integers).evalf(20)) for name in orbit.map.state]) for point in orbit.points
    ]


def _wrong_with(orbit: Orbit, points: list[Array], once: Compiled, slopes: Compiled) -> Findings:
    product = np.eye(len(points[0]))
    for point, following in zip(points, [*points[1:], points[0]], strict=True):
        slope = np.array([float(part) for part in slopes(*point)]).reshape(len(point), -1)
        miss = np.abs(np.array([float(part) for part in once(*point)]) - following).max()
        if not miss < SMALL * (1 + np.abs(point).max()) * (1 + np.abs(slope).max()):
            yield f"{point} is no orbit: the step misses the next point by {miss}"
            return
        product = slope @ product
    sizes = [abs(value) for value in np.linalg.eigvals(product) if abs(value - 1) > NEAR_ONE]
    largest, verdict = max(sizes, default=1.0), orbit.verdict
    wrong = (verdict == "stable" and largest > 1 + NEAR_ONE) or (verdict == "unstable" and largest < 1 - NEAR_ONE)
    if wrong:
        yield f"{points[0]} is called {verdict}, and its largest multiplier has the size {largest}"
