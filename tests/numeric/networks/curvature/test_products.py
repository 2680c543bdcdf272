"""Products of the Hessian against the dense Hessian, and what they are said to cost."""

import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks import FlatLoss, gradient, half_squared_error, hessian
from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.products import GRADIENT_WITH_GRAPH, PRODUCT


def loss_in_batches(micro_batch):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    inputs, targets = torch.randn(20, 5).double(), torch.randn(20, 3).double()
    return FlatLoss(network, inputs, targets, half_squared_error, micro_batch)


@pytest.mark.parametrize("micro_batch", [None, 7, 20])
def test_products_with_the_identity_are_the_dense_hessian(micro_batch):
    loss = loss_in_batches(micro_batch)
    theta = loss.parameters
    at = HessianAt(loss, theta)
    torch.testing.assert_close(at.product(torch.eye(len(theta)).double()), hessian(loss, theta), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(at.gradient, gradient(loss, theta), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(at.value, loss(theta).detach(), rtol=1e-14, atol=0)


def test_the_point_is_not_that_of_the_module():
    loss = loss_in_batches(None)
    theta = loss.parameters + 0.5
    v = torch.randn(len(theta), 1).double()
    torch.testing.assert_close(HessianAt(loss, theta).product(v), hessian(loss, theta) @ v, rtol=1e-12, atol=1e-14)


def test_the_gradient_is_paid_once_and_every_product_by_itself():
    loss = loss_in_batches(None)
    at = HessianAt(loss, loss.parameters)
    assert at.evaluations == 0
    block = torch.randn(len(loss.parameters), 2).double()
    at.product(block)
    at.product(block)
    assert at.evaluations == GRADIENT_WITH_GRAPH + 4 * PRODUCT


def test_in_micro_batches_every_call_pays_the_gradients_again():
    loss = loss_in_batches(7)
    at = HessianAt(loss, loss.parameters)
    block = torch.randn(len(loss.parameters), 2).double()
    at.product(block)
    first = at.evaluations
    at.product(block)
    assert at.evaluations - first == GRADIENT_WITH_GRAPH + 2 * PRODUCT


def test_a_freed_graph_is_built_again():
    loss = loss_in_batches(None)
    at = HessianAt(loss, loss.parameters)
    block = torch.randn(len(loss.parameters), 1).double()
    before = at.product(block)
    at.free()
    assert torch.equal(at.product(block), before)
    assert at.evaluations == 2 * (GRADIENT_WITH_GRAPH + PRODUCT)


def test_a_linear_loss_has_no_curvature():
    loss = FlatLoss(
        nn.Linear(2, 1).double(), torch.ones(3, 2).double(), torch.ones(3, 1).double(), lambda f, y: f.mean()
    )
    assert not HessianAt(loss, loss.parameters).product(torch.eye(3).double()).any()


def test_a_block_of_the_wrong_size_is_refused():
    loss = loss_in_batches(None)
    with pytest.raises(BadInput, match="must be \\(p, m\\)"):
        HessianAt(loss, loss.parameters).product(torch.zeros(3, 1).double())


def test_a_loss_that_is_not_one_number_is_refused():
    loss = FlatLoss(nn.Linear(2, 1), torch.ones(3, 2), torch.ones(3, 1), lambda f, y: f - y)
    with pytest.raises(BadInput, match="mean over examples"):
        _ = HessianAt(loss, loss.parameters).value


class Coarse(nn.Module):
    """A layer that is computed in a precision of its own."""

    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, inputs):
        return inputs.to(self.dtype).tanh().to(inputs)


@pytest.mark.parametrize(
    ("dtype", "inside"),
    [(torch.float32, torch.float32), (torch.float32, torch.bfloat16), (torch.float64, torch.float32)],
)
@pytest.mark.parametrize("examples", [20, 600])
def test_a_repeated_product_differs_by_what_rounding_does(dtype, inside, examples):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(5, 8), Coarse(inside), nn.Linear(8, 3)).to(dtype)
    inputs, targets = torch.randn(examples, 5, dtype=dtype), torch.randn(examples, 3, dtype=dtype)
    loss = FlatLoss(network, inputs, targets, half_squared_error)
    at = HessianAt(loss, loss.parameters)
    vector = torch.nn.functional.normalize(at.gradient, dim=0)[:, None]
    one, other = at.repeated(vector)
    exact_network = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    exact_network.load_state_dict(network.state_dict())
    exact = FlatLoss(exact_network, inputs.double(), targets.double(), half_squared_error)
    truth = HessianAt(exact, exact.parameters).product(vector.double())
    off = float((at.product(vector).double() - truth).norm() / truth.norm())
    measured = float((one.double() - other.double()).norm() / other.norm())
    assert 0 < off < 2 * measured + 2 * torch.finfo(dtype).eps
    assert measured < 1e3 * torch.finfo(inside).eps


def test_a_module_made_for_as_many_examples_as_there_are_is_repeated_on_all_of_them():
    class Whole(nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs.view(300, 5))

    torch.manual_seed(1)
    loss = FlatLoss(Whole(5, 3), torch.randn(300, 5), torch.randn(300, 3), half_squared_error)
    at = HessianAt(loss, loss.parameters)
    block = torch.randn(len(loss.parameters), 2)
    one, other = at.repeated(block)
    assert torch.equal(one, at.product(block))
    assert other.dtype == torch.float64
    torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-5)
