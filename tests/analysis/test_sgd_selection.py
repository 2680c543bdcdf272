"""SGD leaves the minimum that GD keeps: the theory by hand, runs of both, and torch with the same draws."""

import sys

import numpy as np
import pytest
from sympy import Rational, sqrt

from analysis.sgd_selection import in_torch
from analysis.sgd_selection.__main__ import START, Options, gd, sgd
from analysis.sgd_selection.theory import derived, ended_at, linearized, per_step, rates
from analysis.study.options import read_command_line
from eos_sym import STEP_SIZE
from numeric.runs import load
from tests.analysis.programs import document_of


@pytest.fixture(scope="module")
def theory():
    return derived()


@pytest.fixture(scope="module")
def exponent_at(theory):
    return lambda step_size: float(rates(theory)(step_size)[0])


@pytest.fixture(scope="module")
def runs():
    return sgd(Options(), 0.7, 1000)


def test_the_theory_is_that_of_the_paper(theory, exponent_at):
    at, critical = {STEP_SIZE: Rational(7, 10)}, theory["critical_step_size"]
    assert float(theory["multiplier_of_gd"].subs(at)) == pytest.approx(-0.4)
    assert [float(multiplier.subs(at)) for multiplier in theory["multipliers_of_sgd"]] == [0.86, -1.66]
    assert float(theory["second_moment_multiplier"].subs(at)) == pytest.approx(1.7476)
    assert exponent_at(0.7) == pytest.approx(0.178, abs=1e-4)
    assert (critical["gradient_descent"], critical["sgd_mean_square"]) == (1, Rational(100, 181))
    assert (critical["sgd_almost_sure"] - 5 * (10 - sqrt(62)) / 19).simplify() == 0


def test_an_exponent_of_a_vanishing_multiplier_is_minus_infinity(exponent_at):
    assert exponent_at(5.0) == -np.inf


def test_all_runs_of_sgd_leave_and_gradient_descent_stays(runs):
    assert ended_at(runs, 0) == 200
    assert ended_at(runs, 1) == 0
    assert float(gd(0.7, 1000).final.squeeze()) == pytest.approx(1, abs=1e-12)


def test_the_loss_bursts_on_the_way(runs):
    start = runs.loss.isel(iteration=0)
    assert start.values == pytest.approx((1 - START) ** 2, rel=1e-9)
    assert (runs.loss.max("iteration") > 0.1).all()
    assert (runs.loss.isel(iteration=-1) < 1e-20).all()


def test_torch_repeats_a_run(runs):
    run = runs.isel(run=7)
    path = in_torch.path(START, 0.7, run.drawn.values, 100)
    assert path == pytest.approx(run.trajectory.values[:101, 0], abs=1e-9)
    assert in_torch.path(START, 0.7, None, 60)[-1] == pytest.approx(1, abs=1e-12)


def test_torch_sees_the_curvatures_at_one():
    assert in_torch.curvatures() == pytest.approx([0.2, 3.8], rel=1e-14)


def test_measured_rates_are_the_derived_ones(theory, exponent_at):
    measured = linearized([0.5, 0.65], 20_000, 10, 0)
    typical = [exponent_at(0.5), exponent_at(0.65)]
    assert per_step(measured.log_typical) == pytest.approx(typical, abs=0.01)
    squares = [float(theory["second_moment_multiplier"].subs(STEP_SIZE, eta)) for eta in (0.5, 0.65)]
    assert per_step(measured.log_root_mean_square) == pytest.approx(np.log(squares) / 2, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--eta", "1"], "--eta 1"), (["--eta", "-1/2"], "positive"), (["--runs", "3"], "--runs 3")],
)
def test_bad_input_is_named(arguments, named, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sgd_selection", *arguments])
    with pytest.raises(SystemExit) as ending:
        read_command_line("sgd_selection", Options)
    assert ending.value.code == 2
    assert named in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("eta", "selection", "burst"),
    [("0.7", "supported", True), ("0.3", "supported", False), ("0.5595", "undecided", False)],
)
def test_the_analysis_says_what_the_exponent_says(eta, selection, burst, tmp_path):
    document = document_of("sgd_selection", tmp_path, "--eta", eta, "--runs", "50")
    claims = {claim["id"]: claim for claim in document["claims"]}
    assert claims["sgd_selects"]["status"] == selection
    assert ("burst" in claims) == burst
    assert {claims[name]["status"] for name in claims if name != "sgd_selects"} <= {"proved", "supported"}
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in claims.values())
    assert set(load(tmp_path / "data.nc").children) == {"gd", "sgd", "ends", "moments", "growth"}
