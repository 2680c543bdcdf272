import numpy as np
import pytest
import xarray as xr

from analysis.gradient_flow.__main__ import Options, runs, study
from analysis.gradient_flow.beside import beside_the_flow
from analysis.gradient_flow.first_order import solve_first_order
from analysis.study.work import verdicts as verdicts_of
from analysis.training import flat_loss
from eos_sym import BadInput, Undecided
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import gradient
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine

ETAS = (0.5, 0.4, 0.1)  # the last is the control
END, RATE = 100, 0.1  # the flow's sharpness is 1 + RATE·t
DELAY = {"tanh": 33.0, "relu": 5.0}


def crossing_time(eta):
    return (2 / eta - 1) / RATE


def history(eta, activation, order=1.0, delay=None, leaves=5.0, stays=1.0, ending="steps", end=END):
    """A run that follows the flow in first order until some time after the crossing, and then is far from it."""
    departed = crossing_time(eta) + (DELAY[activation] if delay is None else delay)
    steps = np.arange(round(end / eta) + 1)
    time = steps * eta
    sharpness = np.where(time < max(departed, crossing_time(eta) + 1), 1 + RATE * time, stays * (2 / eta - 0.01))
    points = np.linspace(0, end, 101)
    distance = 0.1 * eta**order * (1 + points / 50) * np.where(points < departed, 1, leaves)
    return xr.Dataset(
        {
            "loss": ("step", np.exp(-time / 50)),
            "sharpness": ("reading", sharpness),
            "distance": ("point", distance),
            "distance_time": ("point", points),
            "eta": eta,
            "ending": ending,
        },
        {"step": steps, "reading": steps, "point": np.arange(101), "time": ("step", time)},
    )


def training(**changes):
    several = [history(eta, activation, **changes) for activation in DELAY for eta in ETAS]
    return combine(several, {"activation": list(DELAY), "number": range(1, len(ETAS) + 1)})


def flow(rise=RATE, ending="time"):
    times = np.linspace(0, END, 201)
    one = xr.Dataset(
        {"sharpness": ("reading", 1 + rise * times), "ending": ending},
        {"reading": np.arange(201), "reading_time": ("reading", times)},
    )
    return combine([one, one], {"activation": list(DELAY)})


def first_order(early=10.0, flow_error=1e-6, correction=0.12, vector_error=0.02):
    return xr.Dataset(
        {"early": early, "flow_error": flow_error, "correction": correction, "vector_error": vector_error}
    )


def single_precision(delay=21.2, **changes):
    """The run with the largest step size; from this delay on growth is less by 20.1."""
    return combine([history(ETAS[0], "tanh", delay=delay, **changes)], {"precision": ["single"]})


def verdicts(runs=None, flows=None, early=None, single=None):
    shared = {"training": runs or training(), "flow": flows or flow(), "first_order": early or first_order()}
    shared["single_precision"] = single or single_precision()
    return {name: found.status for name, found in verdicts_of(study, **shared).items()}


def tanh_runs():
    """The runs with tanh: the descent with the largest step size, and the control."""
    found = beside_the_flow(training().sel(activation="tanh"), flow().sel(activation="tanh"))
    return found.descents[0], found.control


def test_leaving_the_flow_after_the_crossing_supports_every_claim_on_runs():
    found = verdicts()
    assert found.pop("first_order_on_a_quadratic") == "proved"
    assert set(found.values()) == {"supported"}


def test_a_distance_of_second_order_in_the_step_size_is_refuted():
    assert verdicts(training(order=2.0))["first_order"] == "refuted"


def test_a_distance_that_is_not_the_predicted_one_is_refuted():
    assert verdicts(early=first_order(correction=0.13))["first_order"] == "refuted"
    assert verdicts(early=first_order(vector_error=1.0))["first_order"] == "refuted"


def test_a_delay_that_does_not_know_of_the_precision_is_refuted():
    assert verdicts(single=single_precision(delay=DELAY["tanh"]))["precision_shortens_the_delay"] == "refuted"


def test_a_flow_that_scipy_does_not_find_is_refuted():
    assert verdicts(early=first_order(flow_error=1e-2))["flow_is_the_flow"] == "refuted"


def test_leaving_the_flow_before_the_crossing_is_refuted():
    found = verdicts(training(delay=-5.0))
    assert found["tracks_until_the_crossing_tanh"] == found["tracks_until_the_crossing_relu"] == "refuted"


def test_staying_with_the_flow_long_after_the_crossing_is_refuted():
    found = verdicts(training(leaves=1.5))
    assert found["departs_after_the_crossing_tanh"] == "refuted"
    assert found["larger_steps_depart_earlier_tanh"] == "undecided"


def test_a_smaller_step_size_that_departs_first_is_refuted():
    late = [history(eta, activation, delay=40.0 if eta == 0.5 else 5.0) for activation in DELAY for eta in ETAS]
    runs = combine(late, {"activation": list(DELAY), "number": range(1, len(ETAS) + 1)})
    assert verdicts(runs)["larger_steps_depart_earlier_tanh"] == "refuted"


def test_a_flow_that_stays_below_the_edge_is_refuted_unless_it_was_cut_short():
    assert verdicts(flows=flow(rise=0.01))["flow_ignores_the_edge_tanh"] == "refuted"
    assert verdicts(flows=flow(rise=0.01, ending="steps"))["flow_ignores_the_edge_tanh"] == "undecided"


def test_a_descent_that_comes_back_far_below_the_edge_is_refuted():
    assert verdicts(training(stays=0.5))["flow_ignores_the_edge_tanh"] == "refuted"


def test_a_control_whose_sharpness_is_not_the_flows_is_refuted():
    assert verdicts(flows=flow(rise=2 * RATE))["control_tracks_to_the_end_tanh"] == "refuted"


def test_a_long_delay_is_no_short_one():
    assert verdicts(training(delay=30.0))["kinks_shorten_the_delay_relu"] == "refuted"
    assert verdicts(training(delay=2.0))["delayed_by_rounding_tanh"] == "refuted"


def test_a_run_that_starts_above_the_edge_has_not_crossed_it():
    above = training()
    above.sharpness[..., 0] = 100.0
    found = verdicts(above)
    assert found["tracks_until_the_crossing_tanh"] == found["departs_after_the_crossing_relu"] == "undecided"


def test_diverged_and_short_runs_decide_nothing():
    diverged = verdicts(training(ending="diverged"))
    assert diverged["departs_after_the_crossing_tanh"] == diverged["flow_ignores_the_edge_relu"] == "undecided"
    short = verdicts(training(end=20), flow(ending="steps"), first_order(early=np.nan), single_precision(end=20))
    assert short.pop("first_order_on_a_quadratic") == "proved"
    assert set(short.values()) - {"supported"} == {"undecided"}
    assert "refuted" not in short.values()


def test_the_excess_is_one_in_first_order_and_the_departure_where_it_passes_the_factor():
    larger, control = tanh_runs()
    np.testing.assert_allclose(larger.excess[larger.excess_times < crossing_time(0.5)], 1, rtol=1e-12)
    assert larger.departed() == crossing_time(0.5) + DELAY["tanh"]
    with pytest.raises(Undecided, match="with the flow until the run ended"):
        control.departed()


def test_the_growth_is_the_sum_of_the_logarithms_of_the_multiplier():
    larger, _ = tanh_runs()
    steps = np.arange(crossing_time(0.5), crossing_time(0.5) + DELAY["tanh"] - 1, 0.5)
    expected = np.log(0.5 * (1 + RATE * steps) - 1).sum()
    assert larger.growth(steps[-1] + 0.5) == pytest.approx(expected, rel=0.05)


def test_euler_steps_that_go_to_zero_are_apart_from_the_flow_as_the_first_order_says():
    run_ = Experiment(Digits(20), FullyConnected((4,)), GradientDescent(0.1), 10, precision="float64")
    loss = flat_loss(run_)
    start = loss.parameters
    there, correction = solve_first_order(run_, start.numpy(), 1.0)
    errors = []
    for eta in (0.02, 0.01):
        point = start.clone()
        for _ in range(round(1.0 / eta)):
            point = point - eta * gradient(loss, point)
        errors.append((point.numpy() - there) / eta)
    assert np.linalg.norm(2 * errors[1] - errors[0] - correction) < 1e-2 * np.linalg.norm(correction)
    assert np.linalg.norm(errors[1] - correction) < 0.1 * np.linalg.norm(correction)


def test_all_comparisons_are_at_times_where_the_flow_keeps_its_weights():
    for pair in runs(Options()).values():
        kept = set(pair.flow.rule.weights_at)
        for eta, one in zip(pair.etas, pair.descents, strict=True):
            every = one.measure.weights_every
            assert {float(eta * step) for step in range(0, one.steps, every)} <= kept
        assert max(kept) <= pair.flow.rule.until


def test_step_sizes_that_are_not_positive_are_refused_in_one_line():
    with pytest.raises(BadInput, match="--eta -1"):
        Options(eta=(-1,))
