"""The next order of the edge law against a series known by another way and simulation, inside the range and beyond."""

import numpy as np
import pytest
from sympy import Float, Rational, S, series, simplify

from eos_sym import STEP_SIZE, GradientDescent, Objective, Undecided, minimalist
from eos_sym.edge import EdgeNormalForm, edge_normal_form, edge_normal_form_at, minimum_at_edge
from eos_sym.edge.normal_forms.next_orbit import NextOrbits
from eos_sym.edge.normal_forms.next_order import truncated
from eos_sym.losses import Derivatives
from numeric import compile_map, compile_sharpness

TAU = Rational(1, 100)
XY = "(1 - x*y)**2/2", "x y", (3, Rational(1, 4))
LOG_COSH = "log(cosh(1 - x*y))", "x y", (3, Rational(1, 4))
VALLEY = "(1 + x**2)*y**2/2", "x y", (4, 0)
SIXTH = "s*u**2/2 - u**4/24 + u**6", "s u", (20, 0)
EIGHTH = "s*u**2/2 - u**4/24 + 100000*u**8", "s u", (20, 0)
HARDENING = "s*u**2/2 + u**4/12", "s u", (20, 0)
FOLLOWING = "s*u**2/2 + 6*w*u**2 + 45*w**2/2 + 5*u**4/24", "s u w", (60, 0, 0)


def at_edge(text, weights, near, eta):
    loss = Objective.from_text(text, weights)
    minimum = minimum_at_edge(loss, eta, dict(zip(loss.weights, near, strict=True)), {})
    return loss, minimum.weights, edge_normal_form_at(loss, minimum.weights, eta, TAU, {})


def simulated(loss, point, eta, excess):
    """The end of gradient descent from the minimum with this excess, displaced by a part 1e-6 of the widest swing."""
    form = edge_normal_form_at(loss, point, eta, TAU, {})
    beside = minimum_at_edge(loss, 2 / (2 / eta + Rational(str(excess))), point, {}).weights
    here = Derivatives(loss, {}).expansion([beside[weight] for weight in loss.weights])
    top = np.array([float(component) for component in here.vectors[:, 0]])
    start = np.array([float(value) for value in beside.values()]) + 1e-6 * excess * np.sqrt(2 / float(form.beta)) * top
    names = [weight.name for weight in loss.weights]
    run = compile_map(GradientDescent().map(loss)).run(
        dict(zip(names, start, strict=True)), {"eta": float(eta)}, steps=3_000_000
    )
    return str(run.outcome.values), float(compile_sharpness(loss).at_end(run)) - float(2 / eta)


def next_end(form, eta, excess):
    return NextOrbits(float(form.beta), float(form.quartic), float(eta), form.next_order()).end_from(excess)


def test_it_corrects_the_terminal_sharpness_of_depth_four_to_the_series_of_its_invariant_curve():
    """2/η − η/2 + (129/32)η³, which `analysis.minimalist` finds from the map itself."""
    x, y, z, _ = minimalist().weights
    form = edge_normal_form(minimalist(), {y: 1 / x, z: x}).in_step_size()
    end = series(-(1 + form.depth_correction) / form.e, STEP_SIZE, 0, 5).removeO()
    assert simplify(end + STEP_SIZE / 2 - Rational(129, 32) * STEP_SIZE**3) == 0


@pytest.mark.parametrize(("case", "eta"), [(XY, Rational(4, 5)), (LOG_COSH, Rational(1, 5))])
def test_the_pair_of_points_at_a_small_amplitude_has_the_closed_form(case, eta):
    loss, _, form = at_edge(*case, eta)
    closed = edge_normal_form(loss).in_step_size().next_order()
    order, square = form.next_order(), Float("1e-9", 40)
    found = (
        (order.beta_slope, closed.beta_slope),
        (order.quartic_slope, closed.quartic_slope),
        (order.lag, closed.lag),
        (order.growth(square) / square**2, closed.growth(S.One)),
        (order.drift(square) / square, closed.drift(S.One)),
    )
    for observed, expected in found:
        assert float(observed) == pytest.approx(float(expected.subs(STEP_SIZE, eta)), rel=1e-6)


def test_slopes_are_those_along_the_floor_for_a_point_that_is_a_little_off_it():
    """Up to the square of what it is off, 10⁻⁸ along u ∝ (y, x): first the fast forces are made to vanish."""
    loss, point, form = at_edge(*XY, Rational(4, 5))
    across = zip(point.items(), reversed(point.values()), strict=True)
    beside = {weight: value + Float("1e-8", 40) * slope for (weight, value), slope in across}
    order, expected = edge_normal_form_at(loss, beside, Rational(4, 5), TAU, {}).next_order(), form.next_order()
    assert float(order.beta_slope / expected.beta_slope - 1) == pytest.approx(0, abs=1e-12)
    assert float(order.quartic_slope / expected.quartic_slope - 1) == pytest.approx(0, abs=1e-12)


def test_from_a_very_large_excess_the_end_is_that_of_the_parabola():
    """−1/e, as the law knows no other, for a step so small that Euler's method is the flow; here e = 1."""
    orbits = NextOrbits(1.0, -1.5, 1e-6, truncated())
    assert orbits.end_from(60.0) == pytest.approx(-1, abs=1e-5)


def test_what_log_cosh_does_across_its_valley_is_found_by_hand():
    """Along u the loss is log cosh(z) in z = √S x, up to terms smaller by 1/S²: the slope z − z³/3 + 2z⁵/15."""
    _, _, form = at_edge(*LOG_COSH, Rational(1, 500))
    square = Float("1e-8", 40)
    assert float(form.next_order().growth(square) / square**2) == pytest.approx(2 * 1000**3 / 15, rel=1e-3)


@pytest.mark.parametrize(
    ("case", "eta", "excesses"),
    [
        (XY, Rational(1, 20), (0.25, 1.0)),
        (LOG_COSH, Rational(1, 5), (0.05, 0.2)),
        (VALLEY, Rational(1, 10), (0.1, 0.4)),
        (SIXTH, Rational(1, 10), (0.02, 0.05)),
        (HARDENING, Rational(1, 10), (0.05, 0.15)),
        (FOLLOWING, Rational(3, 100), (0.04, 0.1)),
    ],
)
def test_inside_the_range_the_error_of_the_law_is_the_next_order_and_what_that_leaves_is_smaller(case, eta, excesses):
    loss, point, form = at_edge(*case, eta)
    errors, remainders = [], []
    for excess in excesses:
        outcome, end = simulated(loss, point, eta, excess)
        assert outcome == "converged"
        errors.append(abs(end / float(form.end(excess)) - 1))
        remainders.append(abs(end / next_end(form, eta, excess) - 1))
    ratio = np.log(excesses[1] / excesses[0])
    assert np.log(errors[1] / errors[0]) / ratio > 0.7
    assert all(remainder < 0.2 * error for remainder, error in zip(remainders, errors, strict=True))
    assert np.log(remainders[1] / remainders[0]) / ratio > 1.4


@pytest.mark.parametrize(
    ("case", "inside", "beyond", "outcome"),
    [
        (SIXTH, 0.2, 0.25, "diverged"),
        (EIGHTH, 0.028, 0.033, "diverged"),
        (HARDENING, 0.65, 0.74, "diverged"),
        (VALLEY, 3, 8, "converged"),
    ],
)
def test_beyond_the_range_the_law_is_undecided_where_gradient_descent_does_otherwise(case, inside, beyond, outcome):
    eta = Rational(1, 10)
    loss, point, form = at_edge(*case, eta)
    assert simulated(loss, point, eta, inside)[1] == pytest.approx(float(form.end(inside)), rel=0.45)
    with pytest.raises(Undecided, match="the edge law is an expansion, and does not reach the excess"):
        form.end(beyond)
    reached, end = simulated(loss, point, eta, beyond)
    assert reached == outcome
    assert reached == "diverged" or end / -beyond - 1 > 0.6


@pytest.mark.parametrize("eta", [Rational(1, 20), Rational(1, 5), Rational(1, 2), Rational(4, 5)])
def test_the_terminal_sharpness_of_xy_is_out_of_reach(eta):
    """The depth (1 − η²)/(2η³) below 2/η, where no minimum has a sharpness below 2."""
    _, _, form = at_edge(*XY[:2], (1.6, 0.6) if eta > Rational(1, 2) else XY[2], eta)
    depth = float((1 - eta**2) / (2 * eta**3))
    with pytest.raises(Undecided, match=rf"does not reach the depth {depth:.4g}"):
        _ = form.terminal_sharpness
    assert float(form.end(1e-3)) == pytest.approx(-1e-3, rel=0.01)


def test_where_a_step_more_than_doubles_the_oscillation_there_is_no_slow_growth():
    """The next order alone would be content, while gradient descent jumps to a minimum three times as far."""
    eta, excess = Rational(4, 5), 1.534
    text = "(1 + x**2 - x/2)*y**2/2 - x*y**3/2 + y**4/5"
    loss, point, form = at_edge(text, "x y", (3, 0), eta)
    assert next_end(form, eta, excess) == pytest.approx(-0.53, abs=0.01)
    assert simulated(loss, point, eta, excess)[1] < -1.4
    with pytest.raises(Undecided, match=r"ηy₀ ≥ 1"):
        form.end(excess)


def test_higher_derivatives_than_the_law_knows_end_it_too():
    """From a depth of 3/2 the sixth derivative sends gradient descent away."""
    _, _, form = at_edge(*SIXTH, Rational(1, 10))
    with pytest.raises(Undecided, match=r"does not reach the depth 1\.5"):
        _ = form.depth


def test_small_excesses_keep_their_digits():
    """y∞ = −y₀ + ⅔ e y₀² + …, which Lambert's W near its branch point would lose in ordinary precision."""
    form = EdgeNormalForm(Float(1), Float(-15), Float(20))
    for excess in (1e-12, 1e-6):
        assert float(form.end(excess)) + excess == pytest.approx(20 / 3 * excess**2, rel=1e-4)


def test_the_truncated_map_itself_has_the_order_of_its_step_size():
    """Without κ₄ the two-step map ends at −y₀ − ηy₀²."""
    orbits = NextOrbits(1.0, 0.0, 0.1, EdgeNormalForm(S.One, S.Zero).next_order())
    assert orbits.end_from(0.01) == pytest.approx(-0.01 - 0.1 * 0.01**2, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "near", "eta", "beta", "quartic"),
    [
        ("(a*Max(0, w) - 1)**2/2", (2.4, 0.42), Rational(3, 10), 24.2667, -2.16),
        ("log(1 + exp(-a*w)) + log(1 + exp(a*w))", (4, 0), Rational(1), 4, -4),
    ],
)
def test_an_orbit_beyond_floating_point_is_out_of_reach_and_no_error(loss, near, eta, beta, quartic):
    _, _, form = at_edge(loss, "a w", near, eta)
    assert [float(form.beta), float(form.quartic)] == pytest.approx([beta, quartic], rel=1e-4)
    with pytest.raises(Undecided, match="does not reach"):
        _ = form.terminal_sharpness
