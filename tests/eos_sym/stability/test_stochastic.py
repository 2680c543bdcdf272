"""SGD's stability at a common minimum against enumeration of the batches, and runs of it on both sides."""

from itertools import combinations
from math import log

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Abs, Integer, Matrix, Rational, eye, kronecker_product, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Undecided
from eos_sym.losses import LossFamily, sgd_pair
from eos_sym.rules import StochasticGradientDescent
from eos_sym.stability import (
    almost_sure,
    lyapunov_exponent,
    mean_square,
    mean_square_critical_sharpness,
    mean_square_critical_step_size,
    mean_square_multiplier,
    mean_square_operator,
    stability,
)
from eos_sym.stability.stochastic import BATCH_SIZE, CURVATURE, EXAMPLES, RELATIVE_SPREAD, SPREAD
from numeric.maps import compile_maps
from numeric.maps.stochastic import lyapunov_exponent as measured_exponent

x, y = symbols("x y", real=True)
eta = STEP_SIZE
PAIR = sgd_pair()
AT_ONE = {PAIR.weights[0]: Integer(1)}
ORIGIN = {x: Integer(0), y: Integer(0)}
ONE_AT_A_TIME = StochasticGradientDescent(1)


def parabolas(curvatures):
    return LossFamily("parabolas", tuple(Rational(c) * x**2 / 2 for c in curvatures), (x,))


def forms(matrices):
    vector = Matrix([x, y])
    return LossFamily("forms", tuple((vector.T * Matrix(m) * vector)[0] / 2 for m in matrices), (x, y))


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.data())
def test_the_second_moment_is_the_mean_over_all_batches(curvatures, data):
    assume(any(curvatures))
    batch_size = data.draw(st.integers(1, len(curvatures)))
    batches = list(combinations(curvatures, batch_size))
    enumerated = sum((1 - eta * Rational(sum(batch), batch_size)) ** 2 for batch in batches) / len(batches)
    operator = mean_square_operator(StochasticGradientDescent(batch_size), parabolas(curvatures), {x: Integer(0)})
    assert simplify(operator[0] - enumerated) == 0


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_the_operator_on_symmetric_matrices_has_the_spectral_radius_of_the_kronecker_product(batch_size):
    matrices = [[[2, 1], [1, 3]], [[1, 0], [0, 0]], [[4, -2], [-2, 1]]]
    family, step_size = forms(matrices), Rational(1, 3)
    jacobians = [
        eye(2) - step_size * sum(map(Matrix, batch), Matrix.zeros(2)) / batch_size
        for batch in combinations(matrices, batch_size)
    ]
    full = sum((kronecker_product(j, j) for j in jacobians), Matrix.zeros(4)) / len(jacobians)
    reduced = mean_square_operator(StochasticGradientDescent(batch_size), family, ORIGIN).subs(eta, step_size)
    radii = [max(abs(np.linalg.eigvals(np.array(m.tolist(), dtype=float)))) for m in (full, reduced)]
    assert reduced.shape == (3, 3)
    assert radii[0] == pytest.approx(radii[1], rel=1e-12)


def test_the_multiplier_of_the_literature_holds_for_every_batch_size():
    spread = (EXAMPLES - BATCH_SIZE) * SPREAD**2 / (BATCH_SIZE * (EXAMPLES - 1))
    assert simplify(mean_square_multiplier() - (1 - eta * CURVATURE) ** 2 - eta**2 * spread) == 0


def test_the_critical_sharpness_falls_with_the_spread_and_rises_with_the_batch():
    share = RELATIVE_SPREAD**2 * (EXAMPLES - BATCH_SIZE) / (BATCH_SIZE * (EXAMPLES - 1))
    critical = mean_square_critical_sharpness()
    assert simplify(critical - 2 / (eta * (1 + share))) == 0
    assert critical.subs(BATCH_SIZE, EXAMPLES).simplify() == 2 / eta


def test_full_batches_are_gradient_descent():
    family = forms([[[2, 1], [1, 3]], [[1, 0], [0, 5]]])
    (step,) = StochasticGradientDescent(2).maps(family)
    descent = GradientDescent().map(family.mean)
    assert simplify(Matrix(step.step) - Matrix(descent.step)) == Matrix.zeros(2, 1)
    critical = mean_square_critical_step_size(StochasticGradientDescent(2), family, ORIGIN)
    largest = 2 / max(np.linalg.eigvalsh([[1.5, 0.5], [0.5, 4.0]]))
    assert float(critical) == pytest.approx(largest, rel=1e-12)


def test_the_pair_has_the_figures_of_the_literature():
    at = {eta: Rational(7, 10)}
    assert sorted(float(step.jacobian.subs(AT_ONE).subs(at)[0]) for step in ONE_AT_A_TIME.maps(PAIR)) == [-1.66, 0.86]
    assert float(mean_square_operator(ONE_AT_A_TIME, PAIR, AT_ONE)[0].subs(at)) == pytest.approx(1.7476, rel=1e-12)
    exponent = float(lyapunov_exponent(ONE_AT_A_TIME, PAIR, AT_ONE).subs(at))
    assert exponent == pytest.approx((log(0.86) + log(1.66)) / 2, rel=1e-12)
    typical = next(iter(almost_sure(ONE_AT_A_TIME, PAIR, AT_ONE).multipliers))
    assert float(typical.subs(at)) == pytest.approx(np.exp(exponent), rel=1e-12)
    descent = stability(GradientDescent().map(PAIR.mean).jacobian.subs(AT_ONE))
    verdicts = [
        condition.verdict(at)
        for condition in (descent, mean_square(ONE_AT_A_TIME, PAIR, AT_ONE), almost_sure(ONE_AT_A_TIME, PAIR, AT_ONE))
    ]
    assert verdicts == ["stable", "unstable", "unstable"]


def test_the_two_thresholds_of_the_pair_differ():
    assert mean_square_critical_step_size(ONE_AT_A_TIME, PAIR, AT_ONE) == Rational(100, 181)
    critical = almost_sure(ONE_AT_A_TIME, PAIR, AT_ONE).critical_value(eta)
    assert simplify(critical - 5 * (10 - sqrt(62)) / 19) == 0
    assert abs(float(lyapunov_exponent(ONE_AT_A_TIME, PAIR, AT_ONE).subs(eta, critical))) < 1e-14


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(1, 40))
def test_stability_in_mean_square_implies_almost_sure_stability(curvatures, fortieths):
    family, at = parabolas(curvatures), {eta: Rational(fortieths, 40)}
    if mean_square(ONE_AT_A_TIME, family, {x: Integer(0)}).verdict(at) == "stable":
        assert almost_sure(ONE_AT_A_TIME, family, {x: Integer(0)}).verdict(at) == "stable"


def test_a_manifold_of_common_minima_is_neutral():
    family = LossFamily("products", tuple(c * (1 - x * y) ** 2 / 2 for c in (1, 2, 6)), (x, y))
    condition = mean_square(ONE_AT_A_TIME, family, {x: Integer(1), y: Integer(1)})
    assert condition.neutral == 1
    assert mean_square_critical_step_size(ONE_AT_A_TIME, family, {x: Integer(1), y: Integer(1)}) == Rational(9, 41)


def test_min_and_absolute_value_are_differentiated_case_by_case():
    family = LossFamily("kinked", (Abs(x - 2) * (x - 2) ** 2, (x - 2) ** 2), (x,))
    curvatures = [m[0] for m in LossFamily("pair", PAIR.losses, PAIR.weights).hessians(AT_ONE)]
    assert curvatures == [Rational(1, 5), Rational(19, 5)]
    with pytest.raises(Undecided, match="kink"):
        family.hessians({x: Integer(2)})


@pytest.mark.parametrize(
    ("question", "error", "match"),
    [
        (lambda: LossFamily("none", (), (x,)), BadInput, "no losses"),
        (lambda: LossFamily("strange", (x**2, x * y), (x,)), BadInput, "y: in loss 2"),
        (lambda: StochasticGradientDescent(3).maps(PAIR), BadInput, "between 1 and 2"),
        (lambda: mean_square(StochasticGradientDescent(0), PAIR, AT_ONE), BadInput, "between 1 and 2"),
        (lambda: mean_square(ONE_AT_A_TIME, PAIR, {PAIR.weights[0]: Rational(1, 2)}), BadInput, "no minimum of loss"),
        (lambda: PAIR.hessians({}), BadInput, "a value for each weight"),
        (lambda: almost_sure(ONE_AT_A_TIME, forms([[[1, 0], [0, 2]]]), ORIGIN), Undecided, "one weight only"),
    ],
)
def test_what_cannot_be_answered_says_why(question, error, match):
    with pytest.raises(error, match=match):
        question()


def test_the_measured_exponent_is_the_exact_one():
    exact = float(lyapunov_exponent(ONE_AT_A_TIME, PAIR, AT_ONE).subs(eta, Rational(7, 10)))
    mean, error = measured_exponent(ONE_AT_A_TIME, PAIR, AT_ONE, 0.7, steps=500, runs=200, seed=1)
    assert abs(mean - exact) < 4 * error
    assert error < 0.01


def test_the_exponent_of_independent_directions_is_the_larger_one():
    family = forms([[[1, 0], [0, 2]], [[3, 0], [0, 4]]])
    exponents = [(log(abs(1 - 0.3 * a)) + log(abs(1 - 0.3 * b))) / 2 for a, b in ((1, 3), (2, 4))]
    mean, error = measured_exponent(ONE_AT_A_TIME, family, ORIGIN, 0.3, steps=2000, runs=50, seed=2)
    assert abs(mean - max(exponents)) < 4 * error + 2 / 2000


def test_runs_end_by_name_and_repeat_with_the_seed():
    simulator = compile_maps(ONE_AT_A_TIME.maps(parabolas([1, 3])))
    step_sizes = xr.DataArray([0.2, 1.5], dims="eta", coords={"eta": [0.2, 1.5]})
    settings_ = {"steps": 500, "runs": 20, "record_every": 1}
    runs = simulator.run({"x": 1.0}, {"eta": step_sizes}, seed=3, **settings_)
    assert set(runs.outcome.sel(eta=0.2).values) == {"converged"}
    assert set(runs.outcome.sel(eta=1.5).values) == {"diverged"}
    assert runs.trajectory.dims == ("eta", "run", "iteration", "state")
    again = simulator.run({"x": 1.0}, {"eta": step_sizes}, seed=3, **settings_)
    other = simulator.run({"x": 1.0}, {"eta": step_sizes}, seed=4, **settings_)
    xr.testing.assert_identical(runs, again)
    assert not (runs.drawn == other.drawn).all()


def test_every_step_is_that_of_the_drawn_map():
    simulator = compile_maps(ONE_AT_A_TIME.maps(parabolas([1, 3])))
    run = simulator.run({"x": 1.0}, {"eta": 0.25}, steps=40, runs=5, seed=0, record_every=1)
    path, drawn = run.trajectory.sel(state="x").values, run.drawn.values
    multipliers = np.array([0.75, 0.25])[drawn[:, :-1]]
    assert path[:, 1:] == pytest.approx(path[:, :-1] * multipliers, rel=1e-14)


def test_a_diverged_run_keeps_the_last_state_inside_the_bound_and_its_path_ends():
    simulator = compile_maps(ONE_AT_A_TIME.maps(parabolas([4, 4])))
    run = simulator.run({"x": 1.0}, {"eta": 1.0}, steps=30, runs=1, seed=0, record_every=1, bound=100.0)
    assert run.step.item() == 5  # 3⁵ = 243
    assert run.final.item() == 81
    assert np.isnan(run.trajectory.squeeze().values).tolist() == [False] * 5 + [True] * 26


@pytest.mark.parametrize(
    ("change", "match"), [({"steps": 0}, "steps = 0"), ({"runs": 0}, "runs = 0"), ({"seed": -1}, "seed = -1")]
)
def test_runs_that_make_no_sense_are_refused(change, match):
    simulator = compile_maps(ONE_AT_A_TIME.maps(parabolas([1, 3])))
    with pytest.raises(BadInput, match=match):
        simulator.run({"x": 1.0}, {"eta": 0.1}, **{"steps": 1, "runs": 1, "seed": 0, **change})


def test_maps_of_different_states_are_not_mixed():
    with pytest.raises(BadInput, match="same state"):
        compile_maps([*ONE_AT_A_TIME.maps(parabolas([1])), *ONE_AT_A_TIME.maps(forms([[[1, 0], [0, 2]]]))])
