"""The loss on the directions of a model, and the linearized network on them, against derivatives of the whole."""

import numpy as np
import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks.forecast.anchor import anchor
from numeric.networks.forecast.beside.linearized_network import LinearizedNetwork
from numeric.networks.forecast.beside.restricted_loss import RestrictedLoss
from numeric.networks.loss import FlatLoss, cross_entropy, half_squared_error

X, Z = np.array([0.02, -0.01]), np.array([0.03, 0.01, -0.02])


def network(hidden, criterion, micro_batch=None):
    """Ten examples of three classes in four dimensions."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(10, 4, dtype=torch.float64, generator=generator)
    targets = nn.functional.one_hot(torch.arange(10) % 3).double()
    torch.manual_seed(0)
    layers = [nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)] if hidden else [nn.Linear(4, 3)]
    return FlatLoss(nn.Sequential(*layers).double(), inputs, targets, criterion, micro_batch)


def placed(kind, loss):
    """The model of this kind, with two modes and three directions across them."""
    point = anchor(loss, 0.3, modes=2)
    drawn = torch.randn(len(point.weights), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return kind(point, torch.linalg.qr(point.across(drawn)).Q)


@pytest.mark.parametrize("criterion", [half_squared_error, cross_entropy])
def test_the_restricted_loss_is_the_loss(criterion):
    model = placed(RestrictedLoss, network(True, criterion))
    weights = model.anchor.weights + model.basis @ torch.from_numpy(np.concatenate([X, Z]))
    loss, basis = model.anchor.loss, model.basis
    assert model.potential(X, Z) == pytest.approx(float(loss(weights)) - model.anchor.value)
    gradient = basis.T @ torch.autograd.functional.jacobian(loss, weights)
    hessian = basis.T @ torch.autograd.functional.hessian(loss, weights) @ basis
    assert np.concatenate(model.gradient(X, Z)) == pytest.approx(gradient.numpy())
    assert model.hessian(X, Z) == pytest.approx(hessian.numpy())
    points = np.stack([X, 2 * X]), np.stack([Z, 0 * Z])
    top = np.linalg.eigvalsh(model.hessian(*points))[:, -1]
    assert model.sharpness(*points) == pytest.approx(top, rel=1e-3)


@pytest.mark.parametrize("criterion", [half_squared_error, cross_entropy])
@pytest.mark.parametrize("micro_batch", [None, 4])
def test_a_linear_network_linearized_is_itself(criterion, micro_batch):
    linear = placed(LinearizedNetwork, network(False, criterion, micro_batch))
    true = RestrictedLoss(linear.anchor, linear.directions)
    many = np.stack([X, -3 * X]), np.stack([Z, 5 * Z])
    assert linear.potential(*many) == pytest.approx(true.potential(*many))
    assert linear.hessian(*many) == pytest.approx(true.hessian(*many), abs=1e-12)
    for found, expected in zip(linear.gradient(*many), true.gradient(*many), strict=True):
        assert found == pytest.approx(expected, abs=1e-12)


def test_the_linearized_network_misses_second_order_of_the_outputs_alone():
    loss = network(True, half_squared_error)
    linear = placed(LinearizedNetwork, loss)
    true = RestrictedLoss(linear.anchor, linear.directions)
    off = [float(linear.potential(s * X, s * Z) - true.potential(s * X, s * Z)) for s in (0.1, 0.05)]
    assert off[0] / off[1] == pytest.approx(4, rel=0.05)  # ½ residual · ∇²f (Y y)²
    at_zero = np.concatenate(linear.gradient(0 * X, 0 * Z))
    assert at_zero == pytest.approx(np.concatenate(true.gradient(0 * X, 0 * Z)))


def test_an_output_that_is_no_tensor_is_refused():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 3).double()

        def forward(self, inputs):
            return self.inner(inputs), inputs

    def first(outputs, targets):
        return half_squared_error(outputs[0], targets)

    loss = network(False, half_squared_error)
    two = placed(LinearizedNetwork, FlatLoss(Two(), loss.inputs, loss.targets, first))
    with pytest.raises(BadInput, match="one tensor"):
        two.potential(X, Z)
