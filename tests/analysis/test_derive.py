"""`python -m analysis.derive`: the theory of a typed loss, its contract with programs, and its refusals."""

import json
import re
import sys

import mpmath
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from sympy import Rational, Symbol, diff, expand, lambdify, simplify, symbols

from analysis.derive.__main__ import Options, study
from analysis.derive.budget import Budget
from analysis.derive.dynamics import self_stabilization
from analysis.derive.edge import edge
from analysis.derive.figure import draw
from analysis.derive.figure import loss as loss_panel
from analysis.derive.problem import read_problem
from analysis.derive.theory import Theory
from analysis.study.options import read_command_line
from eos_sym import Undecided
from eos_sym.reading import parse

MINIMALIST = ["(1 - x*y*z*w)**2/2", "--weights", "x", "y", "z", "w", "--at", "eta=0.2"]
SHALLOW = ["(1 - x*y)**2/2", "--weights", "x", "y"]
NEAR = ["x=6.3", "y=0.15"]
DOUBLE_WELL = ["(x**2 - mu)**2/4", "--weights", "x", "--at", "mu=1"]


def program():
    study.given = read_command_line("derive", Options)
    study.main()


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, in_pixels):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["derive", "--json", "--out", str(tmp_path), *arguments])
        with pytest.raises(SystemExit) as ending:
            program()
        said = capsys.readouterr()
        if ending.value.code == 2:
            assert said.out == ""
            assert said.err.startswith("error: ")
            assert said.err.count("\n") == 1
            return said.err
        assert ending.value.code == 0, said
        assert sorted(path.name for path in tmp_path.glob("[!.]*")) == [
            "claims.json",
            "data.nc",
            "figure.pdf",
            "figure.png",
            "figure.svg",
        ]
        return json.loads(said.out, parse_constant=pytest.fail)

    return run


def test_the_figure_is_written_in_three_formats(run, tmp_path, monkeypatch):
    monkeypatch.undo()  # what leaves two of them empty in all other tests
    run(*SHALLOW, "--at", "eta=1/4")
    assert all((tmp_path / f"figure.{form}").stat().st_size > 10_000 for form in ("pdf", "png", "svg"))


def test_the_minimalist_example_ends_where_the_table_says(run):
    document = run(*MINIMALIST, "--start", "x=2.205", "y=0.4536", "z=2.205", "w=0.4536", "--steps", "200000")
    edge, simulation = document["theory"]["edge"], document["simulation"]
    assert edge["kind"] == "self_stabilizing"
    assert edge["terminal_sharpness"] == pytest.approx(10 - 3 * edge["beta"] / (2 * abs(edge["quartic"])))
    assert simulation["outcome"] == "converged"
    assert simulation["steps"] < 200_000
    assert simulation["final"].keys() == {"x", "y", "z", "w"}
    assert 0 < edge["excess"] < 0.2
    assert 10 - simulation["final_sharpness"] == pytest.approx(10 - edge["predicted_end"], rel=0.05)
    assert {claim["status"] for claim in document["claims"]} <= {"proved", "supported"}


def test_the_two_cycle_of_the_double_well(run):
    theory = run(*DOUBLE_WELL, "eta=1.1", "--start", "x=0.9")["theory"]
    x, mu = symbols("x mu", real=True)
    assert expand(parse(theory["gradient"][0], [x, mu])) == x**3 - mu * x
    assert theory["map"].keys() == {"x"}
    assert theory["critical_sharpness"] == "2/eta"
    assert len(theory["fixed_points"]) == 3
    stable = [cycle for cycle in theory["two_cycles"] if cycle["verdict"] == "stable"]
    assert {cycle["status"] for cycle in theory["two_cycles"]} == {"proved"}
    assert len(theory["two_cycles"]) == 3
    assert [cycle["multipliers"] for cycle in stable] == [["9/50"], ["9/50"]]  # 9 − 2(1 + K)², K = 1.1
    assert theory["completeness"]["two_cycles"]["complete"]
    assert theory["edge"]["kind"] == "undecided"
    assert "isolated" in theory["edge"]["reason"]
    flip = {"critical_step_size": "1", "coefficient": "8", "kind": "supercritical"}  # two steps are x − 16x³, §4
    assert theory["flips"] == [{"point": {"x": value}, **flip} for value in ("1", "-1")]


def test_without_values_the_theory_is_symbolic(run):
    document = run(*SHALLOW)
    theory = document["theory"]
    assert theory["stability_at_minima"]["critical_step_size"] == "2*x**2/(x**4 + 1)"
    assert theory["conserved_quantities"] == ["-x**2 + y**2"]
    assert theory["edge"]["kind"] == "self_stabilizing"
    assert theory["edge"]["predicted_end"] is None
    assert document["simulation"] is None


def test_several_rules_stand_under_their_names(run):
    document = run(
        *SHALLOW, "--rule", "gradient_descent", "heavy_ball", "--at", "eta=0.2", "momentum=0.5", "--start", "x=2", "y=1"
    )
    rules = document["theory"]["rules"]
    assert list(rules) == ["gradient_descent", "heavy_ball"]
    assert rules["heavy_ball"]["critical_sharpness"] == "2*(momentum + 1)/eta"
    assert rules["heavy_ball"]["edge"]["kind"] == "undecided"
    assert "gradient descent only" in rules["heavy_ball"]["edge"]["reason"]
    assert document["simulation"]["rules"].keys() == {"gradient_descent", "heavy_ball"}


def test_the_dynamics_beside_the_minima(run):
    rules = run(*SHALLOW, "--rule", "gradient_descent", "root_loss_gd", "--at", "eta=0.2", "--near", "x=3", "y=0.3")[
        "theory"
    ]["rules"]
    cycle = rules["gradient_descent"]["self_stabilization"]
    assert cycle["delta"] == pytest.approx((2 * cycle["alpha"] / cycle["beta"]) ** 0.5)
    assert cycle["epsilon"] == pytest.approx(0.2 * cycle["alpha"] ** 0.5)
    x = Symbol("x", real=True)
    sharpness = x**2 + x**-2  # on xy = 1, where the metric is 1 + x⁻⁴
    expected = -diff(sharpness, x) / (8 * (1 + x**-4))
    assert simplify(parse(rules["root_loss_gd"]["limit_flow"]["x"], [x]) - expected) == 0
    assert "undecided" in rules["gradient_descent"]["limit_flow"]


def test_what_is_not_derived_in_time_is_undecided_and_the_rest_comes(run):
    document = run(*MINIMALIST, "--timeout", "0.001", "--start", "x=2", "y=1", "z=1", "w=1", "--steps", "5")
    assert "--timeout" in document["theory"]["two_cycles"]
    assert document["theory"]["edge"]["kind"] == "undecided"
    assert document["simulation"]["steps"] == 5


def test_what_floating_point_has_no_time_for_is_undecided_as_well(run):
    terms = [f"log(cosh({k}*x*y - z**{k % 5 + 1} + {k}))**2" for k in range(1, 55)]
    start = ["--start", "x=0.3", "y=0.3", "z=0.3"]
    document = run(" + ".join(terms), "--weights", "x", "y", "z", "--at", "eta=0.1", *start, "--timeout", "0.5")
    assert "--timeout" in document["not_run"]["gradient_descent"]
    (claim,) = (claim for claim in document["claims"] if claim["id"] == "derivatives")
    assert claim["status"] == "undecided"


def test_a_loss_that_begins_with_a_minus_follows_two_dashes(run):
    assert run("--weights", "x", "--", "-x**2")["theory"]["minima"]["kind"] == "none"
    assert "-x**2: begins with a minus, as options do; write it last, after --" in run("-x**2", "--weights", "x")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["x - 2*y", "--weights", "x", "y"], "the gradient is zero nowhere"),
        (["log(1 + exp(-x))", "--weights", "x", "--at", "eta=0.1"], "the gradient is zero nowhere"),
        (["x*y", "--weights", "x", "y", "--at", "eta=0.1"], "there are lower ones"),
    ],
)
def test_of_a_loss_without_minima_the_rest_is_derived(run, arguments, reason):
    theory = run(*arguments)["theory"]
    assert theory["minima"]["kind"] == "none"
    assert reason in theory["minima"]["reason"]
    assert theory["stability_at_minima"] == f"undecided: there is no minimum: {theory['minima']['reason']}"
    assert theory["critical_sharpness"] == "2/eta"


def test_parameters_that_are_positive_are_said_to_be_and_decide(run):
    quadratic = ["a*x**2/2 + b*y**2/2", "--weights", "x", "y"]
    theory = run(*quadratic, "--positive", "a", "b")["theory"]
    assert theory["assuming"] == ["a > 0", "b > 0"]
    assert (theory["minima"]["kind"], theory["minima"]["chart"]) == ("global", {"x": "0", "y": "0"})
    a, b = symbols("a b", positive=True)
    critical = parse(theory["stability_at_minima"]["critical_step_size"], [a, b])
    assert [critical.subs({a: one, b: other}) for one, other in ((1, 4), (4, 1))] == [Rational(1, 2)] * 2
    without = run(*quadratic, "--at", "a=2")["theory"]
    assert "assuming" not in without
    assert "--positive b" in without["minima"]


@pytest.mark.parametrize(("loss", "place"), [("x - log(x)", "1"), ("log(x)**2", "1"), ("x*log(x)", "exp(-1)")])
def test_where_a_loss_with_a_logarithm_is_defined_it_has_a_theory(run, loss, place):
    theory = run(loss, "--weights", "x", "--at", "eta=0.1")["theory"]
    assert (theory["minima"]["kind"], theory["minima"]["chart"]) == ("global", {"x": place})
    assert [orbit["verdict"] for orbit in theory["fixed_points"]] == ["stable"]


def test_near_a_saddle_there_is_no_edge_and_the_rest_is_derived(run):
    theory = run(*SHALLOW, "--at", "eta=0.2", "--near", "x=0", "y=0")["theory"]
    assert "a saddle, not a minimum" in theory["edge"]["reason"]
    assert theory["minima"]["chart"] == {"y": "1/x"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["1/x + x", "--weights", "x"], "continuous"),
        (["floor(x)", "--weights", "x"], "floor"),
        (["2*3", "--weights", "x"], "x: declared as a weight"),
        (["x**2"], "--weights"),
        ([*SHALLOW, "--at", "eta=fast"], "eta=fast"),
        ([*SHALLOW, "--rule", "adamw"], "adamw"),
        ([*SHALLOW, "--start", "x=1", "y=1"], "eta=VALUE"),
        ([*SHALLOW, "--at", "eta=0.2", "--start", "x=1", "y=1", "--steps", "0"], "--steps 0"),
        ([*SHALLOW, "--timeout", "-1"], "--timeout"),
        (["(x**2 - mu)**2/4", "--weights", "x", "--at", "eta=1", "--start", "x=1"], "mu=VALUE"),
    ],
)
def test_bad_input_is_one_line(run, arguments, named):
    assert named in run(*arguments)


@pytest.mark.parametrize(
    ("loss", "step_size", "multiplier"),
    [
        ("x**2/2", "2", "1 - eta"),
        ("(x - 1)**2", "1", "1 - 2*eta"),
        ("log(cosh(x))", "2", "1 - eta"),
        ("x**2/2 + 3*y**2/2", "2/3", "1 - 3*eta"),
        ("x**2 + y**2", "1", "1 - 2*eta"),
    ],
)
def test_a_minimum_that_is_a_point_has_its_critical_step_size(run, loss, step_size, multiplier):
    names = ["x", "y"] if "y" in loss else ["x"]
    theory = run(loss, "--weights", *names, "--at", "eta=1/2", "--near", *(f"{name}=1" for name in names))["theory"]
    assert theory["stability_at_minima"]["critical_step_size"] == step_size
    assert multiplier in theory["stability_at_minima"]["multipliers"]
    assert "point" in theory["limit_flow"]
    assert [orbit["verdict"] for orbit in theory["fixed_points"]] == ["stable"]


def test_two_directions_that_flip_at_once_have_a_coefficient_for_every_direction(run):
    (flip,) = run("1 - exp(-x**2 - 1/2*y**2)*exp(-y**2/2)", "--weights", "x", "y")["theory"]["flips"]
    assert (flip["critical_step_size"], flip["kind"], flip["along"]) == ("1", "supercritical", ["s1", "s2"])
    assert flip["coefficient"] == "2"


def test_a_degenerate_minimum_says_that_its_multipliers_do_not_decide(run):
    theory = run("x**4", "--weights", "x", "--at", "eta=1/10")["theory"]
    assert "Hessian is 0" in theory["stability_at_minima"]["critical_step_size"]
    assert [cycle["points"] for cycle in theory["two_cycles"]] == [[{"x": "-sqrt(5)"}, {"x": "sqrt(5)"}]]  # 4ηx² = 2
    assert theory["two_cycles"][0]["verdict"] == "unstable"


@pytest.mark.parametrize(
    ("loss", "values"),
    [
        ("log(1 + exp(-x)) + log(1 + exp(2*x))", []),
        ("exp(x) - 2*x + x**4/10", []),
        ("(tanh(x) - a)**2 + x**2/9", ["a=1/2"]),
    ],
)
def test_the_flip_of_a_minimum_that_is_known_in_numbers_only(run, loss, values):
    arguments = ["--at", *values] if values else []
    (flip,) = run(loss, "--weights", "x", *arguments)["theory"]["flips"]
    x, a = symbols("x a", real=True)
    expression = parse(loss, [x, a] if values else [x]).subs(a, Rational(1, 2))
    function = lambdify(x, expression, mpmath)
    second, third, fourth = (mpmath.diff(function, flip["point"]["x"], order) for order in (2, 3, 4))
    assert mpmath.diff(function, flip["point"]["x"]) == pytest.approx(0, abs=1e-12)
    assert flip["critical_step_size"] == pytest.approx(2 / second)
    assert flip["coefficient"] == pytest.approx(-(fourth / 3 - third**2 / second) / second, rel=1e-6)  # −2c = η(…)


@pytest.mark.parametrize(
    "arguments",
    [
        ["x**2/2"],
        ["a*x**2/2"],
        ["x**2/2 + a*y**2"],
        ["x**3"],
        ["x**6/6 - x**2/2", "--at", "eta=0.55"],
        ["log(1 + exp(-x)) + x**2/20", "--at", "eta=1", "--start", "x=1"],
        ["(x*y - 1)**2/2 + 100000000", "--at", "eta=0.1"],
        ["(exp(600*x) - 2)**2/720000", "--at", "eta=0.1"],
        ["exp(x) + exp(-2*x)", "--at", "eta=0.001", "--start", "x=1000"],
        ["x**2/2", "--rule", "heavy_ball", "--at", "eta=0.1", "momentum=.9999", "--start", "x=1"],
    ],
)
def test_what_is_typed_first_is_answered(run, arguments):
    loss, *others = arguments
    weights = [name for name in "xy" if re.search(rf"\b{name}\b", loss)]
    document = run(loss, "--weights", *weights, *others, "--timeout", "10")
    assert {claim["status"] for claim in document["claims"]} <= {"proved", "supported"}
    assert not any("failed" in str(part) for part in document["theory"].values())


def test_the_threshold_of_slow_directions_is_typed(run):
    edge = run(*SHALLOW, "--at", "eta=0.2", "--near", "x=3", "y=0.3", "--tau", "0.02")["theory"]["edge"]
    assert edge["slow_threshold"] == "1/50"
    assert "--tau 1/2" in run(*SHALLOW, "--tau", "0.5")


def test_curves_of_fixed_points_are_drawn():
    problem = read_problem("(1 - x*y)**2/2", ["x", "y"], ["gradient_descent"], ["eta=1/5"], [], [])
    x, y = problem.objective.weights
    found = [{"points": [{"x": 0, "y": 0}], "verdict": "unstable"}, {"equations": [x * y - 1]}]
    theory = Theory({}, {"gradient_descent": {"fixed_points": found, "two_cycles": [], "critical_sharpness": 10}})
    figure = draw(Budget(60), problem, theory, {})
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["unstable fixed point", "curve of fixed points"]
    hyperbola = figure.axes[0].collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(hyperbola.prod(axis=1), 1, atol=1e-2)


@pytest.mark.parametrize(
    ("fixed_points", "two_cycles", "said"),
    [
        ([], [], "none to be drawn"),
        (Undecided("no time"), [], "fixed points: undecided"),
        (Undecided("no time"), Undecided("no polynomial"), "fixed points and two-cycles: undecided"),
    ],
)
def test_a_plane_without_orbits_tells_what_is_not_there_from_what_is_not_known(fixed_points, two_cycles, said):
    problem = read_problem("(1 - x*y)**2/2", ["x", "y"], ["gradient_descent"], ["eta=1/5"], [], [])
    results = {"fixed_points": fixed_points, "two_cycles": two_cycles, "critical_sharpness": 10}
    figure = draw(Budget(60), problem, Theory({}, {"gradient_descent": results}), {})
    assert [text.get_text() for text in figure.axes[0].texts] == [said]


@pytest.mark.parametrize(("end", "scale"), [(1.4, "linear"), (1e-9, "log")])
def test_a_loss_that_changes_by_less_than_tenfold_is_drawn_on_a_linear_axis(end, scale):
    run = xr.Dataset({"loss": ("iteration", np.geomspace(2.2, end, 9))}, {"iteration": range(9)})
    axes = Figure().subplots()
    loss_panel(axes, None, None, {"gradient_descent": run})
    assert axes.get_yscale() == scale


@pytest.mark.parametrize(
    ("loss", "curve", "reach"),
    [
        ("(x**2 + y**2 - 1)**2/4", lambda x, y: x**2 + y**2 - 1, 1),  # around the only isolated fixed point
        ("(x*y - 100)**2/2", lambda x, y: x * y - 100, 10),  # the window about the saddle ends at 0.75
    ],
)
def test_a_curve_of_fixed_points_far_from_the_others_comes_into_the_picture(loss, curve, reach):
    problem = read_problem(loss, ["x", "y"], ["gradient_descent"], ["eta=1/5"], [], [])
    found = [{"points": [{"x": 0, "y": 0}], "verdict": "unstable"}, {"equations": [curve(*problem.objective.weights)]}]
    theory = Theory({}, {"gradient_descent": {"fixed_points": found, "two_cycles": [], "critical_sharpness": 10}})
    (panel, *_) = draw(Budget(60), problem, theory, {}).axes
    points = np.concatenate([path.vertices for path in panel.collections[-1].get_paths()])
    np.testing.assert_allclose(curve(*points.T), 0, atol=0.02 * reach**2)
    assert panel.get_xlim()[1] > reach


def test_a_loss_of_unknown_parameters_is_not_drawn():
    problem = read_problem("k*x**2/2", ["x"], ["gradient_descent"], [], [], [], ["k"])
    found = [{"points": [{"x": 0}], "verdict": "undecided"}]
    theory = Theory({}, {"gradient_descent": {"fixed_points": found, "two_cycles": [], "critical_sharpness": 10}})
    (panel, *_) = draw(Budget(60), problem, theory, {}).axes
    assert [text.get_text() for text in panel.texts] == ["needs values of the parameters"]


def test_a_degenerate_fixed_point_is_not_called_stable(run):
    points = run("y**2/2 + x**6 - x**4", "--weights", "x", "y", "--at", "eta=0.1")["theory"]["fixed_points"]
    (origin,) = [point for point in points if point["points"] == [{"x": "0", "y": "0"}]]
    assert origin["verdict"] == "marginal"


@pytest.mark.parametrize("loss", ["x**2.5", "x**y + y**2", "acos(x) + y**2", "log(-1 - x**2)"])
def test_a_loss_that_is_not_defined_everywhere_is_one_line(run, loss):
    assert "defined" in run(loss, "--weights", *(["x", "y"] if "y" in loss else ["x"]), "--at", "eta=0.1")


def test_a_prediction_that_a_run_refutes_is_an_open_finding(run):
    """From .8 of the orbit's q at the start it ends at −√1.8 y₀, and the law, for small q, says −y₀."""
    document = run(*SHALLOW, "--at", "eta=0.05", "--near", "x=6.3", "y=0.15", "--start", "x=6.3654", "y=0.2094")
    (end,) = [claim for claim in document["claims"] if claim["id"] == "end"]
    assert (document["simulation"]["outcome"], end["status"], end["open"]) == ("converged", "refuted", True)


def edge_of_shallow(*start):
    return edge(
        "gradient_descent", read_problem(SHALLOW[0], ["x", "y"], ["gradient_descent"], ["eta=0.05"], NEAR, start)
    )


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (["x=8", "y=0.125"], "the edge law is an expansion, and does not reach the excess 24.02"),
        (["x=6.33", "y=0.2"], "0.042 away from the minima, along the top eigenvector"),
    ],
)
def test_beyond_the_range_of_the_edge_law_no_end_is_predicted(start, said):
    law = edge_of_shallow(*start)
    assert law["predicted_end"] is None
    assert said in law["reason"]


def self_stabilization_of(loss, *near):
    weights = [assignment.partition("=")[0] for assignment in near]
    return self_stabilization(
        "gradient_descent", read_problem(loss, weights, ["gradient_descent"], ["eta=0.05"], near, [])
    )


def test_on_the_diagonal_of_shallow_there_is_no_self_stabilization():
    found = self_stabilization_of(SHALLOW[0], "x=1.1", "y=1.1")
    assert found["sharpness"] == pytest.approx(1.1**2 + 2 * 1.1**2 - 1)
    assert (found["alpha"], found["beta"]) == (0, 0)
    for name in ("delta", "epsilon", "steps_of_a_small_turn"):
        assert "∇S⊥ = 0" in str(found[name])


def test_a_turn_is_undecided_beside_the_edge_with_the_number_that_says_so():
    found = self_stabilization_of(SHALLOW[0], "x=6.3", "y=0.15")
    assert found["delta"] == pytest.approx((2 * found["alpha"] / found["beta"]) ** 0.5)
    assert "the distance of the sharpness from 2/η, over the cycle's height √α, is 3.73" in str(
        found["steps_of_a_small_turn"]
    )


def test_where_the_sharpness_falls_its_rate_is_said_and_nothing_follows():
    found = self_stabilization_of("(20 + s)*u**2/2 + s**2/100", "s=0.1", "u=0")
    assert (found["alpha"], found["beta"]) == pytest.approx((-0.002, 1))
    assert "no progressive sharpening at this point, α = -0.002" in str(found["steps_of_a_small_turn"])


def test_a_terminal_sharpness_out_of_reach_of_the_law_is_undecided():
    law = edge_of_shallow("x=6.35", "y=0.1575")
    assert str(law["terminal_sharpness"]).startswith("undecided: the edge law is an expansion, and does not reach")
    assert "3990" in str(law["terminal_sharpness"])
    assert law["kind"] == "self_stabilizing"
    assert law["predicted_end"] == pytest.approx(40 - law["excess"], abs=1e-3)
