from itertools import islice

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol, simplify, sqrt

from analysis.normalized_gd import runs
from analysis.normalized_gd.__main__ import Options
from analysis.normalized_gd.network import Descent, Shape, losses_and_gradients
from analysis.normalized_gd.next_order import CUBIC, shift
from analysis.normalized_gd.on_networks import order
from analysis.normalized_gd.theory import KINDS, NORMALIZED, RATIO, ROOT_LOSS, SHARE, cycle, derived
from eos_sym import STEP_SIZE, BadInput
from numeric.networks.training.optimizers import NormalizedGradientDescent, RootLossGradientDescent
from numeric.runs import load
from tests.analysis.programs import document_of

ON_NETWORKS = ("networks", "network_way_there", "network_oscillation", "network_limit_flow")
SHAPES = (Shape((3, 5, 1), 4, tanh=True), Shape((3, 4, 1), 3, tanh=False), Shape((2, 4, 3, 1), 4, tanh=True))
ACROSS = derived(cycle())["two_step_multipliers"]["across"]


def two_steps(theta, eigenvalues, eta):
    """Normalized GD in plain NumPy."""
    for _ in range(2):
        gradient = eigenvalues * theta
        theta = theta - eta * gradient / np.linalg.norm(gradient)
    return theta


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.floats(0.05, 0.95), st.floats(0.05, 2))
def test_the_multiplier_across_a_two_cycle_is_the_measured_one(share, ratio):
    derived = ACROSS.subs({SHARE: share, RATIO: ratio})
    moved = two_steps(np.array([0.3 * share, 1e-7]), np.array([2.0, 2 * ratio]), 0.3)
    assert moved[0] == pytest.approx(0.3 * share)
    assert moved[1] / 1e-7 == pytest.approx(float(derived), abs=1e-6)


def test_at_one_half_the_multiplier_is_a_square():
    assert simplify(ACROSS.subs(SHARE, Rational(1, 2)) - (1 - 2 * RATIO) ** 2) == 0


def test_the_stableness_has_the_harmonic_mean_2():
    for kind in KINDS:
        assert simplify(sum(1 / value for value in kind.stableness)) == 1


def test_the_sums_of_the_root_losses_differ_between_the_rules():
    curvature = Symbol("lambda", positive=True)
    assert simplify(NORMALIZED.root_loss_sum - STEP_SIZE * sqrt(curvature / 2)) == 0
    assert simplify(ROOT_LOSS.root_loss_sum - STEP_SIZE * curvature / 2) == 0


def test_the_two_cycles_have_lengths_that_add_up_and_are_not_halves(monkeypatch):
    monkeypatch.setitem(runs.STARTS, "quick", 20)
    run = runs.alignment(Options(), (1.0, 0.6, 0.3))
    assert (run.outcome == "periodic").all()
    np.testing.assert_allclose(run.end_length.sum("parity"), 1, rtol=1e-10)
    assert float(run.end_angle.max()) < 1e-6
    assert float(abs(run.end_length - 0.5).max()) > 0.1


def test_noise_turns_to_the_top_eigenvector_and_the_same_seed_gives_the_same_noise():
    first, again = (runs.noise(Options()) for _ in range(2))
    xr.testing.assert_identical(first, again)
    x = first.trajectory.sel(state="x")
    assert (x.sel(noise="without") == 1).all()
    assert (x.sel(noise="with").isel(tau=-1) < 0.62).all()


def test_the_phases_take_their_numbers_of_steps(monkeypatch):
    monkeypatch.setitem(runs.PHASE_STEP_SIZES, "quick", (0.08, 0.04))
    phases = runs.phases(Options())
    ratio = phases.isel(eta=1) / phases.isel(eta=0)
    np.testing.assert_allclose(ratio["first"], 2, rtol=0.1)
    np.testing.assert_allclose(ratio["second"], 4, rtol=0.1)


def test_midpoints_cancel_an_oscillation_of_period_two():
    steps = np.arange(9.0)
    path = np.stack([steps + (-1) ** steps, 2 - (-1) ** steps], axis=1)
    np.testing.assert_allclose(runs.midpoints(path), np.stack([steps[1:-1], np.full(7, 2.0)], axis=1))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_gradients_of_many_networks_are_each_that_of_torch(shape):
    """Caught: weights of another order, a slope of tanh at the wrong layer, a sum for the mean."""
    losses = [shape.draw(seed) for seed in range(3)]
    weights, inputs, targets = (
        np.stack([getattr(loss, name).numpy() for loss in losses]) for name in ("parameters", "inputs", "targets")
    )
    values, slopes = losses_and_gradients(shape, weights, inputs, targets)
    for loss, value, slope in zip(losses, values, slopes, strict=True):
        expected, gradient = loss.value_and_gradient(loss.parameters)
        assert value == pytest.approx(float(expected), rel=1e-12)
        np.testing.assert_allclose(slope, gradient, atol=1e-13)


def test_the_steps_of_many_networks_are_those_of_the_optimizers():
    """Caught: a norm over all networks together, √L for 2√L, the rules in the wrong order."""
    losses = [SHAPES[0].draw(seed) for seed in (3, 4)]
    start = np.stack([loss.parameters.numpy() for loss in losses])
    ((last, _),) = islice(Descent(SHAPES[0], KINDS, losses).steps(start, 0.05), 3, 4)
    for loss, rule, found in zip(losses, (NormalizedGradientDescent, RootLossGradientDescent), last, strict=True):
        optimizer = rule(0.05).build(loss.module.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            value = loss.criterion(loss.module(loss.inputs), loss.targets)
            value.backward()
            optimizer.step(lambda value=value: value)
        np.testing.assert_allclose(found, loss.parameters, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_two_steps_across_a_cubic_valley_miss_their_start_as_derived(kind):
    """By the steps in plain Python, at λ = 3, T = 2. Caught: a shift of the other sign or side, or per step."""
    eta, curved, cubic = 1e-4, 3.0, 2.0
    w = start = 0.3 * eta * float(kind.oscillation.width.subs(Symbol("lambda", positive=True), curved))
    for _ in range(2):
        slope = curved * w + cubic * w**2 / 2
        length = abs(slope) if kind is NORMALIZED else 2 * (curved * w**2 / 2 + cubic * w**3 / 6) ** 0.5
        w -= eta * slope / length
    assert (w - start) / eta**2 == pytest.approx(float(shift(kind).subs(CUBIC, cubic)), abs=1e-3)


def test_the_exponent_has_one_slope_and_a_factor_for_each_network():
    """Caught: the scatter of the factors taken for an error of the exponent; too many degrees of freedom."""
    eta = xr.DataArray([0.01, 0.02, 0.04], dims="eta", coords={"eta": [0.01, 0.02, 0.04]})
    factors = xr.DataArray([1.0, 30.0, 0.02], dims="network")
    exact = order(factors * eta**1.3)
    assert exact.value == pytest.approx(1.3)
    assert exact.error == pytest.approx(0, abs=1e-12)
    assert exact.freedom == 5
    scattered = factors * eta**1.3 * xr.DataArray([[1.1, 1, 1], [1, 1, 1.1], [1, 1.1, 1]], dims=("network", "eta"))
    design = np.column_stack([np.tile(np.log(eta), 3), np.repeat(np.eye(3), 3, axis=0)])
    values = np.log(scattered.transpose("network", "eta").values.ravel())
    solution, squares, *_ = np.linalg.lstsq(design, values)
    found = order(scattered)
    assert found.value == pytest.approx(solution[0])
    assert found.error == pytest.approx(np.sqrt(squares[0] / 5 * np.linalg.inv(design.T @ design)[0, 0]))


@pytest.mark.parametrize("eigenvalues", [(1,), (1, 2), (1, 1), (1, 0), (1, -1)])
def test_eigenvalues_that_do_not_fall_are_refused(eigenvalues):
    with pytest.raises(BadInput, match="--eigenvalues"):
        Options(eigenvalues=tuple(map(Rational, eigenvalues)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("normalized_gd")


@pytest.fixture(scope="module")
def document(folder):
    return document_of("normalized_gd", folder)


@pytest.mark.slow
def test_every_claim_rests_on_two_channels_and_none_is_refuted_but_open_ones(document):
    each = [f"{name}_{kind}" for name in ON_NETWORKS for kind in ("normalized", "root_loss")]
    assert [claim["id"] for claim in document["claims"] if claim["open"]] == [*each, "next_order_on_networks"]
    for claim in document["claims"]:
        assert claim["open"] or claim["status"] in {"proved", "supported"}, claim["id"]
        assert len({evidence["channel"] for evidence in claim["evidence"]}) >= 2, claim["id"]


@pytest.mark.slow
def test_only_what_is_a_theorem_is_called_proved(document):
    statuses = {
        claim["id"]: [part["status"] for part in claim["parts"]] for claim in document["claims"] if not claim["open"]
    }
    assert {name: found for name, found in statuses.items() if "proved" in found} == {
        "no_convergence": ["proved", "supported"],
        "continuum_of_two_cycles": ["proved", "proved"],
        "only_the_top_is_stable": ["proved", "supported"],
        "noise": ["proved", "supported"],
    }


@pytest.mark.slow
def test_the_tabulated_drift(document, folder):
    drift = load(folder / "data.nc")["drift"].isel(tau=-1)
    assert float(drift.x.sel(valley="straight", rule="root_loss", eta=0.01)) == pytest.approx(0.60653, abs=1e-5)
