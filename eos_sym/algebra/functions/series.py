"""Laurent expansions in a small positive parameter, with their order.

    expand_in(f, h, n)  =  Σ_{k<n} c_k hᵏ,     f = Σ_{k<n} c_k hᵏ + O(hⁿ),

where the c_k are polynomials in the other symbols of f, which are held fixed as h → 0⁺. With weights, the other
symbols are small as well: v = O(hʷ) for a symbol v of weight w, and n bounds the total weight. An expression built of
sums, products and rational powers is evaluated in a ring of truncated power series (SymPy's `ring_series`), which
takes milliseconds where `Expr.series` takes minutes. Every intermediate series carries the order up to which it is
known; where cancellation loses too many orders, the evaluation is repeated with more.

Errors: `Undecided` where the expansion is not a Laurent series with such coefficients: a power of a series whose
leading coefficient is not a rational number with a rational root, or a function other than a power.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import QQ, Expr, Rational, Symbol, ring
from sympy.polys.ring_series import rs_mul, rs_nth_root, rs_pow, rs_series_inversion, rs_trunc

from eos_sym.errors import Undecided

LOST_ORDERS = 64  # an expression that loses more orders than this to cancellation is given up


@dataclass(frozen=True)
class _Laurent:
    """hˢʰⁱᶠᵗ · (polynomial + O(hᵖʳᵉᶜⁱˢⁱᵒⁿ)); `polynomial` is an element of SymPy's sparse ring."""

    shift: int
    polynomial: Any
    precision: int


class _Expansion:
    """The evaluation of expressions in one ring, every series known to the same number of terms."""

    def __init__(self, parameter: Symbol, others: list[Symbol], terms: int) -> None:
        self.parameter = parameter
        self.terms = terms
        self.ring, self.small, *generators = ring([parameter, *others], QQ)
        self.generators = dict(zip(others, generators, strict=True))

    def of(self, expression: Expr) -> _Laurent:
        """The series of an expression, by recursion over its tree."""
        if expression == self.parameter:
            return _Laurent(0, self.small, self.terms)
        if expression.is_Symbol:
            return _Laurent(0, self.generators[expression], self.terms)
        if expression.is_Rational:
            return _Laurent(0, self.ring(QQ(expression.p, expression.q)), self.terms)
        if expression.is_Add:
            return self._sum([self.of(term) for term in expression.args])
        if expression.is_Mul:
            product, *factors = [self.of(factor) for factor in expression.args]
            for factor in factors:
                product = self._product(product, factor)
            return product
        if expression.is_Pow and expression.exp.is_Rational:
            return self._power(self.of(expression.base), expression.exp)
        raise Undecided(f"the expansion in {self.parameter}: {expression.func} is not a rational power")

    def _sum(self, terms: list[_Laurent]) -> _Laurent:
        shift = min(term.shift for term in terms)
        precision = min(term.shift + term.precision for term in terms) - shift
        total = self.ring.zero
        for term in terms:
            total += term.polynomial * self.small ** (term.shift - shift)
        return _Laurent(shift, rs_trunc(total, self.small, precision), precision)

    def _product(self, left: _Laurent, right: _Laurent) -> _Laurent:
        precision = min(left.precision, right.precision)
        product = rs_mul(left.polynomial, right.polynomial, self.small, precision)
        return _Laurent(left.shift + right.shift, product, precision)

    def _power(self, base: _Laurent, exponent: Rational) -> _Laurent:
        if exponent.is_Integer and exponent >= 0:
            power = rs_pow(base.polynomial, int(exponent), self.small, base.precision)
            return _Laurent(base.shift * int(exponent), power, base.precision)
        base, leading = self._normalized(base)
        numerator, denominator = int(exponent.p), int(exponent.q)
        factor = leading**exponent
        if base.shift % denominator or not factor.is_Rational:
            raise Undecided(f"the expansion in {self.parameter}: ({leading})**({exponent}) is not a rational number")
        unit = base.polynomial / QQ(leading.p, leading.q)
        root = rs_nth_root(unit, denominator, self.small, base.precision) if denominator > 1 else unit
        if numerator < 0:
            root = rs_series_inversion(root, self.small, base.precision)
        power = rs_pow(root, abs(numerator), self.small, base.precision)
        return _Laurent(base.shift // denominator * numerator, power * QQ(factor.p, factor.q), base.precision)

    def _normalized(self, series: _Laurent) -> tuple[_Laurent, Rational]:
        """The series with a nonzero constant term, and that term, which must be a number."""
        if not series.polynomial:
            raise _TooFewTerms
        valuation = min(powers[0] for powers in series.polynomial.itermonoms())
        polynomial = series.polynomial.quo(self.small**valuation)
        leading = [(powers, value) for powers, value in polynomial.terms() if powers[0] == 0]
        if len(leading) > 1 or any(leading[0][0]):
            raise Undecided(f"the expansion in {self.parameter}: a leading coefficient depends on the other symbols")
        return _Laurent(series.shift + valuation, polynomial, series.precision - valuation), Rational(
            leading[0][1].numerator, leading[0][1].denominator
        )


class _TooFewTerms(Exception):
    """A series whose known terms all cancelled."""


def expand_in(expression: Expr, parameter: Symbol, order: int, weights: Mapping[Symbol, int] | None = None) -> Expr:
    """All terms of the expression below parameter**order; the remainder is O(parameter**order) as parameter → 0⁺.

    `weights` gives the order of smallness of other symbols: {b: 2} expands with b = O(parameter**2).
    """
    if weights:
        scaled = {symbol: symbol * parameter**weight for symbol, weight in weights.items()}
        unscaled = {symbol: symbol / parameter**weight for symbol, weight in weights.items()}
        series = expand_in(expression.subs(scaled, simultaneous=True), parameter, order)
        return series.subs(unscaled, simultaneous=True).expand()
    others = sorted(expression.free_symbols - {parameter}, key=str)
    terms = max(order, 1) + 4
    while terms <= max(order, 1) + LOST_ORDERS:
        expansion = _Expansion(parameter, others, terms)
        try:
            series = expansion.of(expression)
        except _TooFewTerms:
            terms *= 2
            continue
        if series.shift + series.precision >= order:
            known = rs_trunc(series.polynomial, expansion.small, order - series.shift)
            return (known.as_expr() * parameter**series.shift).expand()
        terms += order - series.shift - series.precision
    raise Undecided(f"the expansion in {parameter}: more than {LOST_ORDERS} orders cancel")
