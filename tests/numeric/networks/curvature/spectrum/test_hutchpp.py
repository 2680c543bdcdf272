"""Traces and diagonals against those of dense matrices; their standard errors by how often they hold the truth."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from scipy.stats import t as student

from eos_sym import BadInput, Undecided
from numeric.networks.curvature.spectrum import Hutchpp
from tests.numeric.networks.curvature.matrices import Matrix, spectrum

VALUES = np.r_[20.0, 15.0, 12.0, np.linspace(-1.0, 2.0, 117)]
GROUPS = {"first": torch.arange(40), "last": torch.arange(40, 120)}
TRIALS, LEVEL = 200, 0.9


def weights(size, dtype=torch.float64):
    return torch.ones(size, dtype=dtype)


def plausible(hits, trials=TRIALS):
    """Whether as many hits are within what chance does to intervals of that level, but for one time in a thousand."""
    low, high = binom.ppf([0.0005, 0.9995], trials, LEVEL)
    return low <= hits <= high


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Caught: an error of the samples in place of the mean's, one of m − 2 samples, the exact part left out."""
    matrix = spectrum(VALUES)
    diagonal = matrix.entries.diagonal()
    truths = {"trace": VALUES.sum(), "square": (VALUES**2).sum(), "block_trace": float(diagonal[:40].sum())}
    hits, entries = dict.fromkeys(truths, 0), 0
    for seed in range(TRIALS):
        found = Hutchpp(matrix, weights(120), products=90, seed=seed)
        traces = found.traces(GROUPS)
        quantile = student.ppf((1 + LEVEL) / 2, 29)
        for name, truth in truths.items():
            value, error = (float(np.atleast_1d(traces[one])[0]) for one in (name, f"{name}_error"))
            hits[name] += abs(value - truth) <= quantile * error
        entry = found.diagonal().isel(weight=seed % 120)
        entries += abs(entry.diagonal - float(diagonal[seed % 120])) <= quantile * entry.diagonal_error
    assert plausible(hits["trace"]), hits
    assert plausible(hits["square"]), hits
    assert plausible(hits["block_trace"]), hits
    assert plausible(entries)


def test_the_diagonal_sums_to_the_trace_and_over_groups_to_theirs():
    found = Hutchpp(spectrum(VALUES), weights(120), seed=4)
    traces, diagonal = found.traces(GROUPS), found.diagonal().diagonal.values
    assert diagonal.sum() == pytest.approx(float(traces.trace), rel=1e-12)
    np.testing.assert_allclose([diagonal[:40].sum(), diagonal[40:].sum()], traces.block_trace, rtol=1e-12)


def test_it_errs_less_than_random_signs_alone_where_few_eigenvalues_dominate():
    """At equal products: Hutchinson's standard deviation is √(2(‖A‖² − Σ A_ii²)/m)."""
    matrix = spectrum(VALUES)
    errors = [float(Hutchpp(matrix, weights(120), 60, seed).traces().trace) - VALUES.sum() for seed in range(20)]
    alone = np.sqrt(2 * float(matrix.entries.square().sum() - matrix.entries.diagonal().square().sum()) / 60)
    assert np.sqrt(np.mean(np.square(errors))) < alone / 2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(0, 4), st.integers(15, 30), st.booleans())
def test_it_is_exact_of_a_matrix_whose_rank_is_no_more_than_a_third_of_the_products(size, rank, products, negative):
    """Of one dimension, zero, negative definite; the errors then say that they vanish."""
    values = np.r_[np.arange(1.0, 1 + min(rank, size)), np.zeros(size - min(rank, size))] * (-1 if negative else 1)
    matrix = spectrum(values, seed=size)
    found = Hutchpp(matrix, weights(size), products)
    traces, diagonal = found.traces(), found.diagonal()
    assert float(traces.trace) == pytest.approx(values.sum(), abs=1e-10)
    assert float(traces.square) == pytest.approx((values**2).sum(), abs=1e-10)
    np.testing.assert_allclose(diagonal.diagonal, matrix.entries.diagonal(), atol=1e-10)
    assert float(traces.trace_error) < 1e-10
    assert float(diagonal.diagonal_error.max()) < 1e-10
    assert found.products <= products


def test_products_are_counted():
    matrix = spectrum(VALUES)
    found = Hutchpp(matrix, weights(120), products=50)
    assert found.products == matrix.evaluations == found.evaluations == 50


def test_single_precision_adds_a_millionth_of_the_sum_of_all_sizes():
    matrix = spectrum(VALUES)
    exact, single = (
        float(Hutchpp(one, weights(120, one.entries.dtype), 60).traces().trace)
        for one in (matrix, Matrix(matrix.entries.float()))
    )
    assert single == pytest.approx(exact, abs=1e-6 * np.abs(VALUES).sum())


def test_what_is_refused_is_refused_with_the_remedy():
    with pytest.raises(BadInput, match="products"):
        Hutchpp(spectrum(VALUES), weights(120), products=3)
    with pytest.raises(Undecided, match="not finite"):
        Hutchpp(Matrix(torch.full((3, 3), torch.nan)), weights(3, torch.float32))
