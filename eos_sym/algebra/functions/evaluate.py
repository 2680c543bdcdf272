"""Expressions evaluated by mpmath: in floating point, to any number of digits, or in intervals.

`evaluator(expressions, arguments, context)` gives a function of one sequence of values that returns the values of the
expressions, common subexpressions computed once. The context is one of mpmath's three:

    fp    Python's floats, for searching: fast, about 16 digits
    mp    mpf numbers with the digits of ``mpmath.workdps``, for refining
    iv    intervals: an enclosure of every value that the expressions take on the box of arguments, for proving

Rational constants are exact up to one rounding in the context, and floats in an expression mean the rationals that they
are, so that an enclosure encloses. In `numeric.compile` expressions become NumPy functions instead, which are faster by
orders of magnitude on arrays, and have neither digits to choose nor bounds.

The sums, products and integer powers of mpmath's intervals are rounded outwards; its elementary functions are not: the
interval that mpmath 1.3 gives for atan 5.328251086161098 does not contain it. So these are python-flint's, whose error
bounds are proved (:cite:t:`johansson2017arb`). An interval on which an expression may be undefined, with 0 in a
denominator or negative numbers under a root, has no enclosure: what is evaluated is continuous.

Symbols are replaced before any code is printed, so no name that a user chose is ever part of it.
Errors: `BadInput` for unbound symbols; `Undecided` for functions that the context does not know, for infinite
constants, and, in intervals only, for arguments that leave the domain of an expression and for max, min and cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from flint import arb, ctx
from mpmath import iv, libmp, mp
from sympy import Expr, Float, Function, I, NumberSymbol, Piecewise, Pow, Rational, Symbol, lambdify, nan, oo, zoo
from sympy.core.function import Application
from sympy.printing.pycode import MpmathPrinter

from eos_sym.errors import BadInput, Undecided
from eos_sym.reading.language import FUNCTIONS
from eos_sym.reasons import brief

Evaluator = Callable[[Sequence[Any]], list[Any]]

KINKED = {"Max", "Min", "Piecewise", "And", "Or", "BooleanTrue", "BooleanFalse"}
MOST_BITS = 10_000  # before the point, of an argument
GUARD_BITS = 10  # by which the elementary functions of intervals are computed more precisely than the intervals


def evaluator(expressions: Sequence[Expr], arguments: Sequence[Symbol], context: Any = mp) -> Evaluator:
    """The function from values of the arguments to values of the expressions, in one of mpmath's contexts."""
    unbound = sorted({str(symbol) for expression in expressions for symbol in expression.free_symbols - {*arguments}})
    if unbound:
        raise BadInput(f"{', '.join(unbound)}: without a value; give one")
    functions = _interval_functions() if context is iv else _functions(context)
    for expression in expressions:
        if expression.has(I, nan, oo, -oo, zoo):
            raise Undecided(f"the values of {brief(expression)}: not real and finite")
        named = {type(part).__name__ for part in expression.atoms(Application, NumberSymbol)}
        unknown = sorted(named - {*FUNCTIONS, "Abs", "Pi", "Exp1"} - (set() if context is iv else KINKED))
        if unknown:
            raise Undecided(f"the values of {brief(expression)}: {', '.join(unknown)} is not evaluated")
    exact = [_complete(without_floats(expression)) for expression in expressions]
    if context is iv:
        exact = [expression.replace(Pow, Function("power")) for expression in exact]
    evaluate = lambdify(
        [tuple(arguments)],
        exact,
        modules=[functions],
        printer=MpmathPrinter({"fully_qualified_modules": False, "allow_unknown_functions": True}),
        cse=True,
        dummify=True,
    )
    in_functions = context is mp and any(expression.has(Application) for expression in exact)

    def evaluated(values: Sequence[Any]) -> list[Any]:
        arguments = tuple(map(context.convert, values))
        if in_functions and any(mp.isfinite(value) and mp.mag(value) > MOST_BITS for value in arguments if value):
            raise OverflowError("an argument so large that its exponential would fill the memory")
        try:
            return [context.convert(+value) for value in evaluate(arguments)]
        except MemoryError as error:  # the exponential of an exponential
            raise OverflowError("a value that does not fit into memory") from error

    return evaluated


def _complete(expression: Expr) -> Expr:
    """The expression with nan where none of its cases holds."""
    return expression.replace(Piecewise, lambda *cases: Piecewise(*cases, (nan, True)))


def without_floats(expression: Expr) -> Expr:
    """The expression with every float replaced by the rational number that it is."""
    return expression.xreplace({number: Rational(number) for number in expression.atoms(Float)})


def as_decimals(expression: Expr) -> Expr:
    """The expression with every float replaced by the shortest decimal that is read as that float: 0.1 is 1/10."""
    return expression.xreplace({number: _shortest_decimal(number) for number in expression.atoms(Float)})


def _shortest_decimal(number: Float) -> Rational:
    texts = (libmp.to_str(number._mpf_, digits) for digits in count(1))
    return next(Rational(text) for text in texts if Float(text, precision=number._prec) == number)


@contextmanager
def interval_digits(digits: int) -> Iterator[None]:
    """Within it, the ends of intervals have so many digits; ``mpmath.workdps`` does not reach them."""
    before = iv.prec
    iv.dps = digits
    try:
        yield
    finally:
        iv.prec = before


def to_ball(interval: Any) -> arb:
    """The interval of mpmath as a ball of python-flint, at the precision of the interval context."""
    with ctx.workprec(iv.prec + GUARD_BITS):
        lower, upper = (arb((-int(man) if sign else int(man), exp)) for sign, man, exp, _ in interval._mpi_)
        return lower if interval._mpi_[0] == interval._mpi_[1] else lower.union(upper)


def to_interval(ball: arb) -> Any:
    """The ball of python-flint as an interval of mpmath."""
    with ctx.workprec(iv.prec + GUARD_BITS):
        ends = (end.man_exp() for end in (ball.lower(), ball.upper()))
        return +iv.make_mpf(tuple(libmp.from_man_exp(int(man), int(exp)) for man, exp in ends))


def _functions(context: Any) -> dict[str, Any]:
    constants = {"pi": context.pi, "e": context.e, "mpf": context.mpf, "Abs": abs, "nan": context.nan}
    return {**{name: getattr(context, name, None) or getattr(math, name) for name in FUNCTIONS}, **constants}


def _interval_functions() -> Mapping[str, Any]:
    constants = {"pi": iv.pi, "e": iv.e, "mpf": iv.mpf, "Abs": abs, "power": _power}
    return {**{name: _enclosed(name) for name in FUNCTIONS}, **constants}


def _enclosed(name: str) -> Callable[[Any], Any]:
    """The elementary function of that name on intervals."""

    def function(interval: Any) -> Any:
        with ctx.workprec(iv.prec + GUARD_BITS):
            value = getattr(to_ball(iv.convert(interval)), name)()
        if not value.is_finite():
            raise Undecided(f"{name} on the interval {interval}, where it may be undefined")
        return to_interval(value)

    return function


def _power(base: Any, exponent: Any) -> Any:
    """base**exponent: for integer and half-integer exponents wherever that is defined, else for positive bases."""
    base, exponent = iv.convert(base), iv.convert(exponent)
    defined = base > 0
    if _is_integer(exponent):
        defined = defined or base < 0 or exponent >= 0
    elif _is_integer(2 * exponent):
        defined = defined or (base >= 0 and exponent > 0)
    if not defined:
        raise Undecided(f"the power {exponent} of the interval {base}, where it may be undefined")
    if _is_integer(exponent):
        return base ** int(exponent)
    if _is_integer(2 * exponent):
        return iv.sqrt(base) ** int(2 * exponent)
    return _enclosed("exp")(exponent * _enclosed("log")(base))


def _is_integer(interval: Any) -> bool:
    return bool(interval.delta == 0) and bool(interval == int(interval))
