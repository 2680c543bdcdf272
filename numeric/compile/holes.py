"""Removable holes: expressions that are 0/0 where a denominator vanishes, although they have a limit there.

    (sin x)/x,  (e^x − 1)/x,  and 1 − (sin x)/x with its derivatives

Beside such a hole the formula loses digits to cancellation, the Hessian of 1 − (sin x)/x all of them for |x| < 10⁻⁵. An
expression of one symbol is therefore replaced near the hole by its Taylor polynomial,

    Piecewise((c₀ + c₁t + … + c_N t^N, |t| < δ), (expression, True)),       t = x − x₀,

with cₙ = (1/m) Σ f(x₀ + r e^(2πij/m)) (r e^(2πij/m))⁻ⁿ, Cauchy's integral by the trapezoidal rule in many digits, where
f is never evaluated in the hole. It is a hole if the coefficients with n < 0 vanish, and if the others fall off, which
tells that nothing else is singular within r; then δ = r/2. In several symbols only the value in the hole is filled in,
by l'Hôpital's rule. A pole stays one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from mpmath import mp
from sympy import Abs, Dummy, Eq, Expr, Float, Integer, Piecewise, Pow, Rational, Symbol, expand, nan, oo, zoo

from eos_sym import Undecided
from eos_sym.algebra import evaluator, has_kinks

MOST_OPERATIONS = 300  # of an expression whose holes are looked for
HIGHEST_ORDER = 6  # of a pole that may be removable
RADII = (2, 0.5, 0.125, 2**-5, 2**-8)
NODES, DIGITS = 96, 60
TAIL = mp.mpf("1e-28")  # of the largest coefficient times a power of r, where it counts as 0
ROUNDED_AWAY = 2.0**-58
REMEMBERED = 4096  # expressions: velocities and Jacobians have the same parts in many places


@lru_cache(REMEMBERED)
def fill_holes(expression: Expr) -> Expr:
    """The expression with values in its removable holes, and with digits beside them."""
    if has_kinks(expression) or not _poles(expression) or expression.count_ops() > MOST_OPERATIONS:
        return expression
    if len(expression.free_symbols) == 1:
        return _filled_by_series(expression)
    parts = [fill_holes(part) for part in expression.args]
    filled = expression.func(*parts) if parts != list(expression.args) else expression
    if all(_poles(part) == _poles(expression) for part in expression.args if _poles(part)) and filled != expression:
        return filled
    return _filled_by_values(expression)


@lru_cache(REMEMBERED)
def _poles(expression: Expr) -> tuple[tuple[Symbol, Expr], ...]:
    """Zeros of denominators, as pairs of a symbol and its value: those in which it is linear, and those at 0."""
    found: dict[tuple[Symbol, Expr], None] = {}
    for power in sorted(expression.atoms(Pow), key=str):
        if not (power.exp.is_Integer and power.exp < 0) or power.base.is_nonzero:
            continue
        for unknown in sorted(power.base.free_symbols, key=str):
            slope = power.base.diff(unknown)
            if slope.is_number and slope != 0:
                found[unknown, expand(unknown - power.base / slope)] = None
                break
            if not unknown.is_nonzero and power.base.subs(unknown, 0) == 0:
                found[unknown, Integer(0)] = None
    return tuple(found)


def _filled_by_series(expression: Expr) -> Expr:
    """An expression of one symbol, with its Taylor polynomials near its holes."""
    cases = []
    for unknown, place in _poles(expression):
        series = _taylor(expression, unknown, place) if place.is_number else None
        if series is not None:
            coefficients, radius = series
            distance, polynomial = unknown - place, Float(0)
            for coefficient in reversed(coefficients):
                polynomial = coefficient + distance * polynomial
            cases.append((polynomial, Abs(distance) < Float(radius)))
    return Piecewise(*cases, (expression, True)) if cases else expression


def _taylor(expression: Expr, unknown: Symbol, place: Expr) -> tuple[list[Float], float] | None:
    """The coefficients at a hole, and the distance up to which they are as good as the formula; None at a pole."""
    try:
        function = evaluator([expression], [unknown], mp)
    except Undecided:
        return None
    with mp.workdps(DIGITS):
        middle = mp.mpf(place.evalf(DIGITS))
        roots = [mp.expjpi(mp.mpf(2 * index) / NODES) for index in range(NODES)]
        for radius in RADII:
            try:
                values = [function([middle + radius * root])[0] for root in roots]
            except (ArithmeticError, ValueError, TypeError):
                return None
            terms = {n: _coefficient(values, roots, n) for n in range(-HIGHEST_ORDER, NODES // 2)}  # cₙ rⁿ
            zero = TAIL * max(map(abs, terms.values()))
            if any(abs(terms[n]) > zero for n in range(NODES // 2 - 4, NODES // 2)):
                continue  # something else is singular so near
            if any(abs(terms[n]) > zero for n in range(-HIGHEST_ORDER, 0)):
                return None
            last = max([0, *(n for n in range(NODES // 2) if abs(terms[n]) * 2.0**-n > ROUNDED_AWAY / TAIL * zero)])
            kept = (terms[n].real / mp.mpf(radius) ** n if abs(terms[n]) > zero else mp.mpf(0) for n in range(last + 1))
            return [Float(coefficient, 17) for coefficient in kept], radius / 2
    return None


def _coefficient(values: Sequence[Any], roots: Sequence[Any], order: int) -> Any:
    turned = (value * roots[-order * index % NODES] for index, value in enumerate(values))
    return mp.fsum(turned) / NODES


def _filled_by_values(expression: Expr) -> Expr:
    """An expression of several symbols, with its limits where a denominator is 0."""
    cases = []
    for unknown, place in _poles(expression):
        limit = _limit(expression, unknown, place)
        if limit is not None:
            cases.append((limit, Eq(unknown - place, 0)))
    return Piecewise(*cases, (expression, True)) if cases else expression


def _limit(expression: Expr, unknown: Symbol, place: Expr) -> Expr | None:
    """The limit by l'Hôpital's rule; None at a pole, or where it is not known to exist."""
    distance = Dummy("t", real=True)
    moved = expression.subs(unknown, place + distance)
    for order in range(1, HIGHEST_ORDER + 1):
        numerator = expand(moved * distance**order)
        if any(power.exp.is_negative and power.base.subs(distance, 0) == 0 for power in numerator.atoms(Pow)):
            continue
        for _ in range(order):
            if not _is_zero(numerator.subs(distance, 0)):
                return None
            numerator = numerator.diff(distance)
        limit = expand(numerator.subs(distance, 0)) / math.factorial(order)
        return None if limit.has(nan, zoo, oo) else limit
    return None


def _is_zero(expression: Expr) -> bool:
    """Whether the expression, once multiplied out, is 0 to many digits at some points."""
    expression = expand(expression)
    symbols = sorted(expression.free_symbols, key=str)
    for shift in range(3):
        point = {symbol: Rational(7 + 5 * place, 11 + 3 * shift) for place, symbol in enumerate(symbols)}
        if not abs(expression.evalf(DIGITS, subs=point, chop=True)) < TAIL:
            return False
    return True
