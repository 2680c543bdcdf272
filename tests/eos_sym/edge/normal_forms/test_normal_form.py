"""The edge law against the table of docs/theory/edge_law.md: its formula, and simulation."""

import numpy as np
import pytest
from sympy import Float, Integer, LambertW, Poly, Rational, S, Symbol, cosh, diff, exp, log, series, simplify, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Objective, Undecided, minimalist, product, quadratic, shallow
from eos_sym.edge import EdgeNormalForm, edge_normal_form, edge_normal_form_at
from numeric import compile_map, compile_sharpness

x, y, z, w = symbols("x y z w", real=True)
PREDICTED = {
    ("minimalist", Rational(1, 5)): {0.05: -0.03441, 0.1: -0.05176, 0.2: -0.06691, 0.5: -0.07431},
    ("minimalist", Rational(1, 20)): {2.0: -0.02457},
    ("shallow", Rational(1, 5)): {0.05: -0.04997, 0.1: -0.09989},
}
SIMULATED = {
    ("minimalist", Rational(1, 5)): {0.05: -0.03448, 0.1: -0.05187, 0.2: -0.06659, 0.5: -0.07257},
    ("minimalist", Rational(1, 20)): {2.0: -0.02450},
    ("shallow", Rational(1, 5)): {0.05: -0.05027, 0.1: -0.10116},
}


@pytest.fixture(scope="module")
def forms():
    return {"minimalist": edge_normal_form(minimalist()), "shallow": edge_normal_form(shallow())}


def edge_point(name, sharpness):
    """x at the symmetric minimum with the sharpness: 2(x² + x⁻²) for the minimalist, x² + x⁻² for the shallow loss."""
    scaled = sharpness / (2 if name == "minimalist" else 1)
    return max(Poly(z**4 - scaled * z**2 + 1, z).nroots(n=30))


def at_edge(forms, name, eta):
    point = edge_point(name, 2 / eta)
    values = {x: point, y: 1 / point, z: point}
    return EdgeNormalForm(forms[name].beta.subs(values), forms[name].quartic.subs(values))


@pytest.mark.parametrize("case", PREDICTED)
def test_the_law_predicts_what_the_table_says(forms, case):
    form = at_edge(forms, *case)
    assert form.kind == "self_stabilizing"
    for excess, end in PREDICTED[case].items():
        assert float(form.end(Float(excess))) == pytest.approx(end, abs=6e-6)


@pytest.mark.parametrize("case", SIMULATED)
def test_gradient_descent_ends_where_the_table_says_and_the_law_is_close(forms, case):
    name, eta = case
    if name == "minimalist":
        loss, bound = minimalist(), {z: x, w: y}
    else:
        loss, bound = shallow(), {}
    simulator = compile_map(GradientDescent().map(loss).restrict(bound))
    form = at_edge(forms, *case)
    for excess, tabulated in SIMULATED[case].items():
        start = float(edge_point(name, 2 / eta + Rational(str(excess))))
        run = simulator.run({"x": start, "y": (1 + 1e-5) / start}, {"eta": float(eta)}, steps=2_000_000)
        end = float(compile_sharpness(loss, bound).at_end(run)) - 2 / float(eta)
        assert end == pytest.approx(tabulated, abs=1e-4)
        assert end == pytest.approx(float(form.end(Float(excess))), rel=0.03)


def test_the_normal_form_agrees_with_a_diagonalization_in_floating_point(forms):
    loss, point = minimalist(), {x: 1.7, y: 0.6, z: 1.3, w: 1 / (1.7 * 0.6 * 1.3)}
    values, vectors = np.linalg.eigh(np.array(loss.hessian.subs(point), dtype=float))
    top = [Float(component) for component in vectors[:, -1]]
    basis = np.eye(4)
    third = np.array([float(loss.directional_derivative(top, top, list(map(Float, e))).subs(point)) for e in basis])
    fourth = float(loss.directional_derivative(top, top, top, top).subs(point))
    projections = vectors.T @ third
    assert float(forms["minimalist"].beta.subs(point)) == pytest.approx(np.sum(projections[:-1] ** 2), rel=1e-10)
    quartic = fourth - 3 * projections[-1] ** 2 / values[-1]
    assert float(forms["minimalist"].quartic.subs(point)) == pytest.approx(quartic, rel=1e-10)


def test_a_large_excess_ends_at_the_inverse_of_e_and_a_small_one_overshoots():
    form = EdgeNormalForm(Integer(1), Integer(-15))
    assert form.depth == Rational(1, 10)
    assert float(form.end(Integer(3))) == pytest.approx(-0.1, abs=1e-9)
    assert float(form.end(Rational(1, 10**6))) == pytest.approx(-1e-6, rel=1e-4)


def test_the_end_from_an_excess_without_a_value_is_the_formula_itself():
    """With e = 1: y∞ = −(1 + W₀(−(1 + y₀)e^{−(1 + y₀)}))."""
    excess = Symbol("y0", positive=True)
    end = EdgeNormalForm(Integer(1), Rational(-3, 2)).end(excess)
    assert simplify(end + 1 + LambertW(-(1 + excess) * exp(-(1 + excess)))) == 0


def test_the_subcritical_toy_of_the_table_overshoots_further():
    assert float(EdgeNormalForm(Integer(1), Integer(15)).end(Rational(1, 20))) == pytest.approx(-0.0756, abs=5e-5)
    assert float(EdgeNormalForm(Integer(1), Rational(3, 2)).end(Rational(1, 5))) == pytest.approx(-0.231, abs=5e-4)


def test_without_a_quartic_coefficient_the_end_mirrors_the_entry():
    form = EdgeNormalForm(Integer(1), Integer(0))
    assert form.kind == "overshooting"
    assert form.end(Rational(1, 7)) == Rational(-1, 7)


def test_what_the_law_does_not_cover_is_refused():
    with pytest.raises(Undecided, match="may escape"):
        EdgeNormalForm(Integer(1), Integer(15)).end(Integer(1))
    with pytest.raises(Undecided, match="does not change"):
        EdgeNormalForm(Integer(0), Integer(-1))
    with pytest.raises(Undecided, match="sign"):
        EdgeNormalForm(Integer(1), Symbol("c", real=True)).end(Integer(1))
    with pytest.raises(Undecided, match="no limit"):
        _ = EdgeNormalForm(Integer(1), Integer(1)).depth
    with pytest.raises(BadInput, match="not positive"):
        EdgeNormalForm(Integer(1), Integer(-1)).end(Integer(-1))
    with pytest.raises(Undecided, match="a point"):
        edge_normal_form(quadratic(2))


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("((1 - x*y)**2 + (2 - x*z)**2)/2", "x y z"),
        ("((2 - x*z)**2 + (x*w)**2 + (y*z)**2 + (1 - y*w)**2)/2", "x y z w"),
    ],
)
def test_with_several_fast_directions_the_form_is_that_of_the_numbers_at_a_point(text, weights):
    """A net with two outputs, and the best matrix of rank one for diag(2, 1), at x = 13/10."""
    loss = Objective.from_text(text, weights)
    form, x = edge_normal_form(loss), loss.weights[0]
    at = {x: Rational(13, 10)}
    point = {weight: loss.minima.chart.get(weight, weight).subs(at) for weight in loss.weights}
    step_size = (2 / form.sharpness).subs(at)
    local = edge_normal_form_at(loss, point, step_size, Rational(1, 100), {})
    assert form.kind == local.kind == "self_stabilizing"
    assert float(form.beta.subs(at)) == pytest.approx(float(local.beta), rel=1e-12)
    assert float(form.quartic.subs(at)) == pytest.approx(float(local.quartic), rel=1e-12)
    numbers = EdgeNormalForm(
        form.beta.subs(at), form.quartic.subs(at), form.sharpness.subs(at), S.Zero, form.next_order
    )
    with pytest.raises(Undecided, match="above one"):
        numbers.end(Rational(1, 10))


def test_the_law_and_the_terminal_sharpness_of_the_minimalist_agree_to_leading_order(forms):
    """At the symmetric minimum with x² + x⁻² = 1/η the depth is η/2 + O(η³)."""
    s = Symbol("s", positive=True)
    form = forms["minimalist"]
    point = {x: s, y: 1 / s, z: s}
    depth = -3 * form.beta.subs(point) / (2 * form.quartic.subs(point))
    step_size = 1 / (s**2 + s**-2)
    assert float((depth / step_size).subs(s, 10**6)) == pytest.approx(0.5, abs=1e-9)


def closed_form(depth):
    loss = product(depth)
    first = loss.weights[0]
    curve = {weight: first if index % 2 else 1 / first for index, weight in enumerate(loss.weights[1:-1])}
    return edge_normal_form(loss, curve).in_step_size()


def test_at_the_edge_the_coefficients_of_depth_two_are_those_found_by_hand():
    """With S = x² + 1/x²: T·u = 6/√S, Q = 12/S², the slow part of T 2(x² − 1/x²)/√S."""
    form = closed_form(2)
    sharpness = 2 / STEP_SIZE
    assert simplify(form.beta - 4 * (sharpness**2 - 4) / sharpness) == 0
    assert simplify(form.quartic - (12 / sharpness**2 - 3 * 36 / sharpness**2)) == 0


def test_the_terminal_sharpness_of_depth_four_is_two_over_eta_minus_half_eta():
    form = closed_form(4)
    assert form.kind == "self_stabilizing"
    assert series(form.terminal_sharpness, STEP_SIZE, 0, 3).removeO() == 2 / STEP_SIZE - STEP_SIZE / 2
    assert simplify(form.beta - 8 * (1 - 4 * STEP_SIZE**2) / STEP_SIZE) == 0


def test_depth_eight_has_its_closed_form_too():
    assert series(closed_form(8).terminal_sharpness, STEP_SIZE, 0, 3).removeO() == 2 / STEP_SIZE - STEP_SIZE / 4


def test_log_cosh_of_the_product_adds_minus_two_squared_sharpnesses_to_depth_two():
    """For log cosh, with derivatives 1, 0 and -2 from the second on at its minimum; d(xy) along u is √S."""
    form = edge_normal_form(Objective("log cosh", log(cosh(1 - x * y)), (x, y))).in_step_size()
    assert form.kind == "self_stabilizing"
    assert simplify(form.beta - closed_form(2).beta) == 0
    assert simplify(form.quartic - closed_form(2).quartic + 2 * (2 / STEP_SIZE) ** 2) == 0


def test_the_closed_form_is_the_form_on_the_curve(forms):
    form = edge_normal_form(minimalist(), {y: 1 / x, z: x})
    at = {x: Rational(5, 2), y: Rational(2, 5), z: Rational(5, 2)}
    closed, on_curve = form.in_step_size(), {STEP_SIZE: 2 / form.sharpness.subs(at)}
    assert closed.beta.subs(on_curve) == forms["minimalist"].beta.subs(at)
    assert closed.quartic.subs(on_curve) == forms["minimalist"].quartic.subs(at)


def test_a_form_in_several_coordinates_or_none_is_not_reduced(forms):
    with pytest.raises(Undecided, match="one coordinate"):
        forms["minimalist"].in_step_size()
    with pytest.raises(Undecided, match="one coordinate"):
        EdgeNormalForm(Integer(1), Integer(-1)).in_step_size()
    with pytest.raises(Undecided, match="not the same"):
        EdgeNormalForm(x, Integer(-1), x**2 + 1).in_step_size()


def test_the_parabola_is_an_orbit_and_ends_at_the_depth():
    q = Symbol("q", positive=True)
    form = EdgeNormalForm(Integer(7), Integer(-15))
    height = form.parabola(q)
    assert simplify(diff(height, q) * (-4 * height / form.beta + form.e * q) - 1) == 0
    assert form.parabola(Integer(0)) == -form.depth


def test_the_terminal_sharpness_is_absent_unless_self_stabilizing():
    stabilizing = EdgeNormalForm(Integer(1), Integer(-15))
    assert simplify(stabilizing.terminal_sharpness - (2 / STEP_SIZE - Rational(1, 10))) == 0
    assert EdgeNormalForm(Integer(1), Integer(15)).terminal_sharpness is None
    assert EdgeNormalForm(Integer(1), Integer(0)).terminal_sharpness is None


def test_a_quartic_coefficient_within_its_accuracy_has_no_sign():
    assert EdgeNormalForm(Integer(1), Float("-1e-9"), accuracy=Float("1e-8")).kind == "undecided"
    assert EdgeNormalForm(Integer(1), Float("-1e-7"), accuracy=Float("1e-8")).kind == "self_stabilizing"
