"""Sums of exponentials S = Σ c e^u with their largest term taken out, so that nothing overflows that should not.

    log S                  →  log Σ e^(u + log c), pair by pair with logaddexp, if every c ≥ 0
    log(eᵛ S⁻¹)            →  −log Σ e^(u + log c − v)
    eᵛ Sᵖ Rʳ …             →  e^(v + pM + rN + …) (Σ c e^(u − M))ᵖ …,     M = max u, cosh and sinh among the sums
    a eᵘ/S − b e²ᵘ/S²      →  one quotient over S², where terms of the numerators cancel

With these the softmax eˣ/(eˣ + eʸ) and its derivatives of all orders are computed to the last digits wherever they are
in the range of floats, and so are the cross entropy, log cosh, and e^−x⁴ cosh x³, which is no 0 · ∞. Coefficients of
unknown sign are taken to the exponents too, as sign(c) e^(u + log|c|). Sums are recognized by
`eos_sym.algebra.functions.exponentials`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from sympy import Abs, Add, Expr, Integer, Max, Min, Mul, cosh, exp, expand, log, sinh, tanh
from sympy.codegen.numpy_nodes import logaddexp

from eos_sym.algebra import base_and_power, by_exponent, exponent_of, exponents, factored

LARGEST_EXPONENT = 709  # of a term c e^u whose c may be 0
MOST_TERMS = 200  # of a numerator that is multiplied out


def logarithm(argument: Expr) -> Expr | None:
    """The logarithm of a sum of exponentials, or of a product of such sums and powers; None of anything else."""
    parts = factored(argument)
    if not (parts.rest.is_number and parts.rest.is_positive):
        scaled = _scaled(argument, divided=True)
        return None if scaled is None else scaled[0] + log(scaled[1])
    exponent, sums = parts.exponent, list(parts.sums)
    near = next((index for index, (_, power) in enumerate(sums) if abs(power) == 1), None)
    if near is not None:  # so that log(eˣ/(eˣ + eʸ)) is not the difference of two large numbers
        terms, power = sums[near]
        sums[near], exponent = ({u + power * exponent: c for u, c in terms.items()}, power), Integer(0)
    if not sums and exponent == 0:
        return None
    return Add(log(parts.rest), exponent, *(power * _log_sum(terms) for terms, power in sums))


def bounded(expression: Expr) -> Expr:
    """The expression with the largest terms of the sums in every product and power collected in one exponential."""
    if expression.is_Mul or expression.is_Pow:
        collected = _collected(expression)
        if collected is not None:
            return collected
    parts = [bounded(part) if isinstance(part, Expr) else part for part in expression.args]
    return expression if parts == list(expression.args) else expression.func(*parts)


def _collected(product: Expr) -> Expr | None:
    scale, rest, scaled_factors = Integer(0), [], []
    above = below = fractional = exponential = False
    for factor in Mul.make_args(product):
        base, power = base_and_power(factor)
        scaled = _scaled(base, divided=bool(power < 0)) if power.is_number else None
        if scaled is None:
            rest.append(factor)
            continue
        largest, remainder = scaled
        scale += power * largest
        scaled_factors.append(remainder**power)
        below |= bool(power < 0) and exponent_of(base) is None
        above |= bool(power > 0)
        fractional |= base.is_Add and not power.is_Integer
        exponential |= exponent_of(base) is not None
    if not (fractional or (above and below) or (exponential and len(scaled_factors) > 1)):
        return None
    return Mul(exp(bounded(scale)), *scaled_factors, *map(bounded, rest))


def over_common_sum(total: Expr) -> Expr:
    """The sum with its quotients over a sum of exponentials made one, if terms of the numerators cancel then."""
    for base in _denominators(total):
        powers = {term: _power_of(base, term) for term in total.args}
        order = max(powers.values())
        numerators = {term: _expanded(term * base**power) for term, power in powers.items() if power}
        combined = Integer(0)
        taken = [term for term, power in powers.items() if power]
        plain = [term for term, power in powers.items() if not power]
        if max(map(_length, numerators.values())) * len(base.args) ** order > MOST_TERMS:
            continue
        parts = {term: _expanded(numerators[term] * base ** (order - powers[term])) for term in taken}
        combined = Add(*parts.values())
        for term in plain:
            part = _expanded(term * base**order)
            if _length(combined + part) < _length(combined) + _length(part) and not term.has(base):
                taken.append(term)
                parts[term], combined = part, combined + part
        if _length(combined) < sum(map(_length, parts.values())):
            rest = Add(*(term for term in total.args if term not in taken))
            return rest + combined * base**-order
    return total


def _expanded(numerator: Expr) -> Expr:
    """The numerator multiplied out, in exponentials if it is a sum of them."""
    numerator = expand(numerator)
    terms = exponents(numerator) if numerator.has(cosh, sinh) else None
    return numerator if terms is None else expand(Add(*(c * exp(u) for u, c in terms.items())))


def _denominators(total: Expr) -> list[Expr]:
    """The sums of exponentials that terms are divided by, in SymPy's order."""
    factors = {factor for term in total.args for factor in Mul.make_args(term)}
    powers = (factor for factor in factors if factor.is_Pow and factor.exp.is_Integer and factor.exp < 0)
    return sorted({power.base for power in powers if power.base.is_Add and exponents(power.base)}, key=str)


def _power_of(base: Expr, term: Expr) -> int:
    powers = (factor.exp for factor in Mul.make_args(term) if factor.is_Pow and factor.base == base)
    return max([0, *(-int(power) for power in powers if power.is_Integer)])


def _length(expression: Expr) -> int:
    return 0 if expression == 0 else len(Add.make_args(expression))


def _scaled(base: Expr, *, divided: bool) -> tuple[Expr, Expr] | None:
    """M and T with base = e^M T, where T is neither large nor, but for zeros of the base, small."""
    u = exponent_of(base)
    if u is not None:
        return u, Integer(1)
    if isinstance(base, cosh | sinh):
        (u,) = base.args
        even = (1 + exp(-2 * Abs(u))) / 2
        return Abs(u), even if isinstance(base, cosh) else tanh(u) * even
    terms = by_exponent(base) if base.is_Add else None
    return _largest_and_rest(terms, coefficients=divided) if terms and any(u != 0 for u in terms) else None


def _largest_and_rest(terms: Mapping[Expr, Expr], *, coefficients: bool) -> tuple[Expr, Expr]:
    """M and T, by the sizes of e^u, or of c e^u: in a denominator a term with c = 0 is not the largest."""
    if not coefficients or all(c.is_number for c in terms.values()):
        largest = Max(*terms, evaluate=False)
        return largest, Add(*(c * exp(u - largest) for u, c in terms.items()))
    largest = Max(*(u + log(Abs(c)) for u, c in terms.items()), evaluate=False)
    return largest, Add(*(c * exp(Min(u - largest, LARGEST_EXPONENT)) for u, c in terms.items()))


def _log_sum(terms: Mapping[Expr, Expr]) -> Expr:
    """Log Σ c e^u for c ≥ 0."""
    return reduce(logaddexp, [u + log(c) for u, c in terms.items()])
