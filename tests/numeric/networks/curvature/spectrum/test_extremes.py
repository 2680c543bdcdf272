"""Both ends of the spectrum, and blocks of it, against the eigenvalues of dense matrices, one a network's Hessian."""

import numpy as np
import pytest
import torch
from torch import nn

from numeric.networks import FlatLoss, cross_entropy, hessian
from numeric.networks.curvature import GaussNewtonAt, HessianAt, Preconditioned
from numeric.networks.curvature.spectrum import (
    Block,
    XTrace,
    blocks,
    extreme_eigenvalues,
    layer,
    parameter_places,
    spectral_density,
    spectral_measure,
)
from tests.numeric.networks.curvature.matrices import spectrum


@pytest.fixture(scope="module")
def network():
    """A loss in micro-batches, and a point that is not the module's."""
    torch.manual_seed(2)
    module = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    loss = FlatLoss(
        module, torch.randn(30, 4).double(), torch.randn(30, 3).double().softmax(1), cross_entropy, micro_batch=11
    )
    return loss, loss.parameters * 1.5


def dense(operator, theta):
    return operator.product(torch.eye(len(theta)).to(theta)).numpy()


@pytest.mark.parametrize(
    "values",
    [
        np.r_[9.0, 7.0, np.linspace(-2, 3, 60)],
        np.r_[-9.0, -7.0, np.linspace(-3, -1, 60)],
        np.r_[5.0, 4.0, np.zeros(60)],
        np.zeros(10),
        [2.0, -1.0],
    ],
    ids=["indefinite", "negative", "deficient", "zero", "small"],
)
def test_both_ends_are_found_within_their_bounds(values):
    """Caught: the largest in size for the largest; a tolerance relative to a least eigenvalue of zero."""
    found = extreme_eigenvalues(spectrum(np.array(values)), torch.ones(len(values), dtype=torch.float64), count=2)
    ordered = np.sort(values)
    np.testing.assert_array_less(np.abs(found.eigenvalue.sel(end="largest") - ordered[::-1][:2]), found.bound[0] + 1e-9)
    np.testing.assert_array_less(np.abs(found.eigenvalue.sel(end="least") - ordered[:2]), found.bound[1] + 1e-9)
    spread = float(ordered[-1] - ordered[0])
    assert float(found.bound.max()) <= 1e-3 * max(spread, np.abs(ordered).max()) * (1 + 1e-9)


def test_one_dimension_has_one_eigenvalue_at_both_ends():
    found = extreme_eigenvalues(spectrum(np.array([-3.0])), torch.ones(1, dtype=torch.float64))
    np.testing.assert_allclose(found.eigenvalue, [[-3.0], [-3.0]], atol=1e-9)


def test_blocks_are_those_of_the_dense_hessian_and_no_layer_s_top_exceeds_the_whole_s(network):
    """Caught: a block of the loss with the other layers frozen elsewhere, rows without their columns."""
    loss, theta = network
    matrix, groups = hessian(loss, theta).numpy(), parameter_places(loss, layer)
    found = blocks(HessianAt(loss, theta), theta, groups, relative=1e-6, products=len(theta) * 3)
    for name, places in groups.items():
        own, one = matrix[np.ix_(places, places)], found.sel(group=name)
        assert float(one.eigenvalue) == pytest.approx(np.linalg.eigvalsh(own)[-1], abs=float(one.bound) + 1e-12)
        assert float(one.block_trace) == pytest.approx(own.trace(), abs=1e-9)
        assert int(one.weights) == len(places)
    assert float(found.eigenvalue.max()) < np.linalg.eigvalsh(matrix)[-1]


def test_layers_and_parameters_are_all_of_the_weights_once(network):
    loss, theta = network
    by_layer, by_name = parameter_places(loss, layer), parameter_places(loss)
    assert [*by_layer] == ["0", "2"]
    assert [*by_name] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert torch.cat([*by_layer.values()]).tolist() == list(range(len(theta)))
    assert torch.equal(theta[by_name["2.bias"]], loss.split(theta)["2.bias"])


def made(name, loss, theta):
    inverse = torch.linspace(0.5, 2, len(theta), dtype=torch.float64)
    h = HessianAt(loss, theta)
    return {
        "Hessian": h,
        "Gauss-Newton": GaussNewtonAt(loss, theta),
        "preconditioned": Preconditioned(h, inverse),
        "a block": Block(h, torch.arange(5, 40), len(theta)),
    }[name]


@pytest.mark.parametrize("name", ["Hessian", "Gauss-Newton", "preconditioned", "a block"])
def test_every_functional_takes_every_matrix(name, network):
    """Of a network in micro-batches, against the dense matrix."""
    loss, theta = network
    operator = made(name, loss, theta)
    weights = theta[5:40] if name == "a block" else theta
    matrix = dense(operator, weights)
    values, vectors = np.linalg.eigh(matrix)
    ends = extreme_eigenvalues(operator, weights, relative=1e-6)
    np.testing.assert_allclose(ends.eigenvalue[:, 0], values[[-1, 0]], atol=1e-6 * (values[-1] - values[0]))
    exact = XTrace(operator, weights, 2 * len(weights))
    assert float(exact.traces().trace) == pytest.approx(values.sum(), rel=1e-9)
    assert float(exact.traces().square) == pytest.approx((values**2).sum(), rel=1e-9)
    np.testing.assert_allclose(exact.diagonal().diagonal, matrix.diagonal(), atol=1e-10)
    measure = spectral_measure(operator, weights, 12)
    squares = (vectors.T @ weights.numpy()) ** 2
    assert measure.rule.integral(lambda x: x**9) == pytest.approx(squares @ values**9, rel=1e-9)
    lower, upper = measure.mass_below(0.1)
    assert lower - 1e-9 <= squares[values <= 0.1].sum() <= upper + 1e-9
    density = spectral_density(operator, weights, width=1.0, probes=40, products=2)
    means = (density.nodes * density.weights).sum("node")
    assert abs(float(means.mean()) - values.mean()) < 5 * float(means.std(ddof=1)) / 40**0.5


def test_the_trace_of_the_preconditioned_is_that_of_the_product_with_the_inverse(network):
    """Not symmetric, P⁻¹H has the trace and the diagonal of its symmetric form."""
    loss, theta = network
    inverse = torch.linspace(0.5, 2, len(theta), dtype=torch.float64)
    found = XTrace(Preconditioned(HessianAt(loss, theta), inverse), theta, 2 * len(theta))
    product = (inverse[:, None] * hessian(loss, theta)).numpy()
    assert float(found.traces().trace) == pytest.approx(product.trace(), rel=1e-9)
    assert float(found.traces().square) == pytest.approx((product @ product).trace(), rel=1e-9)
    np.testing.assert_allclose(found.diagonal().diagonal, product.diagonal(), atol=1e-10)
