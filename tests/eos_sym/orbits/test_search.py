import time
from itertools import pairwise

import numpy as np
import pytest
from sympy import Integer, Rational, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, quadratic, shallow
from eos_sym.orbits import two_cycles
from eos_sym.orbits.orbit import with_values
from eos_sym.orbits.search import search_orbits
from eos_sym.rules import NormalizedGradientDescent
from numeric import compile_map

x, y = symbols("x y", real=True)
eta = STEP_SIZE
descent = GradientDescent()


def coordinates(orbit):
    return sorted(tuple(float(point[name]) for name in orbit.map.state) for point in orbit.points)


@pytest.fixture(scope="module")
def log_cosh():
    """The step size is beyond 2/sharpness = 1 at x = y = 1, so that GD ends on a two-cycle nearby."""
    return with_values(descent.map(Objective.from_text("log(cosh(1 - x*y))", "x y")), {eta: Rational(5, 4)})


def test_a_search_meets_the_cycle_on_which_a_simulation_ends(log_cosh):
    found = search_orbits(log_cosh, 2)
    runs = compile_map(log_cosh).run({"x": 1.1, "y": 0.95}, {}, steps=4000)
    stable = [orbit for orbit in found.orbits if orbit.verdict == "stable"]
    assert str(runs.outcome.values) == "periodic"
    assert any(np.allclose(runs.final.values, point, atol=1e-9) for orbit in stable for point in coordinates(orbit))
    assert all(orbit.residual < 1e-27 and orbit.status == "numerical" for orbit in found.orbits)
    assert not found.complete


def test_the_same_search_gives_the_same_orbits_each_once(log_cosh):
    first, second = search_orbits(log_cosh, 2), search_orbits(log_cosh, 2)
    assert [orbit.points for orbit in first.orbits] == [orbit.points for orbit in second.orbits]
    distinct = {tuple(tuple(round(value, 8) for value in point) for point in coordinates(o)) for o in first.orbits}
    assert len(distinct) == len(first.orbits)


def test_all_cycles_of_a_cubic_map_are_met():
    dynamics = Map((x,), (), (x - Rational(7, 10) * (x**3 - x / 5 - Rational(3, 5) * x**2),))
    counted = two_cycles(dynamics)
    searched = search_orbits(dynamics, 2)
    first, second = (np.array(sorted(map(coordinates, found.orbits))) for found in (counted, searched))
    assert np.allclose(first, second, rtol=0, atol=1e-12)


def test_a_box_bounds_the_starts_and_has_to_fit(log_cosh):
    found = search_orbits(log_cosh, 2, {x: (0.5, 1.5), y: (0.5, 1.5)})
    assert any(coordinates(orbit)[0][0] > 0 for orbit in found.orbits)
    with pytest.raises(BadInput, match="box"):
        search_orbits(log_cosh, 2, {x: (0.5, 1.5)})
    with pytest.raises(BadInput, match="period"):
        search_orbits(log_cosh, 3)
    with pytest.raises(BadInput, match="without a value"):
        search_orbits(descent.map(shallow()), 2)


def test_cycles_that_are_not_isolated_are_said_to_be_so():
    """Normalized GD on a quadratic has two-cycles {C, 1 − C} on the top eigenvector: docs/theory/normalized_gd.md."""
    loss = quadratic(2)
    values = {**dict(zip(loss.parameters, (Integer(1), Rational(3, 5)), strict=True)), eta: Rational(1, 10)}
    found = search_orbits(with_values(NormalizedGradientDescent().map(loss), values), 2)
    assert "not isolated" in found.reason
    top, other = loss.weights
    for orbit in found.orbits:
        (first, second) = orbit.points
        if orbit.verdict == "stable":  # across the continuum: along the top eigenvector
            assert float(abs(first[top] - second[top])) == pytest.approx(0.1, abs=1e-12)
            share = float(abs(first[top])) / 0.1
            assert abs(float(first[other])) < 1e-20
            expected = 1 - 0.6 * 0.4 / (share * (1 - share))
            assert min(abs(complex(m) - expected) for m in orbit.multipliers) < 1e-9
    assert any(orbit.verdict == "stable" for orbit in found.orbits)


def test_the_time_of_a_search_is_bounded():
    weights = symbols("a b c d e f g h", real=True)
    loss = sum((u * v - 1) ** 2 for u, v in pairwise(weights)) / 2
    dynamics = with_values(descent.map(Objective("chain", loss, weights)), {eta: Rational(2, 5)})
    before = time.process_time()
    search_orbits(dynamics, 2)
    assert time.process_time() - before < 20
