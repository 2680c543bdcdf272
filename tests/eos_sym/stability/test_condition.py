from math import isclose

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Integer, Matrix, Poly, Rational, expand, eye, pi, prod, simplify, sin, symbols, zeros

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Undecided, minimalist, product, quadratic, shallow
from eos_sym.rules import MOMENTUM, NormalizedGradientDescent
from eos_sym.rules.optimizers import PreconditionedMomentum
from eos_sym.stability import StabilityCondition, jury_margins, stability

z, a, b = symbols("z a b", real=True)
positive = symbols("p", positive=True)
eta = STEP_SIZE


def margins_of(polynomial):
    """The margins of a polynomial, normalized to a leading coefficient 1."""
    return jury_margins([coefficient / polynomial.LC() for coefficient in polynomial.all_coeffs()])


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.integers(-20, 20), min_size=2, max_size=7))
def test_jury_margins_are_positive_exactly_when_all_roots_lie_inside_the_unit_circle(coefficients):
    assume(coefficients[0] != 0)
    largest = max(abs(np.roots(coefficients)), default=0.0)
    assume(not isclose(largest, 1, abs_tol=1e-4))
    assert all(margin > 0 for margin in margins_of(Poly(coefficients, z))) == (largest < 1)


def parts(bound):
    return st.fractions(-bound, bound, max_denominator=20).map(lambda part: Rational(part.numerator, part.denominator))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(parts(2), max_size=2), st.lists(st.tuples(parts(2), parts(2)), min_size=1, max_size=2), parts(3))
def test_jury_margins_tell_planted_conjugate_pairs_inside_from_outside(real, pairs, leading):
    """The moduli are exact, so that no tolerance is needed: roots on the circle are never called stable."""
    assume(leading != 0)
    factors = [z - root for root in real] + [z**2 - 2 * x * z + x**2 + y**2 for x, y in pairs]
    margins = margins_of(Poly(leading * prod(factors), z))
    inside = all(abs(root) < 1 for root in real) and all(x**2 + y**2 < 1 for x, y in pairs)
    assert all(margin > 0 for margin in margins) == inside


def test_the_margins_of_a_quadratic_are_the_stability_triangle():
    margins = margins_of(Poly(z**2 + a * z + b, z))
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
    assert min(margins_of(companion.charpoly(z))) == 0
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


@pytest.mark.parametrize("delay", [1, 2, 4])
def test_delayed_gradient_descent_has_its_critical_step_size_to_any_number_of_digits(delay):
    """θ' = θ − ηθ_{t−d}: the roots of zᵈ⁺¹ − zᵈ + η reach the unit circle at η = 2 sin(π/(2(2d + 1)))."""
    companion = zeros(delay + 1, delay + 1)
    companion[0, 0], companion[0, delay] = 1, companion[0, delay] - eta
    for row in range(delay):
        companion[row + 1, row] = 1
    digits = 60
    critical = stability(companion).critical_value(eta, digits=digits)
    assert abs(critical.evalf(digits) - (2 * sin(pi / (2 * (2 * delay + 1)))).evalf(digits)) < Rational(
        1, 10 ** (digits - 2)
    )


def test_values_of_the_other_parameters_decide_an_order():
    objective = quadratic(2)
    condition = stability(GradientDescent().map(objective).jacobian)
    assert condition.critical_value(eta, dict(zip(objective.parameters, (3, 5), strict=True))) == Rational(2, 5)
    momentum = PreconditionedMomentum().map(quadratic(1))
    (curvature,) = quadratic(1).parameters
    at = {MOMENTUM: Rational(9, 10), momentum.parameters[-1]: Integer(1), curvature: Integer(1)}
    assert stability(momentum.jacobian).critical_value(eta, at, digits=20) == 38


def test_a_critical_number_needs_all_values():
    with pytest.raises(BadInput, match=r"p: without a value"):
        stability(Matrix([[eta**5 + eta - positive]])).critical_value(eta, digits=20)


def test_three_real_roots_written_with_complex_radicals_are_not_overlooked():
    """The positive zero of η³ − 7η − 7 is 3.05, below the zero 5 of the other margin."""
    condition = StabilityCondition((7 + 7 * eta - eta**3, 5 - eta), 0, None, 1)
    with pytest.raises(Undecided, match="unknown sign"):
        condition.critical_value(eta)
    assert float(condition.critical_value(eta, digits=20)) == pytest.approx(max(np.roots([1, 0, -7, -7])), rel=1e-12)


@pytest.mark.parametrize("digits", [None, 20])
def test_a_pole_before_the_first_zero_is_not_crossed(digits):
    with pytest.raises(Undecided, match="pole"):
        StabilityCondition((eta / (1 - eta), 2 - eta), 0, None, 1).critical_value(eta, digits=digits)
    assert StabilityCondition((eta / (3 - eta), 2 - eta), 0, None, 1).critical_value(eta, digits=digits) == 2


def test_a_margin_without_positive_zeros_has_no_critical_number_either():
    with pytest.raises(Undecided, match="no margin"):
        StabilityCondition((1 + eta + eta**5,), 0, None, 1).critical_value(eta, digits=20)
    with pytest.raises(Undecided, match="not known to be stable below"):
        StabilityCondition((eta**5 - 3,), 0, None, 1).critical_value(eta, digits=20)


def test_a_step_along_one_direction_leaves_all_others_neutral_at_any_depth():
    loss = product(8)
    condition = stability(GradientDescent().map(loss).jacobian.subs(loss.minima.chart))
    sharpness = loss.minima.on(loss.hessian.trace())
    assert condition.neutral == 7
    assert simplify(condition.critical_value(STEP_SIZE) - 2 / sharpness) == 0


def test_a_shear_has_rank_one_and_is_still_defective():
    with pytest.raises(Undecided, match="defective"):
        stability(Matrix([[2, -1], [1, 0]]))  # J − 1 has rank one and trace 0


def test_where_a_map_is_not_differentiable_nothing_is_said_of_multipliers():
    loss = shallow()
    jacobian = NormalizedGradientDescent().map(loss).jacobian.subs(loss.minima.chart)
    with pytest.raises(Undecided, match="differentiable"):
        stability(jacobian)
