"""The pictures of the cubic family: densities are histograms, exponents those of multipliers, loops, and formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.densities import RECORDED_AT_ONCE, Bins, Density, blocks
from analysis.bifurcation.descent import passage
from analysis.bifurcation.figure import image
from analysis.bifurcation.frozen import GRID, Size, onset
from analysis.bifurcation.frozen import diagram as attractors_over_the_grid
from analysis.bifurcation.theory import Family
from analysis.study.figure import new_figure

SMALL = Size(columns=230, rows=150, steps=4000, kept=300, passing=20_000, doublings=3)


@pytest.fixture(scope="module")
def family():
    return Family()


@pytest.fixture(scope="module")
def diagram(family):
    return attractors_over_the_grid(family, SMALL)


def states(value, steps=20_000):
    """The last 64 states of the map written out by hand."""
    visited = [0.9]
    for _ in range(steps):
        visited.append(visited[-1] * (1 + value - value * visited[-1] ** 2))
    return visited[-64:]


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.integers(1, 7), st.integers(1, 9), st.lists(st.floats(-2, 2), max_size=40))
def test_densities_are_histograms(columns, rows, values):
    density, places = Density(columns, Bins((-1.0, 1.5), rows)), np.arange(len(values)) % columns
    for part in (slice(None, 7), slice(7, None)):
        density.add(places[part], np.array(values)[part])
    edges = np.linspace(-1, 1.5, rows + 1)
    kept = [(place, value) for place, value in zip(places, values, strict=True) if value < 1.5]
    expected = np.histogram2d(*np.reshape(kept, (-1, 2)).T, bins=[np.arange(columns + 1) - 0.5, edges])[0]
    assert density.counts.sum() == expected.sum()
    assert np.abs(density.counts - expected).sum() <= 2 * sum(np.min(np.abs(edges - value)) < 1e-12 for value in values)


def test_visits_beyond_the_columns_are_left_out():
    density = Density(2, Bins((0.0, 1.0), 4))
    density.add(np.array([-1, 0, 1, 1]), np.array([0.5, 0.5, 0.99, np.nan]))
    assert density.counts.tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]


def test_blocks_add_up_and_are_bounded():
    for steps, numbers in ((1, 1), (10_000, 3000), (5, 2 * RECORDED_AT_ONCE)):
        found = list(blocks(steps, numbers))
        assert sum(found) == steps
        assert max(found) <= max(1, RECORDED_AT_ONCE // numbers)


def test_the_exponent_of_cycles_is_the_logarithm_of_their_multiplier_and_zero_at_the_doublings(diagram):
    value = diagram.K.values
    with np.errstate(divide="ignore"):
        minimum, cycle = np.log(abs(1 - 2 * value)), np.log(abs(9 - 2 * (1 + value) ** 2)) / 2
    expected = np.where(value < 1, minimum, cycle)
    settled = (value < np.sqrt(5) - 1) & (abs(expected) > 0.02) & (expected > -2)
    assert settled.sum() > 60
    assert diagram.exponent.values[settled] == pytest.approx(expected[settled], abs=2e-3)


def test_the_exponent_beyond_is_that_of_a_hand_written_loop(diagram):
    column = 180
    value, point, total = float(diagram.K[column]), 0.7, 0.0
    for _ in range(50_000):
        total += math.log(abs(1 + value - 3 * value * point**2))
        point *= 1 + value * (1 - point**2)
    assert float(diagram.exponent[column]) == pytest.approx(total / 50_000, abs=0.02)


def test_columns_hold_the_states_that_the_orbit_visits(diagram):
    assert set(diagram.counts.sum("z").values) == {SMALL.kept}
    for column in (20, 40, 60, 80):
        value = float(diagram.K[column])
        rows = Bins((-1.5, 1.5), SMALL.rows).number(np.array(states(value)))
        assert set(np.flatnonzero(diagram.counts[column])) == set(rows)


def test_the_onset_is_seen_at_logarithmic_distances_on_both_sides(family):
    cascade = Cascade(family, 7)
    about = onset(family, cascade, SMALL)
    distances = np.log(abs(about.K.values - cascade.onset)) / np.log(FEIGENBAUM)
    assert np.all(np.diff(about.K) > 0)
    assert np.ptp(np.diff(distances[: SMALL.columns // 2])) < 1e-9
    assert distances == pytest.approx(distances[::-1], abs=1e-9)


def test_gradient_descent_passes_through_the_two_cycle_of_the_frozen_map_with_its_exponent(family):
    runs = passage(family, 1 / 32, 10_240, SMALL)
    assert runs.attrs["runs"] == 1
    slow = runs.sel(K=slice(1.05, 1.2))
    square = [0.5 * (1 + 1 / slow.K + sign * np.sqrt((1 + 1 / slow.K) ** 2 - 4 / slow.K**2)) for sign in (-1, 1)]
    miss = np.minimum(*(abs(slow.P - np.sqrt(branch)) for branch in square))
    assert float(miss.where(slow.counts > 0).max()) < 0.03
    expected = np.log(abs(9 - 2 * (1 + slow.K.values) ** 2)) / 2
    smooth = expected > -1  # not where it is −∞ nearby
    assert slow.exponent.values[smooth] == pytest.approx(expected[smooth], abs=0.1)
    assert int(runs.counts.sel(K=slice(*GRID)).sum()) > 0.5 * 10_240


def test_vector_files_hold_the_diagram_in_its_own_resolution(diagram, tmp_path):
    figure = new_figure(2, 2)
    image(figure.add_subplot(), diagram.counts, GRID)
    figure.savefig(tmp_path / "figure.pdf")
    assert f"/Width {SMALL.columns}".encode() in (tmp_path / "figure.pdf").read_bytes()
