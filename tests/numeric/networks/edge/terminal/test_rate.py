"""The decay of the drive on a loss where it is known, and against the flow that it is the solution of.

Wrong programs these catch: one without zero modes, whose smallest root is that between the two smallest eigenvalues;
one that counts the edge among the directions; a share without its sign; a rate per step for one in time ηt.
"""

import copy

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn

from eos_sym import BadInput, Undecided
from numeric.networks import half_squared_error
from numeric.networks.edge.descent import exact_loss, jacobian_at
from numeric.networks.edge.terminal.rate import DriveDecay, drive_decay

ETA = 0.1


class Valley(nn.Module):
    """Outputs √(2/η + T·z) x and √λ_j (z_j + f_j): an edge along x, driven by what is left of the others."""

    def __init__(self, eigenvalues, slopes, offsets):
        super().__init__()
        self.sizes, self.slopes, self.offsets = (torch.tensor(one).double() for one in (eigenvalues, slopes, offsets))
        self.theta = nn.Parameter(torch.zeros(len(slopes) + 1, dtype=torch.float64))

    def forward(self, inputs):
        x, z = self.theta[0], self.theta[1:]
        driving = self.sizes.sqrt() * (z[: len(self.sizes)] + self.offsets)
        return torch.cat([((2 / ETA + self.slopes @ z).sqrt() * x)[None], driving])[None] * inputs


def decay(eigenvalues, slopes, offsets):
    """The decay at the bottom of such a valley, which has as many zero modes as slopes are more."""
    module = Valley(eigenvalues, slopes, offsets)
    inputs, targets = torch.ones(1, 1).double(), torch.zeros(1, len(offsets) + 1).double()
    return drive_decay(module, half_squared_error, inputs, targets, eta=ETA)


def force_at_the_midpoint(spectrum, offsets):
    """∇L at the midpoint of two steps from 0, where the decay is read."""
    path = [np.zeros(len(spectrum))]
    for _ in range(2):
        path.append(path[-1] - ETA * spectrum * (path[-1] + offsets))
    return spectrum * ((path[0] + 2 * path[1] + path[2]) / 4 + offsets)


def test_one_eigenvalue_and_a_zero_mode():
    # t₀²/(−ν) + t₁²/(λ − ν) = 0
    found = decay([3.0], [1.0, 2.0], [-0.05])
    rate = 3.0 * 4.0 / 5.0
    assert found.rates == pytest.approx([rate], rel=1e-4)
    (force,) = force_at_the_midpoint(np.array([3.0]), np.array([-0.05]))
    assert found.alpha(0.0) == pytest.approx(-force, rel=1e-3)
    assert found.rate(0.3) == pytest.approx(rate, rel=1e-4)
    assert found.smallest == found.frozen == pytest.approx(rate / 2, rel=1e-4)


def test_the_rates_are_the_roots_and_the_drive_is_that_of_the_flow():
    eigenvalues, slopes, offsets = [0.3, 1.0, 4.0], [0.7, -0.4, 0.5, 0.9, 0.2], [-0.1, 0.05, -0.2]
    found = decay(eigenvalues, slopes, offsets)
    t, spectrum = np.array(slopes), np.array([*eigenvalues, 0.0, 0.0])
    assert [(t**2 / (spectrum - rate)).sum() for rate in found.rates] == pytest.approx([0, 0, 0], abs=1e-2)
    assert found.rates[0] < 0.3 < found.rates[1] < 1.0
    force = force_at_the_midpoint(spectrum, np.array([*offsets, 0.0, 0.0]))
    inside = np.eye(5) - np.outer(t, t) / (t @ t)
    flow = solve_ivp(lambda _, z: -inside @ (force + spectrum * z), (0, 3), np.zeros(5), rtol=1e-9, atol=1e-12)
    assert found.alpha(3.0) == pytest.approx(-t @ (force + spectrum * flow.y[:, -1]), rel=2e-3)


def test_the_frozen_rate_is_that_of_the_time_when_it_is_as_fast_as_the_turning():
    found = DriveDecay(np.array([0.1, 1.0]), np.array([0.02, 0.5]), np.inf)
    time = found.freezing
    assert 2 * found.alpha(time) == pytest.approx(found.rate(time) ** 2)
    assert 0.1 < found.rate(time) < 1.0
    assert found.smallest == pytest.approx(0.05)
    assert DriveDecay(np.array([0.1]), np.array([0.02]), 0.03).smallest == 0.03


def test_a_drive_that_is_none_is_undecided():
    with pytest.raises(Undecided, match="no drive"):
        DriveDecay(np.array([0.1]), np.array([-0.02]), np.inf).frozen  # noqa: B018


def test_below_the_edge_and_where_outputs_have_no_derivative_nothing_decays():
    """Wrong programs: one that has no sharpness to hold, and one that counts −1 modes and divides by nothing."""
    module = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 1, bias=False)).double()
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(6, 3, generator=generator).double(), torch.randn(6, 1, generator=generator).double()
    nn.utils.vector_to_parameters(torch.zeros(16).double(), module.parameters())
    top = float(torch.linalg.norm(inputs.T @ targets) / 6)  # of ∇²L at 0, where J = 0
    with pytest.raises(Undecided, match="does not decay"):
        drive_decay(module, half_squared_error, inputs, targets, eta=2 / top)
    with pytest.raises(Undecided, match=r"at 0\.5 of 2/eta"):
        drive_decay(module, half_squared_error, inputs, targets, eta=1 / top)


def test_the_jacobian_of_a_network_in_training_mode_that_counts_its_batches():
    """Wrong programs: torch.func's Jacobian, which batch normalization cannot count under; one of evaluation mode."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Linear(4, 2)).double()
    inputs, kept = torch.randn(6, 3).double(), copy.deepcopy(module.state_dict())
    loss = exact_loss(module, half_squared_error, inputs, torch.zeros(6, 2).double())
    found = jacobian_at(loss, loss.parameters)
    step = 1e-6 * torch.randn(len(loss.parameters)).double()
    sides = [loss.outputs(loss.split(loss.parameters + sign * step), inputs) for sign in (1, -1)]
    assert found @ step == pytest.approx((sides[0] - sides[1]).detach().flatten().numpy() / 2, abs=1e-12)
    assert all(torch.equal(kept[name], value) for name, value in module.state_dict().items())


def test_outputs_that_are_no_tensor_and_step_sizes_that_are_no_number_are_named():
    class Named(nn.Linear):
        def forward(self, inputs):
            return {"logits": super().forward(inputs)}

    def criterion(outputs, targets):
        return half_squared_error(outputs["logits"], targets)

    inputs, targets = torch.eye(3), torch.zeros(3, 2)
    with pytest.raises(BadInput, match="outputs are a dict: let it return one tensor"):
        drive_decay(Named(3, 2), criterion, inputs, targets, eta=3.0)
    with pytest.raises(BadInput, match="eta = 'a': must be a number"):
        drive_decay(nn.Linear(3, 2), half_squared_error, inputs, targets, eta="a")
