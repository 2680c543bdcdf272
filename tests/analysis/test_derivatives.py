"""The check of gradient and Hessian finds what is wrong, refutes nothing right, and says where it cannot tell."""

import pytest
from sympy import ImmutableMatrix, Rational

from analysis.derive.derivatives import compare_derivatives
from eos_sym import Objective, Undecided


def statuses(objective, *centres):
    centres = centres or ([0.0] * len(objective.weights),)
    return [evidence.status for evidence in compare_derivatives(objective, centres, seed=0)]


@pytest.mark.parametrize(
    ("loss", "weights"),
    [
        ("x**2/2", "x"),
        ("(x*y - 1)**2/2 + 100000000", "x y"),
        ("(exp(600*x) - 2)**2/720000", "x"),
        ("sin(1000*x)", "x"),
        ("(1e6*x - 1)**2 + (1e-6*y)**2", "x y"),
        ("(x*1e-8)**4", "x"),
        ("log(cosh(100*(x*y - 1)))/10000", "x y"),
        ("x**2/2 + exp(-1/(x**2 + 1e-4))", "x"),
        ("abs(x - 7)", "x"),
        ("max(x - 7, 0) + 1", "x"),
    ],
)
def test_right_derivatives_are_supported_on_every_scale(loss, weights):
    assert statuses(Objective.from_text(loss, weights)) == ["supported", "supported"]


def test_points_are_taken_where_the_loss_is_finite():
    assert statuses(Objective.from_text("exp(x) + exp(-2*x)", "x"), [1000.0], [0.0]) == ["supported", "supported"]


class Wrong(Objective):
    """With a gradient, or a Hessian, that is not quite the loss's."""

    @property
    def gradient(self):
        return ImmutableMatrix([(1 + self.parameters_of_error[0]) * slope for slope in super().gradient])

    @property
    def hessian(self):
        return ImmutableMatrix(super().hessian * (1 + self.parameters_of_error[1]))


@pytest.mark.parametrize("errors", [(Rational(1, 10**4), 0), (0, Rational(1, 10**4))])
@pytest.mark.parametrize("loss", ["(x*y - 1)**2/2", "(x*y - 1)**2/2 + 10000", "log(cosh(3*(x*y - 1)))", "x**4 + y**4"])
def test_derivatives_that_are_wrong_in_the_fourth_digit_are_refuted_by_both_channels(loss, errors):
    right = Objective.from_text(loss, "x y")
    wrong = Wrong(f"wrong by {errors}", right.loss, right.weights)
    object.__setattr__(wrong, "parameters_of_error", errors)
    assert statuses(wrong) == ["refuted", "refuted"]


@pytest.mark.parametrize("loss", ["(x - 1)**2 + 10**14", "(sqrt(x**2 + 1e16) - 1e8)**2", "exp(exp(exp(x + 9)))"])
def test_where_floating_point_cannot_tell_the_check_says_so(loss):
    with pytest.raises(Undecided, match="rounding"):
        statuses(Objective.from_text(loss, "x"))
