"""The equations that close an orbit, and damped Newton steps towards their zeros.

A fixed point is a zero of H(θ) = D(θ), a two-cycle of H(θ, φ) = (D(θ) + θ − φ, D(φ) + φ − θ), with the displacement
D = F − id: where F nearly is the identity, as on the flat tails of a loss, D keeps its digits. The steps are

    δ = −U (AᵀA + λ)⁻¹ AᵀH',      A = R⁻¹ DH U,  H' = R⁻¹H,

where the diagonal R and U make the largest entries of the rows and then of the columns of A equal to 1: so nothing
depends on the units of the weights or of the loss. They are Newton's where λ = 0 and DH is regular, and lead as fast to
a continuum of zeros, where it is not, if λ vanishes as |H'|² (:cite:t:`levenberg1944method`,
:cite:t:`marquardt1963algorithm`; :cite:t:`yamashita2001rate`).

Errors: an `ArithmeticError`, `ValueError` or `TypeError` where the map is undefined, out of range, or an equation
vanishes with its slopes although it is not 0 = 0, as rounding makes it do on a tail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import mul
from typing import Any

from mpmath import mpc

from eos_sym.algebra import evaluator
from eos_sym.orbits.orbit import jacobian_entries
from eos_sym.rules import Map

FAILURES = (ArithmeticError, ValueError, TypeError)  # left the domain, grew out of range, or met a complex value
SINGULAR, NEARLY = 1e-12, 1e-6  # ratio of pivots
DAMPING = 0.1  # of steps whose residual is as large as its terms
Vector = list[Any]


class Closing:
    """H and its Jacobian in one of mpmath's contexts, as lists of numbers; the points of an orbit stand in a row."""

    def __init__(self, dynamics: Map, period: int, context: Any) -> None:
        self.count, self.period = len(dynamics.state), period
        moved = tuple(step - name for name, step in dynamics.substitution.items())
        entries = jacobian_entries(Map(dynamics.state, dynamics.parameters, moved))
        self.trivial = [period == 1 and moved[place] == 0 for place in range(self.count)] * period
        self._evaluate: Callable[[Sequence[Any]], list[Any]] = evaluator([*moved, *entries], dynamics.state, context)

    def image(self, point: Vector) -> Vector:
        """Where the map takes one point."""
        return [value + change for value, change in zip(point, self._at(point)[: self.count], strict=True)]

    def _at(self, point: Vector) -> Vector:
        """How far the map moves the point, and the slopes of that; beyond the domain mpmath's values are complex."""
        found = self._evaluate(point)
        if any(isinstance(value, complex | mpc) for value in found):
            raise ValueError("the map has no real value")
        return found

    def __call__(self, orbit: Vector) -> tuple[Vector, list[Vector]]:
        """H and J."""
        n = self.count
        ends = [orbit[n * k : n * (k + 1)] for k in range(self.period)]
        values: Vector = []
        jacobian: list[Vector] = []
        for index, end in enumerate(ends):
            answer = self._at(end)
            following = (index + 1) % self.period
            values += [moved + (here - there) for moved, here, there in zip(answer, end, ends[following], strict=False)]
            for row in range(n):
                entries: Vector = [0] * (n * self.period)
                entries[n * index : n * (index + 1)] = answer[n + n * row : 2 * n + n * row]
                if self.period == 2:
                    entries[n * index + row] += 1
                    entries[n * following + row] -= 1
                jacobian.append(entries)
        return values, jacobian

    def step(self, orbit: Vector, units: Vector, least: float) -> tuple[Vector, list[Vector]]:
        """δ in the given units of the coordinates, and A; λ is the least one or larger."""
        values, jacobian = self(orbit)
        table, right = [], []
        for value, slopes, trivial in zip(values, jacobian, self.trivial, strict=True):
            row = [slope * unit for slope, unit in zip(slopes, units, strict=True)]
            height = 1 if trivial else largest(row)
            table.append([entry / height for entry in row])
            right.append(value / height)
        widths = [largest(column) or 1 for column in zip(*table, strict=True)]
        table = [[entry / width for entry, width in zip(row, widths, strict=True)] for row in table]
        damping = max(min(1, largest(right)) ** 2 * DAMPING, least)
        columns = list(zip(*table, strict=True))
        normal = [[sum(map(mul, column, other)) for other in columns[place:]] for place, column in enumerate(columns)]
        for row, column in zip(normal, columns, strict=True):
            row[0] += damping
            row.append(-sum(map(mul, column, right)))
        return [change / width for change, width in zip(_solved(normal), widths, strict=True)], table

    def is_singular(self, orbit: Vector, units: Vector) -> bool:
        """Whether the equations are degenerate at an orbit that is known in floating point."""
        try:
            return is_singular(self.step(orbit, units, 1)[1], NEARLY)
        except FAILURES:
            return True

    def apart(self, orbit: Vector) -> Any:
        """The distance of the points of a two-cycle."""
        return largest(a - b for a, b in zip(orbit[: self.count], orbit[self.count :], strict=True))


def is_singular(table: list[Vector], ratio: float = SINGULAR) -> bool:
    """Whether the rows are linearly dependent; then an orbit is not isolated, or about to be born or to vanish."""
    copy = [list(row) for row in table]
    _eliminate(copy)
    pivots = [abs(copy[index][index]) for index in range(len(copy))]
    return bool(min(pivots) <= ratio * max(pivots))


def largest(values: Any) -> Any:
    """The maximum norm."""
    return max(map(abs, values))


def _solved(rows: list[Vector]) -> Vector:
    """The solution of a positive definite system: the rows begin at the diagonal and end with the right side."""
    size = len(rows)
    for place, row in enumerate(rows):
        for below in range(1, size - place):
            factor = row[below] / row[0]
            if factor:
                later = rows[place + below]
                rows[place + below] = [a - factor * b for a, b in zip(later, row[below:], strict=True)]
    solution: Vector = []
    for row in reversed(rows):
        solution.insert(0, (row[-1] - sum(map(mul, row[1:-1], solution))) / row[0])
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
