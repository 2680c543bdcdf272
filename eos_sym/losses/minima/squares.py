"""Sums of terms that are all least at once: sums of squares at the common zeros of the residuals.

    L = c + Σ Tᵢ,    Tᵢ ≥ tᵢ, with equality exactly where rᵢ = 0

is at least c + Σ tᵢ, and is this exactly where all rᵢ vanish; where they do so somewhere, these are the global minima.
A term is of this kind if

    T ≥ 0 is known       with r = T, as for even powers and products of them: then r is taken down to its factors
    T = h(e)             with h smooth on the whole line and a single critical point t of it, h''(t) > 0: there h is
                         least, and r = e − t; log cosh(e) has r = e

A polynomial all of whose factors have even powers is such a term too, however it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import (
    Add,
    Expr,
    Integer,
    Mul,
    Poly,
    PolynomialError,
    Symbol,
    factor_list,
    fraction,
    preorder_traversal,
    simplify,
    together,
)

from eos_sym.algebra import RealZeros, real_zeros
from eos_sym.losses.minima.wells import INNER, bottom


def zeros_of_terms(loss: Expr, weights: Sequence[Symbol]) -> tuple[list[RealZeros], Expr]:
    """The points where every term is least, and the loss there; none if there are none, or for other terms."""
    residuals, value = residuals_of_terms(loss, weights)
    return (real_zeros(residuals, weights) if residuals else []), value


def residuals_of_terms(loss: Expr, weights: Sequence[Symbol]) -> tuple[Sequence[Expr], Expr]:
    """Expressions that vanish where every term is least, and the loss there; none for other terms."""
    square = _square(loss, weights)
    if square is not None:
        return [square], Integer(0)
    scale, rest = loss.as_independent(*weights, as_Add=False)
    constant, varying = rest.as_independent(*weights, as_Add=True)
    least = [_least(term, weights) for term in Add.make_args(varying)]
    if not scale.is_positive or None in least:
        return [], constant
    residuals, values = zip(*filter(None, least), strict=True)
    return residuals, simplify(scale * Add(constant, *values))


def _square(loss: Expr, weights: Sequence[Symbol]) -> Expr | None:
    """The product of the factors of a polynomial that is a positive multiple of their even powers."""
    try:
        constant, factors = factor_list(Poly(loss, *weights))
    except PolynomialError:
        return None
    if not constant.is_positive or any(multiplicity % 2 for _, multiplicity in factors):
        return None
    return Mul(*(factor.as_expr() for factor, _ in factors))


def _least(term: Expr, weights: Sequence[Symbol]) -> tuple[Expr, Expr] | None:
    """r and t of a term."""
    if term.is_nonnegative:
        return _radical(term, weights), Integer(0)
    for inner in _arguments(term, weights):
        outer = term.xreplace({inner: INNER})
        if not outer.free_symbols & {*weights} and (least := bottom(outer)) is not None:
            return inner - least, outer.subs(INNER, least)
    return None


def _radical(term: Expr, weights: Sequence[Symbol]) -> Expr:
    """The different factors of a term that vary, each once."""
    try:
        factors = factor_list(fraction(together(term))[0])[1]
    except PolynomialError:
        return term
    return Mul(*(factor for factor, _ in factors if factor.free_symbols & {*weights}))


def _arguments(term: Expr, weights: Sequence[Symbol]) -> Iterator[Expr]:
    """The parts of a term in which the weights stand, the longest first."""
    for part in dict.fromkeys(preorder_traversal(term)):
        if isinstance(part, Expr) and part != term and part.free_symbols & {*weights}:
            yield part
