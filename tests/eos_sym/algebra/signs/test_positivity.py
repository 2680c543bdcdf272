"""What is proved to be positive is; what is not positive somewhere is never said to be."""

import random

import pytest
from sympy import Abs, Max, Min, Rational, atan, cos, cosh, erf, exp, oo, sin, sqrt, symbols, tanh

from eos_sym.algebra import is_positive_everywhere
from eos_sym.algebra.signs.positivity import Range, range_of

x, y, z = symbols("x y z", real=True)


@pytest.mark.parametrize(
    "expression",
    [
        x**2 - x + 1,
        2 + sin(x),
        x**4 + x + 1,
        x**2 - x * y + y**2 + 1,
        x**4 - 2 * x**2 * y + y**2 + 1,
        (x - y) ** 2 + (y - z) ** 2 + Rational(1, 9) + z,
        3 + sin(x) * cos(y) - tanh(x * y),
        exp(2 * x) - exp(x) + 1,
        1 - tanh(x) ** 2 / 2,
        1 - tanh(x) ** 3,
        5 - tanh(x) ** 2 - 4 * tanh(y) ** 2,  # 1 is not attained
        1 - erf(x - y) ** 4,
        (2 + erf(x)) ** 2 - 1,
        (erf(x) - 2) ** 2 - 1,
        1 + tanh(x),
        1 - erf(x * y),
        2 + sin(x) ** 3,
        cosh(x) + sin(y) / 2 - sin(y) ** 2 / 10,
        x**2 + sin(x) + 2,
        4 - atan(x) ** 2,
        1 + Abs(x) * Abs(y),
        1 / (1 + x**2) + sin(x) / 2 + 1,
        sqrt(1 + x**2) + cos(x) / 2,
        -(exp(y) + 2) * (cos(x + 1) - 4),
        (-1 - x**2) * (sin(y) - 3),
    ],
    ids=str,
)
def test_a_positive_expression_is_proved_so(expression):
    if expression.has(z):
        expression += 2 + z**2  # (z + ½)² + …
    assert is_positive_everywhere(expression)


@pytest.mark.parametrize(
    "expression",
    [
        x,
        x**2,
        x**2 - x,
        1 + sin(x),
        1 - sin(x) ** 2,  # 1 is attained
        (sin(x) - 2) ** 2 - 1,
        tanh(x) ** 2,
        1 - cos(x),
        x**2 - 2 * x * y + y**2,
        x**2 - 3 * x * y + y**2 + 1,
        exp(2 * x) - 3 * exp(x) + 1,
        1 - 2 * tanh(x) ** 2,
        x**4 - x + Rational(1, 3),
        2 + sin(x) - x,
        1 - Abs(x),
        exp(x) - 1,
        cosh(x) - 1,
        (exp(y) + 2) * (cos(x) - 4),
        -exp(y) * (cos(x) - 1),
        -exp(y) * Min(0, 1 + tanh(x)),  # 0 everywhere
    ],
    ids=str,
)
def test_what_is_zero_or_negative_somewhere_is_not_proved_positive(expression):
    assert not is_positive_everywhere(expression)


def test_nothing_that_is_proved_is_negative_at_a_random_point():
    draw = random.Random(0)
    parts = [x, y, x**2, y**2, x * y, sin(x), cos(y), tanh(x), exp(x), exp(2 * x), Abs(y)]
    for _ in range(60):
        expression = sum((draw.randint(-2, 2) * part for part in draw.sample(parts, 3)), draw.randint(0, 3) + 0 * x)
        if is_positive_everywhere(expression):
            for _ in range(30):
                at = {x: draw.uniform(-4, 4), y: draw.uniform(-4, 4)}
                assert expression.subs(at) > 0, expression


@pytest.mark.parametrize(
    ("expression", "lower", "upper", "closed"),
    [
        (x, -oo, oo, ""),
        (x**2, 0, oo, "["),
        (tanh(x) ** 2, 0, 1, "["),
        ((tanh(x) + 3) ** 2, 4, 16, ""),
        ((tanh(x) - 3) ** 2, 4, 16, ""),
        ((sin(x) - 3) ** 2, 4, 16, "[]"),
        (-2 * tanh(x), -2, 2, ""),
        (-cosh(x), -oo, -1, "]"),
        (1 / cosh(x), 0, 1, "]"),
        (1 / (2 + tanh(x)), Rational(1, 3), 1, ""),
        (sqrt(2 + cos(x)), 1, sqrt(3), "[]"),
        (exp(sin(x)), exp(-1), exp(1), "[]"),
        ((2 + sin(x)) * (3 + cos(y)), 2, 12, "[]"),
        ((sin(x) - 2) * (3 + cos(y)), -12, -2, "[]"),
        ((2 + sin(x)) * (cos(y) - 3), -12, -2, "[]"),
        ((sin(x) - 2) * (cos(y) - 3), 2, 12, "[]"),
        (sin(x) * (3 + cos(y)), -4, 4, "[]"),
        (sin(x) * (2 + cosh(y)), -oo, oo, ""),
        ((1 + sin(x)) * cosh(y), 0, oo, "["),
        (Min(0, 1 + tanh(x)) * exp(y), 0, 0, "[]"),  # 0 everywhere, as SymPy does not see
        (sin(x) + 2 * tanh(y), -3, 3, ""),
        (Max(sin(x), cos(y) / 2), -Rational(1, 2), 1, "[]"),
        (Min(sin(x), cos(y) / 2), -1, Rational(1, 2), "[]"),
    ],
    ids=str,
)
def test_a_range_ends_where_the_values_do(expression, lower, upper, closed):
    """An end that is attained is told from one that is not; a wider range would be no error, and decide less."""
    assert range_of(expression) == Range(lower, upper, "[" not in closed, "]" not in closed)
