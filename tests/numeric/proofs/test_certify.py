"""Certificates against closed forms, planted orbits and floating-point eigenvalues."""

import numpy as np
import pytest
from flint import arb, arb_mat, ctx
from flint import fmpq as fraction
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import iv
from sympy import Float, Integer, Matrix, Poly, Rational, exp, oo, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, Undecided, minimalist, quadratic, shallow
from eos_sym.orbits import common_factors, prove_fixed
from eos_sym.rules import MOMENTUM, NormalizedGradientDescent
from eos_sym.rules.optimizers import HeavyBall
from numeric.proofs import certify
from numeric.proofs.krawczyk import Interval
from numeric.proofs.multipliers import enclose_eigenvalues, verdict

x, y, z, w = symbols("x y z w", real=True)
eta = STEP_SIZE
WELL = GradientDescent().map(Objective("double well", (x**2 - 1) ** 2 / 4, (x,)))


def well_cycle(ratio):
    """The cycle of f = (x² − 1)²/4 born at x = 1: its points have the sum s, s² = 1 + 3/K, and the product 1/K."""
    total = sqrt(1 + 3 / ratio)
    root = sqrt(total**2 - 4 / ratio)
    return (total - root) / 2, (total + root) / 2


def rounded(*points):
    return [{x: point.evalf(30)} for point in points]


def test_the_two_cycle_of_the_double_well_is_a_theorem():
    ratio = Rational(11, 10)
    points = well_cycle(ratio)
    assert [float(point) for point in points] == pytest.approx([0.8145516, 1.1160630], abs=1e-7)
    proof = certify(WELL, rounded(*points), {eta: ratio})
    assert (proof.status, proof.reason, proof.verdict, proof.neutral) == ("proved", "", "stable", 0)
    for box, tight, point in zip(proof.box, proof.points, points, strict=True):
        assert point in box[x]
        assert point in tight[x]
        assert box[x].lower < tight[x].lower < tight[x].upper < box[x].upper
        assert box[x].upper - box[x].lower < 1e-20
    (multiplier,) = proof.multipliers
    assert multiplier.is_real
    assert 9 - 2 * (1 + ratio) ** 2 in multiplier.real


@pytest.mark.parametrize(
    ("ratio", "answer"),
    [
        (1 + Rational(1, 10**6), "stable"),
        (3 / sqrt(2) - 1, "stable"),
        (sqrt(5) - 1 - Rational(1, 10**6), "stable"),
        (sqrt(5) - 1 + Rational(1, 10**6), "unstable"),
        (Rational(13, 10), "unstable"),
        (1 + Rational(1, 10**12), "undecided"),
        (sqrt(5) - 1, "undecided"),
        (sqrt(5) - 1 - Rational(1, 10**12), "undecided"),
        (sqrt(5) - 1 + Rational(1, 10**12), "undecided"),
    ],
)
def test_the_verdict_changes_where_the_multiplier_passes_the_unit_circle(ratio, answer):
    proof = certify(WELL, rounded(*well_cycle(ratio)), {eta: ratio})
    assert proof.verdict == answer
    assert proof.status == ("undecided" if answer == "undecided" else "proved")
    assert 9 - 2 * (1 + ratio) ** 2 in proof.multipliers[0].real
    if answer == "undecided":
        assert "too close to the unit circle" in proof.reason


def test_a_cycle_that_has_shrunk_to_a_point_is_not_certified():
    assert "not proved to differ" in certify(WELL, [{x: Integer(1)}, {x: Integer(1)}], {eta: Rational(11, 10)}).reason
    for distance in (Rational(1, 10**6), Rational(1, 10**20)):
        proof = certify(WELL, [{x: 1 - distance}, {x: 1 + distance}], {eta: Integer(1)})
        assert (proof.status, proof.box) == ("undecided", ())


@pytest.mark.parametrize("points", [(0.75, 1.2), (0.5, 1.5), (0.8145516, 1.3), (3.0, -3.0)])
def test_points_far_from_an_orbit_are_not_certified(points):
    proof = certify(WELL, [{x: Float(point)} for point in points], {eta: Rational(11, 10)})
    assert (proof.status, proof.verdict, proof.multipliers) == ("undecided", "undecided", ())
    assert "does not contract" in proof.reason


def test_a_rough_point_is_certified_in_a_box_that_contains_it():
    proof = certify(WELL, [{x: Float("0.8146")}, {x: Float("1.1160")}], {eta: Rational(11, 10)})
    assert proof.status == "proved"
    for box, rough, point in zip(proof.box, ("0.8146", "1.1160"), well_cycle(Rational(11, 10)), strict=True):
        assert Rational(rough) in box[x]
        assert point in box[x]
    assert proof.multipliers[0].real.upper - proof.multipliers[0].real.lower < 1e-40


def test_a_float_means_the_rational_it_is():
    points = rounded(*well_cycle(Rational(11, 10)))
    (multiplier,) = certify(WELL, points, {eta: Float(1.1)}).multipliers
    assert 9 - 2 * (1 + Rational(Float(1.1))) ** 2 in multiplier.real
    assert 9 - 2 * Rational(21, 10) ** 2 not in multiplier.real


def sevenths(low, high):
    return st.integers(7 * low, 7 * high).map(lambda count: Rational(count, 7))


MATRICES = st.lists(sevenths(-2, 2), min_size=4, max_size=4).map(lambda entries: Matrix(2, 2, entries))
POINTS = st.tuples(sevenths(-3, 3), sevenths(-3, 3))


@settings(derandomize=True, deadline=None, max_examples=15)
@given(POINTS, POINTS, MATRICES, MATRICES, st.integers(8, 40))
def test_planted_cycles_lie_in_their_boxes_with_their_multipliers(first, second, forth, back, digits):
    """Hermite's cubics blend an affine map from θ to φ, Jacobian `forth`, with one from φ to θ, Jacobian `back`."""
    assume(first[0] != second[0])
    place = Matrix([x, y])
    part = (x - first[0]) / (second[0] - first[0])
    there = Matrix(second) + forth * (place - Matrix(first))
    return_ = Matrix(first) + back * (place - Matrix(second))
    step = (1 - part) ** 2 * (1 + 2 * part) * there + part**2 * (3 - 2 * part) * return_
    points = [dict(zip((x, y), point, strict=True)) for point in (first, second)]
    given_points = [{name: value.evalf(digits) for name, value in point.items()} for point in points]
    proof = certify(Map((x, y), (), tuple(step)), given_points, {})
    eigenvalues = np.linalg.eigvals(np.array(back * forth, dtype=float))
    if np.min(np.abs(eigenvalues - 1)) < 1e-6:  # the pair is degenerate
        return
    for box, point in zip(proof.box, points, strict=True):
        assert all(point[name] in interval for name, interval in box.items())
    for enclosure in proof.multipliers:
        center = complex(float(enclosure.real.lower), float(enclosure.imaginary.lower))
        assert np.min(np.abs(eigenvalues - center)) < 1e-6
    largest = np.max(np.abs(eigenvalues))
    if abs(largest - 1) > 1e-6:
        assert (proof.status, proof.verdict) == ("proved", "stable" if largest < 1 else "unstable")


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.integers(-9, 9), st.integers(1, 9), sevenths(-2, 2))
def test_planted_fixed_points_of_a_map_that_is_no_polynomial(numerator, denominator, slope):
    assume(abs(slope) != 1)
    fixed = sqrt(abs(numerator)) / denominator
    step = fixed + slope * (exp(x - fixed) - 1) + (x - fixed) ** 2
    proof = certify(Map((x,), (), (step,)), [{x: fixed.evalf(30)}], {})
    assert proof.status == "proved"
    assert fixed in proof.box[0][x]
    assert slope in proof.multipliers[0].real


def test_the_balanced_cycle_of_the_minimalist_example_is_unstable_in_two_and_in_four_variables():
    """s − ηs³(s⁴ − 1) = −s at η = 6/5; the multipliers are 9 and, along the diagonal, (1 − ηs²(7s⁴ − 3))²."""
    ratio = Rational(6, 5)
    s = max(root for root in Poly(ratio * z**2 * (z**4 - 1) - 2, z).nroots(n=40) if root.is_real)
    full = GradientDescent().map(minimalist())
    reduced = full.restrict({z: x, w: y})
    for dynamics in (reduced, full):
        points = [dict.fromkeys(dynamics.state, s), dict.fromkeys(dynamics.state, -s)]
        proof = certify(dynamics, points, {eta: ratio})
        assert (proof.status, proof.verdict, proof.neutral) == ("proved", "unstable", 0)
        assert [float(multiplier.real.lower) for multiplier in proof.multipliers[:-1]] == pytest.approx(
            [9.0] * (len(dynamics.state) - 1)
        )
        assert float(proof.multipliers[-1].real.upper) == pytest.approx(
            float((1 - ratio * s**2 * (7 * s**4 - 3)) ** 2), rel=1e-12
        )


@pytest.mark.parametrize("given_equations", [True, False])
def test_on_a_manifold_of_minima_the_other_multiplier_is_enclosed(given_equations):
    loss = minimalist()
    point = {x: Rational(2), y: Rational(1, 2), z: Rational(5, 2), w: Rational(2, 5)}
    sharpness = loss.hessian.subs(point).trace()
    equations = loss.minima.equations if given_equations else ()
    for step_size, answer in ((Rational(1, 10), "stable"), (Rational(1, 2), "unstable"), (2 / sharpness, "undecided")):
        proof = certify(GradientDescent().map(loss), [point], {eta: step_size}, equations)
        assert (proof.verdict, proof.neutral) == (answer, 3)
        assert 1 - step_size * sharpness in proof.multipliers[0].real
        assert all(point[name] in interval for name, interval in proof.box[0].items())
        assert sum(interval.lower == interval.upper for interval in proof.box[0].values()) == 3


def test_the_manifold_of_a_loss_that_is_no_polynomial_is_found_too():
    loss = Objective.from_text("log(cosh(1 - x*y))", "x y")
    point = dict(zip(loss.weights, (Rational(3), Rational(1, 3)), strict=True))
    proof = certify(GradientDescent().map(loss), [point], {eta: Rational(1, 10)})
    assert (proof.status, proof.verdict, proof.neutral) == ("proved", "stable", 1)
    assert 1 - Rational(1, 10) * (9 + Rational(1, 9)) in proof.multipliers[0].real


@pytest.mark.parametrize("start", [Rational(1, 2), Rational(3, 5), Integer(1000), Rational(9, 10), Rational(1, 100)])
def test_a_box_that_is_said_to_hold_one_fixed_point_holds_no_second(start):
    """x − ηx(x² − 1) has three, the zeros of three different factors of F − id."""
    proof = certify(WELL, [{x: start}], {eta: Rational(1, 10)})
    for box in proof.box:
        assert start in box[x]
        assert sum(root in box[x] for root in (-1, 0, 1)) == 1
    assert (proof.status == "proved") == (len(proof.box) == 1) == (start in (Rational(9, 10), Rational(1, 100)))
    assert (proof.verdict == "undecided") == (proof.status == "undecided")
    if proof.status == "undecided":
        assert "only one so near" in proof.reason


@pytest.mark.parametrize("height", [Rational(21, 20), Rational(29, 20), Rational(3, 2), Integer(40)])
def test_of_two_curves_of_fixed_points_and_one_between_the_box_meets_one(height):
    """½ (xy − 1)² (xy − 2)² is critical on xy = 1, xy = 3/2 and xy = 2; along y = const that is at 1/y, 3/(2y), 2/y."""
    dynamics = GradientDescent().map(Objective("two valleys", (x * y - 1) ** 2 * (x * y - 2) ** 2 / 2, (x, y)))
    for step_size in (Rational(1, 10), Rational(1, 1000)):
        proof = certify(dynamics, [{x: Integer(1), y: height}], {eta: step_size})
        for box in proof.box:
            (held,) = (name for name, interval in box.items() if interval.lower == interval.upper)
            (moving,) = {x, y} - {held}
            zeros = [level / box[held].lower for level in (Integer(1), Rational(3, 2), Integer(2))]
            assert sum(zero in box[moving] for zero in zeros) == 1
        assert (proof.status == "proved") <= (len(proof.box) == 1)
    assert (proof.status == "proved") == (height != 40)


def test_a_degenerate_fixed_point_exists_but_is_not_said_to_be_alone():
    proof = certify(GradientDescent().map(Objective("flat", (x - 1) ** 4, (x,))), [{x: Integer(1)}], {eta: Integer(1)})
    assert (proof.status, proof.verdict, proof.box) == ("undecided", "undecided", ())
    assert Integer(1) in proof.points[0][x]
    assert Integer(1) in proof.multipliers[0].real


def test_with_momentum_the_manifold_is_given_by_its_equations():
    dynamics = HeavyBall().map(shallow())
    first, second, *velocities = dynamics.state
    point = dict.fromkeys(velocities, Integer(0)) | {first: Integer(2), second: Rational(1, 2)}
    at = {eta: Rational(1, 10), MOMENTUM: Rational(1, 2)}
    assert "no equation" in certify(dynamics, [point], at).reason
    proof = certify(dynamics, [point], at, (1 - first * second, *velocities))
    assert (proof.status, proof.verdict, proof.neutral) == ("proved", "stable", 1)
    expected = [0.5, *np.roots([1, -(1.5 - 0.1 * 4.25), 0.5])]
    for multiplier in proof.multipliers:
        center = complex(float(multiplier.real.lower), float(multiplier.imaginary.lower))
        assert min(abs(center - root) for root in expected) < 1e-12


def test_equations_that_do_not_make_fixed_points_prove_nothing():
    dynamics = GradientDescent().map(shallow())
    first, second = dynamics.state
    point = {first: Integer(2), second: Rational(1, 2)}
    at = {eta: Rational(1, 10)}
    assert "not known to be a fixed point" in certify(dynamics, [point], at, (first - 4 * second,)).reason
    doubled = (1 - first * second, first * (1 - first * second))
    assert "independent" in certify(dynamics, [point], at, doubled).reason
    assert common_factors(dynamics) == [first * second - 1]
    prove_fixed(dynamics, (first * second - 1,))
    with pytest.raises(Undecided, match="not known"):
        prove_fixed(dynamics, (first,))


def test_a_continuum_of_two_cycles_is_undecided():
    loss = quadratic(2)
    first, second = loss.weights
    at = {eta: Integer(1), **dict(zip(loss.parameters, (Integer(2), Integer(1)), strict=True))}
    for rule in (GradientDescent(), NormalizedGradientDescent()):
        points = [{first: value, second: Integer(0)} for value in (Rational(1, 2), -Rational(1, 2))]
        proof = certify(rule.map(loss), points, at)
        assert proof.status == "undecided"
        assert "continuum" in proof.reason


def test_a_point_where_the_map_is_undefined_is_undecided():
    loss = quadratic(2)
    at = {eta: Integer(1), **dict.fromkeys(loss.parameters, Integer(2))}
    proof = certify(NormalizedGradientDescent().map(loss), [dict.fromkeys(loss.weights, Integer(0))], at)
    assert "may be undefined" in proof.reason


def test_points_that_do_not_fit_are_bad_input_and_the_precision_comes_back():
    before = iv.prec, ctx.prec
    at = {eta: Rational(1)}
    for points, values, message in (
        ([{}], at, "x: missing"),
        ([{x: Integer(1)}] * 3, at, "3 points"),
        ([{x: sqrt(-2)}], at, "not a real number"),
        ([{x: eta}], at, "not a real number"),
        ([{x: oo}], at, "not a real number"),
        ([{x: Integer(1)}], {}, "eta: without a value"),
    ):
        with pytest.raises(BadInput, match=message):
            certify(WELL, points, values)
        assert (iv.prec, ctx.prec) == before
    certify(WELL, [{x: Float(1, 80)}], at)
    assert (iv.prec, ctx.prec) == before


def test_an_interval_prints_what_it_is():
    interval = Interval(Rational(-1, 8), Rational(12345, 1000))
    assert str(interval) == "[-0.125, 12.345]"
    assert str(interval.outwards(1)) == "[-0.2, 12.4]"
    assert Rational(12345, 1000) in interval
    assert 12.346 not in interval
    assert str(Interval(Integer(-30), Integer(10) ** 20)) == "[-30, 100000000000000000000]"


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(1, 4), st.lists(sevenths(-1, 1), min_size=16, max_size=16), st.booleans())
def test_eigenvalues_are_enclosed(size, entries, symmetric):
    matrix = Matrix(size, size, entries[: size**2])
    if symmetric:
        matrix = (matrix + matrix.T) / 2
    with ctx.workdps(50):
        ball = arb_mat(size, size, [arb(fraction(int(entry.p), int(entry.q))) for entry in matrix])
        enclosures = enclose_eigenvalues(ball, symmetric=symmetric)
    computed = np.linalg.eigvals(np.array(matrix, dtype=float))
    assert len(enclosures) == size
    for enclosure in enclosures:
        center = complex(float(enclosure.real.lower), float(enclosure.imaginary.lower))
        assert np.min(np.abs(computed - center)) < 1e-3  # where they coincide floating point is no better
        assert not symmetric or enclosure.is_real
    largest = np.max(np.abs(computed))
    if abs(largest - 1) > 1e-2:
        assert verdict(enclosures) == ("stable" if largest < 1 else "unstable")


@pytest.mark.parametrize("value", ["0", "0.5", "-0.999", "3"])
def test_coinciding_defective_eigenvalues_are_enclosed_closely(value):
    with ctx.workdps(50):
        block = arb_mat([[arb(value), 1, 0], [0, arb(value), 1], [0, 0, arb(value)]])
        enclosures = enclose_eigenvalues(block, symmetric=False)
    assert len(enclosures) == 3
    for enclosure in enclosures:
        assert Rational(value) in enclosure.real
        assert enclosure.real.upper - enclosure.real.lower < 1e-9
    assert verdict(enclosures) == ("unstable" if value == "3" else "stable")
