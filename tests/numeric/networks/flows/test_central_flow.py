"""The central flow of networks: the edge is held, and the averages are those of the formulas."""

import pytest
import torch
from torch import nn

from numeric.networks.flows import central_flow
from numeric.networks.loss import half_squared_error


@pytest.fixture(scope="module")
def told():
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    inputs, targets = torch.randn(12, 3, generator=generator).double(), torch.randn(12, 1, generator=generator).double()
    return central_flow(module, half_squared_error, inputs, 2 * targets, eta=0.6, steps=60)


def test_the_sharpness_rises_to_the_edge_and_stays_there(told):
    """Against a flow that passes the edge, and one that never comes there."""
    assert told.ending == "steps"
    assert float(told.sharpness[0]) < 0.9 * told.edge
    held = told.sharpness[told.variance > 0][20:]
    assert len(held) > 20
    assert held.values == pytest.approx(told.edge, rel=2e-3)


def test_the_mean_loss_is_above_that_of_the_centre_by_the_variance_over_eta(told):
    """Against a missing half, and a variance that counts in another unit."""
    held = told.isel(step=told.variance > 0).isel(step=slice(20, None))
    assert (held.mean_loss - held.loss).values == pytest.approx((held.variance / told.eta).values, rel=1e-2)
