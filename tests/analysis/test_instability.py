import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from analysis.instability import ORDER, alternating, first_episode, study
from analysis.study.work import verdicts as verdicts_of
from analysis.training import combined

ETA, STEPS, CROSSING, RETURN = 0.5, 200, 60, 160


def history(multiplied=1.0, sign=-1, ending="steps", loss=None):
    """A run on a quadratic whose curvature crosses 2/η at step 60 and is back below it at step 160."""
    sharpness = np.where(np.arange(STEPS + 1) < RETURN, 3.98 + np.arange(STEPS + 1) / 1000 * 4, 3.5)
    sharpness[:CROSSING] = np.linspace(2, 3.99, CROSSING)
    factors = np.where(np.arange(STEPS + 1) < CROSSING, 0.5, (ETA * sharpness - 1) ** multiplied)
    size = np.maximum(1e-16, np.concatenate([[1.0], np.cumprod(factors[:-1])]))
    size[CROSSING:] = 1e-16 * np.concatenate([[1.0], np.cumprod(factors[CROSSING:-1])])
    swing = size * float(sign) ** np.arange(STEPS + 1)
    bump = np.where(np.arange(STEPS + 1) < CROSSING, 0, size / size[RETURN])
    return xr.Dataset(
        {
            "sharpness": ("reading", sharpness),
            "oscillation": ("reading", alternating(swing) if sign < 0 else swing),
            "loss": ("step", np.exp(-np.arange(STEPS + 1) / 100) + 0.6 * bump if loss is None else loss),
        },
        {"reading": np.arange(STEPS + 1), "step": np.arange(STEPS + 1)},
        {"eta": ETA, "ending": ending},
    )


def verdicts(*runs):
    training = combined({(seed,): run for seed, run in enumerate(runs)}, "seed")
    return {name: found.status for name, found in verdicts_of(study, training=training).items()}


def test_growth_by_the_multiplier_supports_every_claim():
    assert set(verdicts(*[history()] * 5).values()) == {"supported"}


def test_the_episode_is_from_the_crossing_to_the_peak():
    found = first_episode(history())
    assert (found.crossing, found.peak) == (CROSSING, RETURN)
    assert CROSSING < found.growing.start < found.growing.stop <= RETURN + 1


@pytest.mark.parametrize("power", [0.97, 1.03])
def test_growth_at_another_rate_is_refuted(power):
    assert verdicts(history(multiplied=power))["grows_by_the_multiplier"] == "refuted"


@pytest.mark.parametrize(("power", "status"), [(1.015, "supported"), (1.03, "refuted")])
def test_the_slope_over_all_runs_tells_a_rate_that_is_off_by_more_than_its_bound(power, status):
    training = combined({(seed,): history(multiplied=power) for seed in range(5)}, "seed")
    *_, slope = verdicts_of(study, training=training)["grows_by_the_multiplier"].evidence
    assert slope.quantity.startswith("slope")
    assert slope.status == status


def test_differences_overstate_a_growth_that_gets_faster_and_what_is_expected_is_taken_by_them_too():
    training = combined({(seed,): history() for seed in range(5)}, "seed")
    *whole, slope = verdicts_of(study, training=training)["grows_by_the_multiplier"].evidence
    assert all(one.observed == pytest.approx(one.expected, rel=1e-6) for one in whole)
    run, steps = training.isel(seed=0), first_episode(history()).growing
    plain = np.log(ETA * run.sharpness.values[steps][:-1] - 1).sum()
    assert whole[0].observed - plain > 0.02
    assert slope.observed.startswith("1.000")


def test_a_sharpness_that_stays_up_refutes_that_it_comes_back():
    run = history()
    run.sharpness[RETURN:] = 4.4
    run.oscillation[RETURN + 1 :] *= 0.1
    assert verdicts(*[run] * 5)["does_not_diverge"] == "refuted"


def test_one_run_that_grows_otherwise_refutes_the_growth_of_all():
    assert verdicts(history(), history(multiplied=1.1))["grows_by_the_multiplier"] == "refuted"


def test_growth_to_one_side_is_no_oscillation():
    assert verdicts(history(sign=1))["oscillates_along_the_top_eigenvector"] == "refuted"


def test_divergence_refutes_the_return():
    assert verdicts(history(ending="diverged"))["does_not_diverge"] == "refuted"


def test_a_loss_that_rises_before_the_crossing_refutes_descent():
    loss = np.exp(-np.arange(STEPS + 1) / 100)
    loss[30] = 2
    assert verdicts(history(loss=loss))["descent_until_the_crossing"] == "refuted"


def test_a_run_that_starts_above_the_edge_decides_nothing_about_what_was_before():
    above = history()
    above.sharpness[0] = 4.5
    assert set(verdicts(above).values()) == {"undecided"}


def test_a_run_without_a_crossing_decides_nothing():
    short = history().isel(reading=slice(0, 40), step=slice(0, 40))
    assert set(verdicts(short).values()) == {"undecided"}


@given(st.floats(0.5, 2), st.floats(-3, 3), st.floats(-1, 1))
def test_what_alternates_is_kept_and_what_is_slow_is_not(size, level, slope):
    t = np.arange(40)
    slow = level + slope * t + 0.1 * slope * t**2
    found = alternating(slow + size * (-1.0) ** t)[ORDER // 2 : -ORDER // 2]
    np.testing.assert_allclose(np.abs(found), size, rtol=1e-9)
    assert (found[1:] * found[:-1] < 0).all()
