"""What strict monotonicity proves: a fixed point that is the only one, and that there is no two-cycle."""

import pytest
from mpmath import exp, findroot, mp, sin
from sympy import Rational, cosh, lambdify, log, symbols
from sympy import exp as symbolic_exp

from eos_sym import STEP_SIZE, GradientDescent, Map, Objective, Undecided
from eos_sym.orbits import fixed_points, two_cycles
from eos_sym.orbits.monotone import no_two_cycles, only_fixed_point


def descent(loss, weights):
    return GradientDescent().map(Objective.from_text(loss, weights))


@pytest.mark.parametrize(
    ("loss", "weights", "slopes"),
    [
        ("log(1 + exp(-x)) + x**2/20", "x", lambda x: x / 10 - 1 / (1 + exp(x))),
        ("exp(x) + exp(-2*x) + x**2", "x", lambda x: exp(x) - 2 * exp(-2 * x) + 2 * x),
        ("x/(1 + exp(-x))", "x", lambda x: x + exp(x) + 1),  # silu: not convex, its slope is e^x/(1 + e^x)² times that
        ("log(cosh(x)) + log(cosh(2*x - 1))", "x", lambda x: mp.tanh(x) + 2 * mp.tanh(2 * x - 1)),
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


@pytest.mark.parametrize(
    ("loss", "eta"),
    [
        ("log(cosh(x))", "19/10"),  # the Hessian is at most 1, below 2/η
        ("log(1 + exp(x)) + log(1 + exp(-2*x))", "1"),
        ("(1/(1 + exp(-x)) - 1/3)**2/2", "5"),
        ("log(1 + exp(-x))", "1000"),  # far beyond 2/η, but every step goes to the right
    ],
)
def test_without_two_cycles_the_twice_iterated_map_comes_back_at_fixed_points_alone(loss, eta):
    dynamics = descent(loss, "x")
    found = two_cycles(dynamics, {STEP_SIZE: Rational(eta)})
    assert (found.complete, found.count, found.orbits) == (True, 0, ())
    step = lambdify(dynamics.state, dynamics.step[0].subs(STEP_SIZE, Rational(eta)), "mpmath")
    places = [mp.mpf(place) / 7 for place in range(-100, 101)]
    moves = [step(place) - place for place in places]
    returns = [step(step(place)) - place for place in places]
    assert [mp.sign(a) for a in returns] == [mp.sign(a) for a in moves]  # a two-cycle is a further change of sign


@pytest.mark.parametrize(
    ("loss", "weights"), [("log(exp(x) + exp(y))", "x y"), ("log(1 + exp(-x)) + log(1 + exp(y))", "x y")]
)
def test_a_coordinate_that_always_moves_the_same_way_never_comes_back_at_any_step_size(loss, weights):
    found = two_cycles(descent(loss, weights))
    assert found.complete
    assert not found.orbits


def test_separate_weights_below_the_edge_have_no_two_cycle_together():
    assert two_cycles(descent("sin(x) + sin(y)", "x y"), {STEP_SIZE: Rational(1, 2)}).complete


def test_beyond_the_edge_a_two_cycle_is_found_and_nothing_ruled_out():
    found = two_cycles(descent("log(cosh(x))", "x"), {STEP_SIZE: Rational(21, 10)})
    (cycle,) = found.orbits
    known = findroot(lambda x: 2 * x - mp.mpf("2.1") * mp.tanh(x), 0.5)
    assert abs(float(cycle.points[0][symbols("x", real=True)])) == pytest.approx(float(known))
    assert not found.complete


def test_a_map_that_is_not_smooth_everywhere_is_not_judged():
    x = symbols("x", real=True)
    with pytest.raises(Undecided, match="smooth"):
        no_two_cycles(Map((x,), (), (x + log(x) ** 2 + cosh(x),)))
