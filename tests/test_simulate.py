"""The datasets that simulations answer with: labels, trajectories, units and refusals."""

import numpy as np
import pytest
import xarray as xr
from sympy import Symbol, exp, symbols

from eos_sym import BadInput, GradientDescent, Map, minimalist, quadratic
from numeric import compile_map
from numeric.outcomes import BLOCK

x, y = symbols("x y", real=True)
r, eta = symbols("r eta", positive=True)


@pytest.fixture(scope="module")
def rotation():
    """(x, y) ↦ (y, r x), a map of two coordinates and one parameter."""
    return compile_map(Map((x, y), (r,), (y, r * x)))


@pytest.fixture(scope="module")
def logistic():
    return compile_map(Map((x,), (r,), (r * x * (1 - x),)))


def axis(name, *values):
    return xr.DataArray(list(values), dims=name, coords={name: list(values)})


def test_a_single_run_has_no_dimension_but_the_state(rotation):
    run = rotation.run({"x": 1.0, "y": 2.0}, {"r": 0.5}, steps=3)
    assert dict(run.sizes) == {"state": 2}
    assert run.state.values.tolist() == ["x", "y"]
    assert run.initial.values.tolist() == [1.0, 2.0]
    assert run.final.values.tolist() == [1.0, 0.25]
    assert (run.outcome.item(), run.period.item(), run.step.item(), run.r.item()) == ("undecided", 0, 3, 0.5)


def test_values_broadcast_by_the_names_of_their_dimensions(rotation):
    starts = {"x": axis("a", 1.0, 2.0, 3.0), "y": axis("b", 10.0, 20.0)}
    run = rotation.run(starts, {"r": axis("rate", 0.25, 0.5, 0.75, 1.0)}, steps=2, record_every=1)
    assert run.outcome.dims == ("a", "b", "rate")
    assert run.trajectory.dims == ("a", "b", "rate", "iteration", "state")
    for a in (1.0, 2.0, 3.0):
        for b in (10.0, 20.0):
            for rate in (0.25, 0.5, 0.75, 1.0):
                one = run.sel(a=a, b=b, rate=rate)
                assert one.r.item() == rate
                assert one.initial.values.tolist() == [a, b]
                assert one.trajectory.values.tolist() == [[a, b], [b, rate * a], [rate * a, rate * b]]


def test_coordinates_and_names_of_dimensions_are_kept(rotation):
    angle = xr.DataArray([0.5, 0.7], dims="angle", coords={"angle": [30, 60], "colour": ("angle", ["red", "blue"])})
    run = rotation.run({"x": angle, "y": 1.0}, {"r": axis("r", 0.5, 0.9)}, steps=5)
    assert run.angle.values.tolist() == [30, 60]
    assert run.colour.values.tolist() == ["red", "blue"]
    assert run.r.values.tolist() == [0.5, 0.9]
    assert dict(run.sizes) == {"angle": 2, "r": 2, "state": 2}
    assert run.r.dims == ("r",)


def test_a_parameter_may_vary_along_the_dimension_of_a_start(rotation):
    run = rotation.run({"x": axis("run", 1.0, 2.0), "y": 0.0}, {"r": axis("run", 1.0, 2.0) ** 2}, steps=2)
    assert run.final.values.tolist() == [[1.0, 0.0], [8.0, 0.0]]


def test_an_empty_grid_gives_an_empty_answer(rotation):
    run = rotation.run({"x": xr.DataArray(np.zeros(0), dims="run"), "y": 1.0}, {"r": 0.5}, steps=100, record_every=9)
    assert dict(run.sizes) == {"run": 0, "state": 2, "iteration": 12}


def test_the_final_state_of_a_run_is_a_start(rotation):
    whole = rotation.run({"x": axis("a", 1.0, 2.0), "y": 3.0}, {"r": 0.75}, steps=50)
    half = rotation.run({"x": axis("a", 1.0, 2.0), "y": 3.0}, {"r": 0.75}, steps=20)
    rest = rotation.run({name: half.final.sel(state=name) for name in "xy"}, {"r": half.r}, steps=30)
    xr.testing.assert_equal(rest.final, whole.final)


def test_everything_has_its_unit(rotation):
    run = rotation.run({"x": 1.0, "y": 2.0}, {"r": 0.5}, steps=3, record_every=1)
    units = {name: variable.attrs.get("units") for name, variable in run.variables.items()}
    assert units == {
        **dict.fromkeys(["initial", "final", "trajectory", "r"], "1"),
        **dict.fromkeys(["period", "step", "iteration"], "iterations"),
        **dict.fromkeys(["outcome", "state"]),
    }


@pytest.mark.parametrize("every", [1, 3, BLOCK, BLOCK + 1, 150, 151, 1000])
@pytest.mark.parametrize("number", [1, 5, 20])
def test_the_trajectory_is_that_of_a_plain_loop(logistic, every, number):
    rates = np.linspace(2.5, 4.0, number)
    run = logistic.run({"x": 0.3}, {"r": axis("rate", *rates)}, steps=150, record_every=every)
    assert run.iteration.values.tolist() == list(range(0, 151, every))
    for rate in rates.tolist():
        value, orbit = 0.3, [0.3]
        for _ in range(150):
            value = rate * value * (1 - value)
            orbit.append(value)
        assert run.trajectory.sel(rate=rate, state="x").values.tolist() == orbit[::every]


def test_a_trajectory_goes_on_after_convergence_and_is_missing_from_divergence_on(logistic):
    run = logistic.run({"x": 0.3}, {"r": axis("rate", 2.0, 3.2, 3.9, 5.0, 40.0)}, steps=400, record_every=1)
    assert run.outcome.values.tolist() == ["converged", "periodic", "undecided", "diverged", "diverged"]
    gone = (run.outcome == "diverged") & (run.iteration >= run.step)
    xr.testing.assert_equal(run.trajectory.isnull().any("state"), gone)
    xr.testing.assert_equal(run.trajectory.isnull().all("state"), gone)
    last = run.isel(rate=3)
    xr.testing.assert_equal(
        last.trajectory.sel(iteration=last.step - 1).drop_vars("iteration"), last.final.rename("trajectory")
    )


def test_recording_changes_nothing_else(logistic):
    settings = {"steps": 333, "tolerance": 1e-9, "bound": 1e4}
    rates = {"r": axis("rate", *np.linspace(2.5, 4.5, 15))}
    recorded = logistic.run({"x": 0.3}, rates, record_every=10, **settings)
    xr.testing.assert_identical(
        recorded.drop_vars(["trajectory", "iteration"]), logistic.run({"x": 0.3}, rates, **settings)
    )


def test_the_initial_and_final_states_are_the_ends_of_an_undecided_trajectory():
    dynamics = compile_map(GradientDescent().map(minimalist()))
    start = {"x": 2.5, "y": axis("y0", 0.3, 0.4), "z": 2.4, "w": 0.3}
    run = dynamics.run(start, {"eta": 0.001}, steps=30, record_every=10)
    assert run.outcome.values.tolist() == ["undecided"] * 2
    xr.testing.assert_equal(run.trajectory.isel(iteration=0, drop=True), run.initial.rename("trajectory"))
    xr.testing.assert_equal(run.trajectory.isel(iteration=-1, drop=True), run.final.rename("trajectory"))


def test_plain_numbers_arrays_and_integers_are_all_values(rotation):
    run = rotation.run({"x": 1, "y": np.float32(2)}, {"r": np.array(0.5)}, steps=2)
    assert run.final.dtype == np.float64
    assert run.final.values.tolist() == [0.5, 1.0]


def test_the_values_given_are_left_as_they_were(rotation):
    start = axis("a", 1.0, 2.0)
    untouched = start.copy(deep=True)
    run = rotation.run({"x": start, "y": 1.0}, {"r": 0.5}, steps=7, record_every=1)
    run.initial[:] = 0.0
    xr.testing.assert_identical(start, untouched)


@pytest.mark.parametrize("steps", [1, 63, 64, 65, 200])
def test_the_progress_of_undecided_runs_adds_up_to_the_steps(logistic, steps):
    done = []
    logistic.run({"x": 0.3}, {"r": axis("rate", 3.9, 3.7)}, steps=steps, progress=done.append)
    assert sum(done) == steps
    assert max(done) <= BLOCK


def test_progress_stops_with_the_last_run(logistic):
    done = []
    run = logistic.run({"x": 0.3}, {"r": axis("rate", 2.8, 2.0, 5.0)}, steps=100_000, progress=done.append)
    last = run.step.max().item()
    assert last <= sum(done) < last + BLOCK


@pytest.mark.parametrize(
    ("initial", "parameters", "said"),
    [
        ({"x": 1.0}, {"r": 1.0}, r"initial values: missing y; give exactly x, y"),
        ({"x": 1.0, "y": 1.0, "z": 1.0}, {"r": 1.0}, r"initial values: unknown z; give exactly x, y"),
        ({"x": 1.0, "z": 1.0}, {"r": 1.0}, r"missing y and unknown z"),
        ({"x": 1.0, "y": 1.0}, {}, r"parameters: missing r; give exactly r"),
        ({"x": 1.0, "y": 1.0}, {"r": 1.0, "eta": 1.0}, r"parameters: unknown eta"),
        ({"x": np.nan, "y": 1.0}, {"r": 1.0}, r"initial value x: not a finite number"),
        ({"x": 1.0, "y": axis("a", 1.0, np.inf)}, {"r": 1.0}, r"initial value y: not a finite number"),
        ({"x": 1.0, "y": 1.0}, {"r": -np.inf}, r"parameter r: not a finite number"),
        ({"x": axis("state", 1.0), "y": 1.0}, {"r": 1.0}, r"initial value x: its dimension state"),
        ({"x": 1.0, "y": 1.0}, {"r": axis("iteration", 1.0)}, r"parameter r: its dimension iteration"),
        ({"x": 1.0, "y": 1.0}, {"r": axis("final", 1.0)}, r"parameter r: its dimension final"),
        ({"x": axis("run", 1.0, 2.0), "y": axis("run", 1.0, 3.0)}, {"r": 1.0}, r"'run'.*same coordinates"),
        ({"x": axis("run", 1.0, 2.0), "y": 1.0}, {"r": axis("run", 1.0, 2.0, 3.0)}, r"'run'.*same coordinates"),
    ],
)
def test_values_that_do_not_fit_the_map_are_refused_by_name(rotation, initial, parameters, said):
    with pytest.raises(BadInput, match=said) as caught:
        rotation.run(initial, parameters, steps=10)
    assert "\n" not in str(caught.value)


def test_a_map_without_parameters_says_that_it_takes_none():
    with pytest.raises(BadInput, match="parameters: unknown eta; give exactly none"):
        compile_map(Map((x,), (), (x / 2,))).run({"x": 1.0}, {"eta": 1.0}, steps=1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps = 0: must be 1 or more"),
        ({"steps": -3}, "steps = -3: must be 1 or more"),
        ({"steps": 5, "record_every": 0}, "record_every = 0: must be 1 or more"),
        ({"steps": 5, "record_every": -1}, "record_every = -1: must be 1 or more"),
    ],
)
def test_counts_below_one_are_refused(rotation, settings, said):
    with pytest.raises(BadInput, match=said):
        rotation.run({"x": 1.0, "y": 1.0}, {"r": 1.0}, **settings)


@pytest.mark.parametrize("name", ["initial", "final", "outcome", "period", "step", "trajectory", "state", "iteration"])
def test_a_parameter_named_like_a_result_is_refused(name):
    parameter = Symbol(name, positive=True)
    with pytest.raises(BadInput, match=f"parameter {name}"):
        compile_map(Map((x,), (parameter,), (parameter * x,)))


def test_a_state_may_be_named_like_a_result():
    step = Symbol("step", real=True)
    run = compile_map(Map((step,), (), (step / 2,))).run({"step": 8.0}, {}, steps=2)
    assert run.final.sel(state="step").item() == 2.0
    assert run.step.item() == 2


def test_the_same_run_twice_is_the_same():
    dynamics = compile_map(Map((x, y), (eta,), (x - eta * exp(-x) * y, y - eta * x / (1 + y**2))))
    start = {"x": axis("a", *np.linspace(-1, 1, 11)), "y": 0.5}
    first, second = (dynamics.run(start, {"eta": 0.3}, steps=100, record_every=7) for _ in range(2))
    xr.testing.assert_identical(first, second)


def test_gradient_descent_on_a_quadratic_is_its_closed_form_in_every_coordinate():
    """θᵢ(t) = (1 − ηλᵢ)ᵗ θᵢ(0)."""
    dynamics = compile_map(GradientDescent().map(quadratic(3)))
    values = {"lambda1": 1.0, "lambda2": 0.5, "lambda3": 0.25, "eta": axis("eta", 0.5, 1.0, 1.5)}
    run = dynamics.run({"theta1": 1.0, "theta2": -2.0, "theta3": 4.0}, values, steps=40, record_every=5)
    eigenvalues = xr.DataArray([1.0, 0.5, 0.25], dims="state")
    expected = (1 - run.eta * eigenvalues) ** run.iteration * run.initial
    np.testing.assert_allclose(run.trajectory, expected.transpose(*run.trajectory.dims), rtol=1e-13, atol=1e-300)
