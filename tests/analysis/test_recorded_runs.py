"""Recorded runs trained again: the extract's numbers, shadows, kinks, and what the study makes of differences."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from analysis.recorded_runs.__main__ import EXTRACT, as_described, same_until_rounding_is_seen
from analysis.recorded_runs.pairs import Pair, resolution
from analysis.recorded_runs.replay import Replay, nearest_kink
from analysis.training.recorded import Recorded, recorded_in
from eos_sym import Undecided


@pytest.mark.parametrize("name", ["relu_chebyshev", "tanh_chebyshev"])
def test_training_here_is_the_training_that_another_program_recorded(name):
    """Loss and sharpness after 200 and 100 steps; against another loss, step size, order of weights, or Hessian."""
    record = Recorded(EXTRACT / f"{name}.npz")
    told = Replay(record, 200, 100, 1, 1e-9).run(EXTRACT, lambda _: None)
    np.testing.assert_allclose(told.loss, record.loss[:3], rtol=1e-13)
    np.testing.assert_allclose(told.sharpness[1:], record.eigenvalues[:2, 0], rtol=1e-9)
    np.testing.assert_allclose(told.shadow_loss[0], told.loss, rtol=1e-12)
    assert not np.array_equal(told.shadow_loss[0], told.loss)
    assert bool((told.bound <= 1e-9 * told.sharpness).all())
    assert bool(told.nearest_kink.notnull().all()) == (name == "relu_chebyshev")


def test_the_extract_is_small_and_of_every_hundredth_step():
    runs = recorded_in(EXTRACT)
    assert [run.every for run in runs] == [100, 100]
    assert sum(run.file.stat().st_size for run in runs) < 100_000


def test_where_a_recorded_eigenvalue_is_off_the_whole_hessian_is_asked(tmp_path):
    """Against a reading that is confirmed by itself."""
    with np.load(EXTRACT / "tanh_chebyshev.npz") as known:
        record = dict(known)
    record["eigenvalues"] = record["eigenvalues"] * 1.01
    np.savez(tmp_path / "off.npz", **record)
    told = Replay(Recorded(tmp_path / "off.npz"), 100, 100, 1, 1e-9).run(tmp_path, lambda _: None)
    assert np.isnan(told.dense[0])
    assert float(told.dense[1]) == pytest.approx(float(told.sharpness[1]), rel=1e-8)


def test_the_nearest_kink_is_the_smallest_argument_of_a_relu_in_any_layer():
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    for layer, (weight, bias) in ((first, (2.0, 1.0)), (second, (1.0, -3.5))):
        nn.init.constant_(layer.weight, weight)
        nn.init.constant_(layer.bias, bias)
    module = nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), nn.Linear(1, 1))
    assert nearest_kink(module, torch.tensor([[1.0], [2.0]])) == pytest.approx(0.5)
    assert np.isnan(nearest_kink(nn.Sequential(first, nn.Tanh()), torch.tensor([[1.0]])))


@pytest.mark.parametrize(
    ("values", "half"), [([0.307125, 0.5], 5e-6), ([2.09595e-19], 5e-6), ([1 / 3], 5e-16), ([0.5, 2.0], 0.5)]
)
def test_the_resolution_is_half_a_unit_of_the_last_digit(values, half):
    assert resolution(np.array(values)) == pytest.approx(half)


def pair(recorded, shadows):
    """A pair whose loss is 1, with so many steps, and a reading at each."""
    steps = np.arange(len(recorded))
    told = xr.Dataset(
        {
            "loss": ("step", np.ones(len(steps))),
            "recorded_loss": ("step", recorded),
            "shadow_loss": (("shadow", "step"), shadows),
            "shadow_moved": (("shadow", "step"), np.maximum.accumulate(np.abs(np.array(shadows) - 1), axis=1)),
            "sharpness": ("reading", np.full(len(steps), 2.0)),
            "recorded_sharpness": ("reading", np.where(steps, 2.0, np.nan)),
            "nearest_kink": ("reading", np.full(len(steps), np.nan)),
        },
        {"step": steps, "reading": steps},
    )
    return Pair(Recorded(EXTRACT / "tanh_chebyshev.npz"), told)


def test_a_run_parts_at_the_first_step_and_is_calm_until_a_shadow_has_moved_once():
    """Against shadows that come back: what has moved has moved."""
    steps = np.arange(400)
    recorded = np.where(steps < 120, 1.0, 1.01)
    moved = np.where((steps >= 100) & (steps < 110), 1 + 1e-8, 1.0)
    one = pair(recorded, [np.ones(400), moved])
    assert one.parted == 120
    assert one.shadows_parted == [None, None]
    assert int(one.calm.sum()) == 100
    assert int(one.calm_readings.sum()) == 99  # no reading is recorded of the start
    assert one.sharpness_ratio().value == pytest.approx(1)


def test_a_shadow_that_parts_between_two_recorded_steps_and_comes_back_has_parted(tmp_path, monkeypatch):
    """Against one that is asked at the recorded steps alone, every hundredth of the extract."""
    descent, begun = Replay._descent, []

    def spiking(self, module, examples):
        begun.append(module)
        for step, loss in enumerate(descent(self, module, examples)):
            yield loss * (1.01 if len(begun) == 2 and step == 50 else 1)

    monkeypatch.setattr(Replay, "_descent", spiking)
    record = Recorded(EXTRACT / "tanh_chebyshev.npz")
    told = Replay(record, 100, 100, 1, 1e-3).run(tmp_path, lambda done: None)
    np.testing.assert_allclose(told.shadow_loss[0], told.loss, rtol=1e-12)
    assert Pair(record, told).shadows_parted == [100]


@pytest.mark.parametrize(("off", "status"), [(1e-11, "supported"), (1e-9, "refuted")])
def test_the_limits_are_those_of_the_shadows_and_of_the_description(off, status):
    """Caught: a limit that is as wide as what is found; of a tanh network both are 1e-10."""
    one = pair(np.full(400, 1 + off), [np.ones(400)])
    assert [found.status for found in same_until_rounding_is_seen([one])] == [status]
    loss, sharpness = as_described([one])
    assert (loss.status, sharpness.status) == (status, "supported")


def test_of_a_run_that_is_not_described_nothing_is_decided(tmp_path):
    (tmp_path / "another.npz").write_bytes((EXTRACT / "tanh_chebyshev.npz").read_bytes())
    one = Pair(Recorded(tmp_path / "another.npz"), pair(np.ones(400), [np.ones(400)]).told)
    assert {found.status for found in as_described([one])} == {"undecided"}


def test_a_recorded_loss_is_held_against_what_its_shadows_foretell():
    """By Student's quantile for two more values: 4.30 s √(4/3); against two standard deviations."""
    steps = np.arange(400)
    one = pair(np.full(400, 1.01), [np.full(400, np.e), np.full(400, 1 / np.e)])
    found, least, largest = one.loss_beyond(np.mean)
    half = 4.302653 * 1 * (4 / 3) ** 0.5
    assert (found, least, largest) == pytest.approx((1.01, np.exp(-half), np.exp(half)), rel=1e-6)
    with pytest.raises(Undecided, match="has not parted"):
        pair(np.ones(400), [np.ones(400)]).sharpness_ratio()
    with pytest.raises(Undecided, match="values beyond the parting"):
        pair(np.where(steps[:200] < 120, 1.0, 1.01), [np.ones(200)]).sharpness_ratio()
