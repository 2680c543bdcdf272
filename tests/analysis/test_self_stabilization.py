"""``python -m analysis.self_stabilization`` as its users see it, and its constrained trajectory against formulas."""

import sys

import numpy as np
import pytest
from scipy.optimize import minimize
from sympy import symbols

from analysis.self_stabilization.__main__ import Options
from analysis.self_stabilization.constrained import Geometry, follow
from analysis.self_stabilization.runs import ETA, START
from analysis.self_stabilization.theory import TWO_EXAMPLES
from analysis.study.figure import FILES
from analysis.study.options import read_command_line
from eos_sym import Objective
from numeric.runs import load
from tests.analysis.programs import document_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("self_stabilization")


@pytest.fixture(scope="module")
def document(folder):
    return document_of("self_stabilization", folder)


@pytest.mark.slow
def test_every_claim_holds_on_two_channels(document):
    for claim in document["claims"]:
        assert claim["status"] in {"proved", "supported"}, claim["id"]
        assert len({evidence["channel"] for evidence in claim["evidence"]}) >= 2, claim["id"]


@pytest.mark.slow
def test_what_only_runs_show_is_not_called_proved(document):
    assert all(evidence["part"] for claim in document["claims"] for evidence in claim["evidence"])
    assert {claim["id"]: [part["status"] == "proved" for part in claim["parts"]] for claim in document["claims"]} == {
        "predicted_dynamics": [True, False, False],
        "reduced_map": [True, True],
        "continuous_limit": [True, False],
        "conserved": [True],
        "drift": [True, False],
        "period": [True, False],
        "extremes": [True],
        "means": [True, False],
        "stages": [True, False],
        "two_cycle": [True, True],
        "damped_two_cycle": [True, True, False],
        "damped_stability": [True, False],
        "accuracy": [False],
        "loss": [False, False, False],
    }


@pytest.mark.slow
def test_the_table_of_the_damped_equilibrium_is_met_by_simulation(document):
    (claim,) = (claim for claim in document["claims"] if claim["id"] == "damped_two_cycle")
    observed = [evidence["observed"] for evidence in claim["evidence"] if evidence["channel"] == "simulation"]
    assert observed == pytest.approx([0.0331126, 0.0980392], abs=5e-8)


@pytest.mark.slow
def test_the_files_hold_the_runs_and_the_figure(document, folder):
    assert {path.name for path in folder.glob("[!.]*")} == {*FILES, "data.nc", "claims.json"}
    data = load(folder / "data.nc")
    path = data["predicted"].isel(run=0)
    scale = float(np.sqrt(2 * path.alpha / path.beta).mean())
    assert float(abs(path.x_simulated - path.x_predicted)[:500].max()) < 0.2 * scale
    assert float(data["training"].sharpness.mean()) == pytest.approx(2 / ETA, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mu", "1/10"), "at most 1/1000"),
        (("--steps", "60000"), "at most 50000"),
    ],
)
def test_bad_options_are_one_line(arguments, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["self_stabilization", *arguments])
    with pytest.raises(SystemExit) as ending:
        read_command_line("self_stabilization", Options)
    said = capsys.readouterr()
    assert (ending.value.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1


def test_the_projection_is_the_nearest_point_that_scipy_finds():
    geometry = Geometry(TWO_EXAMPLES, {"mu": np.array([1e-3])}, ETA)
    start = np.array([[0.3, 4.2, 4.6]])
    nearest, frame, binds = geometry.project(start, np.ones_like(start), start)
    assert binds.all()
    assert frame.sharpness == pytest.approx(20, rel=1e-9)
    assert abs(np.einsum("ri,ri->r", frame.top, frame.gradient)).max() < 1e-9

    def on_edge(point):
        found = geometry.frame(point[None], np.ones((1, 3)))
        return [float(found.sharpness[0] - 20), float(found.top[0] @ found.gradient[0])]

    constraint = {"type": "eq", "fun": on_edge}
    found = minimize(
        lambda point: ((point - start[0]) ** 2).sum(), nearest[0] + 0.01, constraints=[constraint], tol=1e-12
    )
    assert found.x == pytest.approx(nearest[0], abs=1e-6)


def test_below_the_edge_only_the_slope_along_the_top_eigenvector_is_projected_away():
    geometry = Geometry(TWO_EXAMPLES, {"mu": np.array([1e-4])}, ETA)
    start = np.array([[*START.values()]])
    _, frame, binds = geometry.project(start, np.ones_like(start), start)
    assert not binds.any()
    assert frame.sharpness[0] < 20
    assert abs(float(frame.top[0] @ frame.gradient[0])) < 1e-9


def test_on_a_loss_without_neglected_terms_the_prediction_is_gradient_descent_itself():
    """On ½su² − αs, M is s = 2/η, u = 0, and nothing but the kept terms is there."""
    u, s, alpha = (*symbols("u s", real=True), symbols("alpha", positive=True))
    geometry = Geometry(
        Objective("slice", s * u**2 / 2 - alpha * s, (u, s), (alpha,)), {"alpha": np.array([0.04])}, 0.1
    )
    start = np.array([[0.0, 20.0 + 1e-9]])
    path = follow(geometry, start, np.array([[0.2, 0.1]]), 200).isel(run=0)
    assert np.allclose(path.constrained, [0, 20])
    x, y = 0.2, 0.1
    for step in range(200):
        assert path.predicted.isel(iteration=step).values == pytest.approx([x, y], abs=1e-7)
        x, y = -(1 + 0.1 * y) * x, y + 0.1 * (0.04 - x**2 / 2)
