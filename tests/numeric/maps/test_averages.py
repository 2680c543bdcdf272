"""Means and Lyapunov exponents against closed forms, plain loops, and sums of recorded trajectories."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Matrix, Rational, Symbol, exp, symbols

from eos_sym import BadInput, GradientDescent, Map, minimalist, quadratic, shallow
from numeric import compile_map, compile_observable, compile_sharpness
from numeric.maps import averages

x, y = symbols("x y", real=True)
r, b = symbols("r b", positive=True)

LOGISTIC = compile_map(Map((x,), (r,), (r * x * (1 - x),)))
HENON = compile_map(Map((x, y), (r, b), (1 - r * x**2 + y, b * x)))
SHALLOW = compile_map(GradientDescent().map(shallow()))


def runs(*values):
    return xr.DataArray(list(values), dims="run")


def lyapunov(simulator, initial, parameters, **settings):
    run = simulator.run(initial, parameters, lyapunov=True, outcomes=False, **settings)
    assert run.lyapunov_exponent.attrs == {"units": "1/iterations"}
    return run.lyapunov_exponent.values


@pytest.mark.parametrize(
    ("simulator", "starts", "parameters", "exponent", "finest"),
    [
        (LOGISTIC, {"x": runs(*np.linspace(0.1, 0.45, 100))}, {"r": 4.0}, math.log(2), 1e-4),
        (
            compile_map(Map((x,), (r,), (x * (1 + r - r * x**2),))),  # −T₃ in the coordinate x/√2
            {"x": runs(*np.linspace(0.1, 0.45, 100))},
            {"r": 2.0},
            math.log(3),
            1e-4,
        ),
        (HENON, {"x": runs(*np.linspace(-0.1, 0.1, 100)), "y": 0.1}, {"r": 1.4, "b": 0.3}, 0.4192, 2e-3),
    ],
    ids=["logistic", "cubic", "Hénon"],
)
def test_the_exponents_of_chaotic_maps_are_the_known_ones(simulator, starts, parameters, exponent, finest):
    """To four standard errors over the runs, which are small enough to tell."""
    found = lyapunov(simulator, starts, parameters, steps=3000, discard=100)
    error = found.std(ddof=1) / math.sqrt(found.size)
    assert error < finest
    assert abs(found.mean() - exponent) < 4 * error


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_exponent_of_a_multiplication_is_the_logarithm_of_its_factor(factor, sign):
    found = lyapunov(compile_map(Map((x,), (r,), (sign * r * x,))), {"x": 1.0}, {"r": factor}, steps=50)
    assert found == pytest.approx(math.log(factor), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.5, 0.25], [0.75, 0.125]],
        [[-1.25, 0.5], [0.25, 0.75]],
        [[0.5, 0.25, 0.0], [0.25, 1.5, 0.125], [0.0, 0.125, 0.25]],
        [[2.0, 1.0], [0.0, 0.5]],
    ],
    ids=str,
)
def test_the_exponent_of_a_linear_map_is_the_logarithm_of_its_largest_multiplier(matrix):
    state = symbols(f"u:{len(matrix)}", real=True)
    step = Matrix([[Rational(entry) for entry in row] for row in matrix]) * Matrix(state)
    found = lyapunov(compile_map(Map(state, (), tuple(step))), {s.name: 0.0 for s in state}, {}, steps=500, discard=200)
    assert found == pytest.approx(math.log(np.abs(np.linalg.eigvals(matrix)).max()), rel=1e-12)


def test_gradient_descent_on_a_quadratic_contracts_like_its_slowest_direction():
    """max |1 − ηλᵢ|, of which one is negative."""
    simulator = compile_map(GradientDescent().map(quadratic(3)))
    values = {"lambda1": 1.0, "lambda2": 0.5, "lambda3": 0.25, "eta": runs(1.0, 1.5, 1.75, 3.0)}
    starts = {"theta1": 1.0, "theta2": 1.0, "theta3": 1.0}
    found = lyapunov(simulator, starts, values, steps=1000, discard=500)
    np.testing.assert_allclose(found, np.log([0.75, 0.625, 0.75, 2.0]), rtol=1e-12)


def test_on_a_two_cycle_the_exponent_is_half_the_logarithm_of_its_multiplier():
    """F′(x₁) F′(x₂) = 4 + 2r − r² on the two-cycle of the logistic map."""
    rates = np.array([3.1, 3.3, 3.4])
    found = lyapunov(LOGISTIC, {"x": 0.3}, {"r": runs(*rates)}, steps=3000, discard=1000)
    np.testing.assert_allclose(found, np.log(np.abs(4 + 2 * rates - rates**2)) / 2, rtol=1e-9)


@pytest.mark.parametrize(("steps", "discard"), [(1, 0), (2, 1), (30, 0), (30, 7), (30, 29)])
def test_the_exponent_is_the_growth_of_a_tangent_vector_that_a_plain_loop_carries(steps, discard):
    """The Jacobian is written down by hand, [[−2rx, 1], [b, 0]]."""
    point, tangent, growth = np.array([0.1, 0.2]), np.cos([1.0, 2.0]), 0.0
    for iteration in range(steps):
        tangent /= np.linalg.norm(tangent)
        tangent = np.array([[-2 * 1.4 * point[0], 1.0], [0.3, 0.0]]) @ tangent
        growth += math.log(np.linalg.norm(tangent)) if iteration >= discard else 0.0
        point = np.array([1 - 1.4 * point[0] ** 2 + point[1], 0.3 * point[0]])
    found = lyapunov(HENON, {"x": 0.1, "y": 0.2}, {"r": 1.4, "b": 0.3}, steps=steps, discard=discard)
    assert found == pytest.approx(growth / (steps - discard), rel=1e-10)


def test_at_a_superstable_point_the_exponent_is_minus_infinity():
    assert lyapunov(LOGISTIC, {"x": 0.5}, {"r": 2.0}, steps=100) == -np.inf
    squares = compile_map(Map((x, y), (), (x**2, y**2)))
    assert lyapunov(squares, {"x": 0.0, "y": 0.0}, {}, steps=100).item() == -np.inf


def test_a_map_that_is_constant_has_no_exponent_to_compute():
    for constant in (Map((x,), (r,), (r,)), Map((x, y), (r,), (r, Integer(2)))):
        start = dict.fromkeys([s.name for s in constant.state], 0.0)
        with pytest.raises(BadInput, match="lyapunov: the derivative of the map is zero everywhere"):
            compile_map(constant).run(start, {"r": 1.0}, steps=5, lyapunov=True)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(1, 60), st.data())
def test_means_are_those_of_the_recorded_trajectory_after_the_discarded_iterations(steps, data):
    discard = data.draw(st.integers(0, steps - 1))
    starts = {"x": runs(1.5, 2.0, 2.5), "y": xr.DataArray([0.1, 0.4], dims="y0")}
    run = SHALLOW.run(
        starts,
        {"eta": 0.3},
        steps=steps,
        record_every=1,
        observables={"loss": shallow().loss, "difference": x**2 - y**2},
        means=["difference", "loss"],
        discard=discard,
    )
    kept = run.sel(iteration=slice(discard + 1, None))
    assert kept.sizes["iteration"] == steps - discard
    for name in ("loss", "difference"):
        np.testing.assert_allclose(run[f"mean_{name}"], kept[name].mean("iteration"), rtol=1e-10)
        assert run[f"mean_{name}"].attrs == {"units": "1"}


def test_sums_in_many_blocks_are_the_sums(monkeypatch):
    settings = {"steps": 200, "discard": 50, "lyapunov": True, "observables": {"q": x**2}, "means": ["q"]}
    whole = LOGISTIC.run({"x": 0.3}, {"r": runs(2.8, 3.2, 3.5)}, **settings)
    monkeypatch.setattr(averages, "SUMMED_AT_ONCE", 7)
    parts = LOGISTIC.run({"x": 0.3}, {"r": runs(2.8, 3.2, 3.5)}, **settings)
    for name in ("mean_q", "lyapunov_exponent"):
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-12)


def test_the_mean_of_a_constant_is_the_constant_to_a_few_digits_of_the_last():
    run = LOGISTIC.run({"x": 0.0}, {"r": 0.1}, steps=100_000, observables={"rate": r}, means=["rate"])
    assert run.mean_rate.item() == pytest.approx(0.1, rel=1e-13)


def test_a_huge_start_that_is_not_averaged_over_leaves_no_trace():
    halving = compile_map(Map((x,), (), (x / 2**40,)))
    run = halving.run({"x": 2.0**60}, {}, steps=3, bound=np.inf, observables={"q": x**2}, means=["q"])
    assert run.mean_q.item() == pytest.approx((2.0**40 + 2.0**-40 + 2.0**-120) / 3, rel=1e-15)


def test_averages_go_on_after_convergence_and_are_missing_after_divergence():
    rates = runs(2.0, 2.5, 5.0, 40.0)
    run = LOGISTIC.run(
        {"x": 0.3}, {"r": rates}, steps=2000, discard=1000, lyapunov=True, observables={"q": x}, means=["q"]
    )
    assert run.outcome.values.tolist() == ["converged", "converged", "diverged", "diverged"]
    np.testing.assert_allclose(run.mean_q, [0.5, 0.6, np.nan, np.nan], rtol=1e-12)  # 1 − 1/r
    np.testing.assert_allclose(run.lyapunov_exponent[1:], [math.log(0.5), np.nan, np.nan], rtol=1e-9)  # |2 − r|
    assert run.lyapunov_exponent[0] < -10  # to a superstable fixed point


def test_without_outcomes_a_run_that_reaches_no_finite_state_has_no_averages():
    run = LOGISTIC.run(
        {"x": runs(0.3, 2.0)},
        {"r": 3.0},
        steps=100,
        outcomes=False,
        lyapunov=True,
        observables={"q": x},
        means=["q"],
    )
    assert run.mean_q.isnull().values.tolist() == run.lyapunov_exponent.isnull().values.tolist() == [False, True]
    assert run.final_q.isnull().values.tolist() == [False, False]
    assert run.final_q[1] == -np.inf


def test_a_map_may_use_the_names_that_averages_would_have():
    total, growth, tangent = symbols("sum growth tangent", real=True)
    renamed = compile_map(Map((total, growth), (r, Symbol("b")), (1 - r * total**2 + growth, Symbol("b") * total)))
    settings, values = {"steps": 40, "lyapunov": True, "means": ["q"]}, {"r": 1.4, "b": 0.3}
    run = renamed.run({"sum": 0.1, "growth": 0.2}, values, observables={"q": total * growth}, **settings)
    expected = HENON.run({"x": 0.1, "y": 0.2}, values, observables={"q": x * y}, **settings)
    assert run.mean_q.item() == pytest.approx(expected.mean_q.item(), rel=1e-9)
    assert run.lyapunov_exponent.item() == pytest.approx(expected.lyapunov_exponent.item(), rel=1e-9)
    assert compile_map(Map((tangent,), (), (tangent / 2,))).run({"tangent": 1.0}, {}, steps=1, lyapunov=True)


def test_observables_are_what_they_are_along_the_trajectory_and_at_the_end():
    objective = minimalist()
    simulator = compile_map(GradientDescent().map(objective))
    sharpness, loss = compile_sharpness(objective), compile_observable(objective.loss, objective.weights)
    starts = {"x": runs(2.5, 2.6, 30.0), "y": 0.3, "z": 2.4, "w": 0.3}
    run = simulator.run(
        starts, {"eta": 0.2}, steps=50, record_every=5, observables={"S": sharpness, "L": objective.loss}
    )
    assert run.outcome.values.tolist()[-1] == "diverged"
    for name, observable in (("S", sharpness), ("L", loss)):
        xr.testing.assert_identical(run[name], observable.along(run).rename(name))
        xr.testing.assert_identical(run[f"final_{name}"], observable.at_end(run).rename(f"final_{name}"))


def test_an_observable_that_is_compiled_from_an_expression_has_a_mean():
    quantity = compile_observable(x * r, (x,), (r,))
    for parameter in (r, Symbol("r")):  # another symbol of the same name
        run = compile_map(Map((x,), (parameter,), (parameter * x,))).run(
            {"x": 1.0}, {"r": 0.5}, steps=2, observables={"q": quantity}, means=["q"]
        )
        assert run.mean_q.item() == (0.25 + 0.125) / 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"means": ["q"]}, "means: unknown q; give names of observables, none"),
        ({"observables": {"q": x}, "means": ["p"]}, "means: unknown p; give names of observables, q"),
        ({"observables": {"q": x}, "means": "q"}, "means = q: give a list of names"),
        ({"observables": {"S": compile_sharpness(shallow())}, "means": ["S"]}, "means: S is an eigenvalue"),
        ({"discard": -1}, "discard = -1: must be 0 or more"),
        ({"discard": 10}, "discard = 10: must be less than steps = 10"),
        ({"discard": 2.5}, "discard = 2.5: must be an integer"),
        ({"observables": {"q": x * Symbol("unknown")}}, "observable q: unknown: unbound"),
        ({"observables": {"q": exp(Symbol("x") * y)}}, "observable q: x: the name of two symbols"),
        ({"observables": {"q": compile_observable(r, (), (r,))}}, "observable q: it depends on r"),
        ({"observables": {"q": compile_observable(x, (x, Symbol("z")))}}, "observable q: it depends on z"),
        ({"observables": {"final": x}}, "observable final: final is the name of something else"),
        ({"observables": {"lyapunov_exponent": x}}, "observable lyapunov_exponent: lyapunov_exponent is the name"),
        ({"observables": {"eta": x}}, "observable eta: eta is the name"),
        ({"observables": {"run": x}}, "observable run: run is the name"),
        ({"observables": {"colour": x}}, "observable colour: colour is the name"),
        ({"observables": {"q": x, "final_q": y}}, "observable final_q: final_q is the name"),
        ({"observables": {"mean_q": x, "q": y}}, "observable q: mean_q is the name"),
    ],
)
def test_what_cannot_be_observed_or_averaged_is_refused_by_name(asked, said):
    start = xr.DataArray([1.0, 2.0], dims="run", coords={"colour": ("run", ["red", "blue"])})
    with pytest.raises(BadInput, match=said) as caught:
        SHALLOW.run({"x": start, "y": 1.0}, {"eta": 0.1}, steps=10, **asked)
    assert "\n" not in str(caught.value)
