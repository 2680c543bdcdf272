"""Values for symbols: what `at`, a point, a chart or a step size may be, alike for every function that takes some.

A key is a symbol or its name, and means the declared symbol of that name, whatever else SymPy assumes of it. A value is
a number of Python's (int, float, Fraction, Decimal), of NumPy's, mpmath's or SymPy's, or an expression. A float of
Python's means the decimal that it is written as, so 0.1 is one tenth; a `Float` of SymPy's is the number that it is.

Errors: `BadInput` for unknown names, names given twice, and values that are no finite number or expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite
from numbers import Rational as PythonRational
from numbers import Real
from typing import Any

from mpmath import mpf
from sympy import Expr, Float, Rational, Symbol, nan

from eos_sym.errors import BadInput

Value = Any  # a number or an expression
Values = Mapping[Any, Value]  # by symbols or their names


def name_of(key: Any) -> str:
    """The name that a key stands for."""
    if not isinstance(key, Symbol | str):
        raise BadInput(f"{key!r} names nothing; values are given as {{symbol or its name: number}}")
    return key if isinstance(key, str) else str(key.name)


def named(kind: str, symbols: Iterable[Symbol], given: Values | None) -> dict[Symbol, Expr]:
    """The values by the symbols they are for; `kind` says in messages what is given, as ``the point``."""
    declared = [*symbols]
    known = {symbol.name: symbol for symbol in declared}
    values: dict[Symbol, Expr] = {}
    for key, value in (given or {}).items():
        name = name_of(key)
        symbol = key if key in declared else known.get(name)
        if symbol is None:
            raise BadInput(f"{kind}: there is no {name}; give values for {', '.join(known) or 'nothing'}")
        if symbol in values:
            raise BadInput(f"{kind}: {name} is given twice; give it once")
        values[symbol] = exact(f"{kind}: {name}", value)
    return values


def known_among(symbols: Iterable[Symbol], given: Values | None) -> dict[Symbol, Expr]:
    """The values of those symbols that have one; others may belong to symbols that do not matter here."""
    known = [*symbols]
    names = {symbol.name for symbol in known}
    return named("values", known, {key: value for key, value in (given or {}).items() if name_of(key) in names})


def exact(name: str, value: Any) -> Expr:
    """A number, or an expression, as SymPy's; `name` says in messages what it is."""
    if isinstance(value, Expr):
        if value.has(nan):
            raise BadInput(f"{name} = {value} is not a finite real number; give one")
        return value
    if isinstance(value, PythonRational):
        return Rational(int(value.numerator), int(value.denominator))
    if not isinstance(value, mpf | Decimal | Real):
        raise BadInput(f"{name} = {value!r} is no number; give a real number, or an expression of SymPy's")
    if not isfinite(value):
        raise BadInput(f"{name} = {value} is not finite; give a real number, or an expression")
    if isinstance(value, mpf):
        return Float(value, precision=value.context.prec)
    return Rational(str(value if isinstance(value, Decimal) else float(value)))
