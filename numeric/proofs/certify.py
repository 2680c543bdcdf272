"""Proofs that a fixed point or a two-cycle exists, is the only one in a stated box, and is stable or unstable.

The points x₀, … of an orbit are a zero of the equations xᵢ₊₁ − F(xᵢ), all points at once: for a two-cycle the pair φ −
F(θ), θ − F(φ), never the composed map. `numeric.proofs.krawczyk` proves that they have exactly one zero in a box around
the given points; that the two points of a cycle differ is proved by their enclosures. The multipliers are the
eigenvalues of DF(φ) DF(θ) over the enclosures (`numeric.proofs.multipliers`): stable if all lie inside the unit circle,
unstable if one lies outside.

On a manifold of fixed points the equations have no isolated zero. Given r equations f = 0 of the manifold,
`eos_sym.orbits.neutral` proves symbolically that every solution is a fixed point; a single equation it finds itself, as
a common factor of F − id. Then r transversal coordinates are certified with the other n − r held constant: the manifold
meets a box once for these constants, it has dimension n − r there, and n − r multipliers are exactly 1. The others are
the eigenvalues of C = Df DF Dfᵀ (Df Dfᵀ)⁻¹, since Df DF = C Df: F keeps the manifold. That there are no fixed points in
the box besides, where other factors of F − id vanish, is a second proof, with the zeros of M(F − id), M ≈ Df, for those
of f: its derivative M(DF − 1) is regular where no eigenvalue of C is 1.

All numbers are exact: rational parameters are what they are, and floats the rationals that they are.
Errors: `BadInput` for points that do not fit the map or parameters without values. What cannot be proved comes back as
a certificate with the status ``undecided`` and the reason. That includes, on purpose, orbits whose verdict hangs on a
multiplier within 10⁻¹⁰ of the unit circle, and so on the last digits of the parameters; and continua of two-cycles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from flint import arb, arb_mat, ctx
from mpmath import iv
from mpmath.libmp import prec_to_dps
from sympy import Expr, Float, Integer, Matrix, Rational, Symbol, diff, floor

from eos_sym.algebra import evaluator, interval_digits, to_ball, to_interval
from eos_sym.errors import BadInput, Undecided
from eos_sym.orbits import common_factors, displacement, prove_fixed
from eos_sym.rules import Map
from eos_sym.values import Values, named
from numeric.proofs.krawczyk import Interval, unique_zero
from numeric.proofs.multipliers import Enclosure, enclose_eigenvalues, verdict

LEAST_DECIMALS, GUARD_DIGITS = 30, 20

Function = Callable[[Sequence[arb]], list[arb]]
Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Certificate:
    """What is proved of an orbit; `status` is ``proved`` only if all of it is, or else ``undecided`` with the `reason`.

    The orbit is the only one in `box`, an interval for every coordinate of every point, and lies in `points`, which are
    tighter. Coordinates along a manifold of fixed points are held constant: their intervals are single numbers. Of the
    multipliers, `neutral` ones are exactly 1 because of the manifold, and `multipliers` encloses the others. All of
    these are empty if existence is not proved, and `box` is if uniqueness is not.
    """

    status: str
    reason: str
    box: tuple[Mapping[Symbol, Interval], ...] = ()
    points: tuple[Mapping[Symbol, Interval], ...] = ()
    neutral: int = 0
    multipliers: tuple[Enclosure, ...] = ()
    verdict: str = "undecided"


def certify(
    dynamics: Map,
    points: Sequence[Values],
    at: Values,
    equations: Sequence[Expr] = (),
) -> Certificate:
    """The certificate for a fixed point, one point, or a two-cycle, two points, near the given ones.

    `at` gives the parameters their values, exactly. `equations` are those of a manifold of fixed points, if it is
    known, such as the equations of the minima of the loss.
    """
    at = named("the parameters of the map", dynamics.parameters, at)
    coordinates = [_coordinates(dynamics, named("a point", dynamics.state, point)) for point in points]
    if len(points) not in (1, 2):
        raise BadInput(f"an orbit of {len(points)} points; only periods 1 and 2 are certified")
    digits = max([LEAST_DECIMALS, *(_digits(value) for point in coordinates for value in point)])
    with interval_digits(digits + GUARD_DIGITS), ctx.workdps(digits + GUARD_DIGITS):
        decimals = [[_decimal(value, digits) for value in point] for point in coordinates]
        proof = _Proof(dynamics, at, Rational(1, 10 ** (digits - 5)))
        try:
            return proof.isolated(decimals)
        except Undecided as isolated:
            if len(points) == 2:
                return Certificate("undecided", str(isolated))
            try:
                return proof.on_manifold(decimals[0], equations)
            except Undecided as neutral:
                return Certificate("undecided", f"{isolated}; {neutral}")


@dataclass(frozen=True)
class _Proof:
    """The proofs about one map at given parameters, at the working precision of both interval libraries."""

    dynamics: Map
    at: Mapping[Symbol, Expr]
    least_radius: Rational

    def isolated(self, points: list[list[Rational]]) -> Certificate:
        """The certificate of an orbit at which the equations of its points are regular."""
        step, derivative = self._function(self.dynamics.step), self._function(list(self.dynamics.jacobian))
        size, period = len(self.dynamics.state), len(points)

        def values(box: Sequence[arb]) -> list[arb]:
            orbit = _by_points(box, size)
            following = [coordinate for point in orbit[1:] + orbit[:1] for coordinate in point]
            images = [coordinate for point in orbit for coordinate in step(point)]
            return [coordinate - image for coordinate, image in zip(following, images, strict=True)]

        def jacobian(box: Sequence[arb]) -> arb_mat:
            matrix = arb_mat(size * period, size * period)
            for index, point in enumerate(_by_points(box, size)):
                for place, entry in enumerate(derivative(point)):
                    matrix[size * index + place // size, size * index + place % size] -= entry
                for row in range(size):
                    matrix[size * index + row, size * ((index + 1) % period) + row] += 1
            return matrix

        flat = [coordinate for point in points for coordinate in point]
        box, enclosure = unique_zero(values, jacobian, flat, self.least_radius)
        orbit = _by_points(enclosure, size)
        if period == 2 and all(first.overlaps(second) for first, second in zip(*orbit, strict=True)):
            raise Undecided("the two points of the cycle are not proved to differ")
        product = arb_mat(size, size, derivative(orbit[0]))
        for point in orbit[1:]:
            product = arb_mat(size, size, derivative(point)) * product
        intervals = [Interval.around(coordinate) for coordinate in enclosure]
        return self._certificate(_by_points(box, size), _by_points(intervals, size), product, period)

    def on_manifold(self, point: list[Rational], equations: Sequence[Expr]) -> Certificate:
        """The certificate of a fixed point at which a manifold of fixed points is regular."""
        state = self.dynamics.state
        middle = [Interval(coordinate, coordinate).ball for coordinate in point]
        if equations:
            prove_fixed(self.dynamics, equations)
        else:
            equations = self._nearest_factor(middle)
        residual = self._function(equations)
        slopes = self._function(list(Matrix(equations).jacobian(state)))
        shape = (len(equations), len(state))
        free = _pivots(arb_mat(*shape, slopes(middle)))

        def on(free_coordinates: Sequence[arb]) -> list[arb]:
            box = list(middle)
            for place, coordinate in zip(free, free_coordinates, strict=True):
                box[place] = coordinate
            return box

        def jacobian(box: Sequence[arb]) -> arb_mat:
            matrix = arb_mat(*shape, slopes(on(box)))
            return arb_mat(shape[0], shape[0], [matrix[row, place] for row in range(shape[0]) for place in free])

        _, enclosure = unique_zero(
            lambda box: residual(on(box)), jacobian, [point[place] for place in free], self.least_radius
        )
        whole = on(enclosure)
        self._function([1 / denominator for _, denominator in displacement(self.dynamics)])(whole)  # none is 0
        across = arb_mat(*shape, slopes(whole))
        derivative = self._derivative(whole)
        try:
            gram = (across * across.transpose()).inv()
        except ZeroDivisionError as error:
            raise Undecided("the equations of the manifold of fixed points are not independent") from error
        passage = across * derivative * across.transpose() * gram
        points = [Interval(coordinate, coordinate) for coordinate in point]
        for place, tight in zip(free, enclosure, strict=True):
            points[place] = Interval.around(tight)
        try:
            box = self._only_fixed_point(point, free, on, across.mid(), enclosure)
        except Undecided as reason:
            certificate = self._certificate([], [points], passage, 1)
            why = f"a fixed point exists, but is not proved to be the only one so near: {reason}"
            return replace(certificate, status="undecided", reason=why, verdict="undecided")
        return self._certificate([box], [points], passage, 1)

    def _only_fixed_point(
        self,
        point: Sequence[Rational],
        free: Sequence[int],
        on: Callable[[Sequence[arb]], list[arb]],
        across: arb_mat,
        enclosure: Sequence[arb],
    ) -> list[Interval]:
        """A box around the point, all but the free coordinates held constant, without fixed points but the enclosed."""
        step, size = self._function(self.dynamics.step), len(point)
        identity = arb_mat([[int(row == column) for column in range(size)] for row in range(size)])

        def values(box: Sequence[arb]) -> list[arb]:
            moved = [[image - start] for image, start in zip(step(on(box)), on(box), strict=True)]
            return list((across * arb_mat(moved)).entries())

        def jacobian(box: Sequence[arb]) -> arb_mat:
            change = across * (self._derivative(on(box)) - identity)
            return arb_mat([[change[row, place] for place in free] for row in range(len(free))])

        found, _ = unique_zero(values, jacobian, [point[place] for place in free], self.least_radius)
        if not all(interval.encloses(tight) for interval, tight in zip(found, enclosure, strict=True)):
            raise Undecided("the box in which there is at most one does not reach it; give a point nearer to it")
        box = [Interval(coordinate, coordinate) for coordinate in point]
        for place, interval in zip(free, found, strict=True):
            box[place] = interval
        return box

    def _derivative(self, box: Sequence[arb]) -> arb_mat:
        size = len(self.dynamics.state)
        return arb_mat(size, size, self._function(list(self.dynamics.jacobian))(box))

    def _nearest_factor(self, middle: Sequence[arb]) -> list[Expr]:
        """The common factor of F − id whose Newton step from there, f/‖Df‖, is the shortest."""
        factors = common_factors(self.dynamics)
        if not factors:
            raise Undecided("no equation of a manifold of fixed points was found")

        def distance(factor: Expr) -> float:
            value, *slope = self._function([factor, *(diff(factor, name) for name in self.dynamics.state)])(middle)
            steepness = math.hypot(*(float(part.mid()) for part in slope))
            return abs(float(value.mid())) / steepness if steepness else math.inf

        return [min(factors, key=distance)]

    def _certificate(
        self, box: Sequence[Sequence[Interval]], points: Sequence[Sequence[Interval]], passage: arb_mat, period: int
    ) -> Certificate:
        state, jacobian = self.dynamics.state, self.dynamics.jacobian
        symmetric = period == 1 and jacobian == jacobian.T
        multipliers = enclose_eigenvalues(passage, symmetric=symmetric)
        answer = verdict(multipliers)
        reason = (
            "" if answer != "undecided" else "the orbit exists; a multiplier is too close to the unit circle to tell"
        )
        return Certificate(
            "undecided" if reason else "proved",
            reason,
            tuple(dict(zip(state, coordinates, strict=True)) for coordinates in box),
            tuple(dict(zip(state, coordinates, strict=True)) for coordinates in points),
            len(state) - passage.nrows(),
            multipliers,
            answer,
        )

    def _function(self, expressions: Sequence[Expr]) -> Function:
        """The expressions on boxes of the state, at the given parameters."""
        evaluate = evaluator(list(expressions), (*self.dynamics.state, *self.at), iv)
        parameters = evaluator(list(self.at.values()), (), iv)(())
        return lambda box: [to_ball(value) for value in evaluate([*map(to_interval, box), *parameters])]


def _by_points(coordinates: Sequence[Entry], size: int) -> list[list[Entry]]:
    """All coordinates of an orbit in a row, divided into points of that size."""
    return [list(coordinates[start : start + size]) for start in range(0, len(coordinates), size)]


def _pivots(matrix: arb_mat) -> list[int]:
    """The columns, one for each row, that Gaussian elimination with full pivoting divides by."""
    rows = [[float(entry.mid()) for entry in row] for row in matrix.tolist()]
    columns: list[int] = []
    while rows:
        pivot, row, column = max(
            (abs(value), row, column) for row, entries in enumerate(rows) for column, value in enumerate(entries)
        )
        if pivot == 0:
            raise Undecided("the equations of the manifold of fixed points are not independent")
        chosen = rows.pop(row)
        columns.append(column)
        rows = [
            [a - b * entries[column] / chosen[column] for a, b in zip(entries, chosen, strict=True)] for entries in rows
        ]
        for entries in rows:
            entries[column] = 0.0
    return columns


def _coordinates(dynamics: Map, point: Mapping[Symbol, Expr]) -> list[Expr]:
    missing = [str(variable) for variable in dynamics.state if variable not in point]
    if missing:
        raise BadInput(f"{', '.join(missing)}: missing in a point of the orbit")
    values = [Integer(0) + point[variable] for variable in dynamics.state]
    for variable, value in zip(dynamics.state, values, strict=True):
        if not (value.is_number and value.is_real):
            raise BadInput(f"{variable} = {value}: not a real number; give the points of the orbit as numbers")
    return values


def _digits(value: Expr) -> int:
    """How many digits the number was given with; exact ones count as many as are needed at least."""
    return max([0, *(int(prec_to_dps(number._prec)) for number in value.atoms(Float))])


def _decimal(value: Expr, digits: int) -> Rational:
    """The number to so many decimals."""
    scale = Integer(10) ** digits
    return floor(value * scale + Rational(1, 2)) / scale
