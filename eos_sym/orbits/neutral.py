"""Manifolds of fixed points: equations f = 0 all of whose solutions are fixed points of a map.

Every component of F(θ) − θ, over its denominator, must vanish where f does. That is proved by division: the numerators
leave no remainder modulo a Gröbner basis of the equations, as polynomials in the state, the parameters, and whatever
functions occur, which count as independent. One equation is found without being given: a factor that the
numerators have in common, such as 1 − xyzw for gradient descent on ½(1 − xyzw)².

Errors: `Undecided` where the division leaves a remainder, or no factor is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, PolynomialError, factor_list, fraction, gcd_list, groebner, together
from sympy.polys import parallel_poly_from_expr

from eos_sym.algebra import without_floats
from eos_sym.errors import Undecided
from eos_sym.reasons import brief
from eos_sym.rules import Map


def displacement(dynamics: Map) -> list[tuple[Expr, Expr]]:
    """The components of F(θ) − θ as numerators and denominators, floats as the rationals that they are."""
    return [fraction(together(without_floats(step - variable))) for variable, step in dynamics.substitution.items()]


def common_factors(dynamics: Map) -> list[Expr]:
    """The irreducible factors of F(θ) − θ that depend on the state; each vanishes at fixed points only."""
    try:
        common = gcd_list([numerator for numerator, _ in displacement(dynamics)])
        factors = [factor for factor, _ in factor_list(common)[1]]
    except PolynomialError as error:
        raise Undecided("a manifold of fixed points: no equation for it was found") from error
    return [factor for factor in factors if factor.free_symbols & {*dynamics.state}]


def prove_fixed(dynamics: Map, equations: Sequence[Expr]) -> None:
    """Prove that every solution of the equations at which F is defined is a fixed point, or raise `Undecided`."""
    numerators = [numerator for numerator, _ in displacement(dynamics)]
    try:
        generators = parallel_poly_from_expr((*numerators, *equations))[1].gens
        basis = groebner(list(equations), *generators, order="grevlex")
        implied = all(basis.contains(numerator) for numerator in numerators)
    except PolynomialError as error:
        raise Undecided("a manifold of fixed points: its equations are not polynomials") from error
    if not implied:
        raise Undecided(f"{brief(equations)} = 0: not known to be a fixed point wherever this holds")
