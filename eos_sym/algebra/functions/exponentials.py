"""Sums of exponentials, Σ c e^u, as they are written in log(eˣ + eʸ), in its derivatives and in log(2 cosh u).

    exponents(S)    {u: c} with S = Σ c e^u, several terms with different u; a term without an exponential has u = 0
    factored(p)     p = e^v Π Sᵖ · rest, with sums S that are positive for all real arguments: no c is negative

cosh u counts as (e^u + e^−u)/2, sinh u as (e^u − e^−u)/2, and bˣ with a number b > 0 as e^(x log b). In floating point
e^u is infinite for u > 709, so whoever evaluates such a sum takes its largest term out first; here it is recognized.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Integer, Mul, cosh, exp, log, sinh

MOST_HYPERBOLIC = 4  # the power of a cosh or sinh that is multiplied out


def exponents(total: Expr) -> dict[Expr, Expr] | None:
    """{u: c} of what comes to several such terms; None of anything else."""
    found = by_exponent(total)
    return found if found is not None and len(found) > 1 else None


def by_exponent(total: Expr) -> dict[Expr, Expr] | None:
    """{u: c} of a sum, however few terms that comes to; None where a term is none of these."""
    found: dict[Expr, Expr] = {}
    for term in total.args if total.is_Add else [total]:
        split = _split(term)
        if split is None:
            return None
        for exponent, coefficient in split.items():
            found[exponent] = found.get(exponent, Integer(0)) + coefficient
    return {exponent: coefficient for exponent, coefficient in found.items() if coefficient != 0}


@dataclass(frozen=True)
class Factored:
    """A product e^exponent · Π Sᵖ · rest: the sums S as {u: c}, with their powers."""

    exponent: Expr
    sums: tuple[tuple[Mapping[Expr, Expr], Expr], ...]
    rest: Expr


def factored(product: Expr) -> Factored:
    """A product by its exponentials, its positive sums of exponentials, and what is left."""
    exponent, sums, rest = Integer(0), [], []
    for factor in Mul.make_args(product):
        base, power = base_and_power(factor)
        u, terms = exponent_of(factor), exponents(base) if power.is_number else None
        if u is not None:
            exponent += u
        elif terms is not None and all(c.is_nonnegative for c in terms.values()):
            sums.append((terms, power))
        else:
            rest.append(factor)
    return Factored(exponent, tuple(sums), Mul(*rest))


def factored_to_sum(node: Expr) -> Factored | None:
    """What is best computed as exponent + Σ p log S: a logarithm of sums, or a product with roots or inverses of them.

    The parts of the logarithm's argument, or of the product; None of any other expression.
    """
    parts = factored(node.args[0] if isinstance(node, log) else node)
    if isinstance(node, log):
        return parts if parts.sums and parts.rest.is_number and parts.rest.is_positive else None
    return parts if any(power < 0 or not power.is_Integer for _, power in parts.sums) else None


def base_and_power(factor: Expr) -> tuple[Expr, Expr]:
    """The base and the power of a factor; an exponential is its own base."""
    return factor.args if factor.is_Pow and exponent_of(factor) is None else (factor, Integer(1))


def exponent_of(factor: Expr) -> Expr | None:
    """The u of e^u, and x log b of b^x with a number b > 0; None of anything else, numbers included."""
    if isinstance(factor, exp):
        return factor.exp if factor.exp.free_symbols else None
    if factor.is_Pow and factor.exp.free_symbols and factor.base.is_number and factor.base.is_positive:
        return factor.exp * log(factor.base)
    return None


def _split(term: Expr) -> dict[Expr, Expr] | None:
    """The same of a product, hyperbolic factors multiplied out; None if exponentials stand elsewhere in it."""
    terms: dict[Expr, Expr] = {Integer(0): Integer(1)}
    for factor in Mul.make_args(term):
        base, power = base_and_power(factor)
        u = exponent_of(factor)
        if u is not None:
            terms = {exponent + u: coefficient for exponent, coefficient in terms.items()}
        elif isinstance(base, cosh | sinh) and power.is_Integer and 0 < power <= MOST_HYPERBOLIC:
            for _ in range(int(power)):
                terms = _times_hyperbolic(terms, base)
        elif factor.has(exp, cosh, sinh) and not isinstance(factor, log):
            return None
        else:
            terms = {exponent: coefficient * factor for exponent, coefficient in terms.items()}
    return terms


def _times_hyperbolic(terms: Mapping[Expr, Expr], factor: Expr) -> dict[Expr, Expr]:
    (u,), sign = factor.args, 1 if isinstance(factor, cosh) else -1
    product: dict[Expr, Expr] = {}
    for exponent, coefficient in terms.items():
        for shifted, half in ((exponent + u, coefficient / 2), (exponent - u, sign * coefficient / 2)):
            product[shifted] = product.get(shifted, Integer(0)) + half
    return {exponent: coefficient for exponent, coefficient in product.items() if coefficient != 0}
