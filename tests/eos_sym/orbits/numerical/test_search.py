import math
import time
from itertools import pairwise

import numpy as np
import pytest
from mpmath import fp
from sympy import Float, Integer, Rational, Symbol, asin, cos, cosh, exp, log, nsolve, pi, sin, sqrt, symbols, tanh

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, quadratic, shallow
from eos_sym.orbits import Orbit, two_cycles
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.numerical.closing import Closing
from eos_sym.orbits.numerical.convergence import _deflation
from eos_sym.orbits.numerical.search import beyond, search_orbits
from eos_sym.orbits.orbit import with_values
from eos_sym.rules import NormalizedGradientDescent
from numeric import compile_map

x, y = symbols("x y", real=True)
eta = STEP_SIZE
descent = GradientDescent()


def coordinates(orbit):
    return sorted(tuple(float(point[name]) for name in orbit.map.state) for point in orbit.points)


@pytest.fixture(scope="module")
def log_cosh():
    """The step size is beyond 2/sharpness = 1 at x = y = 1, so that GD ends on a two-cycle nearby."""
    return with_values(descent.map(Objective.from_text("log(cosh(1 - x*y))", "x y")), {eta: Rational(5, 4)})


def test_a_search_meets_the_cycle_on_which_a_simulation_ends(log_cosh):
    found = search_orbits(log_cosh, 2)
    runs = compile_map(log_cosh).run({"x": 1.1, "y": 0.95}, {}, steps=4000)
    stable = [orbit for orbit in found.orbits if orbit.verdict == "stable"]
    assert str(runs.outcome.values) == "periodic"
    assert any(np.allclose(runs.final.values, point, atol=1e-9) for orbit in stable for point in coordinates(orbit))
    assert all(orbit.residual < 1e-27 and orbit.status == "numerical" for orbit in found.orbits)
    assert not found.complete


def test_the_same_search_gives_the_same_orbits_each_once(log_cosh):
    first, second = search_orbits(log_cosh, 2), search_orbits(log_cosh, 2)
    assert [orbit.points for orbit in first.orbits] == [orbit.points for orbit in second.orbits]
    distinct = {tuple(tuple(round(value, 8) for value in point) for point in coordinates(o)) for o in first.orbits}
    assert len(distinct) == len(first.orbits)


def test_all_cycles_of_a_cubic_map_are_met():
    dynamics = Map((x,), (), (x - Rational(7, 10) * (x**3 - x / 5 - Rational(3, 5) * x**2),))
    counted = two_cycles(dynamics)
    searched = search_orbits(dynamics, 2)
    first, second = (np.array(sorted(map(coordinates, found.orbits))) for found in (counted, searched))
    assert np.allclose(first, second, rtol=0, atol=1e-12)


def test_a_box_bounds_the_starts_and_has_to_fit(log_cosh):
    found = search_orbits(log_cosh, 2, {x: (0.5, 1.5), y: (0.5, 1.5)})
    assert any(coordinates(orbit)[0][0] > 0 for orbit in found.orbits)
    with pytest.raises(BadInput, match="box"):
        search_orbits(log_cosh, 2, {x: (0.5, 1.5)})
    with pytest.raises(BadInput, match="period"):
        search_orbits(log_cosh, 3)
    with pytest.raises(BadInput, match="without a value"):
        search_orbits(descent.map(shallow()), 2)


@pytest.mark.parametrize(("weight_unit", "loss_unit"), [(1, 1), (Rational(1, 1000), 10**6), (1000, Rational(1, 10**6))])
@pytest.mark.parametrize(
    ("loss", "count"),
    [
        (cos(x) + x**2 / 8, 3),
        (exp(x) + exp(-2 * x) + x**2, 1),
        (x * log(1 + exp(x)), 1),
        (exp(-(x**2)) + x**2 / 10, 3),
        (tanh(x) ** 2 + x / 10, 2),  # the slope of tanh² reaches −1/10 on both flanks of its valley
        ((1 - tanh(x * y - x)) ** 2 + y**2, 1),
        ((exp(x * y) - 2) ** 2 + exp(x - y) + y**2, 2),  # where the level lines of the slopes cross on a fine grid
    ],
)
def test_the_number_of_fixed_points_does_not_depend_on_units(loss, count, weight_unit, loss_unit):
    scaled = loss_unit * loss.subs({x: x / weight_unit, y: y / weight_unit}, simultaneous=True)
    weights = sorted(loss.free_symbols, key=str)
    dynamics = with_values(descent.map(Objective("scaled", scaled, tuple(weights))), {eta: Rational(1, 1000)})
    found = search_orbits(dynamics, 1)
    assert len(found.orbits) == count
    for orbit in found.orbits:
        point = {name: value / weight_unit for name, value in orbit.points[0].items()}
        slopes = [loss.diff(name) for name in weights]
        assert all(abs(slope.subs(point).evalf(30)) < 1e-24 for slope in slopes)


@pytest.mark.parametrize(
    "loss",
    [
        exp(x),
        (1 + tanh(x)) ** 2,
        1 / (1 + x**2),
        log(1 + exp(-x)) + log(1 + exp(-2 * x)),
        exp(-exp(x)),
        (1 - tanh(x)) ** 2,
        log(exp(x) + 1) ** 2,  # at x = −300 it is 0 in 120 digits, and its curvature is not
    ],
)
def test_a_flat_tail_has_no_fixed_point(loss):
    dynamics = with_values(descent.map(Objective("tail", loss, (x,))), {eta: Integer(1)})
    found = search_orbits(dynamics, 1, near=[{x: Integer(-1000)}, {x: Integer(1000)}])
    assert [orbit for orbit in found.orbits if abs(orbit.points[0][x]) > 1] == []


@pytest.mark.parametrize("place", [Integer(0), Rational(3, 10), sqrt(2)])
def test_a_degenerate_zero_is_one_orbit(place):
    """The gradient sinh u − u, u = x − place, has a triple zero there and no other."""
    loss = cosh(x - place) - (x - place) ** 2 / 2
    found = search_orbits(with_values(descent.map(Objective("flat", loss, (x,))), {eta: Integer(1)}), 1)
    (orbit,) = found.orbits
    assert float(orbit.points[0][x]) == pytest.approx(float(place), abs=1e-8)


def test_a_search_looks_near_the_points_that_are_named():
    """A well at x = 10⁶ so narrow that no random start meets it."""
    loss = x**2 / 10**12 - exp(-((x - 10**6) ** 2))
    dynamics = with_values(descent.map(Objective("needle", loss, (x,))), {eta: Rational(1, 10)})
    far = [search_orbits(dynamics, 1, near=near).orbits for near in ([], [{x: Integer(10**6 + 1)}])]
    assert [any(abs(orbit.points[0][x] - 10**6) < 1 for orbit in orbits) for orbits in far] == [False, True]


def test_a_list_that_is_cut_says_so_and_keeps_what_is_nearest():
    found = search_orbits(Map((x,), (), (x + (sin(x) - Rational(1, 9)) / (3 + x**2),)), 1)
    assert len(found.orbits) == 60
    assert "the list is cut" in found.reason
    first = float(asin(Rational(1, 9)))  # sin x = 1/9
    sizes = sorted(abs(float(orbit.points[0][x])) for orbit in found.orbits)
    assert sizes[:4] == pytest.approx([first, np.pi - first, np.pi + first, 2 * np.pi - first])


def test_two_cycles_of_normalized_descent_on_a_quadratic_are_a_proved_line_for_every_eigenvector():
    """ηC vᵢ ↔ −η(1 − C) vᵢ for C in (0, 1), and no other: docs/theory/normalized_gd.md."""
    loss = quadratic(2)
    values = {**dict(zip(loss.parameters, (Integer(1), Rational(3, 5)), strict=True)), eta: Rational(1, 10)}
    dynamics = with_values(NormalizedGradientDescent().map(loss), values)
    found = search_orbits(dynamics, 2)
    assert (found.orbits, [line.status for line in found.manifolds]) == ((), ["proved"] * 2)
    directions = {name: line for line in found.manifolds for name in loss.weights if line.sample[name] != 0}
    assert {*directions} == {*loss.weights}
    for weight, line in directions.items():
        (other,) = {*loss.weights} - {weight}
        first = {name: line.sample[name] for name in loss.weights}
        cycle = Orbit(dynamics, (first, {name: step.subs(first) for name, step in dynamics.substitution.items()}))
        ratio = {1: Rational(3, 5), 0: Rational(5, 3)}[loss.weights.index(other)]
        share = abs(first[weight]) * 10
        across = 1 - ratio * (1 - ratio) / (share * (1 - share))
        assert {*cycle.multipliers} == {1, across}
        inside, outside = abs(first[weight]) / 2, 2 * Rational(1, 10)
        turn = first[weight] / abs(first[weight])
        for size, positive in ((inside, True), (outside, False)):
            assert all(condition.subs(weight, turn * size) > 0 for condition in line.where) == positive


def test_continua_in_irrational_directions_are_seen_and_not_proved():
    """The eigenvectors of ½(x² + xy + 2y²) have slopes 1 ± √2; both lines are straight, and told apart."""
    loss = Objective("quadratic", (x**2 + x * y + 2 * y**2) / 2, (x, y))
    found = search_orbits(with_values(NormalizedGradientDescent().map(loss), {eta: Rational(1, 10)}), 2)
    assert (found.orbits, [line.status for line in found.manifolds]) == ((), ["numerical"] * 2)
    slopes = sorted(float(line.sample[y] / line.sample[x]) for line in found.manifolds)
    assert slopes == pytest.approx([1 - math.sqrt(2), 1 + math.sqrt(2)])


def test_a_plane_of_two_cycles_is_no_line():
    found = search_orbits(Map((x, y), (), (-x, -y)), 2)
    assert [manifold.dimension for manifold in found.manifolds] == [2]


def test_one_step_of_newton_leads_to_the_zero_of_linear_equations():
    """2x + y = 4 and x + 3y = 7 at (1, 2); from close by, where the damping is nothing."""
    closing = Closing(Map((x, y), (), (3 * x + y - 4, x + 4 * y - 7)), 1, fp)
    change, _ = closing.step([1 - 1e-6, 2 - 3e-6], [1.0, 1.0], 0.0)
    assert change == pytest.approx([1e-6, 3e-6], rel=1e-6)


def test_the_factor_of_deflation_keeps_its_sign_where_it_is_kept_from_zero():
    """1 − (θ − φ)(δ_θ − δ_φ)/(θ − φ)², of θ − φ = 2."""
    pair = Closing(Map((x,), (), (-x,)), 2, fp)
    factors = [_deflation(pair, [2.0, 0.0], [2.0 * slope, 0.0]) for slope in (0.5, 0.99, 1.01, 3.0)]
    assert factors == pytest.approx([0.5, 0.1, -0.1, -2])


def test_an_orbit_lies_on_a_family_of_lines_if_an_integer_puts_it_there():
    """y = kx: (2, 6) is on it, and (0, 1), where no k matters, is not."""
    identity = Map((x, y), (), (x, y))
    k = Symbol("k", integer=True)
    lines = Manifold(identity, (x, y), (y - k * x,), 1, {y: k * x}, None)
    on, off = (Orbit(identity, ({x: Integer(a), y: Integer(b)},)) for a, b in ((2, 6), (0, 1)))
    assert beyond(Orbits(1, (on, off), (), False, "given"), (), (lines,)).orbits == (off,)


def test_a_curved_continuum_of_fixed_points_is_listed_once():
    """Cosh x − 1 = y² has two branches, which are no lines, and cross at 0."""
    loss = Objective("branches", (cosh(x) - 1 - y**2) ** 2, (x, y))
    found = search_orbits(with_values(descent.map(loss), {eta: Rational(1, 10)}), 1)
    (curve,) = found.manifolds
    assert (curve.status, curve.dimension) == ("numerical", 1)
    assert abs(cosh(curve.sample[x]) - 1 - curve.sample[y] ** 2) < 1e-15 * curve.sample[y] ** 2
    assert [orbit.points[0] for orbit in found.orbits] == [{x: 0, y: 0}]
    assert "not known to be isolated" in found.reason


def test_the_time_of_a_search_is_bounded():
    weights = symbols("a b c d e f g h", real=True)
    loss = sum((u * v - 1) ** 2 for u, v in pairwise(weights)) / 2
    dynamics = with_values(descent.map(Objective("chain", loss, weights)), {eta: Rational(2, 5)})
    before = time.process_time()
    search_orbits(dynamics, 2)
    assert time.process_time() - before < 20


@pytest.mark.parametrize(
    ("loss", "step_size", "shift", "half"),
    [
        ("1 - cos(x)", Rational(11, 5), 2 * pi, lambda a: 2 * a - Rational(11, 5) * sin(a)),
        ("sin(x)**2", Rational(6, 5), pi, lambda a: 2 * a - Rational(6, 5) * sin(2 * a)),
    ],
)
def test_two_cycles_of_a_periodic_loss_are_one_family(loss, step_size, shift, half):
    """x ↔ −x with 2x = η L'(x), solved here by bisection, and its shifts."""
    dynamics = with_values(descent.map(Objective.from_text(loss, "x")), {eta: step_size})
    (cycle,) = search_orbits(dynamics, 2).orbits
    (k,) = cycle.integers
    first, second = (point[x] for point in cycle.points)
    assert (first.coeff(k), second.coeff(k)) == (shift, shift)
    size = nsolve(half(x), (0.3, 1.5), solver="bisect")
    assert sorted(point[x] for point in cycle.representative.points) == pytest.approx([-size, size], abs=1e-14)
    assert (cycle.verdict, cycle.residual < 1e-25) == ("stable", True)


def test_the_points_of_a_cycle_may_lie_in_different_cells_and_running_solutions_are_none():
    """x ↦ x − 20 sin x: by (a − b)/2 = d, a + b = 2m, cycles have sin(m) cos(d) = 0 and 2d = 20 cos(m) sin(d)."""
    dynamics = Map((x,), (), (x - 20 * sin(x),))
    found = search_orbits(dynamics, 2).orbits
    for cycle in found:
        first, second = (float(point[x]) for point in cycle.representative.points)
        middle, half = (first + second) / 2, (first - second) / 2
        assert abs(math.sin(middle) * math.cos(half)) < 1e-12
        assert abs(2 * half - 20 * math.cos(middle) * math.sin(half)) < 1e-12
    assert max(abs(float(cycle.points[0][x] - cycle.points[1][x])) for cycle in found) > 2 * math.pi
    lower = {round(float(min(point[x] for point in o.representative.points)) % (2 * math.pi), 6) for o in found}
    assert len(lower) == len(found)


def test_fixed_points_of_a_tilted_periodic_loss_are_families():
    dynamics = with_values(descent.map(Objective("waves", cos(x) + x / 9, (x,))), {eta: Rational(1, 3)})
    found = search_orbits(dynamics, 1).orbits
    angles = sorted(float(orbit.representative.points[0][x]) for orbit in found)
    assert angles == pytest.approx([math.asin(1 / 9), math.pi - math.asin(1 / 9)])
    assert {orbit.points[0][x].coeff(symbol) for orbit in found for symbol in orbit.integers} == {2 * pi}


def test_a_family_whose_shifts_the_map_does_not_carry_along_is_refused():
    k = Symbol("k", integer=True)
    point = Float("1.8954942670339809471", 20)
    with pytest.raises(BadInput, match="not known to take its members to each other"):
        Orbit(Map((x,), (), (2 * sin(x),)), ({x: point + 2 * pi * k},), None)


@pytest.mark.parametrize("loss", ["x*log(x)", "x*sqrt(x) - x"])
@pytest.mark.parametrize("period", [1, 2])
def test_a_search_that_leaves_the_domain_of_the_map_goes_on_elsewhere(loss, period):
    """Both gradients have one zero, and complex values for x < 0."""
    found = search_orbits(with_values(descent.map(Objective.from_text(loss, "x")), {eta: Rational(1, 10)}), period)
    assert len(found.orbits) == (period == 1)


def test_orbits_are_listed_in_the_order_of_their_lower_points():
    """Those of x ↦ x − η(x + (5/2) cos 5x), of which 28 two-cycles are found."""
    x = symbols("x", real=True)
    found = search_orbits(Map((x,), (), (x - (x + 5 * cos(5 * x) / 2),)), 2)
    ends = [[float(point[x]) for point in orbit.points] for orbit in found.orbits]
    assert len(ends) > 10
    assert all(low < high for low, high in ends)
    assert [low for low, _ in ends] == sorted(low for low, _ in ends)


def test_a_miss_that_no_change_of_the_orbit_makes_up_is_no_orbit():
    # y falls by 10|x|/sqrt(1 + 100x²) in every step of normalized gradient descent on 5x²exp(20y): it never comes back
    objective = Objective.from_text("5*x**2*exp(20*y)", "x y")
    found = two_cycles(NormalizedGradientDescent().map(objective), {STEP_SIZE: 1})
    assert found.orbits == ()
