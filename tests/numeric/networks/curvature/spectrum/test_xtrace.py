"""Traces and diagonals against those of dense matrices; their standard errors by how often they hold the truth."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from eos_sym import BadInput, Undecided
from numeric.networks.curvature.spectrum import XTrace
from tests.numeric.networks.curvature.matrices import Matrix, spectrum

VALUES = np.r_[20.0, 15.0, 12.0, np.linspace(-1.0, 2.0, 117)]
GROUPS = {"first": torch.arange(40), "last": torch.arange(40, 120)}
SPECTRA = {
    "flat": np.linspace(1.0, 3.0, 90),
    "decaying": 1 / np.arange(1.0, 91.0),
    "one outlier": np.r_[100.0, np.linspace(1.0, 2.0, 89)],
    "indefinite": np.r_[20.0, 15.0, 12.0, np.linspace(-1.0, 2.0, 87)],
}
TRIALS, LEVEL, PRODUCTS = 100, 0.9, 24


def weights(size, dtype=torch.float64):
    return torch.ones(size, dtype=dtype)


@pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA)
@pytest.mark.parametrize("bounded", [False, True], ids=["without a bound", "with the least eigenvalue known"])
def test_it_is_unbiased_and_intervals_of_nine_tenths_hold_the_truth_seven_to_nine_times_in_ten(values, bounded):
    """Caught: an error of the samples in place of the mean's, a part that is exact left out or counted twice, a vector
    that is in its own basis, another length of w; the mean of the trials is within four of its standard errors."""
    matrix, least = spectrum(values), float(values.min()) if bounded else None
    diagonal = matrix.entries.diagonal()
    truths = {"trace": values.sum(), "square": (values**2).sum(), "block": float(diagonal[:40].sum())}
    groups = {"first": torch.arange(40)}
    quantile = student.ppf((1 + LEVEL) / 2, (PRODUCTS if bounded else PRODUCTS // 2) - 1)
    rows = []
    for seed in range(TRIALS):
        found = XTrace(matrix, weights(90), PRODUCTS, seed, least=least)
        one, entry = found.traces(groups), found.diagonal().isel(weight=7)
        rows.append(
            [(float(one[name]), float(one[f"{name}_error"])) for name in ("trace", "square")]
            + [(float(one.block_trace[0]), float(one.block_trace_error[0]))]
            + [(float(entry.diagonal), float(entry.diagonal_error))]
        )
    estimates, errors = np.moveaxis(np.array(rows), -1, 0)
    off = estimates - [*truths.values(), float(diagonal[7])]
    held = (np.abs(off) <= quantile * errors).mean(0)
    assert (np.abs(off.mean(0)) < 4 * off.std(0) / TRIALS**0.5).all()
    assert (held > 0.6).all(), held
    assert (held < 0.96).all(), held


def test_each_vector_is_left_out_of_a_basis_of_the_others_images():
    """By the definition, a basis for each: caught is a direction that is left in, or another length of w."""
    values = SPECTRA["indefinite"]
    matrix = spectrum(values)
    entries = matrix.entries
    vectors = torch.randn(10, 90, generator=torch.Generator().manual_seed(3), dtype=torch.float64).T
    told = []
    for place in range(10):
        others = torch.cat([vectors[:, :place], vectors[:, place + 1 :]], 1)
        basis = torch.linalg.qr(entries @ others).Q
        across = vectors[:, place] - basis @ (basis.T @ vectors[:, place])
        across = across / across.norm() * (90 - 9) ** 0.5
        told.append(float((basis.T @ entries @ basis).trace() + across @ entries @ across))
    assert float(XTrace(matrix, weights(90), 20, 3).traces().trace) == pytest.approx(np.mean(told), rel=1e-9)


@pytest.mark.parametrize("name", ["flat", "decaying", "one outlier"])
def test_of_positive_eigenvalues_a_bound_from_below_makes_the_error_of_the_trace_smaller(name):
    """Its distance from them has no error itself. Far below zero, as of the indefinite one, it is no better."""
    values = SPECTRA[name]
    matrix = spectrum(values)
    without, known, zero = (
        np.std([float(XTrace(matrix, weights(90), PRODUCTS, seed, least=least).traces().trace) for seed in range(60)])
        for least in (None, values.min(), 0.0)
    )
    assert known < without
    assert zero < without or name == "one outlier"


def test_a_bound_above_an_eigenvalue_is_refused():
    with pytest.raises(BadInput, match="least = 0: the matrix has eigenvalues below; give"):
        XTrace(spectrum(np.linspace(-1.0, 1.0, 50)), weights(50), PRODUCTS, least=0)


@pytest.mark.parametrize("least", [None, -1.0])
def test_the_diagonal_sums_to_the_trace_and_over_groups_to_theirs(least):
    found = XTrace(spectrum(VALUES), weights(120), seed=4, least=least)
    traces, diagonal = found.traces(GROUPS), found.diagonal().diagonal.values
    assert diagonal.sum() == pytest.approx(float(traces.trace), rel=1e-12)
    np.testing.assert_allclose([diagonal[:40].sum(), diagonal[40:].sum()], traces.block_trace, rtol=1e-12)


def test_it_errs_less_than_random_signs_alone_where_few_eigenvalues_dominate():
    """At equal products: Hutchinson's standard deviation is √(2(‖A‖² − Σ A_ii²)/m)."""
    matrix = spectrum(VALUES)
    errors = [float(XTrace(matrix, weights(120), 60, seed).traces().trace) - VALUES.sum() for seed in range(20)]
    alone = np.sqrt(2 * float(matrix.entries.square().sum() - matrix.entries.diagonal().square().sum()) / 60)
    assert np.sqrt(np.mean(np.square(errors))) < alone / 2


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(0, 4), st.integers(10, 30), st.booleans(), st.booleans())
def test_it_is_exact_of_a_matrix_of_low_rank(size, rank, products, negative, bounded):
    """Of two dimensions, zero, negative definite, above a bound of low rank; the errors then say that they vanish."""
    values = np.r_[np.arange(1.0, 1 + min(rank, size)), np.zeros(size - min(rank, size))]
    least, near = (-5.0 if negative else 0.0, 1e-8) if bounded else (None, 1e-10)
    values = values + least if bounded else -values if negative else values
    matrix = spectrum(values, seed=size)
    found = XTrace(matrix, weights(size), products, least=least)
    traces, diagonal = found.traces(), found.diagonal()
    assert float(traces.trace) == pytest.approx(values.sum(), abs=near)
    assert float(traces.square) == pytest.approx((values**2).sum(), abs=10 * near)
    np.testing.assert_allclose(diagonal.diagonal, matrix.entries.diagonal(), atol=near)
    assert float(traces.trace_error) < near
    assert float(diagonal.diagonal_error.max()) < near
    assert found.products <= products


def test_products_are_counted():
    matrix = spectrum(VALUES)
    found = XTrace(matrix, weights(120), products=50)
    assert found.products == matrix.evaluations == found.evaluations == 50


def test_single_precision_adds_a_millionth_of_the_sum_of_all_sizes():
    matrix = spectrum(VALUES)
    exact, single = (
        float(XTrace(one, weights(120, one.entries.dtype), 60).traces().trace)
        for one in (matrix, Matrix(matrix.entries.float()))
    )
    assert single == pytest.approx(exact, abs=1e-6 * np.abs(VALUES).sum())


def test_what_is_refused_is_refused_with_the_remedy():
    with pytest.raises(BadInput, match="products"):
        XTrace(spectrum(VALUES), weights(120), products=3)
    with pytest.raises(Undecided, match="not finite"):
        XTrace(Matrix(torch.full((3, 3), torch.nan)), weights(3, torch.float32))
