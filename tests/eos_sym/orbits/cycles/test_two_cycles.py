import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Poly, Rational, expand, fraction, real_roots, simplify, sqrt, symbols, together

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, minimalist, product, quadratic, shallow
from eos_sym.algebra.polynomials import ideals
from eos_sym.orbits import Orbit, fixed_points, two_cycles
from eos_sym.orbits.numerical.search import search_orbits
from eos_sym.orbits.orbit import with_values
from eos_sym.rules import MOMENTUM, RADIUS
from eos_sym.rules.optimizers import HeavyBall, SharpnessAwareMinimization
from numeric import compile_map

x, y, z, w = symbols("x y z w", real=True)
mu, K = symbols("mu K", positive=True)
eta = STEP_SIZE
descent = GradientDescent()
well = Objective("double well", (x**2 - mu) ** 2 / 4, (x,), (mu,))


def by_simulation(dynamics, orbit, steps=2):
    """Where the compiled simulator takes the first point of the orbit."""
    start = {name.name: float(value) for name, value in orbit.points[0].items()}
    runs = compile_map(dynamics).run(start, {}, steps=steps)
    return [float(runs.final.sel(state=name.name)) for name in dynamics.state]


def coordinates(orbit):
    return sorted(tuple(float(point[name]) for name in orbit.map.state) for point in orbit.points)


def agree(found, others):
    """Whether two collections of orbits are the same, whatever the order of orbits and points."""
    first, second = (np.array(sorted(map(coordinates, orbits))) for orbits in (found, others))
    return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=1e-12)


def test_the_double_well_has_the_cycles_of_chen_and_bruna_with_a_symbolic_step_size():
    """f = (x² − μ)²/4, η = K/μ: the multiplier of the asymmetric cycles is 9 − 2(1 + K)², by hand."""
    step = descent.map(well).step[0].subs(eta, K / mu)
    found = two_cycles(Map((x,), (mu, K), (step,)))
    assert (found.complete, found.count, len(found.orbits)) == (True, 3, 3)
    symmetric, first, second = found.orbits
    assert symmetric.real_where == ()
    assert simplify(symmetric.points[1][x] ** 2 - mu * (1 + 2 / K)) == 0
    for orbit in (first, second):
        assert [expand(multiplier - (9 - 2 * (1 + K) ** 2)) for multiplier in orbit.multipliers] == [0]
        assert [simplify(condition - mu * (K - 1) / (4 * K)) for condition in orbit.real_where] == [0]  # born at K = 1


def test_the_asymmetric_cycle_is_stable_between_birth_and_the_square_root_of_five_minus_one():
    for step_size, verdict in (
        (Rational(11, 10), "stable"),
        (Rational(123, 100), "stable"),
        (Rational(5, 4), "unstable"),
    ):
        found = two_cycles(descent.map(well), {mu: Integer(1), eta: step_size})
        positive = [orbit for orbit in found.orbits if min(coordinates(orbit))[0] > 0]
        assert [orbit.verdict for orbit in positive] == [verdict]
    below = two_cycles(descent.map(well), {mu: Integer(1), eta: Rational(9, 10)})
    assert (below.count, len(below.orbits)) == (3, 1)


def test_a_general_quartic_has_all_nine_points_of_period_one_and_two():
    quartic = descent.map(Objective("quartic", x**4 / 4 - x**3 / 5 - x**2 + x / 3, (x,)))
    at = {eta: Rational(7, 10)}
    fixed, cycles = fixed_points(quartic, at), two_cycles(quartic, at)
    assert fixed.count + 2 * cycles.count == 9
    twice = np.polynomial.Polynomial([float(c) for c in reversed(_composed(quartic, at))])
    ours = [
        v for orbit in (*fixed.orbits, *cycles.orbits) for point in orbit.points for v in map(float, point.values())
    ]
    roots = twice.roots()
    assert sorted(ours) == pytest.approx(sorted(roots[abs(roots.imag) < 1e-9].real), abs=1e-6)


def _composed(dynamics, at):
    from sympy import Poly

    step = dynamics.step[0].subs(at)
    return Poly(step.subs(x, step) - x, x).all_coeffs()


@settings(derandomize=True, deadline=None, max_examples=10)
@given(st.lists(st.integers(-3, 3), min_size=3, max_size=5).filter(lambda c: c[0] != 0))
def test_the_points_of_period_two_are_counted_by_bezout(coefficients):
    """F of degree n has n² points of period dividing 2; numpy finds the same real ones where they are simple."""
    from sympy import Poly

    step = Poly(coefficients, x).as_expr() / 2
    dynamics = Map((x,), (), (step,))
    degree = len(coefficients) - 1
    fixed, cycles = fixed_points(dynamics), two_cycles(dynamics)
    composed = Poly(step.subs(x, step) - x, x)
    assert composed.degree() == degree**2
    distinct = composed.sqf_part().degree()
    assert fixed.complete
    assert cycles.complete
    assert fixed.count + 2 * cycles.count == distinct
    assert len(fixed.orbits) + 2 * len(cycles.orbits) == composed.sqf_part().count_roots()
    assert all(orbit.residual < 1e-25 for orbit in cycles.orbits)


def test_depth_two_is_solved_with_a_symbolic_step_size():
    found = two_cycles(descent.map(shallow()))
    assert (found.complete, found.count) == (True, 6)
    assert all(simplify(point[x] ** 2 - point[y] ** 2) == 0 for orbit in found.orbits for point in orbit.points)
    at = two_cycles(descent.map(shallow()), {eta: Rational(11, 10)})
    stable = [orbit for orbit in at.orbits if orbit.verdict == "stable"]
    assert [orbit.multipliers for orbit in stable] == [(Rational(4, 5), Rational(9, 50))] * 2
    assert all(orbit.error == 0 for orbit in at.orbits)


def test_a_stable_cycle_is_where_a_simulation_ends():
    dynamics = with_values(descent.map(shallow()), {eta: Rational(11, 10)})
    found = two_cycles(dynamics)
    runs = compile_map(dynamics).run({"x": 1.05, "y": 0.95}, {}, steps=2000)
    end = tuple(runs.final.values)
    assert (str(runs.outcome.values), int(runs.period)) == ("periodic", 2)
    stable = [orbit for orbit in found.orbits if orbit.verdict == "stable"]
    assert any(np.allclose(end, point, atol=1e-9) for orbit in stable for point in coordinates(orbit))


def test_the_balanced_cycles_of_the_minimalist_map_are_all_there():
    reduced = descent.map(minimalist()).restrict({z: x, w: y})
    found = two_cycles(reduced, {eta: Rational(6, 5)})
    assert (found.complete, found.count, len(found.orbits)) == (True, 42, 6)
    symmetric = [orbit for orbit in found.orbits if np.allclose(max(coordinates(orbit)), 1.2094162)]
    assert len(symmetric) == 1
    for orbit in found.orbits:
        assert orbit.status == "proved"
        assert orbit.residual < 1e-28
        assert by_simulation(orbit.map, orbit) == pytest.approx([float(v) for v in orbit.points[0].values()], abs=1e-6)


def test_the_full_minimalist_map_has_finitely_many_cycles_and_those_of_the_reduced_one_among_them():
    found = two_cycles(descent.map(minimalist()), {eta: Rational(6, 5)})
    assert (found.complete, found.count, found.manifolds) == (True, 168, ())
    reduced = [o for o in found.orbits if all(p[x] == p[z] and p[y] == p[w] for p in o.points)]
    assert len(reduced) == 6


def test_a_plane_map_without_symmetry_has_the_cycles_that_a_search_finds():
    loss = x**4 / 4 + y**4 / 4 + x**2 * y / 3 - x * y / 2 + x / 5 + x**2 * y**2 / 7
    dynamics = with_values(descent.map(Objective("general", loss, (x, y))), {eta: Rational(4, 5)})
    found = two_cycles(dynamics)
    assert (found.complete, found.count) == (True, 36)  # (3² · 3² − 9)/2 by Bézout
    searched = search_orbits(dynamics, 2)
    assert agree(found.orbits, searched.orbits)


def test_independent_coordinates_combine_their_cycles():
    """Two double wells: 9 points each of period dividing 2, hence (81 − 9)/2 cycles."""
    both = (x**2 - 1) ** 2 / 4 + (y**2 - 1) ** 2 / 4
    found = two_cycles(descent.map(Objective("wells", both, (x, y))), {eta: Rational(11, 10)})
    assert (found.complete, found.count, len(found.orbits)) == (True, 36, 36)
    assert len({tuple(coordinates(orbit)) for orbit in found.orbits}) == 36


def test_a_circle_of_minima_carries_continua_of_two_cycles():
    found = two_cycles(descent.map(Objective("circle", (x**2 + y**2 - 1) ** 2 / 4, (x, y))), {eta: Rational(11, 10)})
    assert found.complete
    assert found.orbits == ()
    assert [manifold.dimension for manifold in found.manifolds] == [1, 1]
    for manifold in found.manifolds:
        step = {name: expression.subs(manifold.sample) for name, expression in manifold.map.substitution.items()}
        partner = manifold.variables[2:]
        images = zip(manifold.map.state, partner, strict=True)
        assert all(abs(step[name] - manifold.sample[image]) < 1e-25 for name, image in images)


@pytest.mark.parametrize(
    ("step_size", "circles"), [(Rational(4, 5), 1), (Integer(1), 1), (Rational(3, 2), 2), (Rational(11, 10), 2)]
)
def test_a_continuum_and_its_exchange_are_one_and_an_empty_one_is_none(step_size, circles):
    """The cycles of the double well on every line through the origin: ±θ with |θ|² = 1 + 2/η, and others beyond η = 1.

    At η = 3/2 these have the radii 1/√3 and 2/√3, and the pairs (θ, 2θ) and (2θ, θ) are two sets of solutions.
    """
    found = two_cycles(descent.map(Objective("circle", (x**2 + y**2 - 1) ** 2 / 4, (x, y))), {eta: step_size})
    assert (found.complete, found.orbits, len(found.manifolds)) == (True, (), circles)
    samples = [[float(manifold.sample[name]) for name in manifold.variables] for manifold in found.manifolds]
    opposite = [a**2 + b**2 for a, b, c, d in samples if abs(a + c) + abs(b + d) < 1e-9]
    assert opposite == [pytest.approx(float(1 + 2 / step_size))]


def test_two_cycles_of_a_rotation_symmetric_loss_are_two_circles():
    """Of ½(u·v − 2)² the cycles (u, v) ↔ (−u, −v), v = ±u, have |u|² = 2/η ± 2; others have complex points only.

    On v = u, s ↦ s(1 − η(s²|u|² − 2)) has no cycle but s ↔ −s while η ≤ 1/2; its ideal has a real point, on the circle.
    """
    a, b, c, d = symbols("a b c d", real=True)
    loss = Objective("dot product", (a * c + b * d - 2) ** 2 / 2, (a, b, c, d))
    found = two_cycles(descent.map(loss), {eta: Rational(2, 5)})
    assert (found.complete, found.orbits) == (True, ())
    squares = [manifold.sample[a] ** 2 + manifold.sample[b] ** 2 for manifold in found.manifolds]
    assert (sorted(squares), [manifold.dimension for manifold in found.manifolds]) == ([3, 7], [1, 1])
    for manifold in found.manifolds:
        assert len(manifold.tangent(manifold.sample)) == 1


def test_continua_are_listed_once():
    sphere = Objective("sphere", (x**2 + y**2 + z**2 - 1) ** 2 / 4, (x, y, z))
    found = two_cycles(descent.map(sphere), {eta: Rational(11, 10)})
    assert [manifold.dimension for manifold in found.manifolds] == [2, 2]
    assert (found.complete, found.orbits) == (True, ())


def test_continua_on_mirror_lines_are_not_lost():
    """With u = x + y, v = x − y the map is (−u, uv − v): F² = id where uv = 0, and there alone."""
    found = two_cycles(Map((x, y), (), (-x + (x**2 - y**2) / 2, -y - (x**2 - y**2) / 2)))
    assert (found.complete, found.orbits, len(found.manifolds)) == (True, (), 2)


def test_a_quadratic_at_the_edge_has_a_line_of_two_cycles():
    tilted = descent.map(Objective("quadratic", x**2 / 2 + y**2, (x, y)))
    (line,) = two_cycles(tilted, {eta: Integer(1)}).manifolds
    assert line.dimension == 1
    assert two_cycles(tilted, {eta: Rational(9, 10)}).count == 0
    generic = two_cycles(descent.map(quadratic(2)))
    assert (generic.complete, generic.orbits) == (True, ())
    assert "lambda1" in generic.reason  # the exceptional parameters are named
    ((single,),) = [two_cycles(Map((x,), (), (3 - x,))).manifolds]
    assert single.chart[single.variables[1]] == 3 - x


@pytest.mark.slow
def test_heavy_ball_has_two_cycles_too():
    dynamics = with_values(HeavyBall().map(shallow()), {eta: Rational(11, 10), MOMENTUM: Rational(1, 2)})
    found = two_cycles(dynamics)
    assert (found.complete, found.count) == (True, 6)
    assert all(orbit.error == 0 and orbit.residual == 0 for orbit in found.orbits)
    searched = search_orbits(dynamics, 2)
    assert agree(found.orbits, searched.orbits)


def test_what_exceeds_the_bounds_is_searched_for_with_the_reason(monkeypatch):
    dynamics = descent.map(product(3))
    counted = two_cycles(dynamics, {eta: Rational(6, 5)})
    monkeypatch.setattr(ideals, "MOST_POLYNOMIALS", 20)
    found = two_cycles(dynamics, {eta: Rational(6, 5)})
    assert (counted.complete, found.complete) == (True, False)
    assert "grew beyond the bounds" in found.reason
    assert agree(found.orbits, counted.orbits)
    assert {orbit.status for orbit in found.orbits} == {"proved"}  # on the invariant lines xⱼ = ±x₁


def test_every_two_cycle_is_listed_once_however_sharp_the_loss_is():
    """log cosh(100(xy − 1))/10⁴ at η = 1.1: on x = y one cycle around 1, known from the equation of the line."""
    found = two_cycles(descent.map(Objective.from_text("log(cosh(100*(x*y-1)))/10000", "x y")), {eta: Rational(11, 10)})
    assert len(found.orbits) == 2
    for orbit in found.orbits:
        low, high = sorted(abs(float(point[x])) for point in orbit.points)
        assert low == pytest.approx(high - 0.011 * high * np.tanh(100 * (high**2 - 1)), abs=1e-12)
        assert high == pytest.approx(low - 0.011 * low * np.tanh(100 * (low**2 - 1)), abs=1e-12)


def test_two_cycles_of_sam_are_listed_once():
    dynamics = SharpnessAwareMinimization(normalized=True).map(shallow())
    found = two_cycles(dynamics, {eta: Rational(1, 2), RADIUS: Rational(1, 20)})
    pairs = {frozenset(tuple(round(v, 6) for v in point) for point in coordinates(orbit)) for orbit in found.orbits}
    assert len(pairs) == len(found.orbits)


def test_parameters_without_values_are_asked_for():
    found = two_cycles(descent.map(minimalist()).restrict({z: x, w: y}))
    assert (found.complete, found.orbits) == (False, ())
    assert "needs values for eta" in found.reason
    with pytest.raises(BadInput, match="there is no mu"):
        two_cycles(descent.map(shallow()), {mu: Integer(1)})


@pytest.mark.parametrize(
    ("loss", "eta_there", "known"),
    [
        ("log(1 + x**2)", "21/20", 1),  # ±√(η − 1)
        ("x**2/(1 + x**2)", "9/10", 0),
        ("x**2/(1 + x**2)", "2", 3),
        ("log(x**2 - x + 1)", "7/5", 1),
        ("log(1 + x**2) + x**4/4", "1", 1),
    ],
)
def test_the_two_cycles_of_a_rational_map_are_all_found(loss, eta_there, known):
    """As many as the real zeros of F(F(x)) − x without those of F(x) − x, counted by Sturm's theorem."""
    dynamics = descent.map(Objective.from_text(loss, "x"))
    found = two_cycles(dynamics, {eta: Rational(eta_there)})
    step = dynamics.step[0].subs(eta, Rational(eta_there))
    twice, once = (fraction(together(image - x))[0] for image in (step.subs(x, step), step))
    fixed, returning = (len(set(real_roots(Poly(numerator, x)))) for numerator in (once, twice))
    assert found.complete
    assert len(found.orbits) == known == (returning - fixed) / 2
    assert "continua" not in found.reason
    assert all(orbit.status == "proved" for orbit in found.orbits)


def test_where_a_rational_map_is_its_own_inverse_every_other_point_has_period_two():
    (single,) = two_cycles(Map((x,), (), (2 / x,))).manifolds
    assert single.dimension == 1
    assert [expand(equation - x * single.variables[1] + 2) for equation in single.equations] == [0]


def test_a_circle_of_two_cycles_of_a_rational_map_has_its_equation():
    """Of log(1 + r²), r ↦ r − 2ηr/(1 + r²) is −r on r² = η − 1."""
    found = two_cycles(descent.map(Objective.from_text("log(1 + x**2 + y**2)", "x y")), {eta: Rational(11, 10)})
    (circle,) = found.manifolds
    there, back = circle.variables[:2], circle.variables[2:]
    assert (found.complete, found.orbits, circle.dimension) == (True, (), 1)
    known = {there[0] + back[0], there[1] + back[1], 10 * back[0] ** 2 + 10 * back[1] ** 2 - 1}
    assert {*map(expand, circle.equations)} == known


@pytest.mark.parametrize(
    ("loss", "eta_there", "multipliers"),
    [
        ("(x**2 + y**2 - 1)**2/4", "1/2", {36}),  # r ↦ r(1 − η(r² − 1)) has the cycle ±√5 alone, of the slope −6 twice
        ("(x**2 + y**2 - 1)**2/4", "21/20", {Rational(5041, 100), Rational(119, 200)}),
        ("log(1 + x**2 + y**2)", "11/10", {Rational(49, 121)}),
    ],
)
def test_a_circle_of_two_cycles_has_the_multipliers_of_the_radius(loss, eta_there, multipliers):
    found = two_cycles(descent.map(Objective.from_text(loss, "x y")), {eta: Rational(eta_there)})
    conditions = [circle.stability for circle in found.manifolds]
    assert all(condition.neutral == 1 for condition in conditions)
    assert {multiplier for condition in conditions for multiplier in condition.multipliers} == multipliers


def test_a_map_that_is_not_rational_is_searched():
    """θ ↦ θ − 3 tanh θ has the cycle ±θ with 2θ = 3 tanh θ."""
    found = two_cycles(descent.map(Objective.from_text("log(cosh(x))", "x")), {eta: Integer(3)})
    assert not found.complete
    assert "not a polynomial" in found.reason
    (cycle,) = found.orbits
    assert cycle.status == "numerical"
    high = float(max(point[x] for point in cycle.points))
    assert 2 * high == pytest.approx(3 * np.tanh(high), abs=1e-12)


def test_an_orbit_given_to_finitely_many_digits_has_no_symbolic_condition():
    cubic = Map((x,), (), (x - x**3,))
    approximate = Orbit(cubic, ({x: sqrt(2).evalf(30)}, {x: -sqrt(2).evalf(30)}), None)
    assert (approximate.status, approximate.verdict) == ("numerical", "unstable")
    assert [float(multiplier) for multiplier in approximate.multipliers] == [25]
    assert approximate.residual < 1e-25
