"""Hovering on toys whose two-cycle is known exactly, and on a network at the edge, kicked.

Wrong programs these catch: α and β in different projections; T_u counted once; q measured at the iterates; a Krylov
space that loses what is flat; an eigenvector at the edge for the direction that oscillates; a module that is moved.
"""

import copy
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from torch import nn

from eos_sym import BadInput, Undecided
from numeric.networks import directional_gradient, gradient, half_squared_error, hessian
from numeric.networks.edge.hovering import hovering_at, hovering_of
from numeric.networks.forecast.anchor import anchor
from numeric.networks.forecast.path import STEADY
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.exact_copy import exact_copy
from tests.numeric.networks.forecast.test_forecast import examples, network, train

ETA, TOY = 0.2, 0.1


def symmetric(tensor):
    """The mean over all orders of the axes."""
    orders = list(permutations(range(tensor.ndim)))
    return sum(tensor.transpose(order) for order in orders) / len(orders)


class Weights(nn.Module):
    """A module that is its weights."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, inputs):
        return inputs @ self.weights


def toy(modes, seed, amplitude):
    """A loss of fourth order with a two-cycle of this amplitude along the first of its modes at the edge."""
    rng, across = np.random.default_rng(seed), 3
    third, fourth = symmetric(rng.normal(size=(modes,) * 3)), symmetric(8 * rng.normal(size=(modes,) * 4))
    fourth[0, 0, 0, 0] -= 25
    driving = rng.normal(size=(modes, modes, across))
    driving = (driving + driving.transpose(1, 0, 2)) / 2
    at_the_edge = 2 / TOY - 200 * amplitude**2 * rng.uniform(size=modes)
    curvature = np.diag(np.concatenate([at_the_edge, rng.choice([0, 0.05, 0.5, 5], across)]))
    curvature[0, 0] = 2 / TOY
    curvature[0, :modes] -= fourth[0, 0, 0] * amplitude**2 / 6
    curvature[1:modes, 0] = curvature[0, 1:modes]
    force = -np.concatenate([third[:, 0, 0], driving[0, 0]]) * amplitude**2 / 2
    h, t, q, d, f = (torch.from_numpy(one) for one in (curvature, third, fourth, driving, force))

    def loss(theta):
        x, z = theta[:modes], theta[modes:]
        along = torch.einsum("abc,a,b,c", t, x, x, x) / 6 + torch.einsum("abcd,a,b,c,d", q, x, x, x, x) / 24
        return theta @ h @ theta / 2 + along + torch.einsum("abj,a,b,j", d, x, x, z) / 2 + f @ theta

    return loss, torch.eye(modes + across, dtype=torch.float64)[0] * amplitude


def cycle_of(loss, theta):
    """One of the two points, by Newton's method, and the multipliers of two steps."""
    eye = torch.eye(len(theta), dtype=theta.dtype)
    for _ in range(3):  # the start is the cycle to leading order
        after = theta - TOY * gradient(loss, theta)
        product = (eye - TOY * hessian(loss, after)) @ (eye - TOY * hessian(loss, theta))
        missed = after - TOY * gradient(loss, after) - theta
        theta = theta - torch.linalg.pinv(product - eye, rcond=1e-10) @ missed
    return theta, np.linalg.eigvals(product.numpy())


def toy_hovering(modes, seed, amplitude):
    """The theory at the two-cycle, and its exact multipliers over two steps."""
    loss, start = toy(modes, seed, amplitude)
    point, exact = cycle_of(loss, start)
    size = torch.eye(len(point), dtype=point.dtype)
    flat = FlatLoss(Weights(point), size, torch.zeros(len(point)), lambda outputs, _: loss(outputs))
    return hovering_at(anchor(flat, TOY, modes), TOY), exact


def distance(here, exact):
    """The largest distance of a predicted multiplier, of two steps, from the nearest true one."""
    predicted = np.linalg.eigvals(np.eye(len(here.rates)) + TOY * here.rates) ** 2
    return max(np.abs(exact - one).min() for one in predicted)


@pytest.mark.parametrize("modes", [1, 2])
def test_the_multipliers_are_those_of_exact_two_cycles(modes):
    # 24 toys with one mode, 18 with two, as far as the frozen expansion goes
    right = 0
    for seed in range(24 if modes == 1 else 18):
        here, exact = toy_hovering(modes, seed, 0.01)
        assert here.square == pytest.approx(1e-4, rel=1e-3)
        assert distance(here, exact) < 2e-6
        known = np.abs(exact[np.abs(exact - 1) > 1e-12]).max()  # flat combinations are neutral
        right += (known < 1) == (np.abs(1 + TOY * np.linalg.eigvals(here.rates)).max() < 1 + 1e-13 and here.stable)
    assert right == (24 if modes == 1 else 18)


@pytest.mark.parametrize("modes", [1, 2])
def test_what_is_neglected_falls_with_the_square_of_what_is_kept(modes):
    errors = [distance(*toy_hovering(modes, 3, amplitude)) for amplitude in (0.04, 0.01)]
    assert np.log(errors[0] / errors[1]) / np.log(4) > 2.7  # rates of order x², the next order at x³ or beyond


@pytest.fixture(scope="module")
def at_the_edge():
    """A network long after its spikes, so that what rounding began them with is forgotten."""
    module = network()
    train(module, 2400)
    return module


def test_the_oscillation_is_the_balanced_one_and_a_kick_dies_out_as_predicted(at_the_edge):
    """Hovering, the oscillation falls slowly: the kick is answered between what is predicted before and what after."""
    inputs, targets = examples()
    before = copy.deepcopy(at_the_edge.state_dict())
    here = hovering_of(at_the_edge, half_squared_error, inputs, targets, eta=ETA)
    assert all(torch.equal(value, before[name]) for name, value in at_the_edge.state_dict().items())
    assert here.balanced == pytest.approx(here.square, rel=0.05)
    assert here.stable
    loss = exact_copy(FlatLoss(at_the_edge, inputs, targets, half_squared_error))
    point = anchor(loss, ETA, here.modes)
    kicked, free = copy.deepcopy(at_the_edge), copy.deepcopy(at_the_edge)
    along = point.edge @ (point.edge.T @ point.start)
    nn.utils.vector_to_parameters(loss.parameters + 0.1 * along, kicked.parameters())
    paths = [train(one, round(1.5 * here.period) + 1) for one in (kicked, free)]
    after = hovering_of(free, half_squared_error, inputs, targets, eta=ETA)
    swings = [(2 * path[1:-1] - path[:-2] - path[2:]) / 4 for path in paths]
    sizes = [(one * swings[1]).sum(1) / swings[1].norm(dim=1) for one in swings]
    assert sizes[1].max() < STEADY * sizes[1].min()
    damping, period = damped(torch.log(sizes[0] / sizes[1]).numpy(), here)
    assert here.purity > 0.9
    assert here.damping < damping < after.damping < 0
    assert here.period < period < after.period < 1.5 * here.period


def damped(curve, here):
    """Damping and period of the damped cosine nearest to a curve."""
    time = np.arange(len(curve))

    def missed(p):
        return np.exp(p[0] * time) * (p[1] * np.cos(p[2] * time) + p[3] * np.sin(p[2] * time)) - curve

    found = least_squares(missed, [here.damping, curve[0], 2 * np.pi / here.period, 0.0]).x
    return found[0], 2 * np.pi / abs(found[2])


def test_the_krylov_space_knows_the_whole_spectrum(at_the_edge):
    inputs, targets = examples()
    loss = FlatLoss(at_the_edge, inputs, targets, half_squared_error)
    point = anchor(loss, ETA, 1)
    here = hovering_at(point, ETA)
    # the dense channel: all eigenpairs, and ∇³L by automatic differentiation
    u = point.edge[:, 0]
    dense = hessian(loss, point.weights)
    inside = torch.eye(len(u)) - torch.outer(u, u)
    values, vectors = torch.linalg.eigh(inside @ dense @ inside)
    third = inside @ directional_gradient(loss, point.weights, u, u)
    weights = (vectors.T @ third).square().numpy()
    assert here.beta == pytest.approx(weights.sum(), rel=1e-4)
    assert here.alpha == pytest.approx(float(-point.gradient @ third), rel=1e-4)
    rate = (here.answer - 1) / ETA
    answer = here.square * (weights / (rate + values.numpy())).sum()
    assert abs(rate - here.rates[0, 0] + answer) < 2e-3 * abs(rate)  # it is .0010, whatever rounding began with
    assert abs(here.characteristic(rate)) < 1e-8
    assert (here.quartic < here.threshold.quartic) == here.stable


def test_what_it_refuses(at_the_edge):
    given = (at_the_edge, half_squared_error, *examples())
    with pytest.raises(BadInput, match="3 or less"):
        hovering_of(*given, eta=ETA, modes=4)
    with pytest.raises(BadInput, match="eta"):
        hovering_of(*given, eta=-1.0)
    here = hovering_of(*given, eta=ETA, modes=2)
    with pytest.raises(BadInput, match="give modes=1"):
        here.threshold  # noqa: B018
    with pytest.raises(Undecided, match="falls by itself"):
        replace(here, force=-here.force).balanced  # noqa: B018
    with pytest.raises(Undecided, match=r"of 2/eta: nothing hovers below 0\.9"):
        hovering_of(network(), half_squared_error, *examples(), eta=1e-3)
