"""Experiments as values: equal ones give equal bits, their folders are theirs alone, and what they refuse."""

import json
import pickle
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from eos_sym import BadInput
from numeric import load
from numeric.networks import half_squared_error, hessian
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Chebyshev, Digits
from numeric.networks.loss import FlatLoss
from numeric.networks.training import experiment
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.optimizers import (
    SAM,
    Adam,
    GradientDescent,
    NormalizedGradientDescent,
    RootLossGradientDescent,
    WeightDecay,
)
from numeric.runs import configuration, locked, origin

SMALL = Experiment(
    Digits(examples=50), FullyConnected(widths=(6,)), GradientDescent(0.1), steps=30, precision="float64"
)


@pytest.fixture(scope="module")
def read():
    measure = Measure(every=10, eigenvalues=2, relative=1e-6, weights_every=10)
    return replace(SMALL, measure=measure).run()


def loss_of(experiment):
    data = experiment.data.load()
    module = experiment.network.build(data, torch.Generator().manual_seed(experiment.seed))
    return FlatLoss(module, data.inputs, data.targets, half_squared_error)


def test_the_history_says_what_happened(read):
    assert read.sizes == {"step": 31, "reading": 4, "index": 2, "snapshot": 4, "parameter": 65 * 6 + 7 * 10}
    assert read.attrs == {"ending": "steps", "eta": 0.1, "critical_sharpness": 20.0}
    np.testing.assert_allclose(read.time, 0.1 * np.arange(31))
    np.testing.assert_allclose(read.reading_time, [0, 1, 2, 3])
    np.testing.assert_array_equal(read.snapshot, [0, 10, 20, 30])
    assert (read.loss.diff("step") < 0).all()


def test_the_sharpness_and_the_losses_are_those_of_the_dense_hessian_at_the_weights_kept(read):
    loss = loss_of(SMALL)
    for step, weights in zip(read.snapshot.values, read.weights.values, strict=True):
        theta = torch.from_numpy(weights)
        top = torch.linalg.eigvalsh(hessian(loss, theta)).flip(0)[:2]
        np.testing.assert_allclose(read.eigenvalue.sel(reading=step), top, rtol=1e-6)
        assert read.loss.sel(step=step).item() == pytest.approx(loss(theta).item(), rel=1e-12)


def test_the_weights_are_the_iterates_of_gradient_descent():
    run = replace(SMALL, steps=4, measure=Measure(every=100, weights_every=1)).run()
    loss = loss_of(SMALL)
    for before, after in pairwise(torch.from_numpy(run.weights.values)):
        torch.testing.assert_close(after, before - 0.1 * torch.func.grad(loss)(before), rtol=0, atol=1e-14)


def test_equal_experiments_give_equal_bits_and_other_seeds_others():
    experiment = replace(SMALL, precision="float32", batch_size=8)
    first, again = experiment.run(), pickle.loads(pickle.dumps(experiment)).run()
    xr.testing.assert_identical(first, again)
    assert set(first.data_vars) == {"batch_loss", "batch_accuracy"}
    assert not np.array_equal(first.batch_loss, replace(experiment, seed=1).run().batch_loss)


def test_measuring_does_not_change_the_run(read):
    np.testing.assert_array_equal(read.loss, SMALL.run().loss)
    batches = replace(SMALL, batch_size=8)
    measured = replace(batches, measure=Measure(every=7, midpoint=True, batch_sharpness=3)).run()
    np.testing.assert_array_equal(measured.batch_loss, batches.run().batch_loss)


def test_batch_sharpness_is_the_curvature_along_the_gradients_of_mini_batches():
    """With mini-batches of all examples there is one, and its curvature along its gradient is that of the loss."""
    experiment = replace(SMALL, steps=6, batch_size=50, measure=Measure(every=3, weights_every=3, batch_sharpness=2))
    run, loss = experiment.run(), loss_of(experiment)
    for step, weights in zip(run.snapshot.values, run.weights.values, strict=True):
        theta = torch.from_numpy(weights)
        slope = torch.func.grad(loss)(theta)
        expected = (slope @ hessian(loss, theta) @ slope) / (slope @ slope)
        assert run.batch_sharpness.sel(reading=step).item() == pytest.approx(expected.item(), rel=1e-10)
        assert run.batch_sharpness_error.sel(reading=step).item() == pytest.approx(0, abs=1e-10)


def test_batch_sharpness_is_a_mean_over_mini_batches_with_its_standard_error():
    experiment = replace(SMALL, steps=1, batch_size=5, measure=Measure(every=1, batch_sharpness=100))
    run = experiment.run().isel(reading=0)
    loss = loss_of(experiment)
    theta, generator, found = loss.parameters, np.random.default_rng(0), []
    for _ in range(100):
        chosen = torch.from_numpy(generator.choice(50, 5, replace=False))
        batch = replace(loss, inputs=loss.inputs[chosen], targets=loss.targets[chosen])
        slope = torch.func.grad(batch)(theta)
        product = torch.autograd.functional.vhp(batch, theta, slope)[1]
        found.append(((slope @ product) / (slope @ slope)).item())
    error = np.std(found) / np.sqrt(100)
    assert run.batch_sharpness_error.item() == pytest.approx(error, rel=0.3)
    assert abs(run.batch_sharpness.item() - np.mean(found)) < 4 * np.sqrt(2) * error


@pytest.mark.parametrize(
    "rule",
    [
        NormalizedGradientDescent(0.01),
        RootLossGradientDescent(0.01),
        SAM(0.01, 0.05),
        WeightDecay(Adam(0.01), 0.1, coupled=False),
    ],
    ids=repr,
)
def test_rules_without_a_threshold_are_measured_all_the_same(rule):
    run = replace(SMALL, rule=rule, steps=4, measure=Measure(every=2)).run()
    assert "critical_sharpness" not in run.attrs
    assert np.isfinite(run.sharpness).all()


@pytest.mark.parametrize("micro_batch", [None, 7])
def test_sam_takes_its_gradient_uphill_and_records_the_loss_where_it_is(micro_batch):
    rule = SAM(0.1, 0.3)
    run = replace(SMALL, rule=rule, steps=6, micro_batch=micro_batch, measure=Measure(every=1, weights_every=1)).run()
    loss = loss_of(SMALL)
    theta = torch.from_numpy(run.weights.values[0])
    for step in range(6):
        value, slope = loss.value_and_gradient(theta)
        assert run.loss[step].item() == pytest.approx(value.item(), rel=1e-12)
        theta = theta - 0.1 * loss.value_and_gradient(theta + 0.3 * slope / slope.norm())[1]
        np.testing.assert_allclose(run.weights[step + 1], theta, rtol=0, atol=1e-13)
    plain = replace(SMALL, steps=6, measure=Measure(every=1, weights_every=1)).run()
    assert abs(plain.weights[-1] - run.weights[-1]).max() > 1e-3


def test_values_are_fitted_as_well_as_classes():
    run = Experiment(Chebyshev(degree=3), FullyConnected(widths=(8,)), GradientDescent(0.1), steps=5).run()
    assert set(run.data_vars) == {"loss"}


def test_cross_entropy_is_a_loss():
    run = replace(SMALL, loss="cross_entropy").run()
    assert run.loss[0].item() == pytest.approx(np.log(10), rel=0.2)
    assert run.loss[-1] < run.loss[0]


def test_micro_batches_give_the_history_of_the_full_batch(read):
    run = replace(SMALL, micro_batch=7, measure=Measure(every=10, eigenvalues=2, relative=1e-6)).run()
    np.testing.assert_allclose(run.loss, read.loss, rtol=1e-12)
    np.testing.assert_allclose(run.sharpness, read.sharpness, rtol=2e-6)


def test_time_goes_by_the_step_sizes_that_held():
    run = replace(SMALL, steps=6, later_etas=((2, 0.2), (4, 0.05)), measure=Measure(every=3)).run()
    np.testing.assert_allclose(run.time, [0, 0.1, 0.2, 0.4, 0.6, 0.65, 0.7])
    np.testing.assert_allclose(run.reading_time, [0, 0.4, 0.7])


def test_readings_end_with_the_run():
    wild = replace(SMALL, rule=GradientDescent(50.0), steps=500, measure=Measure(every=1, weights_every=1))
    run = wild.run()
    assert run.ending == "diverged"
    assert run.reading.values.max() < run.step.values.max()
    assert run.snapshot.values.max() < run.step.values.max()


@pytest.mark.parametrize("rule", [GradientDescent(0.1), GradientFlow()])
def test_the_last_weights_are_those_of_the_last_loss(rule):
    """Also where training stops at a goal between two snapshots."""
    experiment = replace(SMALL, rule=rule, stop=Stop(loss=0.45), measure=Measure(every=100, last_weights=True))
    run = experiment.run()
    assert run.ending == "loss"
    assert run.step[-1] % 100
    loss = loss_of(SMALL)
    assert float(loss(torch.from_numpy(run.last_weights.values))) == pytest.approx(float(run.loss[-1]), rel=1e-12)


def test_a_run_that_diverged_has_no_last_weights():
    wild = replace(SMALL, rule=GradientDescent(50.0), steps=500, measure=Measure(every=1, last_weights=True))
    assert wild.run().last_weights.isnull().all()


def test_gradient_flow_is_an_experiment_too(tmp_path):
    flow = replace(SMALL, rule=GradientFlow(until=0.5), steps=100)
    run = flow.run(tmp_path)
    assert run.ending == "time"
    assert run.time[-1] == 0.5
    xr.testing.assert_identical(flow.run(tmp_path), run)


def test_a_finished_run_is_read_and_not_repeated(tmp_path, monkeypatch):
    first = SMALL.run(tmp_path)
    monkeypatch.setattr(Digits, "load", lambda self: pytest.fail("computed again"))
    monkeypatch.setattr(experiment, "locked", lambda folder: pytest.fail("a lock where nothing is written"))
    steps = []
    xr.testing.assert_identical(SMALL.run(tmp_path, progress=steps.append), first)
    assert steps == [SMALL.steps]


def test_the_file_says_what_produced_it(tmp_path):
    SMALL.run(tmp_path)
    tree = load(tmp_path / "history.nc")
    assert json.loads(tree.attrs["configuration"]) == configuration(SMALL)
    assert {"versions", "created", "command"} <= tree.attrs.keys()


def test_what_is_read_says_what_computed_it_and_not_what_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(origin, "commit", lambda: "an older commit")
    SMALL.run(tmp_path)
    monkeypatch.undo()
    assert SMALL.run(tmp_path).encoding["provenance"]["commit"] == "an older commit"


@pytest.mark.fault("another program", "the folder of another run", "refused, with what is other about it")
def test_a_folder_of_another_run_is_refused_with_the_difference_named(tmp_path):
    SMALL.run(tmp_path)
    content = (tmp_path / "history.nc").read_bytes()
    with pytest.raises(BadInput, match=r"holds another run \(other rule.eta\)"):
        replace(SMALL, rule=GradientDescent(0.2)).run(tmp_path)
    assert (tmp_path / "history.nc").read_bytes() == content


@pytest.mark.fault("damaged", "one bit of a finished run", "refused, with the remedy")
def test_a_history_with_one_other_bit_is_refused_with_the_remedy(tmp_path):
    SMALL.run(tmp_path)
    path = tmp_path / "history.nc"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"damaged or edited .*; remove it to repeat the run"):
        SMALL.run(tmp_path)


@pytest.mark.fault("shared", "two training runs", "the second is refused")
def test_a_folder_in_use_is_refused(tmp_path):
    with locked(tmp_path), pytest.raises(BadInput, match="in use by another run"):
        SMALL.run(tmp_path)
    SMALL.run(tmp_path)


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    place = tmp_path / "file"
    place.touch()
    with pytest.raises(BadInput, match="cannot be written"):
        SMALL.run(place)


def test_progress_counts_all_steps_also_those_that_became_unnecessary():
    steps = []
    run = replace(SMALL, stop=Stop(loss=0.4)).run(progress=steps.append)
    assert run.sizes["step"] < 30
    assert sum(steps) == 30


def test_a_watcher_is_shown_loss_and_sharpness():
    class Watcher:
        shown = ()

        def __call__(self, steps):
            pass

        def show(self, *, loss, sharpness):
            self.shown += ((loss, sharpness),)

    watcher = Watcher()
    run = replace(SMALL, measure=Measure(every=10)).run(progress=watcher)
    loss, sharpness = watcher.shown[0]
    assert loss in run.loss.values
    assert sharpness in run.sharpness.values


@dataclass(frozen=True)
class Normalizing:
    """A network whose outputs depend on the other examples of the batch."""

    dropout: float = 0.0

    def build(self, examples, generator):
        parts = [nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10), nn.Dropout(self.dropout)]
        return nn.Sequential(*parts).double()


def test_a_network_without_a_full_batch_loss_is_refused_in_the_words_of_the_experiment():
    SMALL_NORMALIZING = replace(SMALL, network=Normalizing(), steps=2)
    SMALL_NORMALIZING.run()
    with pytest.raises(BadInput, match="leave micro_batch out"):
        replace(SMALL_NORMALIZING, micro_batch=10).run()
    with pytest.raises(BadInput, match="random"):
        replace(SMALL, network=Normalizing(dropout=0.5)).run()


@pytest.mark.fault("memory", "a batch of a training run", "one line with the remedy")
def test_where_there_is_no_memory_the_remedy_is_named():
    @dataclass(frozen=True)
    class Huge:
        def build(self, examples, generator):
            return Greedy().double()

    class Greedy(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 10)

        def forward(self, inputs):
            if len(inputs) > 300:
                torch.empty(2**62, dtype=torch.uint8)
            return self.layer(inputs.flatten(1))

    everything = replace(SMALL, data=Digits(examples=500), network=Huge(), steps=2)
    with pytest.raises(BadInput, match=r"no memory for 500 examples at once: give micro_batch"):
        everything.run()
    assert replace(everything, micro_batch=100).run().ending == "steps"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"micro_batch": 0}, "micro_batch = 0"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"loss": "hinge"}, "loss = hinge: give mse or cross_entropy"),
        ({"precision": "float16"}, "precision = float16"),
        ({"later_etas": ((30, 0.1),)}, "later_etas"),
        ({"later_etas": ((3, 0.1), (2, 0.2))}, "later_etas"),
        ({"later_etas": ((3, 0.0),)}, "later_etas"),
        ({"later_etas": (3,)}, "give pairs of a step and a step size"),
        ({"rule": "sgd"}, r"rule: must be a description such as GradientDescent\(0.01\), not str"),
        ({"data": None}, "data: must be a description"),
        ({"data": GradientFlow()}, "data: must be a description"),
        ({"network": "mlp"}, "network: must be a description"),
        ({"network": FullyConnected}, "network: must be a description"),
        ({"measure": 10}, "measure: must be a description"),
        ({"seed": 2**64}, "seed = 18446744073709551616: must be 9223372036854775807 or less"),
        ({"stop": 0.1}, "stop: must be a description"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused_when_the_experiment_is_described(changes, said):
    with pytest.raises(BadInput, match=said):
        replace(SMALL, **changes)


@pytest.mark.parametrize(
    ("experiment", "said"),
    [
        (replace(SMALL, batch_size=51), "batch_size = 51"),
        (replace(SMALL, data=Chebyshev(degree=3), stop=Stop(accuracy=0.9)), "no classes"),
        (replace(SMALL, device="nowhere"), "device = nowhere"),
        (replace(SMALL, device="hpu"), r"^device = hpu: not there \(.{1,120}\); cpu is always there$"),
        (replace(SMALL, device="meta"), r"^device = meta: not there \(.{1,120}\); cpu is always there$"),
        (replace(SMALL, device="vulkan"), r"^device = vulkan: not there \(.{1,120}\); cpu is always there$"),
        (replace(SMALL, device="cuda:77"), r"^device = cuda:77: not there \(.{1,120}\); cpu is always there$"),
        (replace(SMALL, network=FullyConnected((10**6, 10**6))), "network: no memory for its weights"),
        (replace(SMALL, network=FullyConnected((10**10, 10**10))), "network: no memory for its weights"),
        (replace(SMALL, network=FullyConnected((10**19,))), "network: no memory for its weights"),
        (replace(SMALL, rule=GradientFlow(), batch_size=5), "gradient flow"),
    ],
    ids=["batch", "accuracy", "device", "hpu", "meta", "vulkan", "cuda", "wide", "wider", "widest", "flow"],
)
def test_what_does_not_fit_the_data_is_refused_when_it_is_run(experiment, said):
    with pytest.raises(BadInput, match=said):
        experiment.run()


@pytest.mark.parametrize("fields", [{"every": 0}, {"every": 1, "weights_every": 0}, {"every": 1, "eigenvalues": 0}])
def test_intervals_below_one_are_refused(fields):
    with pytest.raises(BadInput, match="= 0: must be 1 or more"):
        Measure(**fields)


def test_cross_entropy_without_classes_is_refused():
    experiment = Experiment(Chebyshev(3), FullyConnected((5,)), GradientDescent(0.1), 3, loss="cross_entropy")
    with pytest.raises(BadInput, match="no classes"):
        experiment.run()


def test_a_folder_may_be_given_as_text(tmp_path):
    experiment = Experiment(Chebyshev(3), FullyConnected((5,)), GradientDescent(0.1), 3)
    assert experiment.run(str(tmp_path / "run")).identical(experiment.run(tmp_path / "run"))
