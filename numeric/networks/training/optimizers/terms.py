"""A product in a rule's formula, taken apart: scale · number · Π above / Π below.

The scale is a float, made of parameters, the number a tensor, made of norms and losses; the rest are vectors. Floats
are taken out of roots: √(s/c) = √s/√c.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sympy import Expr, Mul, Pow, S, Symbol, expand


class Term(NamedTuple):
    """scale · number · Π above / Π below."""

    scale: Expr
    number: Expr
    above: tuple[Expr, ...]
    below: tuple[Expr, ...]

    @classmethod
    def of(cls, product: Expr, vectors: Collection[Symbol], numbers: Collection[Symbol]) -> Term:
        """The product taken apart, given which of its symbols are vectors and which are numbers on the device."""
        scale, number, above, below = S.One, S.One, list[Expr](), list[Expr]()
        for factor in _factors(product, vectors):
            if not factor.free_symbols & {*vectors, *numbers}:
                scale *= factor
            elif not factor.free_symbols & {*vectors}:
                number *= factor
            elif factor.is_Pow and factor.exp == 2:
                above += [factor.base, factor.base]
            elif factor.is_Pow and factor.exp.is_negative:
                below.append(1 / factor)
            else:
                above.append(factor)
        return cls(scale, number, tuple(above), tuple(below))

    @property
    def vector(self) -> Expr:
        """The only factor, if it is multiplied by nothing but the scale; else 0."""
        return self.above[0] if self.number == 1 and len(self.above) == 1 and not self.below else S.Zero

    @property
    def factors(self) -> tuple[Expr, ...]:
        """All vectors in it."""
        return (*self.above, *self.below)


def like_terms_together(terms: Iterable[Term]) -> list[Term]:
    """The terms, those that differ in their scale alone as one."""
    together: dict[tuple[Expr, tuple[Expr, ...], tuple[Expr, ...]], Expr] = {}
    for scale, *rest in terms:
        key = tuple(rest)
        together[key] = together.get(key, S.Zero) + scale
    return [Term(scale, *key) for key, scale in together.items()]


def is_mean(first: Term, second: Term) -> bool:
    """Whether the terms are (1 − c) a + c b with vectors at hand."""
    return bool(second.vector.is_Symbol and expand(first.scale + second.scale) == 1)


def _factors(product: Expr, vectors: Collection[Symbol]) -> Iterable[Expr]:
    """The factors, those without vectors taken out of powers."""
    for factor in Mul.make_args(product):
        if not (factor.is_Pow and factor.base.is_Mul):
            yield factor
            continue
        for part in factor.base.args:
            base, exponent = part.as_base_exp() if part.is_Pow else (part, S.One)
            yield Pow(base, exponent * factor.exp)
