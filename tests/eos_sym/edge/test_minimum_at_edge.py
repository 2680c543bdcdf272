"""The minimum at the edge, and the normal form there, against closed forms, diagonalization and other tensors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Float, Integer, Rational, Symbol, diff, exp, log, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, Objective, Undecided, minimalist, product, shallow
from eos_sym.edge import edge_normal_form, edge_normal_form_at, minimum_at_edge
from eos_sym.losses import Derivatives
from numeric import compile_function

TAU = Rational(1, 50)


def near(loss, *values):
    return dict(zip(loss.weights, values, strict=True))


def text(loss, weights, parameters=""):
    return Objective.from_text(loss, weights, parameters)


def test_on_half_of_one_minus_xy_squared_it_is_where_x_squared_plus_y_squared_is_two_over_eta():
    loss = shallow()
    x, y = loss.weights
    found = minimum_at_edge(loss, Rational(1, 5), near(loss, 3, Rational(2, 5)), {})
    assert abs(found.weights[x] * found.weights[y] - 1) < 1e-38
    assert abs(found.weights[x] ** 2 + found.weights[y] ** 2 - 10) < 1e-38
    assert found.residual < 1e-40


@pytest.mark.parametrize("loss", ["(1 + x**2)*y**2/2", "(x*y)**2/2", "exp(x)*y**2/2"])
def test_a_weight_that_is_rounding_is_0(loss):
    objective = text(loss, "x y")
    _, y = objective.weights
    assert minimum_at_edge(objective, Rational(1, 10), near(objective, 3, 0.1), {}).weights[y] == 0


def test_a_far_start_follows_the_minima_to_the_edge():
    loss = text("log(cosh(1 - x*y))", "x y")
    x, _ = loss.weights
    found = minimum_at_edge(loss, Rational(1, 50), near(loss, 3, 0.3), {})
    assert abs(found.weights[x] - sqrt(50 + sqrt(2499)).n(40)) < 1e-36  # x² + x⁻² = 100
    loss = product(8)
    found = minimum_at_edge(loss, Rational(1, 20), near(loss, *(1.5, 0.6) * 4), {})
    assert abs(found.weights[loss.weights[0]] - sqrt(5 + sqrt(24)).n(40)) < 1e-25  # 4(x² + x⁻²) = 40


@pytest.mark.parametrize(("near_x", "near_y"), [(1, 1), (-1, 1), (0.8, 1.5), (-1.05, 0.9)])
def test_the_branch_of_the_minima_is_not_changed_on_the_way(near_x, near_y):
    """Of x²y = 1 there are two branches; on each, 4x⁻² + x⁴ = 20 at two points."""
    loss = text("(1 - x**2*y)**2/2", "x y")
    x, y = loss.weights
    found = minimum_at_edge(loss, Rational(1, 10), near(loss, near_x, near_y), {}).weights
    assert found[x] * near_x > 0
    assert abs(4 / found[x] ** 2 + found[x] ** 4 - 20) < 1e-30
    assert abs(found[x] ** 2 * found[y] - 1) < 1e-30


def test_parameters_take_their_values():
    loss = text("a*(1 - x*y)**2", "x y", "a")
    x, y, a = *loss.weights, *loss.parameters
    found = minimum_at_edge(loss, Rational(1, 5), near(loss, 3, 0.3), {a: Rational(1, 2)})
    assert abs(found.weights[x] ** 2 + found.weights[y] ** 2 - 10) < 1e-36
    with pytest.raises(BadInput, match="parameters: no value for a"):
        minimum_at_edge(loss, Rational(1, 5), near(loss, 3, 0.3), {})


@pytest.mark.parametrize(
    ("loss", "weights", "start", "error", "said"),
    [
        ("exp(x)", "x", (1,), BadInput, "reaches no minimum; start nearer"),
        ("x**2/2 + y**2", "x y", (3, 0.3), Undecided, "isolated minimum, of sharpness 2.0"),
        ("s*u**2/2 + (s - 25)**2/1000", "s u", (20, 0), Undecided, "isolated"),
        ("(x**2 + y**2 - 1)**2", "x y", (1, 0.3), Undecided, "does not change along the minima"),
        ("s*(u**2 + w**2)/2", "s u w", (9, 0.3, 0.2), BadInput, "degenerate top eigenvalue"),
        ("s*u**2/2 - w**2/2", "s u w", (9, 0.3, 0), BadInput, "a saddle"),
        ("s*u**2/2 - w**4", "s u w", (9, 0.3, 0), Undecided, "zero curvature"),
        ("s*u**2/2 + w**6", "s u w", (9, 0.3, 0), Undecided, "zero curvature"),
    ],
)
def test_what_has_no_such_minimum_is_told_so_in_one_line(loss, weights, start, error, said):
    objective = text(loss, weights)
    with pytest.raises(error, match=said) as refusal:
        minimum_at_edge(objective, Rational(1, 5), near(objective, *start), {})
    assert "\n" not in str(refusal.value)


def test_a_start_must_name_every_weight_with_a_real_number():
    x, y = shallow().weights
    for start, said in (
        ({x: 1}, "no value for y"),
        ({x: 1, y: 2, Symbol("q"): 3}, "no q"),
        ({x: 1, y: sqrt(-1)}, "not a finite real"),
        ({x: float("nan"), y: 1}, "x = nan is not finite"),
    ):
        with pytest.raises(BadInput, match=said):
            minimum_at_edge(shallow(), Rational(1, 5), start, {})
    with pytest.raises(BadInput, match="step size -1 is not positive"):
        minimum_at_edge(shallow(), -1, {x: 1, y: 1}, {})
    with pytest.raises(BadInput, match="step size 0 is not positive"):
        minimum_at_edge(shallow(), 0, {x: 1, y: 1}, {})


def test_the_normal_form_in_numbers_is_the_closed_form_at_that_step_size():
    x, y, z, _ = minimalist().weights
    closed = edge_normal_form(minimalist(), {y: 1 / x, z: x}).in_step_size()
    for eta in (Rational(1, 5), Rational(1, 20)):
        start = near(minimalist(), *(sqrt(1 / eta), sqrt(eta)) * 2)
        point = minimum_at_edge(minimalist(), eta, start, {})
        form = edge_normal_form_at(minimalist(), point.weights, eta, TAU, {})
        assert abs(form.beta - closed.beta.subs(STEP_SIZE, eta)) < 1e-30
        assert abs(form.quartic - closed.quartic.subs(STEP_SIZE, eta)) < 1e-30
        assert abs(form.terminal_sharpness - closed.terminal_sharpness.subs(STEP_SIZE, eta)) < 1e-30
        assert (form.kind, form.slow) == ("self_stabilizing", 3)
        assert abs(form.sharpening) < 1e-30


STEEP = text("log(cosh(1 - x*y))*exp(z/3) + z**2*x**2", "x y z")
DIRECTION = symbols("u0:3", real=True)
CURVATURE = STEEP.directional_derivative(DIRECTION, DIRECTION)
TENSORS = compile_function(
    [
        *STEEP.hessian,
        *(diff(CURVATURE, weight) for weight in STEEP.weights),
        STEEP.directional_derivative(DIRECTION, DIRECTION, DIRECTION, DIRECTION),
    ],
    (*STEEP.weights, *DIRECTION),
)


@given(st.floats(1.5, 8.0), st.floats(0.1, 0.9), st.floats(-1.0, 1.0))
@settings(derandomize=True, deadline=None, max_examples=10)
def test_t_and_q_are_contractions_of_the_symbolic_tensors(x_value, y_value, z_value):
    point = (x_value, y_value, z_value)
    here = Derivatives(STEEP, {}).expansion(point)
    top = [float(component) for component in here.vectors[:, 0]]
    values = np.array(TENSORS(*point, *top))
    eigenvalues, vectors = np.linalg.eigh(values[:9].reshape(3, 3))
    scale = np.abs(values).max()
    assert [float(value) for value in here.eigenvalues] == pytest.approx(eigenvalues[::-1], abs=1e-10 * scale)
    assert abs(np.dot(top, vectors[:, -1])) == pytest.approx(1, abs=1e-9)
    assert [float(component) for component in here.third] == pytest.approx(values[9:12], abs=1e-10 * scale)
    assert float(here.fourth) == pytest.approx(values[12], abs=1e-10 * scale)


def test_a_fast_direction_lowers_the_quartic_coefficient_by_three_times_its_square_over_its_eigenvalue():
    loss = text("s*u**2/2 + 2*w*u**2 + 5*w**2/2 + 5*u**4/24 + u**3/6", "s u w")
    form = edge_normal_form_at(loss, near(loss, 20, 0, 0), Rational(1, 10), TAU, {})
    assert abs(form.quartic - (5 - 3 * Rational(16, 5) - 3 * Rational(1, 20))) < 1e-15
    assert abs(form.beta - 1) < 1e-15
    assert abs(form.fourth - 5) < 1e-15
    assert abs(abs(form.skew) - 1) < 1e-15
    assert abs(form.tilt - (Rational(16, 15) + Rational(1, 20))) < 1e-15


def test_slow_and_fast_need_a_gap_between_them_and_below_the_edge():
    loss = text("s*u**2/2 + r*w**2/2", "s u w", "r")
    point = near(loss, 20, 0, 0)
    (rate,) = loss.parameters
    for value, slow in ((Rational(1, 100), 2), (5, 1)):
        assert edge_normal_form_at(loss, point, Rational(1, 10), TAU, {rate: value}).slow == slow
    with pytest.raises(Undecided, match=r"no gap around τ = 0\.02"):
        edge_normal_form_at(loss, point, Rational(1, 10), TAU, {rate: Rational(1, 2)})
    with pytest.raises(Undecided, match="a second direction is at the edge"):
        edge_normal_form_at(loss, point, Rational(1, 10), TAU, {rate: Rational(199, 10)})
    with pytest.raises(BadInput, match="degenerate top"):
        edge_normal_form_at(loss, point, Rational(1, 10), TAU, {rate: 20})
    with pytest.raises(BadInput, match="a saddle"):
        edge_normal_form_at(loss, point, Rational(1, 10), TAU, {rate: -5})
    with pytest.raises(BadInput, match=r"between 0 and 1/3"):
        edge_normal_form_at(loss, point, Rational(1, 10), 1, {rate: 5})
    with pytest.raises(BadInput, match="not at the edge"):
        edge_normal_form_at(loss, point, Rational(1, 5), TAU, {rate: 5})


VANISHING = "s*u**2/2 + 2*w*u**2 + 5*w**2/2 + 2*u**4/5"  # Q = 48/5 = 3 · 16/5


@pytest.mark.parametrize(
    ("loss", "weights", "point"),
    [
        ("(1 + x**2)*y**2/2", "x y", (sqrt(19), 0)),
        ("(1 + x**2)*(y - 3/7)**2/2", "x y", (sqrt(19), Rational(3, 7))),
        (VANISHING, "s u w", (20, 0, 0)),
    ],
)
def test_a_quartic_coefficient_that_vanishes_identically_is_0(loss, weights, point):
    objective = text(loss, weights)
    form = edge_normal_form_at(objective, near(objective, *point), Rational(1, 10), TAU, {})
    assert (form.kind, form.quartic, form.accuracy) == ("overshooting", 0, 0)
    assert form.end(Rational(1, 100)) == Rational(-1, 100)
    assert form.terminal_sharpness is None


def test_a_quartic_coefficient_that_vanishes_for_the_values_of_parameters_is_0_whatever_names_them():
    """κ₄ = 1 − 12c²/24, and c = √2."""
    objective = Objective.from_text("s*u**2/2 + c*w*u**2 + 12*w**2 + u**4/24", "s u w", "c")
    for name in ("c", *objective.parameters):
        form = edge_normal_form_at(objective, {"s": 40, "u": 0, "w": 0}, Rational(1, 20), TAU, {name: sqrt(2)})
        assert (form.quartic, form.accuracy) == (0, 0)


@pytest.mark.parametrize("tilt", ["u**6*s", "u**4*(s - 20)**2", "u**4*(s - 20)"])
def test_a_quartic_coefficient_that_vanishes_in_numbers_only_leaves_the_kind_undecided(tilt):
    """In the first loss it vanishes in truth, but u = (3p + 4r)/5 is no axis, so that it is not seen."""
    turned = "((3*p + 4*r)/5)", "((3*r - 4*p)/5)"
    loss = VANISHING.replace("w", "W").replace("u", turned[0]).replace("W", turned[1])
    objective = text(loss, "s p r") if tilt == "u**6*s" else text(f"{VANISHING} + {tilt}", "s u w")
    form = edge_normal_form_at(objective, near(objective, 20, 0, 0), Rational(1, 10), TAU, {})
    assert form.kind == "undecided"
    assert form.terminal_sharpness is None
    with pytest.raises(Undecided, match="sign"):
        form.end(Float("0.1"))


def test_a_point_that_is_not_on_the_floor_has_less_accuracy_and_in_the_end_none():
    loss = text("log(1 + exp(-x*y)) + x*y/4", "x y")
    x = Float("7.301417220630520", 17)
    on_floor = edge_normal_form_at(loss, near(loss, x, log(3) / x), Rational(1, 5), TAU, {})
    beside = edge_normal_form_at(loss, near(loss, x, log(3) / x + 1e-5), Rational(1, 5), TAU, {})
    assert on_floor.accuracy < 1e-10 < beside.accuracy
    assert abs(beside.quartic - on_floor.quartic) < 3 * beside.accuracy
    rising = text("s*u**2/2 + w*u**2 + 5*w**2/2 + u**4*w**4", "s u w")
    with pytest.raises(BadInput, match="too far from a minimum"):
        edge_normal_form_at(rising, near(rising, 18, 0, 1), Rational(1, 10), TAU, {})


def test_without_slow_directions_or_without_change_of_sharpness_there_is_no_law():
    isolated = text("5*x**2 + 2*y**2", "x y")
    with pytest.raises(Undecided, match="no direction is slow"):
        edge_normal_form_at(isolated, near(isolated, 0, 0), Rational(1, 5), TAU, {})
    circle = text("5/4*(x**2 + y**2 - 1)**2", "x y")
    with pytest.raises(Undecided, match="β = 0"):
        edge_normal_form_at(circle, near(circle, 1, 0), Rational(1, 5), TAU, {})


def test_progressive_sharpening_is_the_drift_of_the_sharpness_along_the_floor():
    loss = text("s*u**2/2 + b*(s - 25)**2/2", "s u", "b")
    form = edge_normal_form_at(loss, near(loss, 20, 0), Rational(1, 10), TAU, {loss.parameters[0]: Rational(1, 500)})
    assert abs(form.sharpening - Rational(5, 500)) < 1e-30
    assert abs(form.beta - 1) < 1e-30


def test_exponentials_of_constants_are_values_too():
    loss = shallow()
    x, y = loss.weights
    found = minimum_at_edge(loss, Rational(1, 5), {x: exp(Integer(1)), y: exp(Integer(-1))}, {})
    assert abs(found.weights[x] * found.weights[y] - 1) < 1e-38


def test_a_symbol_is_no_value():
    x, y = symbols("x y", real=True)
    with pytest.raises(BadInput, match="not a finite real number"):
        minimum_at_edge(shallow(), Rational(1, 5), {x: 1, y: y}, {})
