"""All two-cycles of a map, counted wherever they can be.

A two-cycle is a pair (θ, φ) with φ = F(θ), θ = F(φ); the equations of both points are kept, so that their degree is
that of the map, and the fixed points θ = φ are divided out. In the order in which they are tried:

    one variable        midpoint and squared difference, parameters included: `eos_sym.orbits.cycles.line_cycles`; of
                        periodic maps, without parameters, in intervals: `eos_sym.orbits.cycles.enclosed_cycles`
    mirror images       where Gröbner bases prove xᵢ² = xⱼ² on every two-cycle, each lies in a subspace xⱼ = ±xᵢ; if F
                        keeps them all, what is left is a smaller map on each, parameters included
    rational maps       without parameters: all zeros of the ideals of the pairs at which no denominator vanishes, of
                        polynomial maps their number known beforehand, and continua of two-cycles:
                        `eos_sym.orbits.cycles.cycle_pairs`
    monotone maps       none, where a coordinate never comes back or F + id takes no value twice, as below the edge:
                        `eos_sym.orbits.monotone`
    all others          invariant lines xⱼ = ±x₁, and `eos_sym.orbits.numerical.search`, numerically from many starts

`complete` is claimed for all but the last, and for linear maps. The search needs values for all parameters; without
them, only what was found on invariant lines comes back, with the reason.

Errors: `BadInput` for values of unknown parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import combinations, product

from sympy import Expr, Matrix, Symbol, factor

from eos_sym.algebra import Ideal, has_kinks, vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.orbits.cells import by_cells
from eos_sym.orbits.cycles.cycle_pairs import of_finitely_many, of_moving_pairs
from eos_sym.orbits.cycles.enclosed_cycles import enclosed_cycles
from eos_sym.orbits.cycles.line_cycles import line_cycles
from eos_sym.orbits.families import family, shifts
from eos_sym.orbits.manifolds import Orbits
from eos_sym.orbits.monotone import no_two_cycles
from eos_sym.orbits.numerical.search import Points, beyond, search_orbits
from eos_sym.orbits.orbit import Orbit, two_cycle_ideals, with_values
from eos_sym.rules import Map
from eos_sym.values import Values

HIGHEST_POWER = 3  # of a polynomial, to find that it vanishes where its power lies in an ideal
MOST_SUBSPACES, MOST_LINES = 64, 8


def two_cycles(dynamics: Map, at: Values | None = None, near: Points = ()) -> Orbits:
    """All real two-cycles, for the given values of parameters; parameters without a value stay symbols.

    Where a numerical search is needed, it begins near the given points.
    """
    dynamics = with_values(dynamics, at or {})
    if has_kinks(*dynamics.step):
        return by_cells(dynamics, partial(two_cycles, near=near), 2)
    try:
        return _exactly(dynamics)
    except Undecided as undecided:
        reason = str(undecided)
    with suppress(Undecided):
        return no_two_cycles(dynamics)
    orbits = _on_diagonals(dynamics)
    if orbits:
        reason += f"; {len(orbits)} were solved for on invariant lines xⱼ = ±x₁"
    if dynamics.parameters:
        named = ", ".join(map(str, dynamics.parameters))
        return Orbits(2, tuple(orbits), (), False, f"{reason}; a numerical search needs values for {named}")
    try:
        found = beyond(search_orbits(dynamics, 2, near=near), orbits, ())
    except Undecided as undecided:
        return Orbits(2, tuple(orbits), (), False, f"{reason}; {undecided}")
    return replace(found, reason=f"{reason}; {found.reason}")


def _on_diagonals(dynamics: Map) -> list[Orbit]:
    """The two-cycles of a polynomial map on invariant lines xⱼ = ±x₁, of many only on x₁ = x₂ = …; not all."""
    first, *others = dynamics.state
    if not all(step.is_polynomial(*dynamics.state) for step in dynamics.step):
        return []
    signs: list[tuple[int, ...]] = list(product((1, -1), repeat=len(others)))
    if len(signs) > MOST_LINES:
        signs = signs[:1]
    lines = []
    for choice in signs if others else []:
        line = {name: sign * first for name, sign in zip(others, choice, strict=True)}
        try:
            lines.append((line, dynamics.restrict(line)))
        except BadInput:  # not invariant
            continue
    try:
        return list(_on_subspaces(dynamics, lines).orbits) if lines else []
    except Undecided:
        return []


def _exactly(dynamics: Map) -> Orbits:
    if len(dynamics.state) == 1:
        periods = {} if dynamics.parameters else shifts(dynamics)
        if periods:
            return _of_periodic_map(dynamics, periods)
        if dynamics.step[0].is_polynomial(*dynamics.state):
            return line_cycles(dynamics)
    if not dynamics.jacobian.free_symbols & {*dynamics.state}:
        condition = factor((dynamics.jacobian + Matrix.eye(len(dynamics.state))).det())
        if condition != 0:
            return _none(condition)
    partner, cases = two_cycle_ideals(dynamics)
    moving = [ideal.where_nonzero(difference) for ideal, difference in cases]
    try:
        subspaces = [(subspace, dynamics.restrict(subspace)) for subspace in _mirrors(dynamics, moving)]
        return _on_subspaces(dynamics, subspaces)
    except (BadInput, Undecided):
        pass  # squares that are not proved equal, subspaces that are not invariant, or a smaller map that resists
    if dynamics.parameters:
        raise Undecided("the two-cycles were not reduced to maps of one variable")
    whole, _ = cases[0]
    if whole.dimension == 0 and all(step.is_polynomial(*dynamics.state) for step in dynamics.step):
        return of_finitely_many(dynamics, partner, whole)
    return of_moving_pairs(dynamics, partner, moving)


def _of_periodic_map(dynamics: Map, periods: Mapping[Symbol, Expr]) -> Orbits:
    """The families of two-cycles of a periodic map of one variable, which is no polynomial then."""
    (period,) = periods.values()
    orbits = tuple(family(orbit, periods) for orbit in enclosed_cycles(dynamics, period))
    return Orbits(2, orbits, (), True, f"every interval of one period, {period}, was searched in interval arithmetic")


def _none(condition: Expr) -> Orbits:
    """The answer for a linear map of which −1 is not a multiplier, for generic parameters."""
    generic = f" for parameters with {condition} ≠ 0" if condition.free_symbols else ""
    return Orbits(2, (), (), True, f"the map is linear, and −1 is not one of its multipliers{generic}", 0)


def _mirrors(dynamics: Map, moving: list[Ideal]) -> list[dict[Symbol, Expr]]:
    """Subspaces {xⱼ = ±xᵢ} that together contain every two-cycle, where squares are proved equal."""
    leader: dict[Symbol, Symbol] = {}
    for first, second in combinations(dynamics.state, 2):
        if first not in leader and second not in leader and _vanishes(moving, first**2 - second**2):
            leader[second] = first
    if not leader or 2 ** len(leader) > MOST_SUBSPACES:
        raise Undecided("no squares are proved equal on the two-cycles, or too many")
    signs = product((1, -1), repeat=len(leader))
    return [{name: s * leader[name] for name, s in zip(leader, choice, strict=True)} for choice in signs]


def _vanishes(ideals: list[Ideal], quantity: Expr) -> bool:
    """Whether a power of the quantity is found in every ideal, so that it vanishes at all their zeros."""
    powers = range(1, HIGHEST_POWER + 1)
    return all(any(ideal.contains(ideal.polynomial(quantity) ** power) for power in powers) for ideal in ideals)


def _on_subspaces(dynamics: Map, subspaces: list[tuple[dict[Symbol, Expr], Map]]) -> Orbits:
    """The two-cycles of the map on invariant subspaces, each given with the map on it, as those of the whole map."""
    known: dict[Map, Orbits] = {}
    orbits: list[Orbit] = []
    count: int | None = 0
    for subspace, reduced in subspaces:
        if reduced not in known:
            known[reduced] = _exactly(reduced)
        found = known[reduced]
        if found.manifolds:
            raise Undecided("a continuum of two-cycles on a subspace")
        shared = len(reduced.state) > 1  # then subspaces meet in two-cycles, namely where both squares are 0
        count = None if shared or count is None or found.count is None else count + found.count
        for orbit in found.orbits:
            if not any(_is_repeated(orbit, image) for image in subspace.values()):
                whole = tuple(
                    dict(point) | {name: image.subs(point) for name, image in subspace.items()}
                    for point in orbit.points
                )
                orbits.append(Orbit(dynamics, whole, orbit.error, orbit.real_where))
    equalities = ", ".join(f"{name}² = {(image**2).args[0]}²" for name, image in subspaces[0][0].items())
    reasons = "; ".join(dict.fromkeys(found.reason for found in known.values()))
    reason = f"{equalities} on every two-cycle, by Gröbner bases, so that it lies in one of {len(subspaces)} subspaces"
    return Orbits(2, tuple(orbits), (), True, f"{reason}; on each: {reasons}", count)


def _is_repeated(orbit: Orbit, image: Expr) -> bool:
    """Whether xⱼ = −xᵢ says the same as xⱼ = xᵢ on the orbit, on which it was counted."""
    return image.could_extract_minus_sign() and all(vanishes(image.subs(point)) for point in orbit.points)
