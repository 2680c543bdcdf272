"""The flip against planted normal forms, the expansion of two steps, and cycles measured in simulations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Float, Matrix, Poly, Rational, cosh, diff, exp, log, simplify, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, Undecided, quadratic, shallow
from eos_sym.edge import flip_normal_form
from eos_sym.orbits import two_cycles
from eos_sym.rules import MOMENTUM
from eos_sym.rules.optimizers import HeavyBall
from numeric import compile_map

x, y, s = symbols("x y s", real=True)
a, b = symbols("a b", real=True)
curvature = symbols("lambda", positive=True)
eta = STEP_SIZE
ORIGIN = {x: 0 * x, y: 0 * x}


def bend(third, fourth, stiffness):
    """A loss with ∇²L = diag(2, stiffness) whose second direction bends away with x²."""
    loss = x**2 + stiffness * y**2 / 2 + third * x**2 * y / 2 + x**3 / 6 + fourth * x**4 / 24
    return Objective("bend", loss, (x, y))


def jet(expression, order=3):
    """The terms up to an order; to the third are all that the kind of the flip depends on."""
    terms = Poly(expression, x, y).terms()
    return Poly({powers: coefficient for powers, coefficient in terms if sum(powers) <= order}, x, y).as_expr()


def fractions(low, high):
    return st.fractions(low, high, max_denominator=6).map(lambda part: Rational(part.numerator, part.denominator))


def test_in_one_dimension_it_is_the_formula_of_the_two_step_expansion():
    loss = Objective("f", curvature * x**2 / 2 + a * x**3 / 6 + b * x**4 / 24, (x,), (curvature, a, b))
    dynamics = GradientDescent().map(loss)
    form = flip_normal_form(dynamics, {x: 0 * x}, {eta: 2 / curvature})
    two_steps = dynamics.iterate(2).step[0].subs(eta, 2 / curvature)
    assert (diff(two_steps, x, 3).subs(x, 0) / 6 + 2 * form.coefficient).simplify() == 0
    assert (-2 * form.coefficient - (2 / curvature) * (b / 3 - a**2 / curvature)).simplify() == 0


def test_the_double_well_flips_supercritically_and_log_cosh_subcritically():
    wells = GradientDescent().map(Objective("double well", (x**2 - 1) ** 2 / 4, (x,)))
    assert flip_normal_form(wells, {x: 1 + 0 * x}, {eta: Rational(1)}).kind == "supercritical"
    softer = GradientDescent().map(Objective("log cosh", log(cosh(x)) - x**4, (x,)))
    assert flip_normal_form(softer, {x: 0 * x}, {eta: Rational(2)}).kind == "supercritical"
    steeper = GradientDescent().map(Objective("quartic", x**2 / 2 + x**4, (x,)))
    assert flip_normal_form(steeper, {x: 0 * x}, {eta: Rational(2)}).kind == "subcritical"


@settings(derandomize=True, deadline=None, max_examples=8)
@given(
    fractions(-3, 3),
    fractions(-2, 2).filter(lambda multiplier: abs(multiplier) != 1),
    st.tuples(*(fractions(-2, 2),) * 5),
)
def test_the_coefficient_planted_under_a_change_of_variables_is_recovered(cubic, multiplier, bends):
    """(w, v) ↦ (−w + c w³, μv) in the coordinates x = w + e₁v + e₂v² + e₃v³, then y = v + e₄x² + e₅x."""

    def forward(w, v):
        first = jet(w + bends[0] * v + bends[1] * v**2 + bends[2] * v**3)
        return first, jet(v + bends[3] * first**2 + bends[4] * first)

    v = y - bends[3] * x**2 - bends[4] * x
    w = jet(x - bends[0] * v - bends[1] * v**2 - bends[2] * v**3)
    dynamics = Map((x, y), (), forward(jet(-w + cubic * w**3), multiplier * v))
    form = flip_normal_form(dynamics, ORIGIN)
    assert form.coefficient == cubic / (1 + bends[4] ** 2)  # the eigenvector is (1, e₅)
    assert form.kind == ("degenerate" if cubic == 0 else "supercritical" if cubic > 0 else "subcritical")


def test_the_fifth_coefficient_is_that_of_a_centre_manifold_found_by_hand():
    """w ↦ −w + wv + 2w³/3, v ↦ v/3 + w²: v = 3w²/2 + dw⁴, c = 2/3 + 3/2, d = 2c · (3/2)/(1 − 1/3); x = w + 2v."""
    w, v = x - 2 * y, y
    follower = v / 3 + w**2
    dynamics = Map((x, y), (), ((-w + w * v + 2 * w**3 / 3 + 2 * follower).expand(), follower.expand()))
    form = flip_normal_form(dynamics, ORIGIN)
    assert (form.coefficient, form.fifth()) == (Rational(13, 6), Rational(39, 4))


def test_the_fifth_coefficient_planted_under_a_change_of_one_variable_is_recovered():
    """−w + 2w³ − 5w⁵ in x = w + w² + w³, up to the fifth order."""
    w = x - x**2 + x**3 - 4 * x**5  # solves x = w + w² + w³ up to there
    assert Poly((w + w**2 + w**3 - x).expand(), x).EM()[0] > 5
    moved = jet(-w + 2 * w**3 - 5 * w**5, 5)
    dynamics = Map((x,), (), (jet(moved + moved**2 + moved**3, 5),))
    form = flip_normal_form(dynamics, {x: 0})
    assert (form.coefficient, form.fifth()) == (2, -5)


def test_the_amplitude_is_that_of_the_cycle_up_to_the_order_of_its_square_and_ends_with_the_expansion():
    """x² − x⁴ + rx⁶ has c = 4 and d = −6r, and the cycle 2 = η(2 − 4w² + 6rw⁴)."""
    r = 20
    dynamics = GradientDescent().map(Objective("sixth", x**2 - x**4 + r * x**6, (x,)))
    form = flip_normal_form(dynamics, {x: 0}, {eta: 1})
    assert (form.coefficient, form.fifth()) == (4, -6 * r)

    def error(distance):
        square = float(max(Poly(2 - (1 + distance) * (2 - 4 * x + 6 * r * x**2), x).nroots(), key=lambda root: -root))
        return float(form.amplitude(2 * distance)) / square**0.5 - 1

    errors = [error(Rational(1, 10**digits)) for digits in (4, 5)]
    assert np.log10(abs(errors[0] / errors[1])) == pytest.approx(1, abs=0.02)
    with pytest.raises(Undecided, match=r"d w⁵ is 1\.50 times c w³"):
        form.amplitude(Rational(1, 5))  # where no cycle is left: 4w² − 6rw⁴ ≤ 1/(3·10) < δ
    with pytest.raises(Undecided, match="no two-cycle"):
        form.amplitude(Rational(-1, 100))


def test_a_coefficient_that_is_rounding_is_degenerate():
    """For x² + ax³ + (9/4)a²x⁴ three times the third derivative squared is the second one times the fourth."""
    loss = Objective("degenerate", x**2 + a * x**3 + 9 * a**2 * x**4 / 4, (x,), (a,))
    for value in (Rational(7, 3), Float(7, 30) / 3, Float("1e5", 20)):
        form = flip_normal_form(GradientDescent().map(loss), {x: 0 * value}, {eta: value**0, a: value})
        assert form.kind == "degenerate"


def test_with_all_directions_fast_it_is_the_quartic_coefficient_of_the_edge_law():
    """c = −(η/6)κ₄, κ₄ = Q − 3Σ(vⱼ·T)²/λⱼ, by a diagonalization in floating point at a minimum off the axes."""
    turned = {x: (3 * x + 4 * y) / 5 + 1, y: (-4 * x + 3 * y) / 5}
    loss = bend(Rational(7, 3), Rational(5, 2), Rational(1, 2))
    turned_loss = Objective("turned", loss.loss.subs(turned, simultaneous=True), (x, y))
    minimum = {x: Rational(-3, 5), y: Rational(-4, 5)}
    values, vectors = np.linalg.eigh(np.array(turned_loss.hessian.subs(minimum), dtype=float))
    top = [Float(component) for component in vectors[:, -1]]
    third = np.array([float(turned_loss.directional_derivative(top, top, e).subs(minimum)) for e in ([1, 0], [0, 1])])
    fourth = float(turned_loss.directional_derivative(top, top, top, top).subs(minimum))
    quartic = fourth - 3 * np.sum((vectors.T @ third) ** 2 / values)
    form = flip_normal_form(GradientDescent().map(turned_loss), minimum, {eta: Rational(1)})
    assert float(form.coefficient) == pytest.approx(-quartic / 6, rel=1e-12)


def cycle_amplitudes(dynamics, parameters, start, distances):
    """Half the distance between two steps, after many, at each relative distance beyond the edge."""
    simulator = compile_map(dynamics)
    amplitudes = []
    for distance in distances:
        values = {**parameters, "eta": parameters["eta"] * (1 + distance)}
        run = simulator.run(start, values, steps=60_000)
        assert run.outcome == "periodic"
        following = simulator.run({name: float(run.final.sel(state=name)) for name in start}, values, steps=1)
        amplitudes.append(float(np.linalg.norm(following.final - run.final)) / 2)
    return np.array(amplitudes)


def test_just_beyond_the_edge_gradient_descent_has_the_cycle_of_the_normal_form():
    dynamics = GradientDescent().map(bend(Rational(3), Rational(1), Rational(1, 2)))
    form = flip_normal_form(dynamics, ORIGIN, {eta: Rational(1)})
    distances = np.array([1e-3, 4e-3])
    measured = cycle_amplitudes(dynamics, {"eta": 1.0}, {"x": 0.01, "y": 0.0}, distances)
    excess = 2 * distances  # the multiplier is 1 − 2η
    assert measured == pytest.approx(np.sqrt(excess / float(form.coefficient)), rel=0.02)
    assert np.log(measured[1] / measured[0]) / np.log(4) == pytest.approx(0.5, abs=0.01)


def test_the_same_holds_with_momentum_where_the_jacobian_is_not_symmetric():
    dynamics = HeavyBall().map(Objective("well", x**2 / 2 + x**3 / 2 + x**4 / 24, (x,)))
    velocity = dynamics.state[1]
    at = {eta: Rational(3), MOMENTUM: Rational(1, 2)}
    form = flip_normal_form(dynamics, {x: 0 * x, velocity: 0 * x}, at)
    distances = np.array([5e-4, 2e-3])
    start = {"x": 0.01, "v_x": 0.0}
    measured = cycle_amplitudes(dynamics, {"eta": 3.0, "momentum": 0.5}, start, distances)
    at_origin = dynamics.jacobian.subs({x: 0, velocity: 0, MOMENTUM: 0.5})
    excess = [
        -min(np.linalg.eigvals(np.array(at_origin.subs(eta, 3 * (1 + distance)), dtype=float)).real) - 1
        for distance in distances
    ]
    assert measured == pytest.approx(np.sqrt(np.array(excess) / float(form.coefficient)), rel=0.02)


def test_before_a_subcritical_flip_the_cycle_separates_what_converges_from_what_escapes():
    dynamics = GradientDescent().map(bend(Rational(1), Rational(12), Rational(1)))
    form = flip_normal_form(dynamics, ORIGIN, {eta: Rational(1)})
    assert form.kind == "subcritical"
    distance = 2e-3
    radius = np.sqrt(2 * distance / -float(form.coefficient))
    simulator = compile_map(dynamics)
    for factor, outcome in ((0.9, "converged"), (1.1, "diverged")):
        run = simulator.run({"x": factor * radius, "y": 0.0}, {"eta": 1 - distance}, steps=60_000)
        assert run.outcome == outcome


def test_floats_give_what_fractions_give():
    dynamics = GradientDescent().map(bend(Rational(7, 3), Rational(5, 2), Rational(1, 2)))
    exact = flip_normal_form(dynamics, ORIGIN, {eta: Rational(1)}).coefficient
    rough = flip_normal_form(dynamics, {x: Float(0, 30), y: Float(0, 30)}, {eta: Float(1, 30)}).coefficient
    assert abs(rough - exact) < Rational(1, 10**25)


def test_on_a_manifold_of_minima_the_slow_motion_comes_first():
    dynamics = GradientDescent().map(shallow())
    first, second = dynamics.state
    with pytest.raises(Undecided, match="edge law"):
        flip_normal_form(dynamics, {first: Rational(2), second: Rational(1, 2)}, {eta: Rational(8, 17)})
    with pytest.raises(Undecided, match="edge law"):
        flip_normal_form(dynamics, {first: first, second: 1 / first}, {eta: 2 / (first**2 + first**-2)})
    drifting = Map((x, y), (), (-x + x**3, y + x**2))
    with pytest.raises(Undecided, match="moves the point along"):
        flip_normal_form(drifting, ORIGIN)


def test_at_the_symmetric_minimum_nothing_drifts_and_the_flip_is_that_of_the_diagonal():
    """On x = y = 1 + s/√2 the loss ½(1 − xy)² is s² + s³/√2 + s⁴/8: κ₄ = 3 − 3·18/2 = −24, c = 24/6."""
    dynamics = GradientDescent().map(shallow())
    form = flip_normal_form(dynamics, dict.fromkeys(dynamics.state, Rational(1)), {eta: Rational(1)})
    assert form.coefficient == 4


def test_what_is_no_flip_is_refused():
    dynamics = GradientDescent().map(bend(Rational(1), Rational(1), Rational(1, 2)))
    with pytest.raises(BadInput, match="multiplier −1"):
        flip_normal_form(dynamics, ORIGIN, {eta: Rational(1, 2)})
    with pytest.raises(BadInput, match="not a fixed point"):
        flip_normal_form(dynamics, {x: Rational(1), y: Rational(0)}, {eta: Rational(1)})
    with pytest.raises(BadInput, match="y: missing"):
        flip_normal_form(dynamics, {x: Rational(1)}, {eta: Rational(1)})
    defective = Map((x, y), (), tuple(Matrix([[-1, 1], [0, -1]]) * Matrix([x, y])))
    with pytest.raises(Undecided, match="not simple"):
        flip_normal_form(defective, ORIGIN)


def test_a_quadratic_is_degenerate_and_a_free_parameter_undecided():
    dynamics = GradientDescent().map(quadratic(1))
    (weight,), (top,) = dynamics.state, dynamics.parameters[:1]
    assert flip_normal_form(dynamics, {weight: 0 * x}, {eta: 2 / top}).kind == "degenerate"
    free = GradientDescent().map(Objective("f", x**2 + a * x**4, (x,), (a,)))
    assert flip_normal_form(free, {x: 0 * x}, {eta: Rational(1)}).kind == "undecided"


@pytest.mark.parametrize(
    ("loss", "coefficient", "kind"),
    [
        (1 - exp(-(x**2) - y**2), 2, "supercritical"),  # along every line L = r² − r⁴/2, and −2c = η d⁴L/dr⁴/3
        ((x**2 + y**2) / 2 - (x**4 + y**4) / 24, (s**4 + 1) / (3 * (s**2 + 1) ** 2), "supercritical"),
        ((x**2 + y**2) / 2 + (x**4 + y**4) / 24, -(s**4 + 1) / (3 * (s**2 + 1) ** 2), "subcritical"),
        ((x**2 + y**2) / 2 + (x**4 - y**4) / 24, (1 - s**4) / (3 * (s**2 + 1) ** 2), "undecided"),
        ((x**2 + y**2) / 2 + x**3 - 3 * x * y**2, 36, "supercritical"),  # on y = 0, −2c = −2 (d³L/dx³)²
        ((x**2 + y**2) / 2, 0, "degenerate"),
    ],
)
def test_two_directions_that_flip_at_once_have_a_coefficient_for_every_direction(loss, coefficient, kind):
    stiffness = diff(loss, x, 2).subs(ORIGIN)
    form = flip_normal_form(GradientDescent().map(Objective("round", loss, (x, y))), ORIGIN, {eta: 2 / stiffness})
    first, second = form.along
    assert simplify(form.coefficient.subs({first: s, second: 1}) - coefficient) == 0
    assert form.kind == kind
    with pytest.raises(Undecided, match="in several directions at once"):
        form.amplitude(Rational(1, 100))


def test_beyond_a_double_flip_there_are_the_cycles_of_its_critical_directions_and_before_it_none():
    """Of ½(x² + y²) − (x⁴ + y⁴)/24: on the axes c = 1/3, on the diagonals 1/6, at squares δ/c to leading order."""
    dynamics = GradientDescent().map(Objective("round", (x**2 + y**2) / 2 - (x**4 + y**4) / 24, (x, y)))
    for step_size, expected in ((Rational(202, 100), [0.06, 0.06, 0.12, 0.12]), (Rational(198, 100), [])):
        found = two_cycles(dynamics, {eta: step_size})
        squares = sorted(float(sum(value**2 for value in orbit.points[0].values())) for orbit in found.orbits)
        assert found.complete
        assert [square for square in squares if square < 1] == pytest.approx(expected, rel=0.02)  # δ = 1/50


def test_floats_give_the_kind_of_a_double_flip():
    root = 2 ** Rational(1, 3)
    loss = ((x - root) ** 2 + (y - root) ** 2) / 2 - ((x - root) ** 4 + (y - root) ** 4) / 24
    place = root.evalf(40)
    form = flip_normal_form(GradientDescent().map(Objective("moved", loss, (x, y))), {x: place, y: place}, {eta: 2})
    assert form.kind == "supercritical"
    angles = np.linspace(0, np.pi, 25)
    around = [form.coefficient.subs(dict(zip(form.along, (np.cos(a), np.sin(a)), strict=True))) for a in angles]
    extremes = [float(min(around)), float(max(around))]  # on the diagonals and on the axes, whatever the basis is
    assert extremes == pytest.approx([1 / 6, 1 / 3], rel=0.02)
