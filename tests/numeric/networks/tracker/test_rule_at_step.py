"""The edge beside the sharpness in a tracker's history: formulas written out by hand, schedules, and what has none."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import nn, optim

from eos_sym import BadInput
from numeric.networks import hessian
from numeric.networks.tracker import SharpnessTracker

INPUTS = torch.randn(24, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TARGETS = torch.arange(24) % 3
CRITERION = nn.CrossEntropyLoss()


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def train(module, optimizer, steps, scheduler=None, **options):
    """The tracker of a loop, and the step size of every step."""
    tracker, taken = SharpnessTracker(module, CRITERION, INPUTS, TARGETS, optimizer=optimizer, **options), []

    def closure():
        optimizer.zero_grad()
        loss = CRITERION(module(INPUTS), TARGETS)
        loss.backward()
        return loss

    for _ in range(steps):
        tracker.step()
        taken.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step(closure)
        if scheduler is not None:
            scheduler.step()
    return tracker, taken


CASES = {  # the edge at η = 0.1, written out
    "SGD": (optim.SGD, {}, 20.0),
    "weight decay": (optim.SGD, {"weight_decay": 0.5}, 20.0 - 0.5),
    "heavy ball": (optim.SGD, {"momentum": 0.9}, 38.0),
    "Nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}, 38.0 / 2.8),
    "Nesterov, weight decay": (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.5}, 38.0 / 2.8 - 0.5),
}
EFFECTIVE = {
    "Adam": (optim.Adam, {"betas": (0.9, 0.99)}, 380.0),
    "AdamW": (optim.AdamW, {"betas": (0.9, 0.99), "weight_decay": 0.5}, 380.0 - 38 * 0.5 / 2),
    "RAdam": (optim.RAdam, {"betas": (0.9, 0.99)}, 380.0),
    "RMSprop": (optim.RMSprop, {"momentum": 0.9}, 38.0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_edge_of_the_sharpness_is_that_of_the_rule_s_formula(case):
    kind, options, edge = CASES[case]
    module = network()
    history = train(module, kind(module.parameters(), lr=0.1, **options), 3)[0].history
    np.testing.assert_allclose(history.edge, edge, rtol=1e-12)
    np.testing.assert_array_equal(history.step_size, 0.1)
    assert "/η" in history.edge.attrs["formula"]
    assert "reason" not in history.edge.attrs


@pytest.mark.parametrize("case", EFFECTIVE)
def test_where_the_optimizer_preconditions_the_effective_sharpness_has_the_edge(case):
    """Wrong program: one that holds the sharpness against Adam's threshold, which is off by the size of P."""
    kind, options, edge = EFFECTIVE[case]
    module = network()
    history = train(module, kind(module.parameters(), lr=0.1, **options), 3)[0].history
    np.testing.assert_allclose(history.effective_edge, edge, rtol=1e-12)
    assert history.edge.isnull().all()
    assert "effective_edge" in history.edge.attrs["reason"]


def test_the_edge_of_nadam_moves_with_its_momentum_and_settles_at_nesterov_s():
    module = network()
    history = train(module, optim.NAdam(module.parameters(), lr=0.1, momentum_decay=10.0), 40)[0].history
    assert history.effective_sharpness[1:].notnull().all()
    assert float(history.effective_edge[-1]) == pytest.approx(38.0 / (0.1 * 2.8), rel=1e-2)
    assert float(history.effective_edge[2]) < 0.9 * float(history.effective_edge[-1])


def test_the_edge_follows_a_schedule():
    module = network()
    optimizer = optim.SGD(module.parameters(), lr=0.4)
    warm = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=4)
    tracker, taken = train(module, optimizer, 6, warm)
    np.testing.assert_allclose(tracker.history.step_size, taken, rtol=1e-12)
    np.testing.assert_allclose(tracker.history.edge, 2 / np.array(taken), rtol=1e-12)
    assert taken[0] == pytest.approx(0.04)
    assert taken[-1] == pytest.approx(0.4)


def test_a_midpoint_has_the_step_size_of_its_own_step():
    """Wrong program: one that asks the optimizer when the midpoint is known, a step later."""
    module = network()
    optimizer = optim.SGD(module.parameters(), lr=0.4)
    tracker, taken = train(module, optimizer, 8, optim.lr_scheduler.ExponentialLR(optimizer, 0.5), every=2)
    assert tracker.history.reading.values.tolist() == [0, 2, 4, 6]
    np.testing.assert_allclose(tracker.history.step_size, [taken[step] for step in (0, 2, 4, 6)], rtol=1e-12)


def test_groups_of_different_step_sizes_have_the_edge_of_their_largest_for_the_effective_sharpness():
    module = network()
    groups = [{"params": module[0].parameters(), "lr": 0.1}, {"params": module[2].parameters(), "lr": 0.025}]
    history = train(module, optim.SGD(groups), 3)[0].history
    np.testing.assert_allclose(history.effective_edge, 20.0)
    assert history.edge.isnull().all()
    same = [{"params": layer.parameters(), "lr": 0.1} for layer in (module[0], module[2])]
    history = train(module, optim.SGD(same), 3)[0].history
    np.testing.assert_allclose(history.edge, 20.0)
    np.testing.assert_array_equal(history.sharpness, history.effective_sharpness)


class OwnAdam(optim.Adam):
    """An optimizer that may do anything in its step."""


@pytest.mark.parametrize("kind", [optim.Adafactor, optim.LBFGS, optim.Muon, optim.Rprop, OwnAdam])
def test_of_an_optimizer_whose_edge_is_not_known_the_sharpness_is_read(kind):
    module = network()
    trained = [own for own in module.parameters() if own.ndim == 2]  # Muon takes matrices alone
    tracker, _ = train(module, kind(trained, lr=1e-3), 3)
    expected = torch.linalg.eigvalsh(hessian(tracker.loss, tracker.loss.parameters))[-1]
    assert float(tracker.measure().eigenvalues[0]) == pytest.approx(float(expected), rel=2e-3)
    history = tracker.history
    assert history.edge.isnull().all()
    assert f"optimizer {kind.__name__}: P is known for" in history.edge.attrs["reason"]
    np.testing.assert_array_equal(history.step_size, 1e-3)
    assert "of the edge" not in tracker.line


def test_optimizers_without_a_common_edge_are_read_and_say_why():
    module = network()
    history = train(module, optim.Adam(module.parameters(), weight_decay=0.1), 2)[0].history
    assert history.effective_sharpness.notnull().any()
    assert history.effective_edge.isnull().all()
    assert "take AdamW" in history.effective_edge.attrs["reason"]
    groups = [{"params": module[0].parameters(), "momentum": 0.9}, {"params": module[2].parameters()}]
    assert "differ in momentum" in train(module, optim.SGD(groups, lr=0.1), 2)[0].history.edge.attrs["reason"]
    ascends = optim.SGD(module.parameters(), lr=0.1, maximize=True)
    assert "ascends" in train(module, ascends, 2)[0].history.edge.attrs["reason"]
    with pytest.raises(BadInput, match="moves none of the module's parameters"):
        train(module, optim.NAdam(network().parameters()), 1)


def test_without_an_optimizer_there_is_no_edge():
    tracker = SharpnessTracker(network(), CRITERION, INPUTS, TARGETS)
    tracker.measure()
    assert not {"edge", "step_size", "effective_edge"} & {*tracker.history.data_vars}


def test_if_nothing_is_said_no_single_phase_is_read():
    for every, points in ((3, ["iterate"] * 3), (2, ["iterate", "midpoint", "midpoint"])):
        module = network()
        tracker, _ = train(module, optim.SGD(module.parameters(), lr=0.1), 3 * every, every=every)
        assert tracker.history.point.values.tolist()[:3] == points
        tracker.measure()
        assert tracker.history.point.values[-1] == "iterate"
    module = network()
    tracker, _ = train(module, optim.SGD(module.parameters(), lr=0.1), 5, every=2, midpoint=False)
    assert set(tracker.history.point.values) == {"iterate"}


# --- the picture


def test_the_picture_has_the_loss_the_sharpness_beside_its_edge_and_the_projections():
    mpl.use("Agg")
    module = network()
    tracker = SharpnessTracker(module, CRITERION, INPUTS, TARGETS, optimizer=optim.SGD(module.parameters(), lr=0.1))
    with pytest.raises(BadInput, match="no reading to draw"):
        tracker.plot()
    assert tracker.line == "no reading yet"
    tracker, _ = train(module, optim.SGD(module.parameters(), lr=0.1), 4, eigenvalues=2)
    figure = tracker.plot()
    loss, sharpness, projections = figure.axes
    edge = next(line for line in sharpness.lines if line.get_label() == "edge, 2/η")
    np.testing.assert_allclose(edge.get_ydata(), 20.0)
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), tracker.history.full_loss)
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log", "linear"]
    assert len(projections.lines) == 3  # two, and zero
    assert tracker.plot(figure) is figure
    assert len(figure.axes) == 3
    assert tracker.line.startswith("step 3, loss ")
    assert tracker.line.endswith("of the edge")


def test_a_picture_of_adam_has_the_effective_sharpness_and_one_of_an_unknown_rule_no_edge():
    mpl.use("Agg")
    module = network()
    figure = train(module, optim.Adam(module.parameters(), lr=0.01), 4)[0].plot()
    assert len(figure.axes) == 4
    assert "edge, 38/η" in [line.get_label() for line in figure.axes[2].lines]
    figure = train(module, optim.Rprop(module.parameters(), lr=0.01), 2)[0].plot()
    assert not any("edge" in line.get_label() for line in figure.axes[1].lines)
