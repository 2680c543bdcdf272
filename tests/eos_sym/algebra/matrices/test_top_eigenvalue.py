"""The largest eigenvalue of matrices whose eigenvalues are known by hand."""

import pytest
from sympy import Float, Matrix, Max, Rational, diag, sqrt, symbols

from eos_sym.algebra import top_eigenvalue
from eos_sym.errors import Undecided

p, q = symbols("p q", positive=True)
u, v = symbols("u v", real=True)


@pytest.mark.parametrize(
    ("matrix", "largest"),
    [
        (diag(2, 5, 3), 5),
        (diag(0, 0), 0),
        (Matrix([[2, 1], [1, 2]]), 3),
        (Matrix([[1, 1], [1, 2]]), (3 + sqrt(5)) / 2),
        (diag(Matrix([[1, 1], [1, 2]]), 2), (3 + sqrt(5)) / 2),
        (diag(Matrix([[1, 1], [1, 2]]), 3), 3),
        (diag(p, p + q), p + q),
        (diag(p + q, p), p + q),
        (diag(p, 0), p),
        (diag(p, q), Max(p, q)),
        (Matrix([[u**2, u * v], [u * v, v**2]]), u**2 + v**2),
        (p * Matrix([[2, 1], [1, 2]]), 3 * p),
        (Matrix([[p + q, p, 0], [p, p + q, 0], [0, 0, q]]), 2 * p + q),
    ],
)
def test_the_largest_eigenvalue_is_that_found_by_hand(matrix, largest):
    assert (top_eigenvalue(matrix) - largest).expand() == 0


def test_without_a_closed_form_numbers_are_calculated_and_symbols_undecided():
    path = Matrix([[2, 1, 0], [1, 3, 1], [0, 1, 4]])  # x³ − 9x² + 24x − 18 = (x − 3)(x² − 6x + 6)
    assert (top_eigenvalue(path) - (3 + sqrt(3))).expand() == 0
    heavier = Matrix([[2, 1, 0], [1, 3, 1], [0, 1, 5]])  # x³ − 10x² + 29x − 23
    found = top_eigenvalue(heavier)
    assert abs(found**3 - 10 * found**2 + 29 * found - 23) < Float("1e-25", 30)
    assert found > 5
    with pytest.raises(Undecided, match="has no closed-form solution"):
        top_eigenvalue(p * Matrix([[2, 1, 0], [1, 3, 1], [0, 1, 5]]) + q * diag(1, 0, 0))
    assert abs(top_eigenvalue(diag(Float("0.5"), Rational(1, 3))) - Rational(1, 2)) < Float("1e-25", 30)
