"""The benchmark of traces and densities on a small network: all come near the dense Hessian's, or are absent."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.sharpness.contenders import Absent
from benchmarks.spectrum.__main__ import compare
from benchmarks.spectrum.contenders import DENSITIES, LEAST, OURS, TRACES, smoothed
from eos_sym import BadInput
from numeric.networks import FlatLoss, half_squared_error, hessian


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(6)
    network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    loss = FlatLoss(network, torch.randn(30, 4).double(), torch.randn(30, 2).double(), half_squared_error)
    return loss, np.linalg.eigvalsh(hessian(loss, loss.parameters).numpy())


@pytest.mark.filterwarnings("ignore")  # what other people's packages warn of
@pytest.mark.parametrize("name", TRACES)
def test_every_trace_is_near_that_of_the_dense_hessian(small, name):
    loss, values = small
    if "XNysTrace" in name and values[0] < LEAST:  # which is a bound at the benchmark's own network
        with pytest.raises(BadInput, match="eigenvalues below"):
            TRACES[name](loss, 30, 0)
        return
    try:
        found = [TRACES[name](loss, 30, seed) for seed in range(8)]
    except Absent as reason:
        assert not name.startswith(OURS)
        pytest.skip(str(reason))
    assert np.mean(found) == pytest.approx(values.sum(), rel=0.3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DENSITIES)
def test_every_density_is_near_that_of_the_dense_hessian(small, name):
    loss, values = small
    try:
        nodes, weights = DENSITIES[name](loss, 10, 15, 1)
    except Absent as reason:
        assert not name.startswith(OURS)
        pytest.skip(str(reason))
    grid = np.linspace(values[0] - 1, values[-1] + 1, 400)
    truth = smoothed(values[None], np.full((1, len(values)), 1 / len(values)), grid, 0.2)
    assert np.abs(smoothed(nodes, weights, grid, 0.2) - truth).sum() * (grid[1] - grid[0]) < 0.4


def test_errors_are_root_mean_squares_and_who_is_absent_is_said():
    def missing(seed):
        raise Absent("not installed")

    rows, absent = compare("trace", {"one": lambda seed: (-1) ** seed * 3.0, "nobody": missing}, 4, 1.0)
    assert [(row.name, row.error) for row in rows] == [("one", 3.0)]
    assert absent == {"nobody": "not installed"}
