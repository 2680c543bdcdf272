"""``python -m analysis.edge_law``: its losses, its runs, and what its users see."""

import numpy as np
import pytest
from scipy.special import lambertw
from sympy import Rational

from analysis.edge_law.cases import cases, product_case, quartic_case
from eos_sym.reading import parse
from eos_sym.rules import STEP_SIZE
from numeric.runs import load
from tests.analysis.programs import document_of


@pytest.fixture(scope="module")
def losses():
    return {case.name: case for case in cases()}


def test_all_losses_are_self_stabilizing_at_minima_with_the_sharpness_of_the_edge(losses):
    for case in losses.values():
        weights, eigenvalues, _ = case.at(case.coordinate(0.0))
        at = dict(zip(case.objective.weights, map(float, weights), strict=True))
        assert max(abs(float(slope.subs(at))) for slope in case.objective.gradient) < 1e-12
        assert eigenvalues[-1] == pytest.approx(2 / float(case.step_size), rel=1e-12)
        assert case.form.kind == "self_stabilizing"


def test_the_excesses_span_three_decades_of_the_scaled_excess_together(losses):
    scaled = [case.excesses(5, 3e-4) * float(case.form.e) for case in losses.values()]
    assert min(values.min() for values in scaled) < 1e-2
    assert max(values.max() for values in scaled) == pytest.approx(10)


def test_the_prediction_is_lambert_w_as_scipy_knows_it(losses):
    case = losses["fast direction"]
    for scaled in (0.03, 1.0, 9.0):
        expected = -1 - lambertw(-(1 + scaled) * np.exp(-1 - scaled), 0).real
        e = float(case.form.e)
        assert case.predicted(scaled / e) * e == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["depth 4", "log-cosh", "fast direction"])
def test_gradient_descent_ends_within_the_neglected_terms_of_the_prediction(losses, name):
    case = losses[name]
    run = case.ends(np.array([0.5, 3.0]) / float(case.form.e))
    assert set(run.outcome.values) == {"converged"}
    assert (abs(run.end / run.predicted - 1) < run.neglected).all()
    assert (run.neglected < 0.1).all()


def test_what_is_neglected_at_depth_two_is_as_found_by_hand():
    """β = 4(S² − 4)/S and κ₄ = −96/S², so that σ/y₀ = η + (S² + 4)/(S(S² − 4)) + 2/S."""
    case, edge = product_case(2, Rational(1, 2)), 4.0
    by_hand = 0.5 + (edge**2 + 4) / (edge * (edge**2 - 4)) + 2 / edge
    assert case.neglected_rate == pytest.approx(by_hand, rel=1e-2)


def test_a_start_is_displaced_across_the_valley_alone():
    case = quartic_case(Rational(-15), Rational(1, 10))
    start = case.starts([0.5])
    assert float(start["s"][0]) == pytest.approx(20.5, abs=1e-12)
    assert 0 < abs(float(start["u"][0])) < 0.01


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("edge_law")


@pytest.fixture(scope="module")
def document(folder):
    return document_of("edge_law", folder)


@pytest.mark.slow
def test_no_claim_is_refuted_or_undecided_and_no_run_is_proved_to_follow_the_law(document):
    assert {claim["status"] for claim in document["claims"]} == {"proved", "supported"}
    proved = {claim["id"]: [part["status"] == "proved" for part in claim["parts"]] for claim in document["claims"]}
    assert {name: parts for name, parts in proved.items() if any(parts)} == {
        "coefficients": [True],
        "orbit": [True, True, False],
        "limits": [True, True, False],
        "hovering_cycle": [True, True, True],
    }


@pytest.mark.slow
def test_the_exact_cycle_alone_has_one_channel(document):
    channels = {claim["id"]: {one["channel"] for one in claim["evidence"]} for claim in document["claims"]}
    alone = [name for name, found in channels.items() if len(found) < 2]
    assert alone == ["hovering_cycle"]


@pytest.mark.slow
def test_every_piece_of_evidence_names_its_part(document):
    assert all(one["part"] for claim in document["claims"] for one in claim["evidence"])


@pytest.mark.parametrize(
    ("depth", "step_size", "excess", "predicted", "simulated"),
    [
        (4, "1/5", 0.05, -0.03441, -0.03448),
        (4, "1/5", 0.2, -0.06691, -0.06659),
        (4, "1/20", 2.0, -0.02457, -0.02450),
        (2, "1/5", 0.1, -0.09989, -0.10116),
    ],
)
def test_the_tabulated_ends_are_found_again(depth, step_size, excess, predicted, simulated):
    run = product_case(depth, Rational(step_size)).ends([excess])
    assert run.predicted.item() == pytest.approx(predicted, abs=5.1e-6)
    assert run.end.item() == pytest.approx(simulated, abs=1e-4)


@pytest.mark.slow
def test_the_closed_forms_are_read_back(document):
    terminal = parse(document["theory"]["products"]["depth 4"]["terminal_sharpness"], (STEP_SIZE,))
    assert float(terminal.subs(STEP_SIZE, Rational(1, 100))) == pytest.approx(200 - 0.005, abs=1e-5)


@pytest.mark.slow
def test_the_files_hold_what_was_found(document, folder):
    assert {path.name for path in folder.iterdir()} >= {"figure.png", "figure.pdf", "data.nc", "claims.json"}
    ends = load(folder / "data.nc")["ends"]
    assert set(ends.outcome.values.ravel()) == {"converged"}
