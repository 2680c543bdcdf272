"""The real solutions of a system of equations, as points and as manifolds with charts.

Finitely many zeros of polynomials with rational coefficients, in the unknowns or in monotone functions of them such as
exp, are algebraic numbers and functions of these (`eos_sym.algebra.solutions.systems`). All other systems are taken
apart by `eos_sym.algebra.solutions.components`, and what is left of a component is solved where it is

    quadratic in some unknown, or in its square      ± square roots, which are real where the radicand is not negative,
    or of two terms                                  and other roots
    such a system, with finitely many zeros          algebraic numbers once more

A chart gives some unknowns as expressions in the `free` ones, and is real near some of their values, which were looked
for on a grid; a curve without smooth real points, such as x² + y⁴ = 0, is its points
(`eos_sym.algebra.solutions.real_points`). It leaves out points where it is undefined; those of them that solve the
equations are in other pieces, or in the closure of this one.

Errors: `Undecided` where an equation has no solution in these terms, or where the parameters decide which it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from sympy import Expr, Pow, Rational, S, Symbol, cancel, log, nan, oo, zoo

from eos_sym.algebra.functions.identities import vanishes
from eos_sym.algebra.functions.inverses import roots_in
from eos_sym.algebra.polynomials.points import points_of
from eos_sym.algebra.solutions.components import Component, components
from eos_sym.algebra.solutions.real_points import RealPart, real_parts
from eos_sym.algebra.solutions.systems import System
from eos_sym.errors import Undecided
from eos_sym.reasons import brief

SAMPLES = tuple(map(Rational, ("1/2", "-1/2", "0", "1", "-1", "2", "-2", "1/10", "-1/10", "10", "-10")))
MOST_SAMPLED = 4  # free unknowns for which all the samples are combined
DIGITS, NEGLIGIBLE = 30, Rational(1, 10**20)  # of values, and of an imaginary part


@dataclass(frozen=True)
class RealZeros:
    """A point, where nothing is free, or a manifold; the coordinates of a point are exact up to the `error`."""

    equations: tuple[Expr, ...]
    chart: Mapping[Symbol, Expr]
    free: tuple[Symbol, ...]
    error: Expr = S.Zero


def real_zeros(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> list[RealZeros]:
    """All real solutions; none if there are none."""
    try:
        return _of_system(System.of(equations, unknowns))
    except Undecided:
        pass  # the rules for components go further in other directions
    parts, exceptions = components(equations, unknowns)
    if exceptions:
        named = brief(exceptions)
        raise Undecided(f"the solutions depend on whether {named} vanishes; give values, or say that they are positive")
    found = [zeros for part in parts for zeros in _of_component(part, unknowns)]
    if len(found) == len(parts) == len(equations) == 1:
        return [replace(found[0], equations=tuple(equations))]
    return found


def _of_system(system: System) -> list[RealZeros]:
    parts = real_parts(system.ideal) if system.ideal.dimension > 0 else [RealPart(system.ideal, None)]
    if any(part.ideal.dimension > 0 and part.is_real is not False for part in parts):
        raise Undecided("the solutions are not isolated")
    zeros = points_of([branch for part in parts if part.ideal.dimension <= 0 for branch in part.ideal.branches()])
    solutions = (system.solution(zero) for zero in zeros)
    return [
        RealZeros(tuple(name - value for name, value in values.items()), values, (), error)
        for values, error in filter(None, solutions)
    ]


def _of_component(part: Component, unknowns: Sequence[Symbol]) -> list[RealZeros]:
    choices = _solved(part.left, part.free)
    if choices is None or 0 < len(part.left) < len(part.free):
        try:
            return _of_system(System.of(part.equations, unknowns, part.nonzero))
        except Undecided as reason:
            if choices is None:
                raise Undecided(f"{brief(part.left)} = 0 is not solved: {reason}") from reason
    found = []
    for choice in choices:
        chart = {name: cancel(value.subs(choice)) for name, value in part.chart.items()} | choice
        free = tuple(name for name in part.free if name not in choice)
        undefined = any(value.has(nan, zoo, oo, -oo) for value in chart.values())
        excluded = undefined or any(vanishes(expression.subs(chart)) for expression in part.nonzero)
        if excluded or not _is_real(chart, free):
            continue
        ordered = {name: chart[name] for name in unknowns if name in chart}
        found.append(RealZeros(part.equations, ordered, free))
    return found


def _solved(equations: Sequence[Expr], free: Sequence[Symbol]) -> list[dict[Symbol, Expr]] | None:
    """What the equations left say of some of the unknowns, each of them of another one; None if they have no roots."""
    options: list[list[dict[Symbol, Expr]]] = []
    for equation in equations:
        own = [name for name in reversed(free) if name in equation.free_symbols]
        if any(other != equation and other.free_symbols & {*own} for other in equations):
            return None
        solved = next(((name, values) for name in own if (values := roots_in(equation, name)) is not None), None)
        if solved is None:
            return None
        options.append([{solved[0]: value} for value in solved[1]])
    return [{name: value for part in choice for name, value in part.items()} for choice in product(*options)]


def _is_real(chart: Mapping[Symbol, Expr], free: Sequence[Symbol]) -> bool:
    """Whether the chart is real somewhere; `Undecided` where that is not known."""
    parts = {part for value in chart.values() for part in value.atoms(Pow, log)}
    roots = {part for part in parts if part.func is log or (part.exp.is_Rational and part.exp.q % 2 == 0)}
    if not roots:
        return True
    if any(root.args[0].is_negative for root in roots):
        return False
    strangers = {symbol for root in roots for symbol in root.free_symbols} - {*free}
    count = len(free) if len(free) <= MOST_SAMPLED else 1
    for sample in product(SAMPLES, repeat=count):
        at = dict(zip(free, sample if count == len(free) else sample * len(free), strict=True))
        values = [root.subs(at) for root in roots]
        if all(_real_number(value) and not (free and vanishes(value)) for value in values):
            return True
        if not free:
            break
    if not free and not strangers and not any(map(vanishes, values)):
        return False
    raise Undecided(f"{brief(sorted(roots, key=str))}: not known to be real anywhere")


def _real_number(value: Expr) -> bool:
    if value.is_real is not None:
        return bool(value.is_real)
    number = value.evalf(DIGITS)
    return bool(number.is_number and abs(number.as_real_imag()[1]) < NEGLIGIBLE)
