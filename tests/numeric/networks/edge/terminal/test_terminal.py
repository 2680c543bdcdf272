"""The models of the end on valleys that they describe exactly, on a network, and where they have no say."""

import math

import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks.curvature import hessian
from numeric.networks.edge import terminal_sharpness
from numeric.networks.edge.terminal import forecasts, frame_at, split_law
from numeric.networks.edge.terminal.ending import Ending, endings
from numeric.networks.edge.terminal.forecast import TerminalForecast
from numeric.networks.edge.terminal.frame import top_eigenpairs
from numeric.networks.edge.terminal.function_space import AT_REST, FunctionSpaceModel, function_space_model
from numeric.networks.edge.terminal.memory import MemoryModel
from numeric.networks.edge.terminal.rebuilt import Course, moved_on
from numeric.networks.loss import FlatLoss, half_squared_error

ETA = 0.1
BEND = 0.4  # k


class Valley(nn.Module):
    """Outputs √20 (1 + w)(u − ku³) and ½(v − 1): minima u = 0, v = 1 at all w, with the sharpness 20(1 + w)²."""

    def __init__(self, excess, start=1e-3):
        super().__init__()
        floor = math.sqrt(1 + excess / 20) - 1
        self.weights = nn.Parameter(torch.tensor([start, floor, 1.2], dtype=torch.float64))

    def forward(self, inputs):
        u, w, v = self.weights
        along = math.sqrt(20) * (1 + w) * (u - BEND * u**3)
        return inputs * torch.stack([along, (v - 1) / 2])


def valley(excess):
    """Its loss, ½ the sum of the squared outputs."""
    ones = torch.ones(1, 2).double()
    return FlatLoss(Valley(excess), ones, 0 * ones, half_squared_error)


def trained(loss, weights, eta, steps):
    """The weights after so many steps, or at rest."""
    for _ in range(steps):
        gradient = loss.value_and_gradient(weights)[1]
        if float(gradient.norm()) < AT_REST:
            break
        weights = weights - eta * gradient
    return weights


@pytest.mark.parametrize("excess", [0.5, 2.0])
def test_outputs_that_are_linear_across_are_followed_to_the_end_as_they_are(excess):
    """Against models that lose f′, J′z or the loss itself: each moves the end by more than a tenth."""
    loss = valley(excess)
    end = trained(loss, loss.parameters, ETA, 5000)
    gap = 2 / ETA - float(torch.linalg.eigvalsh(hessian(loss, end))[-1])
    forecast = terminal_sharpness(loss.module, loss.criterion, loss.inputs, loss.targets, eta=ETA)
    assert gap > 0.02 * excess
    assert forecast.gap == pytest.approx(gap, rel=0.02)
    assert split_law(loss, loss.parameters.index_fill(0, torch.tensor([0]), 0.0), ETA).gap(excess) == pytest.approx(
        gap, rel=0.25
    )


def test_the_laws_coefficients_are_those_found_by_hand():
    """T = 40(1 + w) along w, Q = −24·20k; v is fast or slow by τ, and has no part in either."""
    loss = valley(0.0)
    at = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    law = split_law(loss, at, ETA)
    assert law.sharpness == pytest.approx(20)
    assert law.beta == pytest.approx(1600)
    assert law.quartic == pytest.approx(-24 * 20 * BEND)
    assert law.limit == pytest.approx(1.5 * 1600 / (24 * 20 * BEND))


@pytest.fixture(scope="module")
def network():
    generator = torch.Generator().manual_seed(3)
    inputs, targets = (torch.randn(6, width, generator=generator).double() for width in (3, 2))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        module = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    return FlatLoss(module, inputs, targets, half_squared_error)


def test_the_model_in_function_space_has_the_gradient_of_the_network_along_u_and_to_first_order_across(network):
    """Against polynomials, projections and products with another factor."""
    weights = network.parameters
    frame = frame_at(network, torch.stack([weights, weights, weights]), 0.1)
    model = function_space_model(frame, 0.3)
    one = type(model)(**{name: value if callable(value) else value[None] for name, value in vars(model).items()})
    for x in (0.0, 0.2):
        along, across = one.gradient(torch.tensor([x]).double(), torch.zeros(1, len(model.z)).double())
        gradient = network.value_and_gradient(frame.middle + x * frame.u)[1]
        assert float(along) == pytest.approx(float(gradient @ frame.u), rel=1e-5)
        assert float(across.norm()) == pytest.approx(float(frame.across(gradient).norm()), rel=1e-5)


def test_several_networks_are_followed_as_each_alone(network):
    """Padding changes nothing: models of different numbers of directions share a batch."""
    weights = network.parameters
    edge = 1.02 * 2 / float(torch.linalg.eigvalsh(hessian(network, weights))[-1])
    frames = [frame_at(network, trained_path(network, weights, eta), eta) for eta in (edge, 0.98 * edge)]
    together = forecasts(frames, 400)
    for frame, one in zip(frames, together, strict=True):
        (alone,) = forecasts([frame], 400)
        assert alone.function_space.outcome == one.function_space.outcome
        assert alone.function_space.peak == pytest.approx(one.function_space.peak, rel=1e-6)
        assert alone.memory.peak == pytest.approx(one.memory.peak, rel=1e-6)


def trained_path(loss, weights, eta):
    """Three consecutive weights."""
    path = [weights]
    for _ in range(2):
        path.append(path[-1] - eta * loss.value_and_gradient(path[-1])[1])
    return torch.stack(path)


def test_the_more_often_it_is_made_again_the_nearer_the_model_is_to_gradient_descent(network):
    """Against frames, bases or three last weights that are not those of the prediction: none comes nearer then."""
    eta = 0.9 * 2 / float(torch.linalg.eigvalsh(hessian(network, network.parameters))[-1])
    start = trained_path(network, trained(network, network.parameters, eta, 100), eta)
    after = trained_path(network, trained(network, start[0], eta, 80), eta)
    middle = (after[0] + 2 * after[1] + after[2]) / 4
    missed = {}
    for every in (80, 20):
        course = Course(frame_at(network, start, eta), 0.3, top_eigenpairs(middle))
        while course.steps < 80:
            moved_on([course], every)
        missed[every] = float((course.frame.middle - middle).norm() / (middle - start[1]).norm())
        assert course.models >= 80 / every
    assert missed[20] < 0.3 * missed[80]
    assert missed[20] < 0.1


@pytest.mark.parametrize("every", [20, 100])
def test_made_again_it_comes_to_the_same_end_where_once_is_enough(every):
    """Against an end that is read before the oscillation is over, and a cost that forgets what is made again."""
    loss = valley(1.0)
    arguments = loss.module, loss.criterion, loss.inputs, loss.targets
    once = terminal_sharpness(*arguments, eta=ETA)
    again = terminal_sharpness(*arguments, eta=ETA, rebuilt_every=every)
    assert again.gap == pytest.approx(once.gap, rel=0.01)
    assert again.function_space.peak == pytest.approx(once.function_space.peak, rel=0.01)
    assert again.evaluations > 14 * again.models > 14 * once.models


def test_a_model_whose_slowest_mode_creeps_ends_where_it_would_have_crept_to():
    """Against an end that is read on the way, or at another zero of the residuals: they differ in the sharpness."""
    slopes = torch.tensor([[1.0, 0.0], [0.0, 0.02]]).double()  # ηλ = 4e-5 along the second
    jacobians, values = torch.zeros(7, 3, 2).double(), torch.zeros(7, 3).double()
    jacobians[0, 1:], values[0, 1:] = slopes, torch.tensor([0.05, -2e-4]).double()
    values[1, 0] = math.sqrt(19.0)  # an edge along x, f₀ = √19 x + .2 z₂ x
    jacobians[1, 0, 1] = 0.2
    zero = torch.zeros(()).double()
    model = FunctionSpaceModel(
        lambda outputs, targets: (outputs - targets).square().sum() / 2,
        torch.zeros(3).double(),
        *(zero + one for one in (ETA, 1e-3)),
        torch.zeros(2).double(),
        zero + 1,
        values,
        jacobians,
    )
    (found,) = endings([model], 2000)
    assert found.outcome == "converged"
    assert found.sharpness == pytest.approx((math.sqrt(19) + 0.2 * 0.01) ** 2, rel=1e-6)


def test_what_no_forecast_needs_is_refused():
    loss = valley(1.0)
    arguments = loss.module, loss.criterion, loss.inputs, loss.targets
    with pytest.raises(BadInput, match="100000 or less"):
        terminal_sharpness(*arguments, eta=ETA, steps=10**7)
    with pytest.raises(BadInput, match="rebuilt_every = 3"):
        terminal_sharpness(*arguments, eta=ETA, rebuilt_every=3)


def test_a_model_that_runs_away_is_no_hindrance_to_one_that_rests():
    """Against sharpnesses that are read of all models once one is at rest: eigenvalues of infinities raise."""
    zero, one = torch.zeros(()).double(), torch.ones(1).double()
    calm = MemoryModel(zero + ETA, zero, one, zero + 15, zero, zero, one, 0 * one, one[None])
    wild = MemoryModel(zero + ETA, zero + 1e3, one, zero + 15, zero, zero - 1e9, one, 0 * one, one[None])
    found = endings([calm, wild], 100)
    assert [one.outcome for one in found] == ["converged", "diverged"]
    assert found[0].sharpness == pytest.approx(16, rel=0.1)


def test_what_is_not_to_be_believed_says_why():
    rest, never = Ending("converged", 9, 19.0, 0.1), Ending("undecided", 9, math.nan, 0.1)
    far = Ending("converged", 9, 19.5, 0.1)
    assert TerminalForecast(ETA, 20.0, 15.0, rest, rest).trusted
    assert "does not come to rest" in TerminalForecast(ETA, 20.0, 15.0, rest, never).reason
    assert "the two models differ" in TerminalForecast(ETA, 20.0, 15.0, far, rest).reason
    assert "second eigenvalue" in TerminalForecast(ETA, 20.0, 19.9, rest, rest).reason


def test_an_end_is_not_forecast_from_far_below_the_edge(network):
    with pytest.raises(BadInput, match="of the edge"):
        terminal_sharpness(network.module, network.criterion, network.inputs, network.targets, eta=1e-3)


def test_one_weight_has_no_second_eigenvalue():
    """Wrong program: one that takes the last eigenvalue there is for the second."""
    module = nn.Linear(1, 1, bias=False).double()
    inputs, targets = torch.ones(1, 1).double(), torch.zeros(1, 1).double()
    found = terminal_sharpness(module, half_squared_error, inputs, targets, eta=2.0, steps=1)
    assert (found.start, found.second) == (pytest.approx(1.0), -math.inf)
