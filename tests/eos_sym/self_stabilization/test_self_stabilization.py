"""Self-stabilization against hand-derived formulas, finite differences, SciPy's integrator and gradient descent."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import lambertw
from sympy import Float, ImmutableMatrix, Integer, Matrix, Rational, Symbol, diff, log, pi, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, Undecided
from eos_sym.self_stabilization import (
    CubicExpansion,
    SelfStabilization,
    conserved_by_separation,
    extremes,
    general_expansion,
    period,
    rise_per_step,
    rise_per_turn,
    small_period,
    steps_of_a_turn,
    top_eigenvector,
    undamped,
)
from eos_sym.self_stabilization.continuous_limit import LEVEL
from eos_sym.self_stabilization.cycle import ALPHA, BETA, EPSILON, QUARTIC, RESTORING, SQUARE, X, Y, general_map
from eos_sym.self_stabilization.predicted_dynamics import EXCESS, UNSTABLE
from numeric import compile_function, compile_map

x, y, z = symbols("x y z", real=True)
TENTH = Rational(1, 10)
levels = st.floats(1e-3, 20)


def hundredths(low, high):
    return st.integers(low, high).map(lambda count: Rational(count, 100))


def valley(quartic=0):
    """Sharpness 20 along x at the origin; it rises with 3y + 4z, and the loss falls with it."""
    loss = (20 + 3 * y + 4 * z) * x**2 / 2 - (3 * y + 4 * z) / 100 + quartic * x**4 / 24
    return Objective("valley", loss, (x, y, z))


def expansion(quartic=0):
    return CubicExpansion(valley(quartic), {x: 0, y: 0, z: 0}, ImmutableMatrix([1, 0, 0]))


def test_alpha_beta_delta_and_epsilon_of_a_valley_are_those_found_by_hand():
    found = expansion(-6)
    assert list(found.transverse) == [0, 3, 4]
    assert (found.sharpness, found.alpha, found.beta, found.quartic) == (20, Rational(1, 4), 25, -6)
    assert found.delta == sqrt(2) / 10
    assert found.epsilon == STEP_SIZE / 2


def test_the_kept_and_the_neglected_terms_are_all_of_the_second_order():
    p, q, a = symbols("p q a", real=True)
    loss = Objective("deep", (1 - p * q * a) ** 2 / 2 + (2 - a * q**2) ** 2 / 50, (p, q, a))
    point = {p: Float(0.9, 30), q: Float(0.7, 30), a: Float(1.6, 30)}
    found = CubicExpansion(loss, point, top_eigenvector(loss.hessian.subs(point), 30))
    v = Matrix(found.displacement)
    quadratic = Matrix([(v.T * loss.hessian.diff(weight).subs(point) * v)[0] / 2 for weight in loss.weights])
    values = dict(zip(v, (Float(0.3), Float(-0.2), Float(0.5)), strict=True))
    defect = (found.kept + found.neglected - quadratic).subs(values)
    assert max(abs(entry) for entry in defect) < 1e-14


def test_the_sharpness_gradient_is_the_derivative_of_the_top_eigenvalue():
    loss = Objective("tilted", (1 - x * y) ** 2 / 2 + (1 - y * z) ** 2 / 20, (x, y, z))
    point = {x: Float(0.8), y: Float(1.9), z: Float(0.4)}
    found = CubicExpansion(loss, point, top_eigenvector(loss.hessian.subs(point), 20))

    def top(shift):
        values = {weight: value + step for (weight, value), step in zip(point.items(), shift, strict=True)}
        return np.linalg.eigvalsh(np.array(loss.hessian.subs(values), dtype=float))[-1]

    steps = 1e-5 * np.eye(3)
    differences = [(top(step) - top(-step)) / 2e-5 for step in steps]
    assert np.array(found.sharpness_gradient, dtype=float).ravel() == pytest.approx(differences, rel=1e-7)


def test_the_predicted_dynamics_is_the_formula_of_the_paper():
    found = expansion()
    v = Matrix(found.displacement)
    u, across = Matrix([1, 0, 0]), Matrix([0, 3, 4])
    first, second = v[0], 3 * v[1] + 4 * v[2]
    bent = (first**2 - 2 * found.alpha / found.beta) / 2 * across + first * second * u
    expected = v - STEP_SIZE * (20 * first * u + bent)
    assert all((a - b).expand() == 0 for a, b in zip(expected, found.predicted.step, strict=True))


def test_gradient_descent_on_a_valley_is_its_damped_dynamics_along_the_constrained_trajectory():
    """The valley has no terms but those kept, so nothing is lost; it is at the edge for η = 1/10."""
    found = expansion(-6)
    start = {x: Rational(1, 50), y: Rational(1, 30), z: Rational(-1, 70)}
    descended = [step.subs({**start, STEP_SIZE: TENTH}) for step in GradientDescent().map(valley(-6)).step]
    moved = dict(zip(found.displacement, start.values(), strict=True))
    predicted = [step.subs({**moved, STEP_SIZE: TENTH}) for step in found.damped.step]
    constrained = found.constrained_step.subs(STEP_SIZE, TENTH)
    assert [p + c for p, c in zip(predicted, constrained, strict=True)] == descended


def test_x_and_y_obey_the_reduced_map_on_any_loss_whose_hessian_turns_no_sharpness_gradient():
    step = expansion().reduce(expansion().predicted).step
    at_edge = [entry.subs(STEP_SIZE, TENTH) for entry in step]
    expected = [-(1 + EXCESS / 10) * UNSTABLE, EXCESS + (Rational(1, 4) - Rational(25, 2) * UNSTABLE**2) / 10]
    assert all((a - b).expand() == 0 for a, b in zip(at_edge, expected, strict=True))


def test_where_the_hessian_mixes_the_sharpness_gradient_x_and_y_are_not_enough():
    loss = Objective("mixed", valley().loss + y**2 / 2, (x, y, z))
    found = CubicExpansion(loss, {x: 0, y: 0, z: 0}, ImmutableMatrix([1, 0, 0]))
    with pytest.raises(Undecided, match="not an eigenvector"):
        found.reduce(found.predicted)


def test_points_directions_and_losses_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="exactly x, y, z"):
        CubicExpansion(valley(), {x: 0}, ImmutableMatrix([1, 0, 0]))
    with pytest.raises(BadInput, match="not a unit eigenvector"):
        CubicExpansion(valley(), {x: 0, y: 0, z: 0}, ImmutableMatrix([2, 0, 0]))
    with pytest.raises(BadInput, match="3 weights"):
        CubicExpansion(valley(), {x: 0, y: 0, z: 0}, ImmutableMatrix([1, 0]))
    uphill = Objective("uphill", valley().loss + (3 * y + 4 * z) / 50, (x, y, z))
    found = CubicExpansion(uphill, {x: 0, y: 0, z: 0}, ImmutableMatrix([1, 0, 0]))
    with pytest.raises(BadInput, match="no progressive sharpening"):
        _ = found.predicted
    flat = Objective("flat", 10 * x**2 + y**2, (x, y))
    with pytest.raises(Undecided, match="∇S⊥ = 0"):
        _ = CubicExpansion(flat, {x: 0, y: 0}, ImmutableMatrix([1, 0])).beta
    with pytest.raises(Undecided, match="too close"):
        top_eigenvector(Matrix([[2, 0], [0, 2]]), 20)
    with pytest.raises(BadInput, match="substitute numbers"):
        top_eigenvector(Matrix([[x]]), 20)


def test_the_general_expansion_gives_the_map_of_the_essay():
    flip, rise = general_map().step
    assert (flip + (1 + STEP_SIZE * EXCESS + STEP_SIZE * QUARTIC * UNSTABLE**2 / 6) * UNSTABLE).expand() == 0
    force = ALPHA - RESTORING * EXCESS - BETA * UNSTABLE**2 / 2
    assert (rise - EXCESS - STEP_SIZE * force).expand() == 0
    assert len(general_expansion().neglected.free_symbols) > 8


def test_the_map_commutes_with_the_change_of_sign_that_scaling_takes_out():
    reflected = general_map().conjugate({UNSTABLE: -UNSTABLE, EXCESS: EXCESS}, {UNSTABLE: -UNSTABLE, EXCESS: EXCESS})
    assert all((a - b).expand() == 0 for a, b in zip(reflected.step, general_map().step, strict=True))


def test_the_scaled_map_keeps_the_symbols_of_its_coefficients_beside_epsilon():
    damped = SelfStabilization(ALPHA, BETA, QUARTIC, RESTORING)
    assert damped.scaled.parameters == (ALPHA, RESTORING, BETA, QUARTIC, EPSILON)


def test_only_epsilon_is_left_in_the_scaled_map_which_is_eulers_method_for_its_limit():
    cycle = undamped()
    assert cycle.scaled.parameters == (EPSILON,)
    assert cycle.limit == {X: X * Y, Y: 1 - X**2}
    euler = [variable + EPSILON * rate for variable, rate in cycle.limit.items()]
    assert all((a - b).expand() == 0 for a, b in zip(euler, cycle.scaled.step, strict=True))


def test_the_conserved_quantity_is_found_and_the_map_raises_it():
    cycle = undamped()
    found = conserved_by_separation(cycle.limit)
    assert simplify(found - (X**2 - 2 * log(X) - 1 + Y**2) / 2) == 0
    rise = rise_per_step(cycle.scaled, found)
    assert simplify(rise - ((1 + X**2) * Y**2 + (1 - X**2) ** 2) / 2) == 0
    assert rise.is_nonnegative
    value, step = compile_function([found], (X, Y)), compile_function(cycle.scaled.step, (X, Y, EPSILON))
    changes = [value(*step(0.7, 0.4, epsilon))[0] - value(0.7, 0.4)[0] for epsilon in (1e-3, 1e-4)]
    assert changes[0] / 1e-6 == pytest.approx(float(rise.subs({X: 0.7, Y: 0.4})), rel=1e-2)
    assert math.log10(changes[0] / changes[1]) == pytest.approx(2, abs=0.01)


def test_other_separable_flows_are_integrated_and_the_rest_is_undecided():
    a, b = symbols("a b", positive=True)
    lotka = {a: a * (1 - b), b: b * (a - 1)}  # the predator and its prey
    found = conserved_by_separation(lotka)
    assert simplify(diff(found, a) * lotka[a] + diff(found, b) * lotka[b]) == 0
    assert found.subs({a: 1, b: 1}) == 0
    assert small_period(lotka) == 2 * pi
    with pytest.raises(Undecided, match="separable"):
        conserved_by_separation({X: X + Y, Y: 1 - X - X * Y})
    with pytest.raises(Undecided, match="centre"):
        small_period({X: X - 1, Y: Y})
    with pytest.raises(Undecided, match="first order"):
        rise_per_step(undamped().scaled, X**2 + Y**2)


def flow(level):
    """SciPy's solution from the least X, and the time of the first return to Y = 0 from below, by its own event."""
    least = math.sqrt(-lambertw(-math.exp(-1 - 2 * level)).real)

    def back(_, state):
        return state[1]

    back.direction, back.terminal = 1, True
    rates = lambda _, state: (state[0] * state[1], 1 - state[0] ** 2)  # noqa: E731
    return solve_ivp(rates, (1e-9, 100), (least, 1e-9), "DOP853", rtol=1e-11, atol=1e-12, events=back, max_step=0.02)


@settings(derandomize=True, deadline=None, max_examples=4)
@given(levels)
def test_extremes_and_period_are_those_of_the_integrated_flow(level):
    solution = flow(level)
    found = {name: [float(value.evalf()) for value in values] for name, values in extremes(Float(level)).items()}
    assert found[X] == pytest.approx([solution.y[0].min(), solution.y[0].max()], rel=5e-3)
    assert found[Y] == pytest.approx([solution.y[1].min(), solution.y[1].max()], rel=5e-3)
    assert float(period(level, 8)) == pytest.approx(solution.t_events[0][0], rel=1e-6)


@settings(derandomize=True, deadline=None, max_examples=8)
@given(levels)
def test_the_extremes_lie_on_their_level(level):
    conserved = conserved_by_separation(undamped().limit)
    for value in extremes(LEVEL)[X]:
        at = {X: value.subs(LEVEL, Float(level, 30)).evalf(30), Y: 0}
        assert float(conserved.subs(at)) == pytest.approx(level, rel=1e-12)


def test_small_oscillations_take_the_square_root_of_two_times_pi_and_digits_can_be_chosen():
    assert small_period(undamped().limit) == sqrt(2) * pi
    assert float(period(1e-8, 15)) == pytest.approx(math.sqrt(2) * math.pi, rel=1e-8)
    assert abs(period(Rational(1, 2), 18) - period(Rational(1, 2), 22)) < Float(10) ** -17
    for level in (0, -1, Symbol("h")):
        with pytest.raises(BadInput, match="positive"):
            period(Integer(0) + level, 15)
    with pytest.raises(BadInput, match="h > 0"):
        extremes(Integer(0))


def first_turn(level, epsilon):
    """The steps of the map from the least X to where Y = 0 is crossed from below again, and h there."""
    size, height = math.sqrt(-lambertw(-math.exp(-1 - 2 * level)).real), 0.0
    for step in range(1, 100_000):
        before = height
        size, height = size * (1 + epsilon * height), height + epsilon * (1 - size**2)
        if before < 0 <= height:
            return step - height / (height - before), (size**2 - 2 * math.log(size) - 1 + height**2) / 2
    raise AssertionError


@pytest.mark.parametrize("level", [0.01, 1.0])
def test_a_turn_of_the_map_is_one_of_the_flow_while_it_hardly_changes_the_level(level):
    """Inside, the error falls as ε, and h grows as predicted; where it doubles, there is no answer."""
    coefficient, errors = float(rise_per_turn(level, 10)), []
    for share in (0.02, 0.08):
        epsilon = share * level / coefficient
        steps, reached = first_turn(level, epsilon)
        errors.append(abs(steps / float(steps_of_a_turn(level, epsilon, 10)) - 1))
        assert reached / level - 1 == pytest.approx(share, rel=4 * share)
    assert max(errors) < 0.08
    assert math.log(errors[1] / errors[0]) / math.log(4) > 0.8
    with pytest.raises(Undecided, match=r"would change h by 1\.1\d* h"):
        steps_of_a_turn(level, 1.1 * level / coefficient, 10)
    assert first_turn(level, 1.1 * level / coefficient)[1] > 2 * level


def test_small_turns_raise_h_by_a_part_of_it_that_depends_on_epsilon_alone():
    assert float(rise_per_turn(1e-7, 12) / 1e-7) == pytest.approx(math.sqrt(8) * math.pi, rel=1e-6)


def test_the_undamped_two_cycle_is_unstable_with_the_modulus_of_the_essay():
    cycle = undamped()
    assert cycle.equilibrium == {SQUARE: 2 * ALPHA / BETA, EXCESS: 0}
    assert cycle.two_cycle.period == 2
    assert cycle.two_cycle.stability.verdict({}) == "unstable"
    assert cycle.growth == sqrt(1 + 2 * STEP_SIZE**2 * ALPHA)
    at = {ALPHA: 4, BETA: 3, STEP_SIZE: TENTH}
    for multiplier in cycle.two_cycle.stability.multipliers:
        assert abs(complex(multiplier.subs(at))) == pytest.approx(1 + 2 * 0.04)
    turn = 2 * math.pi / math.atan(math.sqrt(2) * 0.2)
    assert float(cycle.turn.subs(at)) == pytest.approx(turn)


@settings(derandomize=True, deadline=None, max_examples=5)
@given(hundredths(1, 100), hundredths(10, 300), hundredths(-500, -1), hundredths(0, 50), hundredths(1, 20))
def test_the_damped_two_cycle_and_its_multipliers_agree_with_finite_differences(
    alpha, beta, quartic, restoring, step_size
):
    model = SelfStabilization(alpha, beta, quartic, restoring)
    condition = model.stability
    alpha, beta, quartic, restoring = map(float, (alpha, beta, quartic, restoring))
    eta = float(step_size)
    square, excess = (float(value) for value in model.equilibrium.values())
    assert square == pytest.approx(2 * (alpha - restoring * excess) / beta)
    assert excess == pytest.approx(-quartic * square / 6)

    def reflected(state):
        size, height = state
        factor = 1 + eta * height + eta * quartic * size**2 / 6
        return np.array([factor * size, height + eta * (alpha - restoring * height - beta * size**2 / 2)])

    point, step = np.array([math.sqrt(square), excess]), 1e-6
    assert reflected(point) == pytest.approx(point)
    columns = [(reflected(point + d) - reflected(point - d)) / (2 * step) for d in step * np.eye(2)]
    jacobian = np.stack(columns, axis=1)
    assert float(model.damping.subs(STEP_SIZE, step_size)) == pytest.approx(1 - np.linalg.det(jacobian), abs=1e-7)
    radius = abs(np.linalg.eigvals(jacobian)).max()
    if abs(radius - 1) > 1e-6:
        assert condition.verdict({STEP_SIZE: step_size}) == ("stable" if radius < 1 else "unstable")


def test_for_constant_drift_the_damping_changes_sign_at_three_eta_beta():
    depth = Symbol("k", positive=True)
    model = SelfStabilization(ALPHA, BETA, -depth, Integer(0))
    assert model.equilibrium[EXCESS] == depth * ALPHA / (3 * BETA)
    assert simplify(model.damping - 2 * ALPHA * STEP_SIZE * (depth - 3 * BETA * STEP_SIZE) / (3 * BETA)) == 0


@pytest.mark.parametrize(("quartic", "above"), [(-10, 0.0331126), (-30, 0.0980392)])
def test_gradient_descent_hovers_above_the_edge_where_the_table_says(quartic, above):
    u, s = symbols("u s", real=True)
    b = Rational(1, 500)
    loss = Objective("capped", s * u**2 / 2 + b * (s - 25) ** 2 / 2 + quartic * u**4 / Integer(24), (u, s))
    run = compile_map(GradientDescent().map(loss)).run(
        {"u": 0.1, "s": 20.1}, {"eta": 0.1}, steps=15_000, record_every=1
    )
    model = SelfStabilization(b * 5, Integer(1), Integer(quartic), b)
    assert float(model.equilibrium[EXCESS]) == pytest.approx(above, abs=5e-8)
    assert model.stability.verdict({STEP_SIZE: TENTH}) == "stable"
    tail = run.trajectory.sel(state="s")[-100:] - 20
    assert float(tail.mean()) == pytest.approx(float(model.equilibrium[EXCESS]), rel=1e-9)
    assert float(tail.std()) < 1e-13


def test_coefficients_without_a_cycle_are_refused():
    with pytest.raises(BadInput, match="alpha = 0"):
        SelfStabilization(Integer(0), BETA, Integer(0), Integer(0))
    with pytest.raises(BadInput, match="beta = -1"):
        SelfStabilization(ALPHA, Integer(-1), Integer(0), Integer(0))
    with pytest.raises(Undecided, match="no two-cycle"):
        _ = SelfStabilization(Integer(1), Integer(1), Integer(6), Integer(1)).equilibrium


def test_maps_print_as_mathematics():
    assert isinstance(undamped().map, Map)
    assert r"\mapsto" in undamped().scaled._repr_latex_()
