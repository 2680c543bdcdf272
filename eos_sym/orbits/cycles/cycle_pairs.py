"""The two-cycles of a polynomial or rational map without parameters as zeros of the ideal of its pairs, counted.

If the map has finitely many complex points of period 1 and 2, the quotient ring of ⟨φ − F(θ), θ − F(φ)⟩ has as many
dimensions as there are, with multiplicity; those with φ = θ are told apart exactly. If not, as on a manifold of minima,
or if there are denominators that must not vanish, the pairs whose first moving coordinate is the i-th are one ideal for
every i (`eos_sym.orbits.orbit.two_cycle_ideals`).
Every two-cycle is two zeros, (θ, φ) and (φ, θ), of which the one in ascending order is kept.

A part of positive dimension with a smooth real point is a continuum of two-cycles
(`eos_sym.algebra.solutions.real_points`); one that is another with (θ, φ) for (φ, θ) is the same, and one that is
proved not to be real is not listed. A zero elsewhere that solves its equations lies in its closure, as the cycles on an
axis do for a continuum that was found off that axis, and is not listed a second time.

Errors: `Undecided` where a Gröbner basis or a quotient exceeds its bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr, Mul, Symbol

from eos_sym.algebra import AlgebraicPoint, Ideal, RealPart, irreducible_factors, points_of, pure_parts, real_parts
from eos_sym.algebra.polynomials.pure_parts import without_last
from eos_sym.errors import Undecided
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.orbit import Orbit
from eos_sym.reasons import counted
from eos_sym.rules import Map


def of_finitely_many(dynamics: Map, partner: tuple[Symbol, ...], whole: Ideal) -> Orbits:
    """The two-cycles of a polynomial map with finitely many complex points of period 1 and 2."""
    differences = [whole.polynomial(second - first) for first, second in zip(dynamics.state, partner, strict=True)]
    orbits, moving, fixed = [], 0, 0
    for zero in points_of(whole.branches()):
        moved = next((i for i, difference in enumerate(differences) if not zero.vanishes(difference)), None)
        if moved is None:
            fixed += 1
            continue
        moving += 1
        if _is_first(zero, dynamics.state[moved], partner[moved]):
            orbits.append(_orbit(dynamics, zero, partner))
    total = len(whole.standard_monomials)
    reason = (
        f"{counted(moving // 2, 'complex two-cycle')} and {counted(fixed, 'fixed point')}: "
        f"{counted(moving + fixed, 'point')}, and {total} with "
        "multiplicity by the dimension of the quotient ring"
    )
    return Orbits(2, tuple(orbits), (), True, reason, moving // 2)


def of_moving_pairs(dynamics: Map, partner: tuple[Symbol, ...], moving: Sequence[Ideal]) -> Orbits:
    """The two-cycles of a map with infinitely many points of period 1 or 2, or with denominators."""
    orbits: list[Orbit] = []
    manifolds: list[Manifold] = []
    isolated = multiple = 0
    for ideal, first, second in zip(moving, dynamics.state, partner, strict=True):
        finite = []
        before = tuple(manifolds)
        for part in real_parts(ideal):
            if part.ideal.dimension <= 0:
                finite.append(part.ideal)
            elif part.is_real is not False and not (
                _is_covered(part.ideal, before) or any(_is_covered(part.ideal, (_exchanged(m),)) for m in manifolds)
            ):
                manifolds.append(_continuum(dynamics, part, partner))
        continua = [manifold for manifold in manifolds if manifold.sample is not None]
        continua += [_exchanged(manifold) for manifold in continua]
        zeros = (zero for zero in points_of(finite) if _is_first(zero, first, second))
        orbits += [_orbit(dynamics, z, partner) for z in zeros if not any(_lies_on(z, m) for m in continua)]
        isolated += _count_isolated(ideal)
        multiple += len(ideal.standard_monomials) if ideal.dimension <= 0 else 0
    found = counted(isolated // 2, "isolated complex two-cycle")
    if any(ideal.dimension > 0 for ideal in moving):
        reason = f"{found}, and continua of them; the system was split into parts without loss of solutions"
    else:
        reason = f"{found}, {multiple // 2} with multiplicity: half the dimension of the quotient ring"
    return Orbits(2, tuple(orbits), tuple(manifolds), True, reason, isolated // 2)


def _count_isolated(ideal: Ideal) -> int:
    """How many zeros, complex ones included, lie on no continuum."""
    parts = list(pure_parts(ideal))
    continua = [part.basis for part in parts if part.dimension > 0]
    zeros = points_of([part for part in parts if part.dimension <= 0])
    return sum(not any(all(map(zero.vanishes, basis)) for basis in continua) for zero in zeros)


def _is_first(zero: AlgebraicPoint, first: Symbol, second: Symbol) -> bool:
    """Whether a real pair has its points in ascending order; each two-cycle is two solutions, and this picks one."""
    if not zero.is_real:
        return False
    balls = dict(zip(zero.variables, zero.enclosure, strict=True))
    difference = balls[second].real - balls[first].real
    if not (difference > 0 or difference < 0):
        raise Undecided("two points of a cycle are so close that they could not be told apart")
    return bool(difference > 0)


def _orbit(dynamics: Map, zero: AlgebraicPoint, partner: tuple[Symbol, ...]) -> Orbit:
    values = zero.values((*dynamics.state, *partner))
    points = (
        {v: values[v] for v in dynamics.state},
        {v: values[p] for v, p in zip(dynamics.state, partner, strict=True)},
    )
    return Orbit(dynamics, points, zero.error((*dynamics.state, *partner)))


def _lies_on(zero: AlgebraicPoint, manifold: Manifold) -> bool:
    """Whether a pair solves the equations of a continuum, in whose closure it lies then."""
    ring = Ideal.of((), zero.variables)
    return all(zero.vanishes(ring.polynomial(equation)) for equation in manifold.equations)


def _exchanged(manifold: Manifold) -> Manifold:
    """The continuum of the same two-cycles with their points in the other order."""
    half = len(manifold.variables) // 2
    other = (*manifold.variables[half:], *manifold.variables[:half])
    change = dict(zip(manifold.variables, other, strict=True))
    return replace(manifold, equations=tuple(e.subs(change, simultaneous=True) for e in manifold.equations))


def _is_covered(branch: Ideal, manifolds: Sequence[Manifold]) -> bool:
    """Whether every zero of a branch lies in the closure of some continuum that was found before."""
    if branch.is_everything or not manifolds:
        return branch.is_everything
    first, *others = manifolds
    return all(_is_covered(branch.where_nonzero(equation), others) for equation in first.equations)


def _continuum(dynamics: Map, part: RealPart, partner: tuple[Symbol, ...]) -> Manifold:
    """A part of positive dimension, in the points alone: without the inverse that keeps them apart."""
    variables = (*dynamics.state, *partner)
    plain = without_last(part.ideal)
    equations = [
        Mul(*(factor for factor, _ in irreducible_factors(plain.expression(element)))) for element in plain.basis
    ]
    sample = None if part.point is None else part.point.values(variables)
    return Manifold(dynamics, variables, _independent(equations, variables), part.ideal.dimension, {}, sample)


def _independent(equations: list[Expr], variables: tuple[Symbol, ...]) -> tuple[Expr, ...]:
    """The equations without those that follow from simpler ones."""
    kept: list[Expr] = []
    for equation in sorted(set(equations), key=lambda expression: (expression.count_ops(), str(expression))):
        ideal = Ideal.of(kept, variables)
        if not ideal.contains(ideal.polynomial(equation)):
            kept.append(equation)
    return tuple(kept)
