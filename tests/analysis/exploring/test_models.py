"""What the page computes against Python: the same steps, curvature and predictions, where the presets show them."""

import json

import numpy as np
import pytest
from sympy import Rational

from analysis.edge_law.cases import SLOW
from analysis.exploring.model import upper
from analysis.exploring.models import models
from analysis.exploring.page import printed
from analysis.normalized_gd.theory import HYPERBOLA, NORMALIZED, flow
from analysis.reporting.page import environment, texts
from analysis.self_stabilization.theory import TWO_EXAMPLES
from analysis.study.index import studies
from eos_sym import STEP_SIZE as ETA
from eos_sym import minimalist, shallow
from eos_sym.edge import edge_normal_form_at
from numeric import compile_function, compile_map
from numeric.flows.central_flow import compile_central_flow
from numeric.flows.integrate import compile_flow
from tests.analysis.programs import run_as_program
from tests.javascript import returned_by

STEPS = 1000
ROUNDING = 1e-9
COMPUTING = ("dynamics.js", "measures.js")


@pytest.fixture(scope="module")
def script():
    return f"{printed(models())}\n{texts(environment('analysis.exploring'), *COMPUTING)}"


@pytest.fixture(scope="module")
def told(script):
    """Of every preset: the run of a thousand steps, the flow beside it, and what is predicted and measured."""
    ask = f"""
    MODELS.flatMap((model) => model.presets.map((preset, index) => {{
      const start = model.state.map((name) => preset[name]);
      const parameters = model.parameters.map((name) => preset[name]);
      const run = simulate(model, start, parameters, {STEPS});
      const shown = simulate(model, start, parameters, preset.steps);
      const flow = follow(model, start, parameters, preset.steps);
      const rows = comparisons(shown, flow).map(
        ({{ words, predicted, error, measured }}) => ({{ words, predicted, error, measured }}));
      const marks = model.predictions.flatMap((_, k) => marksOf(model, k, start, parameters));
      return {{ ...run, model: model.name, index, ended: run.outcome, outcome: shown.outcome, rows, marks, flow }};
    }}))"""
    return {(one["model"], int(one["index"])): one for one in returned_by(script, ask)}


BY_NAME = {one.name: one for one in models()}
PRESETS = [(one.name, index) for one in models() for index in range(len(one.presets))]
IDS = [f"{name}, {BY_NAME[name].presets[index].name}" for name, index in PRESETS]
every_preset = pytest.mark.parametrize(("name", "index"), PRESETS, ids=IDS)


def chosen(name, index):
    """Start and parameters of a preset."""
    model, values = BY_NAME[name], BY_NAME[name].presets[index].values
    start, parameters = (
        [values[one.name] for one in part] for part in (model.dynamics.state, model.dynamics.parameters)
    )
    return model, np.array(start), np.array(parameters)


def top(model, states, parameters):
    """λ₁ of the Hessian, by LAPACK."""
    size = model.hessian.rows
    function = compile_function(upper(model.hessian), model.arguments)
    matrices = np.zeros((len(states), size, size))
    rows, columns = np.triu_indices(size)
    matrices[:, rows, columns] = np.transpose(function(*states.T, *parameters))
    return np.linalg.eigvalsh(matrices, UPLO="U")[:, -1]


@every_preset
def test_a_thousand_steps_are_those_of_python(told, name, index):
    """They are the same to the last bit, and have to be where a run is chaotic: no step is exp, sin or the like."""
    model, start, parameters = chosen(name, index)
    state, given = ([one.name for one in part] for part in (model.dynamics.state, model.dynamics.parameters))
    run = compile_map(model.dynamics).run(
        dict(zip(state, start, strict=True)),
        dict(zip(given, parameters, strict=True)),
        steps=STEPS,
        record_every=1,
        engine="numpy",
    )
    found = np.array(told[name, index]["states"])
    assert len(found) == STEPS + 1 or told[name, index]["ended"]["name"] in ("escaped", "undefined")
    np.testing.assert_array_equal(found, run.trajectory.values[: len(found)])


@every_preset
def test_loss_and_sharpness_along_it_are_those_of_numpy(told, name, index):
    model, _, parameters = chosen(name, index)
    one = told[name, index]
    states = np.array(one["states"])
    loss = compile_function([model.loss], model.arguments)(*states.T, *parameters)[0]
    np.testing.assert_allclose(one["loss"], loss, rtol=ROUNDING)
    np.testing.assert_allclose(one["sharpness"], top(model, states, parameters), rtol=ROUNDING)
    middle = (states[:-2] + 2 * states[1:-1] + states[2:]) / 4
    np.testing.assert_allclose(one["middle"][1:-1], top(model, middle, parameters), rtol=ROUNDING)


@every_preset
def test_the_edge_beside_the_sharpness_is_that_of_the_rule(told, name, index):
    """2/η for gradient descent; 2‖∇L‖/η for normalized, whose mean over two steps is what they stay at."""
    model, _, parameters = chosen(name, index)
    states = np.array(told[name, index]["states"])
    edge = np.full(len(states), 2 / parameters[model.dynamics.parameters.index(ETA)])
    if name == "normalized":
        slopes = compile_function(HYPERBOLA.objective.gradient, HYPERBOLA.objective.weights)(*states.T)
        edge *= np.linalg.norm(slopes, axis=0)
    found = np.array(told[name, index]["edges"][1:-1])
    np.testing.assert_allclose(found, (edge[:-2] + 2 * edge[1:-1] + edge[2:]) / 4, rtol=ROUNDING)
    if name == "normalized":
        np.testing.assert_allclose(told[name, index]["middle"][-51:-1], found[-50:], rtol=0.05)


@pytest.mark.parametrize("name", BY_NAME)
def test_one_step_from_anywhere_is_that_of_python(script, name):
    """From states and parameters all over the sliders, where runs are chaotic or escape."""
    model = BY_NAME[name]
    sliders = {one.symbol: one for one in model.sliders}
    generator = np.random.default_rng(0)
    columns = [generator.uniform(sliders[one].low, sliders[one].high, 500) for one in model.arguments]
    code = f"{script}; const columns = {json.dumps(np.array(columns).tolist())};"
    step = f"MODELS.find((one) => one.name === '{name}').code.step"
    found = returned_by(code, f"columns[0].map((_, k) => {step}(...columns.map((one) => one[k])))")
    known = compile_function(model.dynamics.step, model.arguments)(*columns)
    np.testing.assert_array_equal(np.transpose(found), known)


DECIDED = [one for one in PRESETS if one[0] in ("minimalist", "degree-2")]
DECIDED += [("self-stabilization", 3), ("network", 3), ("unit", 1)]


@pytest.mark.parametrize(("name", "index"), DECIDED)
def test_how_a_run_ends_is_what_the_simulator_says(told, name, index):
    """Of the runs that end; it watches a little longer before it says so."""
    model = BY_NAME[name]
    values = model.presets[index].values
    state = {one.name: values[one.name] for one in model.dynamics.state}
    given = {one.name: values[one.name] for one in model.dynamics.parameters}
    run = compile_map(model.dynamics).run(state, given, steps=2 * int(values["steps"]), engine="numpy")
    outcome = told[name, index]["outcome"]
    known = {"converged": "converged", "periodic": "periodic", "diverged": "escaped"}
    assert outcome["name"] == known[run.outcome.item()]
    if outcome["name"] == "periodic":
        assert outcome["period"] == run.period.item()


def row(told, name, index, words):
    """A line of the table, by how it begins."""
    return next(one for one in told[name, index]["rows"] if one["words"].startswith(words))


@pytest.mark.parametrize("name", ["minimalist", "degree-2"])
def test_the_edge_law_is_that_of_the_normal_form_in_numbers(told, name):
    """By the derivatives at the minimum at the edge, in 40 digits, which share no formula in η with the page."""
    _, (x, y), (eta,) = chosen(name, 1)
    objective, factor = (minimalist(), 2) if name == "minimalist" else (shallow(), 1)
    sum_of_squares = 2 / eta / factor
    squares = (sum_of_squares + np.array([1, -1]) * np.sqrt(sum_of_squares**2 - 4)) / 2
    point = dict(zip(objective.weights, [*np.sqrt(squares)] * 2, strict=False))
    form = edge_normal_form_at(objective, point, Rational(str(eta)), SLOW, {})
    excess = factor * np.sqrt((x * x - y * y) ** 2 + 4) - 2 / eta
    found = row(told, name, 1, "the edge law")
    assert found["predicted"] == pytest.approx(2 / eta + float(form.end(excess)), rel=ROUNDING)
    assert abs(found["measured"] - found["predicted"]) < found["error"]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_every_model_names_studies_that_there_are(model):
    assert {*model.studies} <= {*studies()}


def test_far_above_the_edge_the_law_says_nothing(told):
    assert np.isnan(row(told, "minimalist", 3, "the edge law")["predicted"])
    assert np.isnan(row(told, "minimalist", 0, "the edge law")["predicted"])  # nor below it
    assert row(told, "minimalist", 0, "the end of")["predicted"] == pytest.approx(13.7927517)


def test_from_a_large_excess_the_minimalist_example_ends_where_its_series_says(told):
    found = row(told, "minimalist", 1, "from a large excess")
    assert found["predicted"] == pytest.approx(2 / 0.2 - 0.2 / 2 + 129 / 32 * 0.2**3, rel=1e-14)
    assert found["predicted"] == pytest.approx(found["measured"], abs=30 * 0.2**5)  # the study's tolerance


def test_the_series_speaks_of_a_large_excess_alone(script, told):
    """Where a tenth of the depth depends on the excess, and so far above that the law is silent, it would be wrong."""
    for index in (0, 2, 3):
        assert np.isnan(row(told, "minimalist", index, "from a large excess")["predicted"])
    (place,) = (k for k, one in enumerate(BY_NAME["minimalist"].predictions) if one.words == "from a large excess")
    eta, excesses = 0.2, np.array([0.05, 0.1, 0.2, 0.5])
    sums = (2 / eta + excesses) / 2  # x² + y², at minima of these excesses
    starts = np.sqrt((sums + np.sqrt(sums**2 - 4)) / 2)
    code = f"{script}; const starts = {starts.tolist()};"
    found = returned_by(code, f"starts.map((x) => predicted(MODELS[0], {place}, [x, 1 / x], [{eta}]))")
    assert [one is None for one in found] == [True, True, True, False]


def test_the_ends_of_degree_2_are_conserved(told):
    """δ² + ⅔δ³ at the predicted end is δ² + 2ρ² + ⅔δ³ + 2δρ² at the start."""
    for index in (1, 2):
        _, (x, y), (eta,) = chosen("degree-2", index)
        delta, rho = eta * np.sqrt((x * x - y * y) ** 2 + 4) - 2, eta * (x * y - 1)
        found = row(told, "degree-2", index, "by what two steps conserve")
        end = eta * found["predicted"] - 2
        level = delta**2 + 2 * rho**2 + 2 / 3 * delta**3 + 2 * delta * rho**2
        assert end < 0
        assert end**2 + 2 / 3 * end**3 == pytest.approx(level, rel=ROUNDING)
        assert abs(found["measured"] - found["predicted"]) < 2 / eta * delta**2  # what is left is of third order


@pytest.mark.parametrize(("name", "index"), [("minimalist", 2), ("degree-2", 3), ("self-stabilization", 2)])
def test_the_marked_places_are_a_two_cycle(told, name, index):
    model, _, parameters = chosen(name, index)
    places = np.array(told[name, index]["marks"])
    assert places.shape == (2, 2)
    step = compile_function(model.dynamics.step, model.arguments)
    np.testing.assert_allclose(np.transpose(step(*places.T, *parameters)), places[::-1], rtol=1e-12)
    if name != "self-stabilization":
        found = row(told, name, index, "larger x")
        assert found["predicted"] == pytest.approx(found["measured"], rel=ROUNDING)


def test_the_mean_loss_of_a_two_cycle_is_the_one_that_is_predicted(script):
    """Against δ²/η, that of the limit without κ₄, from which it differs by a six hundredth here."""
    asked = """const model = MODELS.find((one) => one.name === "self-stabilization");
      const parameters = model.parameters.map((name) => ({ alpha: 0.01, kappa4: -20, eta: 0.1 })[name]);
      const run = simulate(model, [0.05, 20], parameters, 5000);"""
    rows = returned_by(
        f"{script}; {asked}", "comparisons(run, null).map((one) => [one.words, one.predicted, one.measured])"
    )
    predicted, measured = next(numbers for words, *numbers in rows if words.startswith("loss above the floor"))
    assert predicted == pytest.approx(0.02 / 0.1 + 20 * 0.02**2 / 24, rel=1e-12)
    assert measured == pytest.approx(predicted, rel=1e-6)


def test_of_a_single_turn_there_is_no_mean(told):
    """Against the mean of the last quarter, which is of a part of a turn: .73 where turns have .2."""
    for words in ("sharpness of the two-cycle", "loss above the floor"):
        assert np.isnan(row(told, "self-stabilization", 0, words)["measured"])
        assert np.isfinite(row(told, "self-stabilization", 1, words)["measured"])


def test_where_every_minimum_is_above_the_edge_no_law_of_ends_speaks(told):
    for name, index in (("minimalist", 2), ("degree-2", 3)):
        for one in BY_NAME[name].predictions:
            if one.measure == "end":
                assert np.isnan(row(told, name, index, one.words)["predicted"])


def test_no_law_ends_flatter_than_the_flattest_minimum(script):
    """Against ends of degree 2 with ηS < 2η, where there is no minimum: S = x² + y² is 2 at least."""
    code = f"{script}; const model = MODELS.find((one) => one.name === 'degree-2');"
    starts = "[1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9].map((x) => [x, 1 / x])"
    found = returned_by(
        code, f"{starts}.map((start) => [0, 1].map((k) => predicted(model, k, start, [0.9])?.[0] ?? NaN))"
    )
    assert np.isnan(found).any(axis=0).all()
    assert not (np.array(found) < 2).any()


def test_extremes_of_self_stabilization_are_those_of_the_flow_beside_it(told):
    """The formulas by Lambert's function against the integrated orbit, of which a step may skip the extreme.

    It does so by half a step, ½ε, at most: there Y is less by the part ¼ε² and X by ⅛(X² − 1)ε².
    """
    model, _, (alpha, _, eta) = chosen("self-stabilization", 0)
    path, epsilon = told["self-stabilization", 0]["flow"]["path"], eta * np.sqrt(alpha)
    assert len(path) == model.presets[0].values["steps"] + 1
    excess = [one["sharpness"] - 2 / eta for one in path]
    for words, extreme in (("largest sharpness", max(excess)), ("least sharpness", min(excess))):
        found = row(told, "self-stabilization", 0, words)["predicted"] - 2 / eta
        assert found == pytest.approx(extreme, rel=epsilon**2 / 4)
    widest = max(one["place"][0] for one in path)
    skipped = (widest**2 / (2 * alpha) - 1) * epsilon**2 / 8
    assert row(told, "self-stabilization", 0, "largest |u|")["predicted"] == pytest.approx(widest, rel=skipped)
    level = [x * x - 2 * np.log(x) + y * y for x, y in (one["state"] for one in path)]
    np.testing.assert_allclose(level, level[0], rtol=1e-6)


def test_the_walk_of_normalized_gd_is_its_limit_flow(told):
    """From where gradient flow leads, integrated by another method, at the same times."""
    path = told["normalized", 1]["flow"]["path"]
    first = next(step for step, one in enumerate(path) if one["stage"] == 1)
    walk = np.array([one["state"][0] for one in path[first:]])
    eta = BY_NAME["normalized"].presets[1].values["eta"]
    times = eta**2 * np.arange(len(walk))
    known = (
        compile_flow(flow(HYPERBOLA, NORMALIZED))
        .run({"x": walk[0]}, {}, times=times, rtol=1e-10, atol=1e-10)
        .trajectory
    )
    np.testing.assert_allclose(walk, known.values[:, 0], rtol=1e-7)
    sharpness = [one["sharpness"] for one in path[first:]]
    np.testing.assert_allclose(sharpness, walk**2 + walk**-2, rtol=ROUNDING)
    x, y = (BY_NAME["normalized"].presets[1].values[name] for name in "xy")
    assert walk[0] ** 2 - walk[0] ** -2 == pytest.approx(x * x - y * y, abs=5 * eta**2)  # kept by gradient flow


def test_the_central_flow_is_that_of_the_integrator(told):
    preset = BY_NAME["network"].presets[1].values
    path = told["network", 1]["flow"]["path"]
    times = np.arange(0.0, 1000.0, 50.0)
    start = {one.name: preset[one.name] for one in TWO_EXAMPLES.weights}
    known = compile_central_flow(TWO_EXAMPLES).run(
        start, {"mu": preset["mu"], "eta": preset["eta"]}, times=times, rtol=1e-9, atol=1e-12
    )
    found = np.array([path[int(time)]["state"] for time in times])
    np.testing.assert_allclose(found[1:], known.trajectory.values[1:], rtol=1e-5)
    variances = [path[int(time)]["more"][0] for time in times]
    np.testing.assert_allclose(variances[1:], known.variance.values[1:], rtol=1e-3)
    at_the_edge = [one["sharpness"] for one in path if one["stage"] == 1]
    np.testing.assert_allclose(at_the_edge, 2 / preset["eta"], rtol=1e-6)


def test_a_nonlinear_unit_sharpens_to_the_edge_and_stays_about_the_central_flow(told):
    """Against a unit that is fitted below it, or one whose average is not the flow's."""
    one, edge = told["unit", 1], 2 / BY_NAME["unit"].presets[1].values["eta"]
    assert one["sharpness"][0] < edge / 5
    assert max(one["middle"][1:-1]) > 1.1 * edge
    for words in ("sharpness", "mean square", "loss"):
        found = row(told, "unit", 1, words)
        assert found["measured"] == pytest.approx(found["predicted"], rel=0.01)


def test_beyond_the_edge_there_is_no_central_flow(told):
    assert told["network", 3]["flow"] is None
    assert np.isnan(row(told, "network", 3, "sharpness")["predicted"])


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_top_eigenpair_is_that_of_lapack(script, size):
    generator = np.random.default_rng(size)
    matrices = generator.normal(size=(20, size, size))
    matrices = matrices + matrices.transpose(0, 2, 1)
    matrices[-1] = np.diag(generator.normal(size=size))
    rows, columns = np.triu_indices(size)
    code = f"{script}; const matrices = {json.dumps(matrices[:, rows, columns].tolist())};"
    found = returned_by(code, f"matrices.map((one) => topEigenpair(one, {size}))")
    for matrix, pair in zip(matrices, found, strict=True):
        assert pair["value"] == pytest.approx(np.linalg.eigvalsh(matrix)[-1], abs=1e-13 * size)
        vector = np.array(pair["vector"])
        np.testing.assert_allclose(matrix @ vector, pair["value"] * vector, atol=1e-13 * size)
        assert np.linalg.norm(vector) == pytest.approx(1)


def test_a_contour_is_where_the_function_is_zero(script):
    """A circle, and the corners that no segment may cut: every end is on it to the second order of the grid."""
    found = np.array(returned_by(script, "contour((x, y) => x * x + y * y - 1, [-2, 2], [-2, 2], 80, 80)"))
    radii = np.hypot(found[..., 0], found[..., 1])
    np.testing.assert_allclose(radii, 1, atol=0.05**2)
    assert np.hypot(*np.diff(found, axis=1)[:, 0].T).sum() == pytest.approx(2 * np.pi, rel=1e-3)


def test_a_zero_is_found_only_where_the_sign_changes(script):
    found = returned_by(
        script, "[bisect((x) => x * x - 2, 0, 2), bisect((x) => x * x + 1, 0, 2), bisect((x) => x, 0, 1)]"
    )
    np.testing.assert_allclose(found, [np.sqrt(2), np.nan, 0], atol=1e-15)


def test_the_program_writes_one_page_that_has_everything(tmp_path):
    said = run_as_program("explorer", "--out", str(tmp_path / "deep" / "page.html"))
    assert (said.code, said.err) == (0, "")
    html = (tmp_path / "deep" / "page.html").read_text(encoding="utf-8")
    assert "written: " in said.out
    assert all(f'id="{one.name}--controls"' in html for one in models())
    assert "src=" not in html
    assert html.count("<math") > 30


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--out", "."], "--out .: is a folder"),
        (["--out", "/dev/null/page.html"], "--out /dev/null"),
        (["--eta", "1"], "--eta"),
    ],
)
def test_bad_input_is_one_line(arguments, named):
    said = run_as_program("explorer", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert named in said.err
