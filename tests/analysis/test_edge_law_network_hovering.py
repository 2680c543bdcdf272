"""What the study of hovering concludes from windows that are made up, and the loss on which two modes take turns.

Wrong programs these catch: a damped cosine that is fitted to its envelope; a chance that counts ties; a verdict of few
windows; a loss of two modes on which rank one bursts as well.
"""

import numpy as np
import pytest
import xarray as xr

from analysis.edge_law_network.bursts import hover_or_burst, on_the_loss, order, right, two_modes
from analysis.edge_law_network.decay import decay, rate_law
from analysis.edge_law_network.hovering import SPAN, noisy_digits
from analysis.edge_law_network.kicks import answer_of, kicks
from analysis.study.evidence import all_heard
from eos_sym import Undecided


def test_a_damped_cosine_is_found_again():
    time = np.arange(1, 201)
    curve = np.exp(-0.013 * time) * (0.09 * np.cos(2 * np.pi * time / 83) - 0.02 * np.sin(2 * np.pi * time / 83))
    found = answer_of(curve, -0.01, 70.0)
    assert found == pytest.approx((-0.013, 83.0, 0.0), abs=1e-5)


def windows(growth, swing, second):
    """Windows at the edge with these numbers."""
    size = len(growth)
    flat = {"growth": growth, "square": np.ones(size), "balanced": np.ones(size), "modes": np.ones(size, int)}
    flat |= {"below_threshold": (np.asarray(growth) < 0) * 1.0}
    oscillation = np.ones((size, SPAN))
    oscillation[:, 0] = swing
    eigenvalues = np.column_stack([np.full(size, 1.001), second])
    return xr.Dataset(
        {name: ("window", np.asarray(values)) for name, values in flat.items()}
        | {"oscillation": (("window", "step_in_window"), oscillation), "eigenvalues": (("window", "mode"), eigenvalues)}
    )


def test_a_criterion_that_orders_all_windows_is_told_from_one_that_orders_none():
    half = np.repeat([-0.01, 0.02], 40)
    made = windows(half, np.repeat([1.1, 9.0], 40), np.full(80, 0.99))
    evidence = {one.quantity: one for one in all_heard(hover_or_burst(made))}
    told = next(one for name, one in evidence.items() if "right by the determinant less" in name)
    assert told.observed == pytest.approx(0.5)
    labelled = made.assign(manner=("window", np.repeat(["hovers", "bursts"], 40)), second=made.eigenvalues[:, 1])
    assert (order(labelled, "growth"), order(labelled, "second")) == (1.0, 0.5)
    assert right(labelled, "growth", 0.0) == 1.0


def test_few_windows_decide_nothing():
    made = windows([-0.01] * 9, [1.1] * 9, [0.9] * 9)
    assert {one.status for one in all_heard(hover_or_burst(made))} == {"undecided"}
    with pytest.raises(Undecided, match="take more runs"):
        kicks(made.isel(window=slice(3)))


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


def test_without_a_run_that_converges_the_rate_law_is_undecided():
    made = decay({})
    assert made.sizes["run"] == 0
    assert {one.status for one in all_heard(rate_law(made))} == {"undecided"}


def test_the_digits_are_in_principal_components():
    found = noisy_digits()
    assert found.inputs.shape == (100, 16)
    assert found.targets.sum(1).eq(1).all()
