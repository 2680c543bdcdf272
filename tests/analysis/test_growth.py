"""Runs beside an orbit last as long as its multipliers say they must, and say so where they cannot tell."""

import pytest
from sympy import Integer, Matrix, Rational, Symbol, sqrt

from analysis.derive.claims import on_both_sides
from analysis.derive.growth import shows_stability
from eos_sym import STEP_SIZE, GradientDescent, HeavyBall, Map, Objective, Undecided, quadratic
from eos_sym.orbits import two_cycles
from eos_sym.rules import MOMENTUM
from eos_sym.stability import stability

x, y = Symbol("x", real=True), Symbol("y", real=True)


def shown(verdict, dynamics, points, values=()):
    return shows_stability(verdict, "of the orbit", dynamics, points, dict(values)).status


def test_a_multiplier_near_one_is_waited_for():
    dynamics = GradientDescent().map(Objective.from_text("(1 - x*y)**2/2", "x y"))
    at = {STEP_SIZE: Rational("1.2362")}  # on the diagonal 9 − 2(1 + η)² = −1.00118, just beyond √5 − 1
    found = [orbit for orbit in two_cycles(dynamics, at).orbits if len({*orbit.points[0].values()}) == 1]
    slow = [orbit for orbit in found if any(1 < abs(multiplier) < 1.01 for multiplier in orbit.multipliers)]
    assert len(slow) == 2
    for orbit in slow:
        assert shown("unstable", dynamics, orbit.points, at) == "supported"
        assert shown("stable", dynamics, orbit.points, at) == "refuted"


@pytest.mark.parametrize(
    ("multiplier", "level", "status"),
    [
        (1 - x / 5, 10, "proved"),
        (1 - x / 5, 9, "undecided"),  # stable beyond 9, too
        (1 - x * (1 + x), 1, "proved"),
    ],
)
def test_a_threshold_is_proved_where_it_is_stable_at_all_curvatures_below_and_unstable_at_all_above(
    multiplier, level, status
):
    assert on_both_sides(stability(Matrix([[multiplier]])), x, Integer(level)).status == status


def test_a_rule_that_becomes_stable_again_has_no_threshold_above_which_it_is_unstable():
    again = stability(Matrix([[1 - x * (x - 3) ** 2]]))  # below −1 for 2 − √3 < x < 2, and above −1 until 2 + √3
    assert on_both_sides(again, x, again.critical_value(x)).observed == "stable, undecided"


@pytest.mark.parametrize(("curvature", "verdict"), [(3.99, "stable"), (4.01, "unstable")])
@pytest.mark.parametrize("momentum", [0.0001, 0.5, 0.9, 0.9999])
def test_heavy_ball_is_told_from_both_sides_of_its_edge(momentum, curvature, verdict):
    dynamics = HeavyBall().map(quadratic(1))
    values = {STEP_SIZE: 1, MOMENTUM: momentum, quadratic(1).parameters[0]: curvature * (1 + momentum) / 2}
    assert shown(verdict, dynamics, [dict.fromkeys(dynamics.state, 0)], values) == "supported"


def test_a_run_that_would_take_too_long_says_how_long():
    dynamics = HeavyBall().map(quadratic(1))
    values = {STEP_SIZE: 1, MOMENTUM: 1 - 1e-7, quadratic(1).parameters[0]: 1}  # |μ| = √(1 − 10⁻⁷), ln 10/|ln |μ||
    with pytest.raises(Undecided, match=r"4\.61e\+07 passages"):
        shown("stable", dynamics, [dict.fromkeys(dynamics.state, 0)], values)


@pytest.mark.parametrize(
    ("step", "points", "verdict"),
    [
        ((x**2, y / 2), [{x: 0, y: 0}], "stable"),
        ((3 * x**2, y**3), [{x: 0, y: 0}], "stable"),  # superstable
        (((4 * x - 3 * y) / 5 * 1.001, (3 * x + 4 * y) / 5 * 1.001), [{x: 0, y: 0}], "unstable"),  # a rotation
        ((x + y, y - x / 10**4), [{x: 0, y: 0}], "unstable"),  # nearly a Jordan block: |μ|² = 1 + 10⁻⁴
        ((x / 2 + 1000 * y, y / 2), [{x: 0, y: 0}], "stable"),  # grows a thousandfold first
        ((1e8 - 1.01 * (x - 1e8), y / 2), [{x: 1e8, y: 0}], "unstable"),
        ((1 - 1.5 * x**2 + y, 0 * x), [{x: (1 + sqrt(3)) / 3, y: 0}, {x: (1 - sqrt(3)) / 3, y: 0}], "unstable"),
    ],
)
def test_the_run_agrees_with_the_multipliers(step, points, verdict):
    dynamics = Map((x, y), (), step)
    assert shown(verdict, dynamics, points) == "supported"
    assert shown("stable" if verdict == "unstable" else "unstable", dynamics, points) == "refuted"


def test_a_multiplier_that_rounding_hides_is_not_told():
    away = x - 10**8  # rounded to 10⁻⁸, while the map is linear for deviations up to 10⁻¹¹
    dynamics = Map((x,), (), (10**8 + away * (1 - Rational(1, 10**4)) + 10**6 * away**2,))
    with pytest.raises(Undecided, match="rounding"):
        shown("stable", dynamics, [{x: 10**8}])


def test_runs_that_overflow_are_too_far_away_and_say_nothing():
    """Of (x − 1)⁵⁰, whose two-cycle has a step of length 1 and a multiplier of 97²."""
    dynamics = GradientDescent().map(Objective.from_text("(x - 1)**50", "x"))
    at = {STEP_SIZE: Rational(1, 10)}
    reach = Rational(2, 5) ** Rational(1, 48)  # η · 50 r⁴⁹ = 2r
    points = [{dynamics.state[0]: 1 + side * reach.evalf(30)} for side in (1, -1)]
    assert shown("unstable", dynamics, points, at) == "supported"
