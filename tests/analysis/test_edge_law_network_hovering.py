"""What the study of hovering concludes from windows that are made up, and the loss on which two modes take turns.

Wrong programs these catch: a damped cosine that is fitted to its envelope, or to the prediction it begins with; a
chance that counts ties; a verdict of few windows; an amplitude that is judged where it is right; a criterion that
says of all windows what most of them do; a guess that is worse by being absent; a loss of two modes on which rank one
bursts as well.
"""

import numpy as np
import pytest
import xarray as xr

from analysis.edge_law_network.ending.decay import decay, rate_law
from analysis.edge_law_network.hovering.bursts import hover_or_burst, on_the_loss, order, ranks, right, two_modes
from analysis.edge_law_network.hovering.kicks import amplitudes, answer_of, kicks
from analysis.edge_law_network.hovering.one_mode import by_kicks, one_mode
from analysis.edge_law_network.hovering.windows import SLOW, SPAN, noisy_digits
from analysis.study.evidence import all_heard
from eos_sym import Undecided

KICKED = one_mode()


@pytest.mark.parametrize("guessed", [45.0, 70.0, 160.0])
def test_a_damped_cosine_is_found_again(guessed):
    time = np.arange(1, 201)
    curve = np.exp(-0.013 * time) * (0.09 * np.cos(2 * np.pi * time / 83) - 0.02 * np.sin(2 * np.pi * time / 83))
    found = answer_of(curve, -0.01, guessed)
    assert found == pytest.approx((-0.013, 83.0, 0.0), abs=1e-5)


def windows(growth, swing, second):
    """Windows at the edge with these numbers."""
    size = len(growth)
    flat = {"growth": growth, "square": np.ones(size), "balanced": np.ones(size), "modes": np.ones(size, int)}
    flat |= {"below_threshold": (np.asarray(growth) < 0) * 1.0, "alpha": np.full(size, 0.5)}
    flat |= {"activation": np.full(size, "tanh"), "eta": np.full(size, 0.1), "seed": np.arange(size)}
    below = {name: (("window", "slow"), np.ones((size, len(SLOW)))) for name in ("alpha_below", "beta_below")}
    oscillation = np.ones((size, SPAN))
    oscillation[:, 0] = swing
    eigenvalues = np.column_stack([np.full(size, 1.001), second])
    return xr.Dataset(
        {name: ("window", np.asarray(values)) for name, values in flat.items()}
        | below
        | {
            "oscillation": (("window", "step_in_window"), oscillation),
            "eigenvalues": (("window", "mode"), eigenvalues),
        },
        {"slow": list(SLOW)},
    )


def test_a_criterion_that_orders_all_windows_is_told_from_one_that_orders_none():
    half = np.repeat([-0.01, 0.02], 40)
    made = windows(half, np.repeat([1.1, 9.0], 40), np.full(80, 0.99))
    evidence = {one.quantity: one for one in all_heard(hover_or_burst(made, KICKED))}
    told = next(one for name, one in evidence.items() if "right by the determinant less" in name)
    assert told.observed == pytest.approx(0.5)
    labelled = made.assign(manner=("window", np.repeat(["hovers", "bursts"], 40)), second=made.eigenvalues[:, 1])
    assert (order(labelled, "growth"), order(labelled, "second")) == (1.0, 0.5)
    assert right(labelled, "growth", 0.0) == 1.0


def test_a_criterion_that_always_says_what_most_windows_do_tells_nothing():
    made = windows(np.full(80, -0.01), np.repeat([1.1, 9.0], [60, 20]), np.full(80, 0.9))
    told = [one for one in all_heard(hover_or_burst(made, KICKED)) if "share told right by" in one.quantity]
    assert [one.status for one in told] == ["refuted"] * 3
    assert "80 windows of 80 runs" in told[0].quantity


def test_the_amplitude_is_judged_of_all_windows_that_hover_and_not_where_it_is_right():
    made = windows(np.full(20, -0.01), np.full(20, 1.1), np.full(20, 0.9))
    assert next(all_heard(amplitudes(made))).status == "supported"
    wrong = made.assign(balanced=("window", np.where(np.arange(20) < 12, 3.0, 1.0)))
    assert next(all_heard(amplitudes(wrong))).observed == 2
    none = made.assign(balanced=("window", np.where(np.arange(20) < 12, np.nan, 1.0)))
    assert next(all_heard(amplitudes(none))).status == "refuted"


def test_the_threshold_is_where_kicks_of_gradient_descent_begin_to_grow():
    """Against thresholds or frequencies that only the multipliers, derived with them, would confirm."""
    assert {one.status for one in by_kicks(KICKED)} == {"supported"}
    swapped = KICKED.assign(answer=KICKED.answer.isel(side=slice(None, None, -1)).drop_vars("side"))
    assert [one.status for one in by_kicks(swapped)].count("refuted") == 3


def test_few_windows_decide_nothing():
    made = windows([-0.01] * 9, [1.1] * 9, [0.9] * 9)
    told = [one.status for one in all_heard(hover_or_burst(made, KICKED))]
    assert told.count("supported") == len(list(by_kicks(KICKED))) == len(told) - 1
    assert told[-1] == "undecided"
    with pytest.raises(Undecided, match="take more runs"):
        kicks(made.isel(window=slice(3)))


def test_many_windows_of_few_runs_say_nothing_of_the_rank():
    made = windows(np.full(60, 0.01), np.repeat([1.1, 9.0], 30), np.full(60, 0.99))
    made = made.assign({"count": ("window", np.full(60, 2)), "rank": ("window", np.repeat([1, 2], 30))})
    found = [one for one in all_heard(ranks(made, two_modes())) if one.channel == "network"]
    assert [one.status for one in found] == ["supported", "supported"]
    few = made.assign(seed=("window", np.arange(60) % 4))
    assert not [one for one in all_heard(ranks(few, two_modes())) if one.channel == "network"]


def test_two_modes_that_are_both_driven_take_turns_and_one_that_is_hovers():
    evidence = list(on_the_loss(two_modes()))
    assert len(evidence) == 6
    assert {one.status for one in evidence} == {"supported"}


def test_the_rate_law_is_supported_where_it_holds_and_refuted_where_it_does_not():
    gap = np.geomspace(1e-3, 0.1, 30)
    runs = {"gap": gap, "smallest": 1.1 * gap, "frozen": 2 * gap, "limit": 3 * gap}
    made = xr.Dataset({name: ("run", values) for name, values in runs.items()})
    assert {one.status for one in all_heard(rate_law(made))} == {"supported"}
    blind = made.assign(smallest=("run", gap.mean() * np.where(np.arange(30) % 2, 1.1, 0.9)))
    assert "refuted" in {one.status for one in all_heard(rate_law(blind))}


def test_a_guess_that_is_not_there_is_no_worse_and_runs_that_end_above_the_edge_are_counted():
    gap = np.append(np.geomspace(1e-3, 0.1, 30), -0.02)
    absent = np.where(np.arange(31) < 20, np.nan, 1.05 * gap)
    runs = {"gap": gap, "smallest": 1.1 * gap, "frozen": absent, "limit": 3 * gap}
    made = xr.Dataset({name: ("run", values) for name, values in runs.items()})
    found = [one for one in all_heard(rate_law(made)) if one.part and "follows" in one.part]
    assert [(one.status, one.observed) for one in found] == [("refuted", pytest.approx(0.5))]
    assert "10 runs, 20 without one of them, 1 above 2/η" in found[0].quantity


def test_without_a_run_that_converges_the_rate_law_is_undecided():
    made = decay({})
    assert made.sizes["run"] == 0
    assert {one.status for one in all_heard(rate_law(made))} == {"undecided"}


def test_the_digits_are_in_principal_components():
    found = noisy_digits()
    assert found.inputs.shape == (100, 16)
    assert found.targets.sum(1).eq(1).all()
