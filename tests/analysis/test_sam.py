"""SAM's edge, its two-cycles and its drift: by hand, by runs, and by torch."""

import sys

import numpy as np
import pytest
from sympy import Rational, Symbol, simplify, symbols

from analysis.sam import theory
from analysis.sam.__main__ import Options, study
from analysis.sam.runs import (
    LOSS,
    PRODUCTS,
    ends,
    hovering,
    near_minimum,
    predicted,
    torch_path,
    torch_sharpness,
    two_cycles,
)
from analysis.sam.theory import GRADIENT_NORM, SHARPNESS, first, second
from analysis.study.options import read_command_line
from eos_sym import STEP_SIZE, Objective
from eos_sym.rules import RADIUS, RULES
from numeric import compile_map, compile_sharpness
from tests.analysis.programs import document_of


@pytest.fixture(scope="module")
def cycle():
    return theory.cycle()


@pytest.fixture(scope="module")
def normalized_edge():
    return theory.normalized_edge(theory.edge())


def test_sam_is_unstable_everywhere_above_its_edge():
    assert theory.verdict_beyond_the_edge() == "unstable"
    critical = float(theory.edge().subs({STEP_SIZE: 0.1, RADIUS: 0.02}))
    for sharpness in critical * np.array([1.001, 2, 50]):
        assert abs(1 - 0.1 * sharpness * (1 + 0.02 * sharpness)) > 1


def test_the_amplitude_puts_the_sharpness_at_the_edge(cycle, normalized_edge):
    assert simplify(cycle.amplitude - STEP_SIZE * RADIUS * first / (2 - STEP_SIZE * first)) == 0
    at = {STEP_SIZE: Rational(1, 10), RADIUS: Rational(1, 20), first: 12}
    norm = (first * cycle.amplitude).subs(at)
    assert normalized_edge.subs({**at, GRADIENT_NORM: norm}).simplify() == 12


def test_the_multipliers_are_those_of_finite_differences(cycle):
    at = {STEP_SIZE: 0.1, RADIUS: 0.05, first: 12.0, second: 7.0}
    step = 1e-6

    def moved(along, across):
        gradient = np.array([12 * along, 7 * across])
        uphill = np.array([along, across]) + 0.05 * gradient / np.linalg.norm(gradient)
        return np.array([along, across]) - 0.1 * np.array([12, 7]) * uphill

    c = float(cycle.amplitude.subs(at))
    assert moved(c, 0) == pytest.approx([-c, 0], abs=1e-15)
    slopes = (moved(c + step, 0) - moved(c - step, 0))[0], (moved(c, step) - moved(c, -step))[1]
    assert [float(m.subs(at)) for m in (cycle.along, cycle.across)] == pytest.approx(
        np.array(slopes) / (2 * step), rel=1e-8
    )


def test_only_the_two_cycle_on_the_top_eigenvector_is_stable(cycle):
    excess = Symbol("excess", positive=True)
    assert cycle.stability(1 / (1 + excess)).verdict({}) == "stable"
    assert cycle.stability(1 + excess).verdict({}) == "unstable"


def test_random_starts_end_on_the_two_cycle_of_the_top_eigenvector():
    runs = two_cycles(Options(seed=5))
    assert (runs.period == 2).all()
    assert runs["size"].sel(state="theta1").values == pytest.approx(
        np.broadcast_to(PRODUCTS / (2 - PRODUCTS), (5, len(PRODUCTS))).T, rel=1e-8
    )
    assert float(runs["size"].sel(state="theta2").max()) < 1e-9


def test_the_starts_are_at_the_sharpness_they_are_asked_for():
    point = near_minimum(18.0)
    exact = [point["x"], 1 / point["x"]] * 2
    assert torch_sharpness(np.array(exact)) == pytest.approx(18, rel=1e-12)


def test_sam_ends_just_below_its_own_edge_and_flatter_than_gradient_descent():
    runs = ends(0.1)
    radius = runs.radius.values
    edge = (np.sqrt(1 + 8 * radius / 0.1) - 1) / (2 * radius)
    ratios = runs.sam.values / edge
    assert (ratios < 1).all()
    assert (ratios > 0.99).all()
    assert float(runs.gd) < 20
    assert (runs.sam < runs.gd).all()
    assert (np.diff(runs.sam) < 0).all()


@pytest.mark.parametrize("name", ["gradient_descent", "sam", "sam_unnormalized"])
def test_torch_takes_the_same_steps(name):
    start = near_minimum(12.0)
    dynamics = RULES[name].map(LOSS)
    wanted = {str(symbol): {"eta": 0.1, "rho": 0.01}[str(symbol)] for symbol in dynamics.parameters}
    run = compile_map(dynamics).run(start, wanted, steps=200, record_every=1)
    assert torch_path(name, 0.1, 0.01, start, 200) == pytest.approx(run.trajectory.values, abs=1e-10)


def test_the_flattening_is_that_of_the_formula_by_hand(cycle):
    by_hand = -8 * STEP_SIZE * RADIUS**2 * (SHARPNESS**2 - 16) / (SHARPNESS * (2 - STEP_SIZE * SHARPNESS) ** 2)
    assert simplify(theory.flattening(cycle) - by_hand) == 0


def test_normalized_sam_hovers_at_its_edge_and_flattens_as_derived(cycle, normalized_edge):
    run = hovering(normalized_edge, 0.1, 0.005, Options())
    later = run.isel(iteration=slice(400, None))
    assert (later.sharpness / later.edge).values == pytest.approx(1, abs=2e-3)
    found = predicted(theory.flattening(cycle), run, 0.1, 0.005)
    change = float(run.sharpness[-1] - run.sharpness.sel(iteration=found.iteration[0]))
    assert float(found[-1] - found[0]) == pytest.approx(change, rel=0.01)


def test_the_flattening_holds_on_another_loss():
    """On ½(1 + x²)y² the minima are y = 0 with λ = 1 + x² and ∇_Γλ = 2x: x moves by −4ηρ²x/(2 − ηλ)² a step."""
    x, y = symbols("x y", real=True)
    loss = Objective("valley", (1 + x**2) * y**2 / 2, (x, y))
    eta, rho, steps = 0.2, 0.002, 4000
    run = compile_map(RULES["sam"].map(loss)).run(
        {"x": 1.5, "y": 0.001}, {"eta": eta, "rho": rho}, steps=steps, record_every=1
    )
    path = run.trajectory.sel(state="x").values[500:]
    middle = (path[0] + path[-1]) / 2
    expected = -4 * eta * rho**2 * middle / (2 - eta * (1 + middle**2)) ** 2
    assert (path[-1] - path[0]) / (steps - 500) == pytest.approx(expected, rel=0.02)
    assert float(compile_sharpness(loss).along(run)[-1]) < 3.25


@pytest.mark.parametrize(("arguments", "named"), [(["--eta", "0.3"], "--eta"), (["--rho", "0"], "--rho")])
def test_bad_input_is_named(arguments, named, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sam", *arguments])
    with pytest.raises(SystemExit) as ending:
        read_command_line(study.name, Options)
    assert ending.value.code == 2
    assert named in capsys.readouterr().err


@pytest.mark.slow
def test_every_claim_holds_on_two_channels(tmp_path):
    document = document_of("sam", tmp_path)
    assert {claim["status"] for claim in document["claims"]} == {"supported"}  # each has a part seen in runs alone
    with_proof = [one["id"] for one in document["claims"] if "proved" in {part["status"] for part in one["parts"]}]
    assert with_proof == ["sam_edge", "two_cycle", "alignment"]
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in document["claims"])
