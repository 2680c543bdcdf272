from math import isclose

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Matrix, Poly, Rational, expand, eye, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Undecided, minimalist, product, quadratic, shallow
from eos_sym.stability import jury_margins, stability

z, a, b = symbols("z a b", real=True)
positive = symbols("p", positive=True)
eta = STEP_SIZE


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.integers(-20, 20), min_size=2, max_size=7))
def test_jury_margins_are_positive_exactly_when_all_roots_lie_inside_the_unit_circle(coefficients):
    assume(coefficients[0] != 0)
    largest = max(abs(np.roots(coefficients)), default=0.0)
    assume(not isclose(largest, 1, abs_tol=1e-4))
    assert all(margin > 0 for margin in jury_margins(Poly(coefficients, z))) == (largest < 1)


def test_the_margins_of_a_quadratic_are_the_stability_triangle():
    margins = jury_margins(Poly(z**2 + a * z + b, z))
    assert [expand(margin) for margin in margins] == [1 + a + b, 1 - a + b, 1 - b**2]


@pytest.mark.parametrize("objective", [minimalist(), shallow(), product(3)])
def test_a_manifold_of_minima_leaves_one_multiplier_that_is_not_neutral(objective):
    jacobian = GradientDescent().map(objective).jacobian.subs(objective.minima.chart)
    condition = stability(jacobian)
    assert condition.neutral == len(objective.weights) - 1
    sharpness = objective.minima.on(objective.hessian).trace()
    assert (condition.critical_value(eta) - 2 / sharpness).simplify() == 0


def test_gradient_descent_on_a_quadratic_is_stable_up_to_two_over_the_curvature():
    objective = quadratic(1)
    condition = stability(GradientDescent().map(objective).jacobian)
    (curvature,) = objective.parameters
    assert condition.critical_value(eta) == 2 / curvature
    verdicts = [
        condition.verdict({curvature: 4, eta: step_size}) for step_size in (Rational(49, 100), Rational(1, 2), 1)
    ]
    assert verdicts == ["stable", "marginal", "unstable"]


def test_a_sign_that_is_not_known_is_undecided():
    assert stability(Matrix([[a]])).verdict({}) == "undecided"


def test_the_least_critical_step_size_needs_an_order():
    with pytest.raises(Undecided, match="least of"):
        stability(GradientDescent().map(quadratic(2)).jacobian).critical_value(eta)


def test_a_margin_that_never_vanishes_gives_no_critical_step_size():
    with pytest.raises(Undecided, match="no margin"):
        stability(Matrix([[Rational(1, 2)]])).critical_value(eta)


def test_a_critical_step_size_without_a_closed_form_is_undecided():
    with pytest.raises(Undecided, match="closed-form"):
        stability(Matrix([[eta**5 - eta - 1]])).critical_value(eta)


def test_multiple_multipliers_are_counted():
    condition = stability(Matrix.diag(1, 1, positive, positive, 3))
    assert condition.neutral == 2
    assert condition.multipliers == {positive: 2, 3: 1}


def test_the_identity_is_all_neutral():
    condition = stability(eye(3))
    assert (condition.neutral, condition.margins) == (3, ())


def test_a_jacobian_must_be_square():
    with pytest.raises(BadInput, match="not square"):
        stability(Matrix([[1, 2]]))


def test_a_vanishing_margin_may_hide_an_unstable_pair():
    """z⁴ + 3z² + 1 has roots of modulus 1.618 and 0.618; being its own mirror image, it makes no margin negative."""
    companion = Matrix([[0, -3, 0, -1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    assert min(jury_margins(companion.charpoly(z))) == 0
    assert stability(companion).verdict({}) == "undecided"


def test_a_square_of_unknown_size_is_not_called_marginal():
    assert stability(Matrix([[1 - a**2]])).verdict({}) == "undecided"


def test_a_saddle_has_no_critical_step_size():
    with pytest.raises(Undecided, match="not known to be stable below"):
        stability(Matrix.diag(1 - 2 * eta, 1 + eta)).critical_value(eta)


def test_neutral_multipliers_alone_are_marginal_and_defective_ones_undecided():
    assert stability(eye(2)).verdict({}) == "marginal"
    with pytest.raises(Undecided, match="defective"):
        stability(Matrix([[1, 1], [0, 1]]))


def test_a_float_means_the_rational_it_is():
    condition = stability(Matrix([[1.0, 0], [0, 0.5]]))
    assert (condition.neutral, condition.verdict({})) == (1, "stable")


def test_coordinates_that_do_not_interact_are_treated_one_by_one():
    curvatures = symbols("c1:9", positive=True)
    condition = stability(Matrix.diag(*(1 - eta * c for c in curvatures)))
    assert len(condition.multipliers) == 8
