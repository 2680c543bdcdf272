"""Networks against SymPy's exact derivatives, finite differences and the compiled simulator."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from sympy import Float

from eos_sym import BadInput, GradientDescent, minimalist, product
from numeric import compile_map
from numeric.networks import DeepLinear, FlatLoss, gradient, gradient_descent, half_squared_error, hessian, sharpness
from numeric.networks.architectures import scalar_chain

ENTRIES = 1e-12  # relative, of every entry of a gradient or a Hessian


def vector(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.fixture(scope="module")
def wide():
    """A network of widths 3, 4, 2 on five examples."""
    generator = torch.Generator().manual_seed(3)
    inputs, targets = (torch.randn(5, width, generator=generator, dtype=torch.float64) for width in (3, 2))
    return FlatLoss(DeepLinear([3, 4, 2]), inputs, targets, half_squared_error)


@pytest.fixture
def point():
    return torch.randn(3 * 4 + 4 * 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def central_difference(function, at, direction):
    """The derivative along a direction, exact but for rounding where the function is a polynomial of degree ≤ 6.

    Two extrapolation steps remove the errors in h² and h⁴ of the central difference; there are no others.
    """
    rough = [(function(at + h * direction) - function(at - h * direction)) / (2 * h) for h in (1.0, 0.5, 0.25)]
    better = [(4 * fine - coarse) / 3 for coarse, fine in pairwise(rough)]
    return (16 * better[1] - better[0]) / 15


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_a_chain_of_scalars_is_the_product_loss_of_sympy(depth):
    objective = product(depth)
    chain = scalar_chain(depth)
    for weights in np.random.default_rng(depth).uniform(-2, 2, (5, depth)):
        at = {symbol: Float(weight, 40) for symbol, weight in zip(objective.weights, weights, strict=True)}
        exact = [
            np.array([float(entry.evalf(30, subs=at)) for entry in entries])
            for entries in ([objective.loss], objective.gradient, objective.hessian)
        ]
        theta = torch.tensor(weights)
        found = [chain(theta), gradient(chain, theta), hessian(chain, theta)]
        for expected, values in zip(exact, found, strict=True):
            np.testing.assert_allclose(values.numpy().reshape(-1), expected, rtol=ENTRIES, atol=0)
        top = np.linalg.eigvalsh(exact[2].reshape(depth, depth))[-1]
        assert sharpness(chain, theta) == pytest.approx(top, rel=1e-12)


def test_the_gradient_of_a_wide_network_is_the_difference_quotient_of_its_loss(wide, point):
    differences = [central_difference(wide, point, direction) for direction in torch.eye(len(point)).double()]
    torch.testing.assert_close(gradient(wide, point), torch.stack(differences), rtol=1e-10, atol=1e-12)


def test_the_hessian_of_a_wide_network_is_the_difference_quotient_of_its_gradient(wide, point):
    rows = [
        central_difference(lambda theta: gradient(wide, theta), point, direction)
        for direction in torch.eye(len(point)).double()
    ]
    matrix = hessian(wide, point)
    assert matrix.shape == (20, 20)
    torch.testing.assert_close(matrix, torch.stack(rows), rtol=1e-10, atol=1e-12)
    assert sharpness(wide, point) == pytest.approx(np.linalg.eigvalsh(torch.stack(rows).numpy())[-1], rel=1e-12)


def test_the_sharpness_is_the_algebraically_largest_eigenvalue():
    assert sharpness(lambda theta: theta[0] ** 2 / 2 - 5 * theta[1] ** 2, vector(0.3, 0.4)) == 1.0
    assert sharpness(lambda theta: -(theta[0] ** 2) - 5 * theta[1] ** 2, vector(0.3, 0.4)) == -2.0


def test_a_deep_linear_network_is_a_product_of_matrices():
    network = DeepLinear([3, 4, 2])
    first, second = (layer.weight.detach() for layer in network.layers)
    assert (first.shape, second.shape) == ((4, 3), (2, 4))
    assert first.dtype == second.dtype == torch.float64
    inputs = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    torch.testing.assert_close(network(inputs), inputs @ (second @ first).T, rtol=1e-14, atol=1e-14)


def test_the_error_is_the_mean_over_examples_of_half_the_squared_distance():
    outputs, targets = (
        torch.tensor([[1.0, 2.0], [3.0, 5.0], [0.0, 0.0]]),
        torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]]),
    )
    assert half_squared_error(outputs, targets).item() == pytest.approx((5 + 1 + 2) / 6, rel=1e-7)


def test_a_flat_loss_reads_the_parameters_in_the_order_of_the_module(wide, point):
    torch.nn.utils.vector_to_parameters(point, wide.module.parameters())
    assert torch.equal(wide.parameters, point)
    assert wide(point).item() == half_squared_error(wide.module(wide.inputs), wide.targets).item()


def test_the_parameters_of_a_flat_loss_are_a_copy():
    chain = scalar_chain(2)
    before = chain.parameters
    before += 1
    assert not torch.equal(chain.parameters, before)
    gradient(chain, vector(3.0, 4.0))
    assert torch.equal(chain.parameters + 1, before)


def test_torch_follows_the_compiled_simulator_step_for_step():
    dynamics = compile_map(GradientDescent().map(minimalist()))
    start = (2.6, 0.4, 2.5, 0.35)
    run = dynamics.run(dict(zip("xyzw", start, strict=True)), {"eta": 0.2}, steps=500, record_every=1)
    iterates = gradient_descent(scalar_chain(4), vector(*start), 0.2, 500)
    assert iterates.shape == (501, 4)
    np.testing.assert_allclose(iterates.numpy(), run.trajectory, rtol=0, atol=1e-12)


def test_gradient_descent_starts_where_it_is_told_and_leaves_the_network_at_the_end():
    chain, start = scalar_chain(3), vector(0.5, 1.5, 2.0)
    iterates = gradient_descent(chain, start, 0.01, 7)
    assert torch.equal(iterates[0], vector(0.5, 1.5, 2.0))
    assert torch.equal(start, vector(0.5, 1.5, 2.0))
    assert torch.equal(chain.parameters, iterates[-1])
    for before, after in pairwise(iterates):
        torch.testing.assert_close(after, before - 0.01 * gradient(chain, before), rtol=1e-15, atol=1e-15)


def test_gradient_descent_again_from_the_same_start_is_the_same():
    chain = scalar_chain(4)
    first, second = (gradient_descent(chain, vector(2.5, 0.4, 2.5, 0.4), 0.2, 50) for _ in range(2))
    assert torch.equal(first, second)


def test_a_wide_network_descends_at_half_the_critical_step_size(wide, point):
    steady = gradient_descent(wide, point, 1.0 / sharpness(wide, point), 1)
    assert wide(steady[1]) < wide(point)


def test_a_single_linear_layer_descends_by_the_closed_form_on_both_sides_of_the_edge():
    """½ (1 − w)² has curvature 1: w_t = 1 + (1 − η)ᵗ (w₀ − 1), which shrinks below η = 2 and grows above."""
    for eta in (0.5, 1.5, 2.5):
        iterates = gradient_descent(scalar_chain(1), vector(3.0), eta, 10)
        np.testing.assert_allclose(iterates[:, 0], [1 + 2 * (1 - eta) ** t for t in range(11)], rtol=1e-13)


@pytest.mark.parametrize("widths", [[], [3], [2, 0], [0, 2], [3, -1, 2]])
def test_widths_that_make_no_network_are_refused(widths):
    with pytest.raises(BadInput, match="widths") as caught:
        DeepLinear(widths)
    assert str(widths) in str(caught.value)


@pytest.mark.parametrize("depth", [0, -1])
def test_a_chain_without_weights_is_refused(depth):
    with pytest.raises(BadInput, match="widths"):
        scalar_chain(depth)


@pytest.mark.parametrize(("step_size", "steps"), [(0.0, 5), (-0.1, 5), (math.nan, 5), (0.1, 0), (0.1, -2)])
def test_step_sizes_and_counts_that_are_not_positive_are_refused(step_size, steps):
    chain = scalar_chain(2)
    before = chain.parameters
    with pytest.raises(BadInput, match=r"step_size = .*: must be positive|steps = .*: must be 1 or more"):
        gradient_descent(chain, vector(1.0, 2.0), step_size, steps)
    assert torch.equal(chain.parameters, before)


def test_outputs_and_targets_of_different_shapes_are_refused():
    with pytest.raises(BadInput, match="differ in shape"):
        half_squared_error(torch.zeros(7, 1), torch.zeros(7))


def test_a_flat_loss_in_the_order_of_the_tracker_says_its_own():
    module, inputs, targets = torch.nn.Linear(3, 2), torch.ones(4, 3), torch.ones(4, 2)
    with pytest.raises(BadInput, match="of module, inputs, targets and criterion, in this order"):
        FlatLoss(module, half_squared_error, inputs, targets)
    with pytest.raises(BadInput, match="there are no examples"):
        FlatLoss(module, inputs[:0], targets[:0], half_squared_error)
