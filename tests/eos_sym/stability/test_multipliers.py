"""Multipliers at minima that are manifolds, against the eigenvalues of the Jacobian in 50 digits."""

import mpmath as mp
import pytest
from sympy import (
    Integer,
    Matrix,
    Rational,
    S,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    erf,
    exp,
    eye,
    log,
    pi,
    sin,
    sinh,
    sqrt,
    symbols,
    tanh,
)

from eos_sym import STEP_SIZE, BadInput, GradientDescent, HeavyBall, Map, Objective, Undecided
from eos_sym.rules import MOMENTUM, RADIUS, RULES, WeightDecay
from eos_sym.stability import stability, stability_across, stability_on

a, b, v, w = symbols("a b v w", real=True)
AT = {STEP_SIZE: Rational(6, 5), MOMENTUM: Rational(3, 10), RADIUS: Rational(1, 5)}
HALF = Rational(1, 2)

ACTIVATIONS = {
    "tanh": tanh(w),
    "atan": atan(w),
    "sin": sin(w),
    "exp": exp(w),
    "softplus": log(1 + exp(w)),
    "logistic": 1 / (1 + exp(-w)),
    "erf": erf(w),
    "rational": w / (1 + w**2),
    "algebraic": w / sqrt(1 + w**2),
    "sinh": sinh(w),
    "asinh": asinh(w),
    "silu": w / (1 + exp(-w)),
    "gelu": w * (1 + tanh(sqrt(2 / pi) * (w + Rational(44715, 10**6) * w**3))) / 2,
    "cosh": cosh(w) - 1,
    "log cosh": log(cosh(w)),
    "power": w**3,
    "two tones": sin(w) + cos(2 * w),
}
FIRST = ("tanh", "sin", "algebraic", "softplus")  # with rules that have velocities


def values_at(dynamics, chart, at, coordinate):
    """The multipliers at a point of the chart, by mpmath, and the point."""
    free = {name: coordinate for name in dynamics.state if name not in chart}
    point = {**at, **free}
    jacobian = dynamics.jacobian.subs(at).subs({**{name: value.subs(free) for name, value in chart.items()}, **free})
    with mp.workdps(50):
        numbers = mp.matrix([[mp.mpf(entry.evalf(50)) for entry in row] for row in jacobian.tolist()])
        symmetric = dynamics.jacobian.is_symmetric(simplify=False)
        found = mp.eigsy(numbers, eigvals_only=True) if symmetric else mp.eig(numbers, left=False, right=False)
        return sorted(found, key=lambda value: abs(value - 1)), point


def check(dynamics, chart, at, condition):
    for coordinate in (Rational(2, 7), Rational(8, 7)):
        multipliers, point = values_at(dynamics, chart, at, coordinate)
        neutral = sum(abs(value - 1) < mp.mpf(10) ** -15 for value in multipliers)
        others = multipliers[neutral:]
        assert condition.neutral == neutral
        assert condition.verdict(point) == ("stable" if all(abs(value) < 1 for value in others) else "unstable")
        assert all(margin != 0 for margin in condition.margins)
        if condition.multipliers is not None:
            known = [complex(value.subs(point).evalf(30)) for value in condition.multipliers]
            assert all(min(abs(complex(other) - value) for value in known) < 1e-12 for other in others)


def one_neuron(activation):
    return Objective("one neuron", (a * activation - HALF) ** 2 / 2, (a, w)), {a: 1 / (2 * activation)}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_curve_of_minima_has_one_neutral_multiplier_whatever_the_activation(name):
    activation = ACTIVATIONS[name]
    loss, chart = one_neuron(activation)
    dynamics = GradientDescent().map(loss)
    at = {STEP_SIZE: AT[STEP_SIZE]}
    across = stability_across(dynamics, chart)
    assert across == stability(dynamics.jacobian.subs(chart))  # the count of zeros agrees with the manifold's dimension
    check(dynamics, chart, at, across)
    sharpness = activation**2 + chart[a] ** 2 * activation.diff(w) ** 2
    ((multiplier, count),) = across.multipliers.items()
    assert count == 1
    difference = multiplier - (1 - STEP_SIZE * sharpness)
    assert abs(difference.subs({STEP_SIZE: 1, w: Rational(5, 7)}).evalf(30)) < 1e-20


@pytest.mark.parametrize("rule", ["heavy_ball", "nesterov", "sam_unnormalized"])
@pytest.mark.parametrize("name", FIRST)
def test_other_rules_have_the_neutral_multipliers_of_the_manifold(rule, name):
    loss, chart = one_neuron(ACTIVATIONS[name])
    dynamics = RULES[rule].map(loss)
    at = {name: AT[name] for name in dynamics.parameters}
    fixed = Map(dynamics.state, (), tuple(step.subs(at) for step in dynamics.step))
    chart = chart | dict.fromkeys(dynamics.state[2:], S.Zero)
    condition = stability_across(fixed, chart)
    assert condition == stability(fixed.jacobian.subs(chart))
    check(fixed, chart, {}, condition)


def test_two_examples_and_four_weights_leave_two_neutral_multipliers():
    residuals = [a * sin(w) + v - HALF, a * sin(2 * w) + b * v - Rational(3, 4)]
    loss = Objective("two examples", sum(residual**2 for residual in residuals) / 2, (a, b, v, w))
    chart = {v: HALF - a * sin(w)}
    chart[b] = (Rational(3, 4) - a * sin(2 * w)) / chart[v]
    step = GradientDescent().map(loss).step
    dynamics = Map(loss.weights, (), tuple(part.subs(STEP_SIZE, Rational(1, 10)) for part in step))
    condition = stability_across(dynamics, chart)
    assert (condition.neutral, condition.degree) == (2, 2)
    check(dynamics, chart, {}, condition)


def test_three_weights_and_one_example_leave_two():
    loss = Objective("with a bias", (a * atan(w) + b - HALF) ** 2 / 2, (a, b, w))
    chart = {b: HALF - a * atan(w)}
    dynamics = GradientDescent().map(loss)
    condition = stability_across(dynamics, chart)
    assert condition.neutral == 2
    check(dynamics, chart, {STEP_SIZE: Rational(6, 5)}, condition)


@pytest.mark.parametrize(
    ("power", "others"), [(2, {Rational(3, 10): 1, HALF: 1, Rational(3, 5): 1}), (4, {Rational(3, 10): 2})]
)
def test_across_a_circle_of_minima_momentum_has_the_multipliers_of_its_equations(power, others):
    """z² − (1 + β − ηλ)z + β with β = 3/10, along the circle λ = 0 and across λ = 2, or 0 too for the fourth power."""
    dynamics = HeavyBall().map(Objective("ring", (a**2 + w**2 - 1) ** power / 4, (a, w)))
    at = {STEP_SIZE: Rational(1, 10), MOMENTUM: Rational(3, 10)}
    fixed = Map(dynamics.state, (), tuple(step.subs(at) for step in dynamics.step))
    condition = stability_on(fixed.jacobian, (*dynamics.state[2:], a**2 + w**2 - 1), fixed.state, 1)
    assert (condition.neutral, condition.multipliers) == (4 - sum(others.values()), others)


def test_equations_with_functions_that_are_not_solved_give_the_trace():
    dynamics = GradientDescent().map(Objective("product", (tanh(a) * tanh(w) - HALF) ** 2 / 2, (a, w)))
    condition = stability_on(dynamics.jacobian, (2 * tanh(a) * tanh(w) - 1,), dynamics.state, 1)
    point = {a: Integer(1), w: atanh(1 / (2 * tanh(1)))}
    multipliers, _ = values_at(dynamics, point, {STEP_SIZE: Integer(1)}, None)
    (multiplier,) = condition.multipliers
    assert condition.neutral == 1
    assert float(multiplier.subs({**point, STEP_SIZE: 1})) == pytest.approx(float(multipliers[-1]), rel=1e-14)


def test_a_flat_minimum_has_no_other_multipliers_and_none_is_defective():
    loss = Objective("quartic", (a * sin(w) - HALF) ** 4, (a, w))
    dynamics = GradientDescent().map(loss)
    for condition in (
        stability_across(dynamics, {a: 1 / (2 * sin(w))}),
        stability(dynamics.jacobian.subs(a, 1 / (2 * sin(w)))),
    ):
        assert (condition.neutral, condition.margins, condition.verdict({})) == (2, (), "marginal")


def test_multipliers_one_of_symmetric_jacobians_are_never_defective_and_of_others_by_proof():
    c, s = cos(w), sin(w)
    turn = Matrix([[c, -s], [s, c]])
    symmetric = turn * Matrix.diag(1, HALF) * turn.T
    assert stability(symmetric) == stability(Matrix.diag(1, HALF))
    shear = turn * Matrix([[1, 1], [0, 1]]) * turn.T
    with pytest.raises(Undecided, match="defective"):
        stability(shear)
    with pytest.raises(Undecided, match="defective"):
        stability(Matrix([[1, 1, 0], [0, 1, s], [0, 0, HALF]]))
    assert stability(Matrix([[1, 0, s], [0, 1, c], [0, 0, HALF]])).neutral == 2


def test_a_margin_that_is_zero_at_all_values_is_zero():
    reflection = Matrix([[cos(w), sin(w)], [sin(w), -cos(w)]])
    condition = stability(Matrix.diag(reflection, HALF))
    assert condition.neutral == 1
    assert Integer(0) in condition.margins
    assert condition.verdict({}) == "marginal"
    with pytest.raises(Undecided, match="unit circle at all values"):
        condition.critical_value(w)


def test_a_chart_that_is_not_kept_fixed_is_refused():
    loss, chart = one_neuron(tanh(w))
    decayed = WeightDecay(GradientDescent(), coupled=True).map(loss)
    with pytest.raises(BadInput, match="fixed points"):
        stability_across(decayed, chart)


def test_a_zero_over_a_zero_is_not_differentiable_even_if_it_does_not_look_so():
    loss, chart = one_neuron(cosh(w) - 1)
    with pytest.raises(Undecided, match="differentiable"):
        stability_across(RULES["normalized_gd"].map(loss), chart)


def test_a_multiplier_nearly_one_is_not_one():
    near = 1 - Rational(8, 10**12)
    condition = stability(Matrix([[near, 0], [0, HALF]]))
    assert (condition.neutral, condition.verdict({})) == (0, "stable")
    assert stability(Matrix([[float(near)]])).verdict({}) == "stable"
    assert stability(eye(1) * (2 - near)).verdict({}) == "unstable"


def test_a_point_has_the_multipliers_of_its_jacobian():
    dynamics = HeavyBall().map(Objective("bowl", a**2 / 2 + w**2, (a, w)))
    origin = dict.fromkeys(dynamics.state, S.Zero)
    assert stability_across(dynamics, origin) == stability(dynamics.jacobian.subs(origin))
