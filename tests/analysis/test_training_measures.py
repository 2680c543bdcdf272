import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from analysis.training.lanczos import last_before
from analysis.training.measures import (
    crossing,
    crossing_from_below,
    hovering,
    loss_of,
    oscillation,
    share_of_falls,
    share_of_rises,
    sharpness_of,
)
from eos_sym import Undecided

NAN = np.nan


@pytest.fixture
def history():
    """Readings every 10 steps, padded with two NaN; the edge 5 is crossed at step 20."""
    return xr.Dataset(
        {
            "sharpness": ("reading", [1.0, 3.0, 5.5, 4.5, 5.0, NAN, NAN]),
            "loss": ("step", [3.0, 2.0, 2.5, 1.0, NAN]),
        },
        coords={"reading": [0, 10, 20, 30, 40, 50, 60], "step": range(5)},
    )


def test_padding_is_left_out(history):
    steps, values = sharpness_of(history)
    assert steps.tolist() == [0, 10, 20, 30, 40]
    assert values.tolist() == [1, 3, 5.5, 4.5, 5]
    assert loss_of(history).tolist() == [3, 2, 2.5, 1]


def test_the_crossing_is_the_first_reading_at_or_above_the_edge(history):
    assert crossing(history, 5.0) == 20
    assert crossing(history, 5.5) == 20
    assert crossing(history, 1.0) == 0
    assert crossing(history, 6.0) is None


def test_a_run_crosses_from_below_only_if_it_starts_there(history):
    assert crossing_from_below(history, 1.5) == 10
    assert crossing_from_below(history, 6.0) is None
    with pytest.raises(Undecided, match=r"^seed 3: starts at the edge or above it; take a smaller step size$"):
        crossing_from_below(history, 1.0, "seed 3")


def test_weights_before_a_crossing_are_never_those_after_it(history):
    kept = history.assign_coords(snapshot=[0, 20, 35, 40])
    assert [last_before(kept, crossed) for crossed in (None, 40, 20, 0)] == [40, 20, 0, None]


def test_hovering_is_counted_in_units_of_the_edge_from_a_step_on(history):
    found = hovering(history, 5.0, 20)
    assert (found.mean, found.least, found.largest, found.readings) == (1.0, 0.9, 1.1, 3)
    assert hovering(history, 5.0, 100).readings == 0
    assert np.isnan(hovering(history, 5.0, 100).mean)


def test_a_loss_may_rise_in_steps_and_fall_over_windows(history):
    loss = loss_of(history)
    assert share_of_rises(loss) == pytest.approx(1 / 3)
    assert share_of_falls(loss, 1) == pytest.approx(2 / 3)
    assert share_of_falls(loss, 2) == 1.0
    assert np.isnan(share_of_falls(loss, 4))


def test_an_alternating_series_oscillates_in_every_step():
    assert oscillation(np.array([1.0, -2.0, 3.0, -4.0])) == 1.0
    assert oscillation(np.array([1.0, 2.0, 3.0])) == 0.0


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=40, unique=True))
def test_every_step_of_distinct_losses_rises_or_falls(losses):
    series = np.array(losses)
    assert share_of_rises(series) + share_of_falls(series, 1) == pytest.approx(1)
