"""Observables against finite differences in 60-digit arithmetic, and what they answer where states are missing."""

from itertools import product as combinations

import mpmath
import numpy as np
import pytest
import xarray as xr
from sympy import Integer, cosh, exp, log, symbols

from eos_sym import BadInput, GradientDescent, Objective, minimalist, product, quadratic, shallow
from numeric import compile_map, compile_observable, compile_sharpness

x, y, z, w = symbols("x y z w", real=True)
a, eta = symbols("a eta", positive=True)


def states(values, names):
    """Labelled states from an array (…, state), its leading dimensions called run, time, …."""
    array = np.asarray(values, dtype=float)
    return xr.DataArray(array, dims=(*("run", "time")[: array.ndim - 1], "state"), coords={"state": list(names)})


def top_of_finite_differences(loss, point):
    """λ₁ of the Hessian by second differences with step 1e-18, exact to 1e-30 before it is rounded."""
    with mpmath.workdps(90):
        h = mpmath.mpf("1e-18")
        base = [mpmath.mpf(float(number)) for number in point]

        def shifted(*moves):
            return loss(*(number + h * sum(sign for j, sign in moves if j == i) for i, number in enumerate(base)))

        hessian = [
            [
                float(sum(s * t * shifted((i, s), (j, t)) for s, t in combinations((1, -1), repeat=2)) / (4 * h * h))
                for j in range(len(base))
            ]
            for i in range(len(base))
        ]
    return np.linalg.eigvalsh(np.array(hessian))[-1]


@pytest.mark.parametrize(
    ("objective", "loss"),
    [
        (minimalist(), lambda x, y, z, w: (1 - x * y * z * w) ** 2 / 2),
        (product(3), lambda x, y, z: (1 - x * y * z) ** 2 / 2),
        (shallow(), lambda x, y: (1 - x * y) ** 2 / 2),
        (Objective("logistic", log(1 + exp(-x * y)), (x, y)), lambda x, y: mpmath.log(1 + mpmath.exp(-x * y))),
        (Objective("log cosh", log(cosh(x * y - 1)), (x, y)), lambda x, y: mpmath.log(mpmath.cosh(x * y - 1))),
        (Objective("one weight", x**4 - x**2, (x,)), lambda x: x**4 - x**2),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_the_sharpness_is_the_top_eigenvalue_of_the_finite_difference_hessian(objective, loss):
    points = np.random.default_rng(0).uniform(-2, 2, (8, len(objective.weights)))
    names = [weight.name for weight in objective.weights]
    sharpness = compile_sharpness(objective)(states(points, names), {})
    expected = [top_of_finite_differences(loss, point) for point in points]
    np.testing.assert_allclose(sharpness, expected, rtol=1e-13, atol=1e-13)
    assert sharpness.dims == ("run",)
    assert sharpness.attrs == {"units": "1"}


def test_the_sharpness_is_the_algebraically_largest_eigenvalue():
    saddle = Objective("saddle", x**2 / 2 - 5 * y**2, (x, y))
    assert compile_sharpness(saddle)(states([3.0, 4.0], "xy"), {}).item() == 1.0
    peak = Objective("peak", -(x**2) / 2 - 5 * y**2, (x, y))
    assert compile_sharpness(peak)(states([3.0, 4.0], "xy"), {}).item() == -1.0


def test_at_a_symmetric_minimum_of_the_minimalist_example_the_sharpness_is_twice_the_squared_radius():
    """λ₁ = 2 (x² + y²) at x y = 1, z = x, w = y (Zhu et al. 2023)."""
    radii = np.array([1.0, 1.5, 2.5])
    points = np.stack([radii, 1 / radii, radii, 1 / radii], axis=-1)
    sharpness = compile_sharpness(minimalist())(states(points, "xyzw"), {})
    np.testing.assert_allclose(sharpness, 2 * (radii**2 + radii**-2.0), rtol=1e-14)


def test_on_a_subspace_the_sharpness_is_that_of_all_weights():
    points = np.random.default_rng(1).uniform(-2, 2, (3, 4, 2))
    everywhere = compile_sharpness(minimalist())(states(points[..., [0, 1, 0, 1]], "xyzw"), {})
    reduced = compile_sharpness(minimalist(), {z: x, w: y})
    assert reduced.state == ("x", "y")
    xr.testing.assert_allclose(reduced(states(points, "xy"), {}), everywhere, rtol=1e-14)


def test_the_sharpness_depends_on_parameters_by_name_and_dimension():
    sharpness = compile_sharpness(quadratic(3))
    rows = states(np.zeros((2, 3)), ["theta1", "theta2", "theta3"])
    steepest = xr.DataArray([0.5, 5.0], dims="steepest", coords={"steepest": [1, 2]})
    result = sharpness(rows, {"lambda3": steepest, "lambda1": 1.0, "lambda2": 3.0})
    assert result.sel(run=0).values.tolist() == [3.0, 5.0]
    assert set(result.dims) == {"run", "steepest"}
    assert result.steepest.values.tolist() == [1, 2]


def test_the_order_of_the_states_does_not_matter():
    difference = compile_observable(x - 2 * y, (x, y))
    assert difference(states([10.0, 1.0], "yx"), {}).item() == 1 - 20


def test_an_observable_keeps_every_dimension_but_the_state():
    points = np.random.default_rng(2).uniform(-2, 2, (3, 4, 2))
    ratio = compile_observable(a * x / (1 + y**2), (x, y), (a,))
    result = ratio(states(points, "xy"), {"a": 3.0})
    assert result.dims == ("run", "time")
    assert result.attrs == {"units": "1"}
    np.testing.assert_allclose(result, 3 * points[..., 0] / (1 + points[..., 1] ** 2), rtol=1e-15)


def test_a_run_is_observed_along_its_trajectory_and_at_its_end():
    dynamics = compile_map(GradientDescent().map(shallow()))
    rates = xr.DataArray([0.1, 0.2, 0.3], dims="eta", coords={"eta": [0.1, 0.2, 0.3]})
    run = dynamics.run({"x": 1.5, "y": 0.5}, {"eta": rates}, steps=200, record_every=20)
    loss = compile_observable((1 - x * y) ** 2 / 2, (x, y))
    path = run.trajectory.sel(state="x") * run.trajectory.sel(state="y")
    np.testing.assert_allclose(loss.along(run), (1 - path) ** 2 / 2, rtol=1e-14, atol=1e-300)
    assert loss.along(run).dims == ("eta", "iteration")
    excess = compile_observable(eta * (x**2 + y**2) - 2, (x, y), (eta,))
    final = run.final.values
    np.testing.assert_allclose(excess.at_end(run), rates * (final**2).sum(axis=1) - 2, rtol=1e-13)
    start = excess.along(run).sel(iteration=0)
    np.testing.assert_allclose(start, rates * 2.5 - 2, rtol=1e-14)


@pytest.mark.parametrize(
    "observable",
    [
        compile_sharpness(shallow()),
        compile_observable(x * y, (x, y)),
        compile_observable(x, (x, y)),
        compile_observable(Integer(3), (x, y)),
        compile_sharpness(Objective("constant curvature", x**2 + 3 * y**2, (x, y))),
    ],
    ids=["sharpness", "product", "one coordinate", "constant", "constant sharpness"],
)
def test_where_a_state_is_missing_so_is_the_observable(observable):
    rows = states([[1.0, 2.0], [np.nan, np.nan], [1.0, np.nan]], "xy")
    assert observable(rows, {}).isnull().values.tolist() == [False, True, True]


def test_a_diverged_run_has_no_sharpness_from_its_divergence_on():
    objective = quadratic(1)
    dynamics = compile_map(GradientDescent().map(objective))
    rates = xr.DataArray([0.5, 1.5], dims="eta", coords={"eta": [0.5, 1.5]})
    run = dynamics.run({"theta1": 1.0}, {"lambda1": 2.0, "eta": rates}, steps=60, record_every=1)
    sharpness = compile_sharpness(objective).along(run)
    assert run.outcome.values.tolist() == ["converged", "diverged"]
    assert (sharpness.sel(eta=0.5) == 2.0).all()
    xr.testing.assert_equal(sharpness.sel(eta=1.5).isnull(), run.iteration >= run.step.sel(eta=1.5))


def test_a_hessian_that_overflows_gives_no_number():
    sharpness = compile_sharpness(shallow())(states([[1e200, 1.0], [1.0, 1.0]], "xy"), {})
    np.testing.assert_array_equal(sharpness.isnull(), [True, False])


def test_a_parameter_the_run_does_not_hold_is_a_key_error():
    observable = compile_observable(a * x, (x,), (a,))
    with pytest.raises(KeyError, match="a"):
        observable(states([1.0], "x"), {})


def test_symbols_that_are_neither_state_nor_parameter_are_refused():
    with pytest.raises(BadInput, match="a: unbound"):
        compile_observable(a * x, (x,))
    with pytest.raises(BadInput, match="w: unbound"):
        compile_sharpness(minimalist(), {w: 2 * w})
