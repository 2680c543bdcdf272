"""Signs of expressions: of fractions away from their zeros and poles, and of the coefficients of a polynomial."""

from __future__ import annotations

from itertools import pairwise

from sympy import Expr, Poly, fraction


def positive_where_defined(expression: Expr) -> bool:
    """Whether a fraction is known to be positive wherever it is neither 0 nor undefined.

    SymPy says of 2x²/(x⁴ + 1), x real, neither that it is positive nor that it is not, because of x = 0. As the
    critical step size at a minimum whose chart excludes x = 0, it is positive.
    """
    parts = fraction(expression)
    same_sign = all(part.is_nonnegative for part in parts) or all(part.is_nonpositive for part in parts)
    return same_sign and expression != 0


def sign_changes(polynomial: Poly) -> int | None:
    """How often the sign changes along the coefficients, None if one is unknown.

    By Descartes' rule a polynomial has at most so many positive zeros, and exactly one if it is one.
    """
    signs = [1 if c.is_positive else -1 if c.is_negative else None for c in polynomial.coeffs()]
    return None if None in signs else sum(first != second for first, second in pairwise(signs))
