"""The expansion of what the loss is applied to: its derivatives, what it finds again, and what it foretells."""

import numpy as np
import pytest
import torch
from torch import nn

from numeric.networks.forecast import CutExpansion, LossExpansion, first_peak, forecast
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.cut_expansion.cut import find_cut
from numeric.networks.forecast.cut_expansion.fit import CutFit
from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent
from tests.numeric.networks.forecast.test_forecast import before_the_spike, examples

ETA, AFTER = 0.3, 61


class Polynomial(nn.Module):
    """Outputs that are known polynomials of four weights; the loss is their softmax's."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.3, -0.2, 0.5, 0.1], dtype=torch.float64))

    def forward(self, inputs):
        x, y, z, v = self.w
        return inputs * torch.stack([x**3 - x * y + 2 * z * x**2, z * v + y**2 * z, x**4 + v + z**2])


@pytest.fixture(scope="module")
def planted():
    inputs, labels = torch.tensor([[1.0, 0.5, -1.0], [0.2, 1.0, 0.7]], dtype=torch.float64), torch.tensor([0, 2])
    loss = FlatLoss(Polynomial(), inputs, labels, nn.CrossEntropyLoss())
    weights = loss.parameters
    value, gradient = loss.value_and_gradient(weights)
    edge = torch.eye(4, dtype=torch.float64)[:, :2]
    rule = GradientDescent(0.1)
    anchor = Anchor(loss, weights, 0 * weights, float(value), gradient, edge, edge, np.ones(3), rule, 0 * weights)
    fit = CutFit(anchor, find_cut(loss), 0.4)
    fit.add(torch.eye(4, dtype=torch.float64)[:, 2:])
    return anchor, fit


def test_a_loss_of_polynomials_is_found_again_exactly(planted):
    anchor, fit = planted
    model = fit.model(quadratic=2)
    x, z = np.array([0.1, -0.25]), np.array([0.2, -0.1])
    moved = anchor.weights + torch.tensor([*x, *z])
    value, gradient = anchor.loss.value_and_gradient(moved)
    # with every term of degree 6 in x, of degree 2 in x times z, and z z, there is nothing else in these outputs
    assert model.potential(x, z) == pytest.approx(float(value) - anchor.value, rel=1e-6)
    assert np.concatenate(model.gradient(x, z)) == pytest.approx(gradient.numpy(), rel=1e-5)
    hessian = torch.autograd.functional.hessian(anchor.loss, moved).numpy()
    assert model.hessian(x, z) == pytest.approx(hessian, rel=1e-4, abs=1e-6)


def test_what_is_linear_before_the_head_is_exact_by_one_pass_a_direction():
    """Wrong programs: one that takes the passes of a bent one, and one that finds every network linear."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    inputs, labels = torch.randn(6, 5, dtype=torch.float64), torch.arange(6) % 3
    loss = FlatLoss(module, inputs, labels, nn.CrossEntropyLoss())
    weights = loss.parameters
    value, gradient = loss.value_and_gradient(weights)
    basis = torch.linalg.qr(torch.randn(len(weights), 6, dtype=torch.float64))[0]
    edge, rule = basis[:, :1], GradientDescent(0.1)
    anchor = Anchor(loss, weights, 0 * weights, float(value), gradient, edge, edge, np.ones(2), rule, 0 * weights)
    fit = CutFit(anchor, find_cut(loss), 0.4)
    before = anchor.cost.evaluations
    fit.add(basis[:, 1:])
    fit.extend_to(1.0)
    assert anchor.cost.evaluations - before == pytest.approx(5 / 3)
    x, z = np.array([0.7]), np.array([0.4, -0.3, 0.5, 0.1, -0.6])
    moved = weights + basis @ torch.tensor([*x, *z])
    value, gradient = loss.value_and_gradient(moved)
    for model in (fit.model(), fit.model(quadratic=3)):
        assert model.potential(x, z) == pytest.approx(float(value) - anchor.value, rel=1e-8)
        assert np.concatenate(model.gradient(x, z)) == pytest.approx((basis.T @ gradient).numpy(), rel=1e-7)
    module.insert(0, nn.Linear(5, 5).double())
    deep = FlatLoss(module, inputs, labels, nn.CrossEntropyLoss())
    value, gradient = deep.value_and_gradient(deep.parameters)
    edge = torch.linalg.qr(torch.randn(len(gradient), 1, dtype=torch.float64))[0]
    there = Anchor(
        deep, deep.parameters, 0 * gradient, float(value), gradient, edge, edge, np.ones(2), rule, 0 * gradient
    )
    assert fit.model().affine
    assert not CutFit(there, find_cut(deep), 0.4).model().affine


def test_eigenvectors_at_the_edge_that_are_too_many_for_lines_are_followed():
    """Wrong program: one that leaves the fourth and fifth out, or says that it has."""
    scales = torch.tensor([1.2, 1.15, 1.1, 1.05, 1.0, 0.6, 0.3], dtype=torch.float64).sqrt()
    module = nn.Linear(7, 1, bias=False).double()
    torch.manual_seed(0)
    nn.init.normal_(module.weight)
    inputs, targets = torch.diag(scales), torch.zeros(7, 1, dtype=torch.float64)
    eta = 2 * 7  # half a mean of seven squares
    found = forecast(module, nn.MSELoss(), inputs, targets, eta=eta / 2, steps=6, expansion="cut")
    assert found.anchor.modes == 3
    assert found.trust.measured["left_out"] == pytest.approx(0.6, rel=1e-6)
    weights, path = module.weight.detach().clone(), []
    for _ in range(7):
        path.append(float(nn.functional.mse_loss(inputs @ weights.T, targets)))
        weights = weights - eta / 2 * 2 / 7 * (weights * scales**2)
    assert found.data.loss.values == pytest.approx(path[1:], rel=1e-6)


def test_turned_directions_are_the_same_model(planted):
    anchor, _ = planted
    fit = CutFit(anchor, find_cut(anchor.loss), 0.4)
    fit.add(torch.eye(4, dtype=torch.float64)[:, 2:])
    before = fit.model(2)
    path = np.array([[0.0, 0.0], [0.1, 0.2], [0.05, 0.3]])
    fit.turn(path)
    after = fit.model(2)
    x, z = np.array([0.1, -0.25]), np.array([0.2, -0.1])
    turned = z @ fit.directions[2:].numpy()
    assert after.potential(x, turned) == pytest.approx(before.potential(x, z), rel=1e-7)
    assert np.square(path @ fit.directions[2:].numpy()).sum(0)[0] > 0.9 * np.square(path).sum()


def test_many_points_at_once_are_each_by_itself(planted):
    _, fit = planted
    model = fit.model(2)
    x, z = np.random.default_rng(0).normal(size=(2, 3, 2)) / 10
    assert model.potential(x, z)[0] == pytest.approx(float(model.potential(x[0], z[0])))
    assert model.gradient(x, z)[1][1] == pytest.approx(model.gradient(x[1], z[1])[1])
    assert model.hessian(x, z)[2] == pytest.approx(model.hessian(x[2], z[2]))


@pytest.fixture(scope="module")
def at_the_edge():
    """A network with cross-entropy before its first spike, its data, and the weights that it takes from there on."""
    inputs, targets = examples()
    labels = targets.argmax(1)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(16, 14), nn.SiLU(), nn.Linear(14, 14), nn.SiLU(), nn.Linear(14, 3)).double()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=ETA)
    path = []
    for _ in range(600):
        path.append(nn.utils.parameters_to_vector(module.parameters()).detach())
        optimizer.zero_grad()
        criterion(module(inputs), labels).backward()
        optimizer.step()
    step = before_the_spike(torch.stack(path))
    nn.utils.vector_to_parameters(path[step], module.parameters())
    return module, criterion, inputs, labels, torch.stack(path[step : step + AFTER + 1])


def test_the_spike_of_a_network_with_cross_entropy_is_foretold(at_the_edge):
    module, criterion, inputs, labels, path = at_the_edge
    found = forecast(module, criterion, inputs, labels, eta=ETA, steps=60)
    assert isinstance(found.expansion, CutExpansion)  # the expansion of the loss is not to be trusted here
    assert found.trust.trusted
    size = ((2 * path[1:-1] - path[:-2] - path[2:]) / 4 @ found.anchor.edge).norm(dim=1).numpy()
    assert size[0] < 0.01 * size.max()
    assert found.peak.step == first_peak(size).step
    assert found.peak.height == pytest.approx(first_peak(size).height, rel=0.02)
    midpoints = ((path[:-2] + 2 * path[1:-1] + path[2:]) / 4)[::6]
    hessian = torch.autograd.functional.hessian
    sharpness = [float(torch.linalg.eigvalsh(hessian(found.anchor.loss, one))[-1]) for one in midpoints]
    assert np.corrcoef(found.data.sharpness[::6], sharpness)[0, 1] > 0.99
    loss = np.array([float(found.anchor.loss(one)) for one in path[1:-1]])
    # of the spike's loss: of the tenth of it that is left afterwards the error is 11 %
    assert found.data.loss.values == pytest.approx(loss, abs=0.05 * loss.max())
    other = forecast(module, criterion, inputs, labels, eta=ETA, steps=60, expansion="loss")
    assert isinstance(other.expansion, LossExpansion)
    assert not other.trust.trusted
