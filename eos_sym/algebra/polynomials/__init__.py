"""Polynomial systems with rational coefficients, solved with proof by python-flint; and factors, by SymPy.

`ideals` are systems and their dimension, `pure_parts` divides them by dimension, `points` are the zeros of one of
dimension 0, exact and enclosed, `roots` those of a polynomial in one unknown, `factors` the irreducible ones of
any polynomial.
"""

from eos_sym.algebra.polynomials.factors import irreducible_factors
from eos_sym.algebra.polynomials.ideals import Ideal
from eos_sym.algebra.polynomials.points import AlgebraicPoint, minimal_polynomial, points, points_of
from eos_sym.algebra.polynomials.pure_parts import pure_parts
from eos_sym.algebra.polynomials.roots import decimal, distance, roots_of

__all__ = [
    "AlgebraicPoint",
    "Ideal",
    "decimal",
    "distance",
    "irreducible_factors",
    "minimal_polynomial",
    "points",
    "points_of",
    "pure_parts",
    "roots_of",
]
