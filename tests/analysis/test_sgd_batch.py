import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
import xarray as xr

from analysis.sgd_batch.__main__ import Options, planned, study
from analysis.sgd_batch.ends import batch_sharpness, curvatures
from analysis.sgd_batch.runs import groups
from analysis.sgd_batch.second_moment import bound
from analysis.study.work import verdicts as verdicts_of
from eos_sym import BadInput
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import hessian
from numeric.networks.data import Digits
from numeric.networks.loss import FlatLoss, half_squared_error

ETAS, SIZES = (0.2, 0.25, 0.3, 0.35, 0.4), (8, 32, 240)
SHARPNESS, BATCH_SHARPNESS = (0.5, 0.9, 1.05), (0.9, 1.0, 1.0)  # over 2/η, by batch size
THEORY = "second_moment_along_a_direction"


def training(sharpness=SHARPNESS, of_batches=BATCH_SHARPNESS, readings=40, ending="steps"):
    """Runs that approach these values exponentially."""
    steps = np.arange(0, 50 * readings, 50)
    rise = 1 - np.exp(-steps / 100)
    edges = 2 / np.array(ETAS)

    def approach(values):
        return edges[:, None, None] * np.array(values)[:, None] * rise

    dims = ("eta", "batch_size", "reading")
    read = {"sharpness": (dims, approach(sharpness)), "batch_sharpness": (dims, approach(of_batches))}
    error = xr.full_like(xr.Variable(dims, approach(sharpness)), 0.05)
    loss = np.tile(np.exp(-np.arange(steps[-1] + 1) / 300), (len(ETAS), 3, 1))
    return xr.Dataset(
        read | {"batch_sharpness_error": error, "loss": (("eta", "batch_size", "step"), loss), "ending": ending},
        {"eta": list(ETAS), "batch_size": list(SIZES), "reading": steps, "step": np.arange(steps[-1] + 1)},
    )


def ends(runs, limits=(0.7, 0.95, 1.0), curvature=1.0, of_batches=1.0):
    """Measurements at the end that confirm the last readings, up to the factors given."""
    last = runs.isel(reading=-1, drop=True)
    edges = 2 / last.eta
    return xr.Dataset(
        {
            "curvature": curvature * last.sharpness,
            "bound": edges * xr.DataArray(list(limits), dims="batch_size"),
            "batch_sharpness": of_batches * last.batch_sharpness,
            "batch_sharpness_error": 0.05 + 0 * last.sharpness,
            "read_at": int(runs.reading[-1]),
        }
    )


def judged(runs, **changes):
    found = verdicts_of(study, training=runs, ends=ends(runs, **changes))
    return {name: verdict.status for name, verdict in found.items()}


def verdicts(runs=None, **changes):
    """Of the claims on the runs: the one that is proved does not depend on them."""
    found = judged(training() if runs is None else runs, **changes)
    return {name: status for name, status in found.items() if name != THEORY}


def test_the_second_moment_along_a_direction_is_derived():
    assert judged(training())[THEORY] == "proved"


def test_sharpness_that_rises_with_the_batch_size_to_the_edge_supports_every_claim():
    assert set(verdicts().values()) == {"supported"}


@pytest.mark.parametrize(
    ("claim", "sharpness", "of_batches"),
    [
        ("full_batch_at_the_edge", (0.4, 0.6, 1.3), BATCH_SHARPNESS),
        ("the_smaller_the_farther_below", (0.7, 0.5, 1.05), BATCH_SHARPNESS),
        ("small_batches_stay_below", (0.9, 0.95, 1.05), BATCH_SHARPNESS),
        ("batch_sharpness_above_the_sharpness", SHARPNESS, (0.4, 1.0, 1.0)),
        ("batch_sharpness_above_the_sharpness", SHARPNESS, (0.9, 0.8, 1.0)),
        ("batch_sharpness_at_the_edge", SHARPNESS, (0.9, 0.6, 1.0)),
        ("second_moment_bounds_the_sharpness", (0.75, 0.9, 1.05), BATCH_SHARPNESS),
    ],
)
def test_runs_that_contradict_a_claim_refute_it(claim, sharpness, of_batches):
    assert verdicts(training(sharpness, of_batches))[claim] == "refuted"


def test_a_full_batch_that_ends_trained_below_the_edge_is_refuted_and_one_out_of_steps_is_not():
    below = (0.4, 0.6, 0.8)
    assert verdicts(training(below, ending="accuracy"))["full_batch_at_the_edge"] == "refuted"
    assert set(verdicts(training(below)).values()) == {"undecided"}


def test_batches_with_which_the_sharpness_is_at_the_edge_as_well_are_in_no_order():
    assert verdicts(training((0.5, 1.06, 1.05)))["the_smaller_the_farther_below"] == "supported"
    assert verdicts(training((1.06, 1.07, 1.05)))["the_smaller_the_farther_below"] == "undecided"


def test_a_batch_sharpness_that_is_still_rising_decides_nothing():
    runs = training()
    climbing = np.linspace(0.1, 0.7, runs.sizes["reading"]) * 2 / np.array(ETAS)[:, None]
    runs.batch_sharpness[:, 1] = climbing
    found = verdicts(runs)
    assert found["batch_sharpness_at_the_edge"] == found["batch_sharpness_above_the_sharpness"] == "undecided"


def test_few_step_sizes_decide_nothing_but_how_the_ends_were_measured():
    assert set(verdicts(training().isel(eta=[0, 4])).values()) == {"undecided"}


@pytest.mark.parametrize("steps", [1200, 1600, 20])
def test_readings_see_even_and_odd_steps(steps):
    (one, *_) = planned(Options(steps=steps)).values()
    assert one.measure.every % 2 == 1


def test_a_curvature_that_differs_from_the_sharpness_read_is_refuted():
    assert verdicts(curvature=1.1)["full_batch_at_the_edge"] == "refuted"


def test_second_differences_that_differ_from_the_batch_sharpness_read_are_refuted():
    assert verdicts(of_batches=1.2)["batch_sharpness_above_the_sharpness"] == "refuted"


@pytest.mark.parametrize("runs", [training(readings=6), training(ending="diverged")])
def test_short_and_diverged_runs_decide_nothing(runs):
    assert set(verdicts(runs).values()) == {"undecided"}


def test_the_late_mean_is_of_the_last_quarter():
    runs = training()
    late = runs.sharpness.sel(reading=slice(1463, None)).isel(eta=0, batch_size=0) / 10
    assert groups(runs, ends(runs))[0][0].late() == pytest.approx(float(late.mean()), rel=1e-12)


def hessians(count, size, seed):
    """Positive semidefinite matrices of rank one."""
    factors = np.random.default_rng(seed).normal(size=(count, size))
    return factors[:, :, None] * factors[:, None, :]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_no_second_moment_just_beyond_the_bound_is_stable(batch_size, seed):
    examples, size = 5, 3
    each = hessians(examples, size, seed)
    batches = [np.mean(each[list(chosen)], 0) for chosen in itertools.combinations(range(examples), batch_size)]
    values, vectors = np.linalg.eigh(each.mean(0))
    along = np.einsum("i,nij,j->n", vectors[:, -1], each, vectors[:, -1])
    assert along.mean() == pytest.approx(values[-1])
    eta = 1.0001 * bound(1.0, examples, batch_size, along.std() / along.mean()) / values[-1]
    moment = np.mean([np.kron(*[np.eye(size) - eta * batch] * 2) for batch in batches], 0)
    assert np.linalg.eigvalsh(moment)[-1] > 1


def test_the_bound_is_the_edge_for_the_full_batch_and_for_equal_examples():
    assert bound(0.2, 240, 240, 1.3) == pytest.approx(10)
    assert bound(0.2, 240, 8, 0.0) == pytest.approx(10)
    assert bound(0.2, 240, 1, 1.0) == pytest.approx(5)


@pytest.fixture(scope="module")
def small():
    """A loss, weights, and the dense Hessian of every example's loss."""
    examples = Digits(12).load()
    module = FullyConnected((3,)).build(examples, torch.Generator().manual_seed(0))
    loss = FlatLoss(module, examples.inputs, examples.targets, half_squared_error)
    of_one = (
        FlatLoss(module, x[None], y[None], half_squared_error) for x, y in zip(loss.inputs, loss.targets, strict=True)
    )
    each = [hessian(one, loss.parameters) for one in of_one]
    return loss, loss.parameters, torch.stack(each)


def test_the_examples_curvatures_are_those_of_their_dense_hessians(small):
    loss, weights, dense = small
    direction = torch.randn(len(weights), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    direction /= direction.norm()
    expected = torch.einsum("i,nij,j->n", direction, dense, direction)
    torch.testing.assert_close(curvatures(loss, weights, direction), expected, rtol=1e-5, atol=1e-7)


def test_second_differences_along_a_batch_gradient_are_its_curvature(small):
    loss, weights, dense = small
    chosen = torch.randperm(12, generator=torch.Generator().manual_seed(7))[:4]
    batch = FlatLoss(loss.module, loss.inputs[chosen], loss.targets[chosen], half_squared_error)
    slope = batch.value_and_gradient(weights)[1]
    expected = slope @ dense[chosen].mean(0) @ slope / (slope @ slope)
    found = batch_sharpness(loss, weights, 4, 1, seed=7)
    torch.testing.assert_close(found, expected[None], rtol=1e-5, atol=1e-7)


def test_the_full_batch_is_always_among_the_runs():
    runs = planned(Options(eta=(Fraction(1, 10),), batch_size=(4, 240)))
    assert [(size, one.batch_size) for (_, size), one in runs.items()] == [(4, 4), (240, None)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": (0,)}, "--batch-size 0"),
        ({"batch_size": (500,)}, "--batch-size 500"),
        ({"eta": (-1,)}, "--eta"),
        ({"batch_size": (8, 8)}, "--batch-size 8 8"),
    ],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(BadInput, match=said):
        planned(Options(**options))


def test_the_full_preset_without_a_data_root_is_refused():
    with pytest.raises(BadInput, match="--data-root"):
        planned(Options(preset="full"))
