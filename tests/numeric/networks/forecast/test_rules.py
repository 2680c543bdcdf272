"""The rules of a forecast take the steps of torch's optimizers, from wherever these are."""

import numpy as np
import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks.forecast.rules import edge_of, rule_of, step_of
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, Nesterov

SETTINGS = [
    {"lr": 0.1},
    {"lr": 0.1, "momentum": 0.8},
    {"lr": 0.1, "momentum": 0.8, "dampening": 0.3},
    {"lr": 0.1, "momentum": 0.8, "nesterov": True},
]


def problem():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    return module, FlatLoss(module, torch.randn(7, 3).double(), torch.randn(7, 2).double(), half_squared_error)


def train(loss, optimizer, steps):
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss.criterion(loss.module(loss.inputs), loss.targets).backward()
        optimizer.step()
        found.append(loss.parameters)
    return found


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("before", [0, 3])
def test_the_steps_are_torch_s_from_the_start_and_in_the_middle(settings, before):
    module, loss = problem()
    optimizer = torch.optim.SGD(module.parameters(), **settings)
    train(loss, optimizer, before)
    rule, momentum = rule_of(optimizer, loss)
    weights = loss.parameters
    momentum = torch.zeros_like(weights) if momentum is None else momentum
    for expected in train(loss, optimizer, 4):
        weights, momentum = step_of(rule)(weights, momentum, loss.value_and_gradient(weights)[1])
        assert weights.numpy() == pytest.approx(expected.numpy(), rel=1e-12)


@pytest.mark.parametrize("steps", [0, 1])
def test_what_a_module_of_single_precision_has_gathered_is_given_in_double(steps):
    """Wrong program: one that hands on the precision of the module's gradient before the first step."""
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    loss = FlatLoss(module, torch.randn(7, 3), torch.randn(7, 2), half_squared_error)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.8, dampening=0.3)
    train(loss, optimizer, steps)
    _, momentum = rule_of(optimizer, loss)
    assert momentum.dtype == torch.float64


def test_the_edge_is_where_the_rule_turns_round_on_a_quadratic():
    for rule in (GradientDescent(0.1), HeavyBall(0.1, 0.8), Nesterov(0.1, 0.8)):
        step, curvature = step_of(rule), edge_of(rule)
        columns = [step(x, b, curvature * x) for x, b in ((1.0, 0.0), (0.0, 1.0))]
        matrix = np.array(columns).T
        assert np.abs(np.linalg.eigvals(matrix) + 1).min() < 1e-6


def test_other_optimizers_are_refused():
    module, loss = problem()
    parts = [{"params": module[0].parameters()}, {"params": module[2].parameters(), "momentum": 0.5}]
    for optimizer in (
        torch.optim.SGD(module.parameters(), lr=0.1, weight_decay=0.1),
        torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, maximize=True),
        torch.optim.SGD(parts, lr=0.1),
        torch.optim.Adam(module.parameters()),
    ):
        with pytest.raises(BadInput, match="gradient descent, with momentum or without"):
            rule_of(optimizer, loss)


def test_an_optimizer_that_has_not_stepped_stays_as_it_is():
    """Against a look at its state that leaves entries there."""
    module, loss = problem()
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    rule_of(optimizer, loss)
    assert not optimizer.state
