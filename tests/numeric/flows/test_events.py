"""Solutions of flows as functions of the time, their events, and the choice of the method."""

import mpmath
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, log, sqrt, symbols

from eos_sym import BadInput, Objective, minimalist, quadratic
from eos_sym.flows import Flow, gradient_flow, limit_flow
from eos_sym.flows.limit_flow import limit_flow_by_eigenvector
from eos_sym.rules import RootLossGradientDescent
from numeric import compile_observable, compile_sharpness
from numeric.flows import Event, compile_flow
from numeric.flows.central_flow import compile_central_flow
from numeric.flows.solver import METHODS

x, y, z, u, s, k = symbols("x y z u s k", real=True)
ACCURATE = {"rtol": 1e-11, "atol": 1e-13}
IMPLICIT = ["LSODA", "Radau", "BDF"]
TOY = Objective("toy", (1 + x**2) * y**2 / 2, (x, y))
PRODUCT = Objective("product", (1 - x * y) ** 2 / 2, (x, y))
TURN = compile_flow(Flow((x, y), (), (y, -x)))
HOVER = Objective("hover", s * u**2 / 2 + Rational(1, 1000) * (s - 25) ** 2, (u, s))


def time_and_product(sharpness, imbalance, product, level, bracket, rate):
    """The time from xy = `product` to where the sharpness is `level`, by quadrature of d(xy)/rate."""
    with mpmath.workdps(25):
        end = mpmath.findroot(lambda m: sharpness(m, imbalance) - level, bracket, solver="anderson")
        return float(mpmath.quad(lambda m: 1 / rate(m, imbalance), [product, end])), float(end)


# Solutions as functions of the time


@pytest.mark.parametrize("method", METHODS)
def test_a_solution_is_the_closed_form_at_every_time(method):
    flow = compile_flow(gradient_flow(quadratic(2)))
    solution = flow.solution(
        {"theta1": 1.0, "theta2": -3.0},
        {"lambda1": 40.0, "lambda2": 2.0},
        until=3,
        rtol=1e-9,
        atol=1e-11,
        method=method,
    )
    times = np.random.default_rng(0).permutation(np.linspace(0, 3, 401))
    expected = np.stack([np.exp(-40 * times), -3 * np.exp(-2 * times)], axis=1)
    np.testing.assert_allclose(solution(times), expected, atol=1e-7)
    assert solution(times).dims == ("time", "state")
    assert solution(1.5).dims == ("state",)
    assert solution.end == solution.until == 3
    np.testing.assert_allclose(solution.final, solution(3), rtol=1e-14)


def test_the_limit_flow_between_the_steps_is_its_closed_form():
    flow = compile_flow(limit_flow(RootLossGradientDescent(), TOY, {y: Integer(0)}))
    times = np.linspace(0, 5, 99)
    solution = flow.solution({"x": 2.0}, {}, until=5, **ACCURATE)
    np.testing.assert_allclose(solution(times).sel(state="x"), 2 * np.exp(-times / 4), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_gradient_flow_between_the_steps_conserves_what_it_must(method):
    solution = compile_flow(gradient_flow(minimalist())).solution(
        {"x": 2.0, "y": 0.3, "z": 1.0, "w": -0.5}, {}, until=10, rtol=1e-9, atol=1e-11, method=method
    )
    differences = np.diff(solution(np.linspace(0, 10, 301)).values ** 2)
    np.testing.assert_allclose(differences, np.broadcast_to([-3.91, 0.91, -0.75], (301, 3)), atol=1e-7)


def test_a_solution_is_missing_after_it_diverged():
    solution = compile_flow(Flow((x,), (), (x**2,))).solution({"x": 1.0}, {}, until=2, bound=1e3, **ACCURATE)
    assert (solution.outcome, solution.reason) == ("diverged", "")
    assert solution.end == pytest.approx(1 - 1e-3)
    assert float(solution.final[0]) == pytest.approx(1e3)
    assert solution([0.5, 0.9, 1.5]).values[:, 0] == pytest.approx([2, 10, np.nan], nan_ok=True)


def test_a_solution_is_not_asked_for_times_it_does_not_have():
    solution = compile_flow(Flow((x,), (), (-x,))).solution({"x": 1.0}, {}, until=2, **ACCURATE)
    for times in (-0.1, [1, 2.1], np.nan, [[1, 2]]):
        with pytest.raises(BadInput, match="from 0 to 2"):
            solution(times)


# Events


def test_the_sharpness_of_a_product_crosses_a_level_where_and_when_the_conserved_quantity_says():
    """On ½(1 − xy)², with c = x² − y² conserved, everything is a function of m = xy: λ₁ falls, and rises again."""
    start, level = np.array([2.0, 0.01]), 4.1

    def sharpness(m, c):
        return (mpmath.sqrt(c**2 + 4 * m**2) + mpmath.sqrt(c**2 + 4 * (2 * m - 1) ** 2)) / 2

    def rate(m, c):
        return (1 - m) * mpmath.sqrt(c**2 + 4 * m**2)

    events = {
        "edge": Event(compile_sharpness(PRODUCT), level),
        "up": Event(compile_sharpness(PRODUCT), level, "rising"),
        "down": Event(compile_sharpness(PRODUCT), level, "falling"),
        "never": Event(compile_sharpness(PRODUCT), 50.0),
    }
    run = compile_flow(gradient_flow(PRODUCT)).run(
        dict(zip("xy", start, strict=True)), {}, times=[0, 8], events=events, **ACCURATE
    )
    c, m = start[0] ** 2 - start[1] ** 2, start.prod()
    expected = [time_and_product(sharpness, c, m, level, bracket, rate) for bracket in ((0.02, 0.3), (0.6, 0.99))]
    assert run.crossings.values.tolist() == [2, 1, 1, 0]
    assert run.crossing_direction.values[:3].tolist() == [["falling", "rising"], ["rising", ""], ["falling", ""]]
    np.testing.assert_allclose(run.crossing_time.sel(event="edge"), [time for time, _ in expected], rtol=1e-8)
    at = run.crossing_state.sel(event="edge")
    np.testing.assert_allclose(at.prod("state"), [product for _, product in expected], rtol=1e-8)
    np.testing.assert_allclose(at.sel(state="x") ** 2 - at.sel(state="y") ** 2, [c, c], rtol=1e-9)
    assert run.crossing_time.sel(event="never").isnull().all()
    assert run.crossing_time.sel(event="up").values == pytest.approx([expected[1][0], np.nan], nan_ok=True)


@pytest.mark.parametrize("method", METHODS)
def test_gradient_flow_of_the_minimalist_example_reaches_the_edge_when_taylor_series_say(method):
    """Without symmetry, by mpmath's Taylor series and its eigenvalues of the Hessian typed in by hand."""
    start, level = [2.0, 0.3, 1.2, 0.4], 5.0
    with mpmath.workdps(15):

        def velocity(_, point):
            product = mpmath.fprod(point)
            return [(1 - product) * product / weight for weight in point]

        def sharpness(point):
            product = mpmath.fprod(point)
            entries = [
                [(product**2 if a == b else (2 * product - 1) * product) / (point[a] * point[b]) for b in range(4)]
                for a in range(4)
            ]
            return max(mpmath.eigsy(mpmath.matrix(entries), eigvals_only=True))

        path = mpmath.odefun(velocity, 0, start, tol=1e-12)
        expected = float(
            mpmath.findroot(lambda t: sharpness(path(t)) - level, (0.4, 0.7), solver="anderson", tol=1e-20)
        )
    edge = {"edge": Event(compile_sharpness(minimalist()), level, "rising")}
    solution = compile_flow(gradient_flow(minimalist())).solution(
        dict(zip("xyzw", start, strict=True)), {}, until=3, rtol=1e-10, atol=1e-12, method=method, events=edge
    )
    assert solution.events.crossing_time.values == pytest.approx(np.array([[expected]]), abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by_eigenvector", [False, True])
def test_along_a_limit_flow_the_sharpness_falls_through_the_edge(method, by_eigenvector):
    """Of ½(1 + x²)y² at y = 0 it is 1 + x² with x = x₀exp(−t/4), and it is 2 at t = 4 ln x₀."""
    derive = limit_flow_by_eigenvector if by_eigenvector else limit_flow
    flow = compile_flow(derive(RootLossGradientDescent(), TOY, {y: Integer(0)}))
    start = xr.DataArray([0.9, 1.5, 2.0], dims="start")
    edge = {"edge": Event(compile_sharpness(TOY, {y: Integer(0)}), 2.0)}
    run = flow.run({"x": start}, {}, times=[0, 5], rtol=1e-9, atol=1e-11, method=method, events=edge)
    expected = [np.nan, 4 * np.log(1.5), 4 * np.log(2)]
    assert run.crossing_time.values.ravel() == pytest.approx(expected, nan_ok=True, abs=1e-6)


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.floats(-0.99, 0.99), st.sampled_from(list(METHODS)))
def test_every_crossing_of_an_oscillation_is_found(level, method):
    events = {"level": Event(x, level), "up": Event(x, level, "rising")}
    run = TURN.run({"x": 1.0, "y": 0.0}, {}, times=[0, 14], rtol=1e-7, atol=1e-9, method=method, events=events)
    first = np.arccos(level)
    falling, rising = (np.arange(3) * 2 * np.pi + angle for angle in (first, 2 * np.pi - first))
    expected = np.sort(np.concatenate([falling, rising]))
    expected, rising = expected[expected < 14], rising[rising < 14]
    found = run.crossing_time.sel(event="level").values
    assert found[: expected.size] == pytest.approx(expected, abs=1e-4)
    assert run.crossings.values.tolist() == [expected.size, rising.size]
    words = run.crossing_direction.sel(event="level").values[: expected.size]
    assert words.tolist() == (["falling", "rising"] * expected.size)[: expected.size]


def test_runs_with_few_crossings_are_missing_the_others():
    rate = xr.DataArray([1.0, 2.0], dims="rate")
    start = xr.DataArray([1.0, 0.4], dims="start", coords={"start": ["above", "below"]})
    flow = compile_flow(Flow((x,), (k,), (-k * x,)))
    run = flow.run({"x": start}, {"k": rate}, times=[0, 3], events={"half": Event(x, 0.5)}, **ACCURATE)
    assert run.crossing_time.dims == ("start", "rate", "event", "crossing")
    half = run.crossing_time.isel(event=0, crossing=0)
    np.testing.assert_allclose(half.sel(start="above"), np.log(2) / rate, rtol=1e-9)
    assert half.sel(start="below").isnull().all()
    assert run.crossings.sel(event="half").values.tolist() == [[1, 1], [0, 0]]
    assert (run.crossing_direction.sel(start="below") == "").all()


def test_the_edge_of_every_step_size_is_a_threshold():
    """The sharpness is 25 − 15exp(−t/500) along the flow, and 2/η for three η, of which one is not reached."""
    eta = xr.DataArray([0.1, 0.125, 0.05], dims="eta", coords={"eta": [0.1, 0.125, 0.05]})
    edge = {"edge": Event(compile_sharpness(HOVER), 2 / eta)}
    run = compile_flow(gradient_flow(HOVER)).run({"u": 0.0, "s": 10.0}, {}, times=[0, 2000], events=edge, **ACCURATE)
    expected = [500 * np.log(15 / (25 - level)) for level in (20, 16)]
    assert run.crossing_time.dims == ("eta", "event", "crossing")
    assert run.crossing_time.values.ravel() == pytest.approx([*expected, np.nan], nan_ok=True)
    assert run.threshold.sel(event="edge").values == pytest.approx([20, 16, 40])


def test_what_is_no_change_of_sign_is_no_crossing():
    clock = compile_flow(Flow((x,), (), (Integer(1),)))
    events = {
        "pole": Event(1 / (x - sqrt(2)), 0.0),
        "touch": Event((x - 1) ** 2, 0.0),
        "start": Event(x, 0.0),
        "undefined": Event(log(x - 1), 0.0),  # from the left it comes out of nothing
        "root": Event(x - 2, 0.0, "rising"),
        "fall": Event(x - 2, 0.0, "falling"),
    }
    run = clock.run({"x": 0.0}, {}, times=[0, 3], events=events, **ACCURATE)
    assert run.crossings.values.tolist() == [0, 0, 0, 1, 1, 0]
    assert run.crossing_time.sel(event=["undefined", "root"]).values.ravel() == pytest.approx([2, 2])


def test_a_quantity_that_changes_and_comes_back_within_a_step_is_seen():
    """cos t is above 0.96 for 0.57 about every 2π, where the steps of DOP853 are longer than 1."""
    run = TURN.run(
        {"x": 0.0, "y": 1.0}, {}, times=[0, 60], rtol=1e-4, atol=1e-6, method="DOP853", events={"top": Event(x, 0.96)}
    )
    assert run.crossings.values.tolist() == [20]


def test_the_observables_of_a_run_are_the_quantities_of_events():
    expression = Event(x * y - 1, 0.25)
    observable = Event(compile_observable(x * y - 1, (y, x)), 0.25)
    run = TURN.run({"x": 2.0, "y": 0.0}, {}, times=[0, 7], events={"a": expression, "b": observable}, **ACCURATE)
    assert run.crossings.values.tolist() == [4, 4]
    np.testing.assert_array_equal(run.crossing_time[0], run.crossing_time[1])


# Methods


@pytest.mark.parametrize("method", IMPLICIT)
def test_an_implicit_method_takes_few_evaluations_where_the_spectrum_is_wide(method):
    run = compile_flow(gradient_flow(quadratic(3))).run(
        {"theta1": 1.0, "theta2": 1.0, "theta3": 1.0},
        {"lambda1": 1e6, "lambda2": 1e3, "lambda3": 1.0},
        times=[0, 1e-6, 1e-3, 1, 5],
        rtol=1e-8,
        atol=1e-10,
        method=method,
    )
    expected = np.exp(-np.outer(run.time, [1e6, 1e3, 1]))
    np.testing.assert_allclose(run.trajectory, expected, atol=1e-7)
    assert int(run.evaluations) < 10_000
    assert run.reason == ""


@pytest.mark.parametrize("method", IMPLICIT)
def test_a_curved_valley_is_followed_at_its_closed_form(method):
    """ẋ = −x, ẏ = −κ(y − x²) − 2x² has the solution x = x₀e⁻ᵗ, y = x² + (y₀ − x₀²)e^{−κt}."""
    valley = compile_flow(Flow((x, y), (k,), (-x, -k * (y - x**2) - 2 * x**2)))
    kappa = xr.DataArray([1.5, 1e3, 1e6], dims="kappa")
    times = np.array([0, 0.1, 1, 4])
    run = valley.run(
        {"x": 2.0, "y": 0.0}, {"k": kappa}, times=times, rtol=1e-9, atol=1e-11, method=method, most_evaluations=50_000
    )
    along = 2 * np.exp(-times)
    expected = along**2 - 4 * np.exp(-np.outer(kappa, times))
    np.testing.assert_allclose(run.trajectory.sel(state="x"), np.broadcast_to(along, (3, 4)), atol=1e-7)
    np.testing.assert_allclose(run.trajectory.sel(state="y"), expected, atol=1e-7)


def test_the_period_of_van_der_pol_relaxing_is_its_asymptotic_series():
    """T = (3 − 2 ln 2)μ + 7.01432 μ^{−1/3} − (2/3) ln μ/μ − 1.3233/μ + … (Dorodnitsyn 1947), up to O(μ^{−4/3})."""
    relaxing = compile_flow(Flow((x, y), (k,), (y, k * (1 - x**2) * y - x)))
    run = relaxing.run(
        {"x": 2.0, "y": 0.0}, {"k": 1e3}, times=[0, 4000], rtol=1e-8, atol=1e-10, events={"up": Event(x, 0.0, "rising")}
    )
    period = 1e3 * (3 - 2 * np.log(2)) + 7.01432 / 10 - 2e-3 / 3 * np.log(1e3) - 1.3233e-3
    assert np.diff(run.crossing_time.values[0]) == pytest.approx([period], abs=2e-3)


def test_an_explicit_method_on_a_stiff_flow_is_slow_and_not_wrong():
    flow, start = compile_flow(gradient_flow(quadratic(2))), {"theta1": 1.0, "theta2": 1.0}
    ratio = {"lambda1": xr.DataArray([2e3, 2e6], dims="ratio"), "lambda2": 1.0}
    times, asked = np.array([0, 0.5, 3]), {"rtol": 1e-7, "atol": 1e-9, "most_evaluations": 20_000}
    explicit = flow.run(start, ratio, times=times, method="RK45", **asked)
    implicit = flow.run(start, ratio, times=times, **asked)
    np.testing.assert_allclose(explicit.trajectory[0, :, 1], np.exp(-times), atol=1e-7)
    assert explicit.evaluations[0] > 5 * implicit.evaluations[0]
    assert explicit.outcome[1] == "undecided"
    assert all(word in str(explicit.reason[1].values) for word in ("most_evaluations", "LSODA, Radau or BDF"))
    assert 0 < float(explicit.end[1]) < 3
    assert (implicit.reason == "").all()


@pytest.mark.parametrize("method", METHODS)
def test_a_trial_step_out_of_the_domain_is_not_the_end(method):
    run = compile_flow(Flow((x,), (), (Rational(1, 100) - sqrt(x),))).run(
        {"x": 1.0}, {}, times=[0, 20], rtol=1e-6, atol=1e-9, method=method
    )
    assert run.reason == ""
    assert float(run.final[0]) == pytest.approx(1e-4, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_flow_is_followed_to_the_end_of_its_domain_and_takes_no_other_with_it(method):
    """ẋ = −√(x − ½) − 1 from 1 is at ½ at the time 2(√½ − ln(1 + √½)); from 100 it is far from there."""
    start = xr.DataArray([1.0, 100.0], dims="start")
    run = compile_flow(Flow((x,), (), (-sqrt(x - Rational(1, 2)) - 1,))).run(
        {"x": start}, {}, times=[0, 0.1, 2], rtol=1e-9, atol=1e-11, method=method
    )
    assert run.end.values == pytest.approx([2 * (np.sqrt(0.5) - np.log(1 + np.sqrt(0.5))), 2], abs=1e-6)
    assert "undefined" in str(run.reason.values[0])
    assert run.reason.values[1] == ""
    assert run.trajectory.isnull().sum("time").values.tolist() == [[1], [0]]
    assert float(run.final[0, 0]) == pytest.approx(0.5)


# The central flow, as any other


def test_the_central_flow_has_solutions_and_events_like_any_flow():
    """In closed form, s = 25 − 15exp(−t/5000) until it is 20, at t = 5000 ln 3, and then it stays."""
    solution = compile_central_flow(HOVER).solution(
        {"u": 0.0, "s": 10.0}, {"eta": 0.1}, until=20_000, events={"on the way": Event(s, 15.0)}, **ACCURATE
    )
    times = np.linspace(0, 20_000, 333)
    arrival = 5000 * np.log(3)
    expected = np.where(times < arrival, 25 - 15 * np.exp(-times / 5000), 20)
    np.testing.assert_allclose(solution(times).sel(state="s"), expected, rtol=1e-9)
    events = solution.events
    assert events.crossing_time.sel(event=["arrival", "on the way"]).values.ravel() == pytest.approx(
        [arrival, 5000 * np.log(1.5)]
    )
    assert events.crossing_state.sel(event="arrival", state="s").values == pytest.approx([20])
    assert events.threshold.sel(event=["arrival", "departure"]).values == pytest.approx([20, 0])
    assert events.crossings.sel(event="departure") == 0
    assert events.crossing_time.units == "iterations"


@pytest.mark.parametrize("method", ["Radau", "DOP853"])
def test_the_central_flow_is_run_over_a_grid_by_any_method(method):
    eta = xr.DataArray([0.1, 0.125, 0.05, 0.3], dims="eta", coords={"eta": [0.1, 0.125, 0.05, 0.3]})
    run = compile_central_flow(HOVER).run(
        {"u": 0.0, "s": 10.0}, {"eta": eta}, times=[0, 2000, 30_000, 200_000], rtol=1e-8, atol=1e-10, method=method
    )
    arrival = [np.log(15 / (25 - 2 / step)) / (0.002 * step) for step in (0.1, 0.125)]
    found = run.crossing_time.sel(event="arrival", crossing=0)
    assert found.values == pytest.approx([*arrival, np.nan, np.nan], nan_ok=True)
    assert run.regime.isel(eta=slice(3))[:, [1, -1]].values.tolist() == [["below", "edge"]] * 2 + [["below", "below"]]
    np.testing.assert_allclose(run.sharpness[:3, -1], [20, 16, 25], rtol=1e-6)
    assert run.outcome.values.tolist() == ["converged", "converged", "undecided", "undecided"]
    assert run.reason.values[2] == ""  # it still creeps
    assert "below the edge" in str(run.reason.values[3])
    assert (run.evaluations[:3] > 0).all()


def test_a_start_at_the_edge_has_arrived():
    run = compile_central_flow(HOVER).run({"u": 0.0, "s": 20.0}, {"eta": 0.1}, times=[0, 100], **ACCURATE)
    assert run.crossing_time.sel(event="arrival").values == [0]
    assert run.regime.values.tolist() == ["edge", "edge"]


def test_a_solution_lost_at_once_is_its_start():
    solution = compile_central_flow(HOVER).solution({"u": 0.0, "s": 30.0}, {"eta": 0.1}, until=1, **ACCURATE)
    assert (solution.outcome, solution.end, solution.evaluations) == ("undecided", 0, 0)
    assert solution([0, 1]).values == pytest.approx(np.array([[0, 30], [np.nan, np.nan]]), nan_ok=True)


# Bad input


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"method": "Euler"}, "RK45"),
        ({"rtol": 1e-16}, "rtol"),
        ({"rtol": 1.0}, "rtol"),
        ({"atol": 0}, "atol"),
        ({"most_evaluations": 0}, "most_evaluations"),
        ({"times": [0, 1, 1]}, "increase"),
        ({"events": {"edge": Event(x, np.inf)}}, "threshold of event edge"),
        ({"events": {"edge": Event(u, 1.0)}}, "event edge: u"),
        ({"events": {"edge": Event(compile_sharpness(HOVER), 1.0)}}, "event edge: s, u"),
        ({"events": {"edge": Event(x, xr.DataArray([1.0], dims="crossing"))}}, "crossing"),
    ],
)
def test_bad_input_is_named_in_one_line(asked, word):
    options = {"times": [0, 1], "rtol": 1e-6, "atol": 1e-8} | asked
    with pytest.raises(BadInput, match=word) as error:
        TURN.run({"x": 1.0, "y": 0.0}, {}, **options)
    assert "\n" not in str(error.value)


def test_the_central_flow_has_a_positive_step_size():
    with pytest.raises(BadInput, match="eta = 0: a step size must be positive"):
        compile_central_flow(HOVER).run({"u": 0.0, "s": 1.0}, {"eta": 0.0}, times=[0, 1], **ACCURATE)


def test_an_event_is_a_quantity_with_a_direction():
    with pytest.raises(BadInput, match="rising, falling, both"):
        Event(x, 1.0, "up")
    with pytest.raises(BadInput, match="expression"):
        Event("x", 1.0)


def test_names_of_the_answer_are_taken():
    with pytest.raises(BadInput, match="arrival"):
        compile_central_flow(HOVER).run(
            {"u": 0.0, "s": 1.0}, {"eta": 0.1}, times=[0, 1], events={"arrival": Event(s, 2.0)}, **ACCURATE
        )
    final = symbols("final", real=True)
    with pytest.raises(BadInput, match="final"):
        compile_flow(Flow((x,), (final,), (-final * x,))).run({"x": 1.0}, {"final": 1.0}, times=[0, 1], **ACCURATE)
    for values in ([], [1.0, 2.0]):
        with pytest.raises(BadInput, match="one"):
            TURN.solution({"x": xr.DataArray(values, dims="start"), "y": 0.0}, {}, until=1, **ACCURATE)
