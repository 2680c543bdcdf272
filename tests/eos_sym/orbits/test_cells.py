"""Orbits of maps with kinks: those of the smooth pieces that lie in their cells, and what is said of the rest."""

import pytest
from sympy import Rational, sqrt

from eos_sym import GradientDescent, Objective, fixed_points, two_cycles


def descent(text, weights="x"):
    return GradientDescent().map(Objective.from_text(text, weights))


def found(text, weights="x", period=1):
    orbits = (fixed_points if period == 1 else two_cycles)(descent(text, weights), {"eta": Rational(3, 10)})
    points = [[tuple(point.values()) for point in orbit.points] for orbit in orbits.orbits]
    return points, [orbit.verdict for orbit in orbits.orbits], orbits.complete, orbits.reason


@pytest.mark.parametrize(
    ("text", "points", "verdicts"),
    [
        ("abs(x - 1) + x**2", [Rational(1, 2)], ["stable"]),  # 2x = 1 where x < 1; 2x = −1 not where x > 1
        ("min((x - 1)**2, (x + 2)**2)/2", [1, -2], ["stable", "stable"]),
        ("(relu(x) - 2)**2/2", [2], ["stable"]),
        ("max(x**2, 8*x - 7)/2", [0], ["stable"]),
        ("abs(x)", [], []),  # the minimum is the kink
    ],
)
def test_fixed_points_are_those_that_lie_in_their_cells(text, points, verdicts):
    listed, decided, complete, reason = found(text)
    assert sorted(listed) == sorted([(point,)] for point in points)
    assert sorted(decided) == sorted(verdicts)
    assert not complete
    assert "kink" in reason


@pytest.mark.parametrize(
    ("text", "point", "verdict"),
    [
        ("abs(x - 1)**3/3 + x**2/2", (3 - sqrt(5)) / 2, "stable"),
        ("abs(x)**3", 0, "marginal"),
        ("Piecewise((x**2/2, abs(x) <= 1), (abs(x) - 1/2, True))", 0, "stable"),
    ],
)
def test_a_gradient_without_jumps_has_all_its_fixed_points(text, point, verdict):
    """X + (x − 1)|x − 1| = 0 is x² − 3x + 1 = 0 where x < 1."""
    listed, decided, complete, _ = found(text)
    assert [(point - value).equals(0) if point else value == 0 for ((value,),) in listed] == [True]
    assert decided == [verdict]
    assert complete


def test_a_flat_region_is_named_and_not_sampled():
    listed, _, complete, reason = found("relu(w*x - 1)**2/2", "w x")
    assert (listed, complete) == ([], False)
    assert "every point with w*x - 1 < 0 is fixed" in reason


def test_a_two_cycle_inside_a_cell_is_found():
    """Θ ↦ −θ where 1 − η(w² − 1) = −1, w = x: w² = 1 + 2/η = 23/3, so that wx − 1 > 0 at both points."""
    listed, decided, complete, reason = found("relu(w*x - 1)**2/2", "w x", period=2)
    assert {value**2 for value in listed[0][0]} == {Rational(23, 3)}
    assert decided == ["unstable"]
    assert not complete
    assert "several sides" in reason
