"""The table of rules: measured boundaries and torch's optimizers against the formulas typed here."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from analysis.momentum.__main__ import NORMALIZED, Options, boundaries, normalized_rules, sides, study
from analysis.momentum.__main__ import critical as derived_sharpness
from analysis.momentum.runs import edge, family_edge, parameters, sgd, torch_growth
from analysis.study.options import read_command_line
from tests.analysis.programs import document_of

FORMULAS = {
    "gradient_descent": lambda eta, beta, rho: 2 / eta,
    "heavy_ball": lambda eta, beta, rho: (2 + 2 * beta) / eta,
    "nesterov": lambda eta, beta, rho: (2 + 2 * beta) / (eta * (1 + 2 * beta)),
    "preconditioned_momentum": lambda eta, beta, rho: (2 + 2 * beta) / (eta * (1 - beta)),
    "sam_unnormalized": lambda eta, beta, rho: (np.sqrt(1 + 8 * rho / eta) - 1) / (2 * rho),
}
ETA, BETA, RATIO = 0.05, 0.8, 0.4
OPTIONS = Options(eta=(Fraction(1, 20),), momentum=(Fraction(1, 5), Fraction(4, 5)))


@pytest.fixture(scope="module")
def critical():
    return derived_sharpness()


def test_the_edges_are_those_of_the_formulas(critical):
    values = parameters([ETA], [BETA], [RATIO])
    for name, formula in FORMULAS.items():
        expected = formula(ETA, BETA, RATIO * ETA)
        assert float(edge(critical[name], values).squeeze()) == pytest.approx(expected, rel=1e-14)


def test_the_measured_boundaries_are_the_derived_ones(critical):
    found = boundaries(critical, OPTIONS)
    for name in FORMULAS:
        assert found[name].values == pytest.approx(1, abs=1e-3)


def test_runs_on_the_two_sides_end_differently(critical):
    found = sides(critical, OPTIONS)
    for name in FORMULAS:
        assert set(found[name].sel(side="below").values.ravel()) == {"converged"}
        assert set(found[name].sel(side="above").values.ravel()) == {"diverged"}


@pytest.mark.parametrize("name", FORMULAS)
def test_torch_s_optimizers_have_the_same_edges(name):
    parameter = RATIO * ETA if name == "sam_unnormalized" else BETA
    limit = FORMULAS[name](ETA, BETA, RATIO * ETA)
    assert [torch_growth(name, ETA, parameter, side * limit) for side in (0.97, 1.03)] == ["shrinks", "grows"]


def test_normalized_rules_oscillate_at_any_sharpness():
    runs = normalized_rules()
    assert {str(outcome) for name in NORMALIZED for outcome in runs[name].values} == {"periodic"}


def test_sgd_s_second_moment_turns_at_the_formula():
    variance = np.var([0.2, 0.4, 0.6, 1.2, 1.6, 2.0])
    assert family_edge(2) == pytest.approx(20 / (1 + variance * 4 / (2 * 5)), rel=1e-14)
    found = sgd(Options())
    assert (found.rate.sel(relative=0.95) < 0).all()
    assert (found.rate.sel(relative=1.05) > 0).all()
    assert (found.measured / found.derived).values == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--momentum", "1"], "0.999"),
        (["--momentum", "0"], "above 0"),
        (["--momentum", "1/2", "0.5"], "once"),
        (["--eta", "0"], "positive"),
    ],
)
def test_bad_input_is_named(arguments, named, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["momentum", *arguments])
    with pytest.raises(SystemExit) as ending:
        read_command_line(study.name, Options)
    assert ending.value.code == 2
    assert named in capsys.readouterr().err


@pytest.mark.slow
def test_the_whole_table_is_proved_and_what_is_not_in_it_supported(tmp_path):
    document = document_of("momentum", tmp_path)
    status = {claim["id"]: claim["status"] for claim in document["claims"]}
    assert status == {**dict.fromkeys([*FORMULAS, "sgd_mean_square"], "proved"), "normalized": "supported"}
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in document["claims"])
