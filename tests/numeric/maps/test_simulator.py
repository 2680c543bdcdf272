"""The datasets that simulations answer with: labels, trajectories, units and refusals."""

import numpy as np
import pytest
import xarray as xr
from sympy import Symbol, exp, symbols

from eos_sym import GradientDescent, Map, minimalist, quadratic
from numeric import compile_map
from numeric.maps.outcomes import EXAMINED_EVERY as BLOCK

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
def test_the_progress_adds_up_to_the_steps_of_all_runs(logistic, steps):
    done = []
    logistic.run({"x": 0.3}, {"r": axis("rate", 3.9, 3.7)}, steps=steps, progress=done.append)
    assert sum(done) == 2 * steps
    assert max(done) <= 2 * BLOCK


def test_the_progress_counts_what_ended_runs_need_no_more(logistic):
    done = []
    logistic.run({"x": 0.3}, {"r": axis("rate", 2.8, 2.0, 5.0)}, steps=100_000, progress=done.append)
    assert sum(done) == 3 * 100_000


def test_counts_may_be_integers_of_numpy(rotation):
    run = rotation.run({"x": 1.0, "y": 1.0}, {"r": 1.0}, steps=np.int64(6), record_every=np.int32(2))
    assert run.iteration.values.tolist() == [0, 2, 4, 6]


def test_without_outcomes_every_run_goes_through_all_iterations(logistic):
    rates = {"r": axis("rate", 2.0, 3.2, 3.9, 5.0)}
    plain = logistic.run({"x": 0.3}, rates, steps=5000, record_every=5000, outcomes=False)
    assert set(plain.data_vars) == {"initial", "final", "trajectory", "r"}
    xr.testing.assert_equal(plain.trajectory.isel(iteration=-1, drop=True), plain.final.rename("trajectory"))
    orbits = [[0.3], [0.3], [0.3], [0.3]]
    for orbit, rate in zip(orbits, rates["r"].values.tolist(), strict=True):
        for _ in range(5000):
            orbit[0] = rate * orbit[0] * (1 - orbit[0])
    assert plain.final.values[:3].tolist() == orbits[:3]
    assert not np.isfinite(plain.final.values[3])


def test_the_progress_of_runs_without_outcomes_adds_up_to_the_steps(logistic):
    done = []
    logistic.run({"x": 0.3}, {"r": axis("rate", *np.ones(2000))}, steps=3000, outcomes=False, progress=done.append)
    assert sum(done) == 2000 * 3000
    assert len(done) > 1


def test_the_results_say_which_engine_computed_them(rotation):
    assert rotation.run({"x": 1.0, "y": 2.0}, {"r": 0.5}, steps=3, engine="numpy").attrs == {"engine": "numpy"}


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


def test_the_answer_is_of_the_values_as_they_were(rotation):
    """Nothing of it is in the memory of what was asked."""
    x, r = (xr.DataArray(np.linspace(0, 1, 5), dims="run") for _ in range(2))
    run = rotation.run({"x": x, "y": x}, {"r": r}, steps=3)
    before = run.copy(deep=True)
    x[:], r[:] = -7.0, -7.0
    xr.testing.assert_identical(run, before)
