"""A loss that is said to be smooth everywhere is; its minima may then be looked for where the gradient vanishes."""

import pytest
from sympy import symbols

from eos_sym.losses.minima.smooth import is_smooth
from eos_sym.reading import parse


@pytest.mark.parametrize(
    ("text", "smooth"),
    [
        ("x**4 - x*y", True),
        ("exp(-x**2)*sin(y)", True),
        ("log(1 + x**2) + sqrt(2 + y**2)", True),
        ("1/(1 + exp(x))", True),
        ("tanh(x)*atan(y)", True),
        ("abs(x) + y", False),
        ("max(x, y)", False),
        ("min(x, 0)", False),
        ("log(x)", False),
        ("log(1 + x)*y**2", False),
        ("sqrt(x)", False),
        ("1/x", False),
        ("x**(1/3)", False),
        ("tan(x)", False),
        ("asin(x)", False),
    ],
)
def test_what_is_smooth_everywhere_is_told_from_what_has_kinks_and_ends(text, smooth):
    assert is_smooth(parse(text, symbols("x y", real=True))) is smooth
