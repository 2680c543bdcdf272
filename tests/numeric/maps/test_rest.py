"""A run at rest has converged near a fixed point, and is undecided on a plateau, on every scale."""

import math

import numpy as np
import pytest
import xarray as xr
from sympy import Float, Matrix, Rational, cos, sin, symbols, tanh

from eos_sym import STEP_SIZE as ETA
from eos_sym import GradientDescent, Map, Objective
from eos_sym.losses import LossFamily
from eos_sym.rules import HeavyBall, StochasticGradientDescent
from numeric import compile_map
from numeric.maps.rest import compile_displacement
from numeric.maps.stochastic import compile_maps

x, y = symbols("x y", real=True)


def end(loss, start, eta, steps=20_000, rule=None, **options):
    dynamics = (rule or GradientDescent()).map(
        Objective.from_text(loss, " ".join(name for name in start if name != "v"))
    )
    start = {symbol.name: float(start.get(symbol.name, 0)) for symbol in dynamics.state}
    return compile_map(dynamics).run(start, {"eta": eta, **options}, steps=steps)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_plateau_is_told_by_either_engine(engine):
    simulator = compile_map(GradientDescent().map(Objective.from_text("(tanh(x) - 1/2)**2/2", "x")))
    starts = xr.DataArray([-400.0, -20.0, -14.0, -1.0, math.atanh(0.5)], dims="start")
    run = simulator.run({"x": starts}, {"eta": 0.5}, steps=5000, engine=engine)
    assert run.outcome.values.tolist() == ["undecided"] * 3 + ["converged"] * 2
    assert run.step.values[:3].tolist() == [5000] * 3
    assert run.final.values[3, 0] == pytest.approx(math.atanh(0.5), abs=1e-10)


@pytest.mark.parametrize(
    ("loss", "start"),
    [
        ("1e-14*(x**2 - 1)**2/4", {"x": 2}),
        ("(x - 1)**50", {"x": 0.5}),
        ("x**10", {"x": 0.5}),
        ("x**4", {"x": 0.5}),
        ("(2*sigmoid(w) - 1)**2/2", {"w": -40}),
        ("(2*sigmoid(w) - 1)**2/2", {"w": -800}),
        ("(a*sigmoid(w) - 1)**2/2", {"a": 3, "w": -40}),
        ("(erf(w) - 1/2)**2", {"w": -7}),
        ("log(1 + exp(-x))", {"x": 40}),
        ("y**2 + (tanh(x) - 1/2)**2/2", {"x": -20, "y": 0.5}),
    ],
)
def test_short_steps_far_from_a_minimum_are_undecided(loss, start):
    run = end(loss, start, 0.5)
    assert (run.outcome.item(), run.period.item(), run.step.item()) == ("undecided", 0, 20_000)


@pytest.mark.parametrize("rule", [HeavyBall(), GradientDescent()])
def test_momentum_does_not_move_a_plateau(rule):
    settings = {"momentum": 0.9} if isinstance(rule, HeavyBall) else {}
    assert end("(tanh(x) - 1/2)**2/2", {"x": -20}, 0.5, rule=rule, **settings).outcome == "undecided"
    assert end("(tanh(x) - 1/2)**2/2", {"x": 0}, 0.5, rule=rule, **settings).outcome == "converged"


@pytest.mark.parametrize("scale", ["1e-14", "1e-200", "1", "1e12"])
def test_the_end_is_the_same_for_every_multiple_of_the_loss(scale):
    run = end(f"{scale}*(x**2 - 1)**2/4", {"x": 1.3}, 0.5 / float(scale))
    assert run.outcome == "converged"
    assert run.final.item() == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize(("eta", "outcome"), [(1e-17, "undecided"), (1e-13, "undecided"), (1e-3, "converged")])
def test_descent_on_a_quadratic_has_converged_only_where_it_had_the_time(eta, outcome):
    assert end("(x - 3)**2/2", {"x": 1}, eta, steps=30_000).outcome == outcome
    assert end("(x - 3)**2/2", {"x": 3}, eta).outcome == "converged"


@pytest.mark.parametrize("distance", [1e-13, 1e-30])
def test_a_run_leaves_a_saddle_however_slowly(distance):
    """At 0, the maximum of (x² − 1)²/4, x grows by 1 + η: after log(1/x₀)/log(1.01) steps it is of order 1."""
    run = end("(x**2 - 1)**2/4", {"x": distance}, 0.01)
    assert (run.outcome.item(), run.final.item()) == ("converged", pytest.approx(1, abs=1e-12))
    assert run.step.item() > math.log(1 / distance) / math.log(1.01)
    assert end("(x**2 - 1)**2/4", {"x": 0}, 0.01).outcome == "converged"  # it stays


@pytest.mark.parametrize("loss", ["x**10", "x**60", "(x - 1)**50"])
def test_a_start_at_a_degenerate_minimum_is_at_its_end(loss):
    run = end(loss, {"x": 1 if "- 1" in loss else 0}, 0.5)
    assert (run.outcome.item(), run.step.item()) == ("converged", 1)


def test_a_gradient_that_is_exactly_zero_is_told_from_one_that_underflows():
    assert end("relu(1 - x)**2/2", {"x": 3}, 0.3).outcome == "converged"
    assert end("relu(1 - x)**2/2*exp(-y**2) + y**2", {"x": 3, "y": 1}, 0.3).outcome == "converged"
    assert end("softplus(x)", {"x": -900}, 0.3).outcome == "undecided"


@pytest.mark.parametrize("loss", ["(1 - x*y)**2/2", "x**2*y**2/2 - x*y + 1/2", "x**2*y**2/2"])
def test_descent_to_a_manifold_of_minima_converges_though_nothing_contracts_along_it(loss):
    assert end(loss, {"x": 2, "y": 0.1}, 0.2).outcome == "converged"


@pytest.mark.parametrize("angle", [0, Rational(1, 3)])
@pytest.mark.parametrize(("slow", "outcome"), [("1e-10", "undecided"), ("1e-3", "converged")])
def test_a_slow_direction_shows_in_any_coordinates(angle, slow, outcome):
    """x and y contract by 1 − s and by 1/2 towards 1, turned by an angle; the slow steps are below the tolerance."""
    turn = Matrix([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]]).evalf()
    contraction = turn * Matrix([[1 - Float(slow), 0], [0, Rational(1, 2)]]) * turn.T
    step = Matrix([1, 1]) + contraction * Matrix([x - 1, y - 1])
    away = turn * Matrix([Rational(1, 1000), 1])
    run = compile_map(Map((x, y), (), tuple(step))).run(
        {"x": 1 + float(away[0]), "y": 1 + float(away[1])}, {}, steps=40_000
    )
    assert run.outcome.item() == outcome


p = (x * y) ** 2 - 1
WRITTEN = {
    "as a sum": (x - ETA * x * y**2 * p, y - ETA * x**2 * y * p),
    "as a product": (x * (1 - ETA * y**2 * p), y * (1 - ETA * x**2 * p)),
    "as products of sums": ((1 + x) * (1 - ETA * y**2 * p) - 1 + ETA * y**2 * p, -y * (ETA * x**2 * p - 1)),
    "over a denominator": (x * (1 + x - ETA * y**2 * p * (1 + x)) / (1 + x), y * (1 - ETA * x**2 * p)),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_the_displacement_keeps_its_digits_in_sums_products_and_quotients(written):
    """The steps of x, 10⁻¹⁵, are those between neighbouring floats: a difference F − θ in floats is noise."""
    step = WRITTEN[written]
    at = {x: Rational(11.7239474), y: Rational(1 / 11.7239474) + Rational(1, 10**13), ETA: Rational(0.0073)}
    found = compile_displacement(Map((x, y), (ETA,), step))(*map(float, at.values()))
    for moved, expression, start in zip(found, step, (x, y), strict=True):
        exact = (expression - start).subs({name: Rational(float(value)) for name, value in at.items()})
        assert float(moved) == pytest.approx(float(exact), rel=1e-3, abs=0)  # p is known to 10⁻¹⁶ of 10⁻¹²
        assert abs(exact) < 1e-10


@pytest.mark.parametrize("written", WRITTEN)
def test_an_end_just_below_the_edge_is_one_in_sums_products_and_quotients(written):
    """At the multiplier −1 + η²/2 rounding ends in a cycle of two floats, as wide as 10⁻¹² in y and 10⁻¹⁴ in x."""
    eta = 0.0106
    start = {"x": math.sqrt(1 / eta) + 0.02, "y": 1.02 / (math.sqrt(1 / eta) + 0.02)}
    run = compile_map(Map((x, y), (ETA,), WRITTEN[written])).run(start, {"eta": eta}, steps=2_000_000)
    assert run.outcome.item() == "converged"
    sharpness = 2 * float((run.final**2).sum())
    assert sharpness == pytest.approx(2 / eta - eta / 2 + 129 / 32 * eta**3, abs=1e-6)


def test_random_maps_on_a_plateau_have_not_converged():
    family = LossFamily("two plateaus", ((tanh(x) - Rational(1, 2)) ** 2, (tanh(x) - Rational(1, 4)) ** 2), (x,))
    simulator = compile_maps(StochasticGradientDescent(1).maps(family))
    run = simulator.run({"x": -25.0}, {"eta": 0.5}, steps=200, runs=3, seed=0)
    assert set(np.unique(run.outcome)) == {"undecided"}
