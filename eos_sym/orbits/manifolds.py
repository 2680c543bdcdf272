"""All orbits of one period together: isolated ones, and manifolds of them.

A manifold of fixed points, such as the minima xyzw = 1, or a continuum of two-cycles, such as those of a loss with a
circle of minima, is given by equations; its tangent space at a point is the kernel of their Jacobian.

Errors: `BadInput` for a point that is not on the manifold; `Undecided` where the manifold is singular, or not solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, ImmutableMatrix, Matrix, Symbol, simplify

from eos_sym.algebra import vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.notebook import aligned, shown
from eos_sym.orbits.orbit import Orbit
from eos_sym.rules import Map
from eos_sym.stability import StabilityCondition, stability_across, stability_on
from eos_sym.values import Values, named


@dataclass(frozen=True)
class Manifold:
    """Infinitely many orbits of the same period: the solutions of `equations` in the `variables`.

    For fixed points the variables are the state; for two-cycles the state and, after it, the second point. `dimension`
    is that of the set of complex solutions. `sample` is a real one at which they are smooth, so that the real solutions
    near it are a manifold of that dimension too, or None if none was found. `chart` gives some of the variables as
    expressions in the others, where the equations could be solved, and is empty otherwise. They are orbits where the
    expressions in `where` are positive. Without equations all that is known is the sample, and that numbers tell of
    others beside it.
    """

    map: Map
    variables: tuple[Symbol, ...]
    equations: tuple[Expr, ...]
    dimension: int
    chart: Mapping[Symbol, Expr]
    sample: Mapping[Symbol, Expr] | None
    where: tuple[Expr, ...] = ()

    @property
    def status(self) -> str:
        """``proved`` if there are real ones, ``numerical`` if only numbers tell that, ``undecided`` if nothing does."""
        if not self.equations:
            return "numerical"
        return "undecided" if self.sample is None else "proved"

    def _repr_latex_(self) -> str:
        return aligned((equation, "=", "0") for equation in self.equations)

    def tangent(self, point: Values) -> list[ImmutableMatrix]:
        """A basis of the tangent space at an exact point of the manifold: the kernel of the equations' Jacobian."""
        point = named("the point", self.variables, point)
        if not self.contains(point):
            raise BadInput("the tangent is asked for at a point that is not on the manifold")
        jacobian = Matrix(self.equations).jacobian(self.variables).subs(point)
        basis = [ImmutableMatrix(vector) for vector in jacobian.applyfunc(simplify).nullspace(iszerofunc=vanishes)]
        if len(basis) != self.dimension:
            raise Undecided("the manifold is singular at this point: the equations' Jacobian has a lower rank there")
        return basis

    def contains(self, values: Mapping[Symbol, Expr]) -> bool:
        """Whether the equations are known to hold at exact values of the variables."""
        try:
            return bool(self.equations) and all(vanishes(equation.subs(values)) for equation in self.equations)
        except Undecided:
            return False

    @cached_property
    def stability(self) -> StabilityCondition:
        """The condition to be stable across the manifold: in a chart of fixed points, or where the equations hold."""
        if not self.equations:
            raise Undecided("a continuum that only numbers tell of has no equations to derive its stability from")
        there, back = self.variables[: len(self.map.state)], self.variables[len(self.map.state) :]
        if back:
            second = self.map.jacobian.subs(dict(zip(there, back, strict=True)), simultaneous=True)
            return stability_on(second * self.map.jacobian, self.equations, self.variables, self.dimension)
        if len(self.variables) - len(self.chart) == self.dimension:
            return stability_across(self.map, self.chart)
        return stability_on(self.map.jacobian, self.equations, self.variables, self.dimension)


@dataclass(frozen=True)
class Orbits:
    """The orbits of one period: the isolated real ones, and the manifolds of them.

    `complete` says that there are no others, and how that is known is in `reason`; if it is false, the reason is what
    stood in the way. `count` is the number of different isolated orbits, complex ones included, or None where only real
    solutions were looked for.
    """

    period: int
    orbits: tuple[Orbit, ...]
    manifolds: tuple[Manifold, ...]
    complete: bool
    reason: str
    count: int | None = None

    def _repr_latex_(self) -> str:
        isolated = [orbit.formula for orbit in self.orbits]
        continuous = [
            r",\ ".join(f"{shown(equation)} = 0" for equation in part.equations) or r"\text{a continuum}"
            for part in self.manifolds
        ]
        rows = [("", "", formula) for formula in (*isolated, *continuous)]
        return aligned(rows or [("", "", r"\text{none}")])
