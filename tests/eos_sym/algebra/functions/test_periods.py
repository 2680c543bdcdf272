import pytest
from sympy import Rational, cos, pi, sin, sqrt, symbols, tan

from eos_sym.algebra import period

x, y = symbols("x y", real=True)


@pytest.mark.parametrize(
    ("expressions", "least"),
    [
        ([sin(x)], 2 * pi),
        ([2 * sin(x) * cos(x)], pi),
        ([sin(x) ** 2, cos(x) ** 3], 2 * pi),
        ([cos(x) - sin(Rational(5, 2) * x) / 3], 4 * pi),
        ([4 * cos(x) ** 3 - 3 * cos(x)], 2 * pi / 3),  # cos 3x
        ([tan(x) * y], pi),
        ([sin(x) * exp_y for exp_y in (y, y**2)], 2 * pi),
        ([sin(x) + x], None),
        ([sin(x) + sin(sqrt(2) * x)], None),
        ([sin(x * y)], None),
        ([sin(x**2)], None),
        ([y], None),
    ],
)
def test_the_period_is_the_least_common_one_of_the_waves(expressions, least):
    assert period(expressions, x) == least
