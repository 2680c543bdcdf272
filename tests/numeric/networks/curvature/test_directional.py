"""Higher derivatives of a network's loss against SymPy's, finite differences, and the dense spectrum."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Float, Rational
from torch import nn

from eos_sym import BadInput, Objective, product
from numeric.networks import FlatLoss, gradient, half_squared_error, hessian, sharpness, torch_function
from numeric.networks.architectures import FullyConnected, Residual, Transformer, scalar_chain
from numeric.networks.architectures.normalization import LayerNorm
from numeric.networks.curvature import (
    HessianAt,
    directional_derivative,
    directional_gradient,
    expansion_along,
    third_derivatives,
)
from numeric.networks.data.examples import Examples
from numeric.networks.loss import cross_entropy

DIFFERENCES = {"rtol": 1e-6, "atol": 1e-9}


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(seed, size):
    vector = draw(seed, size)
    return vector / vector.norm()


def small_loss(*middle, inputs=4, width=6, criterion=half_squared_error, micro_batch=None, seed=0):
    """A network of two linear layers with something between them, on seven examples."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(inputs, width), *middle, nn.Linear(width, 3)).double()
    targets = draw(2, 7, 3)
    targets = targets.softmax(1) if criterion is cross_entropy else targets
    return FlatLoss(module, draw(1, 7, inputs), targets, criterion, micro_batch)


def slope(function, at, direction, step=1e-3):
    """The derivative along a direction, by central differences with the error in h² removed."""
    rough = [(function(at + h * direction) - function(at - h * direction)) / (2 * h) for h in (2 * step, step)]
    return (4 * rough[1] - rough[0]) / 3


def eigenpair(loss, point):
    eigenvalues, eigenvectors = torch.linalg.eigh(hessian(loss, point))
    assert eigenvalues[-1] > 1.05 * eigenvalues[-2]  # simple, or S has no gradient
    return eigenvalues[-1], eigenvectors[:, -1]


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_derivatives_of_a_chain_of_scalars_are_those_of_sympy(depth):
    objective, chain = product(depth), scalar_chain(depth)
    generator = np.random.default_rng(depth)
    point, *directions = (generator.integers(-9, 9, depth) / 8 + 1 / 16 for _ in range(5))  # exact in binary
    at = {symbol: Float(value, 40) for symbol, value in zip(objective.weights, point, strict=True)}
    theta, *vectors = (torch.tensor(values) for values in (point, *directions))
    exact = [[Rational(float(component)) for component in direction] for direction in directions]
    for order in (1, 2, 3, 4):
        expected = objective.directional_derivative(*exact[:order]).evalf(30, subs=at)
        found = directional_derivative(chain, theta, *vectors[:order])
        assert found.item() == pytest.approx(float(expected), rel=1e-12, abs=1e-12)
        entries = [
            float(objective.directional_derivative(*exact[: order - 1], row).evalf(30, subs=at))
            for row in np.eye(depth, dtype=int).tolist()
        ]
        found = directional_gradient(chain, theta, *vectors[: order - 1])
        np.testing.assert_allclose(found.numpy(), entries, rtol=1e-12, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**16))
def test_a_higher_derivative_is_linear_and_symmetric_in_its_directions(seed):
    loss = small_loss(nn.Tanh())
    theta = draw(seed, len(loss.parameters))
    u, v, w = (draw(seed + 1 + k, len(theta)) for k in range(3))
    third = directional_derivative(loss, theta, u, v, w)
    torch.testing.assert_close(directional_derivative(loss, theta, w, u, v), third, rtol=1e-9, atol=1e-11)
    both = directional_derivative(loss, theta, u, 2 * v - 3 * u, w)
    parts = 2 * third - 3 * directional_derivative(loss, theta, u, u, w)
    torch.testing.assert_close(both, parts, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("criterion", [half_squared_error, cross_entropy])
def test_the_third_derivative_along_the_top_eigenvector_is_the_gradient_of_the_sharpness(criterion):
    loss = small_loss(nn.Tanh(), criterion=criterion)
    theta = loss.parameters
    _, top = eigenpair(loss, theta)
    axes = torch.eye(len(theta), dtype=torch.float64)
    rises = torch.tensor([slope(lambda t: sharpness(loss, t), theta, axis) for axis in axes], dtype=theta.dtype)
    torch.testing.assert_close(directional_gradient(loss, theta, top, top), rises, **DIFFERENCES)


def test_the_fourth_derivative_is_the_second_difference_of_the_curvature():
    loss = small_loss(nn.Tanh())
    theta, u = loss.parameters, unit(5, len(loss.parameters))

    def third(t):
        return slope(lambda s: u @ hessian(loss, s) @ u, t, u)

    expected = slope(third, theta, u, step=4e-3)
    torch.testing.assert_close(directional_derivative(loss, theta, u, u, u, u), expected, rtol=1e-5, atol=1e-7)


def test_an_expansion_predicts_the_loss_nearby_to_fifth_order():
    loss = small_loss(nn.Tanh())
    theta, u = loss.parameters, unit(6, len(loss.parameters))
    at = expansion_along(loss, theta, u)
    coefficients = [at.value, at.gradient @ u, at.sharpness / 2, (at.third @ u) / 6, at.quartic / 24]
    errors = []
    for x in (0.2, 0.1, 0.05):
        predicted = sum(coefficient * x**power for power, coefficient in enumerate(coefficients))
        errors.append(abs(float(loss(theta + x * u) - predicted)))
    orders = [np.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert orders == pytest.approx([5, 5], abs=0.35)


def test_an_expansion_holds_the_derivatives_that_are_taken_one_by_one():
    loss = small_loss(nn.Tanh())
    theta = loss.parameters
    value, top = eigenpair(loss, theta)
    at = expansion_along(loss, theta, top)
    torch.testing.assert_close(at.gradient, gradient(loss, theta), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(at.curvature, value * top, rtol=1e-10, atol=1e-12)
    assert at.sharpness == pytest.approx(float(value), rel=1e-12)
    third = directional_gradient(loss, theta, top, top)
    torch.testing.assert_close(at.third, third, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(at.fourth, directional_gradient(loss, theta, top, top, top), rtol=1e-12, atol=1e-14)
    across = third - (third @ top) * top
    assert at.alpha == pytest.approx(-float(at.gradient @ across), rel=1e-10)
    assert at.beta == pytest.approx(float(across.square().sum()), rel=1e-12)


def test_alpha_is_the_rate_at_which_the_flow_sharpens_a_loss_without_slope_along_the_eigenvector():
    # s(w) = 1 + w² along x, and a slope of −1 in w at w = 0.5: S rises at −∇L·∇S = 2w, β = (2w)², Q = 24
    loss = torch_function(*_formula("x**2*(1 + w**2)/2 - w + x**4", "x w"))
    at = expansion_along(loss, torch.tensor([0.0, 0.5]).double(), torch.tensor([1.0, 0.0]).double())
    assert (at.sharpness, at.alpha, at.beta, at.quartic) == (1.25, 1.0, 1.0, 24.0)


def _formula(text, weights):
    objective = Objective.from_text(text, weights)
    return objective.loss, objective.weights


@pytest.mark.parametrize("micro_batch", [1, 3, 7])
def test_micro_batches_leave_the_derivatives_as_they_are(micro_batch):
    whole, parts = (small_loss(nn.Tanh(), micro_batch=size) for size in (None, micro_batch))
    theta, u = whole.parameters, unit(7, len(whole.parameters))
    expected, found = (expansion_along(loss, theta, u) for loss in (whole, parts))
    for name in ("value", "gradient", "curvature", "third", "fourth"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-11, atol=1e-13)


def test_derivatives_beyond_the_degree_of_a_polynomial_loss_are_zero():
    inputs, targets = draw(1, 7, 4), draw(2, 7, 3)
    linear = FlatLoss(nn.Linear(4, 3).double(), inputs, targets, half_squared_error)
    theta = linear.parameters
    u = unit(8, len(theta))
    assert not directional_gradient(linear, theta, u, u).any()
    assert not directional_derivative(linear, theta, u, u, u, u).any()
    assert not directional_gradient(lambda t: t.sum(), theta, u, u, u).any()


def test_single_precision_keeps_its_type_and_six_digits():
    loss = small_loss(nn.Tanh())
    theta, u = loss.parameters, unit(9, len(loss.parameters))
    expected = directional_gradient(loss, theta, u, u)
    single = FlatLoss(loss.module.float(), loss.inputs.float(), loss.targets.float(), half_squared_error)
    found = directional_gradient(single, theta.float(), u.float(), u.float())
    assert found.dtype == torch.float32
    assert (found - expected).norm() < 1e-5 * expected.norm()


class Attention(nn.Module):
    """One head of attention over 5 places of width 4, its normalization given; `fused` uses torch's own kernel."""

    def __init__(self, normalization, fused=False):
        super().__init__()
        self.normalization, self.fused = normalization, fused
        self.queries, self.keys, self.values, self.head = (nn.Linear(4, 4) for _ in range(4))

    def forward(self, inputs):
        x = self.normalization(inputs.view(-1, 5, 4) + self.values(inputs.view(-1, 5, 4)))
        q, k, v = (layer(x)[:, None] for layer in (self.queries, self.keys, self.values))
        if self.fused:
            mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            mixed = (q @ k.transpose(-1, -2) / 2).softmax(-1) @ v
        return self.head(x + mixed[:, 0]).mean(1)[:, :3]


def attention_loss(normalization, fused=False):
    torch.manual_seed(0)
    return FlatLoss(
        Attention(normalization, fused).double(), draw(1, 6, 20), draw(2, 6, 3), half_squared_error, micro_batch=4
    )


ARCHITECTURES = {
    "fully connected": FullyConnected((5, 4), activation="tanh"),
    "transformer": Transformer(width=4, heads=2, layers=1),
    "residual with batch normalization": Residual((2,), activation="softplus"),
}


def architecture_loss(architecture):
    labels = torch.arange(6) % 3
    examples = Examples(draw(1, 6, 1, 4, 4), nn.functional.one_hot(labels, 3).double(), classes=True)
    module = architecture.build(examples, torch.Generator().manual_seed(0))
    return FlatLoss(module, examples.inputs, examples.targets, half_squared_error)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_third_and_fourth_derivatives_of_an_architecture_are_finite_differences_of_its_curvature(name):
    loss = architecture_loss(ARCHITECTURES[name])
    theta = loss.parameters
    u, w = unit(2, len(theta)), unit(3, len(theta))
    third, fourth = (directional_derivative(loss, theta, *directions) for directions in ([u, u, w], [u, u, u, w]))
    curved = slope(lambda t: u @ HessianAt(loss, t).product(u[:, None])[:, 0], theta, w)
    torch.testing.assert_close(third, curved, **DIFFERENCES)
    torch.testing.assert_close(
        fourth, slope(lambda t: directional_derivative(loss, t, u, u, u), theta, w), **DIFFERENCES
    )


NORMALIZED = {
    "LayerNorm": (nn.LayerNorm(6), 3),
    "LayerNorm without weights": (nn.LayerNorm(6, elementwise_affine=False), 3),
    "BatchNorm1d": (nn.BatchNorm1d(6, track_running_stats=False), 3),
    "GroupNorm": (nn.GroupNorm(2, 6), None),
    "RMSNorm": (nn.RMSNorm(6), None),
    "BatchNorm1d on running statistics": (nn.BatchNorm1d(6).eval(), None),
    "GELU": (nn.GELU(), None),
    "Softplus": (nn.Softplus(), None),
    "SiLU": (nn.SiLU(), None),
    "weight normalization": (nn.utils.parametrizations.weight_norm(nn.Linear(6, 6)), 2),
}


@pytest.mark.parametrize("name", NORMALIZED)
def test_what_torch_differentiates_wrongly_is_refused_and_nothing_else_is(name, monkeypatch):
    layer, first_wrong = NORMALIZED[name]
    loss = small_loss(layer, nn.Tanh())
    theta = loss.parameters + 0.1 * draw(4, len(loss.parameters))
    u, w = unit(5, len(theta)), unit(6, len(theta))
    refused, differs = [], []
    for order in (2, 3):
        try:
            directional_derivative(loss, theta, *[u] * (order - 1), w)
        except BadInput:
            refused.append(order)
        with monkeypatch.context() as patch:
            patch.setattr("numeric.networks.curvature.directional.refuse_wrong_derivatives", lambda *_: None)
            found = directional_derivative(loss, theta, *[u] * (order - 1), w)
            expected = slope(lambda t, k=order - 1: directional_derivative(loss, t, *[u] * k), theta, w)
        if abs(found - expected) > 1e-4 * abs(expected):
            differs.append(order)
    assert refused == differs == [order for order in (2, 3) if first_wrong and order >= first_wrong]


def test_a_refusal_names_the_layer_and_its_replacement():
    loss = attention_loss(nn.LayerNorm(4))
    theta = loss.parameters
    u = unit(1, len(theta))
    refusal = r"layer normalization \(normalization\): .* order 3 .*use LayerNorm of numeric\.networks\.arch"
    with pytest.raises(BadInput, match=refusal):
        directional_gradient(loss, theta, u, u)
    assert directional_gradient(loss, theta, u).shape == theta.shape  # a Hessian product is right


def test_a_functional_call_is_refused_too():
    def loss(theta):
        return nn.functional.layer_norm(theta, theta.shape).tanh().sum()

    with pytest.raises(BadInput, match="layer normalization: "):
        directional_gradient(loss, draw(1, 5), unit(2, 5), unit(2, 5))


def test_an_operation_without_a_second_derivative_is_named():
    loss = attention_loss(LayerNorm(4), fused=True)
    u = unit(1, len(loss.parameters))
    with pytest.raises(BadInput, match=r"attention.*SDPBackend\.MATH"):
        directional_gradient(loss, loss.parameters, u, u)
    with nn.attention.sdpa_kernel([nn.attention.SDPBackend.MATH]):
        found = directional_gradient(loss, loss.parameters, u, u)
    elementary = directional_gradient(attention_loss(LayerNorm(4)), loss.parameters, u, u)
    torch.testing.assert_close(found, elementary, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("directions", "message"),
    [
        ([], "one direction or more"),
        ([torch.ones(3).double()], r"shape \(3,\): must be finite and of shape \(4,\)"),
        ([torch.tensor([1, 0, 0, float("nan")]).double()], "must be finite"),
    ],
)
def test_directions_that_are_none_are_refused(directions, message):
    with pytest.raises(BadInput, match=message):
        directional_derivative(scalar_chain(4), draw(1, 4), *directions)


def test_an_expansion_needs_a_unit_vector_and_a_scalar_loss():
    with pytest.raises(BadInput, match="length 2: expand along a unit vector"):
        expansion_along(scalar_chain(4), draw(1, 4), torch.ones(4).double())
    with pytest.raises(BadInput, match=r"a loss of shape \(4,\): must be a scalar"):
        directional_gradient(lambda theta: theta**2, draw(1, 4), unit(1, 4))


def test_where_gradients_are_switched_off_the_derivatives_are_the_same():
    loss = scalar_chain(3)
    weights, direction = loss.parameters + 0.3, torch.tensor([0.6, 0.0, 0.8], dtype=loss.parameters.dtype)
    expected = expansion_along(loss, weights, direction)
    with torch.no_grad():
        found = expansion_along(loss, weights, direction)
        product = HessianAt(loss, weights).product(direction[:, None])[:, 0]
    assert torch.equal(found.fourth, expected.fourth)
    torch.testing.assert_close(product, expected.curvature)
    assert expected.fourth.any()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_in_float32_the_numbers_of_an_expansion_scale_with_the_loss_whose_squares_it_does_not_hold(scale):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    inputs, targets = torch.randn(20, 4), torch.randn(20, 3)
    plain = FlatLoss(network, inputs, targets, half_squared_error)
    scaled = FlatLoss(network, inputs, targets, lambda one, other: scale * half_squared_error(one, other))
    at = plain.parameters
    direction = nn.functional.normalize(torch.ones_like(at), dim=0)
    expected, found = (expansion_along(loss, at, direction) for loss in (plain, scaled))
    for name, power in {"sharpness": 1, "quartic": 1, "alpha": 2, "beta": 2}.items():
        assert getattr(found, name) == pytest.approx(scale**power * getattr(expected, name), rel=1e-2)


def test_third_derivatives_of_all_pairs_are_the_slopes_of_hessian_products():
    """Against a pair that is missing or twice there, micro-batches that are not summed, and a lost graph."""
    loss = small_loss(nn.Tanh(), micro_batch=3)
    at, block = loss.parameters, torch.stack([unit(seed, len(loss.parameters)) for seed in (3, 4, 5)], 1)
    found = third_derivatives(loss, at, block)
    for a in range(3):
        along = slope(lambda point: HessianAt(loss, point).product(block), at, block[:, a])
        assert torch.allclose(found[a], along.T, **DIFFERENCES)
