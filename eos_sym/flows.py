"""Gradient flow, θ̇ = −∇L(θ): the limit of gradient descent as η → 0 at fixed time ηt.

A quantity q(θ) is conserved by the flow iff ∇q·∇L = 0 identically. Among polynomials of bounded degree this is a
linear system for the coefficients of q, so all of them are found, not guessed.

Errors: `Undecided` if the loss is not a polynomial in its weights.
"""

from __future__ import annotations

from sympy import Dummy, Expr, Integer, Poly, PolynomialError, default_sort_key, diff, itermonomials, linsolve, symbols

from eos_sym.errors import Undecided
from eos_sym.objective import Objective


def conserved_quantities(objective: Objective, degree: int) -> tuple[Expr, ...]:
    """A basis of the polynomials of degree 1 … `degree` that gradient flow on the objective conserves."""
    monomials = sorted(set(itermonomials(objective.weights, degree)) - {1}, key=default_sort_key)
    coefficients = symbols(f"coefficient0:{len(monomials)}", cls=Dummy)
    quantity = sum((c * monomial for c, monomial in zip(coefficients, monomials, strict=True)), Integer(0))
    rate = sum((diff(quantity, weight) * diff(objective.loss, weight) for weight in objective.weights), Integer(0))
    try:
        equations = Poly(rate, *objective.weights).coeffs()
    except PolynomialError as error:
        raise Undecided(f"conserved quantities: the loss of {objective.name} is not a polynomial") from error
    (solution,) = linsolve(equations, coefficients)
    general = quantity.subs(dict(zip(coefficients, solution, strict=True)))
    return tuple(diff(general, coefficient) for coefficient in coefficients if general.has(coefficient))
