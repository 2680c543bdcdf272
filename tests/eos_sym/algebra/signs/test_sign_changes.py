import pytest
from sympy import Poly, cos, exp, sin, symbols, tanh

from eos_sym.algebra import positive_where_defined
from eos_sym.algebra.signs.sign_changes import sign_changes

w, x, y = symbols("w x y", real=True)
q = symbols("q", positive=True)


@pytest.mark.parametrize(
    "expression",
    [
        w**4 - w**2 + 1,  # (w² − ½)² + ¾
        5 * tanh(w) ** 4 - 2 * tanh(w) ** 2 + 1,
        2 - tanh(w),
        3 * (1 - tanh(w)) * (1 + tanh(w)),
        exp(2 * w) - exp(w) + 1,
        (x**2 + y**2) * (x**4 - x**2 + 1),
        x**2 * y**2 / (w**2 - w + 1),
        q**2 + 3 * q + 1,
        2 * sin(w) ** 4 + cos(w) ** 2,  # 2s⁴ − s² + 1
        1 - sin(w),
    ],
)
def test_a_factor_without_roots_in_its_range_has_one_sign(expression):
    assert positive_where_defined(expression)
    assert not positive_where_defined(-expression)


@pytest.mark.parametrize(
    "expression", [q - 1, sin(w) - cos(w) ** 2, x**3, 1 - x**2, exp(w) - 1, 2 * tanh(w) - 1, x * y, x**2 - y**2, 0 * x]
)
def test_an_expression_of_both_signs_has_none(expression):
    assert not positive_where_defined(expression)
    assert not positive_where_defined(-expression)


@pytest.mark.parametrize(
    ("polynomial", "changes"),
    [
        (w**3 - 2 * w**2 - w + 1, 2),
        (w**2 + 3 * w + 1, 0),
        (w**4 - 1, 1),
        (q * w**2 - w + q, 2),
        (x * w**2 - w + 1, None),  # the sign of x is not known
    ],
)
def test_signs_change_along_the_coefficients_that_are_not_zero(polynomial, changes):
    assert sign_changes(Poly(polynomial, w)) == changes
