"""Expressions as rational functions of symbols, which stand for the functions and constants in them.

    exp(2x − y + 1)  =  u² v⁻¹ e,      u = exp(x),  v = exp(y),  e = exp(1)

The exponents are sums of terms c·m with c rational. For every m there is one symbol, exp(g·m), g being the greatest
common divisor of the c with which m occurs; so every exponential is a product of integer powers of symbols that are
positive. Any other function, root or constant is a symbol of its own, with its sign as far as that is known.

What vanishes as a rational function of the symbols, vanishes; the converse is not claimed, since cosh² − sinh² = 1.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Dummy, E, Expr, Mul, Pow, Rational, Symbol, exp, igcd, ilcm, log


class Kernels:
    """The symbols for the functions in some expressions, the same ones for all of them."""

    def __init__(self, expressions: Iterable[Expr]) -> None:
        self.meaning: dict[Symbol, Expr] = {}
        self._symbols: dict[Expr, Symbol] = {}
        self._units: dict[Expr, Rational] = {}
        for expression in expressions:
            for part in expression.atoms(exp, Pow, type(E)):
                for term, coefficient in _terms(_exponent(part)):
                    known = self._units.get(term, coefficient)
                    self._units[term] = _common(known, coefficient)

    def algebraic(self, expression: Expr) -> Expr:
        """The expression as a rational function of symbols."""
        exponent = _exponent(expression)
        if exponent is not None:
            units = ((term, coefficient, self._units[term]) for term, coefficient in _terms(exponent))
            return Mul(*(self._symbol(exp(unit * term)) ** (factor / unit) for term, factor, unit in units))
        if expression.is_Symbol or (expression.is_number and expression.is_algebraic):
            return expression
        if expression.is_Add or expression.is_Mul:
            return expression.func(*map(self.algebraic, expression.args))
        if expression.is_Pow and expression.exp.is_Integer:
            return self.algebraic(expression.base) ** expression.exp
        if expression.is_Pow and expression.exp.is_Rational:
            return self._symbol(Pow(expression.base, Rational(1, expression.exp.q))) ** expression.exp.p
        return self._symbol(expression)

    def restored(self, expression: Expr) -> Expr:
        """The expression with functions in place of their symbols."""
        return expression.xreplace(self.meaning)

    def _symbol(self, kernel: Expr) -> Symbol:
        if kernel not in self._symbols:
            positive = kernel.is_positive or kernel.func is exp
            sign = (
                {"positive": True} if positive else {"nonnegative": True} if kernel.is_nonnegative else {"real": True}
            )
            self._symbols[kernel] = Dummy(str(kernel), **sign)
            self.meaning[self._symbols[kernel]] = kernel
        return self._symbols[kernel]


def _exponent(expression: Expr) -> Expr | None:
    """z if the expression is eᶻ, powers of positive bases included; None for what is no exponential."""
    if expression.func is exp or expression == E:
        return expression.as_base_exp()[1] if expression == E else expression.exp
    if expression.is_Pow and not expression.exp.is_Rational and expression.base.is_positive:
        return expression.exp * log(expression.base)
    return None


def _terms(exponent: Expr | None) -> list[tuple[Expr, Rational]]:
    """The terms m of an exponent with their rational coefficients."""
    if exponent is None:
        return []
    parts = (term.as_coeff_Mul(rational=True) for term in exponent.expand().as_ordered_terms())
    return [(term, coefficient) for coefficient, term in parts]


def _common(first: Rational, second: Rational) -> Rational:
    """The greatest common divisor of two rational numbers, positive."""
    denominator = ilcm(first.q, second.q)
    return Rational(igcd(first.p * (denominator // first.q), second.p * (denominator // second.q)), denominator)
