"""Gradient flow of networks against SciPy's solver, the exact flow of a quadratic, and the flow of the same formula."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.integrate import solve_ivp
from torch import nn

import numeric.networks.training.flow.flow_training as flow_module
from eos_sym import BadInput, product
from eos_sym.flows import gradient_flow
from numeric.flows import compile_flow
from numeric.networks import FlatLoss, gradient, half_squared_error, sharpness
from numeric.networks.architectures import FullyConnected, scalar_chain
from numeric.networks.data import Digits
from numeric.networks.training.checkpoints.checkpoint import from_bytes, to_bytes
from numeric.networks.training.experiment import Experiment
from numeric.networks.training.flow import REAL_LIMIT, GradientFlow, runge_kutta_step
from numeric.networks.training.flow.flow_training import FlowTraining, integrate_flow
from numeric.networks.training.loop.train import Stop
from numeric.networks.training.measure import Measure


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small_loss(micro_batch=None):
    """A tanh network of 63 weights on twenty examples of three classes."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 3)).double()
    labels = torch.arange(20) % 3
    targets = nn.functional.one_hot(labels, 3).double()
    inputs = draw(1, 20, 5) + 2 * targets @ draw(2, 3, 5)
    return FlatLoss(module, inputs, targets, half_squared_error, micro_batch)


def quadratic(*eigenvalues):
    """½ Σ λᵢwᵢ², as a network of one linear layer; its Hessian is diagonal."""
    size = len(eigenvalues)
    inputs = torch.diag(torch.tensor(eigenvalues, dtype=torch.float64).mul(size).sqrt())
    module = nn.Linear(size, 1, bias=False).double()
    nn.init.ones_(module.weight)
    return FlatLoss(module, inputs, torch.zeros(size, 1).double(), half_squared_error)


def chain_at(weights):
    loss = scalar_chain(len(weights))
    loss.load(torch.tensor(weights, dtype=torch.float64))
    return loss


def true_flow(loss, times):
    """The weights at the times, by a Runge–Kutta method of order 8 with tight tolerances."""
    solved = solve_ivp(
        lambda _, theta: -gradient(loss, torch.from_numpy(theta)).numpy(),
        (0, times[-1]),
        loss.parameters.numpy(),
        "DOP853",
        times,
        rtol=1e-12,
        atol=1e-13,
    )
    return solved.y.T


def test_the_error_falls_with_the_fourth_power_of_the_step():
    expected = true_flow(small_loss(), [2.0])[0]
    errors = []
    for h in (0.25, 0.125, 0.0625):
        loss = small_loss()
        history = integrate_flow(loss, GradientFlow(REAL_LIMIT, longest_step=h, until=2.0), steps=100)
        assert history.sizes["step"] == round(2 / h) + 1
        errors.append(np.linalg.norm(loss.parameters.numpy() - expected))
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert orders == pytest.approx([4, 4], abs=0.3)


@pytest.mark.parametrize(("times_sharpness", "grows"), [(2.78, False), (2.79, True)])
def test_a_step_beyond_the_real_limit_grows_and_one_below_shrinks(times_sharpness, grows):
    def slope(point):
        return 5.0 * point

    start = point = torch.tensor([0.7], dtype=torch.float64)
    h = times_sharpness / 5.0
    for _ in range(50):
        point, _ = runge_kutta_step(slope, point, slope(point), h)
    z = -times_sharpness
    factor = 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24
    assert point.item() == pytest.approx(start.item() * factor**50, rel=1e-12)
    assert (point.abs() > start.abs()).item() is grows


def test_the_real_limit_is_where_a_step_neither_grows_nor_shrinks():
    z = -REAL_LIMIT
    assert 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24 == pytest.approx(1, abs=1e-14)


def test_the_step_is_the_number_asked_for_over_the_sharpness():
    loss, measure = quadratic(5.0, 1.0, 0.5, 0.2, 0.1, 0.0), Measure(10, relative=1e-9)
    history = integrate_flow(loss, GradientFlow(1.5), steps=20, measure=measure)
    np.testing.assert_allclose(np.diff(history.time), 1.5 / 5, rtol=1e-9)
    np.testing.assert_allclose(history.sharpness, 5, rtol=1e-9)
    assert history.ending == "steps"


def test_the_flow_of_a_chain_of_scalars_is_that_of_its_formula():
    start, times = [1.2, 0.3, 0.9, 0.5], (0.5, 1.0, 2.0)
    rule = GradientFlow(0.03, until=2.0, weights_at=times)
    history = integrate_flow(chain_at(start), rule, steps=10_000)
    objective = product(4)
    names = [weight.name for weight in objective.weights]
    formula = compile_flow(gradient_flow(objective)).run(
        dict(zip(names, start, strict=True)), {}, times=[0, *times], rtol=1e-11, atol=1e-12
    )
    expected = formula.trajectory.transpose("time", "state").values[1:]
    np.testing.assert_allclose(history.weights, expected, rtol=0, atol=1e-8)


def test_weights_at_given_times_are_those_of_the_true_flow():
    times = (0.0, 0.37, 0.38, 1.9, 2.4)
    loss = small_loss()
    expected = true_flow(loss, times)
    history = integrate_flow(loss, GradientFlow(0.1, weights_at=times, until=3.0), steps=1000)
    assert history.ending == "time"
    assert history.time[-1] == 3.0
    np.testing.assert_array_equal(history.snapshot_time, times)
    np.testing.assert_array_equal(history.time.sel(step=history.snapshot), times)
    np.testing.assert_allclose(history.weights, expected, rtol=0, atol=1e-7)


def test_a_time_that_is_asked_for_costs_at_most_one_step_more():
    steps = [
        integrate_flow(quadratic(1.0), GradientFlow(1.0, until=20.5, weights_at=times), steps=100).sizes["step"]
        for times in ((), (3.3, 7.9))
    ]
    assert steps[1] <= steps[0] + 2


@pytest.mark.parametrize("times_sharpness", [1.0, 2.7])
def test_the_loss_only_falls(times_sharpness):
    history = integrate_flow(small_loss(), GradientFlow(times_sharpness, longest_step=10.0), steps=100, classes=True)
    assert (np.diff(history.loss) < 0).all()
    assert history.accuracy[-1] > history.accuracy[0]


def test_readings_are_those_of_the_dense_hessian_and_the_last_point_has_one():
    loss = small_loss()
    history = integrate_flow(loss, GradientFlow(every=7), steps=45, measure=Measure(15, relative=1e-6))
    assert history.reading.values.tolist() == [0, 7, 14, 15, 21, 28, 30, 35, 42, 45]
    np.testing.assert_array_equal(history.reading_time, history.time.sel(step=history.reading.values))
    assert history.sharpness[0] == pytest.approx(sharpness(small_loss(), small_loss().parameters), rel=1e-6)
    assert history.sharpness[-1] == pytest.approx(sharpness(loss, loss.parameters), rel=1e-6)
    assert history.loss[-1] == pytest.approx(float(loss(loss.parameters)), rel=1e-12)
    assert history.gradient_norm[-1] == pytest.approx(float(gradient(loss, loss.parameters).norm()), rel=1e-10)


def suddenly_sharper():
    """A chain on its plateau: the sharpness is small for long, then rises to 4 within a few times."""
    return chain_at([0.3, 0.2, 0.2, 0.25])


def largest_step_times_sharpness(history, loss):
    """max hS over the steps, S the greater of the dense ones at both ends."""
    ends = [sharpness(loss, torch.tensor(weights)) for weights in history.weights.values]
    steps = np.diff(history.snapshot_time)
    return max(h * max(pair) for h, pair in zip(steps, pairwise(ends), strict=True))


def test_the_step_stays_below_the_limit_while_the_sharpness_rises():
    loss, rule = suddenly_sharper(), GradientFlow(1.0, longest_step=5.0, every=5)
    history = integrate_flow(loss, rule, steps=100, measure=Measure(5, weights_every=1))
    first, last = (sharpness(loss, torch.tensor(history.weights.values[place])) for place in (0, -1))
    assert last > 10 * first
    assert largest_step_times_sharpness(history, loss) < REAL_LIMIT


def test_a_rise_between_readings_is_noticed(monkeypatch):
    rule = GradientFlow(1.0, longest_step=20.0, every=1000)
    history = integrate_flow(suddenly_sharper(), rule, steps=200)
    assert history.sizes["reading"] > 3
    assert (np.diff(history.loss) <= 0).all()
    assert history.loss[-1] < 1e-20
    monkeypatch.setattr(flow_module, "MARGIN", math.inf)
    heedless = integrate_flow(suddenly_sharper(), rule, steps=200)
    assert not (np.diff(heedless.loss) <= 0).all()


def test_micro_batches_leave_the_flow_as_it_is():
    rule, measure = GradientFlow(weights_at=(3.0,)), Measure(10, relative=1e-10)  # the step is c over what is read
    whole, parts = (
        integrate_flow(small_loss(size), rule, steps=30, measure=measure, classes=True) for size in (None, 7)
    )
    for name in ("time", "loss", "accuracy", "sharpness", "weights"):
        xr.testing.assert_allclose(whole[name], parts[name], rtol=1e-8, atol=1e-9)


def test_single_precision_follows_the_flow_to_six_digits():
    loss, exact = small_loss(), small_loss()
    single = FlatLoss(loss.module.float(), loss.inputs.float(), loss.targets.float(), half_squared_error)
    history = integrate_flow(single, GradientFlow(0.2, until=1.0, weights_at=(1.0,)), steps=1000)
    assert history.weights.dtype == np.float32
    np.testing.assert_allclose(history.weights[0], true_flow(exact, [1.0])[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("stop", "until", "ending"),
    [
        (Stop(accuracy=0.9), None, "accuracy"),
        (Stop(loss=0.2), None, "loss"),
        (Stop(divergence=0.1), None, "diverged"),
        (Stop(), 2.5, "time"),
        (Stop(), None, "steps"),
    ],
)
def test_a_run_ends_for_the_reason_it_gives(stop, until, ending):
    history = integrate_flow(small_loss(), GradientFlow(until=until), steps=60, stop=stop, classes=True)
    assert history.ending == ending
    reached = {
        "accuracy": history.accuracy >= 0.9,
        "loss": history.loss <= 0.2,
        "diverged": history.loss > 0.1,
        "time": history.time == 2.5,
        "steps": history.step == 60,
    }[ending].values
    assert reached[-1]
    assert not reached[:-1].any()


def test_a_loss_without_a_lower_bound_ends_as_diverged():
    def falling(outputs, targets):
        return -half_squared_error(outputs, targets)

    loss = FlatLoss(*(getattr(quadratic(1.0, 2.0), name) for name in ("module", "inputs", "targets")), falling)
    history = integrate_flow(loss, GradientFlow(longest_step=50.0), steps=500)
    assert history.ending == "diverged"
    assert history.sizes["step"] < 500


def test_a_flow_at_rest_stays_at_rest():
    loss = chain_at([2.0, 0.5])
    history = integrate_flow(loss, GradientFlow(), steps=5)
    assert loss.parameters.tolist() == [2.0, 0.5]
    assert (history.loss == 0).all()


def test_a_flow_that_goes_on_from_its_state_gives_the_same_bits():
    rule = GradientFlow(weights_at=(1.0, 4.0, 9.0))

    def made():
        return FlowTraining(small_loss(), rule, steps=50, stop=Stop(), measure=Measure(4, 2), classes=True)

    undisturbed, stopped, resumed = made(), made(), made()
    for _ in undisturbed.run():
        pass
    run = stopped.run()
    for _ in range(17):
        next(run)
    resumed.restore(from_bytes(to_bytes(stopped.state())))
    for _ in resumed.run():
        pass
    xr.testing.assert_identical(resumed.history(), undisturbed.history())


def test_an_experiment_follows_the_flow_and_keeps_its_history_in_a_folder(tmp_path):
    experiment = Experiment(
        Digits(50), FullyConnected((4,)), GradientFlow(weights_at=(0.5,)), steps=12, measure=Measure(4), seed=3
    )
    run = experiment.run(tmp_path)
    assert run.reading.values.tolist() == [0, 4, 8, 10, 12]
    assert run.snapshot_time.values.tolist() == [0.5]
    xr.testing.assert_identical(experiment.run(tmp_path), run)
    xr.testing.assert_identical(experiment.run(), run)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 10}, "gradient flow has the full batch"),
        ({"later_etas": ((3, 0.1),)}, "no step sizes"),
        ({"measure": Measure(4, midpoint=True)}, "no midpoints of steps"),
        ({"measure": Measure(4, batch_sharpness=3)}, "no mini-batches to measure"),
    ],
)
def test_an_experiment_with_the_flow_refuses_what_only_an_optimizer_has(settings, message):
    with pytest.raises(BadInput, match=message):
        Experiment(Digits(50), FullyConnected((4,)), GradientFlow(), steps=12, **settings).run()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step_times_sharpness": 2.79}, r"at most 2\.785, the method's limit"),
        ({"step_times_sharpness": 0.0}, "must be positive"),
        ({"longest_step": math.inf}, "longest_step = inf: must be positive and finite"),
        ({"every": 0}, "every"),
        ({"until": -1.0}, "until = -1.0: must be positive and finite"),
        ({"weights_at": (2.0, 1.0)}, "increasing times"),
        ({"weights_at": (1.0, 2.0), "until": 1.5}, r"weights_at: 2\.0 is after the end"),
        ({"weights_at": (math.nan,)}, "increasing times"),
    ],
)
def test_flows_that_cannot_be_integrated_are_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        GradientFlow(**settings)
