"""The spikes of an oscillation, and how it goes on, of sizes that are made up."""

import numpy as np
import pytest

from numeric.networks.forecast.path import Path, spikes

STEPS = np.arange(301)


def path(size):
    """A path whose oscillation has this size, around 0."""
    x = size * (-1.0) ** np.arange(len(size))
    return Path(x[:, None], np.zeros((len(x), 0)), len(x))


def bump(center, height, width=5.0):
    return height * np.exp(-(((STEPS - center) / width) ** 2))


def test_spikes_are_told_apart_by_the_trough_between_them():
    size = 1e-3 + bump(40, 1.0) + bump(100, 0.5) + bump(112, 0.4, 8.0) + bump(200, 0.3)  # no trough from 100 to 112
    found = spikes(size)
    assert [one.step - 1 for one in found] == pytest.approx([40, 100, 200], abs=1)
    assert [one.height for one in found] == pytest.approx([1.0, 0.55, 0.3], abs=0.01)


def test_what_falls_from_the_beginning_or_is_not_over_or_next_to_nothing_is_no_spike():
    assert spikes(np.exp(-STEPS / 20)) == []
    assert [one.step - 1 for one in spikes(1e-4 + bump(60, 1.0) + bump(150, 0.005) + bump(300, 1.0))] == [60]


@pytest.mark.parametrize(
    ("size", "manner"),
    [
        (np.exp(-STEPS / 20), "decays"),
        (np.exp(-STEPS / 60), "decays"),  # still large where the last half begins
        (1e-9 + bump(30, 1.0) * (1 + 0.5 * np.cos(STEPS)), "decays"),
        (bump(30, 1.0) + 0.3 + 0.02 * np.cos(STEPS / 9), "hovers"),
        (1e-3 + bump(40, 1.0) + bump(120, 1.0) + bump(200, 1.0), "bursts"),  # it ends between two spikes
        (1.0 + 0.4 * np.cos(STEPS / 9), "undecided"),
        (np.zeros(301), "decays"),
    ],
)
def test_manner(size, manner):
    assert path(size).manner == manner


def test_the_bend_of_a_drift_is_no_oscillation():
    """Wrong program: one that takes every second difference for an oscillation, as of gradient flow below the edge."""
    for x in (np.exp(-STEPS / 60) + bump(100, 1e-3), np.cos(STEPS / 20)):  # its bend changes sign, but not every step
        drift = Path(x[:, None], np.zeros((len(x), 0)), len(x))
        assert (drift.manner, drift.peak, drift.spikes) == ("decays", None, [])
    swinging = Path(x[:, None] + 0.1 * (-1.0) ** STEPS[:, None], np.zeros((len(x), 0)), len(x))
    assert swinging.manner == "hovers"


def test_a_catapult_has_its_spike_where_it_alternates_last():
    """Wrong program: one that wants the oscillation to go on beyond its highest step."""
    alternating = [0.01, -0.02, 0.04, -0.09, 0.28, -0.29, -0.04, -0.03, 0.02, 0.01]
    x = [0.0, 0.0]
    for one in alternating:
        x.append(2 * x[-1] - x[-2] - 4 * one)
    found = Path(np.array(x)[:, None], np.zeros((12, 0)), 12)
    assert found.size == pytest.approx(np.abs(alternating))
    assert found.peak == pytest.approx((6, 0.29))


def test_two_steps_have_a_manner():
    assert path(np.ones(4)).manner == "hovers"
