"""A strictly monotone displacement vanishes once at most: the fixed point that is found is the only one."""

import pytest
from mpmath import exp, findroot, mp, sin
from sympy import Rational, symbols
from sympy import exp as symbolic_exp

from eos_sym import STEP_SIZE, GradientDescent, Map, Objective, Undecided
from eos_sym.orbits import fixed_points
from eos_sym.orbits.monotone import only_fixed_point


def descent(loss, weights):
    return GradientDescent().map(Objective.from_text(loss, weights))


@pytest.mark.parametrize(
    ("loss", "weights", "slopes"),
    [
        ("log(1 + exp(-x)) + x**2/20", "x", lambda x: x / 10 - 1 / (1 + exp(x))),
        ("exp(x) + exp(-2*x) + x**2", "x", lambda x: exp(x) - 2 * exp(-2 * x) + 2 * x),
        (
            "log(1 + exp(x)) + log(1 + exp(y - x)) + (x**2 + y**2)/10",
            "x y",
            lambda x, y: (x / 5 + 1 / (1 + exp(-x)) - 1 / (1 + exp(x - y)), y / 5 + 1 / (1 + exp(x - y))),
        ),
        (
            "x**2 + cos(x + 1)/2 + exp(y) - y/3 + y**2",
            "x y",
            lambda x, y: (2 * x - sin(x + 1) / 2, exp(y) - mp.mpf(1) / 3 + 2 * y),
        ),
    ],
)
def test_gradient_descent_on_a_strictly_convex_loss_has_one_fixed_point_at_every_step_size(loss, weights, slopes):
    found = fixed_points(descent(loss, weights))
    (orbit,) = found.orbits
    assert found.complete
    assert orbit.status == "proved"
    known = findroot(slopes, [0.3] * len(weights.split()) if " " in weights else 0.3)
    at = [float(value) for value in orbit.points[0].values()]
    assert at == pytest.approx([float(value) for value in (known if " " in weights else [known])], abs=1e-12)


def test_the_field_need_not_be_a_gradient():
    x, y = symbols("x y", real=True)
    turning = Map(
        (x, y),
        (STEP_SIZE,),
        (x - STEP_SIZE * (x + y + symbolic_exp(x) - 1), y - STEP_SIZE * (y - x + symbolic_exp(y) - 1)),
    )
    found = only_fixed_point(turning)
    assert found.complete
    assert [float(value) for value in found.orbits[0].points[0].values()] == [0, 0]


@pytest.mark.parametrize(
    "loss",
    [
        "x**4/4 - x**2/2 + exp(x)/100",  # two wells
        "exp(x) + x",  # no minimum
        "(exp(x) - 2)**2 + x/10",  # flat, then falling, to the left
        "(x*x)**(3/2) + exp(x)",  # not known to be smooth
    ],
)
def test_nothing_is_said_where_it_is_not_monotone_or_has_no_zero(loss):
    with pytest.raises(Undecided):
        only_fixed_point(descent(loss, "x"))


def test_a_parameter_other_than_the_factor_leaves_it_undecided():
    mu = symbols("mu", positive=True)
    (x,) = symbols("x,", real=True)
    shifted = Map((x,), (mu,), (x - Rational(1, 10) * (symbolic_exp(x) + x - mu),))
    with pytest.raises(Undecided, match="without parameters"):
        only_fixed_point(shifted)
