"""How mathematics is written in a reason or a refusal: in a few words, to the digits that a reader takes in.

a number            to 6 digits, if it has more than 12
an expression       as it is up to 80 characters, else what it is: a polynomial of degree 12 in a, w
several             one after the other up to 80 characters, else the first, and how many there are more
a point, a chart    name = value, in the same way
how many            1 orbit, 2 orbits
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Dummy, Expr, Float, Number, Poly, Symbol, sstr

LONGEST, DIGITS, LONGEST_NUMBER = 80, 6, 12
LARGEST = 2000  # operations of a polynomial whose degree is counted


def brief(what: Expr | Iterable[Any] | Mapping[Any, Any]) -> str:
    """The words for an expression, for several, or for a point."""
    if isinstance(what, Expr):
        return _expression(what)
    several = [f"{name} = {brief(value)}" for name, value in what.items()] if isinstance(what, Mapping) else None
    texts = several if several is not None else [brief(part) for part in what]
    together = ", ".join(texts)
    return together if len(together) <= LONGEST or len(texts) == 1 else f"{texts[0]} and {len(texts) - 1} more"


def counted(number: int, noun: str) -> str:
    """The number with its noun, in the plural unless it is 1."""
    return f"{number} {noun}{'s' * (number != 1)}"


def _expression(expression: Expr) -> str:
    long = {number: Float(number, DIGITS) for number in expression.atoms(Number) if len(str(number)) > LONGEST_NUMBER}
    plain = {symbol: Symbol(symbol.name) for symbol in expression.atoms(Dummy)}
    text = sstr(expression.xreplace(long | plain), full_prec=False)
    if len(text) <= LONGEST:
        return str(text)
    symbols = sorted(expression.free_symbols, key=str)
    if not symbols:
        return str(expression.evalf(DIGITS))
    names = brief([Symbol(symbol.name) for symbol in symbols])
    if expression.is_polynomial(*symbols) and expression.count_ops() <= LARGEST:
        return f"a polynomial of degree {Poly(expression, *symbols).total_degree()} in {names}"
    return f"an expression in {names}"
