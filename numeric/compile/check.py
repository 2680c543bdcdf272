"""Compiled functions compared with many-digit evaluation, before they are handed out.

The comparison allows for what rounding does to the expressions as written, measured by how far their values move with
small random errors in every intermediate result (stochastic arithmetic, after Vignes). The points are random, and the
same ones for every run.

Errors: `CompilationError` if the compiled numbers are wrong or nowhere defined.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from sympy import Basic, Expr, Float, Symbol, nan

from eos_sym import BadInput

CHECKED_POINTS = 4
TRIED_POINTS = 400  # an expression may be undefined at most of them
CHECK_DIGITS = 30
ALLOWED_ERROR = 1e-11  # of the value, where nothing cancels
SAMPLES = 3
SAMPLE_ERROR = 2.0**-36  # of every result; far enough above rounding for SymPy's cache to tell the samples apart
ALLOWED_MOVE = 100 * 2.0**-52 / SAMPLE_ERROR  # as much as errors of a hundred roundings in every result


class CompilationError(BadInput):
    """The compiled function does not compute what its expressions say, or they say nothing at most real points."""


def check(
    compiled: Callable[..., Sequence[NDArray[Any]]], expressions: Sequence[Expr], arguments: Sequence[Symbol]
) -> None:
    """Compare what the compiled function gives for the arguments with the expressions."""
    generator, errors = random.Random(0), random.Random(1)

    def disturb(value: Expr) -> Expr:
        return value * (1 + Float(SAMPLE_ERROR * errors.uniform(-1, 1), CHECK_DIGITS))

    unchecked = [CHECKED_POINTS] * len(expressions)
    for _ in range(TRIED_POINTS):
        pending = [index for index, points in enumerate(unchecked) if points]
        if not pending:
            return
        point = {argument: _magnitude(generator, argument) for argument in arguments}
        values = zip(pending, _values([expressions[index] for index in pending], point), strict=True)
        exact = {index: value for index, value in values if value.is_Float or value.is_Rational}  # real and finite
        if not exact:
            continue
        found = compiled(*point.values())
        wanted = [expressions[index] for index in exact]
        disturbed = zip(*(_values(wanted, point, disturb) for _ in range(SAMPLES)), strict=True)
        for (index, value), samples in zip(exact.items(), disturbed, strict=True):
            moved = max(float(abs(sample - value)) for sample in samples)
            expected, got = float(value), float(found[index])
            allowed = ALLOWED_ERROR * abs(expected) + ALLOWED_MOVE * moved + sys.float_info.min
            if math.isinf(expected) and math.isnan(got):
                continue  # beyond floating point, and no number is said: nan is what overflows by two ways
            if got != expected and not abs(got - expected) <= allowed < math.inf:
                raise CompilationError(f"{expressions[index]} at {point}: compiled {got}, exact {expected}")
            unchecked[index] -= 1
    undefined = expressions[pending[0]]
    raise CompilationError(f"{undefined}: defined at fewer than {CHECKED_POINTS} of the points tried")


def _values(
    expressions: Sequence[Expr], point: Mapping[Symbol, float], disturb: Callable[[Expr], Expr] = lambda value: value
) -> list[Expr]:
    """The values of the expressions at the point, with every argument and intermediate result disturbed."""
    known: dict[Basic, Basic] = {symbol: disturb(Float(value, CHECK_DIGITS)) for symbol, value in point.items()}

    def value_of(part: Basic) -> Basic:
        if part not in known:
            try:
                value = part.func(*map(value_of, part.args)) if part.args else part
                exact = value.is_Rational and value.q & (value.q - 1) == 0  # a float, unless it is very long
                if isinstance(value, Expr) and not exact:
                    value = disturb(value.evalf(CHECK_DIGITS))
            except (
                TypeError,
                ValueError,
                OverflowError,
            ):  # complex numbers have no order; exp(exp(10⁴⁰)) has no exponent
                value = nan
            known[part] = value
        return known[part]

    return [value_of(expression) for expression in expressions]


def _magnitude(generator: random.Random, argument: Symbol) -> float:
    """A number of any size between 0.01 and 100, more often positive than not, and always if the symbol is."""
    sign = 1 if generator.random() < 0.8 or argument.is_positive else -1
    return float(sign * 10 ** generator.uniform(-2, 2))
