"""Expressions evaluated by mpmath: in floating point, to any number of digits, or in intervals.

`evaluator(expressions, arguments, context)` gives a function of one sequence of values that returns the values of the
expressions, common subexpressions computed once. The context is one of mpmath's three:

    fp    Python's floats, for searching: fast, about 16 digits
    mp    mpf numbers with the digits of ``mpmath.workdps``, for refining
    iv    intervals: an enclosure of every value that the expressions take on the box of arguments, for proving

Rational constants are exact up to one rounding in the context, and floats in an expression mean the rationals that they
are, so that an enclosure encloses. In `numeric.compile` expressions become NumPy functions instead, which are faster by
orders of magnitude on arrays, and have neither digits to choose nor bounds.

Symbols are replaced before any code is printed, so no name that a user chose is ever part of it.
Errors: `BadInput` for unbound symbols; `Undecided` for functions that the context does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpmath import fp, iv, mp
from sympy import Expr, Float, Function, I, Rational, Symbol, lambdify
from sympy.printing.pycode import MpmathPrinter

from eos_sym.errors import BadInput, Undecided

Evaluator = Callable[[Sequence[Any]], list[Any]]


def evaluator(expressions: Sequence[Expr], arguments: Sequence[Symbol], context: Any = mp) -> Evaluator:
    """The function from values of the arguments to values of the expressions, in one of mpmath's contexts."""
    unbound = sorted({str(symbol) for expression in expressions for symbol in expression.free_symbols - {*arguments}})
    if unbound:
        raise BadInput(f"{', '.join(unbound)}: without a value; give one")
    functions = _interval_functions() if context is iv else _functions(context)
    for expression in expressions:
        unknown = sorted({type(part).__name__ for part in expression.atoms(Function)} - set(functions))
        if unknown or expression.has(I):
            raise Undecided(f"the values of {expression}: {', '.join(unknown) or 'the imaginary unit'} is not evaluated")
    exact = [_rational(expression) for expression in expressions]
    evaluate = lambdify(
        [tuple(arguments)],
        exact,
        modules=[functions],
        printer=MpmathPrinter({"fully_qualified_modules": False, "allow_unknown_functions": True}),
        cse=True,
        dummify=True,
    )
    return lambda values: [context.convert(value) for value in evaluate(tuple(map(context.convert, values)))]


def _rational(expression: Expr) -> Expr:
    """The expression with every float replaced by the rational number that it is."""
    return expression.xreplace({number: Rational(number) for number in expression.atoms(Float)})


def _functions(context: Any) -> dict[str, Any]:
    names = "exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh".split()
    constants = {"pi": context.pi, "e": context.e, "mpf": context.mpf, "Abs": abs}
    return {**{name: getattr(context, name, None) or getattr(math, name) for name in names}, **constants}


def _interval_functions() -> Mapping[str, Any]:
    """What mpmath.iv has, and the rest of the language from it, in forms that do not widen needlessly."""
    exp, log, sqrt, atan2 = iv.exp, iv.log, iv.sqrt, iv.atan2
    return {
        "exp": exp,
        "log": log,
        "sqrt": sqrt,
        "sin": iv.sin,
        "cos": iv.cos,
        "tan": lambda x: iv.sin(x) / iv.cos(x),
        "sinh": lambda x: _increasing(x, lambda end: (exp(end) - exp(-end)) / 2),
        "cosh": lambda x: _even_and_increasing(x, lambda end: (exp(end) + exp(-end)) / 2),
        "tanh": lambda x: 1 - 2 / (exp(2 * x) + 1),
        "asin": lambda x: _increasing(x, lambda end: atan2(end, sqrt(1 - end**2))),
        "acos": lambda x: iv.pi / 2 - _increasing(x, lambda end: atan2(end, sqrt(1 - end**2))),
        "atan": lambda x: _increasing(x, lambda end: atan2(end, iv.mpf(1))),
        "asinh": lambda x: _increasing(x, lambda end: log(end + sqrt(end**2 + 1))),
        "acosh": lambda x: _increasing(x, lambda end: log(end + sqrt(end**2 - 1))),
        "atanh": lambda x: _increasing(x, lambda end: log((1 + end) / (1 - end)) / 2),
        "pi": iv.pi,
        "e": iv.e,
        "mpf": iv.mpf,
        "Abs": abs,
    }


def _increasing(interval: Any, function: Callable[[Any], Any]) -> Any:
    """The enclosure of an increasing function, from the enclosures at the two ends."""
    interval = iv.mpf(interval)
    return iv.mpf([function(iv.mpf(interval.a)).a, function(iv.mpf(interval.b)).b])


def _even_and_increasing(interval: Any, function: Callable[[Any], Any]) -> Any:
    """The enclosure of an even function that increases to the right of 0."""
    return _increasing(abs(iv.mpf(interval)), function)
