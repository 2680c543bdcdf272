"""A point at which several expressions are positive.

Polynomials in one unknown with rational coefficients change sign at their real roots only: one point of every interval
between these decides. In several unknowns, or for other functions, a few small numbers are tried, and finding none of
them decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, product

from sympy import Expr, Poly, PolynomialError, Rational, Symbol, prod, real_roots

from eos_sym.errors import Undecided
from eos_sym.reasons import brief

SAMPLES = tuple(map(Rational, ("1", "-1", "1/2", "-1/2", "2", "-2", "1/10", "-1/10", "10", "-10")))
MOST_SAMPLED = 4  # unknowns for which all the samples are combined
DIGITS = 30


def point_where_positive(expressions: Sequence[Expr], unknowns: Sequence[Symbol]) -> Mapping[Symbol, Expr] | None:
    """Values of the unknowns, or None if it is proved that there are none; `Undecided` where none is found."""
    if not expressions:
        return dict.fromkeys(unknowns, SAMPLES[0])
    inside = set().union(*(expression.free_symbols for expression in expressions))
    if strangers := inside - {*unknowns}:
        raise Undecided(f"whether {brief(expressions)} can be positive depends on {brief(sorted(strangers, key=str))}")
    if len(inside) == 1:
        (unknown,) = inside
        points = _between_the_roots(expressions, unknown)
        if points is not None:
            found = next((point for point in points if _are_positive(expressions, {unknown: point})), None)
            return None if found is None else dict.fromkeys(unknowns, SAMPLES[0]) | {unknown: found}
    count = len(unknowns) if len(unknowns) <= MOST_SAMPLED else 1
    for sample in product(SAMPLES, repeat=count):
        at = dict(zip(unknowns, sample if count == len(unknowns) else sample * len(unknowns), strict=True))
        if _are_positive(expressions, at):
            return at
    raise Undecided(f"whether {brief(expressions)} can all be positive")


def _are_positive(expressions: Sequence[Expr], at: Mapping[Symbol, Expr]) -> bool:
    return all(expression.subs(at).is_positive for expression in expressions)


def _between_the_roots(expressions: Sequence[Expr], unknown: Symbol) -> list[Expr] | None:
    """A rational number in every interval between all the roots; None for what is no polynomial over the rationals."""
    try:
        polynomials = [Poly(expression, unknown) for expression in expressions]
    except PolynomialError:
        return None
    if not all(polynomial.domain.is_ZZ or polynomial.domain.is_QQ for polynomial in polynomials):
        return None
    places = [Rational(root.evalf(DIGITS)) for root in real_roots(prod(polynomials).sqf_part())]
    if not places:
        return [Rational(0)]
    return [places[0] - 1, *((first + second) / 2 for first, second in pairwise(places)), places[-1] + 1]
