"""Runs combined: every value where its labels say, nan where there is none."""

import itertools

import numpy as np
import pytest
import xarray as xr

from eos_sym import BadInput
from numeric.runs import combine

ETAS, SEEDS = [0.3, 0.1], ["one", "two", "three"]


def history(eta, seed, steps=4):
    step = np.arange(steps + 1)
    return xr.Dataset(
        {
            "loss": ("step", step + 100 * eta + len(seed)),
            "eigenvalue": (("reading", "index"), [[eta, 0.0], [len(seed), 1.0]]),
            "evaluations": ("reading", [3, 4]),
        },
        {"step": step, "time": ("step", eta * step), "reading": [0, 2]},
        {"eta": eta, "ending": "steps", "source": "here"},
    )


def histories(**options):
    return [history(eta, seed, **options) for eta, seed in itertools.product(ETAS, SEEDS)]


def test_every_run_is_where_its_labels_are():
    together = combine(histories(), {"eta": ETAS, "seed": SEEDS})
    assert together.loss.dims == ("eta", "seed", "step")
    assert together.eta.values.tolist() == ETAS
    assert together.seed.values.tolist() == SEEDS
    for eta, seed in itertools.product(ETAS, SEEDS):
        one, wanted = together.sel(eta=eta, seed=seed), history(eta, seed)
        for name in ("loss", "eigenvalue", "evaluations", "time"):
            np.testing.assert_array_equal(one[name], wanted[name])
            assert one[name].dtype == wanted[name].dtype


def test_runs_that_end_early_are_padded_with_nan():
    runs = histories()
    runs[1] = history(ETAS[0], SEEDS[1], steps=2)
    together = combine(runs, {"eta": ETAS, "seed": SEEDS})
    early = together.loss.sel(eta=ETAS[0], seed=SEEDS[1])
    assert np.isnan(early).values.tolist() == [False] * 3 + [True] * 2
    assert int(np.isnan(together.loss).sum()) == 2


@pytest.mark.fault(
    "not a number",
    "a run that failed, among those that are combined",
    "it is NaN throughout, and no other value is",
)
def test_a_missing_run_is_nan_throughout():
    runs = histories()
    runs[4] = None
    together = combine(runs, {"eta": ETAS, "seed": SEEDS})
    gone = together.sel(eta=ETAS[1], seed=SEEDS[1])
    assert all(np.isnan(gone[name]).all() for name in ("loss", "eigenvalue", "evaluations", "time"))
    assert int(np.isnan(together.loss).sum()) == 5


def test_attributes_that_differ_become_variables_and_others_stay():
    runs = histories()
    runs[2].attrs["ending"] = "diverged"
    runs[0].attrs["critical_sharpness"] = 7.0
    together = combine(runs, {"step_size": ETAS, "seed": SEEDS})
    assert together.attrs == {"source": "here"}
    assert together.ending.values.tolist() == [["steps", "steps", "diverged"], ["steps"] * 3]
    assert together.eta.values.tolist() == [[0.3] * 3, [0.1] * 3]
    assert np.isnan(together.critical_sharpness).values.ravel().tolist() == [False] + [True] * 5
    alike = combine([history(0.1, seed) for seed in SEEDS], {"seed": SEEDS})
    assert alike.attrs == {"eta": 0.1, "ending": "steps", "source": "here"}
    assert alike.time.dims == ("step",)


@pytest.mark.parametrize(
    ("runs", "along", "said"),
    [
        (histories(), {"eta": ETAS}, "6 runs for 2 eta = 2"),
        (histories(), {"eta": [1, 1], "seed": SEEDS}, "label each run once"),
        (histories(), {"step": ETAS, "seed": SEEDS}, "have a step of their own"),
        ([None] * 2, {"eta": ETAS}, "every run is missing"),
        ([history(0.1, "x"), history(0.2, "x").isel(index=[0])], {"eta": ETAS}, "index = 1, index = 2"),
    ],
    ids=["number", "labels", "names", "missing", "shapes"],
)
def test_what_cannot_be_combined_is_refused(runs, along, said):
    with pytest.raises(BadInput, match=said):
        combine(runs, along)


@pytest.mark.parametrize(
    ("datasets", "along", "said"),
    [
        ([xr.Dataset()], {"eta": 3}, "give the labels of each new dimension"),
        ([xr.Dataset()], ["eta"], "give the labels of each new dimension"),
        (["a failure"], {"eta": [1]}, "give datasets, or None"),
        (7, {"eta": [1]}, "give datasets, or None"),
    ],
    ids=["number", "list", "failure", "no list"],
)
def test_what_is_no_list_of_datasets_with_labels_is_refused(datasets, along, said):
    with pytest.raises(BadInput, match=said):
        combine(datasets, along)
