"""The threshold of hovering against the multipliers themselves, on both sides of it."""

import numpy as np
import pytest

from eos_sym import BadInput
from numeric.networks.edge.hovering.threshold import hovering_threshold

ETA = 0.1


def growth(square, weights, eigenvalues, quartic):
    """The largest modulus of a multiplier."""
    t = np.sqrt(square * weights)
    rates = np.block([[np.array([[square * quartic / 3]]), t[None]], [-t[:, None], -np.diag(eigenvalues)]])
    return np.abs(1 + ETA * np.linalg.eigvals(rates)).max()


@pytest.mark.parametrize("seed", range(20))
def test_it_separates_stable_from_unstable(seed):
    # one flat direction at most, since combinations of two are neutral; catches a threshold without the step η
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 7)
    eigenvalues = 10.0 ** rng.uniform(-3, 1.25, count)
    eigenvalues[0] *= rng.integers(2)
    weights, square = rng.uniform(0.1, 5, count), 10.0 ** rng.uniform(-5, -2)
    found = hovering_threshold(ETA, square, weights, eigenvalues)
    slack = 1e-3 * max(abs(found.quartic), 1)
    assert growth(square, weights, eigenvalues, found.quartic - slack) < 1
    assert growth(square, weights, eigenvalues, found.quartic + slack) > 1


def test_flat_directions_alone_need_three_eta_beta():
    found = hovering_threshold(ETA, 1e-3, np.array([1.5, 0.5]), np.zeros(2))
    assert found.quartic == pytest.approx(-3 * ETA * 2.0)
    assert found.frequency == pytest.approx(np.sqrt(1e-3 * 2.0))


def test_without_slow_directions_a_root_passes_through_zero():
    found = hovering_threshold(ETA, 1e-4, np.array([2.0, 1.0]), np.array([4.0, 8.0]))
    assert found == (0.0, pytest.approx(3 * (2 / 4 + 1 / 8)))


def test_a_measure_of_two_lengths_is_refused():
    with pytest.raises(BadInput, match="as many of each"):
        hovering_threshold(ETA, 1e-4, np.ones(2), np.ones(3))
