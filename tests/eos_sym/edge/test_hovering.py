"""The hovering two-cycle against docs/theory/edge_law.md and simulation, on both sides of its threshold."""

import numpy as np
import pytest
from sympy import Float, Rational, Symbol, simplify

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Objective, Undecided
from eos_sym.edge import Hovering, LocalEdgeNormalForm, edge_normal_form_at, leading_margins, minimum_at_edge
from eos_sym.edge.hovering import AMPLITUDE, QUARTIC, RESTORING, SLOPE, hovering_stability
from numeric import compile_map

ETA, PULL = 0.1, Rational(1, 500)
LOSS = Objective.from_text(
    "s*u**2/2 + b*(s - 25)**2/2 + t*w*u**2/2 + 5/2*w**2 + k*u**3/6 + c*u**4/24", "s u w", "b c k t", name="toy"
)
TABLE = {  # c, t: on the floor, at the midpoint
    (-10, 0): (0.0331126, 0.0331126),
    (-30, 0): (0.0980392, 0.0980392),
    (-10, 4): (0.0645, 0.0329),
    (0, 4): (0.0318, 0.0),
    (5, 4): (0.0153, -0.0166),
}


def values(c, t, k=0):
    return dict(zip(LOSS.parameters, (PULL, c, k, t), strict=True))


def hovering(c, t, k=0):
    point = dict(zip(LOSS.weights, (20, 0, 0), strict=True))
    return Hovering(edge_normal_form_at(LOSS, point, Rational(1, 10), Rational(1, 100), values(c, t, k)), PULL)


def cycle(c, t, k=0):
    """The two points of the cycle that gradient descent ends in."""
    parameters = {symbol.name: float(value) for symbol, value in values(c, t, k).items()}
    simulator = compile_map(GradientDescent().map(LOSS))
    run = simulator.run({"s": 20.0, "u": 0.1, "w": 0.0}, {**parameters, "eta": ETA}, steps=200_000)
    assert (run.outcome, run.period) == ("periodic", 2)
    point = run.final.values
    return point, np.array([float(v) for v in simulator.step(*point, *parameters.values(), ETA)])


def excess(point, c, t, k=0):
    at = dict(zip(LOSS.weights, point, strict=True)) | values(c, t, k)
    return np.linalg.eigvalsh(np.array(LOSS.hessian.subs(at), dtype=float))[-1] - 2 / ETA


@pytest.mark.parametrize("case", TABLE)
def test_it_is_where_the_table_says_on_the_floor_and_at_the_midpoint(case):
    predicted = hovering(*case)
    floor, midpoint = TABLE[case]
    digits = 5e-8 if case[1] == 0 else 6e-5
    assert float(predicted.sharpness_on_floor - 20) == pytest.approx(floor, abs=digits)
    assert float(predicted.sharpness_at_midpoint - 20) == pytest.approx(midpoint, abs=digits)
    assert predicted.verdict == "stable"


@pytest.mark.parametrize(("c", "k"), [(-10, 0), (5, 1)])
def test_gradient_descent_settles_there_and_alternates_between_the_predicted_sharpnesses(c, k):
    predicted, (first, second) = hovering(c, 4, k), cycle(c, 4, k)
    middle = (first + second) / 2
    floor = np.array([middle[0], 0, 0])
    assert abs(first[1] - second[1]) / 2 == pytest.approx(float(predicted.amplitude_squared) ** 0.5, rel=1e-3)
    assert excess(floor, c, 4, k) == pytest.approx(float(predicted.sharpness_on_floor) - 20, abs=1e-5)
    assert excess(middle, c, 4, k) == pytest.approx(float(predicted.sharpness_at_midpoint) - 20, abs=1e-5)
    seen = sorted((excess(first, c, 4, k), excess(second, c, 4, k)))
    assert seen == pytest.approx([float(s) - 20 for s in predicted.sharpness_at_iterates], abs=2e-3)


def test_the_margins_to_leading_order_are_those_of_the_note():
    expected = 2 * STEP_SIZE * (RESTORING - QUARTIC * AMPLITUDE**2 / 3 - STEP_SIZE * SLOPE**2 * AMPLITUDE**2)
    first, second, third = leading_margins()
    assert simplify(first - STEP_SIZE**2 * SLOPE**2 * AMPLITUDE**2) == 0
    assert second == 4
    assert simplify(third - expected) == 0


def test_with_constant_drift_it_is_stable_exactly_beyond_three_eta_beta():
    at = {STEP_SIZE: Rational(1, 10), SLOPE: 1, AMPLITUDE: Rational(1, 100), RESTORING: 0}
    for quartic, verdict in ((Rational(-29, 100), "unstable"), (Rational(-31, 100), "stable")):
        assert hovering_stability().verdict({**at, QUARTIC: quartic}) == verdict


@pytest.mark.parametrize(("bend", "grows"), [(0.1, True), (0.3, False)])
def test_where_beta_rises_with_the_sharpness_the_drift_turns_back_for_that_reason(bend, grows):
    """S = 20 + s + ½ f s² has β = (1 + f s)², so that b = ½ f δ², and with κ₄ = 0 the threshold is at f = 2η."""
    loss = Objective.from_text("(20 + s + f*s**2/2)*u**2/2 - a*s", "s u", "a f", name="bend")
    drift = 0.02
    width = np.sqrt(2 * drift)
    start = {"s": 0.0, "u": 1.1 * width}
    run = compile_map(GradientDescent().map(loss)).run(start, {"a": drift, "f": bend, "eta": ETA}, steps=12_000)
    s, u = run.final.values
    assert (np.hypot(s, abs(u) - width) > 0.1 * width) == grows


def test_the_iterates_differ_by_the_skew_of_the_loss_across_the_valley():
    low, high = hovering(-10, 4, 1).sharpness_at_iterates
    assert float(high - low) == pytest.approx(2 * float(hovering(-10, 4, 1).amplitude_squared) ** 0.5, rel=1e-12)
    assert len(set(hovering(-10, 4).sharpness_at_iterates)) == 1


@pytest.mark.parametrize("eta", [Rational(1, 20), Rational(1, 5), Rational(7, 10)])
def test_at_a_minimum_rounding_drives_nothing(eta):
    loss = Objective.from_text("log(cosh(1 - x*y))", "x y")
    minimum = minimum_at_edge(loss, eta, dict(zip(loss.weights, (2, 0.5), strict=True)), {}).weights
    for point in (minimum, {weight: float(value) for weight, value in minimum.items()}):
        form = edge_normal_form_at(loss, point, eta, Rational(1, 100), {})
        assert form.sharpening == 0
        with pytest.raises(BadInput, match="progressive sharpening"):
            Hovering(form, Rational(0))


def test_there_is_no_hovering_without_sharpening_or_where_the_pull_is_too_strong():
    point = dict(zip(LOSS.weights, (25, 0, 0), strict=True))
    still = edge_normal_form_at(LOSS, point, Rational(2, 25), Rational(1, 100), values(-10, 0))
    with pytest.raises(BadInput, match="progressive sharpening"):
        Hovering(still, PULL)
    other = Symbol("other", real=True)
    form = LocalEdgeNormalForm(
        Float(1), Float(6), slow=1, threshold=other, fourth=other, sharpening=Float(1), skew=other, tilt=other
    )
    with pytest.raises(Undecided, match="no cycle"):
        Hovering(form, Float(1))


SIXTH = Objective.from_text("s*u**2/2 + b*(s - 25)**2/2 - 10*u**4/24 + r*u**6/720", "s u", "b r", name="sixth")


def sixth(pull, sixth_derivative):
    """The excess on the floor, as predicted and as simulated; None if the run ends elsewhere."""
    values = dict(zip(SIXTH.parameters, (Rational(str(pull)), sixth_derivative), strict=True))
    point = dict(zip(SIXTH.weights, (20, 0), strict=True))
    run = compile_map(GradientDescent().map(SIXTH)).run(
        {"s": 20.0, "u": 0.1}, {"b": pull, "r": float(sixth_derivative), "eta": ETA}, steps=200_000
    )
    found = float(run.final.sel(state="s")) - 20 if run.period == 2 else None
    form = edge_normal_form_at(SIXTH, point, Rational(1, 10), Rational(1, 100), values)
    return Hovering(form, Rational(str(pull))), found


def test_inside_its_range_the_error_is_of_the_order_of_the_square_amplitude_and_as_large_as_the_next_order():
    """y* = 10δ²/6 − rδ⁴/120: the next order is a part rδ²/200 of the first."""
    errors = []
    for pull in (0.001, 0.004):
        cycle, found = sixth(pull, 1000)
        errors.append(1 - found / float(cycle.sharpness_on_floor - 20))
        assert float(cycle.neglected) == pytest.approx(errors[-1], rel=0.4)
    assert np.log(errors[1] / errors[0]) / np.log(4) == pytest.approx(1, abs=0.1)


def test_beyond_its_range_there_is_no_answer():
    """With the next order twice the first the cycle is below the edge; with half of the margin, no verdict."""
    with pytest.raises(Undecided, match=r"next order of the expansion is 1\.99 times the first"):
        sixth(0.002, 20000)
    cycle, _ = sixth(0.002, 6000)
    assert cycle.verdict == "undecided"
