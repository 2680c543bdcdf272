"""Products of the Gauss–Newton matrix against JᵀKJ and against the Fisher matrix, both written out with torch.func."""

import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks import FlatLoss, cross_entropy, gradient, half_squared_error, hessian
from numeric.networks.curvature import GaussNewtonAt
from numeric.networks.curvature.gauss_newton import GAUSS_NEWTON_PRODUCT
from numeric.networks.curvature.products import GRADIENT_WITH_GRAPH

EXAMPLES, OUTPUTS = 20, 3


def loss_of(criterion, micro_batch=None, dtype=torch.float64):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, OUTPUTS)).to(dtype)
    targets = torch.randn(EXAMPLES, OUTPUTS).to(dtype).softmax(1)
    return FlatLoss(network, torch.randn(EXAMPLES, 5).to(dtype), targets, criterion, micro_batch)


def dense(matrix, theta):
    return matrix.product(torch.eye(len(theta)).to(theta))


def jacobian(loss, theta):
    def outputs(at):
        return loss.outputs(loss.split(at), loss.inputs)

    return torch.func.jacrev(outputs)(theta), outputs(theta)


@pytest.mark.parametrize("micro_batch", [None, 7])
@pytest.mark.parametrize("criterion", [half_squared_error, cross_entropy])
def test_products_with_the_identity_are_the_matrix_of_the_jacobian(criterion, micro_batch):
    """Caught: the share of a micro-batch left out, the point of the module in place of θ, the Hessian."""
    loss = loss_of(criterion, micro_batch)
    theta = loss.parameters + 0.1
    j, outputs = jacobian(loss, theta)
    k = torch.func.jacrev(torch.func.grad(lambda at: criterion(at, loss.targets)))(outputs).reshape(
        2 * (outputs.numel(),)
    )
    flat = j.reshape(-1, len(theta))
    at = GaussNewtonAt(loss, theta)
    torch.testing.assert_close(dense(at, theta), flat.T @ k @ flat, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(at.gradient, gradient(loss, theta), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(at.value, loss(theta).detach(), rtol=1e-14, atol=0)
    assert not torch.allclose(dense(at, theta), hessian(loss, theta), atol=1e-3)


def test_of_cross_entropy_it_is_the_fisher_matrix_and_not_the_empirical_one():
    """Labels from the model, all classes by their probabilities; the empirical one has those of the data."""
    loss = loss_of(cross_entropy)
    theta = loss.parameters
    j, outputs = jacobian(loss, theta)
    probabilities = outputs.softmax(1)
    scores = torch.eye(OUTPUTS).to(theta) - probabilities[:, None]  # ∇_f log p(y), (n, y, f)
    by_weights = torch.einsum("nyf,nfp->nyp", scores, j)
    fisher = torch.einsum("ny,nyp,nyq->pq", probabilities, by_weights, by_weights) / EXAMPLES
    found = dense(GaussNewtonAt(loss, theta), theta)
    torch.testing.assert_close(found, fisher, rtol=1e-12, atol=1e-14)
    own = torch.einsum("ny,nyp->np", loss.targets, by_weights)
    assert not torch.allclose(found, own.T @ own / EXAMPLES, atol=1e-3)


def test_where_the_residuals_vanish_it_is_the_hessian():
    loss = loss_of(half_squared_error)
    theta = loss.parameters
    fitted = FlatLoss(loss.module, loss.inputs, loss.module(loss.inputs).detach(), half_squared_error)
    torch.testing.assert_close(dense(GaussNewtonAt(fitted, theta), theta), hessian(fitted, theta), atol=1e-14, rtol=0)


def test_its_products_cost_less_than_the_hessian_s():
    loss = loss_of(half_squared_error)
    at = GaussNewtonAt(loss, loss.parameters)
    at.product(torch.randn(len(loss.parameters), 2).double())
    assert at.evaluations == GRADIENT_WITH_GRAPH + 2 * GAUSS_NEWTON_PRODUCT


def test_repeated_in_float64_says_what_float32_rounds():
    loss = loss_of(cross_entropy, dtype=torch.float32)
    one, other = GaussNewtonAt(loss, loss.parameters).repeated(torch.randn(len(loss.parameters), 2))
    assert other.dtype == torch.float64
    assert 1e-9 < float((one - other).norm() / other.norm()) < 1e-5


def linear(outputs, targets):
    return (outputs * targets).sum() / len(outputs)


def test_a_criterion_that_is_linear_has_none():
    loss = loss_of(linear)
    assert not dense(GaussNewtonAt(loss, loss.parameters), loss.parameters).any()


class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, inputs):
        return self.layer(inputs), inputs


def test_outputs_that_are_no_tensor_are_refused():
    loss = FlatLoss(Several(), torch.ones(3, 2), torch.ones(3, 1), lambda out, targets: (out[0] - targets).mean())
    with pytest.raises(BadInput, match="return one tensor"):
        GaussNewtonAt(loss, loss.parameters).product(torch.ones(3, 1))
