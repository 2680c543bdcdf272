"""Two-cycles of periodic maps of one variable against those that symmetry gives, and against a numerical search."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from sympy import Rational, pi, sin, symbols

from eos_sym import Map, Undecided
from eos_sym.orbits import search_orbits, two_cycles
from eos_sym.orbits.cycles.enclosed_cycles import enclosed_cycles

x = symbols("x", real=True)


def descent_on_a_cosine(step_size):
    return Map((x,), (), (x - step_size * sin(x),))


def by_symmetry(step_size):
    """Lower points modulo 2π of the cycles m ∓ d of x − η sin x: sin m cos d = 0 and 2d = η cos m sin d."""

    def roots(function):
        grid = np.linspace(1e-6, step_size, 20_001)
        turns = np.flatnonzero(np.diff(np.sign(function(grid))))
        return [brentq(function, grid[place], grid[place + 1], xtol=1e-13) for place in turns]

    lower = [-d for d in roots(lambda d: 2 * d - step_size * np.sin(d))]
    lower += [math.pi - d for d in roots(lambda d: 2 * d + step_size * np.sin(d))]
    for number in range(int(step_size)):
        half = math.pi / 2 + math.pi * number
        if 2 * half < step_size:
            middle = math.acos(2 * half / (step_size * math.sin(half)))
            lower += [middle - half, -middle - half]
    return sorted(a % (2 * math.pi) for a in lower)


@pytest.mark.parametrize("step_size", [Rational(19, 10), Rational(11, 5), Rational(7, 2), 7, 20])
def test_all_cycles_of_a_cosine_are_those_of_its_symmetry(step_size):
    found = two_cycles(descent_on_a_cosine(step_size))
    assert found.complete
    lower = sorted(float(min(p[x] for p in o.representative.points)) % (2 * math.pi) for o in found.orbits)
    assert lower == pytest.approx(by_symmetry(float(step_size)), abs=1e-10)
    for orbit in found.orbits:
        assert (orbit.status, orbit.points[0][x].coeff(orbit.integers[0])) == ("proved", 2 * pi)
        assert orbit.residual < 1e-25


def test_what_a_search_finds_is_among_them():
    dynamics = Map((x,), (), (x - Rational(6, 5) * (sin(x) - Rational(5, 6) * sin(Rational(5, 2) * x)),))
    found, searched = two_cycles(dynamics).orbits, search_orbits(dynamics, 2).orbits

    def middles(orbits):
        return sorted(float(sum(p[x] for p in o.representative.points)) / 2 % (4 * math.pi) for o in orbits)

    assert middles(found) == pytest.approx(middles(searched), abs=1e-12)
    assert len(found) == 3


def test_at_the_flip_itself_the_list_is_undecided():
    with pytest.raises(Undecided, match="stay undecided"):
        enclosed_cycles(descent_on_a_cosine(2), 2 * pi)


def test_just_beyond_the_flip_the_small_cycle_is_there():
    """At η = 2(1 + ε) the cycle ±a has sin a = a/(1 + ε), so a² ≈ 6ε."""
    (cycle,) = enclosed_cycles(descent_on_a_cosine(2 + Rational(2, 10**6)), 2 * pi)
    assert float(cycle.points[1][x]) == pytest.approx(math.sqrt(6e-6), rel=1e-5)
