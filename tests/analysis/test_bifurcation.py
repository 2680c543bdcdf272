"""The thresholds of z ↦ z(1 + K − Kz²) against docs/theory, and against iteration written out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import iv
from sympy import Rational, Symbol, cos, expand, expand_trig, simplify, sqrt

from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.descent import period, simulated_period
from analysis.bifurcation.period_three import PeriodThree
from analysis.bifurcation.theory import Family, K, positive_zero, verdicts_between, z
from eos_sym import Undecided
from tests.analysis.programs import document_of


@pytest.fixture(scope="module")
def family():
    return Family()


@pytest.fixture(scope="module")
def cascade(family):
    return Cascade(family, 7)


@pytest.fixture(scope="module")
def three(family):
    return PeriodThree(family)


def iterate(value, start=0.9, steps=20_000):
    """The last 64 states of the map written out by hand, fewer if it escapes."""
    states = [start]
    for _ in range(steps):
        states.append(states[-1] * (1 + value - value * states[-1] ** 2))
        if abs(states[-1]) > 10:
            return states[-1:]
    return states[-64:]


def least_period(states):
    """The least p up to 16 for which the states return after p steps, None if there is none."""
    states = np.array(states)
    return next((p for p in range(1, 17) if np.abs(states[p:] - states[:-p]).max() < 1e-9), None)


def test_three_maps_are_one(family):
    assert expand(family.map.step[0] - z * (1 + K - K * z**2)) == 0
    assert expand(family.reduced_in_z - family.map.step[0]) == 0
    (product,) = family.frozen_map.free_symbols - {K}
    assert expand(family.frozen_map.subs(product, z) - family.map.step[0]) == 0


def test_the_thresholds(family):
    expected = {
        "first_doubling": 1,
        "superstable": 3 / sqrt(2) - 1,
        "second_doubling": sqrt(5) - 1,
        "merging": 3 * sqrt(3) / 2 - 1,
        "escape": 2,
    }
    assert family.thresholds.keys() == expected.keys()
    assert all(simplify(family.thresholds[name] - value) == 0 for name, value in expected.items())
    assert list(map(float, family.thresholds.values())) == sorted(map(float, family.thresholds.values()))


def test_the_thresholds_of_the_reduced_map(family):
    in_a = family.as_report()["thresholds_in_A"]
    assert in_a["first_doubling"] == Rational(1, 8)
    assert simplify(in_a["second_doubling"] - (sqrt(5) - 1) / 8) == 0
    assert in_a["escape"] == Rational(1, 4)


@pytest.mark.parametrize(("name", "below", "above"), [("first_doubling", 1, 2), ("second_doubling", 2, 4)])
def test_the_period_doubles_at_the_threshold(family, name, below, above):
    value = float(family.thresholds[name])
    assert least_period(iterate(value * 0.995)) == below
    assert least_period(iterate(value * 1.005)) == above


def test_orbits_cross_zero_beyond_merging_and_escape_beyond_two(family):
    merging, escape = (float(family.thresholds[name]) for name in ("merging", "escape"))
    assert min(iterate(merging * 0.99)) > 0
    assert min(iterate(merging * 1.01)) < 0
    assert len(iterate(escape * 0.999, steps=5000)) == 64
    assert len(iterate(escape * 1.001, steps=5000)) == 1


def test_the_two_cycle_at_eleven_tenths(family):
    orbit = family.two_cycle_at(Rational(11, 10))
    assert sorted(float(point[z]) for point in orbit.points) == pytest.approx([0.8145516, 1.1160630], abs=5e-8)
    assert orbit.residual == 0
    assert orbit.stability.multipliers == {Rational(9, 50): 1}


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.fractions(min_value=Rational(101, 100), max_value=Rational(3)))
def test_the_multiplier_is_the_product_of_the_slopes_at_the_zeros_of_the_quartic(value):
    family, number = Family(), float(value)
    squares = [float(square.subs(K, Rational(value))) for square in family.two_cycle_squares]
    slopes = [1 + number - 3 * number * square for square in squares]
    assert slopes[0] * slopes[1] == pytest.approx(9 - 2 * (1 + number) ** 2, rel=1e-9, abs=1e-9)


def test_all_solutions_of_period_two_are_counted(family):
    assert family.count == 9
    value = 1.3
    twice = np.poly1d([-value, 0, 1 + value, 0])
    solutions = (twice(twice) - np.poly1d([1, 0])).roots
    factored = np.concatenate(
        [np.roots([float(c.subs(K, Rational(13, 10))) for c in part.as_poly(z).all_coeffs()]) for part in family.cycles]
    )
    assert np.sort(solutions.real) == pytest.approx(np.sort(factored.real), abs=1e-7)


def test_the_verdicts(family):
    doublings = [family.thresholds["first_doubling"], family.thresholds["second_doubling"]]
    assert verdicts_between(family.stability["minimum"], doublings[:1]) == "stable, unstable"
    assert verdicts_between(family.stability["two_cycle"], doublings) == "unstable, stable, unstable"
    assert verdicts_between(family.stability["symmetric_cycle"], []) == "unstable"
    assert verdicts_between(family.stability["two_cycle"], doublings[:1]) == "undecided"


def test_at_the_escape_the_map_is_minus_the_third_chebyshev_polynomial(family):
    assert family.at_escape == 0
    phi = Symbol("phi", real=True)
    chebyshev = expand_trig(cos(3 * phi)).subs(cos(phi), z / sqrt(2))
    assert expand(family.map.step[0].subs(K, 2) + sqrt(2) * chebyshev) == 0


def test_a_polynomial_with_no_or_two_positive_zeros_is_no_threshold():
    with pytest.raises(Undecided, match="exactly one"):
        positive_zero(K**2 - 3 * K + 2)
    with pytest.raises(Undecided, match="exactly one"):
        positive_zero(K + 1)


def test_the_superstable_parameters_are_proved_and_their_ratios_tend_to_feigenbaum(cascade):
    digits = iv.dps
    assert all(cascade.proofs)
    assert iv.dps == digits
    assert float(cascade.superstable[1]) == pytest.approx(3 / math.sqrt(2) - 1, abs=1e-15)
    errors = np.abs(np.array(cascade.ratios) - FEIGENBAUM)
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 1e-3


def test_a_parameter_of_a_shorter_period_is_no_proof_of_a_longer_one(cascade):
    assert not cascade._proved(1, cascade.superstable[0])
    assert not cascade._proved(3, cascade.superstable[1])


def test_points_of_the_two_cycles_are_real_beyond_their_birth(family):
    assert family.signs_beyond_the_birth == "positive, positive, positive"
    for value in (1.01, 1.3, 1.9):
        squares = np.roots([value**2, -value * (value + 1), 1])
        assert (squares.imag == 0).all()
        assert (squares.real > 0).all()


def test_between_superstable_parameters_the_period_doubles(cascade):
    periods = [least_period(iterate(float(value))) for value in cascade.superstable[:5]]
    assert periods == [1, 2, 4, 8, 16]


def test_the_onset_separates_periods_from_chaos(cascade):
    assert least_period(iterate(cascade.onset - 0.003)) is not None
    assert least_period(iterate(cascade.onset + 0.003)) is None


def test_gradient_descent_on_the_minimalist_example_has_the_periods_of_the_frozen_map():
    assert [simulated_period(value) for value in (1.1, 1.26, 1.5)] == ["2", "4", "none"]
    assert period(np.array([0.0, 1, 2] * 10)) == "none"


def three_cycles(value):
    """The real points of three-cycles at K, as the zeros of F³(z) − z that are no fixed points, by companion matrix."""
    once = np.poly1d([-value, 0, 1 + value, 0])
    zeros = (once(once(once)) - np.poly1d([1, 0])).roots
    real = np.sort(zeros[abs(zeros.imag) < 1e-7].real)
    return [point for point in real if min(abs(point), abs(abs(point) - 1)) > 1e-5]


def test_three_cycles_are_born_where_the_discriminant_says(three):
    births = [float(birth) for birth in three.births]
    samples = [births[0] - 1e-3, births[0] + 1e-3, births[1] - 1e-4, births[1] + 1e-4]
    assert [len(three_cycles(value)) // 6 for value in samples] == [0, 2, 2, 4]
    assert three.counts == [0, 2, 4]


def test_the_multiplier_is_one_at_the_birth(three):
    birth = float(three.births[0])
    multipliers = []
    for distance in (1e-3, 1e-4, 1e-5):
        (point,) = three_cycles(birth + distance)[-1:]
        slope = 1.0
        for _ in range(3):
            slope *= 1 + birth + distance - 3 * (birth + distance) * point**2
            point *= 1 + (birth + distance) * (1 - point**2)
        multipliers.append(abs(slope - 1))
    assert multipliers[0] > multipliers[1] > multipliers[2]
    assert multipliers[2] < 0.1  # as the root of the distance


def test_the_discriminant_holds_the_fixed_points_whose_multiplier_is_a_cube_root_of_unity(three):
    for multiplier in (1 + K, 1 - 2 * K):
        assert three.discriminant[expand(multiplier**2 + multiplier + 1)] == 2
    assert three.discriminant[three.birth_polynomial] == 3


def test_a_discriminant_with_two_factors_that_have_positive_zeros_decides_nothing(family):
    undecided = PeriodThree(family)
    undecided.__dict__["discriminant"] = {K - 1: 3, K - 2: 3}
    with pytest.raises(Undecided, match="2 factors"):
        _ = undecided.birth_polynomial


def test_the_cascade_of_period_three_has_its_periods_and_the_same_ratio(family):
    window = Cascade(family, 5, 3, (1.4532, 1.464))
    assert all(window.proofs)
    assert [least_period(iterate(float(value))) for value in window.superstable[:3]] == [3, 6, 12]
    assert window.ratios[-1] == pytest.approx(FEIGENBAUM, abs=0.1)


@pytest.mark.slow
def test_every_claim_holds_on_two_channels_but_that_of_the_onset(tmp_path):
    claims = document_of("bifurcation", tmp_path)["claims"]
    assert {claim["status"] for claim in claims} == {"proved", "supported"}
    alone = [claim["id"] for claim in claims if len({evidence["channel"] for evidence in claim["evidence"]}) < 2]
    assert alone == ["onset"]
