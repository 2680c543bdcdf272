"""The density of a spectrum against that of all eigenvalues; both of its errors by how often they hold the truth."""

import numpy as np
import pytest
import torch
from scipy.stats import binom
from scipy.stats import t as student

from eos_sym import BadInput
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.curvature.spectrum import spectral_density
from tests.numeric.networks.curvature.matrices import Matrix, spectrum

VALUES = np.r_[20.0, 15.0, 12.0, np.linspace(-1.0, 2.0, 117)]
WEIGHTS = torch.ones(120, dtype=torch.float64)
WIDTH, PROBES = 0.2, 5


def smooth(grid, values=VALUES, width=WIDTH):
    return np.exp(-(((grid[:, None] - values) / width) ** 2) / 2).mean(1) / (width * np.sqrt(2 * np.pi))


@pytest.fixture(scope="module")
def outliers():
    return TopEigenpairs(3, relative=1e-6).read(spectrum(VALUES), WEIGHTS)


@pytest.mark.parametrize("with_outliers", [False, True])
def test_probes_scatter_as_their_standard_error_says(with_outliers, outliers):
    """Nine tenths of intervals of Student's t hold the truth, but for what chance does; the rules are long enough."""
    matrix, trials, hits = spectrum(VALUES), 40, 0
    for seed in range(trials):
        found = spectral_density(
            matrix,
            WEIGHTS,
            width=WIDTH,
            probes=PROBES,
            products=20,
            seed=seed,
            known=outliers if with_outliers else None,
        )
        at = int(np.abs(found.eigenvalue.values - (-1.2 + 3.4 * seed / trials)).argmin())
        truth = smooth(found.eigenvalue.values[at : at + 1])[0]
        hits += abs(float(found.density[at]) - truth) <= student.ppf(0.95, PROBES - 1) * float(found.probe_error[at])
    low, high = binom.ppf([0.0005, 0.9995], trials, 0.9)
    assert low <= hits <= high, hits


@pytest.mark.parametrize("products", [10, 16])
def test_the_quadrature_s_error_is_estimated(products):
    """The same probes with all products have none; caught: an estimate that forgets a factor, or the probes' mean."""
    found, exact = (
        spectral_density(spectrum(VALUES), WEIGHTS, width=WIDTH, probes=PROBES, products=one) for one in (products, 120)
    )
    grid = found.eigenvalue.values
    error = np.abs(found.density.values - np.interp(grid, exact.eigenvalue, exact.density))
    known = found.quadrature_error.values
    rounding = 2e-3 * float(exact.density.max())  # of the interpolation between the grids
    assert (error <= 2 * known + rounding).mean() > 0.95
    assert known.max() < 50 * (error.max() + rounding)


def test_the_share_below_has_bounds(outliers):
    for seed in range(5):
        found = spectral_density(spectrum(VALUES), WEIGHTS, width=WIDTH, products=30, seed=seed, known=outliers)
        truth = (found.eigenvalue.values[:, None] >= VALUES).mean(1)
        slack = 4 * found.cumulative_error + 1e-9
        assert (found.lower - slack <= truth).all()
        assert (truth <= found.upper + slack).all()
        assert float((found.upper - found.lower).max()) < 0.2


def test_it_integrates_to_one_and_outliers_that_are_known_have_no_error(outliers):
    found = spectral_density(spectrum(VALUES), WEIGHTS, width=WIDTH, known=outliers)
    assert np.trapezoid(found.density, found.eigenvalue) == pytest.approx(1, abs=2e-3)
    beyond = found.sel(eigenvalue=slice(10, None))
    np.testing.assert_allclose(beyond.density, smooth(beyond.eigenvalue.values), atol=1e-6)
    assert float(beyond.probe_error.max()) < 1e-9


@pytest.mark.parametrize(
    "values", [[0.0], [-3.0], [0.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0, 0.0], [-1.0, -2.0, -3.0]], ids=str
)
def test_small_zero_deficient_and_negative_matrices_have_theirs(values):
    size = len(values)
    found = spectral_density(spectrum(np.array(values)), WEIGHTS[:size], width=WIDTH, probes=400, products=size)
    error = 5 * found.probe_error + 1e-9
    assert (np.abs(found.density - smooth(found.eigenvalue.values, np.array(values))) <= error).all()


def test_a_spectrum_of_which_all_is_known_needs_no_probe():
    matrix = spectrum(np.array([3.0, 1.0]))
    known = TopEigenpairs(2).read(matrix, WEIGHTS[:2])
    found = spectral_density(matrix, WEIGHTS[:2], width=WIDTH, known=known)
    np.testing.assert_allclose(found.density, smooth(found.eigenvalue.values, np.array([3.0, 1.0])), atol=1e-9)


def test_single_precision_is_as_good():
    matrix = spectrum(VALUES)
    exact, single = (
        spectral_density(Matrix(matrix.entries.to(dtype)), WEIGHTS.to(dtype), width=WIDTH, products=40)
        for dtype in (torch.float64, torch.float32)
    )
    other = np.interp(exact.eigenvalue, single.eigenvalue, single.density)
    np.testing.assert_allclose(other, exact.density, atol=2e-3 * float(exact.density.max()))  # of the interpolation


def test_what_is_refused_is_refused_with_the_remedy():
    with pytest.raises(BadInput, match="probes"):
        spectral_density(spectrum(VALUES), WEIGHTS, width=WIDTH, probes=1)
    with pytest.raises(BadInput, match="width"):
        spectral_density(spectrum(VALUES), WEIGHTS, width=0)
    with pytest.raises(BadInput, match="or the outliers as known"):
        spectral_density(spectrum(VALUES), WEIGHTS, width=1e-4)
