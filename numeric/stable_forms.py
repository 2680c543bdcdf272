"""Rewriting expressions so that their evaluation in floating point neither overflows nor cancels.

    log(1 + eᵘ)                     →  logaddexp(0, u)
    log(cosh u)                     →  logaddexp(u, −u) − log 2
    eᵏᵘ / (1 + eᵘ)ⁿ, 0 < k ≤ n      →  (1 + e⁻ᵘ)⁻ᵏ (1 + eᵘ)⁻⁽ⁿ⁻ᵏ⁾
    sinhᵏ u / coshⁿ u, 0 < k ≤ n    →  tanhᵏ u / coshⁿ⁻ᵏ u

These are the losses ℓ(z) = log(1 + e⁻ᶻ) and log cosh z and what their derivatives are made of. On the left, e⁸⁰⁰ is
infinite and the ratio of two infinities undefined; on the right every factor is finite. The values are the same.
"""

from __future__ import annotations

from sympy import Expr, Integer, Mul, cosh, exp, log, sinh, tanh
from sympy.codegen.numpy_nodes import logaddexp


def stabilize(expression: Expr) -> Expr:
    """The same function, in a form that is safe to evaluate in floating point."""
    ratios = expression.replace(lambda part: part.is_Mul, _bounded_ratios)
    return ratios.replace(lambda part: isinstance(part, log), _logarithm)


def _logarithm(logarithm: Expr) -> Expr:
    (argument,) = logarithm.args
    if isinstance(argument, cosh):
        (u,) = argument.args
        return logaddexp(u, -u) - log(2)
    exponent = _softplus_argument(argument)
    return logarithm if exponent is None else logaddexp(Integer(0), exponent)


def _softplus_argument(expression: Expr) -> Expr | None:
    """u, if the expression is 1 + eᵘ."""
    if expression.is_Add and len(expression.args) == 2 and Integer(1) in expression.args:
        other = expression - 1
        if isinstance(other, exp):
            return other.exp
    return None


def _bounded_ratios(product: Expr) -> Expr:
    """The product with its exponential and hyperbolic ratios replaced by bounded factors."""
    powers = product.as_powers_dict()
    for denominator, negative in list(powers.items()):
        if not (negative.is_Integer and negative < 0):
            continue
        u = _softplus_argument(denominator)
        if u is not None:
            _split_exponential(powers, denominator, u)
        elif isinstance(denominator, cosh):
            numerator = sinh(*denominator.args)
            shared = min(powers.get(numerator, Integer(0)), -negative)
            if shared.is_Integer and shared > 0:
                powers[numerator] -= shared
                powers[denominator] += shared
                powers[tanh(*denominator.args)] += shared
    return Mul(*(base**power for base, power in powers.items()))


def _split_exponential(powers: dict[Expr, Expr], denominator: Expr, u: Expr) -> None:
    """Move e^{ku} from the numerator into the denominator (1 + eᵘ)ⁿ, for the largest k ≤ n that is there."""
    for base, power in list(powers.items()):
        if not isinstance(base, exp) and base != exp(1):
            continue
        multiple = (power * (base.exp if isinstance(base, exp) else 1)) / u
        if multiple.is_Integer and 0 < multiple <= -powers[denominator]:
            del powers[base]
            powers[denominator] += multiple
            powers[1 + exp(-u)] -= multiple
            return
