"""The spectrum at the edge: planted spectra and answers support what they should, and others refute it."""

import numpy as np
import pytest
import xarray as xr

from analysis.spectrum.__main__ import before_the_largest_ratio, in_the_upper_group, study
from analysis.study.work import verdicts
from tests.analysis.programs import document_of

VALUES = np.r_[20.0, np.linspace(12.0, 8.0, 8), np.linspace(0.2, -0.1, 91)]


def spectra(values=VALUES, more=0.0, shift=0.0, slow=0.7, apart=0.02, slow_apart=0.1, error=0.1):
    """One criterion, whose share of eigenvalues is known to a hundredth, but for a shift."""
    grid = np.linspace(-1, 21, 500)
    share = (values <= grid[:, None]).mean(1) + shift
    traces = {"trace": values.sum() + more, "trace_error": error, "square": (values**2).sum(), "square_error": 1.0}
    scalars = traces | {
        "end_distance": 0.5,
        "slow_lower": slow - slow_apart / 2,
        "slow_upper": slow + slow_apart / 2,
        "slow_dense": slow,
    }
    along = {"lower": share - apart / 2, "upper": share + apart / 2, "cumulative_error": 0.01 + 0 * share, "grid": grid}
    one = xr.Dataset(
        scalars
        | {name: ("point", values) for name, values in along.items()}
        | {"eigenvalues": ("number", values), "gauss_newton": ("number", 1.02 * values)}
    )
    return one.expand_dims(criterion=["mse"])


def responses(displaced=1.0, answer=1.0, apart=2e-9):
    """A kernel that decays, and what was measured over what it says."""
    time, step = np.arange(10), np.arange(1, 10)
    kernel = 0.9**time
    along = {"kernel": kernel, "lower": kernel - apart / 2, "upper": kernel + apart / 2, "dense": kernel}
    one = xr.Dataset(
        {name: ("time", values) for name, values in along.items()}
        | {"displaced": ("time", displaced * kernel)}
        | {"answer": ("step", -answer * step), "predicted": ("step", -1.0 * step)},
        {"time": time, "step": step},
    )
    return one.expand_dims(criterion=["mse"])


def status(found=None, answers=None):
    known = verdicts(study, spectra=spectra() if found is None else found, responses=answers or responses())
    return {name: [part.status for part in verdict.parts] for name, verdict in known.items()}


def test_what_is_as_said_supports_every_part():
    assert {one for parts in status().values() for one in parts} == {"supported"}


def test_a_share_beyond_its_bounds_and_a_trace_beyond_its_error_are_refuted():
    assert status(spectra(shift=0.1))["told_by_products"] == ["refuted", "supported", "supported"]
    assert status(spectra(more=1.0))["told_by_products"] == ["supported", "refuted", "supported"]


def test_little_that_is_slow_refutes_that_half_is():
    assert status(spectra(slow=0.3))["slow_modes"] == ["supported", "refuted"]


@pytest.mark.parametrize(("given", "claim"), [({"displaced": 1.05}, "kernel"), ({"answer": 1.3}, "kicked")])
def test_an_answer_that_is_another_refutes_the_kernel(given, claim):
    assert status(answers=responses(**given))[claim][-1] == "refuted"


def test_eigenvalues_stand_out_by_the_largest_ratio_and_by_the_likeliest_groups():
    """One that is far above all others is the largest ratio, and no group of nine."""
    assert before_the_largest_ratio(VALUES) == in_the_upper_group(VALUES) == 9
    assert before_the_largest_ratio(np.array([5.0, 4.0, 1e-9, -1.0])) == 2
    alone = np.r_[200.0, np.linspace(12.0, 11.0, 8), np.linspace(1.2, 1.0, 40)]
    assert before_the_largest_ratio(alone) == 1
    assert in_the_upper_group(alone) == 9


def test_where_the_detectors_disagree_that_so_many_stand_out_is_refuted():
    alone = np.r_[200.0, np.linspace(12.0, 11.0, 8), np.linspace(1.2, 1.0, 91)]
    assert status(spectra(alone))["outliers"][:2] == ["refuted", "refuted"]


@pytest.mark.parametrize(
    ("given", "claim"),
    [({"apart": 0.6}, "told_by_products"), ({"slow_apart": 0.5}, "slow_modes"), ({"error": 100.0}, "told_by_products")],
    ids=["shares of eigenvalues", "share of slow modes", "trace"],
)
def test_bounds_that_hold_anything_decide_nothing(given, claim):
    assert "undecided" in status(spectra(**given))[claim]


def test_a_kernel_between_bounds_that_hold_anything_is_undecided():
    assert status(answers=responses(apart=0.5))["kernel"] == ["undecided", "supported"]


@pytest.mark.slow
def test_the_defaults_refute_nothing_but_what_is_under_test(tmp_path):
    claims = document_of("spectrum", tmp_path)["claims"]
    assert all(claim["status"] == "supported" for claim in claims if not claim["open"])
    assert {path.name for path in tmp_path.iterdir()} >= {"claims.json", "data.nc", "figure.pdf", "figure.png"}
