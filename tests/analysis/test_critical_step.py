"""What the study of critical steps concludes, from runs made up so that each conclusion is known."""

import numpy as np
import pytest
import xarray as xr

from analysis.critical_step.__main__ import (
    NETWORKS,
    as_on_a_quadratic,
    at_the_edge,
    before_the_edge,
    derived,
    g1,
    g2,
    late,
    runs,
    summary,
    λ1,
    λ2,
)
from analysis.study import Evidence

ETA = 0.4  # the edge is at 5
STEPS = 7 * np.arange(60)


def made_up(sharpness, critical):
    """One run with such curvatures, as the claims take it."""
    names = {
        "sharpness": sharpness,
        "critical_sharpness": critical,
        "mean_of_spectrum": critical,
        "passes": 0 * critical,
    }
    data = xr.Dataset({name: ("step", values) for name, values in names.items()}, {"step": STEPS})
    return runs(data.assign(eta=ETA).expand_dims(network=[next(iter(NETWORKS))], seed=[0]))


RISING = np.minimum(3 + STEPS / 70, 5.0)  # at 2/η from step 140 on


def statuses(pieces):
    return [piece.status if isinstance(piece, Evidence) else "undecided" for piece in pieces]


@pytest.mark.parametrize(("step", "status"), [(70, "refuted"), (210, "supported")])
def test_an_alarm_before_the_crossing_is_told_from_one_after_it(step, status):
    assert statuses(late(made_up(RISING, np.where(step > STEPS, 0.1, 4.9)))) == [status]


def test_a_start_that_is_high_is_no_alarm():
    assert statuses(late(made_up(RISING, np.where((STEPS < 20) | (STEPS > 200), 4.9, 0.1)))) == ["supported"]


def test_a_reading_that_is_high_by_itself_is_no_alarm():
    """Caught: a crossing by one reading, which an oscillation or the forward passes' own error may throw up."""
    alone = np.where((STEPS == 70) | (STEPS > 210), 4.9, 0.1)
    assert statuses(late(made_up(RISING, alone))) == ["supported"]


def test_a_run_that_begins_at_the_edge_has_not_crossed_it():
    assert statuses(late(made_up(5.0 + 0 * RISING, np.where(STEPS > 200, 4.9, 0.1)))) == ["undecided"]


def test_the_summary_has_the_ends_over_the_starts_that_tell():
    (told,) = summary(made_up(RISING, np.where(STEPS > 210, 4.9, 0.1 - STEPS / 1e4))).values()
    assert told["step of the crossing"] == "140 to 140, 1 of 1 tell"
    assert told["steps from it to the critical sharpness at half of 2/η"] == "77 to 77, 1 of 1 tell"
    (told,) = summary(made_up(RISING - 1, 0.1 - STEPS / 1e4)).values()
    assert told["step of the crossing"] == "0 of 1 tell"


def test_without_an_alarm_or_a_crossing_nothing_is_decided():
    assert statuses(late(made_up(RISING, 0.1 + 0 * RISING))) == ["undecided"]
    assert statuses(late(made_up(RISING - 1, np.where(STEPS > 200, 4.9, 0.1)))) == ["undecided"]


def test_a_run_too_short_to_have_readings_refutes_nothing():
    short = [run.isel(step=slice(2)) for run in made_up(RISING, 1 + 0 * RISING)]
    assert statuses(as_on_a_quadratic(short))[0] == "undecided"


@pytest.mark.parametrize(("level", "status"), [(4.6, "supported"), (4.4, "refuted")])
def test_the_level_at_the_edge_is_within_a_tenth(level, status):
    assert statuses(at_the_edge(made_up(RISING, np.where(STEPS > 150, level, 0.1)))) == [status]


@pytest.mark.parametrize(("slope", "status"), [(1, "supported"), (-1, "refuted")])
def test_a_rise_with_the_sharpness_is_told_from_a_fall(slope, status):
    *_, rises = before_the_edge(made_up(RISING, 1 + slope * STEPS / 1000))
    assert rises.status == status


def test_of_a_gradient_along_one_eigenvector_it_is_the_eigenvalue():
    curvature = derived()["its_curvature"]
    assert curvature.subs(g2, 0).simplify() == λ1
    assert curvature.subs(g1, 0).simplify() == λ2
