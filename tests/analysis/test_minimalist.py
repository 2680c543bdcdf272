"""``python -m analysis.minimalist`` as its users see it."""

import json

import numpy as np
import pytest
from sympy import Symbol

from analysis.minimalist import __main__ as minimalist
from eos_sym import STEP_SIZE, Undecided
from eos_sym.reading import parse
from numeric.runs import load
from tests.analysis.programs import document_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("minimalist")


@pytest.fixture(scope="module")
def document(folder):
    return document_of("minimalist", folder)


@pytest.fixture(scope="module")
def data(document, folder):
    return load(folder / "data.nc")


def test_no_claim_is_refuted_or_undecided(document):
    assert {claim["status"] for claim in document["claims"]} == {"proved", "supported"}


def test_every_claim_rests_on_two_channels(document):
    for claim in document["claims"]:
        assert len({evidence["channel"] for evidence in claim["evidence"]}) >= 2, claim["id"]


def test_what_is_proved_is_proved_in_all_its_parts_and_the_ends_of_runs_never_are(document):
    proved = {claim["id"]: len(claim["parts"]) for claim in document["claims"] if claim["status"] == "proved"}
    assert proved == {
        "gradient_descent_map": 1,
        "symmetric_subspace": 2,
        "product_map": 1,
        "no_progressive_sharpening": 3,
        "minima": 2,
        "sharpness_at_minima": 1,
        "small_eigenvalues": 1,
        "series_of_1_step": 1,
        "series_of_2_steps": 1,
        "parabola": 2,
        "two_cycles_are_balanced": 1,
        "symmetric_two_cycle": 2,
        "asymmetric_two_cycles": 2,
    }


def test_every_piece_of_evidence_names_its_part(document):
    assert all(one["part"] for claim in document["claims"] for one in claim["evidence"])


def test_exact_results_are_texts_that_the_parser_reads_back(document):
    symbols = [STEP_SIZE, *(Symbol(name, real=True) for name in ("a", "b", "kappa", "r", "x", "y", "z", "w"))]
    theory = document["theory"]
    assert parse(theory["terminal_sharpness"], symbols) == 2 / STEP_SIZE - STEP_SIZE / 2 + 129 * STEP_SIZE**3 / 32
    for expression in [theory["loss"], *theory["map"].values(), *theory["two_steps"].values(), theory["parabola"]["a"]]:
        assert parse(expression, symbols).free_symbols


def test_every_simulated_run_ends_below_the_edge_and_within_the_theorem_s_bound(data):
    for group in ("reference", "terminal_gap"):
        run = data[group]
        assert np.all(run.final_sharpness < 2 / run.eta)
        assert np.all(run.final_sharpness > 2 / run.eta - 20 * run.eta / 3)


def test_the_data_say_what_produced_them(document, data):
    assert json.loads(data.attrs["configuration"]) == document["parameters"]
    assert json.loads(data.attrs["versions"]) == document["versions"]


def test_where_a_start_does_not_converge_its_end_is_missing(data):
    grid = data["initializations"]
    assert set(np.unique(grid.outcome)) >= {"converged", "diverged"}
    assert np.array_equal(np.isnan(grid.final_sharpness), grid.outcome != "converged")
    assert np.isfinite(grid.final).all()


@pytest.mark.usefixtures("in_pixels")
def test_a_start_that_diverges_is_drawn_without_a_warning(tmp_path):
    document_of("minimalist", tmp_path, "--start", "x=9", "y=3")
    assert set(load(tmp_path / "data.nc")["trajectories"].outcome.values) == {"diverged"}


@pytest.mark.fault(
    "not a number", "the end of a run that came to none", "the claim is undecided, and says at which step size"
)
def test_a_run_without_an_end_refutes_nothing_and_supports_nothing(data):
    runs = data["terminal_gap"].to_dataset()
    found = minimalist.depths(runs)
    assert 0 < float(found.min()) < float(found.max()) < 20 / 3
    with pytest.raises(Undecided, match=r"no end within 5,000,000 iterations at η = 0\.02$"):
        minimalist.depths(runs.assign(final_sharpness=runs.final_sharpness.where(runs.eta > 0.021)))
