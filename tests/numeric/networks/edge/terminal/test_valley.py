"""The valley at a minimum, on losses whose end is known, and against gradient descent down such a valley.

Wrong programs these catch: one that takes the zero modes for one of the eigenvalues, or leaves them out; a quartic
without what the skewness takes of it, or with the wrong half; a parabola per z and not per q; the edge law's limits
mixed up.
"""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn

from eos_sym import Undecided
from numeric.networks import half_squared_error
from numeric.networks.edge.descent import exact_loss
from numeric.networks.edge.terminal.valley import Valley, valley_at
from numeric.networks.forecast.anchor import anchor

ETA = 0.1
GAP = 0.02


class Bent(nn.Module):
    """Outputs √(S + T·z + ½cx² + kx) x and √λ_j z_j: a valley that bends, with a quartic and a skewness of its own."""

    def __init__(self, eigenvalues, slopes, bend, skew, start):
        super().__init__()
        self.sizes, self.slopes = (torch.tensor(one).double() for one in (eigenvalues, slopes))
        self.bend, self.skew = bend, skew
        self.theta = nn.Parameter(torch.tensor(start).double())

    def forward(self, inputs):
        x, z = self.theta[0], self.theta[1:]
        curvature = 2 / ETA - GAP + self.slopes @ z + self.bend * x**2 / 12 + self.skew * x / 3
        return torch.cat([(curvature.sqrt() * x)[None], self.sizes.sqrt() * z[: len(self.sizes)]])[None] * inputs


def valley(eigenvalues, bends, quartic):
    """A valley without a force and a skewness, at the edge."""
    return Valley(ETA, np.array(eigenvalues), np.array(bends), np.zeros(len(bends)), 2 / ETA, 0.0, quartic)


def bent(eigenvalues, slopes, bend=0.0, skew=0.0, start=None):
    module = Bent(eigenvalues, slopes, bend, skew, start or [0.0] * (len(slopes) + 1))
    outputs = len(eigenvalues) + 1
    return exact_loss(module, half_squared_error, torch.ones(1, 1).double(), torch.zeros(1, outputs).double())


def test_the_modes_are_those_of_the_loss_and_the_flat_ones_are_one():
    # L = ½ (S + T·z + bend x²/12 + skew x/3) x² + ½ Σ λ z²: ∇³L(u,u,u) = skew, ∇⁴L(u,u,u,u) = bend
    found = valley_at(anchor(bent([3.0, 0.4], [1.0, 2.0, 0.6, 0.8], bend=5.0, skew=2.0), ETA, 1), ETA)
    assert found.sharpness == pytest.approx(2 / ETA - GAP)
    assert found.eigenvalues == pytest.approx([0.0, 0.4, 3.0], rel=1e-6)
    assert np.abs(found.bends) == pytest.approx([1.0, 2.0, 1.0], rel=1e-3)
    assert (found.skew**2, found.quartic) == pytest.approx((4.0, 5.0), rel=1e-2)
    assert found.effective_quartic == found.quartic - 1.5 * ETA * found.skew**2


def test_a_spectrum_that_is_flat_or_fast_gives_the_edge_law():
    found = valley([0.0, 1e5], [0.8, 300.0], -4.0)
    law = found.split(0.01)
    assert (law.beta, law.quartic) == pytest.approx((0.64, -4.0 - 3 * 0.9))
    rate = found.rate()
    assert rate / 2 == pytest.approx(law.limit, rel=1e-3)
    assert found.parabola(rate) == pytest.approx(law.parabola, rel=1e-2)  # the fast one is moved by t q/(2λ)
    assert found.split(2e4).beta == pytest.approx(0.64 + 9e4)


def test_without_a_quartic_the_roots_are_the_rates_at_which_a_drive_decays():
    assert valley([0.0, 3.0], [2.0, 1.0], 0.0).rate() == pytest.approx(3.0 * 4.0 / 5.0)
    with pytest.raises(Undecided, match="does not change along the flat"):
        valley([0.0, 3.0], [0.0, 1.0], 0.0).rate()


def test_gradient_descent_down_the_valley_keeps_to_the_parabola_and_decays_at_twice_the_gap():
    # begun on the parabola of the smallest root, at a minimum whose gap is half of it
    slopes, bend = [0.3, 0.5, 0.4], -3.0
    flat = valley([0.0, 0.05, 0.6], [0.4, 0.3, 0.5], bend)
    rate, q, curvatures = flat.rate(), 1e-6, np.array([0.05, 0.6, 0.0])
    x, z, path = q**0.5, -0.5 * q * np.array(slopes) / (curvatures - rate), []
    for _ in range(1000):
        path.append([x**2, *z])
        sharpness = 2 / ETA - rate / 2 + np.dot(slopes, z) + bend * x**2 / 6
        x, z = x - ETA * sharpness * x, z - ETA * (curvatures * z + x**2 / 2 * np.array(slopes))
    squares, across = np.array(path)[:, 0], np.array(path)[:, 1:]
    moved = np.linalg.norm(across[:-1] - across[-1], axis=1)[:500] / (squares[:-1] - squares[-1])[:500]
    assert moved == pytest.approx(flat.parabola(rate), rel=0.02)
    assert np.log(squares[0] / squares[-1]) / (999 * ETA) == pytest.approx(rate, rel=0.02)


def gap_at_the_end(here, force):
    """Of ż = −(Gz + F + ½qT), d ln q/dτ = 2(T·z + ⅙Q_e q), from a small excess and a small oscillation."""
    curvatures, slopes, start = here.eigenvalues, here.bends, np.array([0.02, 0.0, 0.0, 0.0, -6.0])

    def rate(_time, state):
        z, q = state[:-1], np.exp(state[-1])
        across = -(curvatures * z + force + q * slopes / 2)
        return np.append(across, 2 * (slopes @ z + here.effective_quartic * q / 6))

    run = solve_ivp(rate, (0, 1000), start, method="LSODA", rtol=1e-9, atol=1e-12)
    return -float(slopes @ run.y[:-1, -1])


def test_where_a_drive_has_held_the_sharpness_the_end_is_the_slowest_root_and_elsewhere_no_root_at_all():
    """Caught: that all that comes down the valley ends at half a root; ν as the gap; another root than the smallest."""
    here = valley([0.0, 0.05, 1.0, 10.0], [1.0, 0.6, 2.0, 5.0], -3.0)
    assert gap_at_the_end(here, np.array([0.0, -0.1, -0.5, -1.0])) == pytest.approx(here.rate() / 2, rel=1e-3)
    kicked = gap_at_the_end(here, np.zeros(4))
    assert all(abs(kicked / (here.rate(number) / 2) - 1) > 0.3 for number in range(3))
