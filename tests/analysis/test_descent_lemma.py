"""The descent lemma along trajectories, against finite differences and steps written out by hand."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.descent_lemma.__main__ import before_the_edge
from analysis.descent_lemma.catalogue import (
    CATALOGUE_STEP_SIZE,
    catalogue,
    certain,
    certified_falls,
    quadratic_run,
)
from analysis.descent_lemma.network import MODEL_STEPS, Network
from analysis.descent_lemma.segments import (
    POINTS,
    change_of_loss,
    critical_sharpness_of_a_quadratic,
    identity_error,
    mismatches,
    promised,
    resolved,
    rises,
    segment_dataset,
    taylor_remainder,
    total_weight,
    violations,
)
from eos_sym import STEP_SIZE as ETA
from eos_sym import Undecided, shallow
from tests.analysis.programs import document_of

numbers = st.floats(-1.5, 1.5, allow_nan=False)


def loss(weights):
    return (1 - np.prod(weights)) ** 2 / 2


def slope(weights):
    return (np.prod(weights) - 1) * np.array([np.prod(np.delete(weights, index)) for index in range(4)])


@pytest.fixture(scope="module")
def along():
    return catalogue()


@pytest.fixture(scope="module")
def network():
    return Network(width=12, eta=0.4, steps=900, seed=0)


@pytest.fixture(scope="module")
def trained(network):
    return network.along()


def test_taylor_s_remainder_vanishes_for_any_function_and_in_full_for_one():
    assert taylor_remainder() == (0, 0, 0)
    assert total_weight() == 1
    change, predicted = change_of_loss(shallow())
    assert change != 0
    assert (change - predicted).expand() == 0
    assert critical_sharpness_of_a_quadratic() == 2 / ETA


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(numbers, min_size=4, max_size=4))
def test_the_smoothness_predicts_the_change_of_the_loss_in_one_step(weights):
    """c(s) as the second central difference of L along the segment, independent of the compiled derivatives."""
    weights, eta, width = np.array(weights), 0.1, 1e-3
    step = eta * slope(weights)
    if np.linalg.norm(step) < 1e-3:
        return
    values = [
        (loss(weights - (s + width) * step) - 2 * loss(weights - s * step) + loss(weights - (s - width) * step))
        / width**2
        / (step @ step)
        for s in POINTS
    ]
    losses = np.array([[loss(weights), loss(weights - step)]])
    run = segment_dataset(losses, np.array([[step @ step / eta**2]]), np.array([[values]]), eta)
    assert float(run.change[0, 0]) == pytest.approx(float(run.predicted_change[0, 0]), rel=1e-3, abs=1e-6)
    assert float(run.largest[0, 0]) >= float(run.smoothness[0, 0]) - 1e-3 * abs(float(run.smoothness[0, 0])) - 1e-3


def test_the_catalogue_s_runs_are_gradient_descent_on_the_loss(along):
    weights = np.array([2.6, 0.4, 2.6, 0.4])
    for iteration in range(20):
        assert along.trajectory.sel(start="above", iteration=iteration).values == pytest.approx(weights, rel=1e-9)
        assert float(along.loss.sel(start="above", iteration=iteration)) == pytest.approx(loss(weights), rel=1e-8)
        weights = weights - CATALOGUE_STEP_SIZE * slope(weights)


def test_no_step_contradicts_the_identity_or_the_lemma(along, trained):
    for run in (along, trained):
        assert identity_error(run) < 1e-8
        assert violations(run) == 0
        assert mismatches(run) == 0
        assert promised(run) > 0


def test_the_counters_count(along):
    """The loss turned upside down violates everything."""
    wrong = along.assign(change=-along.change)
    assert violations(wrong) == promised(along)
    assert mismatches(wrong) == int(resolved(along).sum())
    assert identity_error(wrong) > 0.1


def test_towards_a_flat_minimum_the_loss_only_falls_and_at_the_edge_it_does_not(along):
    assert rises(along.sel(start="below")) == 0
    for start in ("above", "sharpening"):
        run = along.sel(start=start)
        assert rises(run) > 100
        assert float(run.loss[-1]) < 1e-3 * float(run.loss.max())
        assert float(run.sharpness[-1]) == pytest.approx(2 / CATALOGUE_STEP_SIZE, rel=0.01)


def test_intervals_prove_the_promised_falls(along):
    evidence = certified_falls(along)
    assert evidence.channel == "interval"
    assert evidence.status == "proved"
    assert evidence.expected == evidence.observed


def test_intervals_do_not_promise_what_is_not_so():
    """From (2.6, 0.4) the loss of the first step rises: the enclosures neither promise nor find a fall."""
    assert certain([2.6, 0.4, 2.6, 0.4]) == (False, False)


def test_a_quadratic_model_beyond_the_edge_diverges_and_one_below_converges():
    hessian, slope_at = np.diag([11.0, 3.0, 1.0]), np.array([1e-3, 1.0, 1.0])
    beyond = quadratic_run(1.0, slope_at, hessian, 0.2, 200)
    assert float(beyond.growth) == pytest.approx(1 - 0.2 * 11)
    assert float(beyond.model_loss[-1]) > 1e6
    below = quadratic_run(1.0, slope_at, hessian, 0.1, 400)
    minimum = 1 - (slope_at**2 / np.diag(hessian)).sum() / 2
    assert float(below.model_loss[-1]) == pytest.approx(minimum)


def test_the_network_s_curvature_agrees_with_differences_of_its_loss(network, trained):
    for iteration in (0, 300, 899):
        start, end = (float(network.loss(network.path[index])) for index in (iteration, iteration + 1))
        run = trained.isel(iteration=iteration)
        assert float(run.change) == pytest.approx(end - start, rel=1e-12)
        assert float(run.predicted_change) == pytest.approx(end - start, rel=1e-6)


def test_the_models_of_a_network_that_does_not_reach_the_edge_are_missing():
    network = Network(width=5, eta=0.01, steps=30, seed=0)
    models = network.models(network.along())
    assert models.sizes == {"reached": 2, "step": MODEL_STEPS + 1}
    assert np.isnan(models["first"]).all()
    assert np.isnan(models.model_loss).all()


@pytest.mark.slow
def test_every_claim_holds_on_two_channels(tmp_path):
    claims = document_of("descent_lemma", tmp_path)["claims"]
    assert {claim["status"] for claim in claims} == {"proved", "supported"}
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in claims)


@pytest.mark.slow
@pytest.mark.usefixtures("in_pixels")
def test_a_network_that_never_gets_to_the_edge_leaves_claims_undecided(tmp_path):
    claims = document_of("descent_lemma", tmp_path, "--eta", "1/100")["claims"]
    assert {claim["status"] for claim in claims} == {"proved", "supported", "undecided"}


def test_a_run_that_begins_beyond_the_edge_says_nothing_of_the_time_before():
    """Against no rise in no step, counted as support."""
    columns = {
        "largest": [30.0, 19.0, 21.0],
        "change": [1.0, -1.0, -1.0],
        "loss": [1.0, 2.0, 1.0],
        "smoothness": [19.0] * 3,
    }
    run = xr.Dataset({name: ("iteration", values) for name, values in columns.items()})
    with pytest.raises(Undecided, match="begins beyond the edge"):
        before_the_edge("network", run.assign(eta=0.1))
    assert before_the_edge("network", run.isel(iteration=slice(1, None)).assign(eta=0.1)).status == "supported"
