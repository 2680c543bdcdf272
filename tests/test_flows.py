import pytest
from sympy import Matrix, cos, expand, symbols

from eos_sym import Objective, Undecided, minimalist, quadratic
from eos_sym.flows import conserved_quantities

x, y = symbols("x y", real=True)


def test_gradient_flow_on_a_product_conserves_the_differences_of_squares():
    objective = minimalist()
    quantities = conserved_quantities(objective, 2)
    squares = [weight**2 for weight in objective.weights]
    rows = Matrix([[quantity.coeff(square) for square in squares] for quantity in quantities])
    assert len(quantities) == rows.rank() == 3
    assert all(sum(row) == 0 for row in rows.tolist())
    assert all(
        expand(quantity - sum(quantity.coeff(square) * square for square in squares)) == 0 for quantity in quantities
    )


def test_a_rotation_symmetric_loss_conserves_the_angle_only():
    objective = Objective("round", (x**2 + y**2 - 1) ** 2, (x, y))
    assert conserved_quantities(objective, 2) == ()


def test_a_convex_quadratic_conserves_nothing_polynomial():
    assert conserved_quantities(quadratic(2), 2) == ()


def test_a_loss_that_is_not_polynomial_is_undecided():
    with pytest.raises(Undecided, match="not a polynomial"):
        conserved_quantities(Objective("wave", cos(x * y), (x, y)), 2)
