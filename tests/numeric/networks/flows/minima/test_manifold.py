import numpy as np
import pytest
import torch
from torch import nn

from eos_sym import Undecided
from numeric.networks.curvature import hessian
from numeric.networks.flows.minima import nearest_minimum
from numeric.networks.flows.minima.manifold import gauss_newton_at
from numeric.networks.loss import FlatLoss, cross_entropy, half_squared_error
from tests.numeric.networks.flows.minima.networks import network


def log_cosh(outputs, targets):
    return (outputs - targets).cosh().log().sum() / len(outputs)


@pytest.mark.parametrize("criterion", [half_squared_error, log_cosh, nn.MSELoss()])
def test_at_a_minimum_curvature_and_tangent_space_are_those_of_the_dense_hessian(criterion):
    """Caught: a normalization of the criterion left out, the range in place of the kernel."""
    loss = network()
    loss = FlatLoss(loss.module, loss.inputs, loss.targets, criterion)
    at = nearest_minimum(loss, loss.parameters)
    values, vectors = torch.linalg.eigh(hessian(loss, at.weights))
    np.testing.assert_allclose(at.eigenvalues, values.flip(0)[: len(at.eigenvalues)], rtol=1e-9)
    flat = vectors[:, : -len(loss.inputs)]
    assert len(at.eigenvalues) == len(loss.inputs)
    vector = torch.randn(len(values), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(at.tangential(vector), flat @ (flat.T @ vector), atol=1e-7)


def test_the_way_onto_the_minima_is_the_shortest_but_for_its_second_order():
    """From s beside a minimum along a normal it leads back to within O(s²). Caught: a step that slides along Γ."""
    loss = network()
    minimum = nearest_minimum(loss, loss.parameters)
    normal = minimum.eigenvectors.sum(1)
    missed = [
        float((nearest_minimum(loss, minimum.weights + s * normal).weights - minimum.weights).norm())
        for s in (0.02, 0.01)
    ]
    assert np.log2(missed[0] / missed[1]) == pytest.approx(2, abs=0.1)
    assert float(loss(nearest_minimum(loss, minimum.weights + 0.02 * normal).weights)) < 1e-24


def test_the_excess_of_a_squared_error_is_the_loss():
    loss = network()
    assert gauss_newton_at(loss, loss.parameters).excess == pytest.approx(float(loss(loss.parameters)), rel=1e-12)


def test_a_criterion_without_a_minimum_has_no_manifold():
    """The cross-entropy of classes falls for ever."""
    loss = network()
    module = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    classes = torch.eye(2, dtype=torch.float64)[[0, 1, 0, 1]]
    separable = FlatLoss(module, loss.inputs, classes, cross_entropy)
    with pytest.raises(Undecided):
        nearest_minimum(separable, separable.parameters)


def test_a_network_that_cannot_fit_its_examples_has_no_manifold():
    """Caught: least squares that ends where the residuals are only orthogonal to what the weights can do."""
    loss = network(hidden=1, examples=30)
    with pytest.raises(Undecided, match=r"isolated|no minimum"):
        nearest_minimum(loss, loss.parameters)
    big = network(hidden=2, examples=3)
    twice = FlatLoss(big.module, big.inputs[[0, 0, 1]], big.targets, half_squared_error)  # one input, two targets
    with pytest.raises(Undecided, match="no minimum is found"):
        nearest_minimum(twice, twice.parameters)


def test_an_isolated_minimum_has_nothing_to_move_along():
    linear = nn.Linear(2, 1, bias=False).double()
    loss = FlatLoss(
        linear, torch.eye(2, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64), half_squared_error
    )
    with pytest.raises(Undecided, match="isolated"):
        nearest_minimum(loss, loss.parameters)
