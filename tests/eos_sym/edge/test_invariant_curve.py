import pytest
from sympy import Rational, symbols

from eos_sym import Map, Undecided
from eos_sym.edge import invariant_curve

A, B = symbols("A B", real=True)
h = symbols("h", positive=True)


def test_a_planted_invariant_curve_is_recovered():
    """(A − B² − h B³) is multiplied by 1 − h(2 + B) in every step, so A = B² + hB³ is invariant, exactly."""
    push = B - h * B
    planted = push**2 + h * push**3 + (1 - h * (2 + B)) * (A - B**2 - h * B**3)
    assert invariant_curve(Map((A, B), (h,), (planted.expand(), push)), h, 3) == B**2 + h * B**3


def test_the_curve_of_the_minimalist_map_starts_with_the_paper_s_parabola():
    drift = A - 4 * B**2 * h**2
    push = B + h**2 * (8 * A * B - 16 * B**3)
    assert invariant_curve(Map((A, B), (h,), (drift, push)), h, 1) == 2 * B**2 - Rational(1, 8)


def test_a_map_without_a_polynomial_curve_is_undecided():
    circle = Map((A, B), (h,), (A - h * B, B + h * A))
    with pytest.raises(Undecided, match="invariant curve"):
        invariant_curve(circle, h, 1)
