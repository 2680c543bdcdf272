"""The moment to forecast from, the scores, and what the claims make of them, on made-up runs; the list of runs."""

import numpy as np
import pytest
import torch
import xarray as xr

from analysis.forecast.__main__ import study
from analysis.forecast.contestants import CONTESTANTS, predicted_dynamics
from analysis.forecast.followed import FACTORS, moment_before_the_spike
from analysis.forecast.scores import COSTS, SCORES, scored, table
from analysis.forecast.trials import trials
from analysis.study.work import verdicts
from eos_sym import Undecided
from eos_sym.self_stabilization import BASE, ReducedOrderModel
from numeric.networks.data import Examples
from numeric.networks.forecast.loss_expansion.model import EdgeFit, LossModel

RUNS = 10


def spike(place, height, steps=300, width=4.0):
    return height * np.exp(-abs(np.arange(1, steps + 1) - place) / width)


def test_the_moment_is_before_the_first_spike_that_counts():
    ripple, first, higher = spike(20, 1e-5), spike(100, 0.1), spike(200, 0.3)
    found = moment_before_the_spike(ripple + first + higher)
    assert found == 100 - int(np.ceil(4 * np.log(1000)))  # not before the ripple, and not before the highest
    assert (ripple + first + higher)[found - 1] < 1e-4 < (ripple + first + higher)[found]


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (spike(100, 0.1)[:99], "not over"),
        (spike(100, 0.1) + 1e-3, "never below"),
        (np.append(spike(100, 0.1)[:95], np.inf), "not over"),
    ],
)
def test_runs_without_a_moment_say_why(size, reason):
    with pytest.raises(Undecided, match=reason):
        moment_before_the_spike(size)


def run(size, sharpness, loss=None):
    steps = np.arange(1, len(size) + 1)
    return xr.Dataset(
        {
            "oscillation": (("step", "mode"), np.stack([size, 0 * size, 0 * size], 1)),
            "sharpness": ("reading", sharpness),
            "loss": ("step", np.ones(len(size)) if loss is None else loss),
            "trusted": True,
        },
        {"step": steps, "reading": 5 * np.arange(1, len(sharpness) + 1), "factor": 1.0},
    )


def test_scores_of_a_forecast_that_is_late_and_high():
    readings = np.sin(np.arange(60) / 5)
    true = run(spike(40, 0.2), readings)
    found = scored(true, run(spike(42, 0.21), 3 * readings + 1, np.full(300, 1.5)), 1)
    assert (found["step"], found["height"]) == pytest.approx((0.05, 0.05))
    assert (found["correlation_100"], found["correlation_300"]) == pytest.approx((1, 1))
    assert (found["level_100"], found["spikes"]) == (1.5, 2)


def test_scores_of_forecasts_that_miss_the_spike_or_end_early():
    true = run(spike(40, 0.2), np.sin(np.arange(60) / 5))
    flat = scored(true, run(np.full(300, 0.01), np.sin(np.arange(60) / 5)), 1)
    assert (flat["step"], flat["height"], flat["spikes"]) == (1, 1, 1)
    ends = run(np.where(np.arange(300) < 60, spike(40, 0.2), np.nan), np.where(np.arange(60) < 12, 1.0, np.nan))
    early = scored(true, ends, 1)
    assert (early["step"], early["correlation_100"], early["correlation_300"]) == (0, -1, -1)


def test_the_predicted_dynamics_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    form = ReducedOrderModel(1, 3, BASE)
    quadratic = np.diag([1.0, 2.0, 0.5])[None]
    base = LossModel(form, rng.normal(size=4), rng.normal(size=(3, 3)), quadratic)
    fit = EdgeFit(ReducedOrderModel(1, 0, BASE), base.a, torch.from_numpy(base.b), 0.0, 1.0)
    x, z = np.array([0.3]), np.array([0.1, -0.2, 0.4])
    gradient, third = base.b[0], 2 * base.b[2]
    delta_squared = -2 * (gradient @ third) / (third @ third)
    along, across = predicted_dynamics(base, fit).gradient(x, z)
    expected = base.a[0] + 2 * base.a[1] * x + base.b[1] @ z + x * (third @ z)
    assert along == pytest.approx(expected)
    assert across == pytest.approx(quadratic[0] @ z + base.b[1] * x + (x**2 - delta_squared) / 2 * third)


def scores(trusted=1.0, height=0.01, evaluations=100.0, correlation=0.995, apart=""):
    """The scores of ten runs with half squared error."""
    shape = (RUNS, len(CONTESTANTS), len(FACTORS))
    values = dict.fromkeys(SCORES, 0.0) | {"spikes": 2.0, "height": height, "trusted": trusted}
    values |= {"correlation_100": correlation, "correlation_300": correlation, "level_100": 1.0}
    costs = dict.fromkeys(COSTS, 1.0) | {"evaluations": evaluations}
    along = ("trial", "contestant", "factor")
    spread = {name: np.broadcast_to(np.reshape(value, (-1, 1, 1)), shape) for name, value in values.items()}
    return xr.Dataset(
        {name: (along, value) for name, value in spread.items()}
        | {name: (along[:2], np.full(shape[:2], value)) for name, value in costs.items()}
        | {
            "loss_function": ("trial", ["mse"] * RUNS),
            "apart": ("trial", [apart] * RUNS),
            "reason": ("trial", [""] * RUNS),
        },
        {"trial": [str(one) for one in range(RUNS)], "contestant": [*CONTESTANTS], "factor": [*FACTORS]},
    )


def judged(**values):
    return {name: verdict.status for name, verdict in verdicts(study, scores=scores(**values)).items() if "mse" in name}


def test_good_forecasts_support_every_claim():
    assert {*judged().values()} == {"supported"}


def some(value, other, number):
    return np.array([other] * number + [value] * (RUNS - number))


@pytest.mark.parametrize(
    ("values", "refuted"),
    [
        ({"trusted": some(1.0, 0.0, 3)}, "first_spikes_loss_mse"),
        ({"height": some(0.01, 0.03, 2)}, "first_spikes_loss_mse"),
        ({"height": some(0.01, 0.03, 2)}, "other_step_sizes_loss_mse"),
        ({"correlation": 0.94}, "first_spikes_loss_mse"),
        ({"evaluations": 120.3}, "cost_loss_mse"),
    ],
)
def test_what_falls_short_is_refuted(values, refuted):
    assert judged(**values)[refuted] == "refuted"


@pytest.mark.parametrize(
    "values",
    [
        {"trusted": some(1.0, 0.0, 2)},
        {"height": some(0.01, 0.03, 1)},
        {"trusted": some(1.0, 0.0, 2), "height": some(0.01, 0.5, 2)},  # the gates refuse the wrong ones
    ],
)
def test_what_is_allowed_to_fail_may(values):
    assert judged(**values)["first_spikes_loss_mse"] == "supported"


def test_a_forecast_that_is_not_made_counts_as_refused():
    """Against shares of the forecasts that were made, or of all runs, with or without a moment."""
    made = scores(trusted=some(1.0, np.nan, 3))
    assert verdicts(study, scores=made)["first_spikes_loss_mse"].parts[0].status == "refuted"
    assert "no forecast of 3 more" in table(made)["mse"]["expansion of the loss"]
    early = made.assign(reason=("trial", some("", "starts at the edge or above it", 3)))
    found = verdicts(study, scores=early)["first_spikes_loss_mse"]
    assert found.status == "supported"
    assert "7 of 7, 3 more without a moment" in found.evidence[0].quantity


def test_the_shares_say_how_many_are_refused_and_are_not_told_of_few_runs():
    """Against four step sizes of one run taken for four runs."""
    made = verdicts(study, scores=scores(trusted=some(1.0, 0.0, 2)))
    assert "8 of 8, 2 more refused" in made["first_spikes_loss_mse"].evidence[1].quantity
    assert "32 of 32, 8 more refused" in made["other_step_sizes_loss_mse"].evidence[0].quantity
    few = judged(trusted=some(1.0, 0.0, 6))
    assert (few["first_spikes_loss_mse"], few["other_step_sizes_loss_mse"]) == ("refuted", "undecided")


def test_runs_that_are_apart_decide_nothing():
    assert judged(apart="kinked")["first_spikes_loss_mse"] == "undecided"
    found = table(scores(apart="kinked"))
    assert [*found] == ["mse, kinked"]
    assert found["mse, kinked"]["runs"].startswith("10 of 10")


def test_the_table_tells_the_forecasts_let_through_from_the_others():
    found = table(scores(trusted=some(1.0, 0.0, 4), height=some(0.01, 0.5, 4)))
    assert [*found] == ["mse", "mse, k = 1"]
    assert "in 6 of 10; let through 6, of these 6 of 6" in found["mse"]["expansion of the loss"]


def test_the_list_of_runs_is_long_enough_and_shares_no_seed():
    images = Examples(*(torch.ones(2, 3) for _ in range(2)), classes=False)
    without, listed = list(trials("full", None, 0)), list(trials("full", images, 0))
    claimed = [one for one in without if not one.apart]
    assert len(claimed) >= 40
    assert len(listed) > len(without)
    seeds = [one.experiment.seed for one in listed]
    assert len({*seeds}) == len(seeds) == len({one.name for one in listed})
    assert min(seeds) > 5
    assert {one.name: one.experiment.seed for one in without}.items() <= {
        o.name: o.experiment.seed for o in listed
    }.items()
    assert {one.experiment.precision for one in listed} == {"float64"}
    assert not {*seeds} & {one.experiment.seed for one in trials("full", images, 1)}
