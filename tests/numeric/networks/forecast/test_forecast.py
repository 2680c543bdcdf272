"""A forecast from one moment, held against the training that follows; what it refuses, and what it leaves alone."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from eos_sym import BadInput
from numeric.maps import compile_map
from numeric.networks import half_squared_error
from numeric.networks.data import Digits, principal_axes
from numeric.networks.forecast import Trust, first_peak, forecast
from numeric.networks.forecast.path import Path
from numeric.networks.forecast.top_space import RESIDUAL
from numeric.networks.tracker import SharpnessTracker

ETA, AFTER = 0.2, 61
BEFORE = 1e-3  # of the height of a spike: what is there of it when it is foretold
PRECISION = RESIDUAL**2  # of eigenvalues


def examples():
    """60 digits of three classes in 16 principal components, 30 % of the labels random."""
    data = Digits(60, classes=3, noise=0.3).load()
    pixels = data.inputs.flatten(1)
    inputs = (pixels - pixels.mean(0)) @ principal_axes(pixels, 16)
    return inputs / inputs.std(), data.targets


def network(activation=nn.Tanh):
    torch.manual_seed(1)
    layers = [nn.Linear(16, 14), activation(), nn.Linear(14, 14), activation(), nn.Linear(14, 3)]
    return nn.Sequential(*layers).double()


def train(module, steps, eta=ETA, optimizer=None):
    """Full-batch training; the weights before every step and at the end, (steps + 1, p)."""
    inputs, targets = examples()
    optimizer = optimizer or torch.optim.SGD(module.parameters(), lr=eta)
    path = [nn.utils.parameters_to_vector(module.parameters()).detach()]
    for _ in range(steps):
        optimizer.zero_grad()
        half_squared_error(module(inputs), targets).backward()
        optimizer.step()
        path.append(nn.utils.parameters_to_vector(module.parameters()).detach())
    return torch.stack(path)


def before_the_spike(path):
    """The last step before the first spike of a path at which the oscillation is less than BEFORE of its height.

    Which step that is depends on the processor: below the edge an oscillation dies out, and what rounding leaves of it
    grows beyond. From here on it is far above rounding.
    """
    told = Path(path.numpy(), np.zeros((len(path), 0)), len(path))
    spike = told.spikes[0]
    return int(np.flatnonzero(told.size[: spike.step] < BEFORE * spike.height)[-1]) + 1


@pytest.fixture(scope="module")
def at_the_edge():
    """A network before its first spike, and the weights that it takes from there on."""
    module = network()
    path = train(copy.deepcopy(module), 800)
    step = before_the_spike(path)
    train(module, step)
    return module, path[step : step + AFTER + 1]


def measured(path, edge):
    """The oscillation along the edge, and the midpoints, of a path of weights."""
    alternating = (2 * path[1:-1] - path[:-2] - path[2:]) / 4
    return (alternating @ edge).norm(dim=1).numpy(), (path[:-2] + 2 * path[1:-1] + path[2:]) / 4


def test_the_spike_that_follows_is_foretold(at_the_edge):
    module, path = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=60)
    size, midpoints = measured(path, found.anchor.edge)
    assert found.trust.trusted
    assert size[0] < 0.01 * size.max()  # next to nothing of the spike is there when it is foretold
    assert found.peak.step == first_peak(size).step
    assert found.peak.height == pytest.approx(first_peak(size).height, rel=0.03)
    loss = found.anchor.loss
    sharpness = [
        float(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, one))[-1]) for one in midpoints[::6]
    ]
    assert np.corrcoef(found.data.sharpness[::6], sharpness)[0, 1] > 0.98
    assert found.data.sharpness.max() * ETA / 2 > 1.1


def test_a_forecast_shows_what_it_tells_and_not_the_data(at_the_edge):
    module, _ = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=60)
    assert f"steps=60, manner={found.manner}, peak=Peak(step={found.peak.step}, " in repr(found)
    assert "tensor(" not in repr(found)


def test_until_the_horizon_training_is_within_the_band(at_the_edge):
    module, _ = at_the_edge
    path = train(copy.deepcopy(module), 241)
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=240)
    cost = found.anchor.cost.evaluations
    width, told = found.band.oscillation.values, found.horizon
    assert 20 < found.anchor.cost.evaluations - cost < 30
    size, _ = measured(path, found.anchor.edge)
    error = np.abs(found.path.size - size)
    assert found.peak.step < told
    assert (error[:told] < width[:told] + 0.003 * size.max()).mean() > 0.9
    assert error[:told].max() < 0.25 * size.max()
    assert [one.step for one in found.spikes] == found.data.spike_step.values.tolist()
    assert found.settles is None or abs(found.settles * ETA / 2 - 1) < 0.1


def test_another_step_size_is_foretold_by_the_same_model(at_the_edge):
    module, _ = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=60).at(1.05 * ETA)
    spike = first_peak(measured(train(copy.deepcopy(module), AFTER, 1.05 * ETA), found.anchor.edge)[0])
    assert abs(found.peak.step - spike.step) <= 1
    assert found.peak.height == pytest.approx(spike.height, rel=0.05)


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


def test_a_path_that_leaves_its_model_before_any_spike_is_not_to_be_trusted(at_the_edge):
    module, _ = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=60, expansion="loss")
    early = dataclasses.replace(found.path, x=found.path.x[:12].copy(), z=found.path.z[:12])
    early.x[-1] = 0.9 * found.expansion.bound
    assert early.diverges
    assert early.peak is None
    assert "leaves" in Trust(found.expansion.gates(early, ETA)).failing


def test_the_module_stays_as_it_is_and_single_precision_will_do(at_the_edge):
    module, _ = at_the_edge
    single = copy.deepcopy(module).float()
    before = copy.deepcopy(single.state_dict())
    inputs, targets = (one.float() for one in examples())
    optimizer = torch.optim.SGD(single.parameters(), lr=ETA)
    found = forecast(single, half_squared_error, inputs, targets, optimizer=optimizer, steps=40, expansion="loss")
    exact = forecast(module, half_squared_error, *examples(), eta=ETA, steps=40, expansion="loss")
    assert all(torch.equal(before[name], value) for name, value in single.state_dict().items())
    assert found.peak.height == pytest.approx(exact.peak.height, rel=1e-3)


class Chain(nn.Module):
    """The loss of three weights beyond its edge at η = 0.25."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.55, 1.5, 1.0], dtype=torch.float64))

    def forward(self, inputs):
        return inputs * self.w.prod()


@pytest.mark.parametrize(
    ("eta", "settings"), [(0.25, {}), (0.1, {"momentum": 0.3}), (0.1, {"momentum": 0.3, "nesterov": True})]
)
def test_the_compiled_map_of_the_formula_takes_the_same_path(eta, settings):
    one, module = torch.ones(1, 1, dtype=torch.float64), Chain()
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3, **settings)
    half_squared_error(module(one), one).backward()
    optimizer.step()
    optimizer.param_groups[0]["lr"] = eta
    found = forecast(module, half_squared_error, one, one, optimizer=optimizer, steps=20, expansion="loss")
    expansion = found.expansion
    run = compile_map(expansion.map).run(
        expansion.start, expansion.model.values | found.rule.values, steps=20, record_every=1
    )
    path = np.concatenate([found.path.x, found.path.z], 1)[:21]
    assert run.trajectory.transpose("iteration", "state").values[:, :3] == pytest.approx(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"eta": 0.0}, "eta"),
        ({"eta": -1.0}, "eta"),
        ({"eta": 0.5, "steps": 1}, "steps"),
        ({}, "give the optimizer"),
        ({"eta": 0.5, "steps": 10**6}, "must be 10000 or less"),
        ({"eta": 0.5, "modes": 4}, "modes"),
        ({"optimizer": "sgd"}, "must be a torch.optim.Optimizer, not str"),
        ({"eta": 0.5, "eigenvectors": torch.ones(3, 1)}, r"eigenvectors of shape \(3, 1\): give one a column"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(BadInput, match=words):
        forecast(network(), half_squared_error, *examples(), **arguments)


@pytest.mark.parametrize("expansion", ["loss", "cut"])
def test_below_the_edge_and_far_above_it_there_is_a_fate_and_a_horizon(expansion):
    """Wrong programs: one in which the bend of gradient flow hovers; one that fails where no step can be told."""
    below = forecast(network(), half_squared_error, *examples(), eta=1e-3, steps=20, expansion=expansion)
    assert (below.manner, below.fate, below.peak) == ("decays", "decays", None)
    above = below.at(1e6)
    assert (above.fate, above.horizon, above.data.sizes["step"], above.band.sizes["step"]) == ("diverges", 0, 0, 0)


class Power(nn.Module):
    """One weight w, of which the output is w² − 1."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float64))

    def forward(self, inputs):
        return (self.weight**2 - 1) * inputs


@pytest.mark.parametrize("expansion", ["loss", "cut"])
@pytest.mark.parametrize(("weight", "eta"), [(1.05, 0.53), (1.0, 0.2), (0.0, 0.2)])
def test_of_one_weight_nothing_is_across(weight, eta, expansion):
    inputs, targets, step = torch.ones(1, 1).double(), torch.zeros(1, 1).double(), weight
    found = forecast(Power(weight), half_squared_error, inputs, targets, eta=eta, steps=6, expansion=expansion)
    losses = []
    for _ in range(6):
        step -= eta * 2 * step * (step**2 - 1)
        losses.append((step**2 - 1) ** 2 / 2)
    assert found.data.loss.values == pytest.approx(losses, rel=1e-6, abs=1e-12)
    assert not np.isnan([*found.trust.measured.values()]).any()


@pytest.mark.parametrize("settings", [{"lr": 0.2, "momentum": 0.5}, {"lr": 0.15, "momentum": 0.5, "nesterov": True}])
def test_with_momentum_it_goes_on_from_what_the_optimizer_has_gathered(settings):
    module, ahead = network(nn.GELU), network(nn.GELU)
    path = train(ahead, 700, optimizer=torch.optim.SGD(ahead.parameters(), **settings))
    step = before_the_spike(path)
    optimizer = torch.optim.SGD(module.parameters(), **settings)
    train(module, step, optimizer=optimizer)
    found = forecast(module, half_squared_error, *examples(), optimizer=optimizer, steps=40)
    size, _ = measured(path[step : step + 42], found.anchor.edge)
    assert found.trust.trusted
    assert size[0] < 0.01 * size.max()
    assert found.peak.step == first_peak(size).step
    assert found.peak.height == pytest.approx(first_peak(size).height, rel=0.03)
    assert found.data.sharpness.max() > 1.1 * found.rule.critical_sharpness


def test_a_step_size_is_of_all_that_is_trained():
    module = network()
    for optimizer in (
        torch.optim.SGD(network().parameters(), lr=0.1),
        torch.optim.SGD(module[2:].parameters(), lr=0.1),
    ):
        with pytest.raises(BadInput, match=r"does not move '0.weight'.*freeze what is not trained"):
            forecast(module, half_squared_error, *examples(), optimizer=optimizer)


def summed(outputs, targets):
    return (outputs - targets).square().sum()


@pytest.mark.parametrize(
    ("module", "criterion", "arguments", "words"),
    [
        (nn.Sequential(nn.Linear(16, 3), nn.Dropout()), half_squared_error, {}, "Dropout '1' draws random numbers"),
        (nn.Linear(16, 3), summed, {"micro_batch": 20}, "give weight=1"),
        (nn.Linear(16, 3), lambda outputs, _: outputs.detach().mul(outputs).mean(), {}, "held constant"),
        (nn.Linear(16, 3), nn.MSELoss(reduction="none"), {}, "must be a mean"),
        (lambda inputs: inputs, half_squared_error, {}, "must be an nn.Module"),
    ],
    ids=["dropout", "sums", "detached", "no number", "no module"],
)
def test_a_loss_is_checked_as_the_tracker_checks_it(module, criterion, arguments, words):
    module = module.double() if isinstance(module, nn.Module) else module
    with pytest.raises(BadInput, match=words):
        forecast(module, criterion, *examples(), eta=0.1, steps=5, **arguments)


def test_micro_batches_of_a_sum_make_up_the_same_reference_point(at_the_edge):
    module, _ = at_the_edge
    mean = forecast(module, half_squared_error, *examples(), eta=ETA, steps=2).anchor
    parts = forecast(module, summed, *examples(), eta=ETA / 120, steps=2, micro_batch=25, weight=1).anchor
    assert parts.weights.numpy() == pytest.approx(mean.weights.numpy(), rel=1e-10)
    assert parts.value == pytest.approx(120 * mean.value)
    assert parts.eigenvalues == pytest.approx(120 * mean.eigenvalues, rel=PRECISION)


def test_constants_of_single_precision_are_converted_or_named():
    torch.manual_seed(0)
    single, weight = nn.Linear(16, 3), torch.tensor([1.0, 2.0, 3.0])
    inputs, labels = examples()[0].float(), torch.arange(60) % 3
    found = forecast(single, nn.CrossEntropyLoss(weight=weight), inputs, labels, eta=0.1, steps=5)
    exact = copy.deepcopy(single).double()
    criterion = nn.CrossEntropyLoss(weight=weight.double())
    true = forecast(exact, criterion, inputs.double(), labels, eta=0.1, steps=5)
    assert found.data.loss.values == pytest.approx(true.data.loss.values, rel=1e-10)
    closure = lambda outputs, given: nn.functional.cross_entropy(outputs, given, weight=weight)  # noqa: E731
    with pytest.raises(BadInput, match="make all constants float64"):
        forecast(single, closure, inputs, labels, eta=0.1, steps=5)
    rounding = lambda outputs, given: nn.functional.cross_entropy(outputs.float(), given)  # noqa: E731
    with pytest.raises(BadInput, match=r"computed in torch.float32 in part"):
        forecast(single, rounding, inputs, labels, eta=0.1, steps=5)


def test_least_squares_has_no_kinks_and_decays_by_what_its_curvature_says():
    torch.manual_seed(0)
    line = nn.Linear(16, 3).double()
    inputs, targets = examples()
    top = float(torch.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1])  # the inputs are centred: the bias is apart
    found = forecast(line, half_squared_error, inputs, targets, eta=1.9 / top, steps=20, expansion="loss")
    assert found.anchor.eigenvalues[0] == pytest.approx(top, rel=PRECISION)
    assert found.path.size[1:] / found.path.size[:-1] == pytest.approx(0.9, rel=PRECISION)  # |1 − ηλ|
    assert found.trust.measured["kinks"] == 0
    assert found.trust.measured["at_the_peak"] < 1e-9


def test_thousands_of_forecasts_are_one_run_of_the_compiled_map(at_the_edge):
    module, _ = at_the_edge
    given = {"eta": ETA, "steps": 60, "modes": 1, "expansion": "loss"}
    found = forecast(module, half_squared_error, *examples(), **given)
    expansion, start = found.expansion, found.expansion.start
    eta = xr.DataArray(np.linspace(0.12, 0.21, 45), dims="eta")
    kick = xr.DataArray(np.geomspace(0.1, 10, 25), dims="kick")
    paths = {place: found.at(float(eta[place])).path for place in (0, 20, 44)}
    steps = min(len(path.x) for path in paths.values()) - 1  # beyond the edge a path may leave the model's bound
    assert steps > found.peak.step
    run = compile_map(expansion.map).run(
        start | {"x1": kick * start["x1"]}, expansion.model.values | {"eta": eta}, steps=steps, outcomes=False
    )
    final = run.final.transpose("eta", "kick", "state")
    assert final.sizes["eta"] * final.sizes["kick"] == 1125
    assert np.isclose(kick[12], 1)
    for place, path in paths.items():
        state = np.concatenate([path.x[steps], path.z[steps]])
        assert final[place, 12].values == pytest.approx(state, abs=1e-9)


def test_what_becomes_of_training_at_other_step_sizes(at_the_edge):
    module, _ = at_the_edge
    found = forecast(module, half_squared_error, *examples(), eta=ETA, steps=200, expansion="loss")
    assert found.at(0.3 * ETA).fate == "decays"  # so far away that it does not sharpen to that edge in the time
    assert found.fate == "self-stabilizes"
    assert found.at(4 * ETA).fate == "diverges"


@pytest.mark.parametrize("settings", [{"lr": ETA}, {"lr": 0.1, "momentum": 0.5}])
def test_a_tracker_forecasts_for_less_and_training_does_not_notice(at_the_edge, settings):
    module, _ = at_the_edge
    ends, inputs, targets = [], *examples()
    for tracked in (False, True):
        copied = copy.deepcopy(module)
        optimizer = torch.optim.SGD(copied.parameters(), **settings)
        tracker = SharpnessTracker(copied, half_squared_error, inputs, targets, optimizer=optimizer, eigenvalues=2)
        train(copied, 3, optimizer=optimizer)
        if tracked:
            tracker.measure()
            before = torch.get_rng_state()
            found = tracker.forecast(steps=40, expansion="loss")
            given = {"optimizer": optimizer, "steps": 40, "expansion": "loss"}
            fresh = forecast(copied, half_squared_error, inputs, targets, **given)
            assert torch.equal(torch.get_rng_state(), before)
            assert found.anchor.cost.evaluations < fresh.anchor.cost.evaluations - 10
            assert found.rule == fresh.rule
            assert found.path.size == pytest.approx(fresh.path.size, abs=0.02 * fresh.path.size.max())
            assert tracker.forecast(steps=40, eta=0.1).rule.values == {"eta": 0.1}
            assert len(tracker.history.reading) == 1
        ends.append(train(copied, 3, optimizer=optimizer)[-1])
    assert torch.equal(*ends)
