"""A forecast from one moment, held against the training that follows; what it refuses, and what it leaves alone."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.maps import compile_map
from numeric.networks import half_squared_error
from numeric.networks.data import Digits
from numeric.networks.forecast import forecast

ETA, ANCHOR, AFTER = 0.2, 521, 61


def examples():
    """60 digits of three classes in 16 principal components, 30 % of the labels random."""
    data = Digits(60, classes=3, noise=0.3).load()
    inputs = data.inputs.double().flatten(1)
    inputs = inputs - inputs.mean(0)
    inputs = inputs @ torch.linalg.svd(inputs, full_matrices=False).Vh[:16].T
    return inputs / inputs.std(), data.targets.double()


def network(activation=nn.Tanh):
    torch.manual_seed(1)
    layers = [nn.Linear(16, 14), activation(), nn.Linear(14, 14), activation(), nn.Linear(14, 3)]
    return nn.Sequential(*layers).double()


def train(module, steps, eta=ETA):
    """Gradient descent; the weights before every step and at the end, (steps + 1, p)."""
    inputs, targets = examples()
    optimizer = torch.optim.SGD(module.parameters(), lr=eta)
    path = [nn.utils.parameters_to_vector(module.parameters()).detach()]
    for _ in range(steps):
        optimizer.zero_grad()
        half_squared_error(module(inputs), targets).backward()
        optimizer.step()
        path.append(nn.utils.parameters_to_vector(module.parameters()).detach())
    return torch.stack(path)


@pytest.fixture(scope="module")
def at_the_edge():
    """A network 17 steps before its first spike, and the weights that it takes from there on."""
    module = network()
    train(module, ANCHOR)
    later = copy.deepcopy(module)
    return module, train(later, AFTER)


def measured(path, edge):
    """The oscillation along the edge, and the midpoints, of a path of weights."""
    alternating = (2 * path[1:-1] - path[:-2] - path[2:]) / 4
    return (alternating @ edge).norm(dim=1).numpy(), (path[:-2] + 2 * path[1:-1] + path[2:]) / 4


def test_the_spike_that_follows_is_foretold(at_the_edge):
    module, path = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=60)
    size, midpoints = measured(path, found.anchor.edge)
    assert found.trust.trusted
    assert size[0] < 1e-3 * size.max()  # nothing of the spike is there when it is foretold
    assert found.peak.step == size.argmax() + 1
    assert found.peak.height == pytest.approx(size.max(), rel=0.03)
    loss = found.anchor.loss
    sharpness = [
        float(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, one))[-1]) for one in midpoints[::6]
    ]
    assert np.corrcoef(found.data.sharpness[::6], sharpness)[0, 1] > 0.98
    assert found.data.sharpness.max() * ETA / 2 > 1.1


def test_another_step_size_is_foretold_by_the_same_model(at_the_edge):
    module, _ = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=60).at(1.05 * ETA)
    size, _ = measured(train(copy.deepcopy(module), AFTER, 1.05 * ETA), found.anchor.edge)
    assert abs(found.peak.step - size.argmax() - 1) <= 1
    assert found.peak.height == pytest.approx(size.max(), rel=0.05)


def test_below_the_edge_the_oscillation_decays(at_the_edge):
    module, _ = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=0.6 * ETA, steps=30)
    assert found.peak is None
    assert found.manner == "decays"


def test_far_beyond_the_edge_it_is_not_to_be_trusted(at_the_edge):
    module, _ = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=3 * ETA, steps=30)
    assert not found.trust.trusted
    assert "not to be trusted" in str(found.trust)


def test_the_module_stays_as_it_is_and_single_precision_will_do(at_the_edge):
    module, _ = at_the_edge
    single = copy.deepcopy(module).float()
    before = copy.deepcopy(single.state_dict())
    inputs, targets = (one.float() for one in examples())
    optimizer = torch.optim.SGD(single.parameters(), lr=ETA)
    found = forecast(single, half_squared_error, inputs, targets, optimizer=optimizer, steps=40)
    exact = forecast(module, half_squared_error, *examples(), eta=ETA, steps=40)
    assert all(torch.equal(before[name], value) for name, value in single.state_dict().items())
    assert found.peak.height == pytest.approx(exact.peak.height, rel=1e-3)


def test_the_compiled_map_of_the_formula_takes_the_same_path(at_the_edge):
    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor([1.55, 1.5, 1.0], dtype=torch.float64))

        def forward(self, inputs):
            return inputs * self.w.prod()

    one = torch.ones(1, 1, dtype=torch.float64)
    found = forecast(Chain(), half_squared_error, one, one, eta=0.25, steps=20)
    run = compile_map(found.map).run(found.start, found.model.values | {"eta": found.eta}, steps=20, record_every=1)
    path = np.concatenate([found.path.x, found.path.z], 1)[:21]
    assert run.trajectory.transpose("iteration", "state").values == pytest.approx(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"eta": 0.0}, "eta"),
        ({"eta": -1.0}, "eta"),
        ({"eta": 0.5, "steps": 1}, "steps"),
        ({}, "give the optimizer"),
        ({"eta": 0.5, "modes": 4}, "modes"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(BadInput, match=words):
        forecast(network(), half_squared_error, *examples(), **arguments)


def test_rules_other_than_gradient_descent_are_refused():
    module = network()
    for optimizer in (
        torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9),
        torch.optim.SGD(module.parameters(), lr=0.1, weight_decay=0.1),
        torch.optim.Adam(module.parameters()),
    ):
        with pytest.raises(BadInput, match="gradient descent"):
            forecast(module, half_squared_error, *examples(), optimizer=optimizer)
