"""A rule's formula: what it refuses, its components, its form in other coordinates; adaptive and decayed rules."""

import pytest
from sympy import S, Symbol, sign, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, Map, Objective, Undecided, product, shallow
from eos_sym.rules import (
    BETA1,
    BETA2,
    DECAY,
    EPSILON,
    GRADIENT,
    MOMENTUM,
    THETA,
    Adam,
    GradientAt,
    GradientDescent,
    HeavyBall,
    Nesterov,
    Norm,
    NormalizedGradientDescent,
    PreconditionedMomentum,
    RMSProp,
    RootLossGradientDescent,
    SharpnessAwareMinimization,
    Update,
    WeightDecay,
    WrittenRule,
    formula,
)
from eos_sym.rules.adaptive import COUNT, SQUARES
from eos_sym.rules.optimizers import VELOCITY
from eos_sym.stability import critical_sharpness

x, y = symbols("x y", real=True)
b = Symbol("b", real=True)
BUFFER = ({b: -VELOCITY / STEP_SIZE}, {VELOCITY: -STEP_SIZE * b})
AHEAD = ({THETA: THETA + MOMENTUM * VELOCITY, **BUFFER[0]}, {THETA: THETA + MOMENTUM * STEP_SIZE * b, **BUFFER[1]})


class SignDescent(WrittenRule):
    """θ' = θ − η sign(g)"""

    @property
    def update(self):
        return Update({THETA: THETA - STEP_SIZE * sign(GRADIENT)}, (STEP_SIZE,))


def test_a_rule_of_one_s_own_is_its_formula():
    assert SignDescent().map(shallow()).substitution[x] == x - STEP_SIZE * sign(shallow().gradient[0])
    assert r"\operatorname{sign}{\left(\nabla L\left(\theta\right) \right)}" in SignDescent()._repr_latex_()


def test_a_formula_without_theta_or_with_undeclared_symbols_is_refused():
    with pytest.raises(BadInput, match="what becomes of theta"):
        Update({VELOCITY: VELOCITY}, ())
    with pytest.raises(BadInput, match="eta: in the formula of theta"):
        Update({THETA: THETA - STEP_SIZE * GRADIENT}, ())
    with pytest.raises(BadInput, match="momentum: in the formula of g"):
        Update({THETA: GRADIENT}, (), {GRADIENT: GradientAt(THETA + MOMENTUM)})


def test_a_loss_whose_weight_is_named_like_a_variable_of_the_rule_is_refused():
    loss = Objective.from_text("(1 - t*z)**2", "t z")
    assert len(RMSProp().map(loss).state) == 4
    with pytest.raises(BadInput, match="t: a variable of the rule and of the loss"):
        Adam().map(loss)


def test_norms_and_points_are_spelled_out_over_all_weights():
    u = Symbol("u", real=True)
    rule = Update({THETA: THETA - u * Norm(u)}, (), {u: GradientAt(2 * THETA)})
    step = rule.on(shallow()).substitution[x]
    there = [slope.subs({x: 2 * x, y: 2 * y}, simultaneous=True) for slope in shallow().gradient]
    assert simplify(step - x + there[0] * sqrt(there[0] ** 2 + there[1] ** 2)) == 0


@pytest.mark.parametrize(("rule", "coordinates"), [(HeavyBall(), BUFFER), (Nesterov(), AHEAD)], ids=["heavy ball", ""])
def test_a_rule_in_other_coordinates_is_the_conjugate_map(rule, coordinates):
    forward, inverse = coordinates
    found = rule.update.conjugate(forward, inverse).on(shallow())
    names = {THETA: (x, y), VELOCITY: symbols("v_x v_y", real=True), b: symbols("b_x b_y", real=True)}

    def spelled(changes):
        parts = [{name: own[index] for name, own in names.items()} for index in (0, 1)]
        return {part[name]: change.subs(part) for name, change in changes.items() for part in parts}

    same = {} if THETA in forward else {x: x, y: y}
    expected = rule.map(shallow()).conjugate(spelled(forward) | same, spelled(inverse) | same)
    for variable, step in expected.substitution.items():
        assert simplify(step - found.substitution[variable]) == 0


def test_nesterov_by_the_points_of_its_gradients_is_torch_s_rule():
    conjugate = Nesterov().update.conjugate(*AHEAD)
    assert conjugate.gradients == {GRADIENT: GradientAt(THETA)}
    (own, new, buffer), (_, _, step) = conjugate.assignments()
    assert (own, buffer) == (b, MOMENTUM * b + GRADIENT)
    assert step == THETA - STEP_SIZE * (GRADIENT + MOMENTUM * new)


def test_coordinates_that_are_not_inverted_are_refused():
    with pytest.raises(BadInput, match="not inverted: v comes back"):
        HeavyBall().update.conjugate({b: VELOCITY}, {VELOCITY: -b})


def adaptive_map(objective, *, corrected):
    """Adam's map, or RMSProp's without the average and the correction, by hand."""
    averages, squares = ([Symbol(f"{letter}_{w}", real=True) for w in objective.weights] for letter in "ms")
    grown = [BETA2 * s + (1 - BETA2) * g**2 for s, g in zip(squares, objective.gradient, strict=True)]
    if not corrected:
        pairs = zip(objective.weights, objective.gradient, grown, strict=True)
        step = [w - STEP_SIZE * g / (sqrt(s) + EPSILON) for w, g, s in pairs]
        return Map((*objective.weights, *squares), (STEP_SIZE, BETA2, EPSILON), (*step, *grown))
    moved = [BETA1 * m + (1 - BETA1) * g for m, g in zip(averages, objective.gradient, strict=True)]
    first, second = 1 - BETA1 ** (COUNT + 1), 1 - BETA2 ** (COUNT + 1)
    step = [
        w - STEP_SIZE * (m / first) / (sqrt(s / second) + EPSILON)
        for w, m, s in zip(objective.weights, moved, grown, strict=True)
    ]
    state = (*objective.weights, *averages, *squares, COUNT)
    return Map(state, (STEP_SIZE, BETA1, BETA2, EPSILON), (*step, *moved, *grown, COUNT + 1))


@pytest.mark.parametrize(("rule", "corrected"), [(RMSProp(), False), (Adam(), True)], ids=["RMSProp", "Adam"])
def test_adaptive_rules_are_the_maps_by_hand(rule, corrected):
    found, expected = rule.map(product(3)), adaptive_map(product(3), corrected=corrected)
    assert (found.state, found.parameters) == (expected.state, expected.parameters)
    assert all(simplify(one - other) == 0 for one, other in zip(found.step, expected.step, strict=True))


@pytest.mark.parametrize(("rule", "momentum"), [(RMSProp(), 0), (Adam(), BETA1)], ids=["RMSProp", "Adam"])
def test_with_its_preconditioner_fixed_an_adaptive_rule_is_preconditioned_momentum(rule, momentum):
    fixed = PreconditionedMomentum().update
    (scale,) = fixed.scales
    after = {name: step for name, step in rule.update.step.items() if name != THETA}
    step = rule.update.step[THETA].subs(rule.preconditioner.xreplace(after), scale)
    assert simplify(step - fixed.step[THETA].subs(MOMENTUM, momentum)) == 0


def test_adam_prints_its_formula():
    assert r"t \mapsto 1 + t" in formula(Adam())
    assert r"\nabla L\left(\theta\right)^{2}" in formula(Adam())


@pytest.mark.parametrize(
    "rule",
    [
        GradientDescent(),
        Nesterov(),
        NormalizedGradientDescent(),
        RootLossGradientDescent(),
        SharpnessAwareMinimization(normalized=False),
        Adam(),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_coupled_weight_decay_is_the_rule_on_the_loss_with_a_penalty(rule):
    penalized = Objective("penalized", shallow().loss + DECAY * (x**2 + y**2) / 2, (x, y), (DECAY,))
    found, expected = WeightDecay(rule, coupled=True).map(shallow()), rule.map(penalized)
    assert found.state == expected.state
    assert {*found.parameters} == {*expected.parameters}
    numbers = {x: S(3) / 2, y: S(2) / 3, STEP_SIZE: S(1) / 10, DECAY: S(1) / 7, Symbol("rho", positive=True): S(1) / 5}
    numbers |= {MOMENTUM: S(1) / 2, BETA1: S(1) / 3, BETA2: S(1) / 4, EPSILON: S(1) / 9}
    numbers |= {own: S(2 + index) / 5 for index, own in enumerate(found.state[2:]) if own != COUNT} | {COUNT: 2}
    for one, other in zip(found.step, expected.step, strict=True):
        assert abs((one - other).subs(numbers).evalf(30)) < 1e-25


def test_decoupled_weight_decay_stands_beside_the_step():
    for rule in (GradientDescent(), HeavyBall(), Adam()):
        plain, decayed = rule.map(shallow()).substitution, WeightDecay(rule, coupled=False).map(shallow()).substitution
        assert simplify(decayed[x] - plain[x] + STEP_SIZE * DECAY * x) == 0
        assert all(decayed[own] == plain[own] for own in plain if own not in (x, y))


def test_the_critical_sharpness_at_values_is_that_of_the_formula_with_weight_decay():
    at = {STEP_SIZE: S(1) / 10, MOMENTUM: S(9) / 10, DECAY: S(1) / 2}
    assert critical_sharpness(HeavyBall(), at) == 38
    assert critical_sharpness(WeightDecay(HeavyBall(), coupled=True), at) == 38 - S(1) / 2
    assert critical_sharpness(WeightDecay(HeavyBall(), coupled=False), at) == S(19) / 10 * (2 - S(1) / 20) * 10


def test_the_preconditioner_is_that_of_the_last_step():
    expected = (1 - BETA1**COUNT) * (sqrt(SQUARES / (1 - BETA2**COUNT)) + EPSILON)
    assert WeightDecay(Adam(), coupled=False).preconditioner == Adam().preconditioner == expected
    assert RMSProp().preconditioner == sqrt(SQUARES) + EPSILON
    assert GradientDescent().preconditioner is None


def test_a_gradient_at_a_point_that_jumps_is_refused_and_one_at_a_point_that_bends_is_not():
    """At x = 2 with ρ = 1/4 and η = 1/2, on relu(x)²/2: the gradient at 5/2 is 5/2, and the step goes to 3/4."""
    rule = SharpnessAwareMinimization(normalized=False)
    with pytest.raises(BadInput, match="softplus for relu"):
        rule.map(Objective.from_text("abs(x)", "x"))
    dynamics = rule.map(Objective.from_text("relu(x)**2/2", "x"))
    values = {"x": 2, "eta": S(1) / 2, "rho": S(1) / 4}
    at = {symbol: values[symbol.name] for symbol in (*dynamics.state, *dynamics.parameters)}
    assert dynamics.step[0].subs(at) == S(3) / 4
    assert dynamics.jacobian[0].subs(at) == 1 - S(1) / 2 * (1 + S(1) / 4)


def test_a_map_that_jumps_is_not_composed_with_itself():
    with pytest.raises(Undecided, match="jumps at kinks"):
        GradientDescent().map(Objective.from_text("abs(x)", "x")).iterate(2)
