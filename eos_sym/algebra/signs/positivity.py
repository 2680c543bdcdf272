"""Proofs that an expression is positive at all real values of its symbols.

In the order in which they are tried:

    SymPy's assumptions         x² + 1, e^x, cosh x
    ranges                      of sin, cos, tanh, erf, atan, |·|, even powers and e^u on the whole line, added and
                                multiplied: 2 + sin x, 1 − tanh² x/2
    polynomials                 in the symbols and in functions of them with a range: with one unknown by counting real
                                roots (Sturm), x⁴ + x + 1; of degree 2 in an unknown by completing the square,
                                a v² + b v + c > 0 for all v if a > 0 and 4ac − b² > 0, as x² − xy + y² + 1

Positive is what one of them proves; no is no proof that it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Abs,
    Add,
    Dummy,
    Expr,
    Integer,
    Max,
    Min,
    Poly,
    PolynomialError,
    Pow,
    Symbol,
    acos,
    asin,
    atan,
    cos,
    cosh,
    erf,
    exp,
    oo,
    pi,
    sin,
    tanh,
)

from eos_sym.algebra.functions.exponentials import exponent_of

MOST_SQUARES = 4  # unknowns whose squares are completed, one after the other


@dataclass(frozen=True)
class Range:
    """All values that an expression may take: between two ends, which `open_below` and `open_above` exclude."""

    lower: Expr
    upper: Expr
    open_below: bool = True
    open_above: bool = True

    @property
    def is_positive(self) -> bool:
        """Whether every value is positive."""
        return bool(self.lower > 0) or bool(self.lower == 0 and self.open_below)


WHOLE_LINE = Range(-oo, oo)
RANGES = {
    sin: Range(Integer(-1), Integer(1), False, False),
    cos: Range(Integer(-1), Integer(1), False, False),
    tanh: Range(Integer(-1), Integer(1)),
    erf: Range(Integer(-1), Integer(1)),
    atan: Range(-pi / 2, pi / 2),
    asin: Range(-pi / 2, pi / 2, False, False),
    acos: Range(Integer(0), pi, False, False),
    cosh: Range(Integer(1), oo, False),
    Abs: Range(Integer(0), oo, False),
}


def is_positive_everywhere(expression: Expr, squares: int = MOST_SQUARES) -> bool:
    """Whether the expression is proved to be positive at all real values of its symbols."""
    if expression.is_number or expression.is_positive:
        return bool(expression.is_positive)
    return range_of(expression).is_positive or _is_positive_polynomial(expression, squares)


def range_of(expression: Expr) -> Range:
    """A range of the values that the expression takes at all real values of its symbols."""
    if expression.is_number:
        return Range(expression, expression, False, False) if expression.is_real else WHOLE_LINE
    if exponent_of(expression) is not None:
        inner = range_of(exponent_of(expression))
        return Range(exp(inner.lower), exp(inner.upper), inner.open_below, inner.open_above)
    if expression.func in RANGES:
        return RANGES[expression.func]
    if expression.is_Add:
        parts = [range_of(term) for term in expression.args]
        return Range(
            Add(*(part.lower for part in parts)),
            Add(*(part.upper for part in parts)),
            any(part.open_below for part in parts),
            any(part.open_above for part in parts),
        )
    if expression.is_Mul:
        number, rest = expression.as_coeff_Mul()
        if number != 1:
            return _scaled(range_of(rest), number)
        first, *others = [range_of(factor) for factor in expression.args]
        for other in others:
            first = _product(first, other)
        return first
    if isinstance(expression, Max | Min):
        parts = [range_of(part) for part in expression.args]
        lower = expression.func(*(part.lower for part in parts))
        return Range(lower, expression.func(*(part.upper for part in parts)), False, False)
    if isinstance(expression, Pow):
        return _power(range_of(expression.base), expression.exp)
    return Range(Integer(0), oo, False) if expression.is_nonnegative else WHOLE_LINE


def _scaled(part: Range, number: Expr) -> Range:
    if number > 0:
        return Range(number * part.lower, number * part.upper, part.open_below, part.open_above)
    return Range(number * part.upper, number * part.lower, part.open_above, part.open_below)


def _product(first: Range, second: Range) -> Range:
    if first.lower >= 0 and second.lower >= 0:
        if 0 in (first.upper, second.upper):
            return Range(Integer(0), Integer(0), False, False)
        open_below, open_above = first.open_below and second.open_below, first.open_above or second.open_above
        return Range(first.lower * second.lower, first.upper * second.upper, open_below, open_above)
    if first.lower < 0 and first.upper <= 0:
        return _scaled(_product(_scaled(first, Integer(-1)), second), Integer(-1))
    if second.lower < 0 and second.upper <= 0:
        return _scaled(_product(first, _scaled(second, Integer(-1))), Integer(-1))
    ends = (first.lower, first.upper, second.lower, second.upper)
    if any(end.is_infinite for end in ends):
        return WHOLE_LINE
    products = [one * other for one in ends[:2] for other in ends[2:]]
    return Range(Min(*products), Max(*products), False, False)


def _power(base: Range, power: Expr) -> Range:
    """The range of a power with a constant exponent."""
    if power.is_Integer and power > 0 and power % 2 == 0:
        if base.upper <= 0:
            base = _scaled(base, Integer(-1))
        open_below = base.open_below and base.lower >= 0
        smallest, largest = Max(Integer(0), base.lower), Max(-base.lower, base.upper)
        ends = ((-base.lower, base.open_below), (base.upper, base.open_above))
        open_above = all(is_open for end, is_open in ends if end == largest)
        return Range(smallest**power, largest**power if largest.is_finite else oo, bool(open_below), open_above)
    if power.is_number and base.lower >= 0 and (power > 0 or base.is_positive):
        first, last = (_end_to_the(end, power) for end in (base.lower, base.upper))
        if power > 0:
            return Range(first, last, base.open_below, base.open_above)
        return Range(last, first, base.open_above, base.open_below)
    return WHOLE_LINE


def _end_to_the(end: Expr, power: Expr) -> Expr:
    """The limit of a power at the end of a range."""
    if end.is_infinite or end == 0:
        return oo if end.is_infinite == bool(power > 0) else Integer(0)
    return end**power


def _is_positive_polynomial(expression: Expr, squares: int) -> bool:
    """By what is said above of polynomials, with bounded functions for unknowns."""
    functions = {part: Dummy(real=True) for part in expression.atoms(*RANGES) if part.free_symbols}
    plain, limits = _without_exponentials(expression.xreplace(functions))
    limits |= {unknown: RANGES[part.func] for part, unknown in functions.items()}
    try:
        polynomial = Poly(plain, *sorted(plain.free_symbols, key=str))
    except PolynomialError:
        return False
    if not polynomial.gens or not (polynomial.domain.is_ZZ or polynomial.domain.is_QQ):
        return False
    if len(polynomial.gens) == 1:
        return _is_positive_on(polynomial, limits.get(polynomial.gens[0], WHOLE_LINE))
    return squares > 0 and any(_has_positive_squares(polynomial, unknown, squares - 1) for unknown in polynomial.gens)


def _has_positive_squares(polynomial: Poly, unknown: Symbol, squares: int) -> bool:
    """Whether a v² + b v + c > 0 for all v: a > 0 and 4ac − b² > 0."""
    if polynomial.degree(unknown) != 2:
        return False
    a, b, c = Poly(polynomial.as_expr(), unknown).all_coeffs()
    return all(is_positive_everywhere(part, squares) for part in (a, (4 * a * c - b**2).expand()))


def _without_exponentials(expression: Expr) -> tuple[Expr, dict[Expr, Range]]:
    """Exponentials of multiples of one exponent as powers of an unknown t > 0."""
    exponents = {u for part in expression.atoms(exp, Pow) if (u := exponent_of(part)) is not None}
    if not exponents:
        return expression, {}
    base = min(exponents, key=lambda u: (len(str(u)), str(u)))
    ratios = {u: (u / base).cancel() for u in exponents}
    if not all(ratio.is_Integer and ratio > 0 for ratio in ratios.values()):
        return expression, {}
    unknown = Dummy("t", positive=True)
    powers = {exp(u): unknown**ratio for u, ratio in ratios.items()}
    return expression.xreplace(powers), {unknown: Range(Integer(0), oo)}


def _is_positive_on(polynomial: Poly, limits: Range) -> bool:
    """Whether a polynomial in one unknown has no zero between the limits, and is positive there."""
    lower, upper = limits.lower, limits.upper
    if not all(end.is_rational or end.is_infinite for end in (lower, upper)):
        return False
    roots = polynomial.count_roots(None if lower.is_infinite else lower, None if upper.is_infinite else upper)
    excluded = [end for end, is_open in ((lower, limits.open_below), (upper, limits.open_above)) if is_open]
    roots -= sum(1 for end in excluded if end.is_finite and polynomial.eval(end) == 0)
    return roots == 0 and bool(polynomial.eval(_between(lower, upper)) > 0)


def _between(lower: Expr, upper: Expr) -> Expr:
    if lower.is_infinite and upper.is_infinite:
        return Integer(0)
    if upper.is_infinite:
        return lower + 1
    return upper - 1 if lower.is_infinite else (lower + upper) / 2
