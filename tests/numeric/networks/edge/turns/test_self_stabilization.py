"""Coefficients against nested derivatives and a dense Hessian; the dynamics where gradient descent is known exactly."""

import numpy as np
import pytest
import torch
from torch import nn

from analysis.self_stabilization.constrained import Geometry, follow
from analysis.self_stabilization.network import Network
from analysis.self_stabilization.runs import ETA as TOY_ETA
from analysis.self_stabilization.runs import on_edge
from analysis.self_stabilization.theory import TWO_EXAMPLES
from eos_sym import BadInput, Undecided
from numeric.networks.curvature import expansion_along, gradient, hessian
from numeric.networks.edge import ConstrainedTrajectory, EdgeReader, self_stabilization
from numeric.networks.loss import FlatLoss, half_squared_error

ETA = 0.1


class Valley(nn.Module):
    """½su² + ½b(s − 25)² + cu⁴/24 + τu³/6 + ½λw² + κu⁴w/24, b = .002, as the one output of a network."""

    def __init__(self, c=0.0, tau=0.0, across=5.0, s=20.0, push=0.0):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([s, 0.01, 0.0], dtype=torch.float64))
        self.c, self.tau, self.across, self.push = c, tau, across, push

    def forward(self, inputs):
        s, u, w = self.weights
        valley = s * u**2 / 2 + 0.001 * (s - 25) ** 2 + self.c * u**4 / 24 + self.tau * u**3 / 6
        return inputs * (valley + self.across * w**2 / 2 + self.push * u**4 * w / 24)


def arguments(valley):
    return valley, lambda outputs, targets: outputs.mean(), torch.ones(1, 1).double(), torch.zeros(1, 1).double()


def told_of(steps=60, kick=0.5, **of_the_valley):
    return self_stabilization(*arguments(Valley(**of_the_valley)), eta=ETA, steps=steps, kick=kick)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    inputs, targets = torch.randn(8, 3).double(), torch.randn(8, 2).double()
    return FlatLoss(module, inputs, targets, half_squared_error)


def test_the_coefficients_are_those_of_nested_derivatives_and_of_a_dense_hessian(network):
    """Against a wrong stencil, and a ∇S that is not the slope of the top eigenvalue."""
    weights = network.parameters
    found = EdgeReader(network).read(weights)
    values = torch.linalg.eigvalsh(hessian(network, weights))
    assert [found.sharpness, found.second] == pytest.approx(values[[-1, -2]].tolist(), rel=1e-5)
    nested = expansion_along(network, weights, found.direction)
    assert found.sharpness_gradient.numpy() == pytest.approx(nested.third.numpy(), rel=1e-4, abs=1e-5)
    assert (found.alpha, found.beta, found.quartic) == pytest.approx(
        (nested.alpha, nested.beta, nested.quartic), rel=1e-3
    )
    along = torch.randn(len(weights), generator=torch.Generator().manual_seed(1)).double()
    tops = [float(torch.linalg.eigvalsh(hessian(network, weights + h * along))[-1]) for h in (1e-4, -1e-4)]
    assert float(found.sharpness_gradient @ along) == pytest.approx((tops[0] - tops[1]) / 2e-4, rel=1e-3)


def test_single_precision_is_refused():
    single = FlatLoss(nn.Linear(2, 1), torch.ones(2, 2), torch.ones(2, 1), half_squared_error)
    with pytest.raises(BadInput, match="double"):
        EdgeReader(single)


@pytest.mark.parametrize("seed", range(4))
def test_a_loss_that_is_linear_in_the_outputs_has_no_edge_to_be_projected_onto(seed):
    """Its Hessian is that of the network alone, of low rank. Against a way onto M through a singular matrix."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    inputs, targets = torch.randn(8, 3).double(), torch.randn(8, 2).double()
    with pytest.raises(Undecided, match=r"no way onto M|does not settle"):
        self_stabilization(module, lambda outputs, _: outputs.mean(), inputs, targets, eta=0.3, steps=10)


def test_the_constrained_trajectory_of_a_network_is_that_of_its_formula():
    """Against a projection that is not on M, or along something else than its normals; the other is a nearest point."""
    geometry, loss = Geometry(TWO_EXAMPLES, {"mu": np.array([1e-4])}, TOY_ETA), Network(1e-4).loss
    point, _ = on_edge(geometry, 1)
    dense = follow(geometry, point, np.zeros_like(point), 40)
    trajectory = ConstrainedTrajectory(loss, torch.from_numpy(point[0]), TOY_ETA)
    for _ in range(40):
        trajectory.advance()
    start, end = dense.constrained.values[0, [0, -1]]
    assert np.linalg.norm(trajectory.here.weights.numpy() - end) < 1e-2 * np.linalg.norm(end - start)
    values, vectors = torch.linalg.eigh(hessian(loss, trajectory.here.weights))
    assert float(values[-1]) == pytest.approx(2 / TOY_ETA, rel=1e-4)
    assert float(vectors[:, -1] @ gradient(loss, trajectory.here.weights)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("valley", "exact"),
    [
        ({}, ("cubic", "quartic", "complete")),
        ({"c": -10.0}, ("quartic", "complete")),
        ({"c": -10.0, "tau": 3.0}, ("complete",)),
    ],
)
def test_where_nothing_else_is_neglected_the_prediction_is_gradient_descent(valley, exact):
    """Against any wrong factor in the dynamics: what an order has not, and no more, tells it from gradient descent."""
    errors = told_of(**valley).error.max("step")
    for order in errors.order.values:
        assert (errors.sel(order=order) < 1e-3) == (order in exact)


def test_coefficients_and_sharpness_of_the_valley_are_those_by_hand():
    told = told_of(steps=40)
    alpha = 0.002 * (25 - 20)
    assert told.alpha.values == pytest.approx(alpha, rel=1e-4)
    assert (told.beta[0], told.delta[0], told.epsilon[0]) == pytest.approx(
        (1, (2 * alpha) ** 0.5, 0.1 * alpha**0.5), rel=1e-4
    )
    read = told.isel(step=told.sharpness.notnull() & told.predicted_sharpness.notnull().all("order"))
    assert read.sizes["step"] == 13
    assert read.sharpness.values == pytest.approx(read.predicted_sharpness.sel(order="cubic").values, rel=1e-4)
    assert told.loss.values == pytest.approx(told.predicted_loss.sel(order="cubic").values, abs=0.1 * alpha)


def test_a_second_eigenvalue_at_the_edge_is_said_from_the_first_step_on():
    told = told_of(steps=3, across=19.99)
    assert told.failing.values.tolist() == ["crowding"] * 3
    assert told.failing_from.values.tolist() == [0] * 3


def test_the_push_beyond_the_cubic_expansion_is_that_by_hand():
    """κx⁴/24 over ½δ², in the even gradient: against a measure of another part of it, or of another size."""
    told = told_of(steps=2, push=500.0)
    x, delta = told.predicted_x.sel(order="complete"), told.delta
    expected = 500 * x**4 / 24 / (delta**2 / 2)
    assert told.reach.sel(assumption="cubic").values == pytest.approx(expected.values, rel=1e-2)


def test_what_a_push_along_a_flat_direction_adds_up_to_is_that_by_hand_and_the_error_of_the_prediction():
    """Σ ηκx⁴/24: against a measure that forgets, that has what is along u besides, or the wrong sign or size."""
    told = told_of(steps=100, push=120.0, across=0.0).sel(order="complete")
    added = np.concatenate([[0], np.cumsum(ETA * 120 * told.predicted_x.values[:-1] ** 4 / 24)])
    strayed = told.reach.sel(assumption="strayed").values
    assert strayed == pytest.approx(added / told.delta.values, rel=2e-2, abs=1e-4)
    assert strayed[-20:] == pytest.approx(told.error.values[-20:], rel=0.2)


def test_a_quartic_term_is_a_failing_assumption_of_the_cubic_order_alone():
    told = told_of(steps=3, c=-60.0)
    assert told.failing.values.tolist() == ["quartic", "none", "none"]


def test_where_the_sharpness_does_not_rise_there_is_nothing_to_follow():
    with pytest.raises(Undecided, match="does not rise"):
        told_of(s=26.0)
