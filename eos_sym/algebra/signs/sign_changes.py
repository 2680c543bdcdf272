"""Signs of expressions: of fractions away from their zeros and poles, and of the coefficients of a polynomial.

A factor in one unknown, or in one function such as tanh w or exp w, with rational coefficients, has one sign on the
range of the unknown or the function if it has no root inside, which Sturm's theorem decides; cos² is 1 − sin². Factors
in several have the sign that SymPy knows of them.
"""

from __future__ import annotations

from itertools import pairwise

from sympy import Expr, Integer, Poly, Symbol, cos, factor_list, fraction, oo, rem, sin, together

from eos_sym.algebra.functions.identities import vanishes
from eos_sym.algebra.functions.inverses import CLOSED, OPEN
from eos_sym.algebra.functions.kernels import Kernels
from eos_sym.errors import Undecided


def positive_where_defined(expression: Expr) -> bool:
    """Whether a fraction is known to be positive wherever it is neither 0 nor undefined.

    SymPy says of 2x²/(x⁴ + 1), x real, neither that it is positive nor that it is not, because of x = 0. As the
    critical step size at a minimum whose chart excludes x = 0, it is positive.
    """
    parts = fraction(expression)
    same_sign = all(part.is_nonnegative for part in parts) or all(part.is_nonpositive for part in parts)
    try:
        return (same_sign or _sign_of_factors(expression) == 1) and not vanishes(expression)
    except Undecided:
        return False


def _sign_of_factors(expression: Expr) -> int:
    """1 or −1 for an expression whose factors have one sign each, 0 if that is not known."""
    kernels = Kernels([expression])
    sign = 1
    for part in fraction(together(kernels.algebraic(expression))):
        constant, factors = factor_list(_on_the_circle(part, kernels))
        for factor, multiplicity in [(constant, 1), *factors]:
            if multiplicity % 2:
                sign *= _sign(factor, kernels)
    return sign


def _on_the_circle(polynomial: Expr, kernels: Kernels) -> Expr:
    """The polynomial with cos² u = 1 − sin² u."""
    symbols = {kernel: symbol for symbol, kernel in kernels.meaning.items()}
    for kernel, cosine in symbols.items():
        sine = symbols.get(sin(kernel.args[0])) if kernel.func is cos else None
        if sine is not None:
            polynomial = rem(polynomial, cosine**2 + sine**2 - 1, cosine)
    return polynomial


def _sign(factor: Expr, kernels: Kernels) -> int:
    if factor.is_nonnegative or factor.is_nonpositive:
        return 1 if factor.is_nonnegative else -1
    if len(factor.free_symbols) != 1:
        return 0
    (symbol,) = factor.free_symbols
    polynomial = Poly(factor, symbol)
    if not (polynomial.domain.is_ZZ or polynomial.domain.is_QQ):
        return 0
    lower, upper = _range(symbol, kernels)
    at_ends = sum(polynomial.eval(end) == 0 for end in (lower, upper) if end.is_finite)
    if polynomial.count_roots(lower, upper) > at_ends:
        return 0
    place = (lower + upper) / 2 if lower.is_finite and upper.is_finite else lower + 1 if lower.is_finite else Integer(0)
    return 1 if polynomial.eval(place) > 0 else -1


def _range(symbol: Symbol, kernels: Kernels) -> tuple[Expr, Expr]:
    """An interval with rational or infinite ends that contains all values of a symbol, its ends perhaps."""
    kernel = kernels.meaning.get(symbol)
    if kernel is not None and kernel.func in {**OPEN, **CLOSED}:
        _, lower, upper = {**OPEN, **CLOSED}[kernel.func]
        if all(end.is_Rational or not end.is_finite for end in (lower, upper)):
            return lower, upper
    return (Integer(0), oo) if symbol.is_positive or symbol.is_nonnegative else (-oo, oo)


def sign_changes(polynomial: Poly) -> int | None:
    """How often the sign changes along the coefficients, None if one is unknown.

    By Descartes' rule a polynomial has at most so many positive zeros, and exactly one if it is one.
    """
    signs = [1 if c.is_positive else -1 if c.is_negative else None for c in polynomial.coeffs()]
    return None if None in signs else sum(first != second for first, second in pairwise(signs))
