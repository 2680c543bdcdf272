"""The midpoint identity at two-cycles that are known exactly, and its parts against nested derivatives."""

import math

import pytest
import torch
from scipy.optimize import brentq
from torch import nn

from eos_sym import BadInput
from numeric.networks.curvature import directional_gradient, hessian
from numeric.networks.edge import midpoint_identity, read_midpoint
from numeric.networks.edge.descent import consecutive
from numeric.networks.edge.midpoint import PRECISION, rates
from numeric.networks.loss import FlatLoss, half_squared_error

ETA = 0.1


class Valley(nn.Module):
    """½su² + ½b(s − 25)² + cu⁴/24 + du⁶/720 + κu³w/6 + ½λw², b = .002, as the one output of a network."""

    def __init__(self, c, d=0.0, coupling=0.0, across=8.0):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([20.0, 0.1, 0.0], dtype=torch.float64))
        self.c, self.d, self.coupling, self.across = c, d, coupling, across

    def forward(self, inputs):
        s, u, w = self.weights
        valley = s * u**2 / 2 + 0.001 * (s - 25) ** 2 + self.c * u**4 / 24 + self.d * u**6 / 720
        return inputs * (valley + self.coupling * u**3 * w / 6 + self.across * w**2 / 2)


def arguments(valley):
    return valley, lambda outputs, targets: outputs.mean(), torch.ones(1, 1).double(), torch.zeros(1, 1).double()


def on_its_cycle(c, d=0.0, coupling=0.0, across=8.0):
    """The valley at a point that a step takes to −u, −w and the same s, found from the three equations."""
    edge, valley = 2 / ETA, Valley(c, d, coupling, across)

    def excess(q):
        return 25 - q / 0.004 + c * q / 6 + (d / 120 + coupling**2 / (12 * (edge - across))) * q**2 - edge

    q = brentq(excess, 0, 0.03, xtol=1e-15)
    point = [25 - q / 0.004, q**0.5, coupling * q**1.5 / (6 * (edge - across))]
    valley.weights.data = torch.tensor(point, dtype=torch.float64)
    return valley


@pytest.mark.parametrize(("c", "excess"), [(-10.0, 0.0331126), (-30.0, 0.0980392)])
def test_on_a_two_cycle_the_midpoint_is_minus_the_quartic_term_above_the_edge(c, excess):
    """Against programs that take Q or q with another factor, or read at the iterates."""
    reading = midpoint_identity(*arguments(on_its_cycle(c)), eta=ETA)
    assert reading.sharpness - reading.edge == pytest.approx(excess, abs=1e-7)
    assert reading.predicted == pytest.approx(reading.sharpness, abs=1e-9)
    assert (reading.quartic, reading.rate) == (pytest.approx(c, rel=1e-6), pytest.approx(0, abs=1e-9))
    assert not reading.reason


def test_what_is_left_on_a_two_cycle_is_the_next_order():
    """Sixth derivative and answering direction with one sign each: against programs that lose or double either."""
    for valley in (on_its_cycle(-10, d=-400.0), on_its_cycle(-10, coupling=60.0)):
        reading = midpoint_identity(*arguments(valley), eta=ETA)
        assert abs(reading.residual) > 1e-4
        assert reading.next_order == pytest.approx(reading.residual, rel=0.1)


@pytest.fixture(scope="module")
def network():
    generator = torch.Generator().manual_seed(3)
    inputs, targets = (torch.randn(6, width, generator=generator).double() for width in (3, 1))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    return FlatLoss(module, inputs, targets, half_squared_error)


def test_the_derivatives_and_the_system_are_those_of_nested_differentiation_and_a_dense_hessian(network):
    eta = 2.2 / float(torch.linalg.eigvalsh(hessian(network, network.parameters))[-1])
    weights = consecutive(network, eta, 6)
    reading = read_midpoint(network, weights, eta)
    middle = (weights[1] + 2 * weights[2] + weights[3]) / 4
    values, vectors = torch.linalg.eigh(hessian(network, middle))
    u = vectors[:, -1]
    fourth = directional_gradient(network, middle, u, u, u)
    sixth = float(directional_gradient(network, middle, u, u, u, u, u) @ u)
    coupling = (vectors[:, :-1].T @ fourth) ** 2 / (12 * (2 / eta - values[:-1]))
    assert reading.sharpness == pytest.approx(float(values[-1]), rel=1e-9)
    assert reading.second == pytest.approx(float(values[-2]), rel=PRECISION)
    assert reading.quartic == pytest.approx(float(fourth @ u), rel=1e-4)
    expected = -(reading.oscillation**4) * (sixth / 120 + float(coupling.sum()))
    assert reading.next_order == pytest.approx(expected, rel=1e-3)


def test_the_rate_is_that_of_the_midpoint_and_the_one_over_two_steps_half_a_step_early():
    """x grows by e^{(t − ½)²/2}: against programs that read the rate at t − ½."""
    x = [(-1) ** t * math.exp(t**2 / 200) for t in range(-1, 3)]
    rate, early, single = rates(*x)
    assert (rate, early, single) == (pytest.approx(1 / 200), pytest.approx(0, abs=1e-12), pytest.approx(1 / 200))


def test_a_second_mode_at_the_edge_is_said():
    reading = midpoint_identity(*arguments(on_its_cycle(-10, coupling=1.0, across=19.9)), eta=ETA)
    assert "second eigenvalue" in reading.reason


def test_far_below_the_edge_it_is_said_that_there_is_none(network):
    """Against a reading that gives numbers without remark: ηS = 1.2 alternates, and dies at once."""
    parts = network.module, network.criterion, network.inputs, network.targets
    eta = 1.2 / float(torch.linalg.eigvalsh(hessian(network, network.parameters))[-1])
    assert "of the edge: so far below" in midpoint_identity(*parts, eta=eta).reason


def test_weights_that_are_not_steps_of_gradient_descent_are_refused(network):
    parts = network.module, network.criterion, network.inputs, network.targets
    weights = consecutive(network, 0.1, 5)
    assert midpoint_identity(*parts, eta=0.1, weights=weights[:3]) == midpoint_identity(
        *parts, eta=0.1, weights=weights
    )
    with pytest.raises(BadInput, match=r"not one of gradient descent with eta = 0\.2"):
        midpoint_identity(*parts, eta=0.2, weights=weights)
    with pytest.raises(BadInput, match=r"must be a tensor, not list; torch\.stack makes one"):
        midpoint_identity(*parts, eta=0.1, weights=[*weights])
    with pytest.raises(BadInput, match="give 3 or more consecutive ones"):
        midpoint_identity(*parts, eta=0.1, weights=weights[:2])
