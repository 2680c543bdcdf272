"""Signs of rational expressions away from their zeros and poles."""

from __future__ import annotations

from sympy import Expr, fraction


def positive_where_defined(expression: Expr) -> bool:
    """Whether a fraction is known to be positive wherever it is neither 0 nor undefined.

    SymPy says of 2x²/(x⁴ + 1), x real, neither that it is positive nor that it is not, because of x = 0. As the
    critical step size at a minimum whose chart excludes x = 0, it is positive.
    """
    parts = fraction(expression)
    same_sign = all(part.is_nonnegative for part in parts) or all(part.is_nonpositive for part in parts)
    return same_sign and expression != 0
