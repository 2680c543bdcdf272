import pytest
from sympy import ImmutableMatrix, Integer, Matrix, Rational, Symbol, cos, diff, expand, log, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, Undecided, minimalist, quadratic
from eos_sym.flows import (
    CentralFlow,
    Flow,
    TopEigenvectorFlow,
    conserved_quantities,
    gradient_flow,
    limit_flow,
    oscillation,
)
from eos_sym.rules import NormalizedGradientDescent, RootLossGradientDescent
from eos_sym.rules.optimizers import HeavyBall, SharpnessAwareMinimization

x, y, z = symbols("x y z", real=True)


def test_gradient_flow_on_a_product_conserves_the_differences_of_squares():
    objective = minimalist()
    quantities = conserved_quantities(objective, 2)
    squares = [weight**2 for weight in objective.weights]
    rows = Matrix([[quantity.coeff(square) for square in squares] for quantity in quantities])
    assert len(quantities) == rows.rank() == 3
    assert all(sum(row) == 0 for row in rows.tolist())
    assert all(
        expand(quantity - sum(quantity.coeff(square) * square for square in squares)) == 0 for quantity in quantities
    )


def test_a_rotation_symmetric_loss_conserves_the_angle_only():
    objective = Objective("round", (x**2 + y**2 - 1) ** 2, (x, y))
    assert conserved_quantities(objective, 2) == ()


def test_a_convex_quadratic_conserves_nothing_polynomial():
    assert conserved_quantities(quadratic(2), 2) == ()


def test_a_loss_that_is_not_polynomial_is_undecided():
    with pytest.raises(Undecided, match="only where the loss is a polynomial"):
        conserved_quantities(Objective("wave", cos(x * y), (x, y)), 2)


def test_a_flow_says_how_everything_changes():
    with pytest.raises(BadInput, match="velocities"):
        Flow((x, y), (), (x,))
    with pytest.raises(BadInput, match="y"):
        Flow((x,), (), (y,))
    with pytest.raises(BadInput, match="square matrix"):
        TopEigenvectorFlow((x,), (), ImmutableMatrix([[x]]), (x, y), (x,))


def test_gradient_flow_falls_at_the_rate_of_the_squared_gradient():
    objective = minimalist()
    flow = gradient_flow(objective)
    assert expand(flow.along(objective.loss) + sum(slope**2 for slope in objective.gradient)) == 0
    assert flow.jacobian == -objective.hessian


def test_a_flow_prints_as_mathematics():
    assert r"\dot{x} &= y" in Flow((x, y), (), (y, -x))._repr_latex_()


TOY = Objective("toy", (1 + x**2) * y**2 / 2, (x, y))
CURVATURE = Symbol("lambda", positive=True)


def test_the_oscillations_of_the_two_rules():
    normalized, root = oscillation(NormalizedGradientDescent()), oscillation(RootLossGradientDescent())
    assert simplify(normalized.width - 1) == 0
    assert simplify(normalized.drift - 1 / (4 * CURVATURE)) == 0
    assert simplify(root.width - sqrt(CURVATURE / 2)) == 0
    assert simplify(root.drift - Rational(1, 8)) == 0


@pytest.mark.parametrize("rule", [GradientDescent(), HeavyBall(), SharpnessAwareMinimization(normalized=True)])
def test_a_rule_that_does_not_step_over_its_minima_has_no_limit_flow(rule):
    with pytest.raises(Undecided, match="oscillation"):
        oscillation(rule)


class Reflection:
    """w ↦ w − 2L'/λ: from one side of the minima to the other, from any distance, which therefore is no width."""

    def map(self, objective):
        steps = (w - 2 * slope / CURVATURE for w, slope in zip(objective.weights, objective.gradient, strict=True))
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), tuple(steps))


def test_a_rule_whose_oscillation_keeps_the_distance_it_began_with_has_no_width():
    with pytest.raises(Undecided, match="does not step over the minima at the scale of η, but by 2"):
        oscillation(Reflection())


def test_the_limit_flows_of_the_toy():
    (normalized,) = limit_flow(NormalizedGradientDescent(), TOY, {y: Integer(0)}).velocity
    (root,) = limit_flow(RootLossGradientDescent(), TOY, {y: Integer(0)}).velocity
    assert simplify(normalized + x / (2 * (1 + x**2))) == 0
    assert simplify(root + x / 4) == 0


@pytest.mark.parametrize("rule", [NormalizedGradientDescent(), RootLossGradientDescent()])
def test_a_limit_flow_is_the_projected_gradient_of_the_sharpness(rule):
    """In all weights, with P_Γ = I − n nᵀ, ∇λ₁ by differentiating trace ∇²L, which is λ₁ on Γ, and at rational points.

    trace ∇²L is not λ₁ off Γ, but its derivatives along Γ are.
    """
    objective = minimalist()
    chart = objective.minima.chart
    flow = limit_flow(rule, objective, chart)
    trace = objective.hessian.trace()
    ahead = Matrix([chart.get(weight, weight) for weight in objective.weights])
    for point in ([2, Rational(1, 3), 1], [Rational(-3, 2), 2, Rational(1, 2)]):
        at = dict(zip(flow.state, point, strict=True))
        lifted = ahead.jacobian(flow.state).subs(at) * Matrix([rate.subs(at) for rate in flow.velocity])
        everywhere = dict(zip(objective.weights, ahead.subs(at), strict=True))
        normal = Matrix([diff(objective.minima.equations[0], weight) for weight in objective.weights]).subs(everywhere)
        slope = Matrix([diff(trace, weight) for weight in objective.weights]).subs(everywhere)
        projected = slope - normal * (normal.T * slope)[0] / (normal.T * normal)[0]
        root = isinstance(rule, RootLossGradientDescent)
        factor = Rational(1, 8) if root else 1 / (4 * trace.subs(everywhere))
        assert simplify(lifted + factor * projected).is_zero_matrix


def test_a_chart_must_be_one_of_critical_points():
    with pytest.raises(BadInput, match="gradient"):
        limit_flow(RootLossGradientDescent(), TOY, {y: Integer(1)})
    with pytest.raises(BadInput, match="others"):
        limit_flow(RootLossGradientDescent(), TOY, {})
    with pytest.raises(BadInput, match="others"):
        limit_flow(RootLossGradientDescent(), TOY, {x: Integer(0), y: Integer(0)})


def test_a_limit_flow_across_two_directions_follows_the_larger_eigenvalue():
    """On y = 1/x, z = 2/x: λ₁ = x² + 5/x², the metric 1 + 5/x⁴, and so dx/dτ = −¼ (1 + 5/x⁴)⁻¹ d log λ₁/dx."""
    loss = Objective.from_text("((1 - x*y)**2 + (2 - x*z)**2)/2", "x y z")
    (velocity,) = limit_flow(NormalizedGradientDescent(), loss, loss.minima.chart).velocity
    expected = -diff(log(x**2 + 5 / x**2), x) / (1 + 5 / x**4) / 4
    assert simplify(velocity - expected) == 0


def test_maxima_and_a_change_of_the_largest_eigenvalue_have_no_limit_flow():
    rule = RootLossGradientDescent()
    with pytest.raises(Undecided, match="positive"):
        limit_flow(rule, Objective("ridge", -(1 + x**2) * y**2, (x, y)), {y: Integer(0)})
    two = Objective("two", (1 + x**2) * y**2 / 2 + z**2, (x, y, z))
    with pytest.raises(Undecided, match="largest"):
        limit_flow(rule, two, {y: Integer(0), z: Integer(0)})


def test_the_variance_of_the_central_flow_holds_the_sharpness():
    """dS/dt = ∇S·θ̇ = 0 at random rational points, for any direction u."""
    flow = CentralFlow(minimalist())
    symbols_of = (*flow.objective.weights, *flow.direction, STEP_SIZE)
    at = dict(zip(symbols_of, [Rational(k * k % 11 - 5, 7) for k in range(2, 11)], strict=True))
    pairs = zip(flow.sharpness_gradient, flow.edge.velocity, strict=True)
    assert simplify(sum((rise * rate).subs(at) for rise, rate in pairs)) == 0
    slopes = zip(flow.objective.gradient, flow.sharpness_gradient, strict=True)
    product = sum((slope * rise).subs(at) for slope, rise in slopes)
    length = sum(rise.subs(at) ** 2 for rise in flow.sharpness_gradient)
    assert simplify(flow.variance.subs(at) + 2 * product / length) == 0


def test_the_next_order_of_the_central_flow_is_that_of_the_fifth_derivative():
    """Of L = ½yx² + yx⁴ − y at x = 0, u along x: ∇S = (0, 1), σ² = 2 and ∇⁵L(u, u, u, u, ∇S) = 24, so ν = 4."""
    flow = CentralFlow(Objective("valley", y * x**2 / 2 + y * x**4 - y, (x, y)))
    first, second = flow.direction
    assert flow.neglected.subs({x: 0, first: 1, second: 0}) == 4


def test_the_central_flow_averages_the_gradient_over_the_oscillation():
    """For a cubic loss the mean of −η∇L over θ ± σu is exact."""
    objective = Objective("cubic", x**3 + 2 * x * y**2 + y**2 - x * y, (x, y))
    flow = CentralFlow(objective)
    width = sqrt(flow.variance)
    moved = [
        {w: w + sign * width * u for w, u in zip(objective.weights, flow.direction, strict=True)} for sign in (1, -1)
    ]
    for slope, rate in zip(objective.gradient, flow.edge.velocity, strict=True):
        mean = sum(slope.subs(point, simultaneous=True) for point in moved) / 2
        assert simplify(rate + STEP_SIZE * mean) == 0
