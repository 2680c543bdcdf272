import pytest
from sympy import Float, Integer, Rational, cos, erf, exp, pi, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, Undecided, minimalist
from eos_sym.orbits import Orbit, vanishes_on_two_cycles

x, y, z, w = symbols("x y z w", real=True)
mu = symbols("mu", positive=True)
eta = STEP_SIZE


@pytest.fixture(scope="module")
def reduced():
    return GradientDescent().map(minimalist()).restrict({z: x, w: y})


@pytest.fixture(scope="module")
def double_well():
    """f = (x² − μ)²/4 with η = K/μ, μ = 1, K = 11/10 (Chen and Bruna 2022)."""
    objective = Objective("double well", (x**2 - 1) ** 2 / 4, (x,))
    step = GradientDescent().map(objective).step[0].subs(eta, Rational(11, 10))
    return Map((x,), (), (step,))


def test_a_two_cycle_has_the_multiplier_of_the_literature(double_well):
    """x± with x₊ + x₋ = √(1 + 2/K)…: the cycle {.8145516, 1.1160630} has the multiplier 9 − 2(1 + K)²."""
    from sympy import Poly, real_roots

    pair = Poly(double_well.iterate(2).step[0] - x, x).quo(Poly(double_well.step[0] - x, x))
    points = [root for root in real_roots(pair) if root.evalf() > 0]
    values = sorted(float(root) for root in points if 0.7 < root.evalf() < 1.2)
    assert values == pytest.approx([0.8145516, 1.1160630], abs=1e-7)
    slope = double_well.jacobian[0]
    multiplier = float(slope.subs(x, values[0])) * float(slope.subs(x, values[1]))
    assert multiplier == pytest.approx(9 - 2 * 2.1**2, abs=1e-9)


def test_a_fixed_point_and_a_symmetric_cycle_are_exact_orbits():
    cubic = Map((x,), (), (x - x**3,))
    assert Orbit(cubic, ({x: 0},)).period == 1
    cycle = Orbit(cubic, ({x: sqrt(2)}, {x: -sqrt(2)}))
    assert (cycle.period, cycle.residual) == (2, 0)
    assert cycle.stability.multipliers == {25: 1}
    assert cycle.stability.verdict({}) == "unstable"


def test_points_that_are_no_orbit_are_refused():
    cubic = Map((x,), (), (x - x**3,))
    with pytest.raises(BadInput, match="not an orbit"):
        Orbit(cubic, ({x: 1}, {x: -1}))
    with pytest.raises(BadInput, match="3 points"):
        Orbit(cubic, ({x: 0},) * 3)


def test_every_two_cycle_of_the_minimalist_map_is_balanced(reduced):
    assert vanishes_on_two_cycles(reduced, x**2 - y**2)


def test_what_holds_on_some_two_cycles_only_is_not_proved(reduced):
    assert not vanishes_on_two_cycles(Map((x,), (), (x - x**3,)), x - 1)
    assert not vanishes_on_two_cycles(Map((x,), (), (x - x**3,)), x)
    assert vanishes_on_two_cycles(Map((x,), (), (x - x**3,)), x**2 - 2) is False  # complex cycles have other values


def test_what_holds_on_the_two_cycles_of_a_rational_map():
    """Those of x ↦ 1/(1 + x²) have θφ = 1 and θ + φ = 1, and are complex; its fixed points are others."""
    rational = Map((x,), (), (1 / (1 + x**2),))
    assert vanishes_on_two_cycles(rational, x**2 - x + 1)
    assert not vanishes_on_two_cycles(rational, x**3 + x - 1)


def test_a_map_that_is_not_rational_is_undecided():
    for step in (exp(x), x - erf(x) / exp(x**2), 1 / (1 + exp(x))):
        with pytest.raises(Undecided, match="not a polynomial"):
            vanishes_on_two_cycles(Map((x,), (), (step,)), x)
    for coefficient in (sqrt(2), 0.5):
        with pytest.raises(Undecided, match="not rational"):
            vanishes_on_two_cycles(Map((x,), (), (coefficient * x - x**3,)), x)


def test_a_fixed_point_given_twice_is_no_two_cycle():
    cubic = Map((x,), (), (x - x**3,))
    with pytest.raises(BadInput, match="different points"):
        Orbit(cubic, ({x: 0}, {x: 0}))
    with pytest.raises(BadInput, match="missing"):
        Orbit(cubic, ({x: 0}, {}))


@pytest.mark.parametrize("slope", [1 - Rational(8, 10**12), 1 + Rational(8, 10**12)])
def test_a_multiplier_nearly_one_decides_and_is_not_taken_for_one(slope):
    dynamics = Map((x, y), (), (slope * x + x**2, y / 2))
    exact = Orbit(dynamics, ({x: 0, y: 0},))
    numerical = Orbit(dynamics, ({x: Float(0, 30), y: Float(0, 30)},), None)
    for orbit in (exact, numerical):
        assert (orbit.neutral, orbit.verdict) == (0, "stable" if slope < 1 else "unstable")


def test_a_multiplier_is_one_as_far_as_the_digits_of_a_point_tell():
    """On the minima xy = 1 of ½ (xy − 1)², a point to few digits has a multiplier near 1."""
    dynamics = GradientDescent().map(Objective("valley", (x * y - 1) ** 2 / 2, (x, y)))
    at = Map(dynamics.state, (), tuple(step.subs(eta, Rational(1, 10)) for step in dynamics.step))
    for digits in (15, 30):
        orbit = Orbit(at, ({x: Float(3, digits), y: Float(Rational(1, 3), digits)},), None)
        assert (orbit.neutral, orbit.verdict) == (1, "stable")
    assert Orbit(at, ({x: 3, y: Rational(1, 3)},)).neutral == 1


def test_an_orbit_is_recognized_where_simplification_does_not_see_it():
    """2 cos(π/7) − 2 cos(2π/7) + 2 cos(3π/7) = 1, so that the point is fixed."""
    root = 2 * cos(pi / 7) - 2 * cos(2 * pi / 7) + 2 * cos(3 * pi / 7)
    assert Orbit(Map((x,), (), (1 + (x - root) / 2,)), ({x: Integer(1)},)).residual == 0


def test_a_multiplier_that_is_zero_is_printed_as_zero():
    """The fixed point √2 of Newton's method for x² = 2 is superstable; 30 digits leave a slope of some 10⁻³⁰."""
    newton = Map((x, y), (), (x / 2 + 1 / x, y / 3))
    orbit = Orbit(newton, ({x: sqrt(2).evalf(30), y: Integer(0)},), None)
    assert sorted(orbit.multipliers) == [0, pytest.approx(1 / 3, rel=1e-14)]


def test_a_float_that_rounding_keeps_fixed_is_no_exact_fixed_point():
    descent = Map((x,), (), (x + (2 - x**2) / 3,))
    kept = Float(2**0.5)
    assert descent.step[0].subs(x, kept) == kept
    with pytest.raises(BadInput, match="not an orbit"):
        Orbit(descent, ({x: kept},))
    assert Orbit(descent, ({x: kept},), None).status == "numerical"
    assert Orbit(Map((x,), (), (2 * x - 0.25,)), ({x: Float(0.25)},)).status == "proved"
