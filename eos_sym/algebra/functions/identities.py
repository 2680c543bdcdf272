"""Whether an expression is zero, identically in its symbols or as a number, and the signs of numbers.

    not zero    an enclosure at some point, at which the expression is defined, does not contain 0
    zero        it is reduced to 0 in its generators (`eos_sym.algebra.functions.elementary`), or SymPy simplifies it
                to 0; of an algebraic number the minimal polynomial is x

Simplification alone decides nothing: what it leaves may be zero. Points are random rational numbers, the same ones
every time, as the assumptions on the symbols allow. Functions without enclosures are evaluated to 30 digits.

Errors: `Undecided` where neither is found.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from mpmath import iv
from sympy import Abs, Dummy, Expr, I, Rational, Symbol, expand_log, log, minimal_polynomial, sign, simplify, together

from eos_sym.algebra.functions.elementary import Elementary
from eos_sym.algebra.functions.evaluate import evaluator, interval_digits, without_floats
from eos_sym.errors import Undecided
from eos_sym.reasons import brief

SEED, POINTS = 0, 12
DENOMINATOR = 97  # of the coordinates of the points, which are at most 3 in size
DIGITS = (30, 120)  # of the enclosures; the second for numbers that are nearly 0


@lru_cache(maxsize=4096)
def vanishes(expression: Expr) -> bool:
    """Whether the expression is 0 wherever it is defined."""
    expression = without_floats(expression)
    if expression.is_zero or expression.is_nonzero or _is_complex(expression):
        return bool(expression.is_zero)
    symbols = sorted(expression.free_symbols, key=str)
    sign_at = _signs(expression, symbols)
    if any(sign_at(point, digits) for point in _points(symbols) for digits in DIGITS):
        return False
    if _is_reduced_to_zero(expression) or simplify(expression) == 0 or _is_algebraic_zero(expression):
        return True
    raise Undecided(f"whether {brief(expression)} is 0: no other value was found, and no proof that there is none")


def _is_complex(expression: Expr) -> bool:
    """Whether a number is seen to have an imaginary part."""
    value = expression.evalf(DIGITS[0]) if expression.is_number and expression.has(I) else expression
    return bool(value.has(I) and abs(value.as_real_imag()[1]) > Rational(1, 10 ** DIGITS[0]))


def sign_of(expression: Expr) -> int | None:
    """The sign −1, 0 or 1 of a real number, or of an expression that its assumptions tell; None if it is not known."""
    if expression.is_positive or expression.is_negative or expression.is_zero:
        return 0 if expression.is_zero else 1 if expression.is_positive else -1
    if expression.free_symbols:
        return None
    sign_at = _signs(expression, ())
    try:
        return next(filter(None, (sign_at((), digits) for digits in DIGITS)), 0 if vanishes(expression) else None)
    except Undecided:
        return None


def _signs(expression: Expr, symbols: Sequence[Symbol]) -> Callable[[Sequence[Rational], int], int]:
    """The function from a point and digits to the sign there: 0 if it is undefined, or too small for the digits."""
    smooth = expression.replace(sign, lambda argument: argument / Abs(argument))
    try:
        enclosed = evaluator([smooth], symbols, iv)
    except Undecided:
        return lambda point, digits: _sign_of_float(smooth.subs(dict(zip(symbols, point, strict=True))).evalf(digits))

    def sign_at(point: Sequence[Rational], digits: int) -> int:
        with interval_digits(digits):
            try:
                (value,) = enclosed([iv.mpf(int(part.p)) / int(part.q) for part in point])
            except Undecided:
                return 0
            return 1 if value > 0 else -1 if value < 0 else 0

    return sign_at


def _sign_of_float(value: Expr) -> int:
    real = value.is_Float and abs(value) > Rational(1, 10 ** DIGITS[0])
    return (1 if value > 0 else -1) if real else 0


def _points(symbols: Sequence[Symbol]) -> Iterator[list[Rational]]:
    """Random points, one number for every symbol; a single one, without coordinates, if there is none."""
    draw = random.Random(SEED)
    for _ in range(POINTS if symbols else 1):
        yield [_number(draw, symbol) for symbol in symbols]


def _number(draw: random.Random, symbol: Symbol) -> Rational:
    size = draw.randint(1, 3 * DENOMINATOR)
    number = Rational(size) if symbol.is_integer else Rational(size, DENOMINATOR)
    return number if symbol.is_nonnegative or (draw.random() < 1 / 2 and not symbol.is_nonpositive) else -number


def _is_reduced_to_zero(expression: Expr) -> bool:
    taken_apart = expression.replace(log, lambda argument: expand_log(log(together(argument))))
    field = Elementary([taken_apart])
    return bool(field.reduced(field.written(taken_apart)) == 0)


def _is_algebraic_zero(expression: Expr) -> bool:
    variable = Dummy()
    return (
        bool(expression.is_number and expression.is_algebraic) and minimal_polynomial(expression, variable) == variable
    )
