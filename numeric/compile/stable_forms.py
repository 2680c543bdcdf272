"""Rewriting expressions so that their evaluation in floating point neither overflows nor cancels.

    log(1 + eᵘ)                         →  logaddexp(0, u)
    log(cosh u)                         →  logaddexp(u, −u) − log 2
    eᵛ⁺ᵏᵘ / (1 + eᵘ)ⁿ,  m = min(k, n)   →  eᵛ⁺⁽ᵏ⁻ᵐ⁾ᵘ (1 + e⁻ᵘ)⁻ᵐ (1 + eᵘ)⁻⁽ⁿ⁻ᵐ⁾
    sinhᵏ u / coshⁿ u,  m = min(k, n)   →  sinhᵏ⁻ᵐ u tanhᵐ u / coshⁿ⁻ᵐ u
    c − c / (1 + eᵘ)                    →  c / (1 + e⁻ᵘ)
    c − c tanh² u                       →  c / cosh² u
    sums of exponentials, such as log(eˣ + eʸ) and eˣ / (eˣ + eʸ): see `numeric.compile.sums_of_exponentials`

These are the losses ℓ(z) = log(1 + e⁻ᶻ) and log cosh z and what their derivatives are made of. On the left, e⁸⁰⁰ is
infinite and the ratio of two infinities undefined, and 1 − tanh² 20 is 0; on the right every factor is finite, and
only a true value beyond the range of floats overflows. The values are the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, E, Expr, Integer, Mul, cosh, exp, log, sinh, tanh
from sympy.codegen.numpy_nodes import logaddexp

from numeric.compile import sums_of_exponentials


def stabilize(expression: Expr) -> Expr:
    """The same function, in a form that is safe to evaluate in floating point."""
    ratios = expression.replace(lambda part: part.is_Mul or part.is_Add, _bounded)
    logarithms = ratios.replace(lambda part: isinstance(part, log), _logarithm)
    return sums_of_exponentials.bounded(logarithms)


def _logarithm(logarithm: Expr) -> Expr:
    (argument,) = logarithm.args
    if isinstance(argument, cosh):
        (u,) = argument.args
        return logaddexp(u, -u) - log(2)
    exponent = _softplus_argument(argument)
    if exponent is not None:
        return logaddexp(Integer(0), exponent)
    return sums_of_exponentials.logarithm(argument) or logarithm


def _softplus_argument(expression: Expr) -> Expr | None:
    """u, if the expression is 1 + eᵘ."""
    if expression.is_Add and len(expression.args) == 2 and Integer(1) in expression.args:
        other = expression - 1
        if isinstance(other, exp):
            return other.exp
    return None


def _bounded(expression: Expr) -> Expr:
    """The product or sum with its exponential and hyperbolic ratios replaced by bounded factors."""
    if expression.is_Mul:
        return _bounded_product(expression)
    bounded = _bounded_sum(expression)
    return sums_of_exponentials.over_common_sum(bounded) if bounded.is_Add else bounded


def _bounded_product(product: Expr) -> Expr:
    powers = product.as_powers_dict()
    moved = False
    for denominator, power in list(powers.items()):
        if not (power.is_Integer and power < 0):
            continue
        u = _softplus_argument(denominator)
        if u is not None:
            shared = min(_multiple(powers.get(E, Integer(0)), u), -power)
            change = {E: -shared * u, denominator: shared, 1 + exp(-u): -shared}
        elif isinstance(denominator, cosh):
            (u,) = denominator.args
            shared = min(_integer(powers.get(sinh(u), Integer(0))), -power)
            change = {sinh(u): -shared, denominator: shared, tanh(u): shared}
        else:
            continue
        if shared > 0:
            moved = True
            for base, added in change.items():
                powers[base] += added
    return Mul(*(base**power for base, power in powers.items())) if moved else product


def _bounded_sum(total: Expr) -> Expr:
    """The sum with every c − c f replaced by c g, where f + g = 1 and f, g are positive."""
    terms = Add.make_args(total)
    for term in terms:
        for part, rest in _complements(term):
            whole = -term / part
            if whole in terms:
                return _bounded(total - term - whole + _bounded_product(whole * rest))
    return total


def _complements(term: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The factors f of the term that are known to leave a product g = 1 − f, and these g."""
    for base, power in term.as_powers_dict().items():
        u = _softplus_argument(base)
        if u is not None and power.is_Integer and power < 0:
            yield 1 / base, 1 / (1 + exp(-u))
        elif isinstance(base, tanh) and power.is_Integer and power > 1:
            yield base**2, cosh(*base.args) ** -2


def _multiple(exponent: Expr, u: Expr) -> Integer:
    """The integer k for which exponent − k u has none of the terms of u; 0 if there is no such integer."""
    terms = exponent.as_coefficients_dict()
    multiples = {terms[term] / coefficient for term, coefficient in u.as_coefficients_dict().items()}
    return _integer(multiples.pop()) if len(multiples) == 1 else Integer(0)


def _integer(number: Expr) -> Integer:
    return number if number.is_Integer else Integer(0)
