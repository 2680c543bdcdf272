"""Families of orbits of a map that is periodic in some of its state: F(θ + T) = F(θ) + T, as for L = 1 − cos x.

An orbit shifted by whole periods, all of its points by the same, is an orbit with the same multipliers: one of them
stands for all, θ + kT for every integer k. Its points may lie in different cells of the lattice of the shifts; one that
is moved by a period in every step is no orbit of this map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from mpmath import mp
from sympy import Expr, Symbol

from eos_sym.algebra import period
from eos_sym.orbits.orbit import Orbit
from eos_sym.rules import Map

DIGITS = 70
Vector = list[Any]


def shifts(dynamics: Map) -> dict[Symbol, Expr]:
    """{state variable: T} for those in whose direction the displacement F − id is known to be periodic."""
    moved = [step - name for name, step in dynamics.substitution.items()]
    found = {name: period(moved, name) for name in dynamics.state}
    return {name: shift for name, shift in found.items() if shift is not None}


def family(orbit: Orbit, periods: Mapping[Symbol, Expr]) -> Orbit:
    """The orbit and all that it becomes by shifts, with an integer symbol for every period."""
    taken = {symbol.name for symbol in (*orbit.map.state, *orbit.map.parameters)}
    names = (name for number in count() if (name := f"k{number}" if number else "k") not in taken)
    moves = {variable: Symbol(next(names), integer=True) * shift for variable, shift in periods.items()}
    points = tuple({name: value + moves.get(name, 0) for name, value in point.items()} for point in orbit.points)
    return replace(orbit, points=points) if moves else orbit


class Lattice:
    """The shifts of orbits given as rows of numbers, the points one after the other."""

    def __init__(self, dynamics: Map) -> None:
        self.periods = shifts(dynamics)
        self.count = len(dynamics.state)
        with mp.workdps(DIGITS):
            self._steps = [(dynamics.state.index(name), mp.mpf(T.evalf(DIGITS))) for name, T in self.periods.items()]

    def near(self, row: Vector, other: Vector | None = None) -> Vector:
        """The row shifted so that its middle is as near as can be to that of another, or to 0."""
        moved = list(row)
        for place, step in self._steps:
            places = range(place, len(row), self.count)
            middle = sum(row[i] - (other[i] if other else 0) for i in places) / len(places)
            shift = round(middle / step) * (step if isinstance(middle, mp.mpf) else float(step))
            for i in places:
                moved[i] = row[i] - shift
        return moved
