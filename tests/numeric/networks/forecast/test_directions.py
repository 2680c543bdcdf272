"""The Krylov spaces in which a forecast looks for its directions, against dense matrices."""

import numpy as np
import torch

from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.directions import krylov_space, krylov_space_across, orthonormal
from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent


class Bent(torch.nn.Module):
    """A sum of functions of eight weights, with a Hessian that is known."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.linspace(-1, 1, 8, dtype=torch.float64))

    def forward(self, inputs):
        return (torch.cos(self.w[None] * inputs).sum(1) * self.w.sum()).reshape(-1, 1)


def made():
    loss = FlatLoss(Bent(), torch.tensor([[0.5], [1.3]], dtype=torch.float64), torch.zeros(2, 1), lambda f, _: f.mean())
    value, gradient = loss.value_and_gradient(loss.parameters)
    edge, nothing = torch.eye(8, dtype=torch.float64)[:, :1], torch.zeros(8, dtype=torch.float64)
    rule = GradientDescent(0.1)
    anchor = Anchor(loss, loss.parameters, nothing, float(value), gradient, edge, edge, np.ones(2), rule, nothing)
    return anchor, torch.autograd.functional.hessian(loss, loss.parameters)


def test_both_krylov_spaces_are_those_of_the_hessian_and_the_first_knows_it_there():
    """Wrong programs: one that leaves a block out, one whose products are of other weights, one within the edge."""
    anchor, hessian = made()
    across = torch.eye(8, dtype=torch.float64) - anchor.edge @ anchor.edge.T
    torch.manual_seed(0)
    drivers = across @ torch.randn(8, 2, dtype=torch.float64)
    block = orthonormal(drivers, anchor.edge)
    dense = torch.cat([block, across @ hessian @ block, across @ hessian @ across @ hessian @ block], 1)
    for basis in (
        torch.cat([*krylov_space(anchor, drivers, 4)[0]], 1),
        torch.cat([block, krylov_space_across(anchor, block, 4, anchor.edge, block)], 1),
    ):
        held = dense[:, : basis.shape[1]]
        assert float((held - basis @ (basis.T @ held)).norm() / held.norm()) < 1e-4
        assert float((basis.T @ basis - torch.eye(basis.shape[1])).norm()) < 1e-10
        assert float((anchor.edge.T @ basis).norm()) < 1e-10
    parts, projected = krylov_space(anchor, drivers, 4)
    basis = torch.cat([*parts], 1)
    assert np.abs(projected - (basis.T @ hessian @ basis).numpy()).max() < 1e-8


def test_a_product_costs_a_gradient():
    anchor, _ = made()
    block = orthonormal(torch.eye(8, dtype=torch.float64)[:, 2:4], anchor.edge)
    assert krylov_space_across(anchor, block, 3, anchor.edge, block).shape == (8, 3)
    assert anchor.cost.evaluations == 3
