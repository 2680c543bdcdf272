"""Degree 2 beside degree 4, against formulas and ends of docs/theory/minimalist.md, written down here alone."""

import numpy as np
import pytest
from sympy import Rational, expand, simplify, sqrt, symbols

from analysis.minimalist.dynamics import Dynamics
from analysis.minimalist.theory import KAPPA, D, P, a, b, derive
from analysis.shallow import network
from analysis.shallow.__main__ import STARTS
from analysis.shallow.ends import at_table_step_size, ellipse_exponent, overshoot_exponent, scale_free_exponent
from analysis.shallow.theory import (
    EXCESS,
    LEVEL,
    SCALED_IMBALANCE,
    SCALED_OFFSET,
    degree_two,
    edge_form,
    edge_law,
    frozen_product_map,
    parabola,
    square_of_squares,
    with_step_size,
)
from eos_sym import STEP_SIZE as ETA
from eos_sym.algebra import expand_in
from numeric.runs import load
from tests.analysis.programs import document_of

x, y = symbols("x y", real=True)


@pytest.fixture(scope="module")
def theory():
    return degree_two()


def gradient_descent(start, step_size, steps, degree):
    """θ ← θ − η∇L written out by hand, for ½(1 − xy)² and ½(1 − x²y²)²."""
    first, second = start
    for _ in range(steps):
        product = first * second
        push = step_size * (product - 1 if degree == 2 else 2 * product * (product**2 - 1))
        first, second = first - push * second, second - push * first
    return first, second


def test_the_exact_map_of_imbalance_and_product(theory):
    distance = ETA * (P - 1)
    assert expand(theory.product_map.substitution[D] - D * (1 - distance**2)) == 0
    expected = P - distance * sqrt(D**2 + 4 * P**2) + distance**2 * P
    assert simplify(theory.product_map.substitution[P] - expected) == 0


def test_the_two_step_series_has_no_cubic_damping(theory):
    assert expand(theory.series[2][a] - (a - sqrt(2) * b**2 * KAPPA**3)) == 0
    assert expand(theory.series[2][b] - (b + 4 * sqrt(2) * a * b * KAPPA)) == 0


def test_the_ellipses(theory):
    assert simplify(theory.ellipse_branch - 4 * (LEVEL - a**2) / KAPPA**2) == 0


def test_the_two_weights_are_the_four_at_twice_the_step_size():
    minimalist = derive().reduced_map.step
    for ours, theirs in zip(with_step_size(square_of_squares(), ETA / 2), minimalist, strict=True):
        assert expand(ours - theirs) == 0


def test_at_frozen_imbalance_degree_two_is_linear_and_degree_four_cubic(theory):
    assert expand(frozen_product_map(theory) - (P - SCALED_IMBALANCE * (P - 1))) == 0
    assert expand(frozen_product_map(derive()) - P * (1 + SCALED_IMBALANCE - SCALED_IMBALANCE * P**2)) == 0


def test_the_depths_of_the_edge_law(theory):
    assert simplify(edge_law(edge_form(theory))["depth"] - (1 - ETA**2) / (2 * ETA**3)) == 0
    assert expand_in(edge_law(edge_form(derive()))["depth"], ETA, 3) == ETA / 2


@pytest.mark.parametrize("degree", [2, 4])
def test_the_depth_agrees_with_automatic_differentiation(theory, degree):
    form = at_table_step_size(edge_form(theory if degree == 2 else derive()), degree)
    depth = float(-3 * form.beta / (2 * form.quartic))
    assert network.depth(degree, 0.2) == pytest.approx(depth, rel=1e-10)


def test_the_parabola_of_degree_four_is_that_of_the_minimalist_example():
    assert expand(parabola(derive()) - (2 * b**2 / KAPPA - KAPPA**3 / 8)) == 0


def test_the_limit_map_is_what_small_step_sizes_do(theory):
    """K = ηD and ρ = η(P − 1) after one step of the exact map at η = 1e-6."""
    step_size, scaled, offset = 1e-6, 2.1, 0.3
    product = 1 + offset / step_size
    first = np.sqrt((np.hypot(scaled / step_size, 2 * product) + scaled / step_size) / 2)
    moved = gradient_descent((first, product / first), step_size, 1, 2)
    at = {SCALED_IMBALANCE: scaled, SCALED_OFFSET: offset}
    expected = [float(step.subs(at)) for step in theory.scale_free_map.step]
    observed = [step_size * (moved[0] ** 2 - moved[1] ** 2), step_size * (moved[0] * moved[1] - 1)]
    assert observed == pytest.approx(expected, rel=1e-5)


def test_the_overshoot_is_two_thirds_of_the_square(theory):
    assert expand(theory.overshoot - (-EXCESS - Rational(2, 3) * EXCESS**2)) == 0
    change, point = theory.first_integral, {EXCESS: 0.02, SCALED_OFFSET: 0.01}
    moved = {SCALED_IMBALANCE: 2 + point[EXCESS], SCALED_OFFSET: point[SCALED_OFFSET]}
    for _ in range(2):
        steps = [float(step.subs(moved)) for step in theory.scale_free_map.step]
        moved = dict(zip((SCALED_IMBALANCE, SCALED_OFFSET), steps, strict=True))
    after = change.subs({EXCESS: moved[SCALED_IMBALANCE] - 2, SCALED_OFFSET: moved[SCALED_OFFSET]})
    assert float(after) == pytest.approx(float(change.subs(point)), rel=1e-4)


@pytest.mark.parametrize(("start", "sharpness"), list(zip(STARTS, (9.651, 7.919, 5.571), strict=True)))
def test_the_tabulated_ends(start, sharpness):
    end = gradient_descent(start, 0.2, 2000, 2)
    assert end[0] ** 2 + end[1] ** 2 == pytest.approx(sharpness, abs=5.1e-4)


@pytest.mark.parametrize("start", STARTS)
def test_degree_four_from_the_same_starts_ends_just_below_the_edge(start):
    end = gradient_descent(start, 0.05, 60_000, 4)
    assert end[0] ** 2 + end[1] ** 2 == pytest.approx(10 * (1 - 0.1**2 / 4), abs=2e-3)


def test_the_exponents_of_the_essay(theory):
    dynamics = Dynamics(theory)
    assert ellipse_exponent(theory, dynamics) == pytest.approx(1, abs=0.1)
    assert overshoot_exponent(theory) == pytest.approx(3, abs=0.05)
    assert scale_free_exponent(theory, dynamics) == pytest.approx(2, abs=0.05)


@pytest.mark.slow
def test_every_claim_holds_on_two_channels_and_where_runs_end_is_proved_of_none(tmp_path):
    claims = document_of("shallow", tmp_path)["claims"]
    assert {claim["status"] for claim in claims} == {"proved", "supported"}
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in claims)
    assert all(evidence["part"] for claim in claims for evidence in claim["evidence"])
    assert {claim["id"]: [part["status"] == "proved" for part in claim["parts"]] for claim in claims} == {
        "step_sizes": [True],
        "same_edge": [True, True],
        "no_cubic_term": [True, True],
        "series_of_2_steps": [True],
        "weak_damping": [True],
        "ellipses": [True, False],
        "depths": [True, True],
        "degree_4_forgets": [False, False],
        "degree_2_overshoots": [False, False],
        "scale_free_limit": [True, False],
        "overshoot": [True, False],
        "relative_gaps": [False, False],
        "farther_below": [False, False],
    }
    assert np.all(load(tmp_path / "data.nc")["ends_of_degree_4"].final_excess < 0)
