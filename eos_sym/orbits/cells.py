"""Orbits of maps with kinks, cell by cell: between the kinks u = 0 a map is smooth, and its orbits are found as ever.

An orbit of the smooth map of a cell is one of the map if its points lie in the cell, which their signs of u decide. A
fixed point on a kink is one if the map and its Jacobian are continuous there, as for |x|³ at 0; for one where the
Jacobian jumps, the linear part says nothing. Where the map itself jumps, as gradient descent on |x| does at 0, it is
undefined, and what happens is not decided; neither are two-cycles with points in several cells. A cell may be full of
fixed points, as relu(u)² is where u < 0; such continua are named in the reason.

Errors: `Undecided` for too many cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sympy import Expr, Float, Piecewise, Symbol, nan, true

from eos_sym.algebra import Cell, pieces, sign_of, switches, vanishes
from eos_sym.errors import Undecided
from eos_sym.orbits.manifolds import Orbits
from eos_sym.orbits.orbit import Orbit
from eos_sym.reasons import brief
from eos_sym.rules import Map

CLEAR = 1e-12  # a switch at a point that is known to finitely many digits is no larger where its sign is not known


def by_cells(dynamics: Map, find: Callable[[Map], Orbits], period: int) -> Orbits:
    """The orbits of the period that stay in one cell, and what is not known of others."""
    orbits: list[Orbit] = []
    reasons: list[str] = []
    met: dict[Expr, None] = {}
    for cell, step in pieces(dynamics.step):
        where = " and ".join(f"{brief(switch)} {'>' if side > 0 else '<'} 0" for switch, side in cell)
        met |= dict.fromkeys(switch for switch, _ in cell)
        if step == dynamics.state:
            reasons += [f"every point with {where} is fixed"] * (period == 1)
            continue
        found = find(Map(dynamics.state, dynamics.parameters, step))
        for orbit in found.orbits:
            places = [_place(cell, point) for point in orbit.points]
            if "outside" in places:
                continue
            if all(place == "inside" for place in places):
                orbits.append(orbit)
            elif "unknown" in places:
                reasons.append(f"it is not known whether {_shown(orbit)} lies where {where}")
            elif (smooth := _is_smooth_orbit(orbit, dynamics)) is None:
                reasons.append(f"it is not known whether {_shown(orbit)}, on a kink, is an orbit")
            elif smooth:
                orbits += [replace(orbit, map=dynamics)] * (orbit.points not in [other.points for other in orbits])
            else:
                reasons.append(f"{_shown(orbit)} lies on a kink, where the linear part decides nothing")
        for manifold in found.manifolds:
            if not any((equation / switch).cancel().is_number for equation in manifold.equations for switch, _ in cell):
                reasons.append(f"where {where} there is a continuum, {brief(manifold.equations)} = 0")
        if not found.complete:
            reasons.append(f"where {where}: {found.reason}")
    if period > 1:
        kinks = " or ".join(f"{brief(switch)} = 0" for switch in met)
        reasons.append(f"orbits with points on several sides of a kink, {kinks}, are not looked for")
    elif undefined := _undefined(dynamics, met):
        kinks = " or ".join(f"{brief(switch)} = 0" for switch in undefined)
        reasons.append(f"on a kink, {kinks}, the map is undefined, and nothing is decided")
    known = "every cell between the kinks was searched without loss of real solutions"
    return Orbits(period, tuple(orbits), (), not reasons, "; ".join(dict.fromkeys(reasons)) or known)


def _undefined(dynamics: Map, met: Iterable[Expr]) -> list[Expr]:
    """The switches at whose zeros the map may have no value: a gap between cases, as in a step."""
    gaps = [cases for step in dynamics.step for cases in step.atoms(Piecewise) if cases.args[-1][1] != true]
    undefined = [switch for switch in met if any(switch in switches(cases) for cases in gaps)]
    if len(dynamics.state) > 1:
        return undefined
    (name,) = dynamics.state
    return [switch for switch in undefined if not _has_values(dynamics, name, switch)]


def _has_values(dynamics: Map, name: Symbol, switch: Expr) -> bool:
    """Whether a map of one variable is known to have a value at the one zero of a linear switch."""
    slope = switch.diff(name)
    if not (slope.is_number and slope.is_nonzero):
        return False
    return not any(step.subs(name, name - switch / slope).has(nan) for step in dynamics.step)


def _is_smooth_orbit(orbit: Orbit, dynamics: Map) -> bool | None:
    """Whether the map has these points and a Jacobian there; None if it is not known whether it has the points."""
    (point, *others) = orbit.points
    if others:
        return False
    values = [step.subs(point) for step in dynamics.step]
    try:
        fixed = all(vanishes(value - point[name]) for value, name in zip(values, dynamics.state, strict=True))
    except Undecided:
        return None
    return fixed and not dynamics.jacobian.subs(point).has(nan)


def _place(cell: Cell, point: Mapping[Symbol, Expr]) -> str:
    """Inside, outside, on the boundary of the cell, or unknown."""
    found = "inside"
    for switch, side in cell:
        value = side * switch.subs(point)
        near = value.has(Float) and abs(value) <= CLEAR
        side_of_it = None if near else sign_of(value)
        if side_of_it == -1:
            return "outside"
        if side_of_it is None:
            return "unknown"
        if side_of_it == 0:
            found = "boundary"
    return found


def _shown(orbit: Orbit) -> str:
    (point, *_) = orbit.points
    return brief(point)
