"""Edge flow and rod flow as formulas: threshold, rest, and what they share with gradient descent."""

import pytest
from sympy import Matrix, simplify, solve, sqrt, symbols

from eos_sym import STEP_SIZE, GradientDescent, Objective
from eos_sym.flows import edge_flow, extents, rod_flow
from eos_sym.orbits import two_cycles

BENT = Objective.from_text("(1 - x*y**2)**2/2 + x*y", "x y")
QUARTIC = Objective.from_text("S*x**2/2 + Q*x**4/24", "x", "S Q")


def after(flow, h):
    """The state an Euler step later."""
    return Matrix(flow.state) + h * Matrix(flow.velocity)


def test_a_unit_step_of_rod_flow_moves_both_ends_by_gradient_descent():
    """Against a factor in the pull back of the extent, a lost half, and ends that are taken for each other."""
    weights, across = Matrix(BENT.weights), Matrix(extents(BENT))
    step = after(rod_flow(BENT), 1)
    centre, extent = step[:2, :], step[2:, :]
    descent = Matrix(GradientDescent().map(BENT).step)
    for sign in (1, -1):
        end = dict(zip(BENT.weights, weights + sign * across, strict=True))
        assert simplify(centre - sign * extent - descent.subs(end, simultaneous=True)) == Matrix([0, 0])


@pytest.mark.parametrize("flow", [edge_flow, rod_flow])
def test_a_small_extent_grows_where_the_sharpness_is_beyond_two_over_eta(flow):
    """Against a threshold at 1/η, which δ̇ = ηv − δ would have."""
    one = flow(QUARTIC)
    (extent,) = extents(QUARTIC)
    at_rest = dict.fromkeys(QUARTIC.weights, 0) | {extent: 0}
    rate = one.jacobian.subs(at_rest)[1, 1]
    assert simplify(rate - (STEP_SIZE * one.parameters[0] - 2)) == 0


def test_rod_flow_rests_where_gradient_descent_has_its_two_cycle():
    """Against the tangent in place of the secant, which would rest at x² = 2(2/η − S)/Q or nowhere."""
    flow, (extent,) = rod_flow(QUARTIC), extents(QUARTIC)
    sharpness, quartic, _ = flow.parameters
    (x,) = QUARTIC.weights
    assert flow.velocity[0].subs(x, 0).expand() == 0
    rest = {simplify(one**2) for one in solve(flow.velocity[1].subs(x, 0), extent)} - {0}
    assert {simplify(one - 6 * (2 / STEP_SIZE - sharpness) / quartic) for one in rest} == {0}
    numbers = {sharpness: 3, quartic: -12, STEP_SIZE: 1}
    orbits = two_cycles(GradientDescent().map(QUARTIC), numbers).orbits
    cycles = {abs(orbit.points[0][x]) for orbit in orbits if orbit.points[0][x] == -orbit.points[1][x]}
    assert {one**2 for one in cycles} == {rest.pop().subs(numbers)}


def test_edge_flow_has_no_rest_on_a_quartic():
    """Against a secant where the tangent is meant."""
    flow, (extent,) = edge_flow(QUARTIC), extents(QUARTIC)
    (x,) = QUARTIC.weights
    assert solve(flow.velocity[1].subs(x, 0), extent) == [0]


def test_on_a_cubic_loss_both_are_the_limit_of_self_stabilization():
    """L = ½(s + y)x² − αy with s = 2/η; in X = x/√(2α), Y = y/√α and the time η√α: Ẋ = XY, Ẏ = 1 − X²."""
    X, Y = symbols("X Y", positive=True)
    cubic = Objective.from_text("(s + y)*x**2/2 - a*y", "x y", "s a", positive="s a")
    x, y = cubic.weights
    edge, alpha = cubic.parameters
    across = extents(cubic)
    at = {x: 0, across[1]: 0, across[0]: sqrt(2 * alpha) * X, y: sqrt(alpha) * Y, edge: 2 / STEP_SIZE}
    pace = STEP_SIZE * sqrt(alpha)
    for flow in (edge_flow(cubic), rod_flow(cubic)):
        moved = [rate.subs(at) / pace for rate in flow.velocity]
        assert simplify(moved[2] / sqrt(2 * alpha) - X * Y) == 0
        assert simplify(moved[1] / sqrt(alpha) - (1 - X**2)) == 0
