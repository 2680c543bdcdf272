"""The study of the edge law on networks: its batches of runs, the moments of a run, how its forecasts are judged."""

import numpy as np
import pytest
import torch
import xarray as xr

from analysis.edge_law_network.ending.errors import (
    agreeing,
    better_made_again,
    correlation,
    errors,
    foretold,
    judged,
    table,
    trust,
)
from analysis.edge_law_network.midpoints import identity_holds
from analysis.edge_law_network.training.batch import Batch
from analysis.edge_law_network.training.descents import Descents
from analysis.edge_law_network.training.moments import AFTER, BEFORE, Moments, windows
from analysis.edge_law_network.training.settling import settled
from analysis.edge_law_network.training.train import EVERY, train
from analysis.study.evidence import all_heard
from eos_sym import Undecided
from numeric.networks.curvature import sharpness
from numeric.progress import unheard

DESCENTS = Descents("chebyshev_3", "tanh", (0, 1), (0.9, 0.6), 120, 3)


@pytest.fixture(scope="module")
def batch():
    small = Batch.of(DESCENTS.losses())
    return small.repeated(torch.tensor([10.0, 20.0]).double(), DESCENTS.fractions)


def test_every_run_of_a_batch_has_its_own_gradient_start_and_edge(batch):
    """Against programs that mix up seeds and fractions."""
    losses = DESCENTS.losses()
    values, gradients = batch.value_and_gradient()
    for run in range(4):
        value, gradient = losses[run // 2].value_and_gradient(losses[run // 2].parameters)
        assert float(values[run]) == pytest.approx(float(value), rel=1e-12)
        torch.testing.assert_close(gradients[run], gradient, rtol=1e-10, atol=1e-12)
    assert (2 / batch.eta).tolist() == pytest.approx([9, 6, 18, 12])


def test_the_sharpness_of_every_run_is_its_own(batch):
    found, _ = batch.sharpness(batch.weights, torch.ones_like(batch.weights), 300)
    expected = [sharpness(loss, loss.parameters) for loss in DESCENTS.losses() for _ in range(2)]
    assert found.tolist() == pytest.approx(expected, rel=1e-6)


def test_windows_are_the_consecutive_weights_around_their_middles(batch):
    """Against windows that are shifted, or begun from other kept weights."""
    trained = train(batch, 70, unheard)
    path = torch.stack(list(batch.path(70)))
    middles = np.array([[2, 49], [3, 60], [-1, 55], [50, 51]])
    found = windows(batch, trained.kept, middles)
    for run in range(4):
        for place, middle in enumerate(middles[run]):
            expected = (
                path[middle - BEFORE : middle + AFTER + 1, run] if middle >= 0 else torch.full((6, 193), torch.nan)
            )
            np.testing.assert_array_equal(found[run, place], expected)
    turn = (2 * path[5] - path[4] - path[6]).norm(dim=1) / 4
    np.testing.assert_allclose(trained.swing[:, 5], turn, rtol=1e-12)


def test_the_moments_of_a_run_are_its_last_crossing_peak_and_third():
    """Two bursts, the last crossing at the second reading above the edge; the third on the second burst's rise."""
    steps = np.arange(101)
    swing = 0.3 * np.exp(-(((steps - 20) / 5) ** 2)) + 0.1 * np.exp(-(((steps - 70) / 5) ** 2))
    sharpness = np.array([1.0, 2.1, 1.9, 1.9, 1.9, 2.1, 2.1, 1.9, 1.9, 1.9, 1.9])
    moments = Moments.of(swing, sharpness, 2.0)
    assert (moments.crossing, moments.peak) == (5 * EVERY + 1, 70)
    assert swing[moments.third] >= 0.1 / 3 > swing[moments.third - 1]
    assert 50 < moments.third < 70
    assert Moments.of(swing, 0 * sharpness, 2.0).windows(2) == [-1, -1, -1, -1]


@pytest.fixture(scope="module")
def ends():
    """Twelve runs of which F is 5 % off, M 5 % more where the peak is small and threefold elsewhere."""
    gap = np.geomspace(1e-3, 0.1, 12)
    peak = np.where(np.arange(12) < 6, 0.02, 0.3)
    values = {"gap": gap, "excess": np.full(12, 0.05), "peak_crossing": peak, "peak_third": peak}
    for start in ("crossing", "third"):
        values[f"space_{start}"] = np.where(peak < 0.1, 1.05, 1.8) * gap
        values[f"memory_{start}"] = np.where(peak < 0.1, 1.1, 3 * 1.8) * gap
    values |= {"limit": 2 * gap, "lambert": np.full(12, np.nan), "rebuilt": 1.02 * gap}
    values |= {"evaluations": np.full(12, 100.0), "rebuilt_cost": np.full(12, 900.0), "trained": np.full(12, 600.0)}
    return xr.Dataset({name: ("run", one) for name, one in values.items()})


def test_forecasts_are_judged_by_the_later_peak_and_by_agreement(ends):
    narrow = judged(ends, "crossing", (0.0, 0.05))
    np.testing.assert_allclose(errors(narrow, "space_crossing"), 0.05)
    assert correlation(narrow, "space_crossing") == pytest.approx(1)
    assert agreeing(ends, "third").values.tolist() == [True] * 6 + [False] * 6
    assert {one.status for one in all_heard(foretold(ends))} == {"supported", "refuted"}
    assert {one.status for one in all_heard(trust(ends))} == {"supported"}


def test_what_is_made_again_is_held_against_what_is_not_and_against_training(ends):
    assert [one.observed for one in all_heard(better_made_again(ends))] == pytest.approx([0.4, 1.5])
    row = table(ends)["from the crossing, later peak 0 to 0.05"]
    assert "F made again every 100 steps 0.020 / 1.00; gradients: F 100, " in row
    assert row.endswith("training from there 600")


def test_runs_are_settled_where_they_end_and_not_before():
    """Against ends that are not those of gradient descent, and runs that end while they oscillate or have far to go."""
    small = Batch.of(Descents("digits_12", "tanh", (0, 1), (0.9,), 10, 3).losses())
    weights = small.at(small.weights, 3 * small.eta)
    *_, after = weights.path(800)
    *_, long_after = weights.at(after).path(1600)
    vectors = torch.ones_like(after)
    which, ends = settled(weights.at(after), vectors)
    assert which.tolist() == [True, True]
    assert float((ends - long_after).norm()) < 0.02 * float((after - long_after).norm())
    assert not settled(weights, vectors)[0].any()
    assert not settled(weights.at(after, 20 * weights.eta), vectors)[0].any()


def test_a_forecast_that_is_not_there_counts_as_an_error_and_few_runs_decide_nothing(ends):
    assert np.isinf(errors(ends, "lambert")).all()
    with pytest.raises(Undecided, match="0 runs with a later peak"):
        judged(ends.assign(excess=ends.excess + 1), "crossing")


def test_the_identity_is_judged_where_one_mode_oscillates_and_its_error_is_small():
    """Readings that are off by the next order support it; those of two modes are not looked at.

    Against formulas with another coefficient of Qq, which readings of small q do not tell from the identity.
    """
    count = 12
    offset = np.geomspace(1e-3, 1e-1, count)
    order = -0.01 * offset
    values = {
        "edge": np.full(count, 2.0),
        "sharpness": 2 + offset + order,
        "predicted": 2 + offset,
        "early": 2 + 1.3 * offset,
        "linear": 2 + 1.1 * offset,
        "oscillation": np.sqrt(np.where(np.arange(count) < 5, 0.3, 0.01) * offset),
        "quartic": np.full(count, -6.0),
        "next_order": order,
        "unsteadiness": 0.01 * abs(order),
        "reason": np.array([""] * 10 + ["two modes"] * 2),
    }
    readings = xr.Dataset({name: ("reading", one) for name, one in values.items()})
    readings["sharpness"][10:] = 5.0
    assert [one.status for one in all_heard(identity_holds(readings))] == ["supported"] * 6
    bend = readings.quartic * readings.oscillation**2 / 6
    for wrong in (bend, bend / 2, 2 * bend):  # without Qq/6, with Qq/12, with the other sign
        found = [one.status for one in all_heard(identity_holds(readings.assign(predicted=readings.predicted + wrong)))]
        assert found[2] == "refuted"
    few = list(all_heard(identity_holds(readings.isel(reading=slice(8, None)))))
    assert {one.status for one in few} == {"undecided"}
