"""The polynomials of the functions are the best ones of their degree, and as good as their docstrings say."""

from importlib import import_module

import numpy as np
import pytest
from mpmath import mp

from numeric.compile.functions.minimax import POLYNOMIALS, Wanted, coefficients


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_the_coefficients_written_out_are_those_of_remez_exchange(name):
    module, constant = name.split(".")
    written = getattr(import_module(f"numeric.compile.functions.{module}"), constant)
    computed, error = coefficients(POLYNOMIALS[name])
    np.testing.assert_allclose(written, computed, rtol=2.0**-52)
    assert error < 2.0**-53 / 300  # of the value: nothing beside its rounding


def test_the_best_line_for_a_parabola_is_known():
    """x² on [0, 1]: x − 1/8, which is off by 1/8 at 0, ½ and 1."""
    found, error = coefficients(Wanted(lambda x: x**2, lambda x: 1, 0, 1, 1))
    np.testing.assert_allclose([*found, error], [-1 / 8, 1, 1 / 8], rtol=1e-4)


def test_chebyshevs_polynomial_is_what_is_left_of_a_power():
    """x⁵ less its best polynomial of degree 4 is T₅/16."""
    found, error = coefficients(Wanted(lambda x: x**5, lambda x: 1, -1, 1, 4))
    np.testing.assert_allclose(found, [0, -5 / 16, 0, 20 / 16, 0], rtol=1e-3, atol=1e-3)
    assert error == pytest.approx(1 / 16, rel=1e-3)


def test_a_weight_makes_the_error_relative():
    """eˣ by a constant c on [0, 1], relative: 1 − c e⁻¹ = c − 1."""
    found, _ = coefficients(Wanted(mp.exp, lambda x: mp.exp(-x), 0, 1, 0))
    assert found[0] == pytest.approx(2 / (1 + np.exp(-1)), rel=1e-4)


def test_what_cannot_alternate_is_refused():
    with pytest.raises(ArithmeticError):
        coefficients(Wanted(lambda x: x, lambda x: 1, 0, 1, 1))
