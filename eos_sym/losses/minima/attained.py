"""Whether a loss is least somewhere, so that the least of its critical values is its least value.

    bounded         if a critical value is a lower bound of the loss, by the ranges of its functions: 1 − cos x ≥ 0
    one weight      if some critical value is no larger than the limits at ±∞, or at the ends of its domain
    coercive        L → ∞ as |θ| → ∞, if every weight has a pure even power c xᵢ^dᵢ, c > 0, and all other monomials x^m
                    have Σ mᵢ/dᵢ < 1, or even powers and a positive coefficient; or if the form of highest degree is
                    positive but at the origin. Terms that are bounded from below may be left out of it, as (1 − xy)² of
                    (1 − xy)² + x² + y², and weights in which the loss is periodic count as bounded
    balanced        if L ≥ 0 does not change under xᵢ → e^{s kᵢ} xᵢ, for the vectors k orthogonal to all its exponents.
                    The point of least norm in the closure of such an orbit has Σ kᵢ xᵢ² = 0, and the same loss: it is
                    enough that L is coercive among these balanced points. It is if its form of highest degree, which is
                    nowhere negative, vanishes at none of them but the origin: (2 − ac)² + (ad)² + (bc)² + (1 − bd)²

What is not known to be attained may be attained all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

from sympy import (
    AccumBounds,
    Add,
    Dummy,
    Expr,
    Float,
    Integer,
    Matrix,
    Max,
    Min,
    Mul,
    Poly,
    PolynomialError,
    Rational,
    Symbol,
    expand_mul,
    limit,
    log,
    oo,
)

from eos_sym.algebra import is_positive_everywhere, period, real_zeros
from eos_sym.algebra.signs.positivity import range_of
from eos_sym.errors import Undecided
from eos_sym.losses.domain import Domain
from eos_sym.losses.minima.smooth import is_smooth

MOST_LEFT_OUT = 5  # terms of which all combinations are tried
SHOWN, TOLD_APART = 30, Rational(1, 10**20)


def is_attained(loss: Expr, weights: Sequence[Symbol], values: Sequence[Expr], domain: Domain = ()) -> bool:
    """Whether the loss, with these critical values, is known to be least at one of its critical points."""
    if any(_is_not_above(value, range_of(loss).lower) for value in values):
        return True
    if len(weights) == 1 and is_smooth(loss.xreplace({log(condition): Dummy(real=True) for condition in domain})):
        ends = _ends(loss, weights[0], domain)
        return any(all(_is_not_above(value, end) for end in ends) for value in values)
    return _is_coercive(loss, weights) or _is_balanced(loss, weights)


def _ends(loss: Expr, weight: Symbol, domain: Domain) -> list[Expr]:
    """The limits at the ends of the interval where the loss is defined."""
    slopes = [condition.diff(weight) for condition in domain]
    if not all(slope.is_positive or slope.is_negative for slope in slopes):
        return [-oo]  # the domain is not known to be an interval
    zeros = [(slope, -condition.subs(weight, 0) / slope) for condition, slope in zip(domain, slopes, strict=True)]
    lower = Max(-oo, *(zero for slope, zero in zeros if slope.is_positive))
    upper = Min(oo, *(zero for slope, zero in zeros if slope.is_negative))
    try:
        return [limit(loss, weight, lower, "+"), limit(loss, weight, upper, "-")]
    except (NotImplementedError, ValueError, ArithmeticError):
        return [-oo]


def _is_not_above(value: Expr, end: Expr) -> bool:
    difference = (end.min if isinstance(end, AccumBounds) else end) - value  # an oscillation comes no lower
    if difference.is_number:
        exact = bool(difference.is_extended_nonnegative) and not difference.has(Float)
        return exact or bool(difference.evalf(SHOWN) > TOLD_APART)
    return bool(difference.is_extended_nonnegative)


def _is_coercive(loss: Expr, weights: Sequence[Symbol]) -> bool:
    """Whether the loss grows in all directions, but those in which it is periodic."""
    if not is_smooth(loss):
        return False
    unbounded = [weight for weight in weights if weight in loss.free_symbols and period([loss], weight) is None]
    terms = Add.make_args(expand_mul(loss, deep=False))
    bounded = [term for term in terms if range_of(term).lower.is_finite]
    sizes = range(len(bounded) + 1 if len(bounded) <= MOST_LEFT_OUT else 2)
    for left_out in chain.from_iterable(combinations(bounded, size) for size in sizes):
        kept = Add(*(term for term in terms if term not in left_out))
        if kept.free_symbols & {*weights} - {*unbounded}:
            continue
        try:
            if not unbounded or _grows(Poly(kept, *unbounded)):
                return True
        except PolynomialError:
            continue
    return False


def _grows(polynomial: Poly) -> bool:
    """Whether a polynomial goes to ∞ in all directions."""
    return _has_high_powers(polynomial) or _has_positive_top(polynomial)


def _has_high_powers(polynomial: Poly) -> bool:
    terms = dict(polynomial.terms())
    heights = []
    for index in range(len(polynomial.gens)):
        pure = [powers for powers in terms if powers[index] == sum(powers) > 0]
        highest = max(pure, key=sum, default=None)
        if highest is None or sum(highest) % 2 or not terms[highest].is_positive:
            return False
        heights.append(sum(highest))
    return all(
        sum(Rational(power, height) for power, height in zip(powers, heights, strict=True)) < 1
        or (all(power % 2 == 0 for power in powers) and coefficient.is_positive)
        for powers, coefficient in terms.items()
    )


def _has_positive_top(polynomial: Poly) -> bool:
    """Whether the form of highest degree is positive but at the origin: wherever one unknown is 1, if it is even."""
    top = _top(polynomial)
    return polynomial.total_degree() % 2 == 0 and all(
        is_positive_everywhere(top.subs(unknown, 1)) for unknown in polynomial.gens
    )


def _is_balanced(loss: Expr, weights: Sequence[Symbol]) -> bool:
    """Whether a polynomial that is nowhere negative is coercive among balanced points."""
    try:
        polynomial = Poly(loss, *weights)
    except PolynomialError:
        return False
    if not loss.is_nonnegative:
        return False
    symmetries = Matrix([powers for powers, _ in polynomial.terms()]).nullspace()
    balances = [sum((k * w**2 for k, w in zip(scaling, weights, strict=True)), Integer(0)) for scaling in symmetries]
    try:
        zeros = real_zeros([_top(polynomial), *balances], weights)
    except Undecided:
        return False
    return all(not zero.free and not any(zero.chart.values()) for zero in zeros)


def _top(polynomial: Poly) -> Expr:
    """The form of highest degree."""
    degree = polynomial.total_degree()
    return Add(
        *(
            coefficient * Mul(*(w**power for w, power in zip(polynomial.gens, powers, strict=True)))
            for powers, coefficient in polynomial.terms()
            if sum(powers) == degree
        )
    )
