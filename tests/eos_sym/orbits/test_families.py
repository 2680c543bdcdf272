"""Orbits of L = 1 − cos x are shifted by whole periods, with all their digits, and named by an integer."""

from mpmath import mp
from sympy import Integer, Symbol, pi

from eos_sym import GradientDescent, Objective
from eos_sym.orbits.families import Lattice, family, shifts
from eos_sym.orbits.orbit import Orbit

DYNAMICS = GradientDescent().map(Objective.from_text("1 - cos(x) + k*y**2", "x y", "k"))
X, Y = DYNAMICS.state


def test_only_what_is_periodic_has_a_shift():
    assert shifts(DYNAMICS) == {X: 2 * pi}


def test_an_orbit_is_shifted_by_an_integer_whose_name_is_free():
    """The letter k is a parameter's."""
    orbit = Orbit(DYNAMICS, ({X: pi, Y: Integer(0)},))
    k = Symbol("k1", integer=True)
    assert family(orbit, {X: 2 * pi}).points == ({X: pi + 2 * pi * k, Y: 0},)
    assert family(orbit, {}) is orbit


def test_a_row_comes_as_near_as_can_be_with_all_its_digits():
    """The middle of 3 and 9 is one period from 0 and none from 7; the weight y stays where it is."""
    lattice = Lattice(DYNAMICS)
    with mp.workdps(60):
        row = [mp.mpf(3), mp.mpf(50), mp.mpf(9), mp.mpf(60)]
        near = lattice.near(row)
        assert abs(near[0] - (3 - 2 * mp.pi)) < mp.mpf(10) ** -58
        assert abs(near[2] - (9 - 2 * mp.pi)) < mp.mpf(10) ** -58
        assert near[1::2] == row[1::2]
        assert lattice.near(row, [mp.mpf(7), mp.mpf(0), mp.mpf(7), mp.mpf(0)]) == row
    assert [type(value) for value in lattice.near([7.0, 0.5])] == [float, float]
