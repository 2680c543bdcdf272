"""Parts of the theory of a typed loss, each by itself."""

import pytest
from sympy import Symbol, pi, simplify

from analysis.derive.claims import two_cycles
from analysis.derive.dynamics import flips, flow_on_minima
from analysis.derive.edge import ISOLATED, edge
from analysis.derive.orbits import fixed_points
from analysis.derive.orbits import two_cycles as find_two_cycles
from analysis.derive.problem import read_problem
from analysis.derive.theory import minima, stability_at_minima
from eos_sym import Undecided


def typed(loss, weights, *at):
    return read_problem(loss, weights, ["gradient_descent"], at, (), ())


def test_minima_and_what_follows_take_the_values_that_were_given():
    chart = minima(typed("(c - x*y)**2/2", ["x", "y"], "c=2"))["chart"]
    assert {str(name): str(value) for name, value in chart.items()} == {"y": "2/x"}
    assert stability_at_minima("gradient_descent", typed("a*x**2/2", ["x"], "a=2"))["critical_step_size"] == 1
    with pytest.raises(Undecided, match="depend on whether c vanishes"):
        minima(typed("(c - x*y)**2/2", ["x", "y"]))


@pytest.mark.parametrize(
    ("loss", "weights", "exceptions"),
    [
        ("(x*y*z - 1)**2/2", ["x", "y", "z"], {"x", "y", "z"}),
        ("(x*y*z*w - 1)**2/2", ["x", "y", "z", "w"], {"x*y", "x*z", "w*x", "y*z", "w*y", "w*z"}),
        ("x**2*y", ["x", "y"], set()),  # x = 0 are minima and maxima, not saddles
    ],
)
def test_saddles_are_unstable_at_every_step_size(loss, weights, exceptions):
    """Along ±v there is a λ < 0, so that 1 − ηλ > 1, but where both eigenvalues are 0."""
    found = fixed_points("gradient_descent", typed(loss, weights)).orbits
    unstable = [orbit for orbit in found if orbit["verdict"] == "unstable"]
    assert {str(orbit["unless_zero"]) for orbit in unstable} == exceptions


def test_a_saddle_of_unknown_sign_is_unstable_whatever_the_sign():
    (origin,) = fixed_points("gradient_descent", typed("c*x*y", ["x", "y"])).orbits
    assert (origin["verdict"], str(origin["unless_zero"])) == ("unstable", "c")


def test_a_line_of_minima_with_a_multiplier_beyond_the_unit_circle_is_unstable():
    for eta, verdict in (("6/5", "unstable"), ("4/5", "undecided")):  # multipliers −7/5 and −3/5 across, 1 along
        (line,) = fixed_points("gradient_descent", typed("(x - y)**2/2", ["x", "y"], f"eta={eta}")).orbits
        assert (line["dimension"], line["verdict"]) == (1, verdict)


def test_beside_a_kink_the_minima_of_a_net_have_their_critical_step_size():
    """Of ½(a relu(w) − 1)² where aw = 1, w > 0, the sharpness is a² + 1/a²; at the kink of |x| there is none."""
    net = typed("(a*relu(w) - 1)**2/2", ["a", "w"])
    found = minima(net)
    assert (found["kind"], str(found["where_not_negative"])) == ("global", "[1/a]")
    a = net.objective.weights[0]
    critical = stability_at_minima("gradient_descent", net)["critical_step_size"]
    assert simplify(critical - 2 / (a**2 + 1 / a**2)) == 0
    corner = str(stability_at_minima("gradient_descent", typed("abs(x)", ["x"]))["critical_step_size"])
    assert "kink where x = 0, and the point lies on it" in corner
    region = stability_at_minima("gradient_descent", typed("max(x**2 - 1, 0)", ["x"]))
    assert "at rest" in str(region["critical_step_size"])
    with pytest.raises(Undecided, match="fill a region"):
        flow_on_minima("normalized_gd", typed("max(x**2 - 1, 0)", ["x"]))


def test_where_the_loss_is_not_defined_nothing_is_an_orbit():
    """The map of x²/2 − 2 log(x + 1) has the fixed points 1 and −2, of which the loss knows 1."""
    (orbit,) = fixed_points("gradient_descent", typed("x**2/2 - 2*log(x + 1)", ["x"], "eta=1/10")).orbits
    assert {name: int(value) for name, value in orbit["points"][0].items()} == {"x": 1}


def test_flips_are_undecided_for_what_each_point_lacks():
    with pytest.raises(Undecided, match="at x = 0, y = 0: numbers need values for all parameters"):
        flips("gradient_descent", typed("a*x**2/2 + b*y**2/2", ["x", "y"], "a=1"))


def test_a_family_of_two_cycles_shifts_in_the_periodic_weights_alone():
    """Of ½(x sin y − 1)², x = 130π moves y from −6π to 7π and back; every 2πk may be added to both."""
    step = 2 * pi * Symbol("k", integer=True)
    points = [{"x": 408.407, "y": step - 18.8496}, {"x": 408.407, "y": step + 21.9911}]
    cycle = {"points": points, "verdict": "unstable", "status": "proved", "for_every_integer": ["k"]}
    problem = typed("(x*sin(y) - 1)**2/2", ["x", "y"], "eta=0.1")
    (claim,) = two_cycles(problem, "gradient_descent", [cycle], "")
    assert "every one shifted from it in y by 2*pi*k;" in claim.statement


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ("exp(-x) + exp(-y)", "undecided: there is no minimum: the gradient is zero nowhere"),
        ("x**2 + 3*y**2", f"undecided: {ISOLATED}"),
    ],
)
def test_without_a_curve_of_minima_no_point_near_the_edge_is_asked_for(loss, reason):
    assert edge("gradient_descent", typed(loss, ["x", "y"], "eta=0.1"))["reason"] == reason


def test_a_circle_of_two_cycles_is_unstable_and_no_claim_of_one_cycle():
    problem = typed("(x**2 + y**2 - 1)**2/4", ["x", "y"], "eta=1/2")
    (circle,) = found = find_two_cycles("gradient_descent", problem).orbits
    assert (circle["verdict"], circle["multipliers"], circle["neutral_multipliers"]) == ("unstable", [36], 1)
    assert not list(two_cycles(problem, "gradient_descent", found, ""))
