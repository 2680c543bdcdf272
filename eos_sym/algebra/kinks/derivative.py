"""Derivatives almost everywhere, of functions made with |u|, max, min and cases.

    |u|' = u' sgn u,    max(a, b)' = b' + (a − b)' H(a − b),    sgn' = H' = 0,      where the switch u or a − b is not 0

Where the limits from both sides agree, the derivative is continued.

Errors: `BadInput` for a function that has no derivative in closed form.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import (
    Abs,
    And,
    Derivative,
    DiracDelta,
    Expr,
    GreaterThan,
    Heaviside,
    Integer,
    LessThan,
    Max,
    Min,
    Ne,
    Piecewise,
    Pow,
    StrictGreaterThan,
    StrictLessThan,
    Subs,
    Symbol,
    false,
    log,
    sign,
    true,
)
from sympy.core.function import Function
from sympy.core.relational import Relational

from eos_sym.algebra.functions.identities import vanishes
from eos_sym.algebra.kinks.continuation import product, total, without_repeated_kinks
from eos_sym.algebra.kinks.steps import has_kinks, step, zero_beside
from eos_sym.errors import BadInput, Undecided


def derivative(expression: Expr, symbol: Symbol) -> Expr:
    """The derivative by a real symbol, almost everywhere; nan at kinks where the two sides differ."""
    return without_repeated_kinks(_derivative(expression, symbol))


def _derivative(expression: Expr, symbol: Symbol) -> Expr:
    if not has_kinks(expression):
        found = expression.diff(symbol)
        strange = found.atoms(Derivative, Subs, DiracDelta)
        if unknown := sorted({type(inner).__name__ for part in strange for inner in part.atoms(Function)}):
            raise _no_derivative(", ".join(unknown))
        return found
    if symbol not in expression.free_symbols:
        return Integer(0)
    if expression.is_Add:
        return total([_derivative(term, symbol) for term in expression.args])
    if expression.is_Mul:
        parts = list(expression.args)
        return total(
            [
                product(_derivative(part, symbol), *parts[:index], *parts[index + 1 :])
                for index, part in enumerate(parts)
                if symbol in part.free_symbols
            ]
        )
    if isinstance(expression, Pow):
        base, power = expression.args
        along_base = product(power, base ** (power - 1), _derivative(base, symbol))
        along_power = product(expression, log(base), _derivative(power, symbol)) if symbol in power.free_symbols else 0
        return total([along_base, Integer(0) + along_power])
    if isinstance(expression, Abs):
        return product(_derivative(expression.args[0], symbol), step(expression.args[0], 1, -1))
    if isinstance(expression, Max | Min):
        first, *others = sorted(expression.args, key=lambda part: (part.is_number, str(part)))
        rest = expression.func(*others)
        above, below = _derivative(first, symbol), _derivative(rest, symbol)
        rises = (1, 0) if isinstance(expression, Max) else (0, 1)
        return total([product(above, step(first - rest, *rises)), product(below, step(first - rest, *rises[::-1]))])
    if isinstance(expression, sign | Heaviside):
        return zero_beside(expression.args[0])
    if isinstance(expression, Piecewise):
        return _derivative_of_cases(expression, symbol)
    if isinstance(expression, Function):
        slopes = enumerate(expression.args, start=1)
        return total([product(expression.fdiff(place), _derivative(part, symbol)) for place, part in slopes])
    raise _no_derivative(type(expression).__name__)


def _no_derivative(name: str) -> BadInput:
    return BadInput(f"{name}: no derivative in closed form is known; write the loss with other functions")


def _derivative_of_cases(cases: Piecewise, symbol: Symbol) -> Expr:
    """The derivatives of the cases; without the boundaries where value or derivative jump."""
    slopes = [_derivative(value, symbol) for value, _ in cases.args]
    conditions = [condition for _, condition in cases.args]
    relations = sorted(set().union(*(condition.atoms(Relational) for condition in conditions)), key=str)
    jumps = [one for one in relations if not (isinstance(one, Ne) or _is_smooth_across(one, cases, slopes))]
    jumps += [one for one in relations if isinstance(one, Ne) and cases.args[-1][1] != true]
    inside = And(*(Ne(jump.lhs, jump.rhs) for jump in jumps))
    if all(slope == 0 for slope in slopes):
        return Piecewise((Integer(0), inside))
    strict = {jump: _strict(jump) for jump in jumps}
    found = [(slope, condition.subs(strict)) for slope, condition in zip(slopes, conditions, strict=True)]
    if len(found) == 2 and len(jumps) == 1 and found[1][1] == true and isinstance(found[0][1], Relational):
        return Piecewise(found[0], (found[1][0], _strict(found[0][1].negated)))
    return Piecewise(*((slope, inside if condition == true else condition) for slope, condition in found))


def _strict(relation: Relational) -> Relational:
    """The relation without equality."""
    kinds = {GreaterThan: StrictGreaterThan, LessThan: StrictLessThan}
    return kinds.get(relation.func, relation.func)(relation.lhs, relation.rhs)


def _is_smooth_across(boundary: Relational, cases: Piecewise, slopes: Sequence[Expr]) -> bool:
    """Whether value and derivative are known to be the same on both sides of a boundary that can be solved for."""
    switch = boundary.lhs - boundary.rhs
    points = _zeros(switch)
    if not points:
        return False
    for unknown, value in points:
        sides = []
        for side in (true, false):
            conditions = [condition.subs(boundary, side) for _, condition in cases.args]
            decided = [condition.subs(unknown, value) for condition in conditions]
            place = next((index for index, condition in enumerate(decided) if condition != false), None)
            if place is None or decided[place] != true:
                return False
            sides.append((cases.args[place][0], slopes[place]))
        try:
            if not all(vanishes((first - second).subs(unknown, value)) for first, second in zip(*sides, strict=True)):
                return False
        except Undecided:
            return False
    return True


def _zeros(switch: Expr) -> list[tuple[Symbol, Expr]]:
    """The zeros of a switch that is linear in a symbol, or in a symbol and its absolute value."""
    for unknown in sorted(switch.free_symbols, key=str):
        found = []
        for turned in (1, -1):
            smooth = switch.replace(Abs, lambda inside, turned=turned: turned * inside)
            slope = smooth.diff(unknown)
            if has_kinks(smooth) or not (slope.is_number and slope.is_nonzero):
                break
            value = -smooth.subs(unknown, 0) / slope
            if not switch.has(Abs) or vanishes(switch.subs(unknown, value)):
                found.append((unknown, value))
        else:
            return list(dict.fromkeys(found))
    return []
