"""What a part was refused on its way is its own `undecided`; what was typed is refused on purpose alone."""

import pytest

from analysis.derive.orbits import fixed_points
from analysis.derive.problem import Refusal, read_problem
from analysis.derive.theory import minima, part, stability_at_minima
from eos_sym import BadInput, Undecided


def refused_inside(problem):
    raise BadInput("the chart x = 0: write some of the weights as expressions in the others")


def refused_on_purpose(problem):
    raise Refusal("--near x=1: choose another point")


def test_what_the_library_refuses_inside_a_part_is_not_the_users_bad_input():
    with pytest.raises(Undecided, match="the chart x = 0"):
        part(refused_inside, None)


def test_what_a_part_refuses_on_purpose_is():
    with pytest.raises(Refusal, match="choose another point"):
        part(refused_on_purpose, None)


def typed(loss, weights, *at):
    return read_problem(loss, weights, ["gradient_descent"], at, (), ())


def test_minima_and_what_follows_take_the_values_that_were_given():
    chart = minima(typed("(c - x*y)**2/2", ["x", "y"], "c=2"))["chart"]
    assert {str(name): str(value) for name, value in chart.items()} == {"y": "2/x"}
    assert stability_at_minima("gradient_descent", typed("a*x**2/2", ["x"], "a=2"))["critical_step_size"] == 1
    with pytest.raises(Undecided, match="depend on whether c vanishes"):
        minima(typed("(c - x*y)**2/2", ["x", "y"]))


def test_a_line_of_minima_with_a_multiplier_beyond_the_unit_circle_is_unstable():
    for eta, verdict in (("6/5", "unstable"), ("4/5", "undecided")):  # multipliers −7/5 and −3/5 across, 1 along
        (line,) = fixed_points("gradient_descent", typed("(x - y)**2/2", ["x", "y"], f"eta={eta}")).orbits
        assert (line["dimension"], line["verdict"]) == (1, verdict)
