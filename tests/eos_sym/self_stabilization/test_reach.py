"""What vanishes at a point, and how far the cycle of the cubic expansion reaches, against simulation on both sides."""

import math

import numpy as np
import pytest
from sympy import Float, ImmutableMatrix, Rational, pi, sqrt, symbols

from eos_sym import BadInput, Objective, Undecided
from eos_sym.self_stabilization import CubicExpansion, exact_zeros, neglected, top_eigenvector

XY = Objective.from_text("(1 - x*y)**2/2", "x y")
TENTH = Rational(1, 10)


def at(objective, *values):
    return dict(zip(objective.weights, map(Rational, values), strict=True))


def expansion(objective, point, digits=60):
    return CubicExpansion(objective, point, top_eigenvector(objective.hessian.subs(point), digits))


@pytest.mark.parametrize(
    ("loss", "weights", "point", "steepness", "sharpening"),
    [
        ("(1 - x*y)**2/2", "x y", ("11/10", "11/10"), True, True),
        ("(1 - x*y)**2/2", "x y", ("63/10", "3/20"), False, False),
        ("(1 - x*y)**2/2", "x y", ("3", "1/3"), False, True),  # a minimum
        ("(1 - x*y)**2/2 + z**2", "x y z", ("11/10", "11/10", "1"), True, True),
        ("(1 - x*y)**2/2 + z**2/20", "x y z", ("11/10", "11/10", "1"), True, True),
        ("(2 + z)*(x - y)**2 + (x + y)**4/100 - z/9", "x y z", ("0", "0", "1"), False, False),
        ("x**2*y + x**4 + y**2/2", "x y", ("0", "1"), False, False),
        ("x**4 + 3*x", "x", ("2",), True, True),
    ],
)
def test_zeros_at_rational_points_of_polynomials_are_exact(loss, weights, point, steepness, sharpening):
    objective = Objective.from_text(loss, weights)
    found = exact_zeros(objective, at(objective, *point))
    assert (found.steepness, found.sharpening) == (steepness, sharpening)


def test_exact_zeros_are_those_of_a_direction_in_closed_form():
    """At x = y the top eigenvector of xy is (1, 1)/√2, and ∇S lies along it."""
    diagonal = ImmutableMatrix([1, 1]) / sqrt(2)
    with pytest.raises(Undecided, match="∇S⊥ = 0"):
        _ = CubicExpansion(XY, at(XY, "11/10", "11/10"), diagonal).beta


@pytest.mark.parametrize("loss", ["(1 - x*y)**2/2", "log(cosh(1 - x*y))", "(tanh(x*y) - 1/2)**2", "exp(-x*y) + x*y/3"])
@pytest.mark.parametrize("digits", [20, 40])
def test_rounding_is_not_taken_for_a_force(loss, digits):
    """On the diagonal nothing changes the sharpness across it, at whatever precision that is computed."""
    objective = Objective.from_text(loss, "x y")
    point = {weight: Float("1.1", digits) for weight in objective.weights}
    found = expansion(objective, point, digits)
    for quantity in ("beta", "alpha", "delta", "sharpening"):
        with pytest.raises(Undecided, match="∇S⊥ = 0"):
            getattr(found, quantity)


def test_what_is_small_is_not_taken_for_zero():
    """Off the diagonal by h, ∇S⊥ is proportional to h."""
    betas = [expansion(XY, at(XY, "11/10", Rational(11, 10) + Rational(step, 10**12))).beta for step in (1, 2)]
    assert float(betas[1] / betas[0]) == pytest.approx(4, rel=1e-9)


def test_at_a_minimum_there_is_no_progressive_sharpening():
    with pytest.raises(BadInput, match="α = 0; choose"):
        _ = expansion(XY, at(XY, 3, "1/3")).alpha
    rounded = {weight: Float(value, 30) for weight, value in at(XY, 3, "1/3").items()}
    assert abs(expansion(XY, rounded, 30).sharpening) < 1e-25


x, s = symbols("x s", real=True)


def valley(drive, quartic=0, restoring=0):
    """Sharpness 20 + s: α = `drive`, β = 1, at the edge for η = 1/10."""
    loss = (20 + s) * x**2 / 2 - drive * s + restoring * s**2 / 2 + quartic * x**4 / 24
    return Objective("valley", loss, (x, s))


def shares(objective):
    return list(neglected(expansion(objective, dict.fromkeys(objective.weights, Rational(0))), TENTH).values())


def test_what_is_neglected_on_a_valley_is_found_by_hand():
    """δ² = 2α and κ₄ = −6 give ε = η√α, b/√α, κ₄δ²/6 over √α, which is 2√α, and no error of the drift."""
    off_edge, off_valley, step, pull, growth, drift = map(float, shares(valley(Rational(1, 100), -6, Rational(1, 50))))
    assert (off_edge, off_valley, drift) == pytest.approx((0, 0, 0), abs=1e-20)
    assert (step, pull, growth) == pytest.approx((0.01, 0.2, 0.2), rel=1e-12)


def turn(drive, quartic):
    """The steps of gradient descent between the first two times that it crosses s = 0 upward, beside the two-cycle."""
    position, height, crossings = 1.001 * math.sqrt(2 * drive), 0.0, []
    for step in range(100_000):
        before = height
        slope = (20 + height) * position + quartic * position**3 / 6
        position, height = position - 0.1 * slope, height - 0.1 * (position**2 / 2 - drive)
        if before < 0 <= height:
            crossings.append(step - height / (height - before))
            if len(crossings) == 2:
                return np.diff(crossings)[0]
        if abs(height) + abs(position) < 1e-12 or abs(position) > 1e3:
            break
    return math.inf


def test_inside_the_reach_the_turn_is_that_of_the_cycle_up_to_the_order_of_its_step_squared():
    errors = []
    for drive in (0.25, 1.0):
        epsilon = 0.1 * math.sqrt(drive)
        assert max(shares(valley(Rational(str(drive))))) == pytest.approx(epsilon, rel=1e-9)
        errors.append(turn(drive, 0) / (math.sqrt(2) * math.pi / epsilon) - 1)
        assert errors[-1] == pytest.approx(2 * epsilon**2 / 3, rel=0.3)
    assert math.log(errors[1] / errors[0]) / math.log(2) == pytest.approx(2, abs=0.3)


def test_beyond_the_reach_there_is_no_turn():
    """Where the quartic growth is as large as the height of the cycle, gradient descent settles without turning."""
    drive = 0.01
    assert max(shares(valley(Rational(1, 100), -60))) == pytest.approx(2, rel=1e-9)
    assert turn(drive, -60) == math.inf
    assert turn(drive, 0) == pytest.approx(float(sqrt(2) * pi / 0.01), rel=0.01)


def test_an_expansion_far_off_the_edge_says_so():
    first, *_ = shares(Objective("off", valley(Rational(1, 100)).loss + 1 * x**2, (x, s)))
    assert float(first) == pytest.approx(2 / 0.1, rel=1e-9)


def test_a_component_that_is_rounding_takes_no_digits_from_the_others():
    """z is turned into x by an angle of 3-4-5, and stands apart from x and y: β is that of xy."""
    turned = Objective.from_text("(1 - (3*x + 4*z)/5*y)**2/2 + ((3*z - 4*x)/5)**2/9", "x y z")
    point = at(turned, Rational(3, 5) * 3, "1/4", Rational(4, 5) * 3)
    expected = expansion(XY, at(XY, 3, "1/4"))
    found = expansion(turned, point)
    for name in ("beta", "alpha", "sharpness"):
        assert abs(getattr(found, name) / getattr(expected, name) - 1) < Float(10) ** -50


@pytest.mark.parametrize("curvature", [3, 0])
def test_the_eigenvector_of_one_weight_is_that_weight(curvature):
    """Against a comparison of the only eigenvalue with one that is not there, and is read as 0."""
    assert abs(float(top_eigenvector(ImmutableMatrix([[curvature]]), 15)[0])) == 1
