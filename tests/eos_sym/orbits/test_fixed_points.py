import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import polyroots
from sympy import (
    E,
    Integer,
    Poly,
    Rational,
    acos,
    asinh,
    degree,
    diff,
    expand,
    log,
    pi,
    simplify,
    sqrt,
    symbols,
    sympify,
)

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, minimalist, product, quadratic, shallow
from eos_sym.algebra import Ideal, points, roots_of
from eos_sym.orbits import fixed_points
from eos_sym.orbits.fixed_points import real_where
from eos_sym.rules import MOMENTUM, RADIUS, NormalizedGradientDescent
from eos_sym.rules.optimizers import HeavyBall, Nesterov, PreconditionedMomentum, SharpnessAwareMinimization

x, y, z, w = symbols("x y z w", real=True)
mu = symbols("mu", real=True)
k = symbols("k", integer=True)
eta = STEP_SIZE
descent = GradientDescent()


def is_fixed(orbit, tolerance=1e-25):
    (point,) = orbit.points
    return all(abs(step.subs(point) - point[name]) < tolerance for name, step in orbit.map.substitution.items())


def rests(manifold):
    """Whether the map is the identity on the chart of the manifold."""
    displacement = (step - name for name, step in manifold.map.substitution.items())
    return all(simplify(part.subs(manifold.chart)) == 0 for part in displacement)


def test_the_minimalist_loss_has_its_minima_and_six_planes_of_saddles():
    found = fixed_points(descent.map(minimalist()))
    assert found.complete
    assert found.orbits == ()
    minima, *planes = found.manifolds
    assert minima.equations == (w * x * y * z - 1,)
    assert (minima.dimension, minima.stability.neutral) == (3, 3)
    assert len(planes) == 6
    assert all(plane.dimension == 2 and len(plane.chart) == 2 for plane in planes)
    assert all(set(plane.chart.values()) == {0} for plane in planes)
    assert all(map(rests, found.manifolds))


def test_the_tangent_of_the_minima_is_orthogonal_to_the_gradient_of_their_equation():
    minima = fixed_points(descent.map(minimalist())).manifolds[0]
    point = {x: Integer(2), y: Rational(1, 2), z: Integer(-1), w: Integer(-1)}
    tangent = minima.tangent(point)
    normal = [diff(x * y * z * w, name).subs(point) for name in minima.variables]
    assert len(tangent) == 3
    assert all(sum(a * b for a, b in zip(vector, normal, strict=True)) == 0 for vector in tangent)
    with pytest.raises(BadInput, match="not on the manifold"):
        minima.tangent(dict.fromkeys(minima.variables, Integer(2)))


def test_depth_two_has_the_hyperbola_and_an_isolated_saddle():
    found = fixed_points(descent.map(shallow()))
    (saddle,) = found.orbits
    assert saddle.points == ({x: 0, y: 0},)
    assert saddle.verdict == "unstable"
    assert set(saddle.multipliers) == {1 - eta, 1 + eta}
    assert [manifold.equations for manifold in found.manifolds] == [(x * y - 1,)]


def test_depth_eight_has_its_minima_and_a_plane_for_every_pair_of_weights():
    found = fixed_points(descent.map(product(8)))
    assert found.complete
    assert [manifold.dimension for manifold in found.manifolds] == [7] + [6] * 28


def test_roots_with_a_parameter_say_where_they_are_real():
    found = fixed_points(descent.map(Objective("double well", (x**2 - mu) ** 2 / 4, (x,), (mu,))))
    assert found.complete
    assert [orbit.points[0][x] for orbit in found.orbits] == [0, sqrt(mu), -sqrt(mu)]
    assert [orbit.real_where for orbit in found.orbits] == [(), (mu,), (mu,)]
    assert found.reason == "the equations were taken apart without loss of real solutions"  # for all parameters


def test_an_arc_cosine_is_real_between_minus_one_and_one():
    (inside,) = real_where(acos(mu))
    assert expand(inside - (1 - mu**2)) == 0


def test_values_of_parameters_change_what_is_real():
    well = descent.map(Objective("double well", (x**2 - mu) ** 2 / 4, (x,), (mu,)))
    for value, real in ((1, 3), (-1, 1)):
        found = fixed_points(well, {mu: Integer(value), eta: Rational(1, 10)})
        assert (found.complete, found.count, len(found.orbits)) == (True, 3, real)
    with pytest.raises(BadInput, match="there is no"):
        fixed_points(well, {y: Integer(1)})


def test_a_function_with_one_zero_counts_as_its_argument():
    found = fixed_points(descent.map(Objective.from_text("log(cosh(1 - x*y))", "x y")))
    assert found.complete
    assert [manifold.equations for manifold in found.manifolds] == [(x * y - 1,)]
    assert [orbit.points for orbit in found.orbits] == [({x: 0, y: 0},)]
    assert all(map(rests, found.manifolds))


def test_momentum_rests_where_gradient_descent_does_with_no_velocity():
    for rule in (HeavyBall(), Nesterov(), PreconditionedMomentum()):
        found = fixed_points(rule.map(shallow()))
        (minima,) = found.manifolds
        assert found.complete
        assert all(minima.chart[name] == 0 for name in minima.variables[2:])
        assert minima.chart[y] == 1 / x
        assert rests(minima)


def test_normalized_descent_has_no_fixed_point():
    found = fixed_points(NormalizedGradientDescent().map(shallow()))
    assert (found.complete, found.orbits, found.manifolds) == (True, (), ())


def test_where_a_logarithm_of_the_map_is_infinite_nothing_rests():
    """The gradient of x² log x² is 2x(log x² + 1): 0 at x = ±e^(−1/2), and not defined at 0."""
    found = fixed_points(descent.map(Objective.from_text("x**2*log(x**2)", "x")))
    assert found.complete
    assert {orbit.points[0][x] for orbit in found.orbits} == {1 / sqrt(E), -1 / sqrt(E)}


def test_unnormalized_sam_has_a_saddle_of_its_own():
    """At x = y, θ + ρ∇L = θ(1 + ρ(x² − 1)) is 0 where x² = 1 − 1/ρ."""
    at = {eta: Rational(1, 2), RADIUS: Integer(2)}
    found = fixed_points(SharpnessAwareMinimization(normalized=False).map(shallow()), at)
    assert any(orbit.points == ({x: sqrt(2) / 2, y: sqrt(2) / 2},) for orbit in found.orbits)
    assert all(map(is_fixed, found.orbits))


def test_a_circle_of_minima_is_a_manifold_without_a_chart():
    found = fixed_points(descent.map(Objective("circle", (x**2 + y**2 - 1) ** 2 / 4, (x, y))))
    (circle,) = found.manifolds
    assert circle.equations == (x**2 + y**2 - 1,)
    assert circle.dimension == 1
    ((first, second),) = circle.tangent(circle.sample)
    assert first * circle.sample[x] + second * circle.sample[y] == 0


def test_a_sum_of_squares_vanishes_only_where_all_of_them_do():
    found = fixed_points(Map((x, y), (mu,), (x + mu**2 * (x**2 + y**4), y + x * y)))
    assert found.complete
    assert [orbit.points for orbit in found.orbits] == [({x: 0, y: 0},)]


def test_what_is_not_solved_is_searched_for_and_not_called_complete():
    oscillating = descent.map(Objective.from_text("cos(x) + x**2/8", "x"))
    symbolic = fixed_points(oscillating)
    assert (symbolic.complete, symbolic.orbits) == (False, ())
    found = fixed_points(oscillating, {eta: Rational(1, 3)})
    assert not found.complete
    statuses = {float(orbit.points[0][x]): orbit.status for orbit in found.orbits}
    assert statuses.pop(0.0) == "proved"  # exactly there
    assert set(statuses.values()) == {"numerical"}  # sin x = x/4 at ±2.4746
    assert sorted(float(orbit.points[0][x]) for orbit in found.orbits) == pytest.approx([-2.4745768, 0, 2.4745768])


KNOWN = [
    ("(exp(10*x)-2)**2/400", "x", [log(2) / 10]),
    ("exp(x)+exp(-2*x)", "x", [log(2) / 3]),
    ("x**2*exp(1-x)", "x", [0, 2]),
    ("1-exp(-x**2-y**2)", "x y", [0]),
    ("(1-tanh(x*y))**2/2", "x y", [0]),  # its tail is flat, and has no zero
    ("cosh(x)-2*x", "x", [asinh(2)]),
    ("1-cos(x)", "x", [2 * pi * k, pi + 2 * pi * k]),
    ("(cos(2*x)-1)**2", "x", [pi * k, pi / 2 + pi * k]),  # both factors of the slope vanish at πk
    ("exp(-x)+x**2*exp(-x)", "x", [1]),  # the derivative is −(x − 1)² e⁻ˣ: a double zero
    ("(exp(x)-y)**2/2+y**2/20", "x y", []),  # least at x = −∞
    ("log(cosh(x-1))+log(cosh(y+2*x))", "x y", [1]),
    ("x**2/(1+x**2)", "x", [0]),
    ("(x**2+y**2+1)**2/4", "x y", [0]),
]


@pytest.mark.parametrize(("text", "weights", "values"), KNOWN)
@pytest.mark.parametrize("scale", [1, Rational(1, 10**6), 10**6])
def test_fixed_points_are_those_known_by_hand_on_every_scale(text, weights, values, scale):
    loss = Objective.from_text(text, weights)
    dynamics = descent.map(Objective("scaled", scale * loss.loss, loss.weights))
    for at in ({}, {eta: Rational(1, 10)}):
        found = fixed_points(dynamics, at)
        listed = [orbit.points[0][x].subs(dict.fromkeys(orbit.integers, 7)).evalf() for orbit in found.orbits]
        assert (found.complete, found.manifolds) == (True, ())
        assert sorted(listed) == pytest.approx(sorted(sympify(value).subs(k, 7).evalf() for value in values))


@pytest.mark.parametrize(("text", "weights", "values"), KNOWN[:4])
def test_nesterov_rests_where_gradient_descent_does(text, weights, values):
    dynamics = Nesterov().map(Objective.from_text(text, weights))
    for at in ({}, {eta: Rational(1, 10), MOMENTUM: Rational(9, 10)}):
        found = fixed_points(dynamics, at)
        assert (found.complete, [orbit.points[0][x] for orbit in found.orbits]) == (True, values[::-1])
        assert all(
            orbit.points[0][name] == 0 for orbit in found.orbits for name in dynamics.state[len(weights.split()) :]
        )


def test_separable_examples_have_no_fixed_point():
    """(−1, 1) has a positive margin on the examples (1, 2), (−1, 1), (−3, −1) of logistic regression."""
    loss = Objective.from_text("log(1+exp(-x-2*y))+log(1+exp(x-y))+log(1+exp(3*x+y))", "x y")
    for at in ({}, {eta: Rational(1, 10)}):
        found = fixed_points(descent.map(loss), at)
        assert (found.complete, found.orbits, found.manifolds) == (True, (), ())


def test_a_logistic_loss_has_one_fixed_point_in_functions_of_algebraic_numbers():
    """By Newton's method with mpmath, independently, of the gradient of a convex loss."""
    loss = Objective.from_text("log(1+exp(-x-y))+log(1+exp(x-y))+log(1+exp(2*y))", "x y")
    found = fixed_points(descent.map(loss), {eta: Rational(1, 10)})
    (orbit,) = found.orbits
    assert (found.complete, orbit.status, orbit.verdict) == (True, "proved", "stable")
    high = mpmath.findroot(lambda v: 2 / (1 + mpmath.exp(-2 * v)) - 2 / (1 + mpmath.exp(v)), -0.3)  # x = 0 by symmetry
    assert [float(value) for value in orbit.points[0].values()] == pytest.approx([0, float(high)], abs=1e-14)


def test_a_family_has_its_multipliers_for_all_integers():
    found = fixed_points(descent.map(Objective.from_text("1-cos(x)+y**2", "x y")))
    assert [set(orbit.multipliers) for orbit in found.orbits] == [{1 - eta, 1 - 2 * eta}, {1 + eta, 1 - 2 * eta}]
    assert [len(orbit.integers) for orbit in found.orbits] == [1, 1]


def test_a_set_without_real_points_is_no_manifold():
    at = {eta: Rational(1, 10), RADIUS: Rational(1, 2)}
    found = fixed_points(SharpnessAwareMinimization(normalized=False).map(shallow()), at)
    assert (found.complete, [manifold.equations for manifold in found.manifolds]) == (True, [(x * y - 1,)])


def test_a_point_on_a_manifold_is_not_listed_beside_it():
    found = fixed_points(descent.map(Objective("cusp", (x**2 - x * y**2 + y**3) ** 2, (x, y))))
    assert [manifold.equations for manifold in found.manifolds] == [(x**2 - x * y**2 + y**3,)]
    assert [orbit.points for orbit in found.orbits] == [({x: Rational(9, 2), y: 3},)]  # there the loss is not 0


def test_a_quadratic_rests_at_its_minimum_only():
    found = fixed_points(descent.map(quadratic(3)))
    (orbit,) = found.orbits
    assert set(orbit.points[0].values()) == {0}
    assert (found.complete, orbit.verdict) == (True, "undecided")  # for want of values
    assert orbit.stability.verdict({MOMENTUM: 1}) == "undecided"


def test_algebraic_fixed_points_are_enclosed_and_their_verdict_is_proved():
    found = fixed_points(
        descent.map(Objective("quartic", x**4 / 4 - x**3 / 5 - x**2 + x / 3, (x,))), {eta: Rational(7, 10)}
    )
    assert [orbit.status for orbit in found.orbits] == ["proved"] * 3
    assert all(0 < orbit.error < 1e-29 and is_fixed(orbit) for orbit in found.orbits)
    curvatures = [(3 * v**2 - 0.6 * v - 2) for v in (float(orbit.points[0][x]) for orbit in found.orbits)]
    expected = ["stable" if abs(1 - 0.7 * curvature) < 1 else "unstable" for curvature in curvatures]
    assert [orbit.verdict for orbit in found.orbits] == expected


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=7).filter(lambda c: c[0] != 0))
def test_isolated_roots_agree_with_another_root_finder(coefficients):
    polynomial = Poly(coefficients, x)
    squared = polynomial.as_expr() * (x**2 - 2) ** 2
    roots = roots_of(squared, x, 20)
    assert sum(root.multiplicity for root in roots) == degree(squared, x)
    simple = Poly(polynomial.sqf_part(), x)
    numbers = [
        complex(value) for value in polyroots([int(c) for c in simple.all_coeffs()], maxsteps=500, extraprec=300)
    ]
    for number in numbers:
        nearest = min(roots, key=lambda root: abs(complex(root.value(20)) - number))
        assert abs(complex(nearest.value(20)) - number) < 1e-8
        assert nearest.is_real == (simple.count_roots(*_around(number)) > 0)


def _around(number):
    near = Rational(1, 10**6)
    return (Rational(number.real) - near, Rational(number.real) + near) if abs(number.imag) < 1e-9 else (10**6, 10**6)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=4, unique=True))
def test_planted_points_are_found_once_each(planted):
    """The ideal of finitely many rational points, some of its equations squared so that it is not radical."""
    across = Integer(1)
    for first, _ in planted:
        across *= x - first
    vanishing = [across**2]
    for first, second in planted:  # products that vanish at all points, the y-coordinate separating equal x
        factor = y - second
        for other, height in planted:
            factor *= (x - other) if other != first else (y - height if height != second else 1)
        vanishing.append(factor)
    ideal = Ideal.of(vanishing, (x, y))
    real = {tuple(zero.values((x, y)).values()) for zero in points(ideal) if zero.is_real}
    assert set(planted) <= real
    for point in real:
        assert all(equation.subs(dict(zip((x, y), point, strict=True))) == 0 for equation in vanishing)


@pytest.mark.parametrize(
    ("loss", "points"),
    [
        ("(x**2 - x*y**2 + y**4)**2", [(0, 0)]),  # (x − y²/2)² + 3y⁴/4
        ("((exp(x) - 1)**2 - (exp(x) - 1)*y**2 + y**4)**2", [(0, 0)]),
        ("(y**2 + x**2*(x**2 - 1)**2)**2", [(-1, 0), (0, 0), (1, 0)]),
    ],
)
def test_a_curve_with_isolated_real_points_only_is_these(loss, points):
    objective = Objective.from_text(loss, "x y")
    found = fixed_points(GradientDescent().map(objective), {eta: Rational(1, 10)})
    minima = [tuple(piece.chart[name] for name in objective.weights) for piece in objective.minima.pieces]
    assert (found.complete, found.manifolds, sorted(minima)) == (True, (), points)
    assert {*points} <= {tuple(orbit.points[0].values()) for orbit in found.orbits}


def test_where_erf_takes_a_value_is_a_fixed_point_and_there_is_no_other():
    """∇½(erf w − ½)² vanishes where erf w = ½; that of ½(a erf w − 1)² at a = w = 0 and along a erf w = 1."""
    found = fixed_points(descent.map(Objective.from_text("(erf(w) - 1/2)**2/2", "w")), {eta: Rational(1, 10)})
    (orbit,) = found.orbits
    assert found.complete
    assert float(orbit.points[0][w]) == pytest.approx(float(mpmath.erfinv(0.5)), rel=1e-14)
    found = fixed_points(descent.map(Objective.from_text("(x*erf(w) - 1)**2/2", "x w")), {eta: Rational(1, 10)})
    assert found.complete
    assert [orbit.points for orbit in found.orbits] == [({x: 0, w: 0},)]
    assert len(found.manifolds) == 1
