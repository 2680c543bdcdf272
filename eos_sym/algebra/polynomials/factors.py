"""Irreducible factors of a polynomial, whatever form it is in.

`sympy.factor_list` goes through a product factor by factor, and raises `PolificationFailed` at one that is a number
once it is multiplied out, such as 2x³ + x + 1 − x(2x² + 1) = 1; here such a product is multiplied out first.
"""

from __future__ import annotations

from sympy import Expr, PolificationFailed, expand, factor_list


def irreducible_factors(expression: Expr) -> list[tuple[Expr, int]]:
    """The factors that are no numbers, each with its multiplicity. Errors: `PolynomialError` if it is no polynomial."""
    try:
        found: list[tuple[Expr, int]] = factor_list(expression)[1]
    except PolificationFailed:
        found = factor_list(expand(expression))[1]
    return found
