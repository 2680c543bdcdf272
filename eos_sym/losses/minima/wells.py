"""Losses L = h(g), least where h is.

g a polynomial      that some weight enters linearly, so that it takes all values; h smooth on the whole line with a
                    single critical point t, at which h'' > 0: then h is least at t and nowhere else, and L is least
                    where g = t, as log cosh(1 − xy) is
h monotone          strictly, on all values that g is known to take: then L
                    has the minima of g, or of −g, as 1 − exp(−x²) has
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import (
    Dummy,
    Expr,
    Poly,
    Symbol,
    diff,
    exp,
    fraction,
    log,
    preorder_traversal,
    simplify,
    together,
)

from eos_sym.algebra import RealZeros, components, real_zeros
from eos_sym.losses.minima.smooth import is_smooth

SIGNS = ("positive", "nonnegative", "negative", "nonpositive")
INNER = Dummy("t", real=True)  # the argument of h in L = h(g)


def level_of_polynomial(loss: Expr, weights: Sequence[Symbol]) -> tuple[list[RealZeros], Expr]:
    """The points where g = t, and the loss there; none if it is not known to be of this form."""
    for inner in _inner_polynomials(loss, weights):
        chart = _chart(inner - INNER, weights)
        if chart is None:
            continue
        outer = simplify(loss.subs(chart))
        if outer.free_symbols & {*weights}:
            continue
        least = bottom(outer)
        if least is not None:
            return real_zeros([inner - least], weights), simplify(outer.subs(INNER, least))
    return [], loss


def bottom(outer: Expr) -> Expr | None:
    """The point at which h is least, if it is known to have a single critical point, and to be smooth."""
    if not is_smooth(outer):
        return None
    critical = _only_critical_point(outer)
    if critical is None or not simplify(diff(outer, INNER, 2).subs(INNER, critical)).is_positive:
        return None
    return critical


def monotone_of(loss: Expr, weights: Sequence[Symbol]) -> Expr | None:
    """g, or −g, if the loss is known to be an increasing function of it on the whole line; None otherwise."""
    for part in dict.fromkeys(preorder_traversal(loss)):
        if not isinstance(part, Expr) or part in (loss, *weights) or not part.free_symbols & {*weights}:
            continue
        signs = {
            name: True for name in ("positive", "nonnegative", "negative", "nonpositive") if getattr(part, f"is_{name}")
        }
        argument = Dummy("t", real=True, **signs)
        outer = loss.xreplace({part: argument})
        if outer.free_symbols & {*weights} or not is_smooth(outer):
            continue
        slope = simplify(diff(outer, argument))
        if not slope.has(argument):  # the same loss in other units
            continue
        if slope.is_positive:
            return part
        if slope.is_negative:
            return -part
    return None


def _inner_polynomials(loss: Expr, weights: Sequence[Symbol]) -> Iterator[Expr]:
    """The nonconstant polynomials in the loss, without their constant terms and factors, the longest first."""
    found = set()
    for part in preorder_traversal(loss):
        if isinstance(part, Expr) and part.is_polynomial(*weights) and part.free_symbols & {*weights}:
            varying = part.expand().as_independent(*weights, as_Add=True)[1]
            inner = varying.as_independent(*weights, as_Add=False)[1]
            if inner not in found:
                found.add(inner)
                yield inner


def _only_critical_point(outer: Expr) -> Expr | None:
    """The zero of h', if it is known to have exactly one."""
    slope = diff(outer, INNER)
    found, exceptions = components([slope], [INNER])
    if len(found) == 1 and not (found[0].left or found[0].free or exceptions):
        return found[0].chart[INNER]
    growth = Dummy("growth", positive=True)  # e^t, if it enters in no other way
    numerator = fraction(together(slope.rewrite(exp).subs(exp(INNER), growth)))[0].expand()
    if numerator.has(INNER) or not numerator.is_polynomial(growth):
        return None
    coefficients = Poly(numerator, growth).all_coeffs()
    if len(coefficients) != 2 or not (-coefficients[1] / coefficients[0]).is_positive:
        return None
    return simplify(log(-coefficients[1] / coefficients[0]))


def _chart(equation: Expr, weights: Sequence[Symbol]) -> dict[Symbol, Expr] | None:
    """The equation solved for the last weight that is known to enter it linearly."""
    for weight in reversed(weights):
        if Poly(equation, weight).degree() == 1:
            slope, intercept = Poly(equation, weight).all_coeffs()
            if any(coefficient.is_nonzero for coefficient in Poly(slope, *weights).coeffs()):
                return {weight: simplify(-intercept / slope)}
    return None
